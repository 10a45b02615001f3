# SPDX-License-Identifier: MIT
"""Tracks and vessels in case files: what is refused, with which code, and the resolved record."""

from pathlib import Path

import pytest

from cases.errors import CaseError, ExitCode
from cases.reading.load import load_case
from cases.reading.resolve import write_resolved
from solver.parameters.lines import Backflow
from tests.case_files import SHIPPED
from tests.test_vessel_lines import write_network

pytestmark = pytest.mark.serial
BACKFLOW, VEIN = SHIPPED / "backflow.toml", SHIPPED / "draining_vein.toml"


def refused(file: Path, *overrides: str) -> CaseError:
    with pytest.raises(CaseError) as caught:
        load_case(file, overrides)
    return caught.value


def test_a_track_needs_a_needle() -> None:
    error = refused(BACKFLOW, "geometry.kind=radial")
    assert error.code == ExitCode.INVALID
    assert "a radial case has no needle's shaft" in str(error)


def test_a_vessel_needs_space() -> None:
    error = refused(VEIN, "geometry.kind=axisymmetric")
    assert error.code == ExitCode.INVALID
    assert "a axisymmetric case has no place for a single vessel" in str(error)


def test_keys_of_the_track() -> None:
    found = load_case(BACKFLOW, ("backflow.viscosity=1 mPa s", "backflow.residual_gap=2 um")).model.backflow
    assert found == Backflow(prestress=7e3, exit_distance=0.05, viscosity=1e-3, residual_gap=2e-6)
    assert "out of range" in str(refused(BACKFLOW, "backflow.prestress=-1 Pa"))


def with_vessel(tmp_path: Path, table: str) -> Path:
    """The shipped case of a vein with another vessel."""
    text = VEIN.read_text()
    start, end = text.index("[[vessel_lines]]"), text.index("[numerics]")
    path = tmp_path / "case.toml"
    path.write_text(text[:start] + f"[[vessel_lines]]\n{table}\n\n" + text[end:])
    return path


REST = 'pressures = ["4 kPa", "2 kPa"]\npermeability = "1e-6 m/s"'


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('points = [["0 mm", "0 mm", "0 mm"], ["9 mm", "0 mm", "0 mm"]]', "vessel_lines[0].radius: missing"),
        ('radius = "1 mm"', "give points and radius, or a file"),
        ('file = "y.vtp"\nflow_direction = [1, 0, 0]', "length_unit: missing; the file does not say"),
        ('file = "y.vtp"\nlength_unit = "1 um"', "flow_direction: missing"),
        ('file = "y.vtp"\nlength_unit = "1 um"\nflow_direction = [0, 0, 0]', "is zero; expected a direction"),
        ('file = "y.stl"\nlength_unit = "1 um"\nflow_direction = [1, 0, 0]', "expected centre lines"),
    ],
)
def test_what_a_vessel_needs(tmp_path: Path, table: str, message: str) -> None:
    write_network(tmp_path / "y.vtp", (10.0, 8.0, 6.0, 8.0, 0.0, 3.0, 3.0))
    error = refused(with_vessel(tmp_path, f"{table}\n{REST}"))
    assert error.code == ExitCode.INVALID
    assert message in str(error)


def test_a_network_comes_from_its_file_and_into_the_record(tmp_path: Path) -> None:
    table = f'file = "y.vtp"\nlength_unit = "1 um"\nflow_direction = [1, 0, 0]\n{REST}'
    path = with_vessel(tmp_path, table)
    assert refused(path).code == ExitCode.MISSING_INPUT
    write_network(tmp_path / "y.vtp", (10.0, 8.0, 6.0, 8.0, 0.0, 3.0, 3.0))
    case = load_case(path)
    (line,) = case.model.vessel_lines
    assert len(line.places) == 4
    assert sorted(pressure for _, pressure in line.ends) == [2e3, 2e3, 4e3]
    write_resolved(case, tmp_path / "resolved.toml")
    assert load_case(tmp_path / "resolved.toml").model == case.model


def test_the_record_of_a_track(tmp_path: Path) -> None:
    case = load_case(BACKFLOW)
    write_resolved(case, tmp_path / "resolved.toml")
    assert load_case(tmp_path / "resolved.toml").model == case.model

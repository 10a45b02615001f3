# SPDX-License-Identifier: MIT
"""Case files on blood: what is refused and why, what follows from what, round trips, the control."""

import json
from pathlib import Path

import pytest

from cases.build.vessels import controlled
from cases.cli import main
from cases.errors import CaseError
from cases.reading.load import load_case
from cases.reading.resolve import case_hash, write_resolved
from solver.parameters.model import Model
from tests.case_files import MINIMAL, SHIPPED, written

pytestmark = pytest.mark.serial

SMALL = (
    MINIMAL.replace('kind = "3d"', 'kind = "radial"')
    + '[outputs]\nend = "62 s"\nfigures = false\n[numerics]\naccuracy = "draft"\n'
)


def problems(folder: Path, more: str, base: str = SMALL) -> str:
    """What is said of a case with more tables."""
    with pytest.raises(CaseError) as caught:
        load_case(written(folder, base + more))
    return str(caught.value)


def model(folder: Path, more: str) -> Model:
    return load_case(written(folder, SMALL + more)).model


def test_off_is_off(tmp_path: Path) -> None:
    found = model(tmp_path, "")
    assert found.vessels is None and found.body is None and found.physics.control is None


def test_the_exposed_dose_follows_from_the_closure(tmp_path: Path) -> None:
    """ln(1/share) C_v/k_v, where the case states none; else the lowest threshold."""
    found = model(tmp_path, "[vessels]\nchemical_closure = true\ncollapsed_below = 0.2\n").vessels
    assert found is not None and found.chemical is not None
    assert found.exposed_dose == pytest.approx(1.6094379 * 0.1 / 0.05)
    other = model(tmp_path, '[vessels]\nreopening_gap = "1 kPa"\n').vessels
    assert other is not None and other.chemical is None and other.exposed_dose == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("[vessels]\nchemical_closure = true\n[physics]\nvessels = false\n", "physics.vessels is false"),
        ('[vessels]\nreopening_gap = "1 kPa"\n[physics]\nclosure = "none"\n', "reopening_gap"),
        ('[vessels.two_pressures]\narterial_pressure = "2 kPa"\n', "must lie between them"),
        ('[vessels.two_pressures]\nfeeding = "artery"\nartery = ["1 mm", "0 mm", "0 mm"]\n', "a radial case"),
        ('[body]\nexchange_flow = "1 L/h"\n', "body.peripheral_volume"),
        ('[body]\nweight = "0 kg"\n', "out of range"),
        (
            '[vessels.network]\nfile = "a.vtp"\nlength_unit = "1 um"\nflow_direction = [1, 0, 0]\n',
            'kind = "radial"',
        ),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, more: str, expected: str) -> None:
    assert expected in problems(tmp_path, more)


def test_a_body_does_not_feed_arriving_blood(tmp_path: Path) -> None:
    """It would be cleared of agent that it never held."""
    base = SMALL.replace('"chlorine_dioxide"', '"chlorine_dioxide"\nplasma_concentration = "50 mg/L"')
    assert base != SMALL
    assert "cannot feed agent.plasma_concentration" in problems(tmp_path, "[body]\n", base)


def test_an_agent_without_numbers_is_told(tmp_path: Path) -> None:
    saline = SMALL.replace("chlorine_dioxide", "saline")
    assert "agent.closure_rate" in problems(tmp_path, "[vessels]\nchemical_closure = true\n", saline)
    assert "body.clearance" in problems(tmp_path, "[body]\n", saline)


@pytest.mark.parametrize("name", ["chemical_closure", "saline_control", "perfusion_cascade"])
def test_shipped_cases_are_read_back(name: str, tmp_path: Path) -> None:
    case = load_case(SHIPPED / f"{name}.toml")
    write_resolved(case, tmp_path / "resolved.toml")
    again = load_case(tmp_path / "resolved.toml")
    assert again.model == case.model and case_hash(again) == case_hash(case)


def test_the_shipped_control_is_the_control_of_the_shipped_case() -> None:
    one, other = (load_case(SHIPPED / f"{name}.toml") for name in ("chemical_closure", "saline_control"))
    overridden = load_case(SHIPPED / "chemical_closure.toml", ('physics.control="saline"',))
    assert overridden.model == other.model and one.geometry == other.geometry
    assert one.model.schedule == other.model.schedule
    assert controlled(one.model) is one.model and not other.model.physics.reaction


def test_a_control_is_run_beside_a_case(tmp_path: Path) -> None:
    """Two results, each complete, and a page that compares them; once more over the first."""
    case = written(tmp_path, SMALL + "[vessels]\nchemical_closure = true\n[body]\n")
    out = tmp_path / "out"
    for more in ([], ["--overwrite"]):
        arguments = ["run", str(case), "--out", str(out), "--quiet", "--with-control", *more]
        assert main(arguments) == 0
    agent, saline = (
        json.loads((out / name).read_text()) for name in ("summary.json", "control/summary.json")
    )
    assert agent["status"] == saline["status"] == "complete"
    assert agent["case"]["hash"] != saline["case"]["hash"]
    assert agent["mesh"]["vertices"] == saline["mesh"]["vertices"]
    assert agent["ablation"][0]["volume_m3"] > 0 == saline["ablation"][0]["volume_m3"]
    lasting = [s["vessels"]["lasting"]["perfused_fraction_tumour"] for s in (agent, saline)]
    assert lasting[0] < 0.9 < lasting[1]
    assert agent["body"]["residual_relative"] < 1e-10
    assert agent["body"]["by_product"]["dose_kg"] > 0 and "by_product" not in saline["body"]
    assert "control" in (out / "comparison.html").read_text()

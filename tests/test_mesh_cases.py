# SPDX-License-Identifier: MIT
"""Case files with a mesh of one's own: the shipped one run to its end, what is asked for, what is refused."""

import json
import runpy
from pathlib import Path

import pytest

from cases.case import Case
from cases.commands.starter import starter_text
from cases.errors import CaseError, ExitCode
from cases.reading.load import load_case
from cases.reading.resolve import case_hash, write_resolved
from meshes.build import key_material
from meshes.geometry import MeshGeometry

pytestmark = pytest.mark.serial

SHIPPED = Path(__file__).parents[1] / "cases" / "shipped"
OWN = SHIPPED / "own_mesh.toml"


def test_the_shipped_mesh_is_that_of_its_script(tmp_path: Path) -> None:
    """The same bytes, and the case says what its parts are."""
    runpy.run_path(str(SHIPPED / "make_demo_mesh.py"))["main"](tmp_path / "again.msh")
    assert (tmp_path / "again.msh").read_bytes() == (SHIPPED / "demo_mesh.msh").read_bytes()


def test_the_shipped_case_runs(tmp_path: Path) -> None:
    """A short piece of it: books closed, regions by name, the tip's cells fine."""
    from cases.cli import main

    out = tmp_path / "result"
    sets = ("injection[0].volume=0.2 mL", "numerics.cells_per_front=0.6", "outputs.end=14 s")
    options = [word for text in (*sets, "outputs.figures=false") for word in ("--set", text)]
    assert main(["run", str(OWN), "--out", str(out), "--quiet", *options]) == ExitCode.DONE
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["mesh"]["source"] == "mesh" and summary["mesh"]["cells_in_file"] == 3072
    assert set(summary["mesh"]["volumes"]) == {"tumour", "tissue"}
    assert summary["mesh"]["areas"]["outer_boundary"] == 0.0 < summary["mesh"]["areas"]["organ_surface"]
    assert summary["ledger"]["agent"]["residual_relative"] < 1e-10
    assert summary["ablation"][0]["volume_m3"] > 1e-7


def test_resolved_and_read_back(tmp_path: Path) -> None:
    """The record is the case; moving the mesh changes neither its hash nor the key of its mesh."""
    case = load_case(OWN)
    write_resolved(case, tmp_path / "resolved.toml")
    again = load_case(tmp_path / "resolved.toml")
    assert isinstance(case, Case) and isinstance(again.geometry, MeshGeometry)
    assert case_hash(again) == case_hash(case)
    assert key_material(again.geometry) == key_material(case.geometry)


@pytest.mark.parametrize(
    ("setting", "words", "code"),
    [
        ("geometry.mesh.unit=mL", "expected a unit of length", ExitCode.INVALID),
        ("geometry.mesh.unit=m", "measures 64 m", ExitCode.INVALID),
        ("geometry.kind=radial", 'a mesh needs "3d"', ExitCode.INVALID),
        ("geometry.domain_radius=50 mm", "says where, and so does", ExitCode.INVALID),
        ("geometry.mesh.file=missing.msh", "No such file", ExitCode.MISSING_INPUT),
        ("geometry.mesh.file=own_mesh.toml", "expected a mesh", ExitCode.INVALID),
        ("geometry.mesh.outside=skin", "outer_boundary", ExitCode.INVALID),
        ("tissues.capsule=capsule", "the geometry has no capsule", ExitCode.INVALID),
    ],
)
def test_what_is_refused(setting: str, words: str, code: ExitCode) -> None:
    """One message with key and reason, and its exit code."""
    with pytest.raises(CaseError) as caught:
        load_case(OWN, (setting,))
    assert words in str(caught.value) and caught.value.code == code


def test_a_unit_is_never_guessed(tmp_path: Path) -> None:
    """Nor is a region: names that the file does not have are told with those that it has."""
    text = OWN.read_text(encoding="utf-8").replace("demo_mesh.msh", (SHIPPED / "demo_mesh.msh").as_posix())
    for old, new, words in (
        ('unit = "mm"\n', "", "expected the unit of length of the file, which no format tells"),
        ("lesion = ", "tumor = ", "no group of cells 'tumor'; found: 'lesion', 'liver'"),
        (
            '"capsule of the liver" = "organ_surface"',
            "",
            "faces on the outside are in no group named in boundaries",
        ),
        ('lesion = "tumour"', 'lesion = "tissue"', "no group of cells is the tumour"),
    ):
        (tmp_path / "case.toml").write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(CaseError) as caught:
            load_case(tmp_path / "case.toml")
        assert words in str(caught.value)


def test_the_starter_shows_the_keys() -> None:
    """As comments: a first case has a tumour by its radius."""
    text = starter_text("mine", everything=True)
    assert "# [geometry.mesh]" in text and "# unit = " in text

# SPDX-License-Identifier: MIT
"""`infusate check` looks into images and meshes as a run does, without meshing, and says what is in them."""

import json
from pathlib import Path

import numpy as np
import pytest

from cases.case import Case
from cases.cli import main
from cases.errors import ExitCode
from cases.reading.load import load_case
from cases.reading.resolve import case_hash, write_resolved
from meshes.build import key_material
from meshes.geometry import Site
from tests.case_files import MINIMAL, SHIPPED, written
from tests.label_files import ball_labels, write_nifti

pytestmark = pytest.mark.serial

OWN = SHIPPED / "own_mesh.toml"
HEAD, TAIL = MINIMAL.split("domain_radius")[0], MINIMAL[MINIMAL.index("[agent]") :]
CASE = f"""{HEAD}
[geometry.labels]
tumour = {{ path = "labels.nii.gz", labels = [2] }}
organ = [{{ path = "labels.nii.gz", labels = [1] }}]
margin = "10 mm"

{TAIL}""".replace('["0 mm", "0 mm", "0 mm"]', '["20 mm", "20 mm", "20 mm"]')
TIP = CASE.splitlines().index('tip = ["20 mm", "20 mm", "20 mm"]') + 1


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tumour of 8 mm in an organ of 17 mm; no mesh can be made."""

    def refused(*_: object) -> None:
        raise AssertionError("check makes no mesh")

    monkeypatch.setattr("meshes.cells.background.graded_ball", refused)
    monkeypatch.setattr("meshes.build.build_mesh", refused)
    labels = ball_labels((44, 40, 40), np.eye(4), (20, 20, 20), 17.0)
    labels += ball_labels((44, 40, 40), np.eye(4), (20, 20, 20), 8.0)
    write_nifti(tmp_path / "labels.nii.gz", labels, np.eye(4))
    monkeypatch.chdir(tmp_path)
    return written(tmp_path, CASE).relative_to(tmp_path)


def refusals(capsys: pytest.CaptureFixture[str], case: Path, *settings: str) -> list[str]:
    """What check says is wrong."""
    options = [word for setting in settings for word in ("--set", setting)]
    assert main(["check", str(case), *options]) == ExitCode.INVALID
    return capsys.readouterr().err.splitlines()


def test_volume_centre_and_labels_are_told(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(case)]) == ExitCode.DONE
    said = capsys.readouterr().out
    volume = 1e-3 * np.count_nonzero(ball_labels((44, 40, 40), np.eye(4), (20, 20, 20), 8.0))
    words = "mL, centre RAS (20.0, 20.0, 20.0) mm; label values 0, 1, 2 (2 taken) in labels.nii.gz"
    assert f"tumour       {volume:.3g} {words}" in said
    assert "label values 0, 1, 2 (1 taken)" in said
    assert main(["check", "--json", str(case)]) == ExitCode.DONE
    tumour = json.loads(capsys.readouterr().out)["structures"][0]
    assert tumour["name"] == "tumour" and tumour["volume_m3"] == pytest.approx(1e-6 * volume)
    assert tumour["files"] == [{"file": "labels.nii.gz", "values": [0, 1, 2], "labels": [2]}]


def test_all_missing_labels_are_told_with_line_and_key(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case.write_text(CASE.replace("labels = [2]", "labels = [3]").replace("labels = [1]", "labels = [1, 7]"))
    first, second = refusals(capsys, case)
    line = CASE.splitlines().index("[geometry.labels]") + 2
    assert first.startswith(
        f"error: case.toml:{line}: geometry.labels.tumour[0].labels: labels.nii.gz: label 3"
    )
    assert first.endswith("is not in the file; values present: 0, 1, 2")
    assert second.startswith(
        f"error: case.toml:{line + 1}: geometry.labels.organ[0].labels: labels.nii.gz: label 7"
    )


def test_the_run_names_line_and_key_of_a_missing_label(
    case: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    case.write_text(CASE.replace("labels = [2]", "labels = [3]"))
    (told,) = refusals(capsys, case)
    monkey = pytest.MonkeyPatch()
    with monkey.context() as undone:
        from meshes.patient.from_labels import mesh_from_labels

        undone.setattr("meshes.build.build_mesh", mesh_from_labels)
        undone.setattr("cases.running.reuse.build_mesh", mesh_from_labels)
        assert main(["run", str(case), "--out", str(tmp_path / "out"), "--quiet"]) == ExitCode.INVALID
    assert told in capsys.readouterr().err.splitlines()


def test_tips_outside_tumour_and_organ(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case.write_text(CASE.replace('["20 mm", "20 mm", "20 mm"]', '["32 mm", "20 mm", "20 mm"]'))
    (told,) = refusals(capsys, case)
    assert told.startswith(f"error: case.toml:{TIP}: injection[0].tip: the tip of injection 1 at RAS (32.0, ")
    assert "outside the tumour, whose centre is RAS (20.0, 20.0, 20.0) mm; allow_outside = true" in told
    assert main(["check", str(case), "--set", "injection.0.allow_outside=true"]) == ExitCode.DONE
    assert "note: the tip of injection 1 lies 4" in capsys.readouterr().out
    (told,) = refusals(capsys, case, 'injection.0.tip=["-5 mm", "20 mm", "20 mm"]')
    assert "outside the organ; the tumour's centre is RAS (20.0, 20.0, 20.0) mm" in told


def test_a_mask_of_another_patient(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    far = ball_labels((40, 40, 40), np.eye(4), (20, 20, 20), 12.0)
    matrix = np.eye(4)
    matrix[:3, 3] = 200.0
    write_nifti(case.absolute().parent / "other.nii.gz", far, matrix)
    case.write_text(CASE.replace('organ = [{ path = "labels.nii.gz"', 'organ = [{ path = "other.nii.gz"'))
    (told,) = refusals(capsys, case)
    line = CASE.splitlines().index("[geometry.labels]") + 1
    assert told.startswith(f"error: case.toml:{line}: geometry.labels: ")
    assert "neither in the organ nor at it" in told


def test_tips_in_a_mesh(capsys: pytest.CaptureFixture[str]) -> None:
    outside = 'injection.0.tip=["20 mm", "2 mm", "0 mm"]'
    (told,) = refusals(capsys, OWN, outside)
    assert "injection[0].tip: " in told and "outside the tumour, 20.1 mm from its centre" in told
    accepted = ["--set", outside, "--set", "injection.0.allow_outside=true"]
    assert main(["check", str(OWN), *accepted]) == ExitCode.DONE
    said = capsys.readouterr().out
    assert "lies outside the tumour, in tissue" in said
    assert "tumour       15.9 mL, centre (0.0, 0.0, 0.0) mm" in said


def test_leave_to_lie_outside_is_in_the_record(case: Path, tmp_path: Path) -> None:
    """And in none where it is not given, so that records and hashes of before stay."""
    plain, allowed = load_case(case), load_case(case, ["injection.0.allow_outside=true"])
    write_resolved(plain, tmp_path / "plain.toml")
    assert "allow_outside" not in (tmp_path / "plain.toml").read_text("utf-8")
    write_resolved(allowed, tmp_path / "allowed.toml")
    again: Case = load_case(tmp_path / "allowed.toml")
    site: Site = again.geometry.sites[0]
    assert site.allow_outside is True
    assert case_hash(again) == case_hash(allowed) != case_hash(plain)
    assert key_material(again.geometry) == key_material(allowed.geometry) != key_material(plain.geometry)

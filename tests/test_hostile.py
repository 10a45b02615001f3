# SPDX-License-Identifier: MIT
"""Input that means harm: nothing runs code, reads or writes elsewhere, takes unbounded memory, or hangs."""

import json
import os
import subprocess
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest

from cases.cli import main
from cases.errors import CaseError, ExitCode
from cases.reading.load import load_case
from cases.reading.resolve import write_resolved
from cases.running.progress import Progress
from meshes.cache import read_kept
from meshes.files.labels import read_label_map
from meshes.geometry import GeometryError
from postprocess.pages.page import write_page
from postprocess.pages.report import render
from postprocess.results.result import ResultError, open_result
from postprocess.scene.scene import scene_html
from solver.results.checksums import damaged, write_checksums
from tests.case_files import MINIMAL, REFERENCE, written
from tests.synthetic_result import result_folder
from tests.test_sweep_compare import made

pytestmark = pytest.mark.serial

ROOT = Path(__file__).parents[1]
ENDLESS = 120.0
"""Time of a processor that nothing here takes on any machine, but all of it without its limits [s]."""
MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(1)> $\\frac{$ {{7*7}}"
PULSE = MINIMAL[MINIMAL.index("[[injection]]") :]
FROM_LABELS = MINIMAL.replace('domain_radius = "60 mm"\n', "").replace(
    '[geometry.tumour]\nradius = "10 mm"', '[geometry.labels]\ntumour = { path = "labels.nii" }'
)


# ------------------------------------------------------------------------------------------ time

LENGTHY = {
    "a key of many parts": ".".join(["a"] * 150_000) + " = 1\n",
    "tables in tables": "x = " + "{a = " * 400 + "1" + "}" * 400,
    "lists in lists": "x = " + "[" * 90 + "]" * 90,
    "many numbers": "x = [" + "1," * 200_000 + "]",
    "many needles": "".join(f'[needles.n{i}]\nouter_diameter = "1 mm"\n' for i in range(30_000)),
    "many pulses": MINIMAL + PULSE * 999,
    "many masks": FROM_LABELS.replace(
        '{ path = "labels.nii" }', "[" + '{ path = "/dev/zero" },' * 50_000 + "]"
    ),
}


@pytest.mark.parametrize("kind", LENGTHY)
def test_no_case_takes_long(kind: str, tmp_path: Path) -> None:
    started = time.process_time()
    with pytest.raises(CaseError) as error:
        load_case(written(tmp_path, LENGTHY[kind]))
    assert time.process_time() - started < ENDLESS
    assert len(error.value.problems) <= 102


@pytest.mark.parametrize(
    "text", ["1e9**1e9 mL", "1 m**9**9**9", "1 " + "m*" * 29 + "m", "1 " + "(" * 30 + "m"]
)
def test_no_unit_takes_long_or_runs_code(text: str, tmp_path: Path) -> None:
    started = time.process_time()
    with pytest.raises(CaseError, match=r"injection\[0\]\.volume"):
        load_case(written(tmp_path, MINIMAL.replace('"1 mL"', json.dumps(text))))
    assert time.process_time() - started < ENDLESS


def test_code_in_a_case_is_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = "__import__('os').system('touch owned')"
    for key in ('"1 mL"', '"1 mL/min"', '"0 s"', '"chlorine_dioxide"', '"3d"', '"minimal"', '"10 mm"'):
        with pytest.raises(CaseError):
            load_case(written(tmp_path, MINIMAL.replace(key, json.dumps(f"1 {code}"), 1)))
    assert os.listdir(tmp_path) == ["case.toml"]


# ------------------------------------------------------------------------------------------ places


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "x\\n", "..", ".", "", "a" * 65, "x\\u0000", "~root", "$HOME"]
)
def test_a_name_is_no_path(name: str, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="name"):
        load_case(written(tmp_path, MINIMAL.replace('"minimal"', f'"{name}"')))


def test_a_title_is_one_line(tmp_path: Path) -> None:
    for bad in ("\\u001b[2J", "a\\nb", "\\u202eabc", "\\u009b31m"):
        with pytest.raises(CaseError, match="one line without control characters"):
            load_case(written(tmp_path, f'title = "{bad}"\n' + MINIMAL))


def test_a_log_drives_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(load_case(written(tmp_path, MINIMAL)), tmp_path, 0, False)
    progress.say("label \x1b[2J of \x07 some file")
    progress.close()
    assert "\x1b" not in (tmp_path / "log.txt").read_text() + capsys.readouterr().err


def blob() -> np.ndarray:
    values = np.zeros((12, 10, 8), dtype=np.int16)
    values[3:9, 2:8, 2:6] = 1
    return values


def special(folder: Path, kind: str) -> str:
    if kind == "fifo":
        os.mkfifo(folder / "labels.nii")
    elif kind == "folder":
        (folder / "labels.nii").mkdir()
    elif kind == "device":
        (folder / "labels.nii").symlink_to("/dev/zero")
    elif kind == "sparse":
        with (folder / "labels.nii").open("wb") as stream:
            stream.truncate(5 * 10**9)
    elif kind == "circle":
        (folder / "labels.nii").symlink_to(folder / "labels.nii")
    return kind


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "sparse", "circle"])
def test_label_maps_that_are_no_files(kind: str, tmp_path: Path) -> None:
    special(tmp_path, kind)
    with pytest.raises(CaseError, match=r"labels\.tumour\[0\]\.path") as error:
        load_case(written(tmp_path, FROM_LABELS))
    assert error.value.code == ExitCode.MISSING_INPUT
    if kind != "sparse":
        with pytest.raises(GeometryError, match=r"no (regular|such) file"):
            read_label_map(tmp_path / "labels.nii")


@pytest.mark.parametrize("kind", ["fifo", "folder", "device"])
def test_a_record_names_no_device(kind: str, tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(blob(), np.eye(4)), tmp_path / "labels.nii")
    write_resolved(load_case(written(tmp_path, FROM_LABELS)), tmp_path / "resolved.toml")
    load_case(tmp_path / "resolved.toml")
    (tmp_path / "labels.nii").unlink()
    special(tmp_path, kind)
    with pytest.raises(CaseError, match="not a regular file"):
        load_case(tmp_path / "resolved.toml")


def test_what_a_report_writes_stays_in_its_folder(tmp_path: Path) -> None:
    """A result from elsewhere may hold links: they are replaced, what they lead to is not touched."""
    folder, precious = result_folder(tmp_path / "result", "radial", layers=4), tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("years of work")
    (folder / "figures").symlink_to(precious)
    (folder / ".report.html.partial").symlink_to(precious / "file")
    result = open_result(folder)
    write_page(render(result, []), folder / "report.html")
    assert main(["figure", str(folder), "pressure"]) == ExitCode.DONE
    assert os.listdir(precious) == ["file"] and (precious / "file").read_text() == "years of work"
    figure = folder / "figures" / "pressure.png"
    figure.unlink()
    figure.symlink_to(precious / "file")
    assert main(["figure", str(folder), "pressure"]) == ExitCode.DONE
    assert (precious / "file").read_text() == "years of work" and not figure.is_symlink()


# ------------------------------------------------------------------------------------------ results


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    class Code:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    arrays = dict.fromkeys(("header", "points", "cells", "cell_tags", "facets", "facet_tags"), np.zeros(1))
    np.savez(tmp_path / "kept.npz", **arrays | {"points": np.array([Code()], dtype=object)})
    assert read_kept(tmp_path / "kept.npz") is None
    assert not (tmp_path / "owned").exists()


def test_damage_after_a_run_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = result_folder(tmp_path / "result", "radial", layers=4)
    write_checksums(folder)
    assert damaged(folder) is None
    done = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=False)
    assert done.returncode == 0
    file = folder / "fields.vtkhdf"
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    for command in (["report"], ["figure", "--list"], ["export", "--stl"], ["compare-lesion"]):
        rest = ["mask.nii"] if command == ["compare-lesion"] else []
        assert main([command[0], str(folder), *command[1:], *rest]) == ExitCode.INVALID, command
        told = capsys.readouterr().err
        assert "fields.vtkhdf: damaged" in told and len(told.splitlines()) == 1
    (folder / "SHA256SUMS").unlink()
    write_checksums(folder)
    open_result(folder)


def test_markup_in_names_stays_text(tmp_path: Path) -> None:
    folder = result_folder(tmp_path / "result", "axisymmetric", layers=4)
    summary = json.loads((folder / "summary.json").read_text())
    summary["notice"] = summary["case"]["title"] = summary["case"]["file"] = MARKUP
    summary["versions"][MARKUP] = summary["effect"] = {MARKUP: MARKUP}
    for entry in [*summary["ablation"], *summary["validity"]]:
        entry |= dict.fromkeys(entry.keys() & {"label", "message", "name"}, MARKUP)
    (folder / "summary.json").write_text(json.dumps(summary))
    record = (folder / "resolved.toml").read_text()
    for name in ('"A synthetic result"', '"chlorine_dioxide"', '"generic_tumour"'):
        record = record.replace(name, json.dumps(MARKUP))
    (folder / "resolved.toml").write_text(record)
    result = open_result(folder)
    pages = [render(result, [], scene_html(result)), scene_html(result), result._repr_html_()]
    assert main(["report", str(folder), str(folder), "--out", str(tmp_path / "both.html")]) == ExitCode.DONE
    for text in [*pages, (tmp_path / "both.html").read_text()]:
        assert "<script>alert" not in text and "<img src=x" not in text and ">49<" not in text
    assert main(["export", str(folder), "--paraview"]) == ExitCode.DONE
    compile((folder / "paraview_scene.py").read_text(), "paraview_scene.py", "exec")


def test_markup_in_titles_stays_text_side_by_side(tmp_path: Path) -> None:
    """Two cases of one title, told apart by their files, and two sweeps told apart by their folders."""
    coarse = REFERENCE.read_text().replace("[thresholds]", '[outputs]\nend = "70 s"\n\n[thresholds]')
    cases = [written(tmp_path, coarse + "[numerics]\ncells_per_front = 2\n", f"{name}.toml") for name in "ab"]
    for case in cases:
        lines = [line for line in case.read_text().splitlines() if not line.startswith("title")]
        case.write_text("\n".join([f"title = {json.dumps(MARKUP)}", *lines]))
    out, rates = tmp_path / "out", np.linspace(1.0, 2.0, 5)
    assert main(["compare", *map(str, cases), "--out", str(out), "--quiet"]) == ExitCode.DONE
    parents = [tmp_path / f"{name} {MARKUP.replace('/', '')}" for name in "ab"]
    for parent in parents:
        parent.mkdir()
    sweeps = [str(made(parent / "sweep", rates, rates)) for parent in parents]
    assert main(["sweep", "compare", *sweeps, "--out", str(tmp_path / "sweeps")]) == ExitCode.DONE
    for page in (out, tmp_path / "sweeps"):
        text = (page / "report.html").read_text()
        assert "<script>alert" not in text and "<img src=x" not in text and ">49<" not in text
        assert "7*7" in text


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("summary.json", "{}", "expected a value"),
        ("summary.json", "[" * 100_000, "nested too deeply"),
        ("summary.json", '{"ranks": NaN}', "expected"),
        ("history.csv", "t_s\nnan\n", "missing or empty"),
        ("history.csv", "", "not a table"),
        ("resolved.toml", "injections = 3", "expected a list"),
        ("fields.vtkhdf", "\x89HDF\r\n\x1a\n", "not a field file"),
    ],
)
def test_damaged_results_are_told_in_one_line(file: str, content: str, words: str, tmp_path: Path) -> None:
    folder = result_folder(tmp_path / "result", "radial", layers=4)
    (folder / file).write_text(content, encoding="latin-1", newline="")
    with pytest.raises(ResultError, match=words) as error:
        open_result(folder)
    assert str(error.value).startswith(str(folder / file)) and str(error.value).isprintable()

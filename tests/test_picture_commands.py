# SPDX-License-Identifier: MIT
"""The commands that draw: `figure`, `animate`, `report` of several folders; mistakes end with one line."""

from pathlib import Path

import pytest
from PIL import Image

from cases.cli import main
from cases.errors import ExitCode
from tests.synthetic_result import result_folder

pytestmark = pytest.mark.serial


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return result_folder(tmp_path_factory.mktemp("commands") / "one", "axisymmetric", layers=3)


def test_list_names_every_figure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["figure", str(folder), "--list"]) == ExitCode.DONE
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in lines]
    assert {"scene", "bands", "margin", "dose", "concentration", "flow", "vessels", "convergence"} <= {*names}
    assert all(len(line.split()) > 3 for line in lines)
    assert main(["figure", str(folder)]) == ExitCode.DONE
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_figure_in_each_format(folder: Path, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["figure", str(folder), "dose", "--format", suffix, "--time", "30"]) == ExitCode.DONE
    path = folder / "figures" / f"dose.{suffix}"
    assert str(path) in capsys.readouterr().out
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(start)
    if suffix == "png":
        resolution = Image.open(path).info["dpi"]
        assert resolution == pytest.approx((300, 300), abs=0.5)
    if suffix == "svg":
        assert "CT dose at 30 s" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["doze"], "doze: no such figure (expected scene, bands"),
        (["dose", "--size", "poster"], "size 'poster' (expected own, column"),
        (["dose", "--out", "dose.jpeg"], "format .jpeg (expected png, svg, pdf)"),
        (["doses"], "1 result folders (expected 2 to 9 to compare)"),
    ],
)
def test_mistakes_are_told_in_one_line(
    folder: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["figure", str(folder), *arguments]) == ExitCode.INVALID
    error = capsys.readouterr().err
    assert words in error and len(error.splitlines()) == 1 and "Traceback" not in error


def test_no_result_no_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["figure", str(tmp_path), "dose"], ["animate", str(tmp_path)], ["report", str(tmp_path)]):
        assert main(command) == ExitCode.MISSING_INPUT
        assert "no summary.json in it" in capsys.readouterr().err


def test_film_and_comparison(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = tmp_path / "film.gif"
    assert main(["animate", str(folder), "--field", "dose", "--out", str(film)]) == ExitCode.DONE
    assert getattr(Image.open(film), "n_frames", 1) == 4
    other = result_folder(tmp_path / "two", "axisymmetric", layers=3, offset=0.0)
    page = tmp_path / "both.html"
    assert main(["report", str(folder), str(other), "--out", str(page)]) == ExitCode.DONE
    assert f"wrote {page}" in capsys.readouterr().out
    assert page.is_file()

# SPDX-License-Identifier: MIT
"""Several results on one page and in one figure: what differs is told, what cannot be compared is refused."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from matplotlib.collections import TriMesh

from cases.cli import main
from postprocess.figures.comparisons import draw_comparison, named
from postprocess.figures.stage import Wish
from postprocess.pages.compare import (
    _with_change,
    _with_difference,
    build_comparison,
    difference_tables,
    result_table,
)
from postprocess.results.result import Result, ResultError, open_result
from tests.synthetic_result import result_folder
from tests.test_report import Page

pytestmark = pytest.mark.serial


@pytest.fixture
def pair(tmp_path: Path) -> list[Result]:
    """Two results that differ in the place of the tip and in one number of the agent."""
    folders = [result_folder(tmp_path / name, "axisymmetric", 3, 0.004 * n) for n, name in enumerate("ab")]
    path = folders[1] / "resolved.toml"
    text = path.read_text(encoding="utf-8").replace("reaction_rate = 0.033\n", "reaction_rate = 0.05\n")
    path.write_text(text, encoding="utf-8")
    return [open_result(folder) for folder in folders]


def test_tables_tell_what_differs_and_nothing_else(pair: list[Result]) -> None:
    stages = named(pair)
    assert [name for name, _ in stages] == ["a", "b"]
    asked, followed = ({row[0]: row[1:] for row in table.rows} for table in difference_tables(stages))
    assert asked["agent, reaction rate k"] == ("0.033 1/s", "0.05 1/s")
    assert asked["geometry, sites, 0, tip"] == ("0, 0, 0 mm", "0, 0, 4 mm")
    assert len(asked) == 2 and not followed
    found = {row[0]: row[1:] for row in result_table(stages).rows}
    destroyed = [result.summary["ablation"][1]["in_tumour_m3"] for result in pair]
    change = f"({100 * (destroyed[1] / destroyed[0] - 1):+.3g} %)"
    assert found["tumour destroyed at 75 mg min/L"][1].endswith(change)
    assert found["washed into blood"] == ("4.00 %", "4.00 %")
    assert found["least margin"][1].endswith("(4.00 mm less)")


def test_what_was_asked_has_units_and_the_names_of_the_command_line(pair: list[Result]) -> None:
    """A pulse as `--set` calls it, counted from 0; edge lengths, which nobody asked for, apart."""
    path = pair[1].folder / "resolved.toml"
    text = path.read_text(encoding="utf-8").replace("rate = 1.6666666666666667e-8", f"rate = {1e-8 / 3}")
    path.write_text(text + "\n[geometry.sizes]\ntip = 1e-4\n[schedule]\nend = 60.0\n", encoding="utf-8")
    first, second = (open_result(result.folder) for result in pair)
    asked, followed = ({row[0]: row[1:] for row in t.rows} for t in difference_tables(named([first, second])))
    assert asked["injection.0.rate"] == ("1 mL/min", "0.2 mL/min")
    assert asked["schedule, end"][1] == "60 s"
    assert followed == {"tip": ("not there", "0.1 mm")}


def test_the_card_of_a_run_names_every_caution(pair: list[Result], tmp_path: Path) -> None:
    path = pair[0].folder / "summary.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    flag = {"name": "x", "level": "caution", "message": "a second doubt", "value": 2.0, "limit": 1.0}
    path.write_text(json.dumps(found | {"validity": [*found["validity"], flag]}), encoding="utf-8")
    page = build_comparison([result.folder for result in pair], tmp_path / "both.html")
    text = Page(page.read_text(encoding="utf-8")).text
    assert "A second doubt" in text and "Dilatation beyond small strain" in text


def test_a_comparison_is_not_written_over_another(
    pair: list[Result], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same runs in the same order may be told again; anything else is refused and stays."""
    first, second = (str(result.folder) for result in pair)
    assert main(["report", first, second]) == 0
    page = tmp_path / "comparison.html"
    assert main(["report", first, second]) == 0
    before = page.read_bytes()
    assert main(["report", second, first]) == 73
    assert "compares a and b" in capsys.readouterr().err
    assert page.read_bytes() == before
    other = tmp_path / "mine.html"
    other.write_text("mine", encoding="utf-8")
    assert main(["report", first, second, "--out", str(other)]) == 73
    assert other.read_text(encoding="utf-8") == "mine"
    assert main(["report", second, first, "--out", str(tmp_path / "other.html")]) == 0


def test_page_holds_both_answers_and_all_pictures(pair: list[Result], tmp_path: Path) -> None:
    page = build_comparison([result.folder for result in pair], tmp_path / "both.html")
    shown = Page(page.read_text(encoding="utf-8"))
    assert "script" not in shown.tags
    assert all(reference.startswith("data:image/") for reference in shown.references)
    assert len(shown.references) == 2 + 4
    assert shown.text.count("CT dose of 75 mg min/L") == 2
    assert {path.stem for path in (tmp_path / "both_figures").iterdir()} == {
        "doses",
        "peaks",
        "curves",
        "bands-0",
        "bands-1",
    } | {"convergence"}


def test_one_scale_of_colours_for_all_runs(pair: list[Result]) -> None:
    figure = draw_comparison(named(pair), "doses", Wish())
    painted = [mesh for axes in figure.axes for mesh in axes.collections if isinstance(mesh, TriMesh)]
    assert len(painted) == 2
    assert len({mesh.get_clim() for mesh in painted}) == 1
    plt.close(figure)


def test_what_cannot_be_compared_is_refused(pair: list[Result]) -> None:
    with pytest.raises(ResultError, match="1 result folders"):
        draw_comparison(named(pair[:1]), "curves", Wish())
    path = pair[1].folder / "summary.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    found["case"]["name"] = "another"
    path.write_text(json.dumps(found), encoding="utf-8")
    other = [pair[0], open_result(pair[1].folder)]
    with pytest.raises(ResultError, match="expected runs of one case"):
        draw_comparison(named(other), "convergence", Wish())


@pytest.mark.parametrize(
    ("value", "first", "told"),
    [(2.0, 1.0, True), (0.0, 1.0, True), (-1.0, 1.0, False), (1e5, 1e-5, False), (1.0, 1.0, False)],
)
def test_changes_that_say_something(value: float, first: float, told: bool) -> None:
    assert ("(" in _with_change((value, "value"), first)) == told


def test_changes_that_need_words() -> None:
    """A margin has a sign: it grows or shrinks by millimetres; of what is below a bound no ratio is known."""
    assert _with_difference((-3.93e-3, "-3.93 mm"), -2.15e-3) == "-3.93 mm (1.78 mm less)"
    assert _with_difference((1e-3, "1.00 mm"), -1e-3) == "1.00 mm (2.00 mm more)"
    assert _with_difference((1e-3, "1.00 mm"), 1e-3) == "1.00 mm"
    assert _with_change((1e-9, "< 0.001 %"), 1e-3) == "< 0.001 %"

# SPDX-License-Identifier: MIT
"""Several results on one page and in one figure: what differs is told, what cannot be compared is refused."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from matplotlib.collections import TriMesh

from postprocess.figures.comparisons import draw_comparison, named
from postprocess.figures.stage import Wish
from postprocess.pages.compare import _with_change, build_comparison, difference_table, result_table
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
    asked = {row[0]: row[1:] for row in difference_table(stages).rows}
    assert asked["agent, reaction rate k"] == ("0.033 1/s", "0.05 1/s")
    assert set(asked) == {"agent, reaction rate k", "geometry, sites, 1, tip"}
    found = {row[0]: row[1:] for row in result_table(stages).rows}
    destroyed = [result.summary["ablation"][1]["in_tumour_m3"] for result in pair]
    change = f"({100 * (destroyed[1] / destroyed[0] - 1):+.3g} %)"
    assert found["tumour destroyed at 75 mg min/L"][1].endswith(change)
    assert found["washed into blood"] == ("4.00 %", "4.00 %")


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

# SPDX-License-Identifier: MIT
"""Thresholds belong to an agent: those of chlorine dioxide say nothing of saline or of a drug."""

import json
from pathlib import Path
from typing import Any

import pytest

from cases import catalogue
from cases.build.thresholds import agent_thresholds
from cases.cli import main
from cases.commands.sweep import prepared
from cases.errors import CaseError
from cases.reading.explain import explanation, library_entry
from cases.reading.load import load_case
from cases.schema.materials import AgentTable
from cases.search.plan import load_plan
from cases.sweeps.expand import load_sweep
from cases.sweeps.folder import make_plan
from postprocess.pages.compare import build_comparison
from postprocess.pages.report import build_report
from postprocess.pages.table import summary_table
from postprocess.results.headline import headline, tiles, verdict
from postprocess.results.level import choose_level
from postprocess.results.result import ResultError, open_result
from postprocess.sweeps.report import best_table
from postprocess.sweeps.results import open_sweep
from solver.parameters.model import Thresholds
from solver.validity.flags import _thresholds
from tests.case_files import MINIMAL, written

pytestmark = pytest.mark.serial

SALINE = MINIMAL.replace("chlorine_dioxide", "saline").replace('kind = "3d"', 'kind = "radial"')
QUICK = ("numerics.accuracy=draft", "outputs.end=70 s", "outputs.figures=false")


def thresholds(tmp_path: Path, text: str, *changes: str) -> Thresholds:
    return load_case(written(tmp_path, text), list(changes)).model.thresholds


def test_only_agents_with_thresholds_in_the_library_have_any(tmp_path: Path) -> None:
    assert SALINE != MINIMAL
    assert thresholds(tmp_path, MINIMAL) == Thresholds()
    known = {name for name, entry in catalogue.entries("agents").items() if entry.thresholds}
    assert known == {"chlorine_dioxide"}
    for name in set(catalogue.entries("agents")) - known:
        text = MINIMAL.replace("chlorine_dioxide", name)
        assert thresholds(tmp_path, text, "outputs.end=70 s") == Thresholds(ct=(), peak=())


def test_what_the_case_states_goes_before(tmp_path: Path) -> None:
    peak = thresholds(tmp_path, SALINE, "outputs.end=70 s", 'thresholds.peak=["1 g/L"]')
    assert peak == Thresholds(ct=(), peak=(1.0,))
    assert thresholds(tmp_path, MINIMAL, 'thresholds.peak=["1 g/L"]') == Thresholds(peak=(1.0,))
    assert thresholds(tmp_path, MINIMAL, "thresholds.ct=[]") == Thresholds(ct=())


def test_thresholds_stay_with_the_substance() -> None:
    """Another concentration is still chlorine dioxide, 67.5 g/mol is rounding, 46 g/mol is another agent."""
    same = AgentTable(base="chlorine_dioxide", concentration="1 g/L", molar_mass="67.5 g/mol")  # type: ignore[arg-type]
    other = AgentTable(base="chlorine_dioxide", molar_mass="46 g/mol")  # type: ignore[arg-type]
    assert agent_thresholds(same) is not None
    assert agent_thresholds(other) is None
    assert agent_thresholds(AgentTable()) is None


def test_entries_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry inherits from its base, states its own, or has none."""
    text = (catalogue.FOLDER / "agents.toml").read_text("utf-8")
    more = (
        '\n[my_gas]\ntitle = "Mine"\nbase = "chlorine_dioxide"\n'
        '\n[my_alcohol]\ntitle = "Mine"\nbase = "ethanol"\n'
        'thresholds = { peak = ["200 g/L"], status = "measured", source = "Author, year" }\n'
    )
    for name in ("tissues", "needles"):
        (tmp_path / f"{name}.toml").write_text((catalogue.FOLDER / f"{name}.toml").read_text("utf-8"))
    (tmp_path / "agents.toml").write_text(text + more)
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    catalogue.entries.cache_clear()
    try:
        gas, alcohol = (agent_thresholds(AgentTable(base=name)) for name in ("my_gas", "my_alcohol"))
        assert gas is not None and gas.entry == "chlorine_dioxide"
        assert alcohol is not None and (alcohol.ct, alcohol.peak) == ([], ["200 g/L"])
        assert "peak 200 g/L" in library_entry("my_alcohol") and "Author, year" in library_entry("my_alcohol")
    finally:
        monkeypatch.undo()
        catalogue.entries.cache_clear()


def test_the_library_and_the_keys_say_so() -> None:
    assert "CT 10 mg min/L, 75 mg min/L, 150 mg min/L" in library_entry("chlorine_dioxide")
    assert "none of mammalian tissue" in library_entry("chlorine_dioxide")
    assert "none known" in library_entry("saline")
    assert "none known" not in library_entry("liver")
    assert "chlorine dioxide" in explanation("thresholds.ct")


@pytest.fixture(scope="module")
def saline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result without thresholds."""
    folder = tmp_path_factory.mktemp("saline")
    case = written(folder, SALINE)
    sets = [word for change in QUICK for word in ("--set", change)]
    assert main(["run", str(case), "--out", str(folder / "out"), "--quiet", *sets]) == 0
    return folder / "out"


def summary_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text()))


def test_a_run_of_saline_destroys_nothing(saline: Path) -> None:
    summary = summary_of(saline)
    assert summary["ablation"] == []
    (flag,) = (one for one in summary["validity"] if one["name"] == "thresholds")
    assert flag["level"] == "caution" and "saline" in flag["message"] and "[thresholds]" in flag["message"]
    assert verdict(summary).level != "good"
    assert not any(word in tile.words for tile in tiles(summary) for word in ("destroyed", "missed"))
    told = summary_table(summary)
    assert "nothing is said" in headline(summary) and "nothing is said" in told and "ablated" not in told


def test_its_pages_are_made(saline: Path, tmp_path: Path) -> None:
    text = build_report(saline).read_text("utf-8")
    for words in (
        "tumour destroyed",
        "normal tissue destroyed",
        "tumour missed",
        "destroyed in all",
        ">ablated",
    ):
        assert words not in text
    assert "ablated in the tumour" not in text and "Tissue by dose" in text
    page = build_comparison([saline, saline], tmp_path / "comparison.html")
    assert "tumour destroyed" not in page.read_text("utf-8")
    with pytest.raises(ResultError, match="--threshold"):
        choose_level(open_result(saline))


def test_channels_of_kill_speak_for_themselves(tmp_path: Path) -> None:
    """With [kill] a missing threshold is told, not held against the run."""
    drug = MINIMAL.replace("chlorine_dioxide", "doxorubicin") + (
        '[kill.drug]\nhalf_effect = ["1 mg/L", "2 mg/L"]\nassay_time = "24 h"\n'
    )
    (flag,) = _thresholds(load_case(written(tmp_path, drug), ["outputs.end=70 s"]).model)
    assert flag["level"] == "info"
    control = load_case(written(tmp_path, SALINE), ["outputs.end=70 s", 'physics.control="saline"'])
    assert _thresholds(control.model) == []
    assert _thresholds(load_case(written(tmp_path, MINIMAL)).model) == []


def test_a_plan_must_state_what_it_wants_to_reach(tmp_path: Path) -> None:
    plan = (
        f'name = "plan"\ncase = "{written(tmp_path, SALINE).name}"\nset = ["outputs.end=70 s"]\n'
        'confirm = ["outputs.end=70 s"]\n[[variable]]\nkey = "injection.0.volume"\n'
        'low = "1 mL"\nhigh = "2 mL"\n'
    )
    (tmp_path / "plan.toml").write_text(plan)
    with pytest.raises(CaseError, match="no threshold is known for saline"):
        load_plan(str(tmp_path / "plan.toml"))
    (tmp_path / "plan.toml").write_text(plan + '[goal]\nthreshold = "50 mg min/L"\n')
    assert load_plan(str(tmp_path / "plan.toml")).table.goal.threshold == pytest.approx(3.0)


def test_a_map_of_ablation_needs_thresholds_that_all_cases_share(tmp_path: Path) -> None:
    case = written(tmp_path, MINIMAL)
    sweep = (
        f'name = "sweep"\ncase = "{case.name}"\nset = ["outputs.end=70 s"]\n[probability]\n'
        '[[axis]]\nkey = "agent.base"\nvalues = ["chlorine_dioxide", "saline"]\n'
    )
    (tmp_path / "sweep.toml").write_text(sweep)
    checked = load_sweep(tmp_path / "sweep.toml")
    with pytest.raises(CaseError, match="different thresholds"):
        prepared(checked, make_plan(checked))


def test_the_best_of_a_sweep_are_cases_with_thresholds(tmp_path: Path) -> None:
    """Cases without an ablation volume do not stand among those that destroy most."""
    case = written(tmp_path, SALINE)
    settings = ", ".join(f'"{change}"' for change in QUICK)
    sweep = (
        f'name = "sweep"\ncase = "{case.name}"\nset = [{settings}]\n'
        '[[axis]]\nkey = "agent.base"\nvalues = ["chlorine_dioxide", "saline"]\n'
    )
    (tmp_path / "sweep.toml").write_text(sweep)
    out = tmp_path / "out"
    arguments = ["sweep", str(tmp_path / "sweep.toml"), "--out", str(out), "--engine", "serial", "--quiet"]
    assert main(arguments) == 0
    table = best_table(open_sweep(out))
    assert table is not None and [row[1] for row in table.rows] == ["chlorine_dioxide"]

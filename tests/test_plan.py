# SPDX-License-Identifier: MIT
"""Planning: a search on the radial model finds an injection that its base case does not reach."""

import json
from pathlib import Path

import pytest

from cases.cli import main
from cases.errors import CaseError, ExitCode
from cases.reading.load import load_case
from cases.search.plan import Outcome, Trial, load_plan, pessimistic, ranked
from tests.case_files import REFERENCE

pytestmark = pytest.mark.serial

COARSE = '["geometry.kind=radial", "numerics.cells_per_front=2"]'
RATE = '[[variable]]\nkey = "injection.0.volume"\nlow = "0.5 mL"\nhigh = "4 mL"\n'


def written(folder: Path, goal: str, rest: str = RATE) -> Path:
    path = folder / "search.toml"
    text = f'name = "search"\ncase = "{REFERENCE}"\nset = {COARSE}\nconfirm = {COARSE}\n'
    text += "trials = 6\nconfirmed = 1\n"
    path.write_text(f"{text}{goal}\n{rest}", encoding="utf-8")
    return path


def outcome(coverage: float, spill: float, pressure: float = 1e4) -> Outcome:
    return Outcome(coverage=coverage, spill=spill, outside=0.0, pressure=pressure)


def test_a_plan_beats_its_base_case(tmp_path: Path) -> None:
    """1 mL covers about half of the tumour; more than 60 % needs more."""
    path = written(tmp_path, "[goal]\ncoverage = 0.6\n")
    out = tmp_path / "out"
    assert main(["plan", str(path), "--out", str(out), "--quiet"]) == ExitCode.DONE
    record = json.loads((out / "plan.json").read_text())
    base, best = record["confirmed"]
    assert not base["feasible"] and base["outcome"]["coverage"] < 0.6
    assert best["feasible"] and best["outcome"]["coverage"] >= 0.6
    others = [trial["outcome"]["spill"] for trial in record["trials"] if trial["feasible"]]
    assert best["outcome"]["spill"] == pytest.approx(min(others), rel=1e-6, abs=1e-12)
    chosen = load_case(out / "best.toml").model.injections[0]
    assert chosen.volume == pytest.approx(best["values"]["injection.0.volume"])
    assert "The goal is reached" in (out / "report.html").read_text()


def test_a_goal_out_of_reach_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, '[goal]\ncoverage = 0.9\npressure_limit = "1 kPa"\n').read_text()
    (tmp_path / "hard.toml").write_text(path.replace("trials = 6", "trials = 2"))
    out = tmp_path / "out"
    assert main(["plan", str(tmp_path / "hard.toml"), "--out", str(out), "--quiet"]) == ExitCode.UNPHYSICAL
    assert "No plan that was tried reaches the goal" in (out / "report.html").read_text()


def test_reliability_takes_the_bad_side_of_each_result() -> None:
    found = pessimistic([outcome(0.1 * i, 0.01 * i, 1e3 * i) for i in range(11)], 0.9)
    assert (found.coverage, found.spill, found.pressure) == pytest.approx((0.1, 0.09, 9e3))
    middle = pessimistic([outcome(0.1 * i, 0.01 * i) for i in range(11)], 0.5)
    assert (middle.coverage, middle.spill) == pytest.approx((0.5, 0.05))


def test_plans_that_reach_the_goal_come_first_by_spill() -> None:
    def trial(number: int, found: Outcome | None, feasible: bool) -> Trial:
        return Trial(number=number, values={}, outcome=found, feasible=feasible)

    trials = [
        trial(0, outcome(0.99, 0.2), True),
        trial(1, outcome(0.95, 0.1), True),
        trial(2, outcome(0.8, 0.0), False),
        trial(3, outcome(0.9, 0.0), False),
        trial(4, None, False),
    ]
    assert [found.number for found in ranked(trials)] == [1, 0, 3, 2]


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (
            '[[variable]]\nkey = "injection.0.rat"\nlow = "1 mL/min"\nhigh = "2 mL/min"\n',
            'did you mean "rate"',
        ),
        (
            '[[variable]]\nkey = "injection.0.rate"\nlow = "3 mL/min"\nhigh = "2 mL/min"\n',
            "`low` below `high`",
        ),
        ('[[variable]]\nkey = "injection.0.rate"\nlow = 1\nhigh = "2 mL/min"\n', "volume per time"),
        ("", "variable: missing"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, rest: str, words: str) -> None:
    with pytest.raises(CaseError, match=words):
        load_plan(str(written(tmp_path, "", rest)))

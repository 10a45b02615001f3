# SPDX-License-Identifier: MIT
"""A search for the injection that reaches a stated coverage with the least spill under a pressure limit.

The search is optuna's tree-structured Parzen estimator with constraints (Watanabe 2023). What counts as spill
is the share of the agent that leaves the tumour. The base case is what a plan has to beat.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from mpi4py import MPI

import numpy as np

from cases.case import Case
from cases.catalogue import entries
from cases.errors import CaseError, ExitCode, Problem, UserError
from cases.reading.kinds import require_kind
from cases.reading.load import load_case
from cases.reading.read import Source, read_source
from cases.reading.validate import validated
from cases.running.reuse import Reuse
from cases.schema.plan import PlanFile
from cases.sweeps.axes import Row, bound, si_setting
from cases.sweeps.draws import drawn_rows

BASE: Final = -1
"""Number of the trial that is the base case itself."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A variable of the search, in SI.

    Attributes:
        key: of the case file.
        low: smallest value.
        high: largest value.
        logarithmic: whether values are tried evenly in the logarithm.
    """

    key: str
    low: float
    high: float
    logarithmic: bool


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a plan gives; over the draws, values that the asked share of them keeps.

    Attributes:
        coverage: share of the tumour above the threshold.
        spill: share of the agent that left the tumour.
        outside: normal tissue above the threshold [m3].
        pressure: largest at a tip [Pa].
    """

    coverage: float
    spill: float
    outside: float
    pressure: float


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One plan.

    Attributes:
        number: in the search; ``BASE`` for the base case.
        values: chosen, by key [SI].
        outcome: None where the case cannot be run.
        reason: why it cannot.
        feasible: whether it reaches the goal.
    """

    number: int
    values: dict[str, float]
    outcome: Outcome | None
    reason: str = ""
    feasible: bool = False


@dataclass(frozen=True, kw_only=True)
class Search:
    """A planning file, checked.

    Attributes:
        table: its content.
        base: case file of the base case.
        choices: variables.
        draws: settings of every draw; one empty draw without a sample.
    """

    table: PlanFile
    base: Path
    choices: tuple[Choice, ...]
    draws: tuple[Row, ...]

    def overrides(self, values: dict[str, float], draw: Row, final: bool) -> tuple[str, ...]:
        """All changes to the base case."""
        common = self.table.confirm if final else self.table.set
        threshold = f'thresholds.ct=["{self.table.goal.threshold!r} kg s/m^3"]'
        settings = [*(si_setting(key, value) for key, value in values.items()), *draw]
        return (*common, threshold, *(setting.override for setting in settings))


def load_plan(path: str) -> Search:
    """Read and check a planning file and its base case.

    Raises:
        CaseError: with every problem found.
    """
    source = read_source(path)
    require_kind(source, "plan")
    table = validated(source, PlanFile)
    choices, problems = [], []
    for number, variable in enumerate(table.variable):
        try:
            low, high = bound(variable.key, variable.low), bound(variable.key, variable.high)
            if low >= high or (variable.spacing == "log" and low <= 0):
                raise ValueError("expected `low` below `high`, and above zero for a logarithmic spacing")
            choices.append(
                Choice(key=variable.key, low=low, high=high, logarithmic=variable.spacing == "log")
            )
        except ValueError as error:
            problems.append(Problem(key=("variable", number), message=str(error)))
    draws: list[Row] = [()]
    if table.sample is not None:
        try:
            draws = drawn_rows(table.sample)[0]
        except ValueError as error:
            problems.append(Problem(key=("sample",), message=str(error)))
    base = Path(path).parent / table.case
    if not base.is_file():
        problems.append(Problem(key=("case",), message=f"{base} is not there; expected a case file"))
    if problems:
        raise CaseError([source.place(problem) for problem in problems])
    search = Search(table=table, base=base, choices=tuple(choices), draws=tuple(draws))
    for final in (False, True):
        load_case(base, search.overrides({}, (), final))
    if "threshold" not in table.goal.model_fields_set:
        _require_known(load_case(base, table.set).model.agent.name, source)
    return search


def _require_known(agent: str, source: Source) -> None:
    """Refuse a goal without a threshold for an agent that has none in the library."""
    entry = entries("agents").get(agent)
    if entry is None or not entry.thresholds:
        message = f"no threshold is known for {agent}; expected the dose that is to be reached"
        raise CaseError([source.place(Problem(key=("goal", "threshold"), message=message))])


class Runner:
    """Runs plans, and remembers mesh and set-up between them."""

    def __init__(self, search: Search) -> None:
        self._search, self._reuse = search, Reuse()

    def run(self, number: int, values: dict[str, float], final: bool = False) -> Trial:
        """Run a plan on every draw.

        Args:
            number: of the trial.
            values: chosen [SI].
            final: with the changes of `confirm` instead of `set`.
        """
        found = []
        for draw in self._search.draws:
            try:
                case = load_case(self._search.base, self._search.overrides(values, draw, final))
                found.append(self._outcome(case))
            except (CaseError, UserError) as error:
                return Trial(number=number, values=values, outcome=None, reason=str(error).split("\n")[0])
        outcome = pessimistic(found, self._search.table.goal.reliability)
        trial = Trial(number=number, values=values, outcome=outcome)
        return replace(trial, feasible=all(amount <= 0 for amount in self.violations(trial)))

    def violations(self, trial: Trial) -> tuple[float, float]:
        """By how much a plan misses the coverage and passes the pressure limit; at most 0 if it does not."""
        goal = self._search.table.goal
        if trial.outcome is None:
            return (1.0, 1.0)
        limit = goal.pressure_limit or np.inf
        return (goal.coverage - trial.outcome.coverage, trial.outcome.pressure / limit - 1.0)

    def _outcome(self, case: Case) -> Outcome:
        import json

        from cases.running.run import run_case
        from cases.running.worker import as_user_error

        with tempfile.TemporaryDirectory(prefix="infusate-plan-") as folder:
            try:
                run_case(case, Path(folder), MPI.COMM_SELF, quiet=True, reuse=self._reuse)
            except Exception as error:
                raise as_user_error(error) from error
            summary = json.loads((Path(folder) / "summary.json").read_text("utf-8"))
        if summary["status"] != "complete":
            raise UserError(str(summary.get("reason")), ExitCode.DIVERGED)
        zone = summary["ablation"][0]
        return Outcome(
            coverage=zone["coverage"],
            spill=summary["spill"]["crossed_fraction"],
            outside=zone["outside_m3"],
            pressure=summary["pressure"]["peak_Pa"],
        )


def pessimistic(outcomes: Sequence[Outcome], reliability: float) -> Outcome:
    """Values that the asked share of the draws keeps, each by itself."""

    def quantile(name: str, share: float) -> float:
        return float(np.quantile([getattr(outcome, name) for outcome in outcomes], share))

    return Outcome(
        coverage=quantile("coverage", 1 - reliability),
        spill=quantile("spill", reliability),
        outside=quantile("outside", reliability),
        pressure=quantile("pressure", reliability),
    )


def search_plan(search: Search, report: Any) -> tuple[list[Trial], list[Trial]]:
    """Try plans, then run the best again as they are to be believed.

    Args:
        search: what is searched.
        report: called with each trial.

    Returns:
        All trials, the base case first; and the confirmed ones, the base case first, then the best plans.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    runner = Runner(search)
    trials = [runner.run(BASE, {})]
    report(trials[0])
    sampler = optuna.samplers.TPESampler(
        seed=search.table.seed,
        multivariate=True,
        n_startup_trials=min(10, search.table.trials // 3 + 1),
    )
    study = optuna.create_study(sampler=sampler, direction="minimize")
    for number in range(search.table.trials):
        asked = study.ask()
        values = {
            choice.key: asked.suggest_float(choice.key, choice.low, choice.high, log=choice.logarithmic)
            for choice in search.choices
        }
        trial = runner.run(number, values)
        for name, amount in zip(("coverage", "pressure"), runner.violations(trial), strict=True):
            asked.set_constraint(name, amount)
        study.tell(asked, trial.outcome.spill if trial.outcome else 1.0)
        trials.append(trial)
        report(trial)
    confirmed = [runner.run(BASE, {}, final=True)]
    report(confirmed[0])
    for trial in ranked(trials[1:])[: search.table.confirmed]:
        confirmed.append(runner.run(trial.number, trial.values, final=True))
        report(confirmed[-1])
    return trials, confirmed


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """The best first: those that reach the goal by spill, then the others by coverage."""
    run = [trial for trial in trials if trial.outcome is not None]

    def order(trial: Trial) -> tuple[bool, float]:
        assert trial.outcome is not None
        return not trial.feasible, trial.outcome.spill if trial.feasible else -trial.outcome.coverage

    return sorted(run, key=order)

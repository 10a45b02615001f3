# SPDX-License-Identifier: MIT
"""The command ``plan``: search, confirm, write the best plan as a case, and a page about the search."""

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cases.about import NOTICE, VERSION, remind_once, state_folder
from cases.errors import ExitCode, UserError
from cases.search.plan import BASE, Search, Trial, load_plan, ranked, search_plan


def plan(options: Namespace) -> int:
    """Search for an injection and write what was found."""
    from cases.running.files import write_json
    from cases.running.output import prepare
    from postprocess.sweeps.plan_report import build_plan_report

    search = load_plan(options.plan)
    out = Path(options.out) if options.out else Path("results") / search.table.name
    prepare(out, options.overwrite)
    if not options.quiet:
        remind_once(state_folder())
    say = (lambda trial: None) if options.quiet else (lambda trial: print(line(trial), flush=True))
    trials, confirmed = search_plan(search, say)
    record = {
        "infusate": VERSION,
        "notice": NOTICE,
        "plan": search.table.model_dump(mode="json"),
        "trials": [asdict(trial) for trial in trials],
        "confirmed": [asdict(trial) for trial in confirmed],
    }
    try:
        write_json(out / "plan.json", record)
        best = next(iter(ranked([trial for trial in confirmed if trial.number != BASE])), None)
        if best is not None:
            write_best(search, best, out / "best.toml")
        print(f"wrote {build_plan_report(out)}")
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}", ExitCode.OUTPUT) from error
    if not any(trial.feasible for trial in confirmed):
        raise UserError("no plan that was tried reaches the goal", ExitCode.UNPHYSICAL)
    return ExitCode.DONE


def write_best(search: Search, trial: Trial, path: Path) -> None:
    """Write a plan as a resolved case, which `run` takes."""
    from cases.reading.load import load_case
    from cases.reading.resolve import write_resolved

    write_resolved(load_case(search.base, search.overrides(trial.values, (), final=True)), path)


def line(trial: Trial) -> str:
    """A trial as a line of text."""
    name = "base case" if trial.number == BASE else f"plan {trial.number}"
    if trial.outcome is None:
        return f"{name:<10} cannot be run: {trial.reason}"
    found: Any = trial.outcome
    return (
        f"{name:<10} coverage {100 * found.coverage:6.2f} %  left the tumour {100 * found.spill:7.3f} %"
        f"  {1e-3 * found.pressure:7.2f} kPa  {'reaches the goal' if trial.feasible else ''}"
    ).rstrip()

# SPDX-License-Identifier: MIT
"""The commands on sweeps: run, status, report; each returns an exit code."""

import sys
from argparse import Namespace
from collections import Counter
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cases.about import remind_once, state_folder
from cases.errors import CaseError, ExitCode, Problem, UserError
from cases.sweeps.folder import Plan, SweepFolder, make_plan

if TYPE_CHECKING:
    from cases.sweeps.expand import Sweep
    from cases.sweeps.lease import Lease
    from cases.sweeps.mask import Floats

KIND: Final = "geometry.kind"
AGENT: Final = "agent.base"

START_UP: Final = 4.0
"""Of a batch [s]."""
SECONDS: Final = {"radial": 0.4, "axisymmetric": 2.0}
"""Of one case of default resolution, until cases of the sweep itself have been timed [s]."""
SECONDS_PER_CELL: Final = 8e-5
"""The same of a 3-D case, one injection."""
KILOBYTES: Final = {"summary": 30, "fields": 3000}
"""Of one case on disk."""


def sweep(options: Namespace) -> int:
    """Run a sweep file, or tell of folders of sweeps: ``status DIR``, ``report DIR``, ``compare DIR DIR``."""
    word, *folders = options.what
    if not folders:
        return run(options, word)
    if word == "compare" and len(folders) == 2:
        return compare(options, Path(folders[0]), Path(folders[1]))
    if word not in ("status", "report") or len(folders) != 1:
        ways = "a sweep file, or status DIR, or report DIR, or compare DIR DIR"
        raise UserError(f"found {' '.join(options.what)}; expected {ways}", ExitCode.USAGE)
    folder = SweepFolder(Path(folders[0]))
    plan = folder.plan()
    if word == "status":
        print(status_text(folder, plan))
        return ExitCode.DONE
    return report(folder, plan)


def report(folder: SweepFolder, plan: Plan) -> int:
    """Write the table and the page of a sweep as far as it is."""
    from cases.sweeps.table import write_table
    from postprocess.results.result import ResultError
    from postprocess.sweeps.report import build_sweep_report

    write_table(folder, plan)
    write_map(folder, plan)
    try:
        print(f"wrote {build_sweep_report(folder.root)}")
    except ResultError as error:
        raise UserError(str(error), ExitCode.MISSING_INPUT) from error
    return ExitCode.DONE


def compare(options: Namespace, first: Path, second: Path) -> int:
    """Write the page and the table about two sweeps."""
    from postprocess.results.result import ResultError
    from postprocess.sweeps.compare import FolderInTheWay, build_comparison

    out = Path(options.out) if options.out else Path("results") / f"compare-{first.name}-{second.name}"
    if out.resolve() in (first.resolve(), second.resolve()):
        raise UserError(f"{out}: is one of the sweeps compared; --out names another", ExitCode.OUTPUT)
    try:
        print(f"wrote {build_comparison(first, second, out)}")
    except FolderInTheWay as error:
        raise UserError(str(error), ExitCode.OUTPUT) from error
    except ResultError as error:
        raise UserError(str(error), ExitCode.MISSING_INPUT) from error
    return ExitCode.DONE


def run(options: Namespace, file: str) -> int:
    """Plan a sweep and run what of it is not done."""
    from cases.sweeps.control import controlled
    from cases.sweeps.expand import load_sweep

    _require_one_way(options)
    checked = load_sweep(file)
    plan = make_plan(checked)
    folder = SweepFolder(Path(options.out) if options.out else Path("results") / plan.name)
    if options.dry_run:
        print(forecast(plan, folder))
        return ExitCode.DONE
    plan, outline = prepared(checked, plan)
    with controlled(folder) as control:
        folder.write_plan(plan)
        if outline is not None:
            from cases.sweeps.mask import write_outline

            write_outline(folder.root, outline)
        if not options.quiet:
            remind_once(state_folder())
        return _run(options, checked, folder, (plan, control))


def _run(options: Namespace, checked: "Sweep", folder: SweepFolder, held: tuple[Plan, "Lease"]) -> int:
    """Run what is not done of a sweep whose plan is written, and gather what there is."""
    from cases.sweeps.engine import SLURM_PROFILE, run_serially, run_snakemake
    from cases.sweeps.table import write_table

    plan, control = held
    if options.retry_failed:
        folder.forget_failures(plan.jobs)
    cluster = checked.table.cluster if options.slurm or options.profile else None
    profile = Path(options.profile) if options.profile else SLURM_PROFILE
    if options.engine == "serial":
        run_serially(folder, plan)
    else:
        run_snakemake(folder, plan, control, options.cores, cluster, profile)
    folder.remove_leases(plan.jobs)
    write_table(folder, plan)
    write_map(folder, plan)
    counts = status_counts(folder, plan)
    if not options.quiet:
        print(status_text(folder, plan))
    if counts["open"]:
        raise UserError(_unfinished(folder, counts), ExitCode.STOPPED)
    return ExitCode.DIVERGED if counts["failed"] == len(plan.jobs) else ExitCode.DONE


def _require_one_way(options: Namespace) -> None:
    """Refuse options that contradict one another, and a profile that is none.

    Raises:
        UserError: code 2, or 66.
    """
    from cases.sweeps.engine import require_profile

    if options.engine == "serial" and (options.slurm or options.profile):
        found = "--slurm" if options.slurm else "--profile"
        message = f"--engine serial runs here and {found} on a cluster; leave out one"
        raise UserError(message, ExitCode.USAGE)
    if options.profile:
        require_profile(Path(options.profile))


def prepared(checked: "Sweep", plan: Plan) -> tuple[Plan, "Floats | None"]:
    """The plan with where its map of ablation looks, and the tumour there, if it is to have one.

    Raises:
        CaseError: there can be no such map.
    """
    if checked.table.probability is None:
        return plan, None
    from cases.sweeps.mask import request_map

    _require_h5py()
    kinds = {setting.value for case in checked.planned for setting in case.row if setting.key == KIND}
    try:
        if len(kinds) > 1:
            raise ValueError(f"one grid cannot hold {KIND} of {' and '.join(sorted(map(str, kinds)))}")
        _require_same_thresholds(checked)
        request, distance = request_map(checked.load(checked.planned[0]), checked.table.probability)
    except ValueError as error:
        raise CaseError(
            [Problem(key=("probability",), message=str(error), file=str(checked.file))]
        ) from error
    return replace(plan, probability=request.record()), distance


def _require_same_thresholds(checked: "Sweep") -> None:
    """Raise a ValueError where the agents of a sweep have different thresholds."""
    agents = {setting.value: case for case in checked.planned for setting in case.row if setting.key == AGENT}
    if len({checked.load(case).model.thresholds for case in agents.values()}) > 1:
        raise ValueError(
            f"{' and '.join(map(str, agents))} have different thresholds; state [thresholds] in the case"
        )


def write_map(folder: SweepFolder, plan: Plan) -> None:
    """Write the map of ablation of a sweep that asks for one.

    Raises:
        UserError: the map cannot be made.
    """
    if plan.probability is None:
        from cases.sweeps.probability import remove_map

        remove_map(folder)
        return
    _require_h5py()
    from cases.sweeps.probability import write_probability
    from postprocess.results.result import ResultError
    from postprocess.sweeps.probability import export_maps, open_map

    try:
        record = write_probability(folder, plan)
        if (found := open_map(folder.root)) is not None:
            export_maps(found)
    except (ValueError, FileNotFoundError, ResultError) as error:
        raise UserError(f"no map of ablation: {error}", ExitCode.MISSING_INPUT) from error
    if record and (lost := record["lost_masks"]):
        print(_without_masks(folder, lost), file=sys.stderr)


def _without_masks(folder: SweepFolder, names: list[str]) -> str:
    """What to do about cases that have a result and no mask."""
    folders = " ".join(str(folder.case(name)) for name in names[:3]) + (" ..." if len(names) > 3 else "")
    return (
        f"{len(names)} cases are left out of the map of ablation, as their masks cannot be read; "
        f"remove {folders} and run the sweep again"
    )


def _require_h5py() -> None:
    """Refuse to make a map where h5py is missing, as it may be beside cases that run in a container.

    Raises:
        UserError: code 69.
    """
    if find_spec("h5py") is None:
        message = "a map of ablation needs h5py here; where there is no DOLFINx, `pip install h5py` will do"
        raise UserError(message, ExitCode.UNAVAILABLE)


def _unfinished(folder: SweepFolder, counts: Counter[str]) -> str:
    log = folder.root / "engine.log"
    more = f"; the engine's words are in {log}" if log.exists() else ""
    return f"{counts['open']} cases are still open; the same command goes on with them{more}"


def status_counts(folder: SweepFolder, plan: Plan) -> Counter[str]:
    """Numbers of cases that are done, failed and open."""
    found: Counter[str] = Counter({"done": 0, "failed": 0, "open": 0})
    for job in plan.jobs:
        summary, failure = folder.ended(job.identity)
        found["failed" if failure else "done" if summary else "open"] += 1
    return found


def status_text(folder: SweepFolder, plan: Plan) -> str:
    """How far a sweep is, and why cases failed, the commonest reason first."""
    counts = status_counts(folder, plan)
    lines = [
        f"{plan.name}: {len(plan.jobs)} cases, {counts['done']} done, {counts['failed']} failed, "
        f"{counts['open']} open"
    ]
    reasons = Counter(
        str(failure["reason"]) for job in plan.jobs if (failure := folder.failure(job.identity)) is not None
    )
    lines += [f"  {count} failed: {reason}" for reason, count in reasons.most_common(5)]
    return "\n".join(lines)


def forecast(plan: Plan, folder: SweepFolder) -> str:
    """What a sweep will cost, before it is run."""
    open_jobs = [job for job in plan.jobs if not folder.is_done(job.identity)]
    times = [
        float(summary["timing"]["total_s"])
        for job in plan.jobs[:200]
        if (summary := folder.summary(job.identity)) is not None
    ]
    each = sum(times) / len(times) if times else SECONDS.get(plan.geometry, 2e5 * SECONDS_PER_CELL)
    how = f"measured on {len(times)} cases of it" if times else "a guess for default meshes"
    seconds = each * len(open_jobs) + START_UP * len(plan.batches)
    disk = KILOBYTES[plan.keep] * len(plan.jobs) / 1e3
    inputs = ", ".join(plan.units) or "nothing"
    return "\n".join(
        [
            f"{plan.name}: {len(plan.jobs)} cases in {len(plan.batches)} batches, ranks: {plan.ranks}",
            f"  varies     {inputs}",
            f"  to run     {len(open_jobs)}",
            f"  time       {seconds * plan.ranks / 3600:.2f} core-hours ({each:.2g} s a case: {how})",
            f"  disk       {disk:.0f} MB",
        ]
    )

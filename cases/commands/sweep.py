# SPDX-License-Identifier: MIT
"""The commands on sweeps: run, status, report; each returns an exit code."""

from argparse import Namespace
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cases.errors import CaseError, ExitCode, Problem, UserError
from cases.sweeps.folder import Plan, SweepFolder, make_plan

if TYPE_CHECKING:
    from cases.sweeps.expand import Sweep

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
    from postprocess.sweeps.compare import build_comparison

    out = Path(options.out) if options.out else Path("results") / f"compare-{first.name}-{second.name}"
    try:
        print(f"wrote {build_comparison(first, second, out)}")
    except ResultError as error:
        raise UserError(str(error), ExitCode.MISSING_INPUT) from error
    return ExitCode.DONE


def run(options: Namespace, file: str) -> int:
    """Plan a sweep and run what of it is not done."""
    from cases.sweeps.engine import SLURM_PROFILE, run_serially, run_snakemake
    from cases.sweeps.expand import load_sweep
    from cases.sweeps.table import write_table

    checked = load_sweep(file)
    plan = make_plan(checked)
    folder = SweepFolder(Path(options.out) if options.out else Path("results") / plan.name)
    if options.dry_run:
        print(forecast(plan, folder))
        return ExitCode.DONE
    plan = prepared(checked, plan, folder)
    if options.retry_failed:
        folder.forget_failures(plan.jobs)
    cluster = checked.table.cluster if options.slurm or options.profile else None
    profile = Path(options.profile) if options.profile else SLURM_PROFILE
    if options.engine == "serial":
        code = run_serially(folder, plan)
    else:
        code = run_snakemake(folder, plan, options.cores, cluster, profile)
    folder.remove_leases(plan.jobs)
    write_table(folder, plan)
    write_map(folder, plan)
    counts = status_counts(folder, plan)
    if not options.quiet:
        print(status_text(folder, plan))
    if code or counts["open"]:
        raise UserError(_unfinished(folder, counts), ExitCode.STOPPED)
    return ExitCode.DIVERGED if counts["failed"] == len(plan.jobs) else ExitCode.DONE


def prepared(checked: "Sweep", plan: Plan, folder: SweepFolder) -> Plan:
    """Write the plan, and with it where its map of ablation looks, if it is to have one.

    Raises:
        CaseError: there can be no such map.
        UserError: the folder cannot be written, or is of another sweep.
    """
    if checked.table.probability is None:
        folder.write_plan(plan)
        return plan
    from cases.sweeps.mask import request_map, write_outline

    try:
        request, distance = request_map(checked.load(checked.planned[0]), checked.table.probability)
    except ValueError as error:
        raise CaseError(
            [Problem(key=("probability",), message=str(error), file=str(checked.file))]
        ) from error
    plan = replace(plan, probability=request.record())
    folder.write_plan(plan)
    write_outline(folder.root, distance)
    return plan


def write_map(folder: SweepFolder, plan: Plan) -> None:
    """Write the map of ablation of a sweep that asks for one.

    Raises:
        UserError: a mask is missing or damaged.
    """
    if plan.probability is None:
        return
    from cases.sweeps.probability import write_probability
    from postprocess.results.result import ResultError
    from postprocess.sweeps.probability import export_maps, open_map

    try:
        write_probability(folder, plan)
        if (found := open_map(folder.root)) is not None:
            export_maps(found)
    except (ValueError, FileNotFoundError, ResultError) as error:
        raise UserError(f"no map of ablation: {error}", ExitCode.MISSING_INPUT) from error


def _unfinished(folder: SweepFolder, counts: Counter[str]) -> str:
    log = folder.root / "engine.log"
    more = f"; the engine's words are in {log}" if log.exists() else ""
    return f"{counts['open']} cases are still open; the same command goes on with them{more}"


def status_counts(folder: SweepFolder, plan: Plan) -> Counter[str]:
    """Numbers of cases that are done, failed and open."""
    found: Counter[str] = Counter({"done": 0, "failed": 0, "open": 0})
    for job in plan.jobs:
        case = folder.case(job.identity)
        if (case / "failure.json").exists():
            found["failed"] += 1
        else:
            found["done" if (case / "summary.json").exists() else "open"] += 1
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

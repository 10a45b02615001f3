# SPDX-License-Identifier: MIT
"""One batch of a sweep: ``python3 -m cases.sweeps.worker FOLDER BATCH``, alone or as one rank of several.

Start-up, compiled loops, mesh and set-up are paid once for all cases of a batch. A finished case is never
run again; a case that somebody else is running is left to them, and looked at again at the end of the batch.
"""

import argparse
import shutil
import sys
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cases.errors import CaseError, ExitCode, UserError, printable
from cases.sweeps.folder import Job, Plan, SweepFolder, kind_of
from cases.sweeps.lease import Lease, wait_for_one
from cases.sweeps.mask import MASK, MapRequest, Sampler

if TYPE_CHECKING:
    from mpi4py import MPI

    from cases.running.reuse import Reuse
    from cases.sweeps.mask import Floats
    from meshes.plain import PlainMesh

KEPT: Final = frozenset({"summary.json", "resolved.toml", "failure.json", MASK})
"""What stays of a case of which only the summary is kept."""


def run_batch(folder: SweepFolder, number: int, comm: "MPI.Comm") -> int:
    """Run the cases of a batch that are not done. Collective.

    Returns:
        0; 75 where a case was stopped on request and the rest was left; 73 where others are still at work on
        cases of it.

    Raises:
        OSError: a result cannot be written.
    """
    from cases.running.reuse import Reuse

    plan = comm.bcast(folder.plan() if comm.rank == 0 else None)
    if comm.size != plan.ranks:
        raise UserError(f"started on {comm.size} ranks, told {plan.ranks}", ExitCode.RANKS)
    tools = Reuse(), Sampler(MapRequest.of(plan.probability)) if plan.probability else None
    pending = list(plan.batches[number])
    while True:
        left = []
        for index in pending:
            code = _run_job(folder, plan, plan.jobs[index], comm, tools)
            if code == ExitCode.STOPPED:
                return ExitCode.STOPPED
            if code is None:
                left.append(index)
        if not left:
            return ExitCode.DONE
        paths = [folder.lease(plan.jobs[index].identity) for index in left]
        if not comm.bcast(wait_for_one(paths) if comm.rank == 0 else None):
            return ExitCode.OUTPUT
        pending = left


def _run_job(
    folder: SweepFolder, plan: Plan, job: Job, comm: "MPI.Comm", tools: tuple["Reuse", Sampler | None]
) -> int | None:
    """Run one case unless it is done. Collective; returns its exit code, None if somebody else is at it."""
    lease = Lease(folder.lease(job.identity)) if comm.rank == 0 else None
    with lease or nullcontext():
        done, mine = False, False
        if lease is not None:
            done = folder.is_done(job.identity)
            mine = not done and lease.take()
            # finished by somebody else between the look and the lease
            done = done or folder.is_done(job.identity)
        done, mine = comm.bcast((done, mine))
        if done or not mine:
            return ExitCode.DONE if done else None
        out = folder.case(job.identity)
        if comm.rank == 0 and not any(out.glob("checkpoint/*/manifest.json")):
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
        comm.barrier()
        code, reason = _run(plan, job, out, comm, tools)
        if comm.rank == 0 and code != ExitCode.STOPPED:
            _settle(out, plan.keep, code, reason)
        return code


def _run(
    plan: Plan, job: Job, out: Path, comm: "MPI.Comm", tools: tuple["Reuse", Sampler | None]
) -> tuple[int, str]:
    """Exit code of a case, and why it is not 0. Collective."""
    from cases.reading.load import load_case
    from cases.running.request import Keeping
    from cases.running.run import run_case
    from cases.running.worker import as_user_error

    case, refused = None, None
    if comm.rank == 0:
        try:
            case = load_case(plan.base, job.overrides)
        except CaseError as error:
            refused = int(error.code), printable(str(error))
    case, refused = comm.bcast((case, refused))
    reuse, sampler = tools
    if refused is None and sampler and kind_of(case.geometry) != sampler.request.grid.geometry:
        refused = int(ExitCode.INVALID), f"the map of ablation is for {sampler.request.grid.geometry} cases"
    if refused is not None:
        return refused
    troubles: list[str] = []
    sampled = partial(_sample, sampler, out, troubles) if sampler else None
    try:
        keeping = Keeping(resume=True)
        code = run_case(case, out, comm, quiet=True, reuse=reuse, keeping=keeping, sampled=sampled)
    except Exception as error:
        known = as_user_error(error)
        if not isinstance(known, UserError):
            raise
        return known.code, str(known)
    trouble = comm.bcast(next(iter(troubles), None)) if sampler else None
    if trouble is not None and code == ExitCode.DONE:
        return ExitCode.BUG, trouble
    return code, "" if code == ExitCode.DONE else ExitCode(code).name.lower()


def _sample(
    sampler: Sampler, out: Path, troubles: list[str], plain: "PlainMesh", ct: "Floats", peak: "Floats"
) -> None:
    """Write what a case ablates; what goes wrong is noted, as other ranks are at work on the summary."""
    try:
        sampler.write(out, plain, ct, peak)
    except OSError:
        raise
    except Exception as error:
        troubles.append(f"what it ablates could not be sampled: {printable(str(error))[:300]}")


def _settle(out: Path, keep: str, code: int, reason: str) -> None:
    """Write down a failure, and remove what need not stay."""
    from cases.running.files import write_json

    if code != ExitCode.DONE:
        # an unfinished summary holds the solver's own words
        reason = (_reason(out) or reason) if reason else reason
        write_json(out / "failure.json", {"code": int(code), "reason": reason})
    if keep == "summary":
        for entry in out.iterdir():
            if entry.name not in KEPT:
                with suppress(OSError):
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _reason(out: Path) -> str | None:
    import json

    with suppress(OSError, ValueError):
        return json.loads((out / "summary.json").read_text("utf-8")).get("reason")
    return None


def main() -> int:
    """Read folder and batch from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="cases.sweeps.worker", allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("batch", type=int)
    options = parser.parse_args()
    from mpi4py import MPI

    from cases.failures import failure_code

    comm = MPI.COMM_WORLD
    try:
        return run_batch(SweepFolder(options.folder), options.batch, comm)
    except Exception as error:
        code = failure_code(error)
        if comm.size > 1:
            sys.stderr.flush()
            comm.Abort(code)
        return code


if __name__ == "__main__":
    sys.exit(main())

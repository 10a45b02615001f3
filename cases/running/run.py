# SPDX-License-Identifier: MIT
"""One case from mesh to summary: the way of the data, in the order in which it happens."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray

from cases.about import NOTICE, VERSION
from cases.case import Case
from cases.errors import ExitCode
from cases.reading.resolve import case_hash, write_resolved
from cases.running.files import write_json
from cases.running.keeper import Keeper
from cases.running.levels import levels_of
from cases.running.march import Journey, Marched, march
from cases.running.progress import Progress
from cases.running.promises import outcome
from cases.running.provenance import now, provenance, versions
from cases.running.request import Keeping
from cases.running.reuse import Reuse
from cases.running.signals import noted
from meshes.distribution.distribute import DistributedMesh, gather_to_root
from meshes.plain import PlainMesh
from solver.profile import Profile
from solver.results.checksums import CHECKSUMS, write_checksums
from solver.results.summary import Outcome, summarise
from solver.tissue.line_curves import line_curves

Sampled = Callable[[PlainMesh, NDArray[np.float64], NDArray[np.float64]], None]
"""Takes a mesh, and at its vertices the dose and the largest concentration."""


def run_case(
    case: Case,
    out: Path,
    comm: MPI.Comm,
    quiet: bool = False,
    reuse: Reuse | None = None,
    keeping: Keeping | None = None,
    sampled: Sampled | None = None,
) -> int:
    """Run a case and write its result folder. Collective.

    Args:
        case: checked case.
        out: existing, writable folder.
        comm: ranks to run on.
        quiet: no progress on the terminal.
        reuse: mesh and discretisation of an earlier run.
        keeping: when its state is kept, and whether it goes on from one.
        sampled: told of the last doses before the summary is written; on rank 0.

    Returns:
        Exit code.

    Raises:
        GeometryError: when the geometry cannot be meshed.
        OSError: when the result cannot be written.
    """
    keeping = keeping or Keeping()
    profile = Profile()
    progress = Progress(case, out, comm.rank, quiet, keeping.resume)
    if comm.rank == 0:
        (out / CHECKSUMS).unlink(missing_ok=True)
        write_resolved(case, out / "resolved.toml")
    with profile.stage("mesh"):
        progress.say("meshing")
        reuse = reuse or Reuse()
        curves = line_curves(case.model, case.geometry.sites)
        plain, mesh = reuse.mesh(case.geometry, comm, curves)
    progress.mesh(mesh.info, comm.size)
    with profile.stage("set-up"):
        data = reuse.data(mesh, case.model, case.geometry.sites)
    with noted() as stop:
        keeper = Keeper(case, out, data, keeping, stop)
        marched = march(
            Journey(
                case=case,
                out=out,
                plain=plain,
                data=data,
                keeper=keeper,
                progress=progress,
                profile=profile,
            )
        )
    if marched.stopped:
        return _stopped(marched, progress)
    with profile.stage("metrics"):
        summary = _summary(case, (mesh, plain), marched, data.tissue_fields, sampled)
    reports = [process.report(marched.last.condition) for process in marched.last.processes]
    if summary is not None:
        for report in reports:
            summary |= report
        summary |= _facts(case, mesh, marched)
        summary["provenance"] = provenance()
        summary["timing"] = _timing(profile, keeper)
        write_json(out / "summary.json", summary)
        write_checksums(out)
    progress.close()
    if marched.failure is not None:
        progress.complain(str(marched.failure))
        return ExitCode.DIVERGED
    keeper.clear()
    plasma = case.model.agent.plasma_concentration
    code: int = comm.bcast(outcome(summary, plasma) if summary is not None else None)
    return code


def _timing(profile: Profile, keeper: Keeper) -> dict[str, Any]:
    """Wall times of a run, and of what was run before it was stopped."""
    earlier = {"earlier_s": keeper.earlier, "resumed": keeper.resumed}
    return {**profile.timing(), **earlier, "finished": now()}


def _summary(
    case: Case,
    meshes: tuple[DistributedMesh, PlainMesh | None],
    marched: Marched,
    tissue_fields: tuple[dict[str, Any], ...],
    sampled: Sampled | None,
) -> dict[str, Any] | None:
    """The physics of the summary on rank 0, None elsewhere. Collective."""
    mesh, plain = meshes
    last = marched.last
    fields = [last.dose.ct, last.dose.peak, *marched.front]
    gathered: list[Any] = [gather_to_root(mesh, field, mesh.comm) for field in fields]
    if plain is None:
        return None
    ct, peak, front, largest = gathered
    if sampled is not None:
        sampled(plain, ct, peak)
    return summarise(
        Outcome(
            mesh=plain,
            model=case.model,
            sites=case.geometry.sites,
            levels=levels_of(case),
            ct=ct,
            peak=peak,
            largest_pressure=largest,
            front=front,
            extremes=marched.extremes,
            ledger=last.ledger,
            delivered=last.delivered,
            tissue_fields=tissue_fields,
        )
    )


def _stopped(marched: Marched, progress: Progress) -> int:
    """Say where and why a run stopped, and how it goes on."""
    when = f"stopped at t = {marched.last.time:.6g} s by {marched.stopped}"
    progress.complain(f"{when}; its state is kept, --resume goes on from there")
    progress.close()
    return ExitCode.STOPPED


def _facts(case: Case, mesh: DistributedMesh, marched: Marched) -> dict[str, Any]:
    """Who ran what, how and with which versions."""
    last, extremes, failure = marched.last, marched.extremes, marched.failure
    steps = max(last.index, 1)
    return {
        "infusate": VERSION,
        "notice": NOTICE,
        "status": "incomplete" if failure else "complete",
        "reason": None if failure is None else str(failure),
        **({"trouble": asdict(failure.trouble)} if failure is not None and failure.trouble else {}),
        "case": {
            "name": case.name,
            "title": case.title,
            "file": case.file.name,
            "overrides": list(case.overrides),
            "hash": case_hash(case),
        },
        "ranks": mesh.comm.size,
        "geometry": mesh.geometry,
        "mesh": mesh.info,
        "time": {"end_s": last.time, "steps": last.index, "rejected_steps": extremes.rejected},
        "solver": {
            "newton_iterations_mean": sum(extremes.newton) / steps,
            "newton_iterations_max": max(extremes.newton, default=0),
            "krylov_iterations_pressure_mean": sum(extremes.krylov_pressure) / max(sum(extremes.newton), 1),
            "krylov_iterations_agent_mean": sum(extremes.krylov_agent) / steps,
        },
        "versions": versions(),
    }

# SPDX-License-Identifier: MIT
"""One case from mesh to summary: the way of the data, in the order in which it happens."""

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mpi4py import MPI

from cases.about import NOTICE, VERSION
from cases.case import Case
from cases.errors import ExitCode
from cases.progress import Progress
from cases.resolve import case_hash, write_resolved
from cases.reuse import Reuse
from meshes.distribute import DistributedMesh, gather_to_root
from meshes.plain import PlainMesh
from solver.discretisation import Discretisation
from solver.metrics import Level
from solver.profile import Profile
from solver.record import Extremes, FieldFile, History
from solver.simulate import SolverFailure, simulate
from solver.snapshot import Snapshot
from solver.stepping import same_time
from solver.summary import Outcome, summarise
from solver.validity import LEDGER_LIMIT

LOWEST = -1e-12
HIGHEST = 1 + 1e-10
"""Bounds of C over the inlet's that a run must keep."""

PACKAGES = ("fenics-dolfinx", "petsc4py", "mpi4py", "numpy", "scipy", "numba", "h5py", "mmgpy", "gmsh")


def run_case(case: Case, out: Path, comm: MPI.Comm, quiet: bool = False, reuse: Reuse | None = None) -> int:
    """Run a case and write its result folder. Collective.

    Args:
        case: checked case.
        out: existing, writable folder.
        comm: ranks to run on.
        quiet: no progress on the terminal.
        reuse: mesh and discretisation of an earlier run.

    Returns:
        Exit code.

    Raises:
        GeometryError: when the geometry cannot be meshed.
        OSError: when the result cannot be written.
    """
    profile = Profile()
    progress = Progress(case, out, comm.rank, quiet)
    if comm.rank == 0:
        write_resolved(case, out / "resolved.toml")
    with profile.stage("mesh"):
        progress.say("meshing")
        reuse = reuse or Reuse()
        plain, mesh = reuse.mesh(case.geometry, comm)
    progress.mesh(mesh.info, comm.size)
    with profile.stage("set-up"):
        data = reuse.data(mesh, case.model, case.geometry.sites)
    extremes = Extremes(inlet=max((p.concentration for p in case.model.injections), default=0.0))
    failure, last, front = _march(case, out, data, extremes, progress, profile)
    with profile.stage("metrics"):
        summary = _summary(case, (mesh, plain), (last, front), extremes)
    reports = [process.report(last.condition) for process in last.processes]
    if summary is not None:
        for report in reports:
            summary |= report
        summary |= _facts(case, mesh, last, extremes, failure)
        summary["timing"] = profile.timing()
        write_json(out / "summary.json", summary)
    progress.close()
    if failure is not None:
        progress.complain(failure)
        return ExitCode.DIVERGED
    return comm.bcast(_checked(summary, case) if summary is not None else None)


def _march(
    case: Case,
    out: Path,
    data: Discretisation,
    extremes: Extremes,
    progress: Progress,
    profile: Profile,
) -> tuple[str | None, Snapshot, Any]:
    """Consume the time loop.

    Returns:
        Why it failed (or None), the last state, and C and p_max at the end of the last pulse.
    """
    history = History(out / "history.csv", data.halo.comm.rank)
    fields = FieldFile(out / "fields.vtkhdf", data)
    schedule = case.model.schedule
    stored = (0.0, *schedule.outputs, schedule.end)

    def is_stored(snapshot: Snapshot) -> bool:
        return any(same_time(snapshot.time, time, schedule) for time in stored)

    pulses_over = max((pulse.end for pulse in case.model.injections), default=schedule.end)
    failure, last, front = None, None, None
    try:
        for last in simulate(data, case.model, profile):
            with profile.stage("output"):
                history.add(last, extremes.inlet)
                if is_stored(last):
                    fields.add(last)
            with profile.stage("metrics"):
                extremes.add(data, last)
            if last.time <= pulses_over or same_time(last.time, pulses_over, schedule):
                front = (last.agent.concentration, last.flow.largest)
            progress.step(last)
    except SolverFailure as error:
        failure = str(error)
        if last is None:
            fields.discard(together=True)
            raise
        if not is_stored(last):
            fields.add(last)
    except BaseException:
        fields.discard()
        raise
    history.close()
    with profile.stage("output"):
        fields.close()
    assert last is not None
    return failure, last, front


def _summary(
    case: Case,
    meshes: tuple[DistributedMesh, PlainMesh | None],
    states: tuple[Snapshot, Any],
    extremes: Extremes,
) -> dict[str, Any] | None:
    """The physics of the summary on rank 0, None elsewhere. Collective."""
    mesh, plain = meshes
    last, front = states
    fields = [last.dose.ct, last.dose.peak, *front]
    gathered: list[Any] = [gather_to_root(mesh, field, mesh.comm) for field in fields]
    if plain is None:
        return None
    ct, peak, front, largest = gathered
    return summarise(
        Outcome(
            mesh=plain,
            model=case.model,
            sites=case.geometry.sites,
            levels=_levels(case),
            ct=ct,
            peak=peak,
            largest_pressure=largest,
            front=front,
            extremes=extremes,
            ledger=last.ledger,
        )
    )


def _levels(case: Case) -> list[Level]:
    thresholds = case.model.thresholds
    doses = zip(thresholds.ct, case.ct_labels, strict=True)
    peaks = zip(thresholds.peak, case.peak_labels, strict=True)
    return [
        *(Level(measure="ct", threshold=t, unit="kg s/m^3", label=label) for t, label in doses),
        *(Level(measure="peak", threshold=t, unit="kg/m^3", label=label) for t, label in peaks),
    ]


def _facts(
    case: Case, mesh: DistributedMesh, last: Snapshot, extremes: Extremes, failure: str | None
) -> dict[str, Any]:
    """Who ran what, how and with which versions."""
    steps = max(last.index, 1)
    return {
        "infusate": VERSION,
        "notice": NOTICE,
        "status": "incomplete" if failure else "complete",
        "reason": failure,
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
        "versions": {"python": platform.python_version(), **_versions()},
        "provenance": {"system": platform.system(), "machine": platform.machine()},
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _checked(summary: dict[str, Any], case: Case) -> int:
    """Whether the result keeps its promises: both ledgers closed, C between 0 and what comes in."""
    residuals = [summary["ledger"][book]["residual_relative"] for book in ("agent", "fluid")]
    bounds = summary["concentration"]
    largest = max(1.0, case.model.agent.plasma_concentration / (bounds["inlet_kg_m3"] or 1.0))
    kept = bounds["min_relative"] >= LOWEST and bounds["max_relative"] <= HIGHEST * largest
    return ExitCode.DONE if kept and all(r <= LEDGER_LIMIT for r in residuals) else ExitCode.UNPHYSICAL


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a file whole or not at all: beside it, flushed to disk, then renamed.

    Raises:
        OSError: when the disk is full or the folder cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1, allow_nan=False, default=_plain)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _plain(value: Any) -> Any:
    """Numpy scalars and arrays as JSON knows them."""
    return value.item() if getattr(value, "ndim", 1) == 0 else value.tolist()

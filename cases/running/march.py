# SPDX-License-Identifier: MIT
"""The time loop of a case with all that follows it: records, checkpoints, progress; to its end or a stop."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cases.case import Case
from cases.running.keeper import CheckpointNotWritten, Front, Keeper, Record
from cases.running.progress import Progress
from meshes.plain import PlainMesh
from solver.profile import Profile
from solver.results.record import Extremes, FieldFile, History
from solver.simulate import SolverFailure, TimeLoop
from solver.snapshot import Snapshot
from solver.stepping import same_time
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Marched:
    """Where a run got to.

    Attributes:
        last: the last state.
        front: C and p_max at the end of the last pulse, or at the last state if that was before.
        extremes: over the run.
        failure: what numerics failed at, None if they did not.
        stopped: who or what asked it to stop, None if it was not asked or was over anyway.
    """

    last: Snapshot
    front: Front
    extremes: Extremes
    failure: SolverFailure | None = None
    stopped: str | None = None


@dataclass(frozen=True, kw_only=True)
class Journey:
    """What a march is made through and with.

    Attributes:
        case: what is run.
        out: result folder.
        plain: whole mesh, on rank 0.
        data: static data.
        keeper: of its state.
        progress: told of every step.
        profile: collects wall time.
    """

    case: Case
    out: Path
    plain: PlainMesh | None
    data: Discretisation
    keeper: Keeper
    progress: Progress
    profile: Profile


def march(journey: Journey) -> Marched:
    """Run the time loop to its end, or to where it fails or is asked to stop. Collective.

    Raises:
        SolverFailure: when not even a resting state is found.
        UserError: when it is to go on from a checkpoint and none can be used.
        OSError: when a result cannot be written.
        CheckpointNotWritten: when it is asked to stop and cannot keep its state.
    """
    keeper, progress = journey.keeper, journey.progress
    loop = TimeLoop(journey.data, journey.case.model, journey.profile)
    kept = keeper.restore(loop, journey.plain, progress)
    inlet = max((pulse.concentration for pulse in journey.case.model.injections), default=0.0)
    rank = journey.data.halo.comm.rank
    record = Record(
        extremes=kept.extremes if kept else Extremes(inlet=inlet),
        history=History(journey.out / "history.csv", rank, kept.history if kept else None),
        fields=FieldFile(journey.out / "fields.vtkhdf", journey.data),
        front=kept.front if kept else None,
    )
    failure, stopped = None, None
    try:
        if kept is None:
            _enter(journey, record, loop.snapshot)
        stopped = keeper.after_step(loop, record, progress)
        while not (loop.done or stopped):
            _enter(journey, record, loop.advance())
            stopped = keeper.after_step(loop, record, progress)
    except SolverFailure as error:
        failure = error
        _keep_failed(journey, record, loop)
    except BaseException:
        record.fields.discard()
        raise
    record.history.close()
    if stopped:
        record.fields.discard(together=True)
    else:
        with journey.profile.stage("output"):
            record.fields.close(keeper.segments)
    assert record.front is not None
    return Marched(
        last=loop.snapshot, front=record.front, extremes=record.extremes, failure=failure, stopped=stopped
    )


def _enter(journey: Journey, record: Record, now: Snapshot) -> None:
    """Record a state in all places. Collective."""
    schedule, pulses = journey.case.model.schedule, journey.case.model.injections
    with journey.profile.stage("output"):
        record.history.add(now, record.extremes.inlet)
        if _is_stored(journey.case, now):
            record.fields.add(now)
    with journey.profile.stage("metrics"):
        record.extremes.add(journey.data, now)
    over = max(map(min, (pulse.end for pulse in pulses), now.delivered.ended), default=schedule.end)
    if now.time <= over or same_time(now.time, over, schedule):
        record.front = (now.agent.concentration, now.flow.largest)
    journey.progress.step(now)


def _keep_failed(journey: Journey, record: Record, loop: TimeLoop) -> None:
    """Keep the last good state of a run whose numerics failed, and store its fields to be looked at."""
    try:
        journey.keeper.keep(loop, record, journey.progress)
    except CheckpointNotWritten as error:
        journey.progress.complain(str(error))
    if not _is_stored(journey.case, loop.snapshot):
        record.fields.add(loop.snapshot)


def _is_stored(case: Case, snapshot: Snapshot) -> bool:
    schedule = case.model.schedule
    stored = (0.0, *schedule.outputs, schedule.end)
    return any(same_time(snapshot.time, time, schedule) for time in stored)

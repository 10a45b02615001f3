# SPDX-License-Identifier: MIT
"""Keeps a run's state while it runs, stops it when asked to, and gives the state back when it goes on."""

import hashlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray

from cases.about import VERSION
from cases.case import Case
from cases.errors import ExitCode, UserError
from cases.reading.resolve import case_hash
from cases.running.progress import Progress
from cases.running.request import Keeping
from cases.running.signals import Stop, job_end
from meshes.plain import PlainMesh
from solver.memory import Arrays, MemoryMismatch, pack, unpack
from solver.results.checkpoint import Checkpoint, CheckpointError, agree, differs, find, load, save
from solver.results.placement import Placement
from solver.results.record import Extremes, FieldFile, History
from solver.simulate import TimeLoop
from solver.stepping import same_time
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]
Front = tuple[Floats, Floats]

FOLDER: Final = "checkpoint"
"""Of a result, where checkpoints and finished pieces of the field file are; gone when the run is complete."""
MARGIN: Final = 30.0
"""Time before the end of a batch job that is left for what comes after the checkpoint [s]."""


class CheckpointNotWritten(RuntimeError):
    """The state of a run could not be kept."""


@dataclass(kw_only=True)
class Record:
    """What a run has recorded so far.

    Attributes:
        extremes: over the run.
        history: the file of steps.
        fields: the file of fields.
        front: C and p_max at the end of the last pulse, or now if it is still to come.
    """

    extremes: Extremes
    history: History
    fields: FieldFile
    front: Front | None = None


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What a checkpoint holds beside the time loop.

    Attributes:
        extremes: over the run.
        front: as in `Record`.
        history: bytes of the history file that belong to it.
    """

    extremes: Extremes
    front: Front | None
    history: int


class Keeper:
    """Writes and reads the checkpoints of one run.

    Attributes:
        segments: finished pieces of the field file.
        earlier: wall time of the runs that this one goes on from [s].
        resumed: how often the run was taken up again.
    """

    def __init__(self, case: Case, out: Path, data: Discretisation, keeping: Keeping, stop: Stop) -> None:
        self._case, self._out, self._data, self._stop = case, out, data, stop
        self._comm: MPI.Comm = data.halo.comm
        self._keeping, self._folder = keeping, out / FOLDER
        self._placement: Placement | None = None
        self._plain: PlainMesh | None = None
        self._began = self._saved = time.monotonic()
        self._cost = 0.0
        every = keeping.every if keeping.every is not None else case.checkpoint.interval
        self._interval, self._events = every, _events(case)
        self.segments: list[Path] = []
        self.earlier, self.resumed = 0.0, 0

    def restore(self, loop: TimeLoop, plain: PlainMesh | None, progress: Progress) -> Kept | None:
        """Take up the newest checkpoint that is whole, if the run is to go on from one. Collective.

        Args:
            loop: put into the state of the checkpoint.
            plain: the mesh, on rank 0.
            progress: told what is used and what is not.

        Returns:
            The rest of the checkpoint; None where the run starts from its beginning.

        Raises:
            UserError: there are checkpoints, but none can be used (code 76).
        """
        self._plain = plain
        if not self._keeping.resume:
            return None
        found, passed = self._comm.bcast(
            find(self._folder, self._objection, VERSION) if self._comm.rank == 0 else None
        )
        for reason in passed:
            progress.complain(f"{reason}; the one before is tried")
        if found is None:
            if passed:
                message = f"{self._folder}: no checkpoint can be used; --overwrite starts the case again"
                raise UserError(message, ExitCode.CHECKPOINT)
            progress.say("no checkpoint: starts from the beginning")
            return None
        try:
            kept = self._recall(found, loop)
        except (CheckpointError, MemoryMismatch) as error:
            raise UserError(f"checkpoint {found.folder.name}: {error}", ExitCode.CHECKPOINT) from error
        progress.say(f"goes on from checkpoint {found.folder.name}, t = {loop.snapshot.time:.6g} s")
        return kept

    def after_step(self, loop: TimeLoop, record: Record, progress: Progress) -> str | None:
        """Write a checkpoint if one is due. Collective.

        Returns:
            Why the run stops here, with a checkpoint, or None.

        Raises:
            CheckpointNotWritten: the run is to stop, and its state cannot be kept.
        """
        reason = self._reason_to_stop()
        wish = self._comm.allreduce(2 if reason else int(self._due(loop)), op=MPI.MAX)
        if wish == 0 or loop.done:
            return None
        stopping = wish == 2
        try:
            self.keep(loop, record, progress)
        except CheckpointNotWritten as error:
            if stopping:
                raise
            progress.complain(f"{error}; the run goes on, the checkpoint before stays")
            self._saved = time.monotonic()
        return next(filter(None, self._comm.allgather(reason))) if stopping else None

    def keep(self, loop: TimeLoop, record: Record, progress: Progress) -> None:
        """Write a checkpoint. Collective.

        Raises:
            CheckpointNotWritten: on all ranks; checkpoints before are untouched.
            OSError: the fields so far cannot be completed.
        """
        began = time.monotonic()
        self._set_fields_aside(record.fields)
        self._placement = self._placement or Placement(self._data)
        arrays: Arrays = {}
        tree = pack(
            {"loop": loop.memory(), "extremes": record.extremes, "front": record.front}, arrays, "run"
        )
        try:
            facts = agree(self._comm, lambda: self._facts(loop, record))
            made = save(self._folder, (tree, arrays), self._placement, facts, VERSION)
        except OSError as error:
            raise CheckpointNotWritten(f"{self._folder}: checkpoint not written: {error.strerror}") from error
        self._saved = time.monotonic()
        self._cost = self._saved - began
        progress.note(f"checkpoint {made.name} at t = {loop.snapshot.time:.6g} s ({self._cost:.1f} s)")

    def clear(self) -> None:
        """Remove the checkpoints of a run that is complete. Collective."""
        self._comm.barrier()
        if self._comm.rank == 0:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _set_fields_aside(self, fields: FieldFile) -> None:
        if self._comm.rank == 0:
            self._folder.mkdir(exist_ok=True)
        self._comm.barrier()
        number = 1 + max((int(path.stem[-4:]) for path in self.segments), default=0)
        segment = self._folder / f"fields-{number:04d}.vtkhdf"
        if fields.set_aside(segment):
            self.segments.append(segment)

    def _reason_to_stop(self) -> str:
        if self._stop.signal:
            return self._stop.signal
        limit, end = self._keeping.stop_after, job_end()
        if limit is not None and time.monotonic() - self._began >= limit:
            return f"{limit:g} s of wall time"
        if end is not None and time.time() > end - MARGIN - 2 * self._cost:
            return "the end of the batch job"
        return ""

    def _due(self, loop: TimeLoop) -> bool:
        now, schedule = loop.snapshot.time, self._case.model.schedule
        if now > 0 and any(same_time(now, moment, schedule) for moment in self._events):
            return True
        # one clock decides
        return self._comm.rank == 0 and time.monotonic() - self._saved >= self._interval

    def _facts(self, loop: TimeLoop, record: Record) -> dict[str, Any]:
        if self._comm.rank > 0:
            return {}
        return {
            "case": case_hash(self._case),
            "mesh": _digest(self._plain),
            "time": loop.snapshot.time,
            "step": loop.snapshot.index,
            "history": record.history.position(),
            "segments": {path.name: _hashed(path) for path in self.segments},
            "seconds": self.earlier + time.monotonic() - self._began,
            "resumed": self.resumed,
        }

    def _objection(self, checkpoint: Checkpoint) -> str | None:
        """What speaks against a checkpoint whose own files are as they were written."""
        facts = checkpoint.facts
        try:
            if facts["case"] != case_hash(self._case):
                return "is of another case"
            if facts["mesh"] != _digest(self._plain):
                return "is of another mesh; another version of the mesher has made it"
            reasons = [
                _prefix_differs(self._out / "history.csv", facts["history"]),
                *(differs(self._folder / Path(name).name, size) for name, size in facts["segments"].items()),
            ]
            return next((reason for reason in reasons if reason), None)
        except (KeyError, TypeError, AttributeError):
            return "its manifest is damaged"

    def _recall(self, found: Checkpoint, loop: TimeLoop) -> Kept:
        self._placement = Placement(self._data)
        tree, arrays = load(found, self._placement)
        loop.recall(tree["loop"], arrays)
        self.segments = [self._folder / Path(name).name for name in found.facts["segments"]]
        self.earlier, self.resumed = float(found.facts["seconds"]), int(found.facts["resumed"]) + 1
        return Kept(
            extremes=unpack(Extremes, tree["extremes"], arrays),
            front=unpack(Front | None, tree["front"], arrays),
            history=int(found.facts["history"]["bytes"]),
        )


def _events(case: Case) -> list[float]:
    """Times at which a checkpoint is asked for [s]."""
    pulses = [moment for pulse in case.model.injections for moment in (pulse.start, pulse.end)]
    chosen = {"pulses": pulses, "outputs": list(case.model.schedule.outputs)}
    return [moment for name in case.checkpoint.at for moment in chosen[name]]


def _digest(plain: PlainMesh | None) -> str:
    digest = hashlib.sha256()
    assert plain is not None
    for array in (plain.points, plain.cells, plain.cell_tags, plain.facets, plain.facet_tags):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _hashed(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _prefix_differs(path: Path, wanted: dict[str, Any]) -> str | None:
    try:
        with path.open("rb") as stream:
            start = stream.read(int(wanted["bytes"]))
    except OSError as error:
        return f"{path.name}: {error.strerror}"
    same = hashlib.sha256(start).hexdigest() == wanted["sha256"]
    return None if same else f"{path.name} is not as it was written"

# SPDX-License-Identifier: MIT
"""The time loop: a generator of snapshots. Writers, metrics and progress lines consume it from outside."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, get_type_hints

import numpy as np

from solver.agent.processes import Condition
from solver.algebra.linear import LinearSolverError
from solver.carry import AgentError, Carried, carry
from solver.delivery.pulses import Landing
from solver.flow.history import FlowHistory
from solver.flow.state import FlowStep
from solver.flow.step import FlowError
from solver.machine import Machine
from solver.memory import Arrays, unpack
from solver.parameters.model import Model
from solver.profile import Profile
from solver.snapshot import Dose, Snapshot
from solver.stepping import StepControl, any_on, event_times, source_changes
from solver.tissue.discretisation import Discretisation
from solver.trouble import Trouble, locate

LARGEST_ERROR = 4.0
"""A step that errs by more than this many tolerances is repeated."""


LIVE = frozenset({"ledger", "processes"})
"""What a snapshot holds that is no state of its own."""


class SolverFailure(RuntimeError):
    """No step short enough could be solved; says when, why, where and what to try.

    Attributes:
        trouble: the place, if it is known.
    """

    def __init__(self, message: str, trouble: Trouble | None = None) -> None:
        super().__init__(f"{message}; {trouble}" if trouble else message)
        self.trouble = trouble


class TimeLoop:
    """The time loop, one accepted step at a time.

    Attributes:
        machine: the solvers.
        snapshot: the state after the last accepted step.
    """

    def __init__(self, data: Discretisation, model: Model, profile: Profile | None = None) -> None:
        """Bring the solvers up at rest. Collective.

        Args:
            data: static data of the run.
            model: what is simulated.
            profile: collects wall time by stage.

        Raises:
            SolverFailure: when no resting state is found.
        """
        profile = profile or Profile()
        try:
            with profile.stage("set-up"):
                self.machine = Machine(data, model, profile)
                self.snapshot = _start(self.machine)
        except (FlowError, LinearSolverError) as reason:
            raise SolverFailure(f"t = 0 s: no resting state found; {reason}") from reason
        self._numerics, self._end = model.numerics, model.schedule.end
        self._control = StepControl(
            numerics=model.numerics,
            events=event_times(model.injections, model.schedule),
            changes=source_changes(model.injections),
            injecting=any_on(model.injections, model.schedule),
        )
        self._past: FlowHistory | None = None

    @property
    def done(self) -> bool:
        """Whether the end is reached."""
        return self.snapshot.time >= self._end

    def advance(self) -> Snapshot:
        """Take steps until one is accepted, and return the state after it. Collective.

        Raises:
            SolverFailure: when the shortest allowed step fails; the snapshot is that before it.
        """
        before = self._control.memory(), self._past
        seen = self.machine.seen()
        while True:
            step, ends = self._control.propose(self.snapshot.time)
            try:
                if self._tried(step, ends):
                    return self.snapshot
            except (FlowError, LinearSolverError, AgentError) as reason:
                self.machine.unsee(seen)
                self._control.cut(step)
                if self._control.exhausted:
                    control, self._past = before
                    self._control.recall(control)
                    amiss = getattr(reason, "amiss", None)
                    trouble = locate(self.machine.data, amiss) if amiss else None
                    message = f"t = {self.snapshot.time:.6g} s: no step down to {step:.3g} s succeeded"
                    raise SolverFailure(f"{message}; {reason}", trouble) from reason
                self._past = None

    def memory(self) -> dict[str, Any]:
        """All that the next step depends on, for a checkpoint; see `solver.memory`."""
        state = {f.name: getattr(self.snapshot, f.name) for f in fields(Snapshot) if f.name not in LIVE}
        return {
            "snapshot": state,
            "past": self._past,
            "control": self._control.memory(),
            "machine": self.machine.memory(),
        }

    def recall(self, memory: Mapping[str, Any], arrays: Arrays) -> None:
        """Go on from what `memory` gave, packed.

        Raises:
            MemoryMismatch: it is of another version.
        """
        live = {name: getattr(self.snapshot, name) for name in LIVE}
        hints = get_type_hints(Snapshot)
        state = {name: unpack(hints[name], part, arrays) for name, part in memory["snapshot"].items()}
        self.snapshot = Snapshot(**live, **state)
        self._past = unpack(FlowHistory | None, memory["past"], arrays)
        self._control.recall(memory["control"])
        self.machine.recall(memory["machine"], arrays)

    def _tried(self, step: float, ends: float) -> bool:
        """Take a step; False where it erred too much and is to be repeated, shorter."""
        machine, control, snapshot = self.machine, self._control, self.snapshot
        flow, error, present = _flow(machine, snapshot, self._past, step)
        if error > LARGEST_ERROR and step > self._numerics.smallest_step:
            control.cut(step, factor=0.5)
            return False
        landing = machine.delivery.landing(flow, step, snapshot.delivered)
        if landing is not None:
            step, ends = landing.step, ends if landing.step == step else snapshot.time + landing.step
            control.changes |= {ends}
            flow, error, present = _flow(machine, snapshot, None, step, landing)
        carried = carry(machine, snapshot, flow, step)
        changed = ends in control.changes
        self._past = None if changed else present
        if changed:
            machine.pace.restart()
            machine.last_change = None
        self.snapshot = _accept(machine, snapshot, flow, carried, (step, ends, landing), control.rejected)
        control.accept(ends, error, step, present.order if self._past else 1, flow.effort)
        return True


def simulate(data: Discretisation, model: Model, profile: Profile | None = None) -> Iterator[Snapshot]:
    """Run a model, yielding a snapshot at the start and after every accepted step of the flow. Collective.

    Args:
        data: static data of the run.
        model: what is simulated.
        profile: collects wall time by stage.

    Raises:
        SolverFailure: when the shortest allowed step fails.
    """
    loop = TimeLoop(data, model, profile)
    yield loop.snapshot
    while not loop.done:
        yield loop.advance()


def _start(machine: Machine) -> Snapshot:
    flow, agent = machine.flow.initial_state(), machine.transport.initial_state()
    none = np.zeros_like(agent.amount)
    resting = machine.flow.step(flow, none, 1.0, flow.pressure)
    machine.ledger.set_rest(resting)
    condition: Condition = {}
    for process in machine.processes:
        condition = {**condition, **process.start()}
    return Snapshot(
        time=0.0,
        step=0.0,
        index=0,
        rejected=0,
        flow=flow,
        flow_step=resting,
        agent=agent,
        dose=Dose(ct=none, peak=none),
        source_pressure=machine.source_pressure(flow.pressure),
        lowest=0.0,
        highest=0.0,
        krylov=0,
        substeps=0,
        ledger=machine.ledger,
        delivered=machine.delivery.start(),
        condition=condition,
        processes=machine.processes,
    )


def _flow(
    machine: Machine,
    snapshot: Snapshot,
    past: FlowHistory | None,
    step: float,
    landing: Landing | None = None,
) -> tuple[FlowStep, float, FlowHistory]:
    """One step of the flow, its error over the tolerance, and what the next step needs to know of it."""
    source = machine.source((snapshot.time, step), snapshot.delivered, landing)
    start = snapshot.flow.pressure
    machine.thicken(snapshot.condition)
    if machine.vessels is not None:
        machine.vessels.prepare(snapshot.condition, snapshot.agent.concentration, step)
    with machine.profile.stage("pressure"):
        if past is None:
            flow = machine.flow.step(snapshot.flow, source, step, start)
        else:
            known = (past.flow, past.step)
            try:
                guess = machine.flow.guess(snapshot.flow, past.pressure, step / past.step)
                flow = machine.flow.step(snapshot.flow, source, step, guess, known)
            except FlowError:
                flow = machine.flow.step(snapshot.flow, source, step, start, known)
        agent = snapshot.agent.concentration, machine.ledger.totals["agent_blood"], machine.carried(source)
        error, present = machine.judge.learn(past, snapshot.flow, flow, step, agent)
        return flow, 0.0 if machine.model.numerics.fixed_step else error, present


def _accept(
    machine: Machine,
    before: Snapshot,
    flow: FlowStep,
    carried: Carried,
    how: tuple[float, float, Landing | None],
    rejected: int,
) -> Snapshot:
    step, ends, landing = how
    pressure = machine.source_pressure(flow.state.pressure)
    return Snapshot(
        time=ends,
        step=step,
        index=before.index + 1,
        rejected=rejected,
        flow=flow.state,
        flow_step=flow,
        agent=carried.state,
        dose=carried.dose,
        source_pressure=pressure,
        lowest=carried.lowest,
        highest=carried.highest,
        krylov=carried.krylov,
        substeps=carried.substeps,
        ledger=machine.ledger,
        delivered=machine.delivery.book(before.delivered, (before.time, step), flow, pressure, landing),
        condition=carried.condition,
        processes=machine.processes,
    )

# SPDX-License-Identifier: MIT
"""The time loop: a generator of snapshots. Writers, metrics and progress lines consume it from outside."""

from collections.abc import Iterator

import numpy as np

from solver.carry import Carried, carry
from solver.discretisation import Discretisation
from solver.flow import FlowError, FlowStep
from solver.flow_history import FlowHistory
from solver.linear import LinearSolverError
from solver.machine import Machine
from solver.parameters import Model
from solver.processes import Condition
from solver.profile import Profile
from solver.snapshot import Dose, Snapshot
from solver.stepping import StepControl, event_times, source_changes

LARGEST_ERROR = 4.0
"""A step that errs by more than this many tolerances is repeated."""


class SolverFailure(RuntimeError):
    """No step short enough could be solved; says when and why."""


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
        while True:
            step, ends = self._control.propose(self.snapshot.time)
            try:
                if self._tried(step, ends):
                    return self.snapshot
            except (FlowError, LinearSolverError) as reason:
                self._control.cut(step)
                if self._control.exhausted:
                    message = f"t = {self.snapshot.time:.6g} s: no step down to {step:.3g} s succeeded; {reason}"
                    raise SolverFailure(message) from reason
                self._past = None

    def _tried(self, step: float, ends: float) -> bool:
        """Take a step; False where it erred too much and is to be repeated, shorter."""
        machine, control, snapshot = self.machine, self._control, self.snapshot
        flow, error, present = _flow(machine, snapshot, self._past, step)
        if error > LARGEST_ERROR and step > self._numerics.smallest_step:
            control.cut(step, factor=0.5)
            return False
        carried = carry(machine, snapshot, flow, step)
        changed = ends in control.changes
        self._past = None if changed else present
        if changed:
            machine.pace.restart()
            machine.last_change = None
        self.snapshot = _accept(machine, snapshot, flow, carried, (step, ends), control.rejected)
        control.accept(ends, error, step, present.order if self._past else 1, flow.iterations)
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
        condition=condition,
        processes=machine.processes,
    )


def _flow(
    machine: Machine, snapshot: Snapshot, past: FlowHistory | None, step: float
) -> tuple[FlowStep, float, FlowHistory]:
    """One step of the flow, its error over the tolerance, and what the next step needs to know of it."""
    source = machine.source(snapshot.time)[0]
    start = snapshot.flow.pressure
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
    step_and_end: tuple[float, float],
    rejected: int,
) -> Snapshot:
    step, ends = step_and_end
    return Snapshot(
        time=ends,
        step=step,
        index=before.index + 1,
        rejected=rejected,
        flow=flow.state,
        flow_step=flow,
        agent=carried.state,
        dose=carried.dose,
        source_pressure=machine.source_pressure(flow.state.pressure),
        lowest=carried.lowest,
        highest=carried.highest,
        krylov=carried.krylov,
        substeps=carried.substeps,
        ledger=machine.ledger,
        condition=carried.condition,
        processes=machine.processes,
    )

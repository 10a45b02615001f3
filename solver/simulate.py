# SPDX-License-Identifier: MIT
"""The time loop: a generator of snapshots. Writers, metrics and progress lines consume it from outside."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.crossing import TumourBoundary, crossing_rate, tumour_boundary
from solver.discretisation import Discretisation
from solver.flow import FlowError, FlowSolver, FlowState, FlowStep
from solver.flow_history import Change, FlowHistory, Judge, change_error
from solver.ledger import Ledger
from solver.linear import LinearSolverError
from solver.parameters import Model
from solver.profile import Profile
from solver.stepping import StepControl, Substeps, event_times, is_on, source_changes
from solver.transport import AgentState, Transport

Floats = NDArray[np.float64]

LARGEST_ERROR = 4.0
"""A step that errs by more than this many tolerances is repeated."""


class SolverFailure(RuntimeError):
    """No step short enough could be solved; says when and why."""


@dataclass(frozen=True, kw_only=True)
class Dose:
    """What the agent did to each point, shape ``(n,)``.

    Attributes:
        ct: integral of C dt [kg s/m3].
        peak: largest C so far [kg/m3].
    """

    ct: Floats
    peak: Floats


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The state after an accepted step; the first one, at time 0, has no step.

    Attributes:
        time: [s].
        step: length of the step that led here [s].
        index: number of accepted steps.
        rejected: steps repeated so far.
        flow: pressure state.
        flow_step: rates during the step; those at rest at the start.
        agent: concentration state.
        dose: so far.
        source_pressure: mean pressure over each site's source [Pa], shape ``(sites,)``.
        lowest: smallest C over the domain [kg/m3].
        highest: largest C over the domain [kg/m3].
        krylov: iterations of the agent's solver in this step.
        substeps: steps of the agent in this step of the flow.
        ledger: the books, up to now.
    """

    time: float
    step: float
    index: int
    rejected: int
    flow: FlowState
    flow_step: FlowStep
    agent: AgentState
    dose: Dose
    source_pressure: Floats
    lowest: float
    highest: float
    krylov: int
    substeps: int
    ledger: Ledger


@dataclass(frozen=True, kw_only=True)
class _Carried:
    """The agent after a step of the flow."""

    state: AgentState
    dose: Dose
    lowest: float
    highest: float
    krylov: int
    substeps: int


class _Machine:
    """The solvers of a run and the source that drives them."""

    def __init__(self, data: Discretisation, model: Model, profile: Profile) -> None:
        self.data = data
        self.model = model
        self.profile = profile
        rates = [pulse.rate for pulse in model.injections]
        masses = [pulse.volume * pulse.concentration for pulse in model.injections]
        self.judge = Judge(
            data=data,
            volume=max((pulse.volume for pulse in model.injections), default=0.0),
            mass=max(masses, default=0.0),
            tolerance=model.numerics.flow_tolerance,
        )
        self.flow = FlowSolver(data, model.physics, model.numerics, max(rates, default=0.0))
        self.transport = Transport(data, model.agent, model.physics, model.numerics, profile)
        self.boundary: TumourBoundary = tumour_boundary(data)
        self.ledger = Ledger(data)
        self.pace = Substeps(numerics=model.numerics)
        self.last_change: Change | None = None

    def source(self, time: float) -> tuple[Floats, Floats]:
        """Injected flow [m3/s] and agent [kg/s] per node just after ``time``."""
        fluid = np.zeros(self.data.volume.size)
        agent = np.zeros_like(fluid)
        for pulse in self.model.injections:
            if is_on(pulse, time, self.model.schedule):
                share = self.data.sources[pulse.site]
                fluid += pulse.rate * share
                agent += pulse.rate * pulse.concentration * share
        return fluid, agent

    def carried(self, source: Floats) -> float:
        """Agent that the flow still carries, as a share of a pulse, in [0, 1]; 1 while fluid is injected."""
        states, mass = self.ledger.states, self.judge.mass
        if mass == 0.0 or self.data.halo.sum(source) > 0:
            return 1.0
        return min((states["agent_in_tumour"] + states["agent_in_tissue"]) / mass, 1.0)

    def source_pressure(self, pressure: Floats) -> Floats:
        """Mean pressure over each source, weighted as fluid enters [Pa]."""
        return np.array([self.data.halo.sum(share * pressure) for share in self.data.sources])


def simulate(data: Discretisation, model: Model, profile: Profile | None = None) -> Iterator[Snapshot]:
    """Run a model, yielding a snapshot at the start and after every accepted step of the flow. Collective.

    Args:
        data: static data of the run.
        model: what is simulated.
        profile: collects wall time by stage.

    Raises:
        SolverFailure: when the shortest allowed step fails.
    """
    profile = profile or Profile()
    try:
        with profile.stage("set-up"):
            machine = _Machine(data, model, profile)
            snapshot = _start(machine)
    except (FlowError, LinearSolverError) as reason:
        raise SolverFailure(f"t = 0 s: no resting state found; {reason}") from reason
    control = StepControl(
        numerics=model.numerics,
        events=event_times(model.injections, model.schedule),
        changes=source_changes(model.injections),
    )
    yield snapshot
    past: FlowHistory | None = None
    while snapshot.time < model.schedule.end:
        step, ends = control.propose(snapshot.time)
        try:
            flow, error, present = _flow(machine, snapshot, past, step)
            if error > LARGEST_ERROR and step > model.numerics.smallest_step:
                control.cut(step, factor=0.5)
                continue
            carried = _carry(machine, snapshot, flow, step)
        except (FlowError, LinearSolverError) as reason:
            control.cut(step)
            if control.exhausted:
                message = f"t = {snapshot.time:.6g} s: no step down to {step:.3g} s succeeded; {reason}"
                raise SolverFailure(message) from reason
            past = None
            continue
        changed = ends in control.changes
        past = None if changed else present
        if changed:
            machine.pace.restart()
            machine.last_change = None
        snapshot = _accept(machine, snapshot, flow, carried, (step, ends), control.rejected)
        control.accept(ends, error, step, past.order if past else 1, flow.iterations)
        yield snapshot


def _start(machine: _Machine) -> Snapshot:
    flow, agent = machine.flow.initial_state(), machine.transport.initial_state()
    none = np.zeros_like(agent.amount)
    resting = machine.flow.step(flow, none, 1.0, flow.pressure)
    machine.ledger.set_rest(resting)
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
    )


def _flow(
    machine: _Machine, snapshot: Snapshot, past: FlowHistory | None, step: float
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


def _carry(machine: _Machine, snapshot: Snapshot, flow: FlowStep, step: float) -> _Carried:
    """Carry the agent through a step of the flow, in as many equal parts as its own error asks for."""
    data = machine.data
    fluid, injected = machine.source(snapshot.time)
    count = machine.pace.count(step)
    part = step / count
    state, ct, peak = snapshot.agent, snapshot.dose.ct, snapshot.dose.peak
    lowest, highest, krylov = np.inf, -np.inf, 0
    books = []
    changes = (machine.last_change,) if machine.last_change else ()
    for number in range(count):
        stored = _between(snapshot, flow, number / count), _between(snapshot, flow, (number + 1) / count)
        with machine.profile.stage("transport"):
            agent = machine.transport.step(state, stored, flow, injected, part)
        with machine.profile.stage("metrics"):
            crossing = crossing_rate(data, machine.boundary, state, stored, agent, part)
            books.append((agent, stored[1], crossing))
            now = Change(step=part, amount=agent.state.amount - state.amount)
            error = change_error(data.halo, changes, now, machine.judge.mass)
            error /= machine.model.numerics.step_tolerance
        state, changes = agent.state, (now,)
        ct = ct + part * agent.mean
        peak = np.maximum(peak, state.concentration)
        lowest = min(lowest, data.halo.min(state.concentration))
        highest = max(highest, data.halo.max(state.concentration))
        krylov += agent.krylov
    machine.pace.learn(error, part)
    machine.last_change = now
    with machine.profile.stage("metrics"):
        machine.ledger.add_flow(flow, fluid, step)
        for agent, stored_end, crossing in books:
            machine.ledger.add_agent(agent, stored_end, crossing, part)
    return _Carried(
        state=state,
        dose=Dose(ct=ct, peak=peak),
        lowest=lowest,
        highest=highest,
        krylov=krylov,
        substeps=count,
    )


def _between(snapshot: Snapshot, flow: FlowStep, share: float) -> Floats:
    """Fluid taken up by swelling part of the way through a step; rates are constant during it."""
    start, end = snapshot.flow.stored, flow.state.stored
    return end if share == 1.0 else start + share * (end - start)


def _accept(
    machine: _Machine,
    before: Snapshot,
    flow: FlowStep,
    carried: _Carried,
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
    )

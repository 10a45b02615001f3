# SPDX-License-Identifier: MIT
"""The time loop: a generator of snapshots. Writers, metrics and progress lines consume it from outside."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.crossing import TumourBoundary, crossing_rate, tumour_boundary
from solver.discretisation import Discretisation
from solver.flow import FlowError, FlowSolver, FlowState, FlowStep
from solver.ledger import Ledger
from solver.linear import LinearSolverError
from solver.parameters import Model
from solver.profile import Profile
from solver.stepping import StepControl, event_times, source_changes
from solver.transport import AgentState, AgentStep, Transport

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
    ledger: Ledger


@dataclass(frozen=True, kw_only=True)
class _Increment:
    """Change of amounts over the last step, for the error estimate and the guess."""

    step: float
    agent: Floats
    stored: Floats
    pressure: Floats


class _Machine:
    """The solvers of a run and the source that drives them."""

    def __init__(self, data: Discretisation, model: Model, profile: Profile) -> None:
        self.data = data
        self.model = model
        self.profile = profile
        rates = [pulse.rate for pulse in model.injections]
        masses = [pulse.volume * pulse.concentration for pulse in model.injections]
        self.largest_mass = max(masses, default=0.0)
        self.largest_volume = max((pulse.volume for pulse in model.injections), default=0.0)
        self.flow = FlowSolver(data, model.physics, model.numerics, max(rates, default=0.0))
        self.transport = Transport(data, model.agent, model.physics, model.numerics)
        self.boundary: TumourBoundary = tumour_boundary(data)
        self.ledger = Ledger(data)

    def source(self, time: float) -> tuple[Floats, Floats]:
        """Injected flow [m3/s] and agent [kg/s] per node just after ``time``."""
        fluid = np.zeros(self.data.volume.size)
        agent = np.zeros_like(fluid)
        for pulse in self.model.injections:
            if pulse.start <= time < pulse.end:
                share = self.data.sources[pulse.site]
                fluid += pulse.rate * share
                agent += pulse.rate * pulse.concentration * share
        return fluid, agent

    def source_pressure(self, pressure: Floats) -> Floats:
        """Mean pressure over each source, weighted as fluid enters [Pa]."""
        return np.array([self.data.halo.sum(share * pressure) for share in self.data.sources])

    def error(self, before: _Increment | None, now: _Increment) -> float:
        """Estimated error of a backward-Euler step over the tolerance, from successive increments."""
        if before is None:
            return 0.0
        ratio = now.step / before.step
        weight = ratio / (1 + ratio) / self.model.numerics.step_tolerance
        halo = self.data.halo
        agent = halo.sum(np.abs(now.agent - ratio * before.agent))
        fluid = halo.sum(np.abs(now.stored - ratio * before.stored))
        scaled = [
            change / scale
            for change, scale in ((agent, self.largest_mass), (fluid, self.largest_volume))
            if scale > 0
        ]
        return weight * max(scaled, default=0.0)


def simulate(data: Discretisation, model: Model, profile: Profile | None = None) -> Iterator[Snapshot]:
    """Run a model, yielding a snapshot at the start and after every accepted step. Collective.

    Args:
        data: static data of the run.
        model: what is simulated.
        profile: collects wall time by stage.

    Raises:
        SolverFailure: when the shortest allowed step fails.
    """
    profile = profile or Profile()
    with profile.stage("set-up"):
        machine = _Machine(data, model, profile)
    control = StepControl(
        numerics=model.numerics,
        events=event_times(model.injections, model.schedule),
        changes=source_changes(model.injections),
    )
    snapshot = _start(machine)
    yield snapshot
    previous: _Increment | None = None
    while snapshot.time < model.schedule.end:
        step, ends = control.propose(snapshot.time)
        try:
            flow, agent = _advance(machine, snapshot, previous, step)
        except (FlowError, LinearSolverError) as error:
            control.cut(step)
            if control.exhausted:
                raise SolverFailure(
                    f"t = {snapshot.time:.6g} s: no step down to {step:.3g} s succeeded; {error}"
                ) from error
            previous = None
            continue
        now = _Increment(
            step=step,
            agent=agent.state.amount - snapshot.agent.amount,
            stored=flow.state.stored - snapshot.flow.stored,
            pressure=flow.state.pressure - snapshot.flow.pressure,
        )
        error_ratio = machine.error(previous, now)
        if error_ratio > LARGEST_ERROR and not model.numerics.fixed_step:
            control.cut(step, factor=0.5)
            if not control.exhausted:
                continue
        with profile.stage("metrics"):
            snapshot = _accept(machine, snapshot, flow, agent, (step, ends), control.rejected)
        control.accept(ends, error_ratio, step)
        previous = None if ends in control.changes else now
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
        ledger=machine.ledger,
    )


def _advance(
    machine: _Machine, snapshot: Snapshot, previous: _Increment | None, step: float
) -> tuple[FlowStep, AgentStep]:
    fluid, injected = machine.source(snapshot.time)
    guess = snapshot.flow.pressure
    if previous is not None:
        guess = guess + (step / previous.step) * previous.pressure
    with machine.profile.stage("pressure"):
        try:
            flow = machine.flow.step(snapshot.flow, fluid, step, guess)
        except FlowError:
            if previous is None:
                raise
            flow = machine.flow.step(snapshot.flow, fluid, step, snapshot.flow.pressure)
    with machine.profile.stage("transport"):
        agent = machine.transport.step(snapshot.agent, snapshot.flow.stored, flow, injected, step)
    return flow, agent


def _accept(
    machine: _Machine,
    before: Snapshot,
    flow: FlowStep,
    agent: AgentStep,
    step_and_end: tuple[float, float],
    rejected: int,
) -> Snapshot:
    step, ends = step_and_end
    data = machine.data
    crossing = crossing_rate(
        data, machine.boundary, (before.agent, before.flow.stored), flow, agent, step
    )
    machine.ledger.add(flow, agent, machine.source(before.time)[0], crossing, step)
    concentration = agent.state.concentration
    return Snapshot(
        time=ends,
        step=step,
        index=before.index + 1,
        rejected=rejected,
        flow=flow.state,
        flow_step=flow,
        agent=agent.state,
        dose=Dose(
            ct=before.dose.ct + agent.ct, peak=np.maximum(before.dose.peak, concentration)
        ),
        source_pressure=machine.source_pressure(flow.state.pressure),
        lowest=data.halo.min(concentration),
        highest=data.halo.max(concentration),
        krylov=agent.krylov,
        ledger=machine.ledger,
    )

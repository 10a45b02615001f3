# SPDX-License-Identifier: MIT
"""The agent's way through one step of the flow: transport, then the processes that act on it where it is."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from solver.agent.crossing import crossing_rate
from solver.agent.processes import Acted, Condition, Leading, Passage, Stay
from solver.agent.transport import AgentState
from solver.flow.history import Change, change_error
from solver.flow.state import FlowStep
from solver.machine import Machine
from solver.snapshot import Dose, Snapshot
from solver.trouble import Amiss

Floats = NDArray[np.float64]


class AgentError(RuntimeError):
    """A step left the agent with values that mean nothing; it should be cut.

    Attributes:
        amiss: where.
    """

    def __init__(self, message: str, amiss: Amiss) -> None:
        super().__init__(message)
        self.amiss = amiss


@dataclass(frozen=True, kw_only=True)
class Carried:
    """The agent after a step of the flow."""

    state: AgentState
    dose: Dose
    condition: Condition
    lowest: float
    highest: float
    krylov: int
    substeps: int


def carry(machine: Machine, snapshot: Snapshot, flow: FlowStep, step: float) -> Carried:
    """Carry the agent through a step of the flow, in as many parts as its own error asks for. Collective.

    Args:
        machine: the solvers.
        snapshot: the state at the start.
        flow: the flow during the step.
        step: length [s].

    Raises:
        LinearSolverError: when a linear solver fails.
        AgentError: when C is no number any more, or pores are empty.
    """
    data = machine.data
    _require_fluid(machine, flow)
    count = machine.pace.count(step)
    part = step / count
    injected = machine.delivery.agent(snapshot.time, part, flow)
    state, ct, peak = snapshot.agent, snapshot.dose.ct, snapshot.dose.peak
    condition = snapshot.condition
    lowest, highest, krylov = np.inf, -np.inf, 0
    books = []
    changes = (machine.last_change,) if machine.last_change else ()
    for number in range(count):
        stored = _between(snapshot, flow, number / count), _between(snapshot, flow, (number + 1) / count)
        start = snapshot.time + number * part
        if machine.delivery.decays:
            injected = machine.delivery.agent(start, part, flow)
        given, condition = _given(machine, snapshot, flow, (injected, condition), part)
        with machine.profile.stage("processes"):
            stay = Stay(start=start, step=part, fluid=data.rest_fluid + stored[0], flow=flow)
            led, first, seen = _lead(machine, state, condition, stay)
            state, condition = led.agent, led.condition
        with machine.profile.stage("transport"):
            agent = machine.transport.step(state, stored, flow, given, part, led.along)
        with machine.profile.stage("metrics"):
            crossing = crossing_rate(data, machine.boundary, state, stored, agent, part)
            now = Change(step=part, amount=agent.state.amount - state.amount)
            error = change_error(data.halo, changes, now, machine.judge.mass)
            error /= machine.model.numerics.step_tolerance
        with machine.profile.stage("processes"):
            passage = Passage(start=state, agent=agent, stored=stored, seen=seen)
            stay = replace(stay, fluid=data.rest_fluid + stored[1], passage=passage)
            acted = Acted(agent=agent.state, mean=agent.mean, condition=condition)
            acted, local = _act(machine, acted, stay, first)
        books.append((agent, acted.agent, local, stored[1], crossing))
        state, condition, changes = acted.agent, acted.condition, (now,)
        if machine.model.physics.control is None:
            ct = ct + part * acted.mean
            peak = np.maximum(peak, state.concentration)
        lowest = min(lowest, data.halo.min(state.concentration))
        highest = max(highest, data.halo.max(state.concentration))
        krylov += agent.krylov
    _require_numbers(machine, state.amount, ct)
    machine.pace.learn(error, part)
    machine.last_change = now
    with machine.profile.stage("metrics"):
        machine.ledger.add_flow(flow, machine.delivery.entering(snapshot.time, flow), step)
        for agent, end, local, stored_end, crossing in books:
            machine.ledger.add_agent(agent, end, local, (stored_end, crossing), part)
    return Carried(
        state=state,
        dose=Dose(ct=ct, peak=peak),
        condition=condition,
        lowest=lowest,
        highest=highest,
        krylov=krylov,
        substeps=count,
    )


def _require_fluid(machine: Machine, flow: FlowStep) -> None:
    """Stop where suction has taken more fluid than the pores held: C would mean nothing. Collective."""
    data = machine.data
    left = 1 + np.divide(flow.state.stored, data.rest_fluid)
    if data.halo.min(left) <= 0:
        amiss = Amiss(
            field="dilatation",
            measure="fluid in the pores over that at rest [-], of pores sucked empty",
            values=np.minimum(left, 0.0),
        )
        raise AgentError("suction has emptied the pores of the tissue", amiss)


def _require_numbers(machine: Machine, amount: Floats, ct: Floats) -> None:
    """Stop where a step has left anything infinite or not a number. Collective."""
    wrong = ~(np.isfinite(amount) & np.isfinite(ct))
    if machine.data.halo.maxima(float(wrong.any()))[0]:
        amiss = Amiss(
            field="agent_concentration", measure="values that are no numbers", values=wrong.astype(np.float64)
        )
        raise AgentError("the agent became infinite or not a number", amiss)


def _given(
    machine: Machine, snapshot: Snapshot, flow: FlowStep, at: tuple[Floats, Condition], part: float
) -> tuple[Floats, Condition]:
    """Agent that enters the tissue at each node [kg/s], after the cavities that open. Collective."""
    injected, condition = at
    if machine.cavities is None:
        return injected, condition
    entering = machine.delivery.entering(snapshot.time, flow)
    fed = machine.cavities.feed(condition, flow, (entering, injected), part)
    return fed.agent, fed.condition


def _lead(
    machine: Machine, state: AgentState, condition: Condition, stay: Stay
) -> tuple[Acted, dict[str, float], Floats | None]:
    """Let processes act that do so ahead of transport.

    Returns:
        What they leave, what this rank books, and the integral of C dt that they saw (None without any).
    """
    acted = Acted(agent=state, mean=state.concentration, condition=condition)
    rows: dict[str, float] = {}
    seen = None
    for process in machine.processes:
        if isinstance(process, Leading):
            acted = process.ahead(acted, stay)
            for name, amount in acted.flows.items():
                rows[name] = rows.get(name, 0.0) + amount
            acted = replace(acted, flows={}, states={})
            seen = 0.5 * stay.step * acted.mean
    return acted, rows, seen


def _act(
    machine: Machine, before: Acted, stay: Stay, first: dict[str, float]
) -> tuple[Acted, dict[str, float]]:
    """Let all processes act, one after another, and collect what this rank books, ``first`` included."""
    rows = dict(first)
    for process in machine.processes:
        before = process.act(before, stay)
        for name, amount in before.flows.items():
            rows[name] = rows.get(name, 0.0) + amount
        rows |= before.states
        before = replace(before, flows={}, states={})
    return before, rows


def _between(snapshot: Snapshot, flow: FlowStep, share: float) -> Floats:
    """Fluid taken up by swelling part of the way through a step; rates are constant during it."""
    start, end = snapshot.flow.stored, flow.state.stored
    return end if share == 1.0 else start + share * (end - start)

# SPDX-License-Identifier: MIT
"""The agent's way through one step of the flow: transport, then the processes that act on it where it is."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from solver.crossing import crossing_rate
from solver.flow import FlowStep
from solver.flow_history import Change, change_error
from solver.machine import Machine
from solver.processes import Acted, Condition, Stay
from solver.snapshot import Dose, Snapshot
from solver.transport import AgentState

Floats = NDArray[np.float64]


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
    """
    data = machine.data
    fluid, injected = machine.source(snapshot.time)
    count = machine.pace.count(step)
    part = step / count
    state, ct, peak = snapshot.agent, snapshot.dose.ct, snapshot.dose.peak
    condition = snapshot.condition
    lowest, highest, krylov = np.inf, -np.inf, 0
    books = []
    changes = (machine.last_change,) if machine.last_change else ()
    for number in range(count):
        stored = _between(snapshot, flow, number / count), _between(snapshot, flow, (number + 1) / count)
        with machine.profile.stage("transport"):
            agent = machine.transport.step(state, stored, flow, injected, part)
        with machine.profile.stage("metrics"):
            crossing = crossing_rate(data, machine.boundary, state, stored, agent, part)
            now = Change(step=part, amount=agent.state.amount - state.amount)
            error = change_error(data.halo, changes, now, machine.judge.mass)
            error /= machine.model.numerics.step_tolerance
        with machine.profile.stage("processes"):
            start = snapshot.time + number * part
            stay = Stay(start=start, step=part, fluid=data.rest_fluid + stored[1], flow=flow)
            acted, local = _act(machine, Acted(agent=agent.state, mean=agent.mean, condition=condition), stay)
        books.append((agent, acted.agent, local, stored[1], crossing))
        state, condition, changes = acted.agent, acted.condition, (now,)
        ct = ct + part * acted.mean
        peak = np.maximum(peak, state.concentration)
        lowest = min(lowest, data.halo.min(state.concentration))
        highest = max(highest, data.halo.max(state.concentration))
        krylov += agent.krylov
    machine.pace.learn(error, part)
    machine.last_change = now
    with machine.profile.stage("metrics"):
        machine.ledger.add_flow(flow, fluid, step)
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


def _act(machine: Machine, before: Acted, stay: Stay) -> tuple[Acted, dict[str, float]]:
    """Let all processes act, one after another, and collect what this rank books."""
    rows: dict[str, float] = {}
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

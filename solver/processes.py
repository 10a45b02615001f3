# SPDX-License-Identifier: MIT
"""What acts locally on agent, tissue and vessels beside flow and transport, in turn after every agent step.

A process is split off from the transport step: it sees where the agent is, changes its own fields of the
condition, may take agent away, and says how much went where. Rows of the ledger that it names count as
places where injected agent may be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from solver.discretisation import Discretisation
from solver.flow import FlowStep
from solver.parameters import Model
from solver.transport import AgentState

Floats = NDArray[np.float64]

Condition = Mapping[str, Floats]
"""Nodal fields, ghosts up to date, by the name of what they hold; a step replaces them, never writes them."""


@dataclass(frozen=True, kw_only=True)
class Stay:
    """One step of the agent as a process sees it.

    Attributes:
        start: time at its start [s].
        step: length [s].
        fluid: nodal fluid volume at its end [m3], shape ``(n,)``.
        flow: the flow during it.
    """

    start: float
    step: float
    fluid: Floats
    flow: FlowStep


@dataclass(frozen=True, kw_only=True)
class Acted:
    """What a process leaves behind.

    Attributes:
        agent: state at the end of the step.
        mean: C averaged over the step, by which doses are counted [kg/m3], shape ``(n,)``.
        condition: all fields.
        flows: what this rank's owned nodes add to cumulative rows of the ledger, by row.
        states: what they hold at the end, by row.
    """

    agent: AgentState
    mean: Floats
    condition: Condition
    flows: Mapping[str, float] = field(default_factory=dict)
    states: Mapping[str, float] = field(default_factory=dict)


class Process(Protocol):
    """One effect.

    Attributes:
        flows: cumulative rows of the ledger that it adds to.
        states: rows of the ledger that it keeps up to date.
    """

    flows: tuple[str, ...]
    states: tuple[str, ...]

    def start(self) -> Condition:
        """The fields that it brings, before anything has happened."""

    def act(self, before: Acted, stay: Stay) -> Acted:
        """Let it act for one step of the agent. Collective.

        Args:
            before: as transport or the process before left it; its rows are empty.
            stay: the step.
        """

    def report(self, condition: Condition) -> Mapping[str, Any]:
        """Sections of the summary that it adds, the same on every rank. Collective."""


def build_processes(data: Discretisation, model: Model) -> tuple[Process, ...]:
    """The processes that a model switches on, in the order in which they act."""
    return ()

# SPDX-License-Identifier: MIT
"""What acts locally on agent, tissue and vessels beside flow and transport, in turn after every agent step.

A process is split off from the transport step: it sees where the agent is, changes its own fields of the
condition, may take agent away, and says how much went where. Rows of the ledger that it names count as
places where injected agent may be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from solver.agent.transport import AgentState, AgentStep
from solver.flow.state import FlowStep

Floats = NDArray[np.float64]

Condition = Mapping[str, Floats]
"""Nodal fields, ghosts up to date, by the name of what they hold; a step replaces them, never writes them."""


@dataclass(frozen=True, kw_only=True)
class Passage:
    """How transport carried the agent through a step.

    Attributes:
        start: state before it.
        agent: the step of transport.
        stored: fluid taken up by swelling at its start and end [m3], shape ``(n,)`` each.
        seen: integral of C dt that processes counted ahead of transport [kg s/m3]; None without any.
    """

    start: AgentState
    agent: AgentStep
    stored: tuple[Floats, Floats]
    seen: Floats | None = None


@dataclass(frozen=True, kw_only=True)
class Stay:
    """One step of the agent as a process sees it.

    Attributes:
        start: time at its start [s].
        step: length [s].
        fluid: nodal fluid volume at its end [m3], shape ``(n,)``.
        flow: the flow during it.
        passage: of the agent through it; None ahead of transport.
    """

    start: float
    step: float
    fluid: Floats
    flow: FlowStep
    passage: Passage | None = None


@dataclass(frozen=True, kw_only=True)
class Acted:
    """What a process leaves behind.

    Attributes:
        agent: state at the end of the step.
        mean: C averaged over the step, by which doses are counted [kg/m3], shape ``(n,)``.
        condition: all fields.
        flows: what this rank's owned nodes add to cumulative rows of the ledger, by row.
        states: what they hold at the end, by row.
        along: fluid that transport shall clear of agent on its way, as reaction does, on pairs [m3/s]; only
            what acts ahead of transport may ask for it.
    """

    agent: AgentState
    mean: Floats
    condition: Condition
    flows: Mapping[str, float] = field(default_factory=dict)
    states: Mapping[str, float] = field(default_factory=dict)
    along: Floats | None = None


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


@runtime_checkable
class Leading(Protocol):
    """A process that acts for half of a step before transport, and in `Process.act` for the other half.

    The two halves about transport make a fast process second order in time (Strang, 1968).
    """

    def ahead(self, before: Acted, stay: Stay) -> Acted:
        """Let it act for the first half of a step, ahead of transport. Collective.

        Args:
            before: at the start of the step; its mean is C there, that of the result is over the half step.
            stay: the whole step, with the fluid at its start and without a passage.
        """

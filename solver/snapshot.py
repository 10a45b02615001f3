# SPDX-License-Identifier: MIT
"""What the time loop yields: the state after an accepted step, and what the agent did so far."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.agent.processes import Condition, Process
from solver.agent.transport import AgentState
from solver.delivery.pulses import Delivered
from solver.flow.state import FlowState, FlowStep
from solver.ledger import Ledger

Floats = NDArray[np.float64]


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
        delivered: what has come of each pulse.
        condition: what processes beside flow and transport have done to tissue and vessels.
        processes: those processes.
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
    delivered: Delivered
    condition: Condition
    processes: tuple[Process, ...]

    @property
    def highest_pressure(self) -> float:
        """Largest of the pressures over the sources [Pa]; 0 without any."""
        return float(self.source_pressure.max()) if self.source_pressure.size else 0.0

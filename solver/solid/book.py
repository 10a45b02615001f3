# SPDX-License-Identifier: MIT
"""What a run with displacement tells of it: how far tissue moved, and what it took to find out."""

from collections.abc import Mapping
from typing import Any

from mpi4py import MPI

import numpy as np

from solver.agent.processes import Acted, Condition, Stay
from solver.flow.state import FlowStep
from solver.solid.coupling import PoroelasticFlow


class SolidBook:
    """Follows the displacement; acts on nothing.

    Attributes:
        flows: none.
        states: none.
    """

    flows: tuple[str, ...] = ()
    states: tuple[str, ...] = ()

    def __init__(self, flow: PoroelasticFlow, comm: MPI.Comm) -> None:
        self._flow, self._comm = flow, comm
        self._largest, self._linear = 0.0, 0
        self._coupling: list[int] = []
        self._seen: FlowStep | None = None

    def start(self) -> Condition:
        """No field: the displacement is the flow's."""
        return {}

    def act(self, before: Acted, stay: Stay) -> Acted:
        """Take a step into account."""
        moved = stay.flow.displacement
        if moved is not None and stay.flow is not self._seen:
            self._largest = max(self._largest, float(np.linalg.norm(moved, axis=1).max(initial=0.0)))
            self._linear = max(self._linear, self._flow.linear)
            self._coupling.append(self._flow.iterations)
            self._seen = stay.flow
        return before

    def report(self, condition: Condition) -> Mapping[str, Any]:
        """The section ``solid``. Collective."""
        largest = float(self._comm.allreduce(self._largest, op=MPI.MAX))
        return {
            "solid": {
                "largest_displacement_m": largest,
                "coupling_iterations_mean": float(np.mean(self._coupling or [0])),
                "coupling_iterations_max": max(self._coupling, default=0),
                "linear_iterations_max": self._linear,
            }
        }

    def memory(self) -> dict[str, Any]:
        """What it has seen, for a checkpoint; see `solver.memory`."""
        return {"largest": self._largest, "linear": self._linear, "coupling": [*self._coupling]}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Take back what `memory` gave."""
        self._largest, self._linear = memory["largest"], memory["linear"]
        self._coupling = list(memory["coupling"])

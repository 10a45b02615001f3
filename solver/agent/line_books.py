# SPDX-License-Identifier: MIT
"""What lines do to the books: backflow at the surface, and blood that carries the agent off.

Agent that a track or a vessel gives to tissue outside the tumour has left the tumour as if it had crossed its
boundary, and counts as crossed out when it gets there; what lines take from tissue outside is not a return.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solver.agent.processes import Acted, Condition, Stay
from solver.tissue.discretisation import Discretisation
from solver.tissue.lines import Lines

Floats = NDArray[np.float64]


class LineBooks:
    """Books what leaves by the ends of lines, and what is in them.

    Attributes:
        flows: cumulative rows of the ledger that it adds to.
        states: rows of the ledger that it keeps up to date.
    """

    def __init__(self, data: Discretisation, lines: Lines) -> None:
        comm = data.halo.comm
        tracks, vessels = comm.bcast(
            (bool(lines.track.any()), bool((~lines.track).any())), root=comm.size - 1
        )
        self._lines, self._halo = lines, data.halo
        self._tracks, self._vessels = tracks, vessels
        self._of_track = lines.owned_nodes(track=True)
        self._of_vessel = lines.owned_nodes(track=False)
        self.flows = (("agent_backflow", "fluid_backflow") if tracks else ()) + (
            ("agent_blood",) if vessels else ()
        )
        self.states = (("agent_in_track", "fluid_in_track") if tracks else ()) + (
            ("agent_in_vessels",) if vessels else ()
        )

    def start(self) -> Condition:
        """No fields."""
        return {}

    def act(self, before: Acted, stay: Stay) -> Acted:
        """Book a step; agent and tissue stay as they are."""
        assert stay.passage is not None
        outflow, agent = stay.flow.outflow, stay.passage.agent
        away = stay.step * agent.losses.boundary * agent.mean
        brought = np.zeros_like(away) if agent.from_lines is None else stay.step * agent.from_lines
        track, vessel = self._of_track, self._of_vessel
        flows = {
            "agent_backflow": away[track].sum(),
            "fluid_backflow": stay.step * outflow[track].sum(),
            "agent_blood": (away - brought)[vessel].sum(),
        }
        stored = stay.passage.stored[1]
        states = {
            "agent_in_track": before.agent.amount[track].sum(),
            "fluid_in_track": stored[track].sum(),
            "agent_in_vessels": before.agent.amount[vessel].sum(),
        }
        return Acted(
            agent=before.agent,
            mean=before.mean,
            condition=before.condition,
            flows={name: float(flows[name]) for name in self.flows},
            states={name: float(states[name]) for name in self.states},
        )

    def report(self, condition: Condition) -> Mapping[str, Any]:
        """Nothing that the ledger does not say."""
        return {}

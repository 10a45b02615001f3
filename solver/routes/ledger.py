# SPDX-License-Identifier: MIT
"""The books of a vascular route in tissue: what blood and beads brought, where it went, where it is."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.agent.transport import AgentStep
from solver.tissue.discretisation import Discretisation, pair_fluid

Floats = NDArray[np.float64]

BOOKS: Final = (
    "agent_from_blood",
    "agent_from_beads",
    "agent_to_blood",
    "agent_lymph",
    "agent_boundary",
    "agent_reacted",
    "agent_in_cells",
    "agent_in_tumour",
    "agent_in_tissue",
)
"""Rows: two sources, then where it went, then where it is [kg]."""

STAYS: Final = BOOKS[5:]
"""Rows that make up the body's store ``tissue``: all others come from the body or return to it."""

NOTHING: Final = 1e-14
"""Share of what was there from which on drug that is left stays where it is: a step would be round-off."""


class RouteLedger:
    """Books of a route in tissue.

    Attributes:
        rows: of `BOOKS` [kg].
        into_tumour: what blood and beads brought to the tumour [kg].
        residual: largest that was not accounted for after any step, over all that entered.
    """

    def __init__(self, data: Discretisation, stored: Floats, inside: float) -> None:
        """Begin with nothing. Collective.

        Args:
            data: static data.
            stored: fluid taken up by swelling, at rest [m3], shape ``(n,)``.
            inside: share of what beads give that they give to the tumour [-].
        """
        self.rows = dict.fromkeys(BOOKS, 0.0)
        self.into_tumour, self.residual = 0.0, 0.0
        self._data, self._inside = data, inside
        self._fluid = pair_fluid(data, stored)
        self._volume = np.where(data.pairs.inside, data.pairs.volume, 0.0)
        self._tumour = self._sum(self._volume)

    def taken(self, agent: AgentStep) -> float:
        """What tissue takes from the body in a step, net of what returns there [kg/s]. Collective."""
        rates = self._exchanged(agent)
        return rates["agent_from_blood"] - sum(rates[name] for name in BOOKS[2:5])

    def add(
        self, agent: AgentStep, step: float, along: Floats | None, amounts: tuple[float, float, float]
    ) -> None:
        """Book a step. Collective.

        Args:
            agent: the step.
            step: its length [s].
            along: fluid that cells cleared in it, on pairs [m3/s].
            amounts: that beads gave [kg/s], that cells hold after it and that they destroyed in it [kg].
        """
        beads, held, destroyed = amounts
        inside, rows = self._data.pairs.inside, self.rows
        for name, rate in self._exchanged(agent).items():
            rows[name] += step * rate
        reaction = agent.losses.reaction if along is None else agent.losses.reaction - along
        rows["agent_from_beads"] += step * beads
        rows["agent_reacted"] += step * self._sum(reaction * agent.mean[self._data.pairs.node]) + destroyed
        rows["agent_in_cells"] = held
        fluid = self._fluid * agent.state.concentration[self._data.pairs.node]
        rows["agent_in_tumour"] = self._sum(np.where(inside, fluid, 0.0))
        rows["agent_in_tissue"] = self._sum(np.where(inside, 0.0, fluid))
        brought = self._sum(np.where(inside, agent.from_blood, 0.0))
        self.into_tumour += step * (brought + self._inside * beads)
        missing = self.entered - sum(rows[name] for name in BOOKS[2:])
        if not self.entered <= 0.0:
            # unlike max, this keeps what is not a number
            self.residual = float(np.maximum(self.residual, abs(missing) / self.entered))

    @property
    def entered(self) -> float:
        """All that came [kg]."""
        return self.rows["agent_from_blood"] + self.rows["agent_from_beads"]

    @property
    def empty(self) -> bool:
        """Whether next to nothing is left of what entered."""
        return sum(self.rows[name] for name in STAYS[1:]) <= NOTHING * self.entered

    def mean_in_tumour(self, concentration: Floats) -> float:
        """Mean C over the tumour's volume [kg/m3]. Collective."""
        return self._sum(self._volume * concentration[self._data.pairs.node]) / self._tumour

    def _exchanged(self, agent: AgentStep) -> dict[str, float]:
        """Rates to and from the body [kg/s]. Collective."""
        data, losses = self._data, agent.losses
        mean = agent.mean[data.pairs.node]
        return {
            "agent_from_blood": self._sum(agent.from_blood),
            "agent_to_blood": self._sum((losses.absorbed + losses.exchange) * mean),
            "agent_lymph": self._sum(losses.lymph * mean),
            "agent_boundary": data.halo.sum(losses.boundary * agent.mean),
        }

    def _sum(self, values: Floats) -> float:
        return self._data.halo.sum(self._data.pairs.to_nodes(values))

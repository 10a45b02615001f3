# SPDX-License-Identifier: MIT
"""What takes the agent away from a point, as rates per concentration, and how a step averages over it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.flow.exchange import agent_clearance
from solver.flow.state import FlowStep
from solver.tissue.discretisation import Discretisation, pair_fluid

Floats = NDArray[np.float64]

SMALL: Final = 0.01
"""Losses per step below which the weight is summed as a series: its closed form cancels there."""


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Fluid cleared of agent per time [m3/s].

    Attributes:
        reaction: k times the fluid of each pair, shape ``(k,)``.
        absorbed: fluid that open vessels absorb with the agent in it, on pairs, shape ``(k,)``.
        exchange: clearance by blood that no net flow of fluid carries, on pairs, shape ``(k,)``.
        lymph: fluid carried off by lymph, on pairs, shape ``(k,)``.
        boundary: fluid carried out through the outer boundary, on nodes, shape ``(n,)``.
        withdrawn: fluid taken out by needles and cavities, on nodes, shape ``(n,)``; None where none is.
        nodes: all of them, on nodes, ghosts up to date, shape ``(n,)``.
        bound: those that take the agent without its fluid, reaction and exchange, on nodes, shape ``(n,)``.
        fading: those, and the fluid that vessels filter: how a node would turn into blood, shape ``(n,)``.
    """

    reaction: Floats
    absorbed: Floats
    exchange: Floats
    lymph: Floats
    boundary: Floats
    withdrawn: Floats | None
    nodes: Floats
    bound: Floats
    fading: Floats

    @property
    def pairs(self) -> Floats:
        """All but the boundary's, on pairs, shape ``(k,)``."""
        return self.reaction + self.absorbed + self.exchange + self.lymph


def agent_losses(
    data: Discretisation,
    flow: FlowStep,
    stored: Floats,
    reaction_rate: float,
    plasma: float | Floats,
    along: Floats | None = None,
) -> tuple[Losses, Floats]:
    """Losses of a step, and what blood brings to the pairs [kg/s]. Collective.

    Of the clearance b of a vessel, the part -J is fluid that it absorbs with the agent in it, where J < 0;
    the rest b + min(J, 0) draws C towards C_p.

    Args:
        data: static data.
        flow: the flow during the step.
        stored: fluid taken up by swelling, mean over it, shape ``(n,)`` [m3].
        reaction_rate: k [1/s].
        plasma: C_p, everywhere or on the pairs [kg/m3].
        along: fluid that other reactions clear of agent, on pairs [m3/s].
    """
    m, pairs = data.materials, data.pairs
    opened = pairs.volume * flow.open_fraction
    perfusion = m.perfusion if flow.supply is None else flow.supply.perfusion
    cleared = agent_clearance(flow.filtration, perfusion, m.permeability_surface)
    exchange = opened * (cleared + np.minimum(flow.filtration, 0.0))
    filtered = opened * flow.filtration
    reaction = reaction_rate * pair_fluid(data, stored)
    if along is not None:
        reaction += along
    absorbed, lymph = np.maximum(-filtered, 0.0), pairs.volume * flow.drained
    boundary = np.maximum(flow.outflow, 0.0)
    bound = pairs.to_nodes(reaction + exchange)
    total = bound + pairs.to_nodes(absorbed + lymph) + boundary
    taken = flow.taken
    if taken is not None:
        total += taken
    entering = np.maximum(filtered, 0.0)
    losses = Losses(
        reaction=reaction,
        absorbed=absorbed,
        exchange=exchange,
        lymph=lymph,
        boundary=boundary,
        withdrawn=taken,
        nodes=data.halo.update(total),
        bound=bound,
        fading=bound + pairs.to_nodes(entering),
    )
    return losses, (entering + exchange) * plasma


def start_weight(lost: Floats) -> Floats:
    """Weight of C at the start of a step in the mean by which losses are counted.

    With it the step reproduces exp(-z) where nothing but losses acts (exponential fitting); it tends to the
    trapezoidal rule's 1/2 for small z, to 1/z for large ones: w = 1/z - 1/(exp(z) - 1).

    Args:
        lost: share z of the agent that the losses would take in the step at the rate of its start [-].
    """
    z = np.maximum(lost, SMALL)
    return np.where(lost < SMALL, 0.5 - lost / 12, 1 / z - 1 / np.expm1(np.minimum(z, 700.0)))

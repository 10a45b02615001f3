# SPDX-License-Identifier: MIT
"""What crosses the tumour boundary, by the balance of the tumour's side of each node on it.

At a node of the boundary, whatever the tumour's share of the node gains from edges, injection and
blood and does not keep, react or lose has crossed into the tissue outside. Summed over the boundary this is
exactly the change of the tumour's amounts (a consistent boundary flux; Carey, 1982), node by node it
tells outflow from inflow.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.agent.line_supply import delivered_outside, gained_from_lines
from solver.agent.transport import AgentState, AgentStep
from solver.tissue.discretisation import Discretisation, edge_sums, pair_fluid

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TumourBoundary:
    """Nodes on the tumour boundary and how much of each edge belongs to the tumour.

    Attributes:
        nodes: owned nodes on the boundary, shape ``(b,)``.
        edges: edges with the tumour on at least one end's side, shape ``(e,)``.
        share: of each such edge's flux that runs inside the tumour, by mass integrals, shape ``(e,)``.
    """

    nodes: NDArray[np.int64]
    edges: NDArray[np.int64]
    share: Floats


def tumour_boundary(data: Discretisation) -> TumourBoundary:
    """Find the boundary between tumour and the rest."""
    pairs, stencil = data.pairs, data.stencil
    inside = pairs.to_nodes(pairs.inside.astype(float)) > 0
    outside = pairs.to_nodes((~pairs.inside).astype(float)) > 0
    both = inside & outside
    in_tumour = np.isin(data.mesh.cell_tags, np.unique(pairs.region[pairs.inside]))
    total = edge_sums(data, data.integrals.mass)
    total[data.stencil.links] = 1.0  # Links of lines belong to no cell.
    share = edge_sums(data, data.integrals.mass * in_tumour[:, None]) / total
    touches = (both[stencil.tail] | both[stencil.head]) & (share > 0)
    edges = np.flatnonzero(touches)
    return TumourBoundary(nodes=np.flatnonzero(both[: data.halo.owned]), edges=edges, share=share[edges])


def crossing_rate(
    data: Discretisation,
    boundary: TumourBoundary,
    old: AgentState,
    stored: tuple[Floats, Floats],
    agent: AgentStep,
    step: float,
) -> Floats:
    """Agent leaving the tumour through each node of its boundary during a step [kg/s], shape ``(b,)``.

    With lines, what they deliver to nodes outside the tumour follows.

    Args:
        data: static data.
        boundary: from `tumour_boundary`.
        old: agent at the start of the step.
        stored: fluid taken up by swelling at its start and end [m3].
        agent: the transport of the step.
        step: its length [s].
    """
    pairs, stencil = data.pairs, data.stencil
    tumour = pairs.inside
    kept = (
        pair_fluid(data, stored[1]) * agent.state.concentration[pairs.node]
        - pair_fluid(data, stored[0]) * old.concentration[pairs.node]
    ) / step
    lost = agent.losses.pairs * agent.mean[pairs.node]
    brought = agent.injected
    if agent.losses.withdrawn is not None:
        brought = brought - agent.losses.withdrawn * agent.mean
    gained = None
    if data.lines is not None:
        gained = gained_from_lines(data.lines, agent.flux, data.volume.size)
        brought = brought + gained
    injected = brought[pairs.node] * pairs.volume / data.volume[pairs.node]
    rest = pairs.to_nodes(np.where(tumour, injected + agent.from_blood - lost - kept, 0.0))
    along = agent.flux[boundary.edges] * boundary.share
    leaving = np.bincount(stencil.tail[boundary.edges], weights=along, minlength=rest.size) - np.bincount(
        stencil.head[boundary.edges], weights=along, minlength=rest.size
    )
    crossed = (rest - leaving)[boundary.nodes]
    return crossed if gained is None else np.concatenate([crossed, delivered_outside(data, gained)])

# SPDX-License-Identifier: MIT
"""What lines bring of the agent: arriving blood to vessels, and vessels and tracks to the nodes of tissue."""

import numpy as np
from numpy.typing import NDArray

from solver.flow.lines import link_nodes
from solver.flow.state import FlowStep
from solver.tissue.discretisation import Discretisation
from solver.tissue.lines import Lines

Floats = NDArray[np.float64]


def brought_by_blood(data: Discretisation, flow: FlowStep, plasma: float | Floats) -> Floats | None:
    """Agent that blood flowing into vessels brings to their nodes [kg/s]; None where there is none.

    Raises:
        ValueError: blood is not the same everywhere, and lines do not know theirs.
    """
    lines = data.lines
    if lines is None:
        return None
    if isinstance(plasma, np.ndarray):
        raise ValueError("lines in tissue receive blood of one concentration")
    if plasma == 0.0:
        return None
    out = np.zeros(data.volume.size)
    vessel = lines.node[~lines.track]
    out[vessel] = plasma * np.maximum(-flow.outflow[vessel], 0.0)
    return out


def gained_from_lines(lines: Lines, flux: Floats, nodes: int) -> Floats:
    """What the nodes of tissue gain from lines by given fluxes along edges, tail to head, shape ``(n,)``."""
    second = link_nodes(lines)[1]
    links = np.concatenate([lines.walls.link, lines.joints.link])
    along = lines.sign[links] * flux[lines.edges[links]]
    return np.bincount(second[links], weights=along, minlength=nodes).astype(np.float64, copy=False)


def delivered_outside(data: Discretisation, gained: Floats) -> Floats:
    """The part of what nodes gain from lines that goes to tissue outside the tumour; owned nodes."""
    outside = data.pairs.to_nodes(np.where(data.pairs.inside, 0.0, data.pairs.volume)) / data.volume
    return np.maximum(gained * outside, 0.0)[: data.mesh.owned]

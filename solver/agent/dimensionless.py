# SPDX-License-Identifier: MIT
"""Courant and mesh Peclet numbers of a step: how far fluid moves, and what carries agent across a cell."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


def largest_courant(data: Discretisation, flux: Floats, fluid: Floats, step: float) -> float:
    """Largest share of a node's fluid that moves on during a step [-]. Collective.

    Args:
        data: static data.
        flux: Darcy flow along each edge [m3/s].
        fluid: fluid of the nodes [m3].
        step: length of the step [s].
    """
    leaving = _through_flow(data.stencil.tail, data.stencil.head, flux, data.volume.size)
    return data.halo.max(0.5 * step * leaving / fluid)


def largest_peclet(data: Discretisation, pressure: Floats, conductivity: Floats) -> float:
    """Largest |q| h / (phi D) of any cell [-]; 0 without diffusion, when it has no meaning. Collective.

    Args:
        data: static data.
        pressure: of the nodes [Pa].
        conductivity: of the cells [m2/(Pa s)].
    """
    spreading = data.diffusivity * data.materials.porosity[data.pairs.of_cell[:, 0]]
    scale = np.divide(
        data.cell_size * conductivity, spreading, out=np.zeros_like(spreading), where=spreading > 0
    )
    integrals = data.integrals
    local = _largest_rise(data.mesh.cells, integrals.conductance, integrals.volume, pressure, scale)
    return float(max(data.halo.comm.allgather(local)))


@njit(cache=True)
def _through_flow(tail: Ints, head: Ints, flux: Floats, nodes: int) -> Floats:
    """Sum over the edges of each node of what flows along them, in or out."""
    out = np.zeros(nodes)
    for e in range(tail.size):
        out[tail[e]] += abs(flux[e])
        out[head[e]] += abs(flux[e])
    return out


@njit(cache=True)
def _largest_rise(cells: Ints, conductance: Floats, volume: Floats, pressure: Floats, scale: Floats) -> float:
    """Largest |grad p| of a cell times its ``scale``.

    The squared gradient in a cell is the sum over its edges of G_ij (p_i - p_j)^2, over its volume.
    """
    largest = 0.0
    for c in range(cells.shape[0]):
        if scale[c] == 0.0:
            continue
        squared = 0.0
        k = 0
        for a in range(cells.shape[1]):
            for b in range(a + 1, cells.shape[1]):
                squared += conductance[c, k] * (pressure[cells[c, a]] - pressure[cells[c, b]]) ** 2
                k += 1
        largest = max(largest, scale[c] * np.sqrt(max(squared, 0.0) / volume[c]))
    return largest

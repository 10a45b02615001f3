# SPDX-License-Identifier: MIT
"""Between what a point may end a step: the values that reach it, from as far upstream as the flow moves."""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from solver.algebra.halo import Halo
from solver.kernels.edges import Graph, edge_extrema

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

REACH: Final = 8
"""Edges upstream, at most. A front that passes more in a step is limited more tightly than it need be."""


def reachable(
    graph: Graph, flux: Floats, courant: Floats, extremes: tuple[Floats, Floats], halo: Halo
) -> tuple[Floats, Floats]:
    """Smallest and largest value over the neighbours of each node, and upstream. Collective.

    A value crosses as many edges downstream as the Courant number of the node that it reaches.

    Args:
        graph: edges.
        flux: Darcy flow along them [m3/s].
        courant: part of the fluid of each node that flow replaces in the step [-], ghosts up to date.
        extremes: smallest and largest value that each node brings in [kg/m3], ghosts up to date.
        halo: ghost exchange.
    """
    lowest, highest = edge_extrema(graph.tail, graph.head, *extremes)
    edges = np.arange(flux.size, dtype=np.int32)
    count = flux.size
    for passed in range(1, REACH):
        count = still_passing(graph, flux, courant, float(passed), edges, count)
        if halo.maxima(float(count))[0] == 0.0:
            break
        halo.update(lowest)
        halo.update(highest)
        carry(graph, flux, edges[:count], lowest, highest)
    return halo.update(lowest), halo.update(highest)


@njit(cache=True)
def still_passing(graph: Graph, flux: Floats, courant: Floats, passed: float, edges: Ints, count: int) -> int:
    """Keep of the first ``count`` edges those whose downstream end has a larger Courant number; how many."""
    kept = 0
    for k in range(count):
        e = edges[k]
        downstream = graph.head[e] if flux[e] > 0.0 else graph.tail[e]
        if courant[downstream] > passed:
            edges[kept] = e
            kept += 1
    return kept


@njit(cache=True)
def carry(graph: Graph, flux: Floats, edges: Ints, lowest: Floats, highest: Floats) -> None:
    """Take the extremes of upstream ends over to downstream ends, one edge far."""
    low_before, high_before = lowest.copy(), highest.copy()
    for e in edges:
        i, j = graph.tail[e], graph.head[e]
        if flux[e] < 0.0:
            i, j = j, i
        lowest[j] = min(lowest[j], low_before[i])
        highest[j] = max(highest[j], high_before[i])

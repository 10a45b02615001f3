# SPDX-License-Identifier: MIT
"""Between what a point may end a step: the values that reach it, from as far upstream as the flow moves."""

import math
from typing import Final, NamedTuple

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
    ways = downstream(graph, flux, courant)
    longest = int(halo.maxima(float(np.max(ways.passes, initial=0)))[0])
    count = ways.passes.size
    earlier: tuple[Floats, Floats] = (np.full(lowest.size, np.nan), np.full(highest.size, np.nan))
    for passed in range(1, longest + 1):
        halo.update(lowest)
        halo.update(highest)
        before = lowest.copy(), highest.copy()
        count = carry(ways, passed, count, (lowest, highest), before, earlier)
        earlier = before
    return halo.update(lowest), halo.update(highest)


class Ways(NamedTuple):
    """Edges that a value crosses within a step, and in how many passes it may do so."""

    start: Ints
    end: Ints
    passes: Ints


@njit(cache=True)
def downstream(graph: Graph, flux: Floats, courant: Floats) -> Ways:
    """The edges that values cross once the neighbours have been seen, upstream end first."""
    start = np.empty(flux.size, np.int32)
    end, passes = np.empty_like(start), np.empty_like(start)
    count = 0
    for e in range(flux.size):
        i, j = graph.tail[e], graph.head[e]
        if flux[e] <= 0.0:
            i, j = j, i
        if courant[j] > 1.0:
            start[count], end[count] = i, j
            passes[count] = min(math.ceil(min(courant[j], REACH)) - 1, REACH - 1)
            count += 1
    return Ways(start[:count], end[:count], passes[:count])


@njit(cache=True)
def carry(
    ways: Ways,
    passed: int,
    count: int,
    extremes: tuple[Floats, Floats],
    before: tuple[Floats, Floats],
    earlier: tuple[Floats, Floats],
) -> int:
    """Take the extremes of upstream ends over to downstream ends, one edge far.

    Args:
        ways: edges; those that are passed again are moved to the front.
        passed: number of this pass, from 1 on.
        count: how many of the edges are passed.
        extremes: smallest and largest value of the nodes, changed.
        before: copies of them.
        earlier: what they were a pass ago: what has not changed since need not be taken over again.

    Returns:
        How many edges are passed in the next pass.
    """
    lowest, highest = extremes
    kept = 0
    for k in range(count):
        i, j = ways.start[k], ways.end[k]
        low, high = before[0][i], before[1][i]
        if low != earlier[0][i]:
            lowest[j] = min(lowest[j], low)
        if high != earlier[1][i]:
            highest[j] = max(highest[j], high)
        if ways.passes[k] > passed:
            ways.start[kept], ways.end[kept], ways.passes[kept] = i, j, ways.passes[k]
            kept += 1
    return kept

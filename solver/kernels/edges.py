# SPDX-License-Identifier: MIT
"""Compiled loops over edges: operators change every step, these rebuild them.

Signs: a flux on an edge is positive from tail to head; a nodal sum of fluxes is what leaves the node.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


class Graph(NamedTuple):
    """Edges, and where the entries (tail, head) and (head, tail) stand in a matrix; -1 in rows of others."""

    tail: Ints
    head: Ints
    tail_row: Ints
    head_row: Ints


class Carrier(NamedTuple):
    """What carries the agent along edges.

    ``flux``: Darcy flow F [m3/s]; ``symmetric``: part s of Galerkin convection [m3/s]; ``diffusion``: D G
    [m3/s], to be multiplied by the porosity of the edge.
    """

    flux: Floats
    symmetric: Floats
    diffusion: Floats


class Spread(NamedTuple):
    """Coefficients of C_tail - C_head on edges [m3/s].

    ``exchange``: in the monotone step; ``viscosity``: the share of it that is graph viscosity.
    """

    exchange: Floats
    viscosity: Floats


@njit(cache=True)
def nodal_outflow(tail: Ints, head: Ints, flux: Floats, nodes: int) -> Floats:
    """Sum of edge fluxes leaving each node."""
    out = np.zeros(nodes)
    for e in range(tail.size):
        out[tail[e]] += flux[e]
        out[head[e]] -= flux[e]
    return out


@njit(cache=True)
def monotone_rows(
    graph: Graph, carrier: Carrier, porosity: Floats, spread: Spread, values: Floats, diagonal: Floats
) -> None:
    """Entries of the monotone step: upwinded as far as needed for an M-matrix, and no further.

    Args:
        graph: edges.
        carrier: of the agent.
        porosity: of the nodes [-].
        spread: written.
        values: off-diagonal entries, written.
        diagonal: of the rows; what edges take is added.
    """
    for e in range(graph.tail.size):
        i, j = graph.tail[e], graph.head[e]
        half = 0.5 * carrier.flux[e]
        galerkin = 0.5 * carrier.diffusion[e] * (porosity[i] + porosity[j]) - carrier.symmetric[e]
        viscosity = max(abs(half) - galerkin, 0.0)
        exchange = galerkin + viscosity
        spread.viscosity[e] = viscosity
        spread.exchange[e] = exchange
        diagonal[i] += exchange + half
        diagonal[j] += exchange - half
        if graph.tail_row[e] >= 0:
            values[graph.tail_row[e]] = half - exchange
        if graph.head_row[e] >= 0:
            values[graph.head_row[e]] = -half - exchange


@njit(cache=True)
def monotone_flux(graph: Graph, flux: Floats, exchange: Floats, low: Floats) -> Floats:
    """Flux of the agent along each edge in the monotone step [kg/s]."""
    out = np.empty(flux.size)
    for e in range(flux.size):
        at_tail, at_head = low[graph.tail[e]], low[graph.head[e]]
        out[e] = 0.5 * flux[e] * (at_tail + at_head) + exchange[e] * (at_tail - at_head)
    return out


@njit(cache=True)
def target_flux(
    graph: Graph,
    flux: Floats,
    spread: Spread,
    mass: Floats,
    states: tuple[Floats, Floats, Floats],
) -> tuple[Floats, Floats]:
    """Flux of the second-order target along each edge: Galerkin, consistent mass, trapezoidal rule.

    Args:
        graph: edges.
        flux: Darcy flow [m3/s].
        spread: of the monotone step.
        mass: consistent mass of the edges [m3].
        states: C at the start, C of the target [kg/m3], and the rate per volume that the consistent mass
            matrix spreads [kg/(m3 s)].

    Returns:
        Flux from tail to head, and what leaves the nodes by it [kg/s].
    """
    before, target, rate = states
    out, leaving = np.empty(flux.size), np.zeros(before.size)
    for e in range(flux.size):
        i, j = graph.tail[e], graph.head[e]
        at_tail, at_head = 0.5 * (before[i] + target[i]), 0.5 * (before[j] + target[j])
        galerkin = spread.exchange[e] - spread.viscosity[e]
        value = 0.5 * flux[e] * (at_tail + at_head) + galerkin * (at_tail - at_head)
        value -= mass[e] * (rate[i] - rate[j])
        out[e] = value
        leaving[i] += value
        leaving[j] -= value
    return out, leaving


@njit(cache=True)
def answer(graph: Graph, flux: Floats, exchange: Floats, change: Floats, target: Floats) -> None:
    """Add to the fluxes of the target what the monotone fluxes answer to a change of C."""
    for e in range(target.size):
        i, j = graph.tail[e], graph.head[e]
        target[e] += 0.5 * flux[e] * (change[i] + change[j]) + exchange[e] * (change[i] - change[j])


@njit(cache=True)
def edge_extrema(tail: Ints, head: Ints, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Smallest and largest value over each node and its neighbours, of two nodal fields."""
    lowest, highest = low.copy(), high.copy()
    for e in range(tail.size):
        i, j = tail[e], head[e]
        lowest[i] = min(lowest[i], low[j])
        lowest[j] = min(lowest[j], low[i])
        highest[i] = max(highest[i], high[j])
        highest[j] = max(highest[j], high[i])
    return lowest, highest

# SPDX-License-Identifier: MIT
"""Compiled loops of the flow over cells and edges, on stored geometry: its balance, tangent and fluxes.

Signs: a flux on an edge is positive from tail to head; a nodal sum of fluxes is what leaves the node.
"""

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]

AHEAD: Final = 0.7
"""Part of its own last change by which the pressure of a node is guessed ahead; more overshoots."""


class Darcy(NamedTuple):
    """What fluxes within cells need.

    ``corners``: numbers of a cell's vertices; compiled loops are unrolled by the length of a tuple;
    ``edges``: how many the mesh has; ``cells``: nodes of each cell; ``cell_edges``: its edges;
    ``conductance``: G_ij [m]; ``shares``: part of its volume that each vertex holds [-]; ``pairs``: its
    node-region pairs; ``at_rest``: K0 [m2/(Pa s)]; ``negligible``: change of K across a cell over K, below
    which the tangent takes K as held.
    """

    corners: tuple[int, ...]
    edges: int
    cells: Ints
    cell_edges: Ints
    conductance: Floats
    shares: Floats
    pairs: Ints
    at_rest: Floats
    negligible: float


class Rows(NamedTuple):
    """Edges, and where their entries and the diagonal stand in the rows of the owned nodes; -1: nowhere."""

    tail: Ints
    head: Ints
    diagonal: Ints
    tail_row: Ints
    head_row: Ints


@njit(cache=True)
def pair_pressures(
    node: Ints, nodal: tuple[Floats, Floats, Floats], out: tuple[Floats, Floats, Floats]
) -> None:
    """Excess over rest [Pa], largest pressure [Pa] and whether it rises (1 or 0) on every pair.

    Args:
        node: of each pair.
        nodal: pressure, pressure at rest and largest pressure before [Pa].
        out: written.
    """
    pressure, rest, seen = nodal
    excess, largest, rising = out
    for k in range(node.size):
        i = node[k]
        excess[k] = pressure[i] - rest[i]
        rises = pressure[i] > seen[i]
        largest[k] = pressure[i] if rises else seen[i]
        rising[k] = 1.0 if rises else 0.0


@njit(cache=True)
def cell_conductivity(darcy: Darcy, factor: Floats, conductivity: Floats, transmissibility: Floats) -> None:
    """Conductivity of the cells, and T_ij = sum_c K_c G_ij on edges.

    K_c is the arithmetic mean of K0 f over the cell's vertices; with f jumping by 1e4 from node to node a
    harmonic mean would throttle the front. The flux from i to j is T_ij (p_i - p_j) [m3/s].

    Args:
        darcy: geometry.
        factor: f on the pairs.
        conductivity: of the cells [m2/(Pa s)], written.
        transmissibility: of the edges [m3/(Pa s)], written.
    """
    vertices = len(darcy.corners)
    edges = vertices * (vertices - 1) // 2
    transmissibility[:] = 0.0
    for c in range(darcy.cells.shape[0]):
        mean = 0.0
        for a in range(vertices):
            mean += factor[darcy.pairs[c, a]]
        value = darcy.at_rest[c] * mean / vertices
        conductivity[c] = value
        for k in range(edges):
            transmissibility[darcy.cell_edges[c, k]] += value * darcy.conductance[c, k]


@njit(cache=True)
def nodal_balance(
    rows: Rows,
    transmissibility: Floats,
    pressure: Floats,
    far: tuple[Floats, float, Bools],
    residual: Floats,
) -> float:
    """Add Darcy flow and outflow through the boundary to the balance; 0 where the pressure is fixed.

    Args:
        rows: edges.
        transmissibility: T_ij [m3/(Pa s)].
        pressure: on the nodes [Pa].
        far: conductance [m3/(Pa s)], pressure [Pa] and fixed nodes of the outer boundary.
        residual: added to [m3/s].

    Returns:
        Sum of the magnitudes over the owned nodes.
    """
    conductance, far_pressure, fixed = far
    for e in range(rows.tail.size):
        i, j = rows.tail[e], rows.head[e]
        flow = transmissibility[e] * (pressure[i] - pressure[j])
        residual[i] += flow
        residual[j] -= flow
    norm = 0.0
    for i in range(residual.size):
        if fixed[i]:
            residual[i] = 0.0
        elif conductance[i] > 0.0:
            residual[i] += conductance[i] * (pressure[i] - far_pressure)
        if i < rows.diagonal.size:
            norm += abs(residual[i])
    return norm


@njit(cache=True)
def conductivity_tangent(
    darcy: Darcy, state: tuple[Floats, Floats, Floats], both: Floats, diagonal: Floats
) -> None:
    """Add the derivative of K in the Darcy flux to the tangent, where it counts beside K itself.

    Args:
        darcy: geometry.
        state: df/dp on the pairs [1/Pa], K of the cells [m2/(Pa s)], and the pressure [Pa].
        both: entries (tail, head) and (head, tail) of the edges, shape ``(m, 2)``, added to.
        diagonal: added to.
    """
    slope, conductivity, pressure = state
    vertices = len(darcy.corners)
    row = np.zeros(vertices)
    column = np.zeros(vertices)
    for c in range(darcy.cells.shape[0]):
        steepest = 0.0
        lowest = highest = pressure[darcy.cells[c, 0]]
        for a in range(vertices):
            column[a] = darcy.at_rest[c] / vertices * slope[darcy.pairs[c, a]]
            steepest = max(steepest, abs(column[a]))
            lowest = min(lowest, pressure[darcy.cells[c, a]])
            highest = max(highest, pressure[darcy.cells[c, a]])
            row[a] = 0.0
        if steepest * (highest - lowest) <= darcy.negligible * conductivity[c]:
            continue
        k = 0
        for a in range(vertices):
            for b in range(a + 1, vertices):
                flow = darcy.conductance[c, k] * (pressure[darcy.cells[c, a]] - pressure[darcy.cells[c, b]])
                row[a] += flow
                row[b] -= flow
                k += 1
        k = 0
        for a in range(vertices):
            diagonal[darcy.cells[c, a]] += row[a] * column[a]
            for b in range(a + 1, vertices):
                turned = 0 if darcy.cells[c, a] < darcy.cells[c, b] else 1
                both[darcy.cell_edges[c, k], turned] += row[a] * column[b]
                both[darcy.cell_edges[c, k], 1 - turned] += row[b] * column[a]
                k += 1


@njit(cache=True)
def fill_tangent(
    rows: Rows,
    fixed: Bools,
    edges: tuple[Floats, Floats],
    diagonal: Floats,
    values: Floats,
) -> None:
    """Write the tangent into the rows of the owned nodes; fixed nodes are uncoupled from all others.

    Args:
        rows: where entries stand.
        fixed: nodes whose pressure is prescribed.
        edges: T_ij [m3/(Pa s)], and what is added to both entries of an edge; zero afterwards.
        diagonal: without the sums of T_ij, which are added.
        values: of the owned rows, written.
    """
    transmissibility, both = edges
    for e in range(rows.tail.size):
        i, j = rows.tail[e], rows.head[e]
        value = transmissibility[e]
        diagonal[i] += value
        diagonal[j] += value
        coupled = 0.0 if fixed[i] or fixed[j] else 1.0
        if rows.tail_row[e] >= 0:
            values[rows.tail_row[e]] = coupled * (both[e, 0] - value)
        if rows.head_row[e] >= 0:
            values[rows.head_row[e]] = coupled * (both[e, 1] - value)
        both[e, 0] = both[e, 1] = 0.0
    for i in range(rows.diagonal.size):
        values[rows.diagonal[i]] = abs(diagonal[i]) if fixed[i] else diagonal[i]


@njit(cache=True)
def galerkin_convection(darcy: Darcy, conductivity: Floats, pressure: Floats) -> tuple[Floats, Floats]:
    """Galerkin convection of the Darcy flow, split by edges.

    With f_a = K_c sum_b G_ab (p_a - p_b) and c_ij = sum_c f_i w_j (w_j the share of l_j in the cell's
    volume): F_ij = c_ij - c_ji and s_ij = (c_ij + c_ji)/2. F conserves volume and sums over a node to its
    Darcy outflow, whatever the divergence.

    Args:
        darcy: geometry.
        conductivity: K of the cells [m2/(Pa s)].
        pressure: on the nodes [Pa].

    Returns:
        F and s [m3/s], shape ``(m,)``.
    """
    vertices, edges = len(darcy.corners), darcy.edges
    both = np.zeros((edges, 2))
    row = np.zeros(vertices)
    for c in range(darcy.cells.shape[0]):
        for a in range(vertices):
            row[a] = 0.0
        k = 0
        for a in range(vertices):
            for b in range(a + 1, vertices):
                flow = darcy.conductance[c, k] * (pressure[darcy.cells[c, a]] - pressure[darcy.cells[c, b]])
                row[a] += conductivity[c] * flow
                row[b] -= conductivity[c] * flow
                k += 1
        k = 0
        for a in range(vertices):
            for b in range(a + 1, vertices):
                turned = 0 if darcy.cells[c, a] < darcy.cells[c, b] else 1
                both[darcy.cell_edges[c, k], turned] += row[a] * darcy.shares[c, b]
                both[darcy.cell_edges[c, k], 1 - turned] += row[b] * darcy.shares[c, a]
                k += 1
    flux, symmetric = np.empty(edges), np.empty(edges)
    for e in range(edges):
        flux[e] = both[e, 0] - both[e, 1]
        symmetric[e] = 0.5 * (both[e, 0] + both[e, 1])
    return flux, symmetric


@njit(cache=True)
def mean(now: Floats, before: Floats, share: float) -> Floats:
    """Share * now + (1 - share) * before, written to ``now``."""
    for i in range(now.size):
        now[i] = before[i] + share * (now[i] - before[i])
    return now


@njit(cache=True)
def growth_rate(node: Ints, factor: Floats, slope: Floats, nodes: int) -> Floats:
    """Steepest d ln K/dp of the pairs of each node [1/Pa], at least 0."""
    out = np.zeros(nodes)
    for k in range(node.size):
        out[node[k]] = max(out[node[k]], slope[k] / factor[k])
    return out


@njit(cache=True)
def damped(correction: Floats, growth: Floats, scale: float) -> Floats:
    """A correction of the pressure, taken the less far the more K would grow on the way.

    A rise d is cut to ln(1 + g d)/g, with g half of d ln K/dp: what it would be in the variable whose
    derivative is sqrt(K), where K grows exponentially. Small corrections are left as they are.

    Args:
        correction: of the pressure [Pa].
        growth: d ln K/dp [1/Pa].
        scale: factor of the correction.
    """
    out = np.empty(correction.size)
    for i in range(out.size):
        rise, rate = scale * correction[i], 0.5 * growth[i]
        out[i] = np.log1p(rate * rise) / rate if rate * rise > 1e-6 else rise
    return out


@njit(cache=True)
def extrapolated(tail: Ints, head: Ints, pressure: Floats, change: Floats, ratio: float) -> Floats:
    """Pressure guessed ahead by its last change, but not above what is found at any neighbour now [Pa].

    Where a front arrives, a node is moved by the change of its neighbours of higher pressure.
    """
    highest, ahead = pressure.copy(), pressure.copy()
    for e in range(tail.size):
        i, j = tail[e], head[e]
        if pressure[j] > pressure[i]:
            i, j = j, i
        highest[j] = max(highest[j], pressure[i])
        ahead[j] = max(ahead[j], min(pressure[j] + ratio * change[i], pressure[i]))
    for i in range(ahead.size):
        ahead[i] = max(ahead[i], min(highest[i], pressure[i] + AHEAD * ratio * change[i]))
    return ahead

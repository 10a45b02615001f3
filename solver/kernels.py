# SPDX-License-Identifier: MIT
"""Compiled loops over cells and edges on stored geometry: operators change every step, these rebuild them.

Signs: a flux on an edge is positive from tail to head; a nodal sum of fluxes is what leaves the node.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@njit(cache=True)
def nodal_outflow(tail: Ints, head: Ints, flux: Floats, nodes: int) -> Floats:
    """Sum of edge fluxes leaving each node."""
    out = np.zeros(nodes)
    for e in range(tail.size):
        out[tail[e]] += flux[e]
        out[head[e]] -= flux[e]
    return out


@njit(cache=True)
def darcy_balance(
    cells: Ints,
    cell_edges: Ints,
    conductance: Floats,
    pairs: Ints,
    at_rest: Floats,
    factor: Floats,
    pressure: Floats,
    conductivity: Floats,
    transmissibility: Floats,
    outflow: Floats,
) -> None:
    """Conductivity of the cells, T_ij = sum_c K_c G_ij on edges, and Darcy outflow of the nodes.

    K_c is the arithmetic mean of K0 f over the cell's vertices; with f jumping by 1e4 from node to node a
    harmonic mean would throttle the front. The flux from i to j is T_ij (p_i - p_j) [m3/s].

    Args:
        cells: nodes, shape ``(n_cells, n_vertices)``.
        cell_edges: edges, shape ``(n_cells, n_edges)``.
        conductance: G_ij of the cells [m].
        pairs: node-region pairs, like ``cells``.
        at_rest: K0 of the cells [m2/(Pa s)].
        factor: f on the pairs.
        pressure: on the nodes [Pa].
        conductivity: out, on the cells.
        transmissibility: added to, on the edges [m3/(Pa s)].
        outflow: added to, on the nodes [m3/s].
    """
    vertices = cells.shape[1]
    for c in range(cells.shape[0]):
        mean = 0.0
        for a in range(vertices):
            mean += factor[pairs[c, a]]
        value = at_rest[c] * mean / vertices
        conductivity[c] = value
        k = 0
        for a in range(vertices):
            i = cells[c, a]
            for b in range(a + 1, vertices):
                j = cells[c, b]
                part = value * conductance[c, k]
                transmissibility[cell_edges[c, k]] += part
                flow = part * (pressure[i] - pressure[j])
                outflow[i] += flow
                outflow[j] -= flow
                k += 1


@njit(cache=True)
def conductivity_tangent(
    cells: Ints,
    cell_edges: Ints,
    conductance: Floats,
    pairs: Ints,
    at_rest: Floats,
    slope: Floats,
    pressure: Floats,
    forward: Floats,
    backward: Floats,
    diagonal: Floats,
) -> None:
    """Add the derivative of K in the Darcy flux to a matrix stored by edges.

    ``slope`` is df/dp on the pairs. The entry (i, j) of an edge with tail i goes to ``forward``, (j, i) to
    ``backward``; edges run from the lower to the higher node.
    """
    vertices = cells.shape[1]
    row = np.zeros(vertices)
    column = np.zeros(vertices)
    for c in range(cells.shape[0]):
        moving = False
        for a in range(vertices):
            column[a] = at_rest[c] / vertices * slope[pairs[c, a]]
            moving = moving or column[a] != 0.0
            row[a] = 0.0
        if not moving:
            continue
        k = 0
        for a in range(vertices):
            for b in range(a + 1, vertices):
                flow = conductance[c, k] * (pressure[cells[c, a]] - pressure[cells[c, b]])
                row[a] += flow
                row[b] -= flow
                k += 1
        k = 0
        for a in range(vertices):
            diagonal[cells[c, a]] += row[a] * column[a]
            for b in range(a + 1, vertices):
                e = cell_edges[c, k]
                if cells[c, a] < cells[c, b]:
                    forward[e] += row[a] * column[b]
                    backward[e] += row[b] * column[a]
                else:
                    forward[e] += row[b] * column[a]
                    backward[e] += row[a] * column[b]
                k += 1


@njit(cache=True)
def galerkin_convection(
    cells: Ints,
    cell_edges: Ints,
    conductance: Floats,
    shares: Floats,
    conductivity: Floats,
    pressure: Floats,
    flux: Floats,
    symmetric: Floats,
) -> None:
    """Add the Galerkin convection of the Darcy flow, split by edges.

    With f_a = K_c sum_b G_ab (p_a - p_b) and c_ij = sum_c f_i w_j (w_j the share of l_j in the cell's
    volume): ``flux`` F_ij = c_ij - c_ji, ``symmetric`` s_ij = (c_ij + c_ji)/2. F conserves volume and
    sums over a node to its Darcy outflow, whatever the divergence.
    """
    vertices = cells.shape[1]
    row = np.zeros(vertices)
    for c in range(cells.shape[0]):
        row[:] = 0.0
        k = 0
        for a in range(vertices):
            for b in range(a + 1, vertices):
                flow = conductivity[c] * conductance[c, k] * (pressure[cells[c, a]] - pressure[cells[c, b]])
                row[a] += flow
                row[b] -= flow
                k += 1
        k = 0
        for a in range(vertices):
            for b in range(a + 1, vertices):
                e = cell_edges[c, k]
                out, back = row[a] * shares[c, b], row[b] * shares[c, a]
                flux[e] += out - back if cells[c, a] < cells[c, b] else back - out
                symmetric[e] += 0.5 * (out + back)
                k += 1


@njit(cache=True)
def fill_rows(
    diagonal_position: Ints,
    tail_row: Ints,
    head_row: Ints,
    diagonal: Floats,
    forward: Floats,
    backward: Floats,
    values: Floats,
) -> None:
    """Write a matrix stored by edges into the values of the owned rows."""
    for i in range(diagonal_position.size):
        values[diagonal_position[i]] = diagonal[i]
    for e in range(tail_row.size):
        if tail_row[e] >= 0:
            values[tail_row[e]] = forward[e]
        if head_row[e] >= 0:
            values[head_row[e]] = backward[e]


@njit(cache=True)
def edge_extrema(tail: Ints, head: Ints, values: Floats) -> tuple[Floats, Floats]:
    """Smallest and largest value over each node and its neighbours."""
    low, high = values.copy(), values.copy()
    for e in range(tail.size):
        i, j = tail[e], head[e]
        low[i] = min(low[i], values[j])
        low[j] = min(low[j], values[i])
        high[i] = max(high[i], values[j])
        high[j] = max(high[j], values[i])
    return low, high


@njit(cache=True)
def zalesak_ratios(
    tail: Ints, head: Ints, raw: Floats, room_down: Floats, room_up: Floats
) -> tuple[Floats, Floats]:
    """Share of the incoming and of the outgoing antidiffusive flux that each node can take (Zalesak 1979).

    ``raw`` is what an edge would carry from head to tail; ``room_*`` are the amounts to the bounds.
    """
    nodes = room_up.size
    gain, loss = np.zeros(nodes), np.zeros(nodes)
    for e in range(tail.size):
        i, j, f = tail[e], head[e], raw[e]
        if f > 0.0:
            gain[i] += f
            loss[j] += f
        else:
            gain[j] -= f
            loss[i] -= f
    for i in range(nodes):
        gain[i] = min(1.0, room_up[i] / gain[i]) if gain[i] > 0.0 else 1.0
        loss[i] = min(1.0, room_down[i] / loss[i]) if loss[i] > 0.0 else 1.0
    return gain, loss


@njit(cache=True)
def limit(tail: Ints, head: Ints, raw: Floats, gain: Floats, loss: Floats) -> Floats:
    """Antidiffusive flux on each edge after limiting by both of its ends."""
    out = np.empty_like(raw)
    for e in range(tail.size):
        i, j = tail[e], head[e]
        if raw[e] > 0.0:
            out[e] = raw[e] * min(gain[i], loss[j])
        else:
            out[e] = raw[e] * min(gain[j], loss[i])
    return out

# SPDX-License-Identifier: MIT
"""Compiled loops over a mesh as it lies: gradients in cells, edges, and rows of the owned nodes."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@njit(cache=True)
def _normals(points: Floats, nodes: Ints, edge: Floats, normal: Floats) -> float:
    """Gradients of the shape functions of one cell times the determinant, which is returned.

    They are the normals of the faces opposite to the vertices, pointing inwards. ``edge`` is work space.
    """
    dimension = nodes.size - 1
    for a in range(dimension):
        for d in range(dimension):
            edge[a, d] = points[nodes[a + 1], d] - points[nodes[0], d]
    if dimension == 1:
        normal[1, 0] = 1.0
    elif dimension == 2:
        normal[1, 0], normal[1, 1] = edge[1, 1], -edge[1, 0]
        normal[2, 0], normal[2, 1] = -edge[0, 1], edge[0, 0]
    else:
        for a in range(3):
            p, q = (a + 1) % 3, (a + 2) % 3
            for d in range(3):
                e, f = (d + 1) % 3, (d + 2) % 3
                normal[a + 1, d] = edge[p, e] * edge[q, f] - edge[p, f] * edge[q, e]
    determinant = 0.0
    for d in range(dimension):
        determinant += edge[0, d] * normal[1, d]
        normal[0, d] = 0.0
        for a in range(1, nodes.size):
            normal[0, d] -= normal[a, d]
    return determinant


@njit(cache=True)
def gradient_products(points: Floats, cells: Ints) -> tuple[Floats, Floats]:
    """Measure of each cell, and grad l_a . grad l_b [1/m2] for each of its edges, in closed form.

    Args:
        points: node coordinates [m], shape ``(n, dimension)``.
        cells: node numbers, shape ``(n_cells, dimension + 1)``.

    Returns:
        Lengths [m], areas [m2] or volumes [m3], shape ``(n_cells,)``, and shape ``(n_cells, n_edges)``.
    """
    count, vertices = cells.shape
    dimension = vertices - 1
    factorial = (1.0, 1.0, 2.0, 6.0)[dimension]
    measure = np.empty(count)
    products = np.empty((count, vertices * dimension // 2))
    edge, normal = np.zeros((3, 3)), np.zeros((4, 3))
    for c in range(count):
        determinant = abs(_normals(points, cells[c], edge, normal))
        measure[c] = determinant / factorial
        k = 0
        for a in range(vertices):
            for b in range(a + 1, vertices):
                product = 0.0
                for d in range(dimension):
                    product += normal[a, d] * normal[b, d]
                products[c, k] = product / (determinant * determinant)
                k += 1
    return measure, products


@njit(cache=True)
def cell_gradients(points: Floats, cells: Ints, values: Floats) -> Floats:
    """Gradient of a nodal field in each cell [1/m], shape ``(n_cells, dimension)``."""
    count, vertices = cells.shape
    out = np.zeros((count, vertices - 1))
    edge, normal = np.zeros((3, 3)), np.zeros((4, 3))
    for c in range(count):
        determinant = _normals(points, cells[c], edge, normal)
        for a in range(1, vertices):
            rise = (values[cells[c, a]] - values[cells[c, 0]]) / determinant
            for d in range(vertices - 1):
                out[c, d] += rise * normal[a, d]
    return out


@njit(cache=True)
def directed_slopes(points: Floats, cells: Ints, direction: Floats) -> Floats:
    """Slope of the shape functions of each cell along a direction of its own [1/m], shape ``cells.shape``."""
    count, vertices = cells.shape
    out = np.zeros((count, vertices))
    edge, normal = np.zeros((3, 3)), np.zeros((4, 3))
    for c in range(count):
        determinant = _normals(points, cells[c], edge, normal)
        for a in range(vertices):
            for d in range(vertices - 1):
                out[c, a] += normal[a, d] * direction[c, d] / determinant
    return out


@njit(cache=True)
def cell_extents(points: Floats, cells: Ints) -> Floats:
    """Largest extent of each cell along an axis [m], shape ``(n_cells,)``."""
    out = np.zeros(cells.shape[0])
    for c in range(cells.shape[0]):
        for d in range(points.shape[1]):
            low = high = points[cells[c, 0], d]
            for a in range(1, cells.shape[1]):
                low = min(low, points[cells[c, a], d])
                high = max(high, points[cells[c, a], d])
            out[c] = max(out[c], high - low)
    return out


@njit(cache=True)
def sum_on_edges(cell_edges: Ints, values: Floats, edges: int) -> Floats:
    """Sum what is given on the edges of cells over the cells of each edge, shape ``(edges,)``."""
    out = np.zeros(edges)
    for c in range(cell_edges.shape[0]):
        for k in range(cell_edges.shape[1]):
            out[cell_edges[c, k]] += values[c, k]
    return out


@njit(cache=True)
def cells_around(cells: Ints, nodes: int) -> tuple[Ints, Ints]:
    """Cells that meet at each node, ascending, one node after another, and the offsets into that list."""
    offsets = np.zeros(nodes + 1, np.int32)
    for c in range(cells.shape[0]):
        for a in range(cells.shape[1]):
            offsets[cells[c, a] + 1] += 1
    for i in range(nodes):
        offsets[i + 1] += offsets[i]
    filled = offsets[:-1].copy()
    around = np.empty(cells.size, np.int32)
    for c in range(cells.shape[0]):
        for a in range(cells.shape[1]):
            i = cells[c, a]
            around[filled[i]] = c
            filled[i] += 1
    return around, offsets


@njit(cache=True)
def number_edges(cells: Ints, nodes: int) -> tuple[Ints, Ints, Ints]:
    """Number the edges by their lower, then by their higher node.

    Returns:
        Lower and higher node of each edge, and the edges of each cell in the order of its vertex pairs.
    """
    around, offsets = cells_around(cells, nodes)
    vertices = cells.shape[1]
    per_cell = vertices * (vertices - 1) // 2
    cell_edges = np.empty((cells.shape[0], per_cell), np.int32)
    tail = np.empty(cells.size * per_cell // vertices, np.int32)
    head = np.empty_like(tail)
    number = np.full(nodes, -1, np.int32)
    seen = np.full(nodes, -1, np.int32)
    count = 0
    for i in range(nodes):
        first = count
        for n in range(offsets[i], offsets[i + 1]):
            for a in range(vertices):
                j = cells[around[n], a]
                if j > i and seen[j] != i:
                    seen[j] = i
                    place = count
                    while place > first and head[place - 1] > j:
                        head[place] = head[place - 1]
                        place -= 1
                    head[place] = j
                    count += 1
        for e in range(first, count):
            tail[e] = i
            number[head[e]] = e
        for n in range(offsets[i], offsets[i + 1]):
            c, k = around[n], 0
            for a in range(vertices):
                for b in range(a + 1, vertices):
                    if cells[c, a] == i and cells[c, b] > i:
                        cell_edges[c, k] = number[cells[c, b]]
                    elif cells[c, b] == i and cells[c, a] > i:
                        cell_edges[c, k] = number[cells[c, a]]
                    k += 1
    return tail[:count].copy(), head[:count].copy(), cell_edges


@njit(cache=True)
def lay_out_rows(tail: Ints, head: Ints, owned: int) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Sorted rows of the owned nodes, diagonal included, from edges sorted by lower, then by higher node.

    Returns:
        Row pointers, columns, positions of the diagonal, of (tail, head) and of (head, tail); -1 for the rows
        of ghosts.
    """
    below = np.zeros(owned, np.int32)
    indptr = np.zeros(owned + 1, np.int32)
    for e in range(tail.size):
        if tail[e] < owned:
            indptr[tail[e] + 1] += 1
        if head[e] < owned:
            indptr[head[e] + 1] += 1
            below[head[e]] += 1
    for i in range(owned):
        indptr[i + 1] += indptr[i] + 1
    diagonal = indptr[:-1] + below
    columns = np.empty(indptr[owned], np.int32)
    lower, upper = indptr[:-1].copy(), diagonal + 1
    for i in range(owned):
        columns[diagonal[i]] = i
    tail_row, head_row = np.full(tail.size, -1, np.int32), np.full(tail.size, -1, np.int32)
    for e in range(tail.size):
        i, j = tail[e], head[e]
        if i < owned:
            tail_row[e] = upper[i]
            columns[upper[i]] = j
            upper[i] += 1
        if j < owned:
            head_row[e] = lower[j]
            columns[lower[j]] = i
            lower[j] += 1
    return indptr, columns, diagonal, tail_row, head_row

# SPDX-License-Identifier: MIT
"""The P1 geometry that every operator is built from: gradients, nodal volumes, edges and matrix rows.

Computed once per mesh. Cells carry the weight of their geometry: 1 in ``3d``, 2 pi r in ``axisymmetric``,
4 pi r^2 in ``radial``, so that one code path solves all three and all volumes are true ones [m3].
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from meshes.plain import Geometry
from solver.kernels.cells import gradient_products, lay_out_rows, number_edges

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class CellIntegrals:
    """Exact integrals of P1 shape functions l_a over each cell, with the weight of the geometry.

    Attributes:
        volume: of the cell [m3], shape ``(n_cells,)``.
        nodal: integral of l_a [m3], shape ``(n_cells, n_vertices)``.
        conductance: -(integral of grad l_a . grad l_b) [m] per edge, shape ``(n_cells, n_edges)``.
        mass: integral of l_a l_b [m3] per edge, shape ``(n_cells, n_edges)``.
    """

    volume: Floats
    nodal: Floats
    conductance: Floats
    mass: Floats


@dataclass(frozen=True, kw_only=True)
class Stencil:
    """Edges of the mesh and the sparse rows of the owned nodes.

    Edge ``e`` joins local nodes ``tail[e] < head[e]``; a directed quantity is positive from tail to head.

    Attributes:
        cells: local node numbers, shape ``(n_cells, n_vertices)``.
        cell_edges: edge number of each local edge of each cell, shape ``(n_cells, n_edges)``.
        tail: lower node of each edge.
        head: higher node of each edge.
        owned: number of owned nodes (they come first).
        indptr: row pointers of the owned rows.
        columns: local column numbers, diagonal included.
        diagonal: position of the diagonal in each owned row.
        tail_row: position of (tail, head) in the rows, -1 where the tail is a ghost.
        head_row: position of (head, tail) in the rows, -1 where the head is a ghost.
        links: number of the edge of each link of a line, shape ``(l,)``; none without lines.
        lines: number of owned nodes that belong to lines; they come after all others.
    """

    cells: Ints
    cell_edges: Ints
    tail: Ints
    head: Ints
    owned: int
    indptr: Ints
    columns: Ints
    diagonal: Ints
    tail_row: Ints
    head_row: Ints
    links: NDArray[np.int64]
    lines: int


def local_edges(vertices: int) -> NDArray[np.int64]:
    """Vertex pairs of a simplex in the order used for all per-edge arrays, shape ``(n_edges, 2)``."""
    return np.array(list(combinations(range(vertices), 2)), dtype=np.int64)


def cell_integrals(points: Floats, cells: Ints, geometry: Geometry) -> CellIntegrals:
    """Integrate P1 shape functions over every cell.

    Args:
        points: node coordinates [m], shape ``(n, dimension)``.
        cells: node numbers, shape ``(n_cells, dimension + 1)``.
        geometry: decides the weight.
    """
    measure, products = gradient_products(points, np.asarray(cells, dtype=np.int32))
    nodal, mass = _weighted_moments(points, cells, measure, geometry)
    volume = measure if geometry == "3d" else nodal.sum(axis=1)
    products *= -volume[:, None]
    return CellIntegrals(volume=volume, nodal=nodal, conductance=products, mass=mass)


def _weighted_moments(
    points: Floats, cells: Ints, measure: Floats, geometry: Geometry
) -> tuple[Floats, Floats]:
    """Integrals of w l_a and of w l_a l_b (a != b), closed forms for the three weights."""
    size = measure[:, None]
    if geometry == "3d":
        return np.repeat(size / 4, 4, axis=1), np.broadcast_to(size / 20, (len(size), 6))
    r = points[cells, 0]
    a, b = local_edges(cells.shape[1]).T
    if geometry == "axisymmetric":
        total = r.sum(axis=1, keepdims=True)
        area = 2 * np.pi * size
        return area * (r + total) / 12, area * (r[:, a] + r[:, b] + total) / 60
    r0, r1 = r[:, :1], r[:, 1:]
    length = 4 * np.pi * size
    first = length * (3 * r0**2 + 2 * r0 * r1 + r1**2) / 12
    second = length * (r0**2 + 2 * r0 * r1 + 3 * r1**2) / 12
    return np.hstack([first, second]), length * (r0**2 / 20 + r0 * r1 / 15 + r1**2 / 20)


def build_stencil(cells: Ints, nodes: int, owned: int, links: Ints | None = None) -> Stencil:
    """Number the edges and lay out the rows of the owned nodes.

    Args:
        cells: local node numbers of all local cells, ghosts included.
        nodes: number of local nodes, ghosts included.
        owned: number of owned nodes.
        links: local nodes of the links of lines, no two alike, shape ``(l, 2)``.
    """
    cells = np.ascontiguousarray(cells, dtype=np.int32)
    tail, head, cell_edges = number_edges(cells, nodes)
    number = np.zeros(0, dtype=np.int64)
    if links is not None:
        tail, head, cell_edges, number = with_links((tail, head, cell_edges), links)
    indptr, columns, diagonal, tail_row, head_row = lay_out_rows(tail, head, owned)
    return Stencil(
        cells=cells,
        cell_edges=cell_edges,
        tail=tail,
        head=head,
        owned=owned,
        indptr=indptr,
        columns=columns,
        diagonal=diagonal,
        tail_row=tail_row,
        head_row=head_row,
        links=number,
        lines=0 if links is None else owned - np.unique(cells[cells < owned]).size,
    )


def with_links(edges: tuple[Ints, Ints, Ints], links: Ints) -> tuple[Ints, Ints, Ints, NDArray[np.int64]]:
    """Number the links of lines among the edges of cells; edges stay sorted by lower, then higher node.

    Args:
        edges: lower and higher node of each edge, and the edges of each cell.
        links: both nodes of each link, in any order, shape ``(l, 2)``.

    Returns:
        The same of all edges, and the number of each link.
    """
    tail, head, cell_edges = edges
    low, high = np.concatenate([tail, links.min(axis=1)]), np.concatenate([head, links.max(axis=1)])
    order = np.lexsort((high, low))
    number = np.empty_like(order)
    number[order] = np.arange(order.size)
    first = tail.size
    return low[order], high[order], number[:first].astype(np.int32)[cell_edges], number[first:]

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
        gradients: of l_a [1/m], shape ``(n_cells, n_vertices, dimension)``.
    """

    volume: Floats
    nodal: Floats
    conductance: Floats
    mass: Floats
    gradients: Floats


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
    x = points[cells]
    edges = local_edges(cells.shape[1])
    jacobian = x[:, 1:, :] - x[:, :1, :]
    inverse = np.linalg.inv(jacobian)
    gradients = np.concatenate([-inverse.sum(axis=2)[:, None, :], inverse.transpose(0, 2, 1)], axis=1)
    dimension = points.shape[1]
    size = np.abs(np.linalg.det(jacobian)) / (1.0, 1.0, 2.0, 6.0)[dimension]
    nodal, mass = _weighted_moments(x, size, edges, geometry)
    volume = nodal.sum(axis=1)
    products = np.einsum("ced,ced->ce", gradients[:, edges[:, 0]], gradients[:, edges[:, 1]])
    return CellIntegrals(
        volume=volume,
        nodal=nodal,
        conductance=-volume[:, None] * products,
        mass=mass,
        gradients=gradients,
    )


def _weighted_moments(
    x: Floats, size: Floats, edges: NDArray[np.int64], geometry: Geometry
) -> tuple[Floats, Floats]:
    """Integrals of w l_a and of w l_a l_b (a != b), closed forms for the three weights."""
    a, b = edges[:, 0], edges[:, 1]
    if geometry == "3d":
        count = x.shape[0]
        return np.repeat(size[:, None] / 4, 4, axis=1), np.repeat(size[:, None] / 20, 6, axis=1) * np.ones(
            (count, 1)
        )
    r = x[:, :, 0]
    if geometry == "axisymmetric":
        total = r.sum(axis=1, keepdims=True)
        area = 2 * np.pi * size[:, None]
        return area * (r + total) / 12, area * (r[:, a] + r[:, b] + total) / 60
    r0, r1 = r[:, :1], r[:, 1:]
    length = 4 * np.pi * size[:, None]
    first = length * (3 * r0**2 + 2 * r0 * r1 + r1**2) / 12
    second = length * (r0**2 + 2 * r0 * r1 + 3 * r1**2) / 12
    return np.hstack([first, second]), length * (r0**2 / 20 + r0 * r1 / 15 + r1**2 / 20)


def build_stencil(cells: Ints, nodes: int, owned: int) -> Stencil:
    """Number the edges and lay out the rows of the owned nodes.

    Args:
        cells: local node numbers of all local cells, ghosts included.
        nodes: number of local nodes, ghosts included.
        owned: number of owned nodes.
    """
    pairs = cells[:, local_edges(cells.shape[1])]
    low, high = pairs.min(axis=2), pairs.max(axis=2)
    keys, inverse = np.unique(low.astype(np.int64) * nodes + high, return_inverse=True)
    tail, head = (keys // nodes).astype(np.int32), (keys % nodes).astype(np.int32)
    rows = np.concatenate([np.arange(owned, dtype=np.int32), tail, head])
    columns = np.concatenate([np.arange(owned, dtype=np.int32), head, tail])
    source = np.concatenate(
        [np.arange(owned), owned + np.arange(tail.size), owned + tail.size + np.arange(tail.size)]
    )
    keep = rows < owned
    rows, columns, source = rows[keep], columns[keep], source[keep]
    order = np.lexsort((columns, rows))
    position = np.full(owned + 2 * tail.size, -1, dtype=np.int32)
    position[source[order]] = np.arange(order.size, dtype=np.int32)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=owned))]).astype(np.int32)
    return Stencil(
        cells=np.ascontiguousarray(cells, dtype=np.int32),
        cell_edges=inverse.reshape(low.shape).astype(np.int32),
        tail=tail,
        head=head,
        owned=owned,
        indptr=indptr,
        columns=columns[order].astype(np.int32),
        diagonal=position[:owned],
        tail_row=position[owned : owned + tail.size],
        head_row=position[owned + tail.size :],
    )

# SPDX-License-Identifier: MIT
"""Who computes which cell: a deterministic bisection of a mesh, and the layer of ghosts around each part.

Graph partitioners gave another partition on every run (measured with DOLFINx 0.9); runs that shall repeat
bit by bit need one that depends on the mesh alone.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


def bisect(midpoints: NDArray[np.float64], parts: int) -> NDArray[np.int32]:
    """Divide cells among ranks by recursive coordinate bisection.

    Each set of cells is cut across the longest axis of its bounding box, in proportion to the number of
    ranks on either side, so any number of parts is balanced to one cell. Ties are broken by cell number.
    Source: Berger and Bokhari (1987).

    Args:
        midpoints: of the cells [m], shape ``(n_cells, dimension)``.
        parts: number of ranks.

    Returns:
        Rank of each cell, shape ``(n_cells,)``.

    Raises:
        ValueError: if there are fewer cells than ranks.
    """
    if len(midpoints) < parts:
        raise ValueError(f"a mesh of {len(midpoints)} cells cannot be divided among {parts} ranks")
    ranks = np.zeros(len(midpoints), dtype=np.int32)
    pending = [(np.arange(len(midpoints)), 0, parts)]
    while pending:
        cells, first, count = pending.pop()
        if count == 1:
            ranks[cells] = first
            continue
        here = midpoints[cells]
        axis = int(np.argmax(np.ptp(here, axis=0)))
        order = cells[np.argsort(here[:, axis], kind="stable")]
        left = count // 2
        cut = len(cells) * left // count
        # Sorted again so that ties are broken by cell number at the next cut too.
        pending.append((np.sort(order[:cut]), first, left))
        pending.append((np.sort(order[cut:]), first + left, count - left))
    return ranks


def destinations(
    cells: NDArray[np.int64], ranks: NDArray[np.int32], n_points: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """List for each cell its owner and then, ascending, the ranks that need it as a ghost.

    A rank needs every cell that shares a vertex with a cell of its own: with these, it can assemble
    complete rows for all vertices of its cells.

    Args:
        cells: vertex numbers, shape ``(n_cells, dimension + 1)``.
        ranks: owner of each cell, shape ``(n_cells,)``.
        n_points: number of vertices.

    Returns:
        The lists, one after another, and the ``n_cells + 1`` offsets into them.
    """
    n_cells, corners = cells.shape
    parts = int(ranks.max()) + 1
    ones = np.ones(n_cells * corners, dtype=np.int32)
    starts = np.arange(0, n_cells * corners + 1, corners)
    cell_vertex = sparse.csr_array((ones, cells.ravel(), starts), shape=(n_cells, n_points))
    vertex_rank = sparse.csr_array(
        (ones, (cells.ravel(), np.repeat(ranks, corners))), shape=(n_points, parts)
    )
    touching = sparse.coo_array(cell_vertex @ vertex_rank)
    row, rank = touching.coords
    order = np.lexsort((rank, rank != ranks[row], row))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n_cells))])
    return rank[order].astype(np.int32), offsets.astype(np.int32)

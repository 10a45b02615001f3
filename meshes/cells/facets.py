# SPDX-License-Identifier: MIT
"""Facets on the outside of a mesh, and the cells behind them."""

import numpy as np
from numpy.typing import NDArray

from meshes.geometry import GeometryError
from meshes.plain import PlainMesh


def exterior_facets(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the facets that belong to one cell only.

    Args:
        cells: vertex numbers, shape ``(n_cells, dimension + 1)``.

    Returns:
        Vertex numbers, ascending in each row and from row to row, shape ``(n_facets, dimension)``.
    """
    corners = cells.shape[1]
    faces = np.sort(np.concatenate([np.delete(cells, i, axis=1) for i in range(corners)]), axis=1)
    faces = faces[np.lexsort(faces.T[::-1])]
    same = np.all(faces[1:] == faces[:-1], axis=1)
    single: NDArray[np.int64] = faces[~(np.concatenate([[False], same]) | np.concatenate([same, [False]]))]
    return single


def cells_behind(plain: PlainMesh) -> NDArray[np.int64]:
    """Find the one cell to which each tagged exterior facet belongs.

    Args:
        plain: the mesh.

    Returns:
        Cell numbers, shape ``(n_facets,)``.

    Raises:
        GeometryError: if a facet belongs to no cell, to two cells, or is listed twice.
    """
    corners = plain.cells.shape[1]
    marked = np.zeros(len(plain.points), dtype=bool)
    marked[plain.facets] = True
    candidates = np.flatnonzero(marked[plain.cells].sum(axis=1) >= corners - 1)
    faces = np.concatenate([np.delete(plain.cells[candidates], i, axis=1) for i in range(corners)])
    owners = np.tile(candidates, corners)
    rows = np.sort(np.concatenate([plain.facets, faces]), axis=1)
    group = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
    wanted, offered = group[: len(plain.facets)], group[len(plain.facets) :]
    counts = np.bincount(offered, minlength=len(rows))[wanted]
    if np.any(counts != 1):
        bad = int(np.flatnonzero(counts != 1)[0])
        raise GeometryError(
            f"mesh: tagged facet {bad} (vertices {plain.facets[bad].tolist()}) belongs to {counts[bad]} "
            "cells; expected 1, since only facets on the outside carry conditions"
        )
    if len(np.unique(wanted)) != len(wanted):
        raise GeometryError("mesh: a facet is tagged twice")
    behind: NDArray[np.int64] = np.zeros(len(rows), dtype=np.int64)
    behind[offered] = owners
    return behind[wanted]

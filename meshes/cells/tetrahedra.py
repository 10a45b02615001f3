# SPDX-License-Identifier: MIT
"""Edges, faces and measures of a tetrahedral mesh given as plain arrays."""

from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Cells = NDArray[np.int64]

LOCAL_EDGES: Final = np.array(list(combinations(range(4), 2)))
"""Local vertex pairs of the six edges of a tetrahedron."""

LOCAL_FACES: Final = np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]])
"""Local vertices of the face opposite each vertex, normals outwards for a positive tetrahedron."""


def unique_edges(cells: Cells) -> Cells:
    """Edges of a mesh, each once, lower vertex number first, shape ``(n, 2)``, sorted."""
    pairs = np.sort(cells[:, LOCAL_EDGES].reshape(-1, 2), axis=1)
    keys = np.unique(edge_keys(pairs))
    return np.column_stack((keys >> 32, keys & 0xFFFFFFFF))


def edge_keys(pairs: Cells) -> Cells:
    """One integer for each vertex pair ``(lower, higher)``, ordered as the pairs are."""
    return np.asarray((pairs[:, 0] << 32) | pairs[:, 1])


def faces_between(cells: Cells, tags: NDArray[np.int32]) -> tuple[Cells, NDArray[np.int32]]:
    """Faces on the boundary of a mesh or between cells of unlike tags.

    Args:
        cells: tetrahedra, shape ``(n, 4)``.
        tags: region of each cell, shape ``(n,)``.

    Returns:
        The faces, oriented outwards of the cell with the lower tag, shape ``(m, 3)``, and the sorted pair of
        tags on their two sides, shape ``(m, 2)``; the exterior is ``-1``, so the boundary has ``-1`` first.
    """
    faces = cells[:, LOCAL_FACES].reshape(-1, 3)
    owner = np.repeat(tags, 4)
    order = np.lexsort(np.sort(faces, axis=1).T)
    ordered = np.sort(faces[order], axis=1)
    twin = np.concatenate(((ordered[1:] == ordered[:-1]).all(axis=1), [False]))
    second = np.concatenate(([False], twin[:-1]))
    first, alone = order[twin], order[~twin & ~second]
    other = order[np.flatnonzero(twin) + 1]
    unlike = owner[first] != owner[other]
    first, other = first[unlike], other[unlike]
    lower = np.where(owner[first] < owner[other], first, other)
    pair = np.sort(np.column_stack((owner[first], owner[other])), axis=1)
    exterior = np.column_stack((np.full(len(alone), -1, dtype=np.int32), owner[alone]))
    return np.concatenate((faces[alone], faces[lower])), np.concatenate((exterior, pair)).astype(np.int32)

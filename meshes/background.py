# SPDX-License-Identifier: MIT
"""A graded mesh of a ball, before any surface of the patient is in it."""

from collections.abc import Callable
from itertools import permutations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.cutter import bisect
from meshes.tetrahedra import Cells, Points, signed_volumes, unique_edges

Size = Callable[[Points], NDArray[np.float64]]

TOO_LONG: Final = 1.5
"""Edges longer than this many wanted lengths are bisected."""


def ball(centre: Points, radius: float, divisions: int) -> tuple[Points, Cells]:
    """Kuhn's division of a cube into tetrahedra, mapped along rays onto a ball (all volumes positive).

    Args:
        centre: of the ball [m], shape ``(3,)``.
        radius: of the ball [m].
        divisions: cubes along an edge; even, so that no cell straddles the centre planes.
    """
    axis = np.linspace(-1.0, 1.0, divisions + 1)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    strides = np.array([(divisions + 1) ** 2, divisions + 1, 1])
    corner = np.stack(np.meshgrid(*3 * [np.arange(divisions)], indexing="ij"), axis=-1).reshape(-1, 3) @ strides
    cells = np.concatenate([
        np.column_stack((corner, corner + strides[p[0]], corner + strides[p[0]] + strides[p[1]], corner + strides.sum()))
        for p in permutations(range(3))
    ])
    largest, norm = np.abs(points).max(axis=1), np.linalg.norm(points, axis=1)
    points = points * np.divide(largest, norm, out=np.zeros_like(norm), where=norm > 0.0)[:, None]
    return centre + radius * points, positive(points, cells)


def positive(points: Points, cells: Cells) -> Cells:
    """Cells with two vertices exchanged where the volume was negative."""
    negative = signed_volumes(points, cells) < 0.0
    cells = cells.copy()
    cells[negative] = cells[negative][:, [1, 0, 2, 3]]
    return cells


def refine(points: Points, cells: Cells, size: Size) -> tuple[Points, Cells]:
    """Bisects edges, the longest first, until none exceeds the wanted length by half."""
    while True:
        edges = unique_edges(cells)
        ends = points[edges[:, 0]], points[edges[:, 1]]
        lengths = np.linalg.norm(ends[0] - ends[1], axis=1)
        middles = 0.5 * (ends[0] + ends[1])
        marked = lengths > TOO_LONG * size(middles)
        if not marked.any():
            return points, cells
        order = np.flatnonzero(marked)[np.argsort(-lengths[marked], kind="stable")]
        cells, _ = bisect(cells, edges[order], np.arange(len(points), len(points) + len(order)))
        points = np.concatenate((points, middles[order]))

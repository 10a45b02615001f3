# SPDX-License-Identifier: MIT
"""A graded mesh of a ball with the needle tips among its vertices, before any surface is cut into it."""

from collections.abc import Callable
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from meshes.cells.quality import smallest_angles, volumes
from meshes.cells.remesh import TaggedMesh, remesh
from meshes.cells.tetrahedra import Cells, Points, faces_between
from meshes.geometry import GeometryError

Size = Callable[[Points], NDArray[np.float64]]


def kuhn_ball(centre: Points, radius: float, divisions: int) -> tuple[Points, Cells]:
    """Kuhn's division of a cube into tetrahedra, mapped along rays onto a ball (all volumes positive).

    Args:
        centre: of the ball [m], shape ``(3,)``.
        radius: of the ball [m].
        divisions: small cubes along an edge of the large one; even, so that the centre is a vertex.
    """
    axis = np.linspace(-1.0, 1.0, divisions + 1)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    strides = np.array([(divisions + 1) ** 2, divisions + 1, 1])
    corner = (
        np.stack(np.meshgrid(*3 * [np.arange(divisions)], indexing="ij"), axis=-1).reshape(-1, 3) @ strides
    )
    cells = np.concatenate(
        [
            np.column_stack(
                (
                    corner,
                    corner + strides[p[0]],
                    corner + strides[p[0]] + strides[p[1]],
                    corner + strides.sum(),
                )
            )
            for p in permutations(range(3))
        ]
    )
    largest, norm = np.abs(points).max(axis=1), np.linalg.norm(points, axis=1)
    points = (
        centre
        + radius * points * np.divide(largest, norm, out=np.zeros_like(norm), where=norm > 0.0)[:, None]
    )
    negative = volumes(points, cells) < 0.0
    cells[negative] = cells[negative][:, [1, 0, 2, 3]]
    return points, cells


def graded_ball(centre: Points, radius: float, size: Size, coarsest: float) -> tuple[Points, Cells]:
    """Mesh of a ball with given edge lengths: Kuhn's ball, adapted once.

    Args:
        centre: of the ball [m], shape ``(3,)``.
        radius: of the ball [m].
        size: wanted edge length [m] at points.
        coarsest: largest edge length [m], which sets the division that is adapted.
    """
    divisions = int(np.clip(2 * round(0.75 * radius / coarsest), 8, 24))
    points, cells = kuhn_ball(centre, radius, divisions)
    tags = np.ones(len(cells), dtype=np.int32)
    boundary, _ = faces_between(cells, tags)
    whole = TaggedMesh(
        points=points,
        cells=cells,
        tags=tags,
        triangles=boundary,
        triangle_tags=np.ones(len(boundary), dtype=np.int32),
        required=np.array([], dtype=np.int64),
    )
    adapted = remesh(whole, size(points), 0.15 * coarsest, "grading the background")
    return adapted.points, adapted.cells


def place(
    points: Points, cells: Cells, tips: Points, fixed: NDArray[np.bool_] | None = None
) -> tuple[Points, NDArray[np.int64]]:
    """Moves a near vertex onto each tip, the one whose move leaves the best cells.

    Args:
        points: vertices [m], shape ``(n, 3)``.
        cells: tetrahedra, shape ``(m, 4)``.
        tips: distinct positions inside the mesh [m], shape ``(k, 3)``.
        fixed: vertices that must not move, shape ``(n,)``; none by default.

    Returns:
        The points and the vertex at each tip.

    Raises:
        GeometryError: no vertex can be moved without turning a cell over.
    """
    points, taken = points.copy(), np.full(len(tips), -1, dtype=np.int64)
    for number, tip in enumerate(tips):
        distance = ((points - tip) ** 2).sum(axis=1)
        near = np.argsort(distance if fixed is None else np.where(fixed, np.inf, distance), kind="stable")[
            :10
        ]
        near = near[~np.isin(near, taken)]
        scores = [_angle_after_move(points, cells, int(vertex), tip) for vertex in near]
        best = int(np.argmax(scores))
        if scores[best] <= 0.5:
            raise GeometryError(
                f"no vertex of the background mesh fits the tip of injection {number + 1}; move it slightly"
            )
        taken[number] = near[best]
        points[near[best]] = tip
    return points, taken


def _angle_after_move(points: Points, cells: Cells, vertex: int, target: Points) -> float:
    """Smallest dihedral angle [degrees] around a vertex moved to a target, or -1 where a cell turns over."""
    around = cells[(cells == vertex).any(axis=1)]
    moved = points.copy()
    moved[vertex] = target
    if volumes(moved, around).min() <= 0.0:
        return -1.0
    return float(smallest_angles(moved, around).min())

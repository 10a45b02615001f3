# SPDX-License-Identifier: MIT
"""The part of a mesh where a nodal field reaches a threshold: its volume cell by cell, and its surface.

The field is linear in every simplex, so the part above a threshold is a polytope with a closed-form volume.
Every formula below is a sum of non-negative terms: nothing cancels when a cut is thin. Nothing here is
collective: a caller under MPI passes the cells that it owns and sums.
"""

import numpy as np
from numpy.typing import NDArray

from meshes.cells.measures import cell_volumes, simplex_volumes
from meshes.plain import Geometry

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]


def volume_above(points: Floats, cells: Ints, values: Floats, threshold: float, geometry: Geometry) -> Floats:
    """Volume of the part of each cell where a linear nodal field is at or above a threshold.

    A cell whose corners all equal the threshold counts in full.

    Args:
        points: vertex coordinates [m], shape ``(n, dimension)``.
        cells: vertex numbers, shape ``(n_cells, dimension + 1)``.
        values: field at the vertices, shape ``(n,)``.
        threshold: level, in the unit of the field.
        geometry: weight 4 pi r^2 (``radial``), 2 pi r (``axisymmetric``) or 1 (``3d``).

    Returns:
        Volumes [m3], shape ``(n_cells,)``.
    """
    above = _corners_above(cells, values, threshold)
    volumes = np.zeros(len(cells))
    full = above == cells.shape[1]
    volumes[full] = cell_volumes(points, cells[full], geometry)
    for count in range(1, cells.shape[1]):
        cut = np.flatnonzero(above == count)
        high_first, levels = _sorted_cells(cells[cut], values)
        for piece in _pieces_above(points[high_first], levels, count, threshold):
            volumes[cut] += simplex_volumes(piece, geometry)
    return volumes


def isosurface(points: Floats, cells: Ints, values: Floats, threshold: float) -> Floats:
    """Surface on which a linear nodal field crosses a threshold, as separate primitives.

    Primitives without extent (a field that only touches the threshold at a vertex or an edge) are left out.

    Args:
        points: vertex coordinates [m], shape ``(n, dimension)``.
        cells: vertex numbers, shape ``(n_cells, dimension + 1)``.
        values: field at the vertices, shape ``(n,)``.
        threshold: level, in the unit of the field.

    Returns:
        Corners [m], shape ``(n_primitives, dimension, dimension)``: radii, segments or triangles.
    """
    dimension = cells.shape[1] - 1
    above = _corners_above(cells, values, threshold)
    found: list[Floats] = [np.empty((0, dimension, dimension))]
    for count in range(1, dimension + 1):
        high_first, levels = _sorted_cells(cells[above == count], values)
        crossings = _crossings(points[high_first], levels, count, threshold)
        if count == 2 and dimension == 3:
            quadrilateral = crossings[:, [0, 1, 3, 2]]
            found += [quadrilateral[:, [0, 1, 2]], quadrilateral[:, [0, 2, 3]]]
        else:
            found.append(crossings)
    soup = np.concatenate(found)
    return soup[_extent(soup) > 0.0]


def _corners_above(cells: Ints, values: Floats, threshold: float) -> NDArray[np.int8]:
    """How many vertices of each cell are at or above a threshold."""
    reached = (values >= threshold).view(np.int8)
    count = reached[cells[:, 0]]
    for corner in cells.T[1:]:
        count += reached[corner]
    return count


def _sorted_cells(cells: Ints, values: Floats) -> tuple[Ints, Floats]:
    """Cells with their vertices in descending order of the field, and the field there."""
    levels = values[cells]
    order = np.argsort(-levels, axis=1, kind="stable")
    return np.take_along_axis(cells, order, axis=1), np.take_along_axis(levels, order, axis=1)


def _crossings(corners: Floats, levels: Floats, count: int, threshold: float) -> Floats:
    """Crossing points on the edges from the first ``count`` corners to the others, in that order."""
    points = []
    for i in range(count):
        for j in range(count, corners.shape[1]):
            share = (levels[:, i] - threshold) / (levels[:, i] - levels[:, j])
            rest = (threshold - levels[:, j]) / (levels[:, i] - levels[:, j])
            points.append(rest[:, None] * corners[:, i] + share[:, None] * corners[:, j])
    return np.stack(points, axis=1)


def _pieces_above(corners: Floats, levels: Floats, count: int, threshold: float) -> list[Floats]:
    """Simplices that fill the part above, for cells with ``count`` corners above, highest first."""
    crossings = _crossings(corners, levels, count, threshold)
    nodes = np.concatenate([corners[:, :count], crossings], axis=1)
    return [nodes[:, list(piece)] for piece in _PIECES[corners.shape[1] - 1, count]]


# Node numbers: the corners above first, then the crossings, ordered as by `_crossings`.
_PIECES: dict[tuple[int, int], tuple[tuple[int, ...], ...]] = {
    (1, 1): ((0, 1),),
    (2, 1): ((0, 1, 2),),
    (2, 2): ((0, 1, 3), (0, 2, 3)),
    (3, 1): ((0, 1, 2, 3),),
    (3, 2): ((0, 1, 4, 5), (0, 2, 4, 5), (0, 2, 3, 5)),
    (3, 3): ((0, 1, 2, 5), (0, 1, 4, 5), (0, 3, 4, 5)),
}


def _extent(soup: Floats) -> Floats:
    """Length of segments, twice the area of triangles; 1 for radii, which have none to lose."""
    if soup.shape[1] == 1:
        return np.ones(len(soup))
    if soup.shape[1] == 2:
        return np.asarray(np.linalg.norm(soup[:, 1] - soup[:, 0], axis=1))
    return np.asarray(np.linalg.norm(np.cross(soup[:, 1] - soup[:, 0], soup[:, 2] - soup[:, 0]), axis=1))

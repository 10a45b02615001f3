# SPDX-License-Identifier: MIT
"""How good the cells of a mesh are: angles, scaled Jacobians, edge lengths."""

from itertools import combinations
from math import sqrt
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

SHARP_ANGLE = 5.0
"""Cells with a smaller angle [degrees] are counted as bad."""


def quality(points: NDArray[np.float64], cells: NDArray[np.integer]) -> dict[str, Any]:
    """Summarise the shape of all cells; angles in degrees (dihedral ones for tetrahedra).

    Args:
        points: vertex coordinates [m], shape ``(n, dimension)``.
        cells: vertex numbers, shape ``(n_cells, dimension + 1)``.

    Returns:
        For tetrahedra and triangles ``smallest_angle``, ``first_percentile_angle`` (of the smallest angles
        of the cells), ``cells_below_5_degrees`` and ``smallest_scaled_jacobian`` (1 for an equilateral
        cell, negative for an inverted one); for intervals ``largest_neighbour_ratio`` of lengths.
    """
    if points.shape[1] == 1:
        lengths = np.abs(np.diff(np.sort(points[:, 0])))
        ratios = lengths[1:] / lengths[:-1]
        return {"largest_neighbour_ratio": float(np.max(np.maximum(ratios, 1 / ratios), initial=1.0))}
    angles = smallest_angles(points, cells)
    return {
        "smallest_angle": float(angles.min()),
        "first_percentile_angle": float(np.percentile(angles, 1)),
        "cells_below_5_degrees": int(np.sum(angles < SHARP_ANGLE)),
        "smallest_scaled_jacobian": float(scaled_jacobians(points, cells).min()),
    }


def smallest_angles(points: NDArray[np.float64], cells: NDArray[np.integer]) -> NDArray[np.float64]:
    """Measure the smallest angle of each triangle, or the smallest dihedral angle of each tetrahedron.

    Args:
        points: vertex coordinates [m], shape ``(n, 2)`` or ``(n, 3)``.
        cells: vertex numbers, shape ``(n_cells, dimension + 1)``.

    Returns:
        Angles [degrees], shape ``(n_cells,)``; zero for a degenerate cell.
    """
    gradients = _barycentric_gradients(points, cells)
    norms = np.linalg.norm(gradients, axis=2)
    cosines = np.full(len(cells), -1.0)
    # The gradients of two barycentric coordinates enclose the supplement of the angle between their faces.
    for i, j in combinations(range(cells.shape[1]), 2):
        product = norms[:, i] * norms[:, j]
        dot = -np.einsum("cd,cd->c", gradients[:, i], gradients[:, j])
        cosines = np.maximum(cosines, np.divide(dot, product, out=np.ones_like(dot), where=product > 0))
    angles: NDArray[np.float64] = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
    return angles


def scaled_jacobians(points: NDArray[np.float64], cells: NDArray[np.integer]) -> NDArray[np.float64]:
    """Compare the volume of each cell with the product of the edges at its corners (Knupp, 2000).

    Args:
        points: vertex coordinates [m], shape ``(n, 2)`` or ``(n, 3)``.
        cells: vertex numbers, shape ``(n_cells, dimension + 1)``.

    Returns:
        1 for an equilateral cell, 0 for a flat one, negative for an inverted one; shape ``(n_cells,)``.
    """
    corners = points[cells]
    determinant = np.linalg.det(corners[:, 1:] - corners[:, :1])
    largest = np.zeros(len(cells))
    for i in range(cells.shape[1]):
        lengths = np.linalg.norm(np.delete(corners, i, axis=1) - corners[:, i : i + 1], axis=2)
        largest = np.maximum(largest, np.prod(lengths, axis=1))
    equilateral = sqrt(2.0) if points.shape[1] == 3 else 2.0 / sqrt(3.0)
    ratio: NDArray[np.float64] = equilateral * determinant / largest
    return ratio


def edge_lengths(
    points: NDArray[np.float64], cells: NDArray[np.integer], zones: dict[str, NDArray[np.bool_]]
) -> dict[str, dict[str, float]]:
    """Measure edges in parts of a mesh.

    Args:
        points: vertex coordinates [m], shape ``(n, dimension)``.
        cells: vertex numbers, shape ``(n_cells, dimension + 1)``.
        zones: name to which vertices belong, shape ``(n,)``; an edge belongs where both of its ends do.

    Returns:
        For each zone that holds an edge ``min_m``, ``median_m`` and ``max_m``.
    """
    pairs = np.concatenate([cells[:, list(pair)] for pair in combinations(range(cells.shape[1]), 2)])
    pairs.sort(axis=1)
    keys = np.unique(pairs[:, 0].astype(np.int64) * len(points) + pairs[:, 1])
    first, second = keys // len(points), keys % len(points)
    lengths = np.linalg.norm(points[first] - points[second], axis=1)
    ranges = {}
    for name, inside in zones.items():
        chosen = lengths[inside[first] & inside[second]]
        if len(chosen):
            low, middle, high = np.percentile(chosen, [0, 50, 100])
            ranges[name] = {"min_m": float(low), "median_m": float(middle), "max_m": float(high)}
    return ranges


def volumes(points: NDArray[np.float64], cells: NDArray[np.integer]) -> NDArray[np.float64]:
    """Measure cells: signed length [m], area [m2] or volume [m3], positive for positive orientation.

    Args:
        points: vertex coordinates [m], shape ``(n, dimension)``.
        cells: vertex numbers, shape ``(n_cells, dimension + 1)``.

    Returns:
        Shape ``(n_cells,)``.
    """
    return np.asarray(_measures(np.ascontiguousarray(points), np.ascontiguousarray(cells)))


@njit(cache=True)
def _measures(points: NDArray[np.float64], cells: NDArray[np.integer]) -> NDArray[np.float64]:
    """`simplex_measures` without a copy of the corners: a mesh of a million cells is measured often."""
    dimension = points.shape[1]
    out = np.empty(cells.shape[0])
    edge = np.zeros((3, 3))
    for c in range(cells.shape[0]):
        for a in range(dimension):
            for d in range(dimension):
                edge[a, d] = points[cells[c, a + 1], d] - points[cells[c, 0], d]
        if dimension == 1:
            out[c] = edge[0, 0]
        elif dimension == 2:
            out[c] = (edge[0, 0] * edge[1, 1] - edge[0, 1] * edge[1, 0]) / 2
        else:
            first = edge[0, 0] * (edge[1, 1] * edge[2, 2] - edge[1, 2] * edge[2, 1])
            second = edge[0, 1] * (edge[1, 0] * edge[2, 2] - edge[1, 2] * edge[2, 0])
            third = edge[0, 2] * (edge[1, 0] * edge[2, 1] - edge[1, 1] * edge[2, 0])
            out[c] = (first - second + third) / 6
    return out


def simplex_measures(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure simplices given by their corners: signed length [m], area [m2] or volume [m3].

    The determinant is written out, ten times faster than LAPACK's.

    Args:
        corners: [m], shape ``(n, dimension + 1, dimension)``.

    Returns:
        Shape ``(n,)``; positive for positive orientation.
    """
    edges = corners[:, 1:] - corners[:, :1]
    if edges.shape[1] == 1:
        return np.asarray(edges[:, 0, 0])
    if edges.shape[1] == 2:
        return np.asarray(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]) / 2
    (a, b, c), (d, e, f), (g, h, i) = edges.transpose(1, 2, 0)
    return np.asarray(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)) / 6


def _barycentric_gradients(points: NDArray[np.float64], cells: NDArray[np.integer]) -> NDArray[np.float64]:
    """Point normals of the faces inwards, scaled by face measure; shape ``(n_cells, corners, dimension)``."""
    corners = points[cells]
    normals: NDArray[np.float64] = np.empty_like(corners)
    for i in range(cells.shape[1]):
        others = np.delete(corners, i, axis=1)
        edges = others[:, 1:] - others[:, :1]
        if points.shape[1] == 2:
            normal = np.stack([-edges[:, 0, 1], edges[:, 0, 0]], axis=1)
        else:
            normal = np.cross(edges[:, 0], edges[:, 1])
        towards = np.einsum("cd,cd->c", normal, corners[:, i] - others[:, 0])
        normals[:, i] = normal * np.where(towards < 0, -1.0, 1.0)[:, None]
    return normals

# SPDX-License-Identifier: MIT
"""Volumes and areas in space of cells and facets, whatever symmetry the mesh makes use of."""

import math

import numpy as np
from numpy.typing import NDArray

from meshes.cells.quality import simplex_measures, volumes
from meshes.plain import Geometry

Array = NDArray[np.float64]


def cell_volumes(points: Array, cells: NDArray[np.integer], geometry: Geometry) -> Array:
    """Measure the volume in space that each cell stands for [m3].

    Args:
        points: vertex coordinates [m], shape ``(n, dimension)``.
        cells: vertex numbers, shape ``(n_cells, dimension + 1)``.
        geometry: ``radial`` (a spherical shell), ``axisymmetric`` (a ring) or ``3d``.

    Returns:
        Shape ``(n_cells,)``, whatever the orientation.
    """
    if geometry == "3d":
        return np.abs(volumes(points, cells))
    return simplex_volumes(points[cells], geometry)


def simplex_volumes(corners: Array, geometry: Geometry) -> Array:
    """Measure the volume in space of simplices given by their corners [m3]; nothing cancels in thin ones.

    Args:
        corners: [m], shape ``(n, dimension + 1, dimension)``.
        geometry: weight 4 pi r^2 (``radial``), 2 pi r (``axisymmetric``) or 1 (``3d``).

    Returns:
        Shape ``(n,)``, whatever the orientation.
    """
    measure = np.abs(simplex_measures(corners))
    if geometry == "radial":
        inner, outer = corners[:, 0, 0], corners[:, 1, 0]
        return np.asarray(4.0 / 3.0 * math.pi * measure * (inner**2 + inner * outer + outer**2))
    if geometry == "axisymmetric":
        return np.asarray(2.0 * math.pi * measure * corners[:, :, 0].mean(axis=1))
    return measure


def facet_areas(geometry: Geometry, points: Array, facets: NDArray[np.integer]) -> Array:
    """Measure the area in space that each facet stands for [m2].

    Args:
        geometry: ``radial`` (a sphere), ``axisymmetric`` (a cone) or ``3d``.
        points: vertex coordinates [m], shape ``(n, dimension)``.
        facets: vertex numbers, shape ``(n_facets, dimension)``.

    Returns:
        Shape ``(n_facets,)``.
    """
    corners = points[facets]
    if geometry == "radial":
        areas: Array = 4 * math.pi * corners[:, 0, 0] ** 2
    elif geometry == "axisymmetric":
        lengths = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
        areas = math.pi * corners[:, :, 0].sum(axis=1) * lengths
    else:
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        areas = 0.5 * np.linalg.norm(normals, axis=1)
    return areas


def enclosed_volume(geometry: Geometry, points: Array, facets: NDArray[np.integer], centre: Array) -> float:
    """Measure the volume inside a closed surface that is seen whole from a point [m3].

    Args:
        geometry: ``axisymmetric`` or ``3d``.
        points: vertex coordinates [m], shape ``(n, dimension)``.
        facets: vertex numbers of the surface, shape ``(n_facets, dimension)``.
        centre: point inside from which every facet is seen; on the axis if ``axisymmetric``.
    """
    corners = points[facets]
    determinants = np.abs(np.linalg.det(corners - centre))
    if geometry == "axisymmetric":
        return float(np.sum(math.pi / 3 * corners[:, :, 0].sum(axis=1) * determinants))
    return float(np.sum(determinants) / 6)

# SPDX-License-Identifier: MIT
"""Surfaces inside a mesh and the distance to them: the tumour boundary and the margin of an ablation.

A surface is a set of primitives of shape ``(n, dimension, dimension)``, as ``clip.isosurface`` makes
them: radii, segments or triangles. In the axisymmetric half plane the distance to a segment is the distance
to the ring surface it stands for, because the nearest point lies in the same half plane. Nothing here is
collective.
"""

from math import pi

import numpy as np
from numpy.typing import NDArray

from meshes.plain import Geometry
from solver.ablation.nearest import disc_tree, distances

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]
Flags = NDArray[np.bool_]


def interface_facets(cells: Ints, cell_tags: Ints, inside_tags: frozenset[int]) -> Ints:
    """Facets shared by a cell inside a structure (the tumour) and a cell outside it.

    Args:
        cells: vertex numbers, shape ``(n_cells, dimension + 1)``.
        cell_tags: region of each cell, shape ``(n_cells,)``.
        inside_tags: regions that make up the structure.

    Returns:
        Vertex numbers in ascending order within a facet, shape ``(n_facets, dimension)``.
    """
    inside = np.isin(cell_tags, list(inside_tags))
    touched = np.zeros((2, cells.max(initial=-1) + 1), dtype=bool)
    touched[0, cells[~inside]] = True
    touched[1, cells[inside]] = True
    shared = np.asarray(touched.all(axis=0))
    facets = np.concatenate([_facets_within(part, shared) for part in (cells[inside], cells[~inside])])
    unique, count = np.unique(facets, axis=0, return_counts=True)
    return np.asarray(unique[count == 2])


def surface_weights(points: Floats, facets: Ints, geometry: Geometry) -> Floats:
    """Area of a surface lumped to the vertices of its facets, for area-weighted statistics.

    Args:
        points: vertex coordinates [m], shape ``(n, dimension)``.
        facets: vertex numbers, shape ``(n_facets, dimension)``.
        geometry: weight 4 pi r^2 (``radial``), 2 pi r (``axisymmetric``) or 1 (``3d``).

    Returns:
        Areas [m2], shape ``(n,)``; zero at vertices that no facet has.
    """
    corners = points[facets]
    if geometry == "radial":
        areas = 4.0 * pi * corners[:, 0, 0] ** 2
    elif geometry == "axisymmetric":
        lengths = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
        areas = 2.0 * pi * corners[:, :, 0].mean(axis=1) * lengths
    else:
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        areas = 0.5 * np.linalg.norm(normals, axis=1)
    share = np.repeat(areas / facets.shape[1], facets.shape[1])
    lumped = np.bincount(facets.ravel(), weights=share, minlength=len(points))
    return lumped.astype(np.float64)


def distance_to_surface(points: Floats, surface: Floats) -> Floats:
    """Exact distance from points to the nearest primitive of a surface.

    Args:
        points: positions [m], shape ``(n, dimension)``.
        surface: corners [m], shape ``(n_primitives, dimension, dimension)``.

    Returns:
        Distances [m], shape ``(n,)``; infinite where the surface is empty.
    """
    if len(surface) == 0:
        return np.full(len(points), np.inf)
    return np.asarray(distances(np.ascontiguousarray(points, dtype=float), disc_tree(surface)))


def margins(
    ablation_surface: Floats, points: Floats, weights: Floats, inside: Flags
) -> dict[str, float] | None:
    """Margin of an ablation zone: signed distance from the tumour surface to the surface of the zone.

    Positive where the zone extends beyond the tumour surface, negative where it does not reach it.

    Args:
        ablation_surface: corners [m], shape ``(n_primitives, dimension, dimension)``.
        points: positions on the tumour surface [m], shape ``(n, dimension)``.
        weights: area that each position stands for [m2], shape ``(n,)``.
        inside: whether each position lies in the ablation zone, shape ``(n,)``.

    Returns:
        ``min_m``, and ``p5_m`` and ``median_m`` weighted by area; None where either surface is missing.
    """
    if len(ablation_surface) == 0 or len(points) == 0:
        return None
    signed = np.where(inside, 1.0, -1.0) * distance_to_surface(points, ablation_surface)
    order = np.argsort(signed)
    share = np.cumsum(weights[order])
    p5, median = signed[order][np.searchsorted(share, np.array([0.05, 0.5]) * share[-1])]
    return {"min_m": float(signed.min()), "p5_m": float(p5), "median_m": float(median)}


def _facets_within(cells: Ints, allowed: Flags) -> Ints:
    """Facets of cells all of whose vertices are allowed, vertex numbers ascending."""
    size = cells.shape[1]
    cells = cells[np.count_nonzero(allowed[cells], axis=1) >= size - 1]
    facets = np.concatenate([np.delete(cells, i, axis=1) for i in range(size)])
    return np.sort(facets[allowed[facets].all(axis=1)], axis=1)

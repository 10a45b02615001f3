# SPDX-License-Identifier: MIT
"""Surfaces inside a mesh and the distance to them: the tumour boundary and the margin of an ablation.

A surface is a set of primitives of shape ``(n, dimension, dimension)``, as ``solver.clip.isosurface`` makes
them: radii, segments or triangles. In the axisymmetric half plane the distance to a segment is the distance
to the ring surface it stands for, because the nearest point lies in the same half plane. Nothing here is
collective.
"""

from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from meshes.plain import Geometry

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]
Flags = NDArray[np.bool_]

_PAIRS_AT_ONCE = 400_000


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

    Primitives are sorted into classes of similar size. In each class the nearest centres are visited in
    growing numbers until the next centre is too far for its primitive to be nearer than the best one known.
    Of those visited, the exact distance is taken where height over the plane and offset in it allow a gain.

    Args:
        points: positions [m], shape ``(n, dimension)``.
        surface: corners [m], shape ``(n_primitives, dimension, dimension)``.

    Returns:
        Distances [m], shape ``(n,)``; infinite where the surface is empty.
    """
    best = np.full(len(points), np.inf)
    if len(surface) == 0:
        return best
    centres = surface.mean(axis=1)
    reach = np.linalg.norm(surface - centres[:, None], axis=2).max(axis=1)
    largest = reach.max()
    halvings = np.log2(largest / np.maximum(reach, largest / 1024.0)) if largest > 0.0 else 0.0 * reach
    for members in (np.flatnonzero(halvings.astype(int) == c) for c in np.unique(halvings.astype(int))):
        _improve(best, points, surface[members], reach[members].max())
    return best


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
    facets = np.concatenate([np.delete(cells, i, axis=1) for i in range(size)])
    return np.sort(facets[allowed[facets].all(axis=1)], axis=1)


def _improve(best: Floats, points: Floats, surface: Floats, reach: float) -> None:
    """Lower ``best`` to the distance to these primitives, none of which extends beyond ``reach``."""
    centres, normals = surface.mean(axis=1), _unit_normals(surface)
    tree = cKDTree(centres)
    known, visited, pending = 0, min(4, len(surface)), np.arange(len(points))
    while pending.size:
        unsettled = []
        for chunk in np.array_split(pending, 1 + pending.size * visited // _PAIRS_AT_ONCE):
            far, near = tree.query(points[chunk], k=range(known + 1, visited + 1))
            rows, columns = np.nonzero(far - reach < best[chunk, None])
            point, primitive = chunk[rows], near[rows, columns]
            height = np.einsum("ij,ij->i", points[point] - centres[primitive], normals[primitive])
            aside = np.sqrt(np.maximum(far[rows, columns] ** 2 - height**2, 0.0))
            hopeful = np.hypot(height, np.maximum(aside - reach, 0.0)) < best[point]
            point, primitive = point[hopeful], primitive[hopeful]
            np.minimum.at(best, point, _distance_to_primitive(points[point], surface[primitive]))
            unsettled.append(chunk[far[:, -1] - reach < best[chunk]])
        if visited == len(surface):
            return
        pending = np.concatenate(unsettled)
        known, visited = visited, min(4 * visited, len(surface))


def _unit_normals(surface: Floats) -> Floats:
    """Unit normals of segments or triangles; zero for radii and for primitives without extent."""
    if surface.shape[1] == 1:
        return np.zeros_like(surface[:, 0])
    edges = surface[:, 1:] - surface[:, :1]
    if surface.shape[1] == 2:
        normals = edges[:, 0, ::-1] * np.array([1.0, -1.0])
    else:
        normals = np.cross(edges[:, 0], edges[:, 1])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.asarray(normals / np.where(length > 0.0, length, 1.0))


def _distance_to_primitive(points: Floats, corners: Floats) -> Floats:
    """Distance from each point to its own primitive, shapes ``(n, d)`` and ``(n, d, d)``."""
    if corners.shape[1] == 1:
        return np.asarray(np.linalg.norm(points - corners[:, 0], axis=1))
    if corners.shape[1] == 2:
        return _distance_to_segment(points, corners[:, 0], corners[:, 1])
    return _distance_to_triangle(points, corners)


def _distance_to_segment(points: Floats, start: Floats, end: Floats) -> Floats:
    """Distance from each point to its own segment, in any dimension; a segment may be a point."""
    along = end - start
    length = np.einsum("ij,ij->i", along, along)
    share = np.einsum("ij,ij->i", points - start, along) / np.where(length > 0.0, length, 1.0)
    nearest = start + np.clip(share, 0.0, 1.0)[:, None] * along
    return np.asarray(np.linalg.norm(points - nearest, axis=1))


def _distance_to_triangle(points: Floats, corners: Floats) -> Floats:
    """Distance from each point to its own triangle: to the plane if the foot is inside, else to an edge."""
    a, b, c = corners.transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    square = np.einsum("ij,ij->i", normal, normal)
    over = square > 0.0
    for start, end in ((a, b), (b, c), (c, a)):
        side = np.cross(end - start, points - start)
        over &= np.einsum("ij,ij->i", side, normal) >= 0.0
    height = np.abs(np.einsum("ij,ij->i", points - a, normal)) / np.sqrt(np.where(over, square, 1.0))
    edges = np.minimum(_distance_to_segment(points, a, b), _distance_to_segment(points, b, c))
    return np.where(over, height, np.minimum(edges, _distance_to_segment(points, c, a)))

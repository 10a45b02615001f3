# SPDX-License-Identifier: MIT
"""Surfaces inside a mesh and the distance to them: the tumour boundary and the margin of an ablation.

A surface is a set of primitives of shape ``(n, dimension, dimension)``, as ``solver.clip.isosurface`` makes
them: radii, segments or triangles. In the axisymmetric half plane the distance to a segment is the distance
to the ring surface it stands for, because the nearest point lies in the same half plane. Nothing here is
collective.
"""

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from meshes.plain import Geometry

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]
Flags = NDArray[np.bool_]

_POINTS_AT_ONCE = 4096
_BRANCHES = 4


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

    The nearest corner bounds the distance from above. A tree of flat discs, each enclosing its share of the
    surface, bounds it from below: branches that cannot improve on the bound are left, down to single
    primitives. Discs follow a smooth surface, so few survive even for a point at one distance from all of it.

    Args:
        points: positions [m], shape ``(n, dimension)``.
        surface: corners [m], shape ``(n_primitives, dimension, dimension)``.

    Returns:
        Distances [m], shape ``(n,)``; infinite where the surface is empty.
    """
    if len(surface) == 0:
        return np.full(len(points), np.inf)
    best = np.asarray(cKDTree(surface.reshape(-1, surface.shape[2])).query(points)[0])
    ordered = _spatially_ordered(surface)
    depth = int(np.log2(len(ordered))) // int(np.log2(_BRANCHES))
    tree = [_enclosing_discs(ordered, _BRANCHES**level) for level in range(1, depth + 1)]
    for start in range(0, len(points), _POINTS_AT_ONCE):
        chunk = slice(start, start + _POINTS_AT_ONCE)
        _descend(best[chunk], points[chunk], ordered, tree)
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


def _spatially_ordered(surface: Floats) -> Floats:
    """Primitives in the order of a balanced k-d tree, padded with the last to a power of four."""
    total = _BRANCHES ** int(np.ceil(np.log(len(surface)) / np.log(_BRANCHES) - 1e-9))
    centres = surface.mean(axis=1)
    order = np.minimum(np.arange(total), len(surface) - 1)[None]
    while order.shape[1] > 1:
        groups = centres[order]
        axis = np.argmax(np.ptp(groups, axis=1), axis=1)
        along = np.take_along_axis(groups, axis[:, None, None], axis=2)[:, :, 0]
        order = np.take_along_axis(order, np.argsort(along, axis=1), axis=1).reshape(2 * len(order), -1)
    return np.asarray(surface[order[:, 0]])


@dataclass(frozen=True)
class _Discs:
    """Flat discs that enclose parts of a surface: centre, unit normal, half thickness and radius."""

    centre: Floats
    normal: Floats
    thickness: Floats
    radius: Floats

    def bound(self, points: Floats, disc: Ints) -> Floats:
        """Distance from each point to its own disc, a lower bound of that to what it encloses."""
        offset, normal = points - self.centre[disc], self.normal[disc]
        height = np.einsum("ij,ij->i", offset, normal)
        aside = np.linalg.norm(offset - height[:, None] * normal, axis=1)
        above = np.maximum(np.abs(height) - self.thickness[disc], 0.0)
        return np.asarray(np.hypot(above, np.maximum(aside - self.radius[disc], 0.0)))


def _enclosing_discs(ordered: Floats, number: int) -> _Discs:
    """Discs around ``number`` successive shares of the primitives, normal to their flattest direction."""
    corners = ordered.reshape(number, -1, ordered.shape[2])
    centre = corners.mean(axis=1)
    offset = corners - centre[:, None]
    normal = np.linalg.eigh(np.einsum("nki,nkj->nij", offset, offset))[1][:, :, 0]
    height = np.einsum("nki,ni->nk", offset, normal)
    aside = np.linalg.norm(offset - height[:, :, None] * normal[:, None], axis=2)
    return _Discs(centre, normal, np.abs(height).max(axis=1), aside.max(axis=1))


def _descend(best: Floats, points: Floats, ordered: Floats, tree: list[_Discs]) -> None:
    """Lower ``best`` to the distance to the surface, through the branches that can still improve on it."""
    point, disc = np.arange(len(points)), np.zeros(len(points), dtype=np.int64)
    for discs in tree:
        point = np.repeat(point, _BRANCHES)
        disc = (_BRANCHES * disc[:, None] + np.arange(_BRANCHES)).ravel()
        hopeful = discs.bound(points[point], disc) < best[point]
        point, disc = point[hopeful], disc[hopeful]
    np.minimum.at(best, point, _distance_to_primitive(points[point], ordered[disc]))


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

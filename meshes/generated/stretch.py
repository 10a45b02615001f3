# SPDX-License-Identifier: MIT
"""Cells longer across the way of the front than along it: fields around a tip bend along the radius.

Agent and pressure spread from a tip, so at equal error a cell may be `MeshSizes.stretch` times longer on the
sphere about the tip than along the radius. Near the wall, where both directions count, and far from where the
front gets to, cells are as long as they are wide.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from meshes.cells.remesh import TaggedMesh, remesh
from meshes.cells.sizing import around_tip, edge_length, ellipsoids, hole_radius, size_field
from meshes.cells.tetrahedra import Cells, faces_between
from meshes.geometry import MeshSizes, ParametricGeometry, Vector
from meshes.regions import CAVITY

Floats = NDArray[np.float64]

NEAR = 4.0
"""Distance from a tip, over the radius of its cavity or source, from which cells are stretched in full."""

DEVIATION = 0.1
"""Distance by which remeshed surfaces may leave the given ones, over the edge length there; vertices are put
back onto them."""


def stretch_at(sizes: MeshSizes, distance: Floats, radius: float) -> Floats:
    """Length across over length along the radius at a distance from a tip, shape ``(n,)``."""
    leaving = np.clip((distance / radius - 1.0) / (NEAR - 1.0), 0.0, 1.0)
    ending = np.clip(0.5 * (4.0 - distance / sizes.front_radius), 0.0, 1.0)
    return np.asarray(1.0 + (sizes.stretch - 1.0) * leaving * ending)


def stretched_metric(
    sizes: MeshSizes, tips: Sequence[tuple[Vector, float]], points: Floats, length: Floats
) -> Floats:
    """Lengths wanted in every direction, as the metric in which edges are as long as 1.

    Args:
        sizes: lengths asked for.
        tips: position and radius of the cavity or source of each [m].
        points: where, shape ``(n, 3)``.
        length: shortest edge wanted there by tips and surfaces [m], shape ``(n,)``.

    Returns:
        ``xx, xy, xz, yy, yz, zz`` [1/m2], shape ``(n, 6)``.
    """
    shortest: Floats = np.full(len(points), np.inf)
    across, towards = length.copy(), np.zeros_like(points)
    for tip, radius in tips:
        offset = points - np.asarray(tip)
        distance = np.linalg.norm(offset, axis=1)
        own = around_tip(sizes, distance, radius)
        nearer = own < shortest
        shortest = np.where(nearer, own, shortest)
        wide = own * stretch_at(sizes, distance, radius)
        # what a surface asks for, it asks for in nearly all directions
        across = np.where(nearer, np.where(length < own, np.minimum(wide, 1.5 * length), wide), across)
        towards[nearer] = offset[nearer] / np.maximum(distance[nearer], 1e-12)[:, None]
    across = np.maximum(np.minimum(across, sizes.far), length)
    metric = np.eye(3) / across[:, None, None] ** 2
    metric += (length**-2 - across**-2)[:, None, None] * towards[:, :, None] * towards[:, None, :]
    return np.asarray(metric[:, [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]])


def before_stretching(sizes: MeshSizes) -> MeshSizes:
    """Lengths of a mesh with about as many cells as the stretched one, which is made from it."""
    mean = sizes.stretch ** (2.0 / 3.0)
    return replace(sizes, front=mean * sizes.front, surface=mean * sizes.surface, stretch=1.0)


def stretch_ball(
    geometry: ParametricGeometry, points: Floats, cells: Cells, regions: NDArray[np.int64]
) -> tuple[Floats, Cells, NDArray[np.int64]]:
    """Remesh a parametric geometry with stretched cells, vertices on their surfaces (serial).

    Args:
        geometry: of kind ``3d``.
        points: of a mesh of it [m], shape ``(n, 3)``.
        cells: of that mesh.
        regions: number of the shell that each cell belongs to, from the inside out.

    Returns:
        Points, cells and regions of the new mesh.

    Raises:
        GeometryError: MMG failed.
    """
    field = size_field(geometry)
    length = edge_length(field, points)
    tags = regions.astype(np.int32)
    triangles, sides = faces_between(cells, tags)
    owner = _surface(geometry, points, triangles, sides)
    made = remesh(
        TaggedMesh(
            points=points,
            cells=cells,
            tags=tags,
            triangles=triangles,
            triangle_tags=owner,
            required=_embedded(geometry, points),
        ),
        stretched_metric(geometry.sizes, list(zip(field.tips, field.radii, strict=True)), points, length),
        DEVIATION * geometry.sizes.surface,
        "stretching cells around the tips",
        _deviations(geometry),
    )
    return _on_surfaces(geometry, made), made.cells, made.tags.astype(np.int64)


def _deviations(geometry: ParametricGeometry) -> dict[int, float]:
    """Distance by which walls and the outer boundary may be missed [m], by reference."""
    walls = {
        CAVITY + number: DEVIATION * geometry.sizes.tip
        for number, site in enumerate(geometry.sites)
        if site.source_radius is None
    }
    return {**walls, len(ellipsoids(geometry)) + 1: DEVIATION * geometry.sizes.far}


def _embedded(geometry: ParametricGeometry, points: Floats) -> NDArray[np.int64]:
    """Vertices at tips of distributed sources, which stay."""
    tips = [np.asarray(site.tip) for site in geometry.sites if site.source_radius is not None]
    return np.array([np.argmin(((points - tip) ** 2).sum(axis=1)) for tip in tips], dtype=np.int64)


def _surface(
    geometry: ParametricGeometry, points: Floats, triangles: Cells, sides: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Reference of each triangle: 1 and on for the shells' outer surfaces, ``CAVITY`` and on for walls."""
    number = np.min(np.where(sides < 0, np.iinfo(np.int32).max, sides), axis=1).astype(np.int32) + 1
    for site, place in enumerate(geometry.sites):
        if place.source_radius is None:
            distance = np.linalg.norm(points[triangles] - np.asarray(place.tip), axis=2)
            number[np.all(distance < 1.01 * place.needle_radius, axis=1)] = CAVITY + site
    return number


def _on_surfaces(geometry: ParametricGeometry, mesh: TaggedMesh) -> Floats:
    """The vertices, those of every surface moved onto it; MMG leaves them micrometres off."""
    points, centre = mesh.points.copy(), np.asarray(geometry.centre)
    shells = [*(axes for _, axes in ellipsoids(geometry)), (geometry.domain_radius,) * 3]
    for number, axes in enumerate(shells):
        on = np.unique(mesh.triangles[mesh.triangle_tags == number + 1])
        offset = points[on] - centre
        points[on] = centre + offset / np.linalg.norm(offset / np.asarray(axes), axis=1)[:, None]
    for site, place in enumerate(geometry.sites):
        on = np.unique(mesh.triangles[mesh.triangle_tags == CAVITY + site])
        offset = points[on] - np.asarray(place.tip)
        radius = hole_radius(place.needle_radius, place.source_radius)
        points[on] = np.asarray(place.tip) + radius * offset / np.linalg.norm(offset, axis=1)[:, None]
    return points

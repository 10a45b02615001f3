# SPDX-License-Identifier: MIT
"""Meshes of an ellipsoidal tumour in a ball of tissue: radial, axisymmetric and 3d from one description."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meshes.cells.facets import exterior_facets
from meshes.cells.measures import cell_volumes, enclosed_volume, facet_areas
from meshes.cells.quality import edge_lengths, quality
from meshes.cells.sizing import ellipsoids, hole_radius, size_expression, size_field
from meshes.files.gmsh_process import GmshTask, Hole, run_gmsh
from meshes.generated.layout import extent, require_sound_layout
from meshes.generated.radial import graded_radii
from meshes.generated.stretch import before_stretching, stretch_ball
from meshes.geometry import GeometryError, ParametricGeometry
from meshes.plain import PlainMesh
from meshes.regions import CAVITY, OUTER, REGION_NAMES

MM = 1e-3
TAG_OF_REGION = {name: tag for tag, name in REGION_NAMES.items()}
AXES = {"radial": [0], "axisymmetric": [0, 2], "3d": [0, 1, 2]}
"""Which of the three coordinates a mesh has."""
COORDINATES = {2: ("x", "0", "y"), 3: ("x", "y", "z")}
"""What gmsh calls x, y and z of space, in its own plane or in space."""


def parametric_mesh(geometry: ParametricGeometry) -> PlainMesh:
    """Mesh an ellipsoidal tumour in a ball of tissue.

    Nodes of each curved surface are moved along rays from its centre by one common factor, so that the
    polyhedron holds exactly the volume of the ellipsoid that it stands for; cavities likewise.

    Args:
        geometry: what to mesh.

    Returns:
        The mesh in the coordinates of the description; ``radial`` in r from the centre, ``axisymmetric`` in
        r from the axis and z.

    Raises:
        GeometryError: if the parts do not fit, or gmsh fails or is missing.
    """
    require_sound_layout(geometry)
    if geometry.kind == "radial":
        points, cells, regions = _from_radii(geometry)
        generator = "graded radii"
    else:
        points, cells, regions, generator = _from_gmsh(geometry)
        if geometry.kind == "3d" and geometry.sizes.stretch > 1.0:
            points, cells, regions = stretch_ball(geometry, points, cells, regions)
            generator += ", MMG"
    facets, facet_tags = _tagged_facets(geometry, points, cells)
    if geometry.kind != "radial":
        points = _with_exact_volumes(geometry, points, cells, regions, (facets, facet_tags))
    names = [name for name, _ in _shells(geometry)]
    mesh = PlainMesh(
        geometry=geometry.kind,
        points=points,
        cells=cells,
        cell_tags=np.array([TAG_OF_REGION[name] for name in names], dtype=np.int32)[regions],
        facets=facets,
        facet_tags=facet_tags,
        info={"source": "parametric", "generator": generator},
    )
    mesh.info.update(_facts(geometry, mesh))
    return mesh


def _shells(geometry: ParametricGeometry) -> list[tuple[str, tuple[float, float, float]]]:
    """Regions from the inside out with the semi-axes of their outer surfaces [m]."""
    return [*ellipsoids(geometry), ("tissue", (geometry.domain_radius,) * 3)]


def _centre(geometry: ParametricGeometry) -> NDArray[np.float64]:
    """The tumour's centre in the coordinates of the mesh; symmetric meshes are about the origin."""
    x, y, z = geometry.centre
    return np.array({"radial": [0.0], "axisymmetric": [0.0, z], "3d": [x, y, z]}[geometry.kind])


def _tip(geometry: ParametricGeometry, number: int) -> NDArray[np.float64]:
    """A tip in the coordinates of the mesh."""
    offset = np.subtract(geometry.sites[number].tip, geometry.centre)[AXES[geometry.kind]]
    if geometry.kind != "3d":
        offset[0] = 0.0
    tip: NDArray[np.float64] = _centre(geometry) + offset
    return tip


def _from_radii(
    geometry: ParametricGeometry,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    radii = graded_radii(geometry)
    cells = np.stack([np.arange(len(radii) - 1), np.arange(1, len(radii))], axis=1)
    bounds = [axes[0] for _, axes in ellipsoids(geometry)]
    return radii[:, None], cells, np.searchsorted(bounds, radii[cells].mean(axis=1))


def _from_gmsh(
    geometry: ParametricGeometry,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], str]:
    """Points [m] in the coordinates of the description, positive cells, regions, what made them."""
    dimension = len(AXES[geometry.kind])
    offsets = [_in_mm(np.subtract(site.tip, geometry.centre)) for site in geometry.sites]
    if dimension == 2:
        offsets = [(0.0, 0.0, z) for _, _, z in offsets]
    cavity = [site.source_radius is None for site in geometry.sites]
    task = GmshTask(
        dimension=dimension,
        ellipsoids=tuple(_in_mm(axes) for _, axes in _shells(geometry)),
        holes=tuple(
            Hole(centre=offset, radius=site.needle_radius / MM)
            for site, offset, cut in zip(geometry.sites, offsets, cavity, strict=True)
            if cut
        ),
        embedded=tuple(offset for offset, cut in zip(offsets, cavity, strict=True) if not cut),
        size=size_expression(size_field(_unstretched(geometry)), COORDINATES[dimension]),
    )
    made = run_gmsh(task)
    regions = len(task.ellipsoids)
    if not np.array_equal(np.unique(made.regions), np.arange(regions)):
        raise GeometryError(
            f"gmsh made {made.regions.max() + 1} regions of this geometry; expected {regions}"
        )
    points = made.points * MM
    if dimension == 2:
        points[np.abs(points[:, 0]) < 1e-9 * MM, 0] = 0.0
    cells = made.cells.copy()
    edges = points[cells[:, 1:]] - points[cells[:, :1]]
    mirrored = np.linalg.det(edges) < 0
    cells[mirrored, :2] = cells[mirrored, 1::-1]
    return points + _centre(geometry), cells, made.regions.astype(np.int64), f"gmsh {made.version}"


def _unstretched(geometry: ParametricGeometry) -> ParametricGeometry:
    """The geometry as gmsh meshes it, with cells as long as they are wide."""
    if geometry.kind != "3d" or geometry.sizes.stretch == 1.0:
        return geometry
    return replace(geometry, sizes=before_stretching(geometry.sizes))


def _in_mm(vector: Any) -> tuple[float, float, float]:
    x, y, z = (float(value) / MM for value in vector)
    return x, y, z


def _tagged_facets(
    geometry: ParametricGeometry, points: NDArray[np.float64], cells: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Facets of the cavity walls and of the outer boundary; the axis and the centre carry no condition."""
    facets = exterior_facets(cells)
    if geometry.kind != "3d":
        facets = facets[np.any(points[facets, 0] > 0, axis=1)]
    tags = np.full(len(facets), OUTER, dtype=np.int32)
    for number, site in enumerate(geometry.sites):
        if site.source_radius is None:
            distance = np.linalg.norm(points[facets] - _tip(geometry, number), axis=2)
            tags[np.all(distance < 1.01 * site.needle_radius, axis=1)] = CAVITY + number
    order = np.lexsort((np.arange(len(tags)), tags))
    return facets[order], tags[order]


def _with_exact_volumes(
    geometry: ParametricGeometry,
    points: NDArray[np.float64],
    cells: NDArray[np.int64],
    regions: NDArray[np.int64],
    tagged: tuple[NDArray[np.int64], NDArray[np.int32]],
) -> NDArray[np.float64]:
    """Scale each polyhedral surface about its centre to the volume of the smooth one."""
    facets, tags = tagged
    scaled = points.copy()
    cavity_facets = facets[tags >= CAVITY]
    shells = _shells(geometry)
    for number, (_, axes) in enumerate(shells):
        inside = exterior_facets(cells[regions <= number])
        if geometry.kind != "3d":
            inside = inside[np.any(points[inside, 0] > 0, axis=1)]
        on_cavity = np.isin(inside[:, 0], cavity_facets)
        _scale(geometry, scaled, inside[~on_cavity], _centre(geometry), 4 / 3 * math.pi * math.prod(axes))
    for number, site in enumerate(geometry.sites):
        wall = facets[tags == CAVITY + number]
        if len(wall):
            _scale(geometry, scaled, wall, _tip(geometry, number), 4 / 3 * math.pi * site.needle_radius**3)
    return scaled


def _scale(
    geometry: ParametricGeometry,
    points: NDArray[np.float64],
    facets: NDArray[np.int64],
    centre: NDArray[np.float64],
    volume: float,
) -> None:
    """Move the vertices of a surface, in place, so that it encloses a volume [m3]."""
    factor = (volume / enclosed_volume(geometry.kind, points, facets, centre)) ** (1 / 3)
    moved = np.unique(facets)
    points[moved] = centre + factor * (points[moved] - centre)


def _facts(geometry: ParametricGeometry, mesh: PlainMesh) -> dict[str, Any]:
    """What a summary reports of the mesh."""
    measured = cell_volumes(mesh.points, mesh.cells, mesh.geometry)
    walls = [mesh.facets[mesh.facet_tags == CAVITY + number] for number in range(len(geometry.sites))]
    areas = [float(facet_areas(mesh.geometry, mesh.points, wall).sum()) for wall in walls]
    names = [name for name, _ in _shells(geometry)]
    return {
        "vertices": len(mesh.points),
        "cells": len(mesh.cells),
        "volumes": {name: float(measured[mesh.cell_tags == TAG_OF_REGION[name]].sum()) for name in names},
        "exact_volumes": _exact_volumes(geometry),
        "cavity_areas": areas,
        "exact_cavity_areas": [4 * math.pi * extent(site) ** 2 for site in geometry.sites],
        "quality": quality(mesh.points, mesh.cells),
        "edge_lengths": edge_lengths(mesh.points, mesh.cells, _zones(geometry, mesh)),
    }


def _exact_volumes(geometry: ParametricGeometry) -> dict[str, float]:
    """Volumes of the smooth regions without the cavities in them [m3]."""
    volumes, enclosed = {}, 0.0
    for name, axes in _shells(geometry):
        within = 4 / 3 * math.pi * math.prod(axes)
        for site in geometry.sites:
            offset = np.subtract(site.tip, geometry.centre)
            if np.linalg.norm(offset / np.asarray(axes)) < 1:
                within -= 4 / 3 * math.pi * extent(site) ** 3
        volumes[name], enclosed = within - enclosed, within
    return volumes


def _zones(geometry: ParametricGeometry, mesh: PlainMesh) -> dict[str, NDArray[np.bool_]]:
    """Vertices near a tip, where the front travels, on the tumour's surface, and far away."""
    tips = [_tip(geometry, number) for number in range(len(geometry.sites))]
    distance = np.min([np.linalg.norm(mesh.points - tip, axis=1) for tip in tips], axis=0)
    radius = max(hole_radius(site.needle_radius, site.source_radius) for site in geometry.sites)
    sizes = geometry.sizes
    tumour = np.isin(mesh.cell_tags, [TAG_OF_REGION["tumour"], TAG_OF_REGION["necrotic_core"]])
    inner, outer = np.zeros((2, len(mesh.points)), dtype=bool)
    inner[mesh.cells[tumour]] = True
    outer[mesh.cells[~tumour]] = True
    grown = radius + (sizes.front - sizes.tip) / sizes.growth
    return {
        "tip": distance <= 1.01 * (radius + sizes.tip),
        "front": (distance > grown) & (distance < sizes.front_radius),
        "surface": inner & outer,
        "far": distance > 0.5 * (sizes.front_radius + geometry.domain_radius),
    }

# SPDX-License-Identifier: MIT
"""From somebody's mesh to one to solve on: simplices, named regions and surfaces, fine at the tips."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.cells.measures import facet_areas
from meshes.cells.quality import edge_lengths, quality, volumes
from meshes.cells.tetrahedra import Cells, Points, faces_between
from meshes.files.group_names import Parts, named_parts, names_text, require_regions
from meshes.files.solid_files import SolidMesh, read_solid
from meshes.geometry import GeometryError, MeshGeometry
from meshes.imported.soundness import oriented, require_sound
from meshes.imported.tip_refinement import TIP_ZONE, TippedMesh, refined_at_tips
from meshes.plain import PlainMesh
from meshes.regions import ORGAN_SURFACE, OUTER, REGION_NAMES, SURFACE_NAMES, TUMOUR

LENGTHS: Final = (1e-4, 3.0)
"""Extent of a mesh of tissue [m]; beyond it the unit is wrong."""

TAGS: Final = {name: tag for tag, name in REGION_NAMES.items()}
SURFACES: Final = {"outer_boundary": OUTER, "organ_surface": ORGAN_SURFACE}


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A mesh with regions and surfaces, before the tips.

    Attributes:
        points: vertices [m], shape ``(n, 3)``.
        cells: tetrahedra of positive orientation, shape ``(m, 4)``.
        tags: region of each cell, shape ``(m,)``.
        facets: all faces on the outside, shape ``(k, 3)``.
        facet_tags: surface of each, shape ``(k,)``.
        notes: what a user should know of the conversion.
    """

    points: Points
    cells: Cells
    tags: NDArray[np.int32]
    facets: Cells
    facet_tags: NDArray[np.int32]
    notes: tuple[str, ...]


def mesh_from_file(geometry: MeshGeometry) -> PlainMesh:
    """Reads a mesh of another program and makes it fine at the needle tips (serial, deterministic).

    Args:
        geometry: file, unit, what its groups are, sites and edge lengths.

    Returns:
        The mesh in metres; ``info`` has volumes, quality and what was converted.

    Raises:
        MeshInputError: the file is missing or unreadable.
        GeometryError: it holds no mesh of tissue, its groups are not those that are named, or a tip lies
            outside.
    """
    found = imported(geometry)
    tipped = TippedMesh(
        points=found.points,
        cells=found.cells,
        tags=found.tags,
        facets=found.facets,
        facet_tags=found.facet_tags,
    )
    fine, notes = refined_at_tips(tipped, geometry)
    info = _describe(geometry, fine, (*found.notes, *notes))
    return PlainMesh(
        geometry="3d",
        points=fine.points,
        cells=fine.cells,
        cell_tags=fine.tags,
        facets=fine.facets,
        facet_tags=fine.facet_tags,
        info={**info, "cells_in_file": len(found.cells)},
    )


def imported(geometry: MeshGeometry) -> Imported:
    """The mesh of a file in metres, with regions and surfaces, as coarse as there; see ``mesh_from_file``."""
    raw = read_solid(geometry.path, geometry.tags)
    parts, notes = named_parts(raw, geometry.path)
    extent = float(np.ptp(parts.points, axis=0).max()) * geometry.length
    if not LENGTHS[0] <= extent <= LENGTHS[1]:
        raise GeometryError(
            f"{geometry.path}: measures {extent:.3g} m in the unit of {geometry.length:g} m; "
            f"expected {LENGTHS[0]:g} to {LENGTHS[1]:g} m: is the unit right?"
        )
    tags = _regions(geometry, parts, raw)
    points = parts.points * geometry.length
    cells, turned = oriented(geometry.path, points, parts.cells)
    facets, _ = faces_between(cells, np.zeros(len(cells), dtype=np.int32))
    require_sound(geometry.path, points, cells, facets)
    facet_tags, lost = _surfaces(geometry, parts, facets)
    return Imported(
        points=points,
        cells=cells,
        tags=tags,
        facets=facets,
        facet_tags=facet_tags,
        notes=(*notes, *turned, *lost),
    )


def _regions(geometry: MeshGeometry, parts: Parts, raw: SolidMesh) -> NDArray[np.int32]:
    """Region of each cell by the names of its groups."""
    require_regions(geometry, parts, raw)
    tags = np.full(len(parts.cells), TAGS.get(geometry.regions.get("*", ""), 0), dtype=np.int32)
    taken = np.zeros(len(parts.cells), dtype=bool)
    for name, region in geometry.regions.items():
        if name == "*":
            continue
        members = parts.cell_groups[name]
        twice = taken[members] & (tags[members] != TAGS[region])
        if twice.any():
            raise GeometryError(
                f"{geometry.path}: {np.count_nonzero(twice)} cells of the group {name!r} are in another "
                "named "
                "group too; name only one of them in regions"
            )
        tags[members], taken[members] = TAGS[region], True
    left = int(np.count_nonzero(tags == 0))
    if left:
        raise GeometryError(
            f"{geometry.path}: {left} of {len(tags)} cells are in none of the groups named in regions; "
            f'groups of cells: {names_text(parts.cell_groups)}; \'"*" = "tissue"\' takes all others'
        )
    if not (tags == TUMOUR).any():
        raise GeometryError(f"{geometry.path}: no cell is in the tumour")
    return tags


def _surfaces(geometry: MeshGeometry, parts: Parts, facets: Cells) -> tuple[NDArray[np.int32], list[str]]:
    """The surface of each face on the outside, and notes on facets of groups that lie elsewhere."""
    notes = []
    corners = np.sort(np.concatenate((facets, parts.facets)), axis=1)
    _, number = np.unique(corners, axis=0, return_inverse=True)
    number = number.reshape(-1)
    outside, offered = number[: len(facets)], number[len(facets) :]
    by_number = np.full(
        int(number.max(initial=0)) + 1, SURFACES.get(geometry.outside or "", 0), dtype=np.int32
    )
    for name, surface in geometry.boundaries.items():
        if name not in parts.facet_groups:
            raise GeometryError(
                f"{geometry.path}: no group of facets {name!r}; found: {names_text(parts.facet_groups)}"
            )
        rows = offered[parts.facet_groups[name]]
        lost = int(np.count_nonzero(~np.isin(rows, outside)))
        if lost == len(rows):
            raise GeometryError(
                f"{geometry.path}: none of the {len(rows)} facets of the group {name!r} is a face on the "
                "outside: they lie within, have points of their own, or are flat beside curved cells"
            )
        if lost:
            notes.append(
                f"{lost} of {len(rows)} facets of the group {name!r} are no faces on the outside and are "
                "left out"
            )
        by_number[rows] = SURFACES[surface]
    tags = by_number[outside]
    left = int(np.count_nonzero(tags == 0))
    if left:
        raise GeometryError(
            f"{geometry.path}: {left} of {len(facets)} faces on the outside are in no group named in "
            "boundaries; "
            f"groups of facets: {names_text(parts.facet_groups)}; "
            'outside = "outer_boundary" or "organ_surface" takes all others'
        )
    return tags, notes


def _describe(geometry: MeshGeometry, mesh: TippedMesh, notes: tuple[str, ...]) -> dict[str, Any]:
    size = volumes(mesh.points, mesh.cells)
    areas = facet_areas("3d", mesh.points, mesh.facets)
    near = np.zeros(len(mesh.points), dtype=bool)
    for site in geometry.sites:
        near |= np.linalg.norm(mesh.points - np.array(site.tip), axis=1) < TIP_ZONE
    found = {int(tag) for tag in np.unique(mesh.tags)}
    return {
        "source": "mesh",
        "file": geometry.path.name,
        "vertices": len(mesh.points),
        "cells": len(mesh.cells),
        "volumes": {REGION_NAMES[tag]: float(size[mesh.tags == tag].sum()) for tag in sorted(found)},
        "areas": {name: float(areas[mesh.facet_tags == tag].sum()) for tag, name in SURFACE_NAMES.items()},
        "quality": quality(mesh.points, mesh.cells),
        "edge_lengths": edge_lengths(mesh.points, mesh.cells, {"tip": near, "mesh": np.ones_like(near)}),
        "warnings": list(notes),
    }

# SPDX-License-Identifier: MIT
"""From label maps to a conforming tetrahedral mesh: smooth tumour surface, tips among the vertices."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.cells.background import graded_ball, place
from meshes.cells.quality import volumes
from meshes.cells.remesh import TaggedMesh, remesh
from meshes.cells.tetrahedra import Cells, faces_between
from meshes.geometry import GeometryError, LabelGeometry
from meshes.patient.anatomy import read_anatomy
from meshes.patient.carve import Draft, carve
from meshes.patient.fidelity import describe
from meshes.patient.label_sizing import LabelSizes
from meshes.patient.large_vessels import mark_vessels
from meshes.patient.tips import check_tips, distinct_tips
from meshes.plain import PlainMesh
from meshes.regions import NECROTIC_CORE, TISSUE, TUMOUR_REGIONS

DEVIATION: Final = 0.3
"""Distance by which remeshed surfaces may leave the cut ones, over the edge length on the tumour."""

FARTHEST: Final = 0.05
"""Largest last move of a surface for its volume, over its edge length: cells hardly feel it."""


def mesh_from_labels(geometry: LabelGeometry) -> PlainMesh:
    """Meshes a tumour, and the organ around it, from label maps (serial; the same bytes every time).

    Voxels become smooth level sets that keep the voxels' volume; a graded ball of tetrahedra is cut along the
    surfaces of organ, tumour and core; one pass of MMG improves the cells and keeps the surfaces.

    Args:
        geometry: masks, margin, sites and edge lengths; coordinates RAS [m].

    Returns:
        Regions ``TUMOUR``, ``TISSUE``, ``NECROTIC_CORE`` and large vessels; facets ``OUTER`` on the
        artificial boundary and ``ORGAN_SURFACE``. ``info`` has volumes, Dice, angles and warnings.

    Raises:
        MeshInputError: a file is missing or unreadable.
        GeometryError: the masks or tips cannot be meshed, or MMG failed.
    """
    anatomy = read_anatomy(geometry)
    warnings = [*anatomy.notes, *check_tips(anatomy, geometry.sites)]
    size = LabelSizes(sizes=geometry.sizes, sites=geometry.sites, anatomy=anatomy)
    points, cells = graded_ball(anatomy.centre, anatomy.radius, size, geometry.sizes.far)
    points, tips = place(points, cells, distinct_tips(geometry.sites))
    tissue = np.full(len(cells), TISSUE, dtype=np.int32)
    carved = carve(Draft(points=points, cells=cells, tags=tissue, tips=tips), anatomy)
    mesh = remesh(carved, size(carved.points), DEVIATION * anatomy.surface_size, "improving the cut mesh")
    mesh = _restore_volume(mesh, TUMOUR_REGIONS, anatomy.tumour.volume, FARTHEST * anatomy.surface_size)
    if anatomy.core is not None:
        mesh = _restore_volume(
            mesh, frozenset({NECROTIC_CORE}), anatomy.core.volume, FARTHEST * anatomy.core_size
        )
    if volumes(mesh.points, mesh.cells).min() <= 0.0:
        raise GeometryError("the mesher MMG left a cell without volume; try other mesh sizes")
    facets, facet_tags = _boundary(mesh)
    marked = mark_vessels(mesh, geometry)
    mesh, warnings = marked.mesh, [*warnings, *marked.warnings]
    info = describe(mesh, anatomy, warnings)
    return PlainMesh(
        geometry="3d",
        points=mesh.points,
        cells=mesh.cells,
        cell_tags=mesh.tags,
        facets=facets,
        facet_tags=facet_tags,
        info={**info, "large_vessels": marked.facts} if marked.facts else info,
    )


def _restore_volume(mesh: TaggedMesh, regions: frozenset[int], wanted: float, farthest: float) -> TaggedMesh:
    """Moves a surface along its normals by the micrometres that restore its volume [m^3], within a limit."""
    inside = np.isin(mesh.tags, list(regions))
    faces, sides = faces_between(mesh.cells, (~inside).astype(np.int32))
    surface = faces[sides[:, 0] == 0]
    a, b, c = (mesh.points[surface[:, i]] for i in range(3))
    areas = 0.5 * np.cross(b - a, c - a)
    normals = np.zeros_like(mesh.points)
    for corner in range(3):
        np.add.at(normals, surface[:, corner], areas)
    normals[mesh.required] = 0.0
    normals /= np.maximum(np.linalg.norm(normals, axis=1), np.finfo(float).tiny)[:, None]
    lacking = wanted - float(volumes(mesh.points, mesh.cells[inside]).sum())
    shift = np.clip(lacking / float(np.linalg.norm(areas, axis=1).sum()), -farthest, farthest)
    return replace(mesh, points=mesh.points + shift * normals)


def _boundary(mesh: TaggedMesh) -> tuple[Cells, NDArray[np.int32]]:
    """Faces with a cell on one side only, and the tags that their triangles carry."""
    faces, _ = faces_between(mesh.cells, np.zeros(len(mesh.cells), dtype=np.int32))
    rows = np.sort(np.concatenate((faces, mesh.triangles)), axis=1)
    _, group = np.unique(rows, axis=0, return_inverse=True)
    wanted, offered = group.reshape(-1)[: len(faces)], group.reshape(-1)[len(faces) :]
    tags = np.zeros(len(rows), dtype=np.int32)
    tags[offered] = mesh.triangle_tags
    if (tags[wanted] == 0).any():
        raise GeometryError("the mesher MMG lost a triangle of the outer boundary; try other mesh sizes")
    return faces, tags[wanted]

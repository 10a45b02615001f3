# SPDX-License-Identifier: MIT
"""How faithful a mesh is to the voxels that it was made from: overlap and smoothness of a surface."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from meshes.cells.measures import facet_areas
from meshes.cells.quality import edge_lengths, quality, volumes
from meshes.cells.remesh import TaggedMesh
from meshes.cells.tetrahedra import Cells, Points, faces_between
from meshes.files.winding import winding_numbers
from meshes.patient.anatomy import Anatomy
from meshes.patient.masks import Structure, reframe
from meshes.regions import NECROTIC_CORE, REGION_NAMES, SURFACE_NAMES, TUMOUR_REGIONS

WORST_VOLUME = 0.01
"""Relative difference of a volume from the voxels' that is worth a warning."""

TIP_ZONE = 1.5e-3
"""Distance from a tip [m] within which edges are reported as those at the tip."""


def describe(mesh: TaggedMesh, anatomy: Anatomy, warnings: list[str]) -> dict[str, Any]:
    """Volumes, overlap with the voxels, smoothness and quality of a mesh, ready for JSON.

    Args:
        mesh: the finished mesh.
        anatomy: what it was made from.
        warnings: found so far.
    """
    cell_volumes = volumes(mesh.points, mesh.cells)
    areas = facet_areas("3d", mesh.points, mesh.triangles)
    compared = {"tumour": _compare(mesh, anatomy.tumour, TUMOUR_REGIONS)}
    if anatomy.core is not None:
        compared["necrotic_core"] = _compare(mesh, anatomy.core, frozenset({NECROTIC_CORE}))
    for name, facts in compared.items():
        if abs(facts["volume_errors"]) > WORST_VOLUME:
            difference = f"{100.0 * facts['volume_errors']:+.1f} %"
            text = f"the volume of the {name.replace('_', ' ')} differs from its voxels' by {difference}"
            warnings = [*warnings, text]
    regions = sorted({int(tag) for tag in mesh.tags})
    return {
        "source": "labels",
        "vertices": len(mesh.points),
        "cells": len(mesh.cells),
        "centre_m": anatomy.centre.tolist(),
        "radius_m": anatomy.radius,
        "smoothing_m": anatomy.smoothing,
        "volumes": {REGION_NAMES[tag]: float(cell_volumes[mesh.tags == tag].sum()) for tag in regions},
        "areas": {name: float(areas[mesh.triangle_tags == tag].sum()) for tag, name in SURFACE_NAMES.items()},
        **{fact: {name: facts[fact] for name, facts in compared.items()} for fact in compared["tumour"]},
        **_against_organ(float(cell_volumes.sum()), anatomy),
        "quality": quality(mesh.points, mesh.cells),
        "edge_lengths": edge_lengths(mesh.points, mesh.cells, _zones(mesh)),
        "warnings": warnings,
    }


def _compare(mesh: TaggedMesh, structure: Structure, regions: frozenset[int]) -> dict[str, float]:
    """What a structure's regions have of its voxels, and how smooth their surface is."""
    inside = np.isin(mesh.tags, list(regions))
    faces, sides = faces_between(mesh.cells, (~inside).astype(np.int32))
    surface = faces[sides[:, 0] == 0]
    volume = float(volumes(mesh.points, mesh.cells[inside]).sum())
    return {
        "voxel_volumes": structure.volume,
        "volume_errors": volume / structure.volume - 1.0,
        "dice": dice(mesh.points, surface, structure),
        "crease_p95_degrees": crease(mesh.points, surface),
    }


def _against_organ(volume: float, anatomy: Anatomy) -> dict[str, float]:
    """The whole mesh against the organ's voxels in the ball, chords and the film at the capsule included."""
    if anatomy.organ is None:
        return {}
    distance = np.linalg.norm(anatomy.organ.positions() - anatomy.centre, axis=1)
    voxels = float(np.count_nonzero(distance < anatomy.radius)) * float(np.prod(anatomy.organ.spacing))
    return {"organ_voxel_volume": voxels, "organ_volume_error": volume / voxels - 1.0}


def _zones(mesh: TaggedMesh) -> dict[str, NDArray[np.bool_]]:
    """Vertices near a tip and on the tumour's surface."""
    tumour = np.isin(mesh.tags, list(TUMOUR_REGIONS))
    tip, inner, outer = np.zeros((3, len(mesh.points)), dtype=bool)
    inner[mesh.cells[tumour]] = True
    outer[mesh.cells[~tumour]] = True
    for vertex in mesh.required:
        tip |= np.linalg.norm(mesh.points - mesh.points[vertex], axis=1) < TIP_ZONE
    return {"tip": tip, "surface": inner & outer}


def dice(points: Points, triangles: Cells, structure: Structure) -> float:
    """Dice coefficient of the volume inside a closed surface with the voxels of a structure.

    Args:
        points: RAS positions [m], shape ``(n, 3)``.
        triangles: closed surface, normals outwards, shape ``(m, 3)``.
        structure: the voxels.
    """
    structure = reframe(structure, np.array([[-9, -9, -9], np.array(structure.inside.shape) + 9]))
    inverse = np.linalg.inv(structure.affine)
    corners = (points @ inverse[:3, :3].T + inverse[:3, 3])[triangles]
    if np.linalg.det(inverse[:3, :3]) < 0.0:
        corners = corners[:, ::-1]
    filled = winding_numbers(corners, structure.inside.shape) > 0
    both = np.count_nonzero(filled & structure.inside)
    return 2.0 * both / float(np.count_nonzero(filled) + np.count_nonzero(structure.inside))


def crease(points: Points, triangles: Cells) -> float:
    """Angle between neighbouring triangles of a surface [degrees], 95th percentile; stairs show here."""
    a, b, c = (points[triangles[:, n]] for n in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    order = np.lexsort(edges.T)
    edges, owner = edges[order], np.repeat(np.arange(len(triangles)), 3)[order]
    twin = np.flatnonzero((edges[1:] == edges[:-1]).all(axis=1))
    cosine = (normals[owner[twin]] * normals[owner[twin + 1]]).sum(axis=1)
    return float(np.percentile(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))), 95))

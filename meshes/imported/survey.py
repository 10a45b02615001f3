# SPDX-License-Identifier: MIT
"""What somebody's mesh holds, and whether the needles lie in it, before it is made finer."""

from dataclasses import dataclass

import numpy as np

from meshes.cells.locate import Locator
from meshes.cells.quality import volumes
from meshes.geometry import MeshGeometry, Vector
from meshes.imported.from_mesh import imported
from meshes.imported.tips import check_tips_in_mesh
from meshes.plain import PlainMesh
from meshes.regions import REGION_NAMES


@dataclass(frozen=True, kw_only=True)
class RegionFacts:
    """A region: its name, the volume of its cells [m^3] and its centre [m]."""

    name: str
    volume: float
    centre: Vector


def survey_mesh(geometry: MeshGeometry) -> tuple[tuple[RegionFacts, ...], tuple[str, ...]]:
    """Reads a mesh as a run does, up to its refinement (serial).

    Returns:
        Its regions, and notes.

    Raises:
        MeshInputError: the file is missing or unreadable.
        GeometryError: it is refused, or a tip lies outside of mesh or tumour.
    """
    found = imported(geometry)
    mesh = PlainMesh(
        geometry="3d",
        points=found.points,
        cells=found.cells,
        cell_tags=found.tags,
        facets=found.facets,
        facet_tags=found.facet_tags,
    )
    notes = check_tips_in_mesh(mesh, Locator(mesh), geometry)
    size, middle = volumes(mesh.points, mesh.cells), mesh.points[mesh.cells].mean(axis=1)
    regions = []
    for tag in np.unique(mesh.cell_tags):
        here = mesh.cell_tags == tag
        x, y, z = (float(value) for value in np.average(middle[here], axis=0, weights=size[here]))
        regions.append(
            RegionFacts(name=REGION_NAMES[int(tag)], volume=float(size[here].sum()), centre=(x, y, z))
        )
    return tuple(regions), (*found.notes, *notes)

# SPDX-License-Identifier: MIT
"""From label maps to a conforming tetrahedral mesh with a smooth tumour surface and the tips among its vertices."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.anatomy import Anatomy, read_anatomy
from meshes.background import graded_ball, place
from meshes.cutter import cut
from meshes.fidelity import crease, dice
from meshes.geometry import GeometryError, LabelGeometry
from meshes.plain import PlainMesh
from meshes.quality import quality, volumes
from meshes.regions import NECROTIC_CORE, ORGAN_SURFACE, OUTER, REGION_NAMES, TISSUE, TUMOUR, TUMOUR_REGIONS
from meshes.remesh import TaggedMesh, remesh
from meshes.sizing import SizeField
from meshes.surfaces import organ_facets, reachable
from meshes.tetrahedra import Cells, Points, faces_between, triangle_areas
from meshes.tips import check_tips, distinct_tips

OUTSIDE: Final = 0
"""Tag of cells outside the organ, which are dropped before the last pass."""

INTERFACE: Final = 20
"""Reference of triangles between regions while MMG works; it keeps 10 for itself."""

VOLUME_TOLERANCE: Final = 5e-4
"""Relative difference from the voxels' volume at which the tumour is not cut again."""

DEVIATION: Final = 0.3
"""Distance by which remeshed surfaces may leave the cut ones, over the edge length on the tumour's surface."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A mesh between two stages.

    Attributes:
        points: vertices [m].
        cells: tetrahedra.
        tags: region of each cell.
        tips: vertices at the needle tips.
    """

    points: Points
    cells: Cells
    tags: NDArray[np.int32]
    tips: NDArray[np.int64]


def mesh_from_labels(geometry: LabelGeometry) -> PlainMesh:
    """Meshes a tumour, and the organ around it, from label maps (serial; the same bytes every time).

    Voxels become smooth level sets with the voxels' volume; a graded ball of tetrahedra is cut by the organ, the tumour
    and the core; one pass of MMG improves the cells and keeps the surfaces.

    Args:
        geometry: masks, margin, sites and edge lengths; coordinates RAS [m].

    Returns:
        Regions ``TUMOUR``, ``TISSUE`` and ``NECROTIC_CORE``; facets ``OUTER`` on the artificial boundary and
        ``ORGAN_SURFACE``. ``info`` has volumes, Dice coefficients, angles and warnings.

    Raises:
        MeshInputError: a file is missing or unreadable.
        GeometryError: the masks or tips cannot be meshed, or MMG failed.
    """
    anatomy = read_anatomy(geometry)
    notes = check_tips(anatomy, geometry.sites)
    size = _size_field(geometry, anatomy)
    points, cells = graded_ball(anatomy.centre, anatomy.radius, size, geometry.sizes.far)
    points, tips = place(points, cells, distinct_tips(geometry.sites))
    draft = Draft(points=points, cells=cells, tags=np.full(len(cells), TISSUE, dtype=np.int32), tips=tips)
    draft = _cut_structures(draft, anatomy)
    mesh = _improve(draft, anatomy, size, DEVIATION * anatomy.surface_size)
    _require_tips(mesh, distinct_tips(geometry.sites))
    return _plain(mesh, anatomy, notes)

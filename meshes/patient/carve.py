# SPDX-License-Identifier: MIT
"""Cuts organ, tumour and core out of a background mesh and names every surface."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from meshes.cells.measures import facet_areas
from meshes.cells.quality import volumes
from meshes.cells.remesh import TaggedMesh
from meshes.cells.tetrahedra import LOCAL_FACES, Cells, Points, faces_between
from meshes.patient.anatomy import Anatomy
from meshes.patient.cutter import Mask, cut
from meshes.patient.masks import Structure
from meshes.regions import NECROTIC_CORE, ORGAN_SURFACE, OUTER, TUMOUR

OUTSIDE: Final = 0
"""Tag of cells outside the organ, until they are dropped."""

INTERFACE: Final = 20
"""Tag of triangles between regions, beside ``OUTER`` and ``ORGAN_SURFACE``."""

VOLUME_TOLERANCE: Final = 5e-4
"""Relative difference from the voxels' volume at which a structure is not cut again."""

MOST_CUTS: Final = 4
"""Cuts tried for a volume; two or three are enough where nothing limits the surface."""

BORDER: Final = 2e-3
"""Depth from the border of the image [m] within which a surface facing it is the image's, not the organ's."""


class Surface(Protocol):
    """A level at points [m] of a surface moved outwards by a shift [m]."""

    def __call__(self, points: Points, shift: float) -> NDArray[np.float64]: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A mesh being cut.

    Attributes:
        points: vertices [m], shape ``(n, 3)``.
        cells: tetrahedra, shape ``(m, 4)``.
        tags: region of each cell, or ``OUTSIDE``, shape ``(m,)``.
        tips: numbers of the vertices at the needle tips, which stay.
    """

    points: Points
    cells: Cells
    tags: NDArray[np.int32]
    tips: NDArray[np.int64]

    def fixed(self) -> Mask:
        """Which vertices must not move, shape ``(n,)``."""
        held = np.zeros(len(self.points), dtype=bool)
        held[self.tips] = True
        return held


def carve(draft: Draft, anatomy: Anatomy) -> TaggedMesh:
    """Cuts a ball of tissue into regions and drops what lies outside the organ.

    Args:
        draft: the ball, every cell ``TISSUE``.
        anatomy: surfaces to cut along.

    Returns:
        The connected domain around the tumour, with triangles tagged ``OUTER`` (the ball, the border of the
        image), ``ORGAN_SURFACE`` and ``INTERFACE``; the tips are among its points.
    """
    if anatomy.organ_level is not None:
        draft, inside = _split(draft, anatomy.organ_surface)
        draft = replace(draft, tags=np.where(inside, draft.tags, OUTSIDE).astype(np.int32))
    draft = _cut_to_volume(draft, anatomy.tumour_surface, TUMOUR, anatomy.tumour.volume)
    if anatomy.core is not None:
        draft = _cut_to_volume(draft, anatomy.core_surface, NECROTIC_CORE, anatomy.core.volume)
    draft = replace(draft, tags=np.where(_connected(draft), draft.tags, OUTSIDE).astype(np.int32))
    return _tagged(draft, anatomy)


def _split(draft: Draft, level: Callable[[Points], NDArray[np.float64]]) -> tuple[Draft, Mask]:
    points, cells, parent, inside = cut(draft.points, draft.cells, level, draft.fixed())
    return replace(draft, points=points, cells=cells, tags=draft.tags[parent]), inside


def _cut_to_volume(draft: Draft, surface: Surface, tag: int, wanted: float) -> Draft:
    """Cuts along a surface that is moved outwards until the cells inside have the wanted volume [m^3]."""
    shift = 0.0
    for _ in range(MOST_CUTS):
        result, inside = _split(draft, partial(surface, shift=shift))
        lacking = wanted - float(volumes(result.points, result.cells[inside]).sum())
        if abs(lacking) < VOLUME_TOLERANCE * wanted:
            break
        faces, sides = faces_between(result.cells, inside.astype(np.int32))
        shift += lacking / float(facet_areas("3d", result.points, faces[sides[:, 0] == 0]).sum())
    return replace(result, tags=np.where(inside, tag, result.tags).astype(np.int32))


def _connected(draft: Draft) -> Mask:
    """Cells of the tissue that faces join to the tumour."""
    kept = np.flatnonzero(draft.tags != OUTSIDE)
    faces = np.sort(draft.cells[kept][:, LOCAL_FACES].reshape(-1, 3), axis=1)
    order = np.lexsort(faces.T)
    twin = np.flatnonzero((faces[order][1:] == faces[order][:-1]).all(axis=1))
    pair = order[twin] // 4, order[twin + 1] // 4
    graph = coo_array((np.ones(len(twin), dtype=bool), pair), shape=(len(kept), len(kept)))
    _, piece = connected_components(graph, directed=False)
    result = np.zeros(len(draft.cells), dtype=bool)
    result[kept] = piece == piece[np.flatnonzero(draft.tags[kept] == TUMOUR)[0]]
    return result


def _tagged(draft: Draft, anatomy: Anatomy) -> TaggedMesh:
    """The mesh without the outside, its boundary and interfaces as tagged triangles."""
    faces, sides = faces_between(draft.cells, draft.tags)
    faces, sides = faces[sides[:, 1] != OUTSIDE], sides[sides[:, 1] != OUTSIDE]
    tags = np.select([sides[:, 0] == -1, sides[:, 0] == OUTSIDE], [OUTER, ORGAN_SURFACE], INTERFACE).astype(
        np.int32
    )
    if anatomy.organ is not None:
        capsule = np.flatnonzero(tags == ORGAN_SURFACE)
        tags[capsule[_at_image_border(draft.points[faces[capsule]], anatomy.organ)]] = OUTER
    kept = draft.tags != OUTSIDE
    used, cells = np.unique(draft.cells[kept], return_inverse=True)
    number = np.full(len(draft.points), -1, dtype=np.int64)
    number[used] = np.arange(len(used))
    return TaggedMesh(
        points=draft.points[used],
        cells=cells.reshape(-1, 4),
        tags=draft.tags[kept],
        triangles=number[faces],
        triangle_tags=tags,
        required=number[draft.tips],
    )


def _at_image_border(corners: NDArray[np.float64], organ: Structure) -> Mask:
    """Triangles ``(n, 3, 3)`` of the organ's surface that are there because the image ends."""
    inverse = np.linalg.inv(organ.affine)
    index = corners.mean(axis=1) @ inverse[:3, :3].T + inverse[:3, 3]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    facing = np.abs(normals @ (organ.affine[:3, :3] / organ.spacing)) > np.sqrt(0.5)
    depth = np.minimum(index - (organ.image[0] - 0.5), organ.image[1] - 0.5 - index) * organ.spacing
    return np.asarray((facing & (depth < np.maximum(organ.spacing, BORDER))).any(axis=1))

# SPDX-License-Identifier: MIT
"""Fine cells around needle tips inside a given mesh; what is far from them stays as it is."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from meshes.cells.background import place
from meshes.cells.locate import Locator
from meshes.cells.quality import volumes
from meshes.cells.remesh import ROUNDING, TaggedMesh, remesh
from meshes.cells.sizing import around_tip, hole_radius
from meshes.cells.tetrahedra import Cells, Points, faces_between, unique_edges
from meshes.geometry import GeometryError, MeshGeometry
from meshes.imported.tips import check_tips_in_mesh
from meshes.patient.tips import distinct_tips
from meshes.plain import PlainMesh
from meshes.regions import REGION_NAMES

TIP_ZONE: Final = 1.5e-3
"""Distance from a tip [m] within which edges are reported as those at the tip."""

SHORTER: Final = 0.75
"""Edges are made shorter where less than this share of their length is wanted."""

MET: Final = 0.6
"""Edges are short enough where at least this share of their length is wanted."""

LAYERS: Final = 2
"""Of cells around those, in which lengths pass into one another."""

DEVIATION: Final = 0.05
"""Distance by which refined surfaces may leave the given ones, over the median edge there."""

INTERFACE: Final = 20
FROZEN: Final = 30
"""Tags of triangles between regions, and between what is made finer and the rest."""

MOST_PASSES: Final = 4
"""Of MMG; each divides edges by a few."""

COARSEST: Final = 100.0
"""Longest edge of the cell that holds a tip, over the edge wanted there: MMG does not get over more."""

WORST_VOLUME: Final = 1e-3
"""Relative change of a region's volume that is worth a note."""

OFF_FACES: Final = 0.1
"""Share of the way from a tip to the middle of its cell at which a vertex is put first."""


@dataclass(frozen=True, kw_only=True)
class TippedMesh:
    """A mesh in space.

    Attributes:
        points: vertices [m], shape ``(n, 3)``.
        cells: tetrahedra, shape ``(m, 4)``.
        tags: region of each cell, shape ``(m,)``.
        facets: faces on the outside, shape ``(k, 3)``.
        facet_tags: surface of each, shape ``(k,)``.
    """

    points: Points
    cells: Cells
    tags: NDArray[np.int32]
    facets: Cells
    facet_tags: NDArray[np.int32]


def refined_at_tips(mesh: TippedMesh, geometry: MeshGeometry) -> tuple[TippedMesh, tuple[str, ...]]:
    """Makes a mesh as fine around the tips as the sizes of a geometry ask for, by MMG (serial).

    Args:
        mesh: as it was given.
        geometry: sites, sizes and whether to refine.

    Returns:
        The mesh with a vertex at every tip, and notes; the mesh itself if it is not to be refined.

    Raises:
        GeometryError: a tip, or part of its source, lies outside, a tip outside the tumour, or MMG failed.
    """
    locator = Locator(plain := _plain(mesh))
    outside = check_tips_in_mesh(plain, locator, geometry)
    if not geometry.refine:
        return mesh, outside
    own = _edge_lengths(mesh.points, mesh.cells)
    wanted = _wanted(mesh.points, own, geometry)
    # a coarse cell has no vertex near the tip that it holds: its vertices may all want long edges
    holding = locator.locate(distinct_tips(geometry.sites))[0]
    coarse = float(locator.longest[holding].max())
    if coarse > COARSEST * geometry.sizes.tip:
        raise GeometryError(
            f"{geometry.path}: the cell around a needle tip has an edge of {1e3 * coarse:.3g} mm where "
            f"{1e3 * geometry.sizes.tip:.2g} mm are wanted; expected at most {COARSEST:g} times that: "
            "refine the "
            "mesh there where it was made"
        )
    zone = np.asarray((wanted < SHORTER * own)[mesh.cells].any(axis=1), dtype=np.bool_)
    zone[holding] = True
    chosen = _widened(mesh.cells, zone)
    fine, unmet = _replace_part(mesh, chosen, geometry)
    tipped = _with_tips(fine, distinct_tips(geometry.sites))
    note = f"{np.count_nonzero(chosen)} of {len(mesh.cells)} cells around the tips are meshed anew, finer"
    return tipped, (*outside, note, *unmet, *_volume_notes(mesh, tipped))


def _volume_notes(before: TippedMesh, after: TippedMesh) -> list[str]:
    """What the new, smoother surfaces did to the volumes of regions."""
    sizes = [(mesh.tags, volumes(mesh.points, mesh.cells)) for mesh in (before, after)]
    notes = []
    for tag in np.unique(before.tags):
        old, new = (float(size[tags == tag].sum()) for tags, size in sizes)
        if abs(new / old - 1.0) > WORST_VOLUME:
            name = REGION_NAMES[int(tag)].replace("_", " ")
            notes.append(
                f"its finer surfaces change the volume of the {name} by {100.0 * (new / old - 1.0):+.1f} %"
            )
    return notes


def _widened(cells: Cells, zone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    for _ in range(LAYERS):
        near = np.zeros(int(cells.max()) + 1, dtype=bool)
        near[cells[zone]] = True
        zone = np.asarray(near[cells].any(axis=1), dtype=np.bool_)
    return zone


def _edge_lengths(points: Points, cells: Cells) -> NDArray[np.float64]:
    """Mean length of the edges at each vertex [m]."""
    edges = unique_edges(cells)
    length = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    ends, both = edges.reshape(-1), np.repeat(length, 2)
    total = np.bincount(ends, weights=both, minlength=len(points))
    return np.asarray(total / np.maximum(np.bincount(ends, minlength=len(points)), 1))


def _replace_part(
    mesh: TippedMesh, chosen: NDArray[np.bool_], geometry: MeshGeometry
) -> tuple[TippedMesh, list[str]]:
    """Mesh some of the cells anew and put them back; the faces that they share with the rest stay.

    Notes say where edges stay longer than wanted.
    """
    used, cells = np.unique(mesh.cells[chosen], return_inverse=True)
    cells, tags = cells.reshape(-1, 4), mesh.tags[chosen]
    faces, sides = faces_between(cells, tags)
    refs = np.where(sides[:, 0] == -1, FROZEN, INTERFACE).astype(np.int32)
    outside = _matched(used[faces], mesh.facets)
    refs[outside >= 0] = mesh.facet_tags[outside[outside >= 0]]
    points, cells, tags = _seeded(mesh.points[used], cells, tags, distinct_tips(geometry.sites))
    part = TaggedMesh(
        points=points,
        cells=cells,
        tags=tags,
        triangles=faces,
        triangle_tags=refs,
        required=np.array([], dtype=np.int64),
    )
    edge = np.linalg.norm(points[faces[:, 0]] - points[faces[:, 1]], axis=1)
    for number in range(MOST_PASSES + 1):
        own = _edge_lengths(part.points, part.cells)
        wanted = _wanted(part.points, own, geometry)
        if number > 0 and (wanted > MET * own).all():
            return _glued(mesh, chosen, part), []
        if number == MOST_PASSES:
            break
        frozen = np.flatnonzero(part.triangle_tags == FROZEN)
        deviation = DEVIATION * float(np.median(edge))
        part = remesh(part, wanted, deviation, "refining the mesh at the tips", frozen=frozen)
    longest = int((own / wanted).argmax())
    note = (
        f"edges around the tips stay up to {own[longest] / wanted[longest]:.2g} times as long as wanted "
        f"({1e3 * own[longest]:.2g} mm instead of {1e3 * wanted[longest]:.2g} mm) after {MOST_PASSES} passes "
        "of MMG: refine the mesh there where it was made, or ask for less"
    )
    return _glued(mesh, chosen, part), [note]


def _seeded(
    points: Points, cells: Cells, tags: NDArray[np.int32], tips: Points
) -> tuple[Points, Cells, NDArray[np.int32]]:
    """Cells with a vertex in the one that holds each tip, so that lengths wanted there have a place."""
    for tip in tips:
        corners = points[cells]
        local = np.linalg.solve(
            np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2), (tip - corners[:, 0])[..., None]
        )
        weights = np.column_stack((1.0 - local.sum(axis=1), local[..., 0]))
        cell = int(weights.min(axis=1).argmax())
        points = np.concatenate((points, [(1 - OFF_FACES) * tip + OFF_FACES * corners[cell].mean(axis=0)]))
        four = np.repeat(cells[cell][None], 4, axis=0)
        four[np.arange(4), np.arange(4)] = len(points) - 1
        cells = np.concatenate((np.delete(cells, cell, axis=0), four))
        tags = np.concatenate((np.delete(tags, cell), np.repeat(tags[cell], 4)))
    return points, cells, tags


def _wanted(points: Points, own: NDArray[np.float64], geometry: MeshGeometry) -> NDArray[np.float64]:
    """Edge lengths wanted at vertices [m]: their own, or shorter near a tip."""
    for site in geometry.sites:
        distance = np.linalg.norm(points - np.array(site.tip), axis=1)
        radius = hole_radius(site.needle_radius, site.source_radius)
        own = np.minimum(own, around_tip(geometry.sizes, distance, radius))
    return own


def _glued(mesh: TippedMesh, chosen: NDArray[np.bool_], part: TaggedMesh) -> TippedMesh:
    """The cells that stay and those of a part, joined at the vertices that both have."""
    kept = mesh.cells[~chosen]
    shared = np.unique(part.triangles[part.triangle_tags == FROZEN])
    number = np.full(len(part.points), -1, dtype=np.int64)
    if len(shared):
        distance, nearest = cKDTree(mesh.points).query(part.points[shared])
        if distance.max() > ROUNDING:
            raise GeometryError("the mesher MMG moved vertices that must stay while refining at the tips")
        number[shared] = nearest
    fresh = np.flatnonzero(number < 0)
    number[fresh] = len(mesh.points) + np.arange(len(fresh))
    points = np.concatenate((mesh.points, part.points[fresh]))
    cells = np.concatenate((kept, number[part.cells]))
    used, compact = np.unique(cells, return_inverse=True)
    place_of = np.full(len(points), -1, dtype=np.int64)
    place_of[used] = np.arange(len(used))
    cells = compact.reshape(-1, 4)
    tags = np.concatenate((mesh.tags[~chosen], part.tags))
    facets, _ = faces_between(cells, np.zeros(len(cells), dtype=np.int32))
    outer = np.isin(part.triangle_tags, (FROZEN, INTERFACE), invert=True)
    known = np.concatenate((place_of[mesh.facets], place_of[number[part.triangles[outer]]]))
    known_tags = np.concatenate((mesh.facet_tags, part.triangle_tags[outer]))
    whole = (known >= 0).all(axis=1)
    match = _matched(facets, known[whole])
    if (match < 0).any():
        raise GeometryError("the mesher MMG lost a triangle of the outside while refining at the tips")
    return TippedMesh(
        points=points[used],
        cells=cells,
        tags=tags.astype(np.int32),
        facets=facets,
        facet_tags=known_tags[whole][match].astype(np.int32),
    )


def _with_tips(mesh: TippedMesh, tips: Points) -> TippedMesh:
    """The mesh with a vertex at every tip; vertices on surfaces and between regions stay."""
    faces, _ = faces_between(mesh.cells, mesh.tags)
    fixed = np.zeros(len(mesh.points), dtype=bool)
    fixed[faces] = True
    points, _ = place(mesh.points, mesh.cells, tips, fixed)
    if volumes(points, mesh.cells).min() <= 0.0:
        raise GeometryError("the mesher MMG left a cell without volume; try other mesh sizes")
    return replace(mesh, points=points)


def _matched(faces: Cells, known: Cells) -> NDArray[np.int64]:
    """For each face its number among those known, -1 where it is not."""
    rows = np.sort(np.concatenate((faces, known)), axis=1)
    _, group = np.unique(rows, axis=0, return_inverse=True)
    group = group.reshape(-1)
    number = np.full(int(group.max(initial=0)) + 1, -1, dtype=np.int64)
    number[group[len(faces) :]] = np.arange(len(known))
    return number[group[: len(faces)]]


def _plain(mesh: TippedMesh) -> PlainMesh:
    return PlainMesh(
        geometry="3d",
        points=mesh.points,
        cells=mesh.cells,
        cell_tags=mesh.tags,
        facets=mesh.facets,
        facet_tags=mesh.facet_tags,
    )

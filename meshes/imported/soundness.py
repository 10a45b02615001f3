# SPDX-License-Identifier: MIT
"""Whether cells of somebody's mesh fill one piece of space once: turned, folded, doubled, unjoined ones."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from meshes.cells.quality import volumes
from meshes.cells.tetrahedra import LOCAL_EDGES, LOCAL_FACES, Cells, Points
from meshes.geometry import GeometryError

Rows = NDArray[np.int64]

FLAT: Final = 1e-12
"""Volume of a cell over its longest edge cubed, up to which it has none."""

GAP: Final = 1e-2
"""Distance of two faces that look at each other, over their shortest edge, below which nothing is between."""

OPPOSITE: Final = -0.99
"""Cosine between their normals."""

MOST_PIECES: Final = 5
"""Whose sizes a message tells."""


def oriented(path: Path, points: Points, cells: Cells) -> tuple[Cells, list[str]]:
    """Cells of positive volume, and notes; those whose points are in the other order are turned.

    Args:
        path: of the file, for messages.
        points: vertices, shape ``(n, 3)``.
        cells: tetrahedra, shape ``(m, 4)``.

    Raises:
        GeometryError: a cell has no volume.
    """
    size = volumes(points, cells)
    longest = np.zeros(len(cells))
    for one, other in LOCAL_EDGES:
        edge = np.linalg.norm(points[cells[:, one]] - points[cells[:, other]], axis=1)
        longest = np.maximum(longest, edge)
    flat = int(np.count_nonzero(np.abs(size) <= FLAT * longest**3))
    if flat:
        raise GeometryError(f"{path}: {flat} of {len(cells)} cells have no volume; repair the mesh")
    turned = size < 0.0
    if not turned.any():
        return cells, []
    cells = cells.copy()
    cells[turned] = cells[turned][:, [1, 0, 2, 3]]
    return cells, [f"{np.count_nonzero(turned)} cells were turned over and are turned back"]


def require_sound(path: Path, points: Points, cells: Cells, facets: Cells) -> None:
    """Refuses meshes whose cells lie over one another, or do not meet face to face.

    Args:
        path: of the file, for messages.
        points: vertices, shape ``(n, 3)``.
        cells: tetrahedra of positive volume, shape ``(m, 4)``.
        facets: faces of one cell only, normals outwards, shape ``(k, 3)``.

    Raises:
        GeometryError: with what is wrong and how often.
    """
    first, second = _joined(path, cells)
    _require_unfolded(path, cells, first, second)
    _require_manifold(path, facets)
    _require_one_piece(path, len(cells), first, second)
    _require_no_gaps(path, points, facets)


def _joined(path: Path, cells: Cells) -> tuple[Rows, Rows]:
    """The two sides of each inner face, as numbers of faces: four times the cell and its place there."""
    rows = np.sort(cells[:, LOCAL_FACES].reshape(-1, 3), axis=1)
    order = np.lexsort(rows.T)
    same = (rows[order][1:] == rows[order][:-1]).all(axis=1)
    more = int(np.count_nonzero(same[1:] & same[:-1]))
    if more:
        raise GeometryError(
            f"{path}: {more} faces belong to more than two cells: cells are in it twice, or lie over one "
            "another; repair the mesh"
        )
    return order[:-1][same], order[1:][same]


def _require_unfolded(path: Path, cells: Cells, first: Rows, second: Rows) -> None:
    """Cells of positive volume on both sides of a face see its corners in opposite order."""
    faces = cells[:, LOCAL_FACES].reshape(-1, 3)
    a, b, c = faces.T
    odd = (a > b) ^ (a > c) ^ (b > c)
    folded = np.flatnonzero(odd[first] == odd[second])
    if len(folded):
        touched = len(np.unique(np.concatenate((first[folded], second[folded])) // 4))
        raise GeometryError(
            f"{path}: the mesh is folded: {touched} of {len(cells)} cells lie on the same side of a face as "
            "their neighbour, one over another; repair the mesh (curved or warped cells can fold when they "
            "are converted)"
        )


def _require_manifold(path: Path, facets: Cells) -> None:
    """Refuse meshes whose cells do not meet face to face: then inner faces look like the outside."""
    edges = np.sort(facets[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    wrong = int(np.count_nonzero(counts != 2))
    if wrong:
        raise GeometryError(
            f"{path}: {wrong} edges on its outside do not join two faces: cells that should meet face to "
            "face do not (doubled points, cells of unlike kinds side by side, or parts that touch in an edge)"
        )


def _require_one_piece(path: Path, count: int, first: Rows, second: Rows) -> None:
    graph = coo_array((np.ones(len(first), dtype=bool), (first // 4, second // 4)), shape=(count, count))
    pieces, number = connected_components(graph, directed=False)
    if pieces > 1:
        sizes = np.sort(np.bincount(number))[::-1][:MOST_PIECES]
        more = ", ..." if pieces > MOST_PIECES else ""
        raise GeometryError(
            f"{path}: its cells fall into {pieces} pieces that no face joins ({', '.join(map(str, sizes))}"
            f"{more} cells): nothing would flow between them; parts that were meshed apart must share the "
            "points of their interface"
        )


def _require_no_gaps(path: Path, points: Points, facets: Cells) -> None:
    """Refuse faces on the outside that look at each other with nothing between them."""
    corners = points[facets]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).min(axis=1)
    centres = corners.mean(axis=1)
    distance, nearest = cKDTree(centres).query(centres, k=2)
    near, other = distance[:, 1], nearest[:, 1]
    # that of a face in the very same place may be either of the two
    other = np.where(other == np.arange(len(facets)), nearest[:, 0], other)
    facing = np.einsum("ij,ij->i", normals, normals[other]) < OPPOSITE
    towards = np.einsum("ij,ij->i", normals, centres[other] - centres) >= 0.0
    gaps = int(np.count_nonzero((near < GAP * edges) & facing & towards))
    if gaps:
        raise GeometryError(
            f"{path}: {gaps} faces on its outside look at another one at less than {GAP:g} of an edge: "
            "a gap within the mesh that nothing flows over; join the points on its two sides"
        )

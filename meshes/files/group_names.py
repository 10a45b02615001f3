# SPDX-License-Identifier: MIT
"""The parts of a mesh by the names that its file gives them, cells as tetrahedra, facets as triangles."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from meshes.cells.simplices import CORNERS, DIMENSION, as_simplices, kind_of
from meshes.cells.tetrahedra import Cells, Points
from meshes.files.solid_files import SolidMesh
from meshes.geometry import GeometryError, MeshGeometry

Rows = NDArray[np.int64]

SAME_PLACE: Final = 1e-4
"""Points nearer than this share of the shortest edge are one: parts meshed apart, or written in short."""

MOST_NEAR: Final = 20
"""Pairs of such points for each point of a mesh, beyond which it is none."""

MOST_NAMES: Final = 20
"""Of groups that a message tells."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Tetrahedra and triangles with their groups.

    Attributes:
        points: those that tetrahedra use, each place once, in the unit of the file, shape ``(n, 3)``.
        cells: tetrahedra, shape ``(m, 4)``.
        cell_groups: name to the numbers of its tetrahedra.
        facets: triangles, shape ``(k, 3)``; -1 for a point that no tetrahedron uses.
        facet_groups: name to the numbers of its triangles.
    """

    points: Points
    cells: Cells
    cell_groups: dict[str, Rows]
    facets: Cells
    facet_groups: dict[str, Rows]


def named_parts(raw: SolidMesh, path: Path) -> tuple[Parts, list[str]]:
    """Tetrahedra and triangles of a mesh, and notes on what was converted.

    Args:
        raw: what the file holds.
        path: of the file, for messages.

    Raises:
        GeometryError: it holds no cells with a volume, or points in heaps.
    """
    number, points, merged = _places(raw, path)
    cells, cell_groups = _gathered(raw, number, 3)
    if not len(cells):
        held = ", ".join(sorted({name for name, _ in raw.blocks})) or "none"
        raise GeometryError(
            f"{path}: a flat mesh or a surface, without cells that have a volume; cells found: {held}; "
            "expected "
            "tetrahedra, hexahedra, wedges or pyramids (closed surfaces belong in [geometry.labels], as STL)"
        )
    facets, facet_groups = _gathered(raw, number, 2)
    used, compact = np.unique(cells, return_inverse=True)
    place = np.full(len(points), -1, dtype=np.int64)
    place[used] = np.arange(len(used))
    parts = Parts(
        points=points[used],
        cells=compact.reshape(-1, 4),
        cell_groups=cell_groups,
        facets=place[facets],
        facet_groups=facet_groups,
    )
    return parts, [*_notes(raw, len(cells)), *merged]


def require_regions(geometry: MeshGeometry, parts: Parts, raw: SolidMesh) -> None:
    """Refuse names of groups of cells that the file does not have.

    Raises:
        GeometryError: with the names that it has.
    """
    for name in geometry.regions:
        if name == "*" or name in parts.cell_groups:
            continue
        found = names_text(parts.cell_groups)
        if not parts.cell_groups and raw.numbers:
            found = f"none, but numbers in its cells that tags can choose: {names_text(raw.numbers)}"
        hint = "" if parts.cell_groups else "; '\"*\"' stands for all cells"
        raise GeometryError(f"{geometry.path}: no group of cells {name!r}; found: {found}{hint}")


def names_text(names: Iterable[str]) -> str:
    """Names for a message, a few of them."""
    known = sorted(names)
    shown = ", ".join(repr(name[:60]) for name in known[:MOST_NAMES])
    return (shown or "none") + (f" and {len(known) - MOST_NAMES} more" if len(known) > MOST_NAMES else "")


def _places(raw: SolidMesh, path: Path) -> tuple[Rows, Points, list[str]]:
    """Points, those in one place taken together in the order of their first, the way there, and notes."""
    _, number = np.unique(raw.points, axis=0, return_inverse=True)
    number, first = _in_order(number.reshape(-1))
    points, notes = raw.points[first], []
    if len(points) < len(raw.points):
        merged = len(raw.points) - len(points)
        notes.append(f"{merged} points lie where others do and are taken together with them")
    distance = SAME_PLACE * _shortest_edge(raw)
    tree = cKDTree(points)
    near = (int(tree.count_neighbors(tree, distance)) - len(points)) // 2 if distance > 0.0 else 0
    if near > MOST_NEAR * len(points):
        raise GeometryError(
            f"{path}: so many of its points lie within {SAME_PLACE:g} of its shortest edge of one another "
            "that they cannot be told apart; repair the mesh"
        )
    if near:
        pairs = tree.query_pairs(distance, output_type="ndarray")
        graph = coo_array((np.ones(len(pairs), dtype=bool), pairs.T), shape=2 * (len(points),))
        joined, kept = _in_order(connected_components(graph, directed=False)[1])
        notes.append(
            f"{len(points) - len(kept)} points lie within {SAME_PLACE:g} of the shortest edge of others and "
            "are taken together with them"
        )
        number, points = joined[number], points[kept]
    return number, points, notes


def _in_order(number: NDArray[np.integer]) -> tuple[Rows, Rows]:
    """Classes numbered anew by their first members, and these."""
    _, first, number = np.unique(number, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[number.reshape(-1)], first[order]


def _shortest_edge(raw: SolidMesh) -> float:
    """Between corners of cells with a volume that lie apart; 0 where there are none."""
    shortest = np.inf
    for name, cells in raw.blocks:
        kind, _ = kind_of(name)
        if DIMENSION[kind] != 3:
            continue
        for one, other in combinations(range(CORNERS[kind]), 2):
            edges = np.linalg.norm(raw.points[cells[:, one]] - raw.points[cells[:, other]], axis=1)
            shortest = min(shortest, float(edges[edges > 0.0].min(initial=np.inf)))
    return shortest if np.isfinite(shortest) else 0.0


def _gathered(raw: SolidMesh, number: Rows, dimension: int) -> tuple[Cells, dict[str, Rows]]:
    """All cells of a dimension as simplices, and the groups that they are in."""
    pieces: list[Cells] = [np.zeros((0, dimension + 1), dtype=np.int64)]
    groups: dict[str, list[Rows]] = {}
    count = 0
    for block, (name, cells) in enumerate(raw.blocks):
        if DIMENSION[kind_of(name)[0]] != dimension:
            continue
        simplices, parent = as_simplices(name, number[cells])
        for group, where, rows in raw.groups:
            if where == block:
                chosen = np.zeros(len(cells), dtype=bool)
                chosen[rows] = True
                groups.setdefault(group, []).append(count + np.flatnonzero(chosen[parent]))
        pieces.append(simplices)
        count += len(simplices)
    return np.concatenate(pieces), {name: np.unique(np.concatenate(rows)) for name, rows in groups.items()}


def _notes(raw: SolidMesh, cells: int) -> list[str]:
    solid = [(name, len(c)) for name, c in raw.blocks if DIMENSION[kind_of(name)[0]] == 3]
    other = sorted({name for name, _ in solid if name not in ("tetra",)})
    notes = []
    if other:
        counts = ", ".join(f"{sum(n for k, n in solid if k == name)} {name}" for name in other)
        notes.append(f"{counts} are converted; the mesh has {cells} tetrahedra")
    return notes

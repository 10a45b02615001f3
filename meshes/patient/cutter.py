# SPDX-License-Identifier: MIT
"""Cuts a tetrahedral mesh along the zero level of a function, conforming by construction.

Vertices near the surface are moved onto it, every edge that still crosses it gets a vertex at the root, and
tetrahedra are bisected along their crossed edges in one global order of edges. Two cells that share a face
split it alike, because the order of the face's edges is the same seen from both.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.cells.quality import volumes
from meshes.cells.tetrahedra import LOCAL_EDGES, Cells, Points, edge_keys, unique_edges

Level = Callable[[Points], NDArray[np.float64]]
Mask = NDArray[np.bool_]

SNAP: Final = 0.2
"""Share of the shortest edge at a vertex within which the vertex is moved onto the surface."""

LEAST_VOLUME: Final = 0.1
"""A move that leaves a cell less than this share of its volume is taken back."""


def cut(
    points: Points, cells: Cells, level: Level, fixed: Mask
) -> tuple[Points, Cells, NDArray[np.int64], Mask]:
    """Splits the cells that a surface crosses, so that the surface is a union of faces.

    Args:
        points: vertices [m], shape ``(n, 3)``.
        cells: tetrahedra of positive volume, shape ``(m, 4)``.
        level: signed distance-like function of points ``(k, 3)``, negative inside.
        fixed: vertices that must stay where they are, shape ``(n,)``; the surface bends to one that is near.

    Returns:
        Points (the first ``n`` are the given ones, some moved), cells, the number of the cell each one comes
        from, and whether each cell lies inside.
    """
    values = level(points)
    points, values = _snap(points, cells, values, level, fixed)
    edges = unique_edges(cells)
    edges = edges[values[edges[:, 0]] * values[edges[:, 1]] < 0.0]
    lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    edges = edges[np.argsort(-lengths, kind="stable")]
    roots = _roots(points, edges, values, level)
    middles = np.arange(len(points), len(points) + len(edges))
    points = np.concatenate((points, roots))
    values = np.concatenate((values, np.zeros(len(edges))))
    cells, parent = bisect(cells, edges, middles)
    return points, cells, parent, _inside(points, cells, values, level)


def bisect(cells: Cells, edges: Cells, middles: Cells) -> tuple[Cells, NDArray[np.int64]]:
    """Bisects tetrahedra along marked edges, in the order in which the edges are given.

    Args:
        cells: tetrahedra, shape ``(n, 4)``.
        edges: marked edges, lower vertex first, shape ``(k, 2)``.
        middles: vertex on each marked edge, shape ``(k,)``.

    Returns:
        The new cells, and the number of the cell that each comes from.
    """
    parent = np.arange(len(cells))
    if len(edges) == 0:
        return cells, parent
    order = np.argsort(edge_keys(edges))
    keys = edge_keys(edges)[order]
    done: list[tuple[Cells, NDArray[np.int64]]] = []
    while len(cells):
        pairs = np.sort(cells[:, LOCAL_EDGES], axis=2)
        wanted = edge_keys(pairs.reshape(-1, 2))
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        rank = np.where(keys[place] == wanted, order[place], len(keys)).reshape(-1, 6)
        first = rank.argmin(axis=1)
        marked = rank[np.arange(len(cells)), first]
        split = marked < len(keys)
        done.append((cells[~split], parent[~split]))
        cells, parent = cells[split], parent[split]
        here, middle = LOCAL_EDGES[first[split]], middles[marked[split]]
        halves = [cells.copy(), cells.copy()]
        for side, half in enumerate(halves):
            half[np.arange(len(half)), here[:, side]] = middle
        cells, parent = np.concatenate(halves), np.tile(parent, 2)
    return np.concatenate([c for c, _ in done]), np.concatenate([p for _, p in done])


def _snap(
    points: Points, cells: Cells, values: NDArray[np.float64], level: Level, fixed: Mask
) -> tuple[Points, NDArray[np.float64]]:
    """Moves vertices close to the surface onto it, except where a cell would become too flat."""
    pairs = cells[:, LOCAL_EDGES]
    crossing = values[pairs[:, :, 0]] * values[pairs[:, :, 1]] < 0.0
    touched = np.zeros(len(points), dtype=bool)
    touched[cells[crossing.any(axis=1)]] = True
    cells = cells[touched[cells].any(axis=1)]
    edges = unique_edges(cells)
    lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    shortest = np.full(len(points), np.inf)
    for side in (0, 1):
        np.minimum.at(shortest, edges[:, side], lengths)
    near = touched & (np.abs(values) < SNAP * shortest)
    values = np.where(near & fixed, 0.0, values)
    moving = np.flatnonzero(near & ~fixed)
    target = points[moving] - _to_surface(points[moving], values[moving], level, 1e-3 * shortest[moving])
    before = volumes(points, cells)
    while len(moving):
        moved = points.copy()
        moved[moving] = target
        bad = cells[volumes(moved, cells) < LEAST_VOLUME * before]
        keep = ~np.isin(moving, bad)
        if keep.all():
            points, values = moved, values.copy()
            values[moving] = 0.0
            break
        moving, target = moving[keep], target[keep]
    return points, values


def _to_surface(
    points: Points, values: NDArray[np.float64], level: Level, step: NDArray[np.float64]
) -> Points:
    """Newton step (negated) along the gradient from points to the zero level."""
    gradient = np.empty_like(points)
    for axis in range(3):
        shift = np.zeros_like(points)
        shift[:, axis] = step
        gradient[:, axis] = (level(points + shift) - level(points - shift)) / (2.0 * step)
    squared = np.maximum((gradient**2).sum(axis=1), 0.25)
    return np.asarray(values[:, None] * gradient / squared[:, None])


def _roots(points: Points, edges: Cells, values: NDArray[np.float64], level: Level) -> Points:
    """Points where the level is zero on edges that cross it (false position and halving in turn)."""
    a, along = points[edges[:, 0]], points[edges[:, 1]] - points[edges[:, 0]]
    f_low: NDArray[np.float64] = values[edges[:, 0]]
    f_high: NDArray[np.float64] = values[edges[:, 1]]
    low: NDArray[np.float64] = np.zeros(len(edges))
    high: NDArray[np.float64] = np.ones(len(edges))
    for step in range(6):
        share = 0.5 if step % 2 else f_low / (f_low - f_high)
        root = low + share * (high - low)
        value = level(a + root[:, None] * along)
        same = value * f_low > 0.0
        low, f_low = np.where(same, root, low), np.where(same, value, f_low)
        high, f_high = np.where(same, high, root), np.where(same, f_high, value)
    root = low + (high - low) * f_low / (f_low - f_high)
    return np.asarray(a + np.clip(root, 0.02, 0.98)[:, None] * along)


def _inside(points: Points, cells: Cells, values: NDArray[np.float64], level: Level) -> Mask:
    """Side of the surface on which each cell lies; no cell has vertices on both."""
    sums = values[cells].sum(axis=1)
    flat = (values[cells] == 0.0).all(axis=1)
    sums[flat] = level(points[cells[flat]].mean(axis=1))
    return np.asarray(sums < 0.0)

# SPDX-License-Identifier: MIT
"""How often a closed surface winds around the points of a grid: inside, outside, and where it overlaps."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.geometry import GeometryError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

TOGETHER: Final = 2**17
"""Pairs of a triangle and a line of the grid that are looked at together."""

MOST_PAIRS: Final = 200_000_000
"""Of one surface; one of a body, at the finest voxels, has a hundredth of them."""


def winding_numbers(corners: Floats, shape: tuple[int, ...]) -> NDArray[Any]:
    """Winding number of a closed surface at grid points: 1 inside, 0 outside, 2 where two parts overlap.

    Args:
        corners: of the triangles in index coordinates, normals outwards, shape ``(m, 3, 3)``.
        shape: of the grid, whose points have whole numbers as coordinates.

    Returns:
        Whole numbers, as short as the number of triangles allows, shape ``shape``.

    Raises:
        GeometryError: so many triangles lie over one another that this would take minutes.
    """
    # A shift that no lattice line shares with an edge: each line then meets whole triangles.
    corners = corners + np.array([1.234567e-7, 2.718281e-7, 0.0])
    low = np.clip(np.ceil(corners[:, :, :2].min(axis=1)), 0, None).astype(np.int64)
    high = np.minimum(np.floor(corners[:, :, :2].max(axis=1)), np.array(shape[:2]) - 1).astype(np.int64)
    extent = np.maximum(high - low + 1, 0)
    counts = extent.prod(axis=1)
    last = np.cumsum(counts)
    if len(last) and last[-1] > MOST_PAIRS:
        raise GeometryError(
            f"its {len(corners)} triangles lie over {last[-1]} lines of voxels, one over another; at most "
            f"{MOST_PAIRS} are followed: choose larger voxels, or repair the surface"
        )
    winding = np.zeros((*shape[:2], shape[2] + 1), dtype=np.int16 if len(corners) < 2**15 else np.int32)
    begin = 0
    while begin < len(corners):
        done = int(last[begin - 1]) if begin else 0
        end = max(int(np.searchsorted(last, done + TOGETHER, side="right")), begin + 1)
        chosen = slice(begin, end)
        _add_crossings(winding, corners[chosen], low[chosen], extent[chosen])
        begin = end
    np.cumsum(winding, axis=2, dtype=winding.dtype, out=winding)
    return winding[:, :, :-1]


def _add_crossings(winding: NDArray[Any], corners: Floats, low: Integers, extent: Integers) -> None:
    """Note where lines along the third axis pass through triangles: what is above them changes there."""
    counts = extent.prod(axis=1)
    owner = np.repeat(np.arange(len(corners)), counts)
    local = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    i = low[owner, 0] + local // extent[owner, 1]
    j = low[owner, 1] + local % extent[owner, 1]
    a, b, c = (corners[owner, n] for n in range(3))
    line = np.column_stack((i, j)).astype(np.float64)
    weights = np.stack([_area(b, c, line), _area(c, a, line), _area(a, b, line)])
    total = weights.sum(axis=0)
    hit = (weights * np.sign(total) > 0.0).all(axis=0)
    height = (weights * np.stack([a[:, 2], b[:, 2], c[:, 2]])).sum(axis=0)[hit] / total[hit]
    highest = winding.shape[2] - 1
    level = np.clip(np.ceil(height), 0, highest).astype(np.int64)
    np.add.at(winding, (i[hit], j[hit], level), -np.sign(total[hit]).astype(winding.dtype))


def _area(a: Floats, b: Floats, line: Floats) -> Floats:
    """Twice the signed area of the triangles of two projected corners and a lattice line."""
    u, v = a[:, :2] - line, b[:, :2] - line
    return np.asarray(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])

# SPDX-License-Identifier: MIT
"""Numbers as short text for a page: quantised, put in an order that compresses, deflated, base64.

``templates/unpack.js`` is the other end.
"""

import base64
import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

STEPS: Final = 65535
"""Levels above the lowest to which positions are rounded."""

MIDDLE: Final = 32767
"""Level of the value 0."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Rounds values to levels that lie close at small values and are proportional at large ones.

    Level ``i`` stands for ``bend sinh((i - MIDDLE) / MIDDLE asinh(top / bend))``.

    Attributes:
        bend: size below which the levels are evenly spaced.
        top: largest size of a value.
    """

    bend: float
    top: float

    def levels(self, values: NDArray[np.float64]) -> NDArray[np.uint16]:
        """The nearest level of each value; those outside the range get its ends."""
        bent = np.arcsinh(np.clip(values, -self.top, self.top) / self.bend)
        return np.rint(MIDDLE + MIDDLE * bent / np.arcsinh(self.top / self.bend)).astype(np.uint16)


def pack(numbers: NDArray[np.unsignedinteger[Any]], differences: bool = False) -> dict[str, Any]:
    """Whole numbers as text.

    Args:
        numbers: of type uint8, uint16 or uint32.
        differences: store each number less the one before; shorter where neighbours are alike.

    Returns:
        ``width`` (bytes per number), ``differences`` and ``data``.
    """
    flat: NDArray[Any] = numbers.ravel()
    if differences:
        flat = np.diff(flat, prepend=flat.dtype.type(0))
    planes = flat.astype(flat.dtype.newbyteorder("<")).view(np.uint8).reshape(-1, flat.itemsize).T
    data = zlib.compress(np.ascontiguousarray(planes).tobytes(), 6)
    return {
        "width": flat.itemsize,
        "differences": differences,
        "data": base64.b64encode(data).decode("ascii"),
    }


def pack_points(points: NDArray[np.float64]) -> dict[str, Any]:
    """Positions as text, each coordinate rounded to a 65535th of the box around them.

    Args:
        points: shape ``(n, dimension)``.

    Returns:
        ``low`` and ``step`` per axis, and ``axes``: one packed array each.
    """
    low = points.min(axis=0) if len(points) else np.zeros(points.shape[1])
    extent = np.ptp(points, axis=0) if len(points) else np.zeros(points.shape[1])
    step = np.where(extent > 0.0, extent, 1.0) / STEPS
    levels = np.rint((points - low) / step).astype(np.uint16)
    return {
        "low": low.tolist(),
        "step": step.tolist(),
        "axes": [pack(axis, differences=True) for axis in levels.T],
    }


def pack_cells(cells: NDArray[np.int64]) -> dict[str, Any]:
    """Cells as text: their first vertex as a difference to the cell before, the others to their neighbour.

    Args:
        cells: vertex numbers in ascending order in each cell, shape ``(n, corners)``.

    Returns:
        ``count`` and ``corners``: one packed array per corner.
    """
    rises = np.diff(cells, axis=1).T.astype(np.uint32)
    first = cells[:, 0].astype(np.uint32)
    return {"count": len(cells), "corners": [pack(first, differences=True), *(pack(rise) for rise in rises)]}


def pack_triangles(triangles: NDArray[np.int64]) -> dict[str, Any]:
    """Triangles as text, with the side that they face.

    Args:
        triangles: vertex numbers, counted round the side seen from outside, shape ``(n, 3)``.

    Returns:
        As of `pack_cells`, and ``turned``: 1 for triangles that face the other way in ascending order.
    """
    rising = np.sort(triangles, axis=1)
    order = np.lexsort(rising.T[::-1])
    first = triangles.argmin(axis=1)
    rows = np.arange(len(triangles))
    turned = triangles[rows, (first + 1) % 3] > triangles[rows, (first + 2) % 3]
    return {**pack_cells(rising[order]), "turned": pack(turned[order].astype(np.uint8))}


def along_curve(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Order of points along a space-filling curve (Morton 1966), so that neighbours come close together.

    Args:
        points: shape ``(n, dimension)``, at most three dimensions.

    Returns:
        Permutation, shape ``(n,)``.
    """
    extent = np.ptp(points, axis=0).max(initial=0.0)
    levels = ((points - points.min(axis=0)) * (1023.0 / (extent or 1.0))).astype(np.uint64)
    key = np.zeros(len(points), dtype=np.uint64)
    dimension = points.shape[1]
    for bit in range(10):
        for axis in range(dimension):
            key |= ((levels[:, axis] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(bit * dimension + axis)
    return np.argsort(key, kind="stable").astype(np.int64)

# SPDX-License-Identifier: MIT
"""A regular grid of points, and fields of any mesh looked up at them: how meshes are compared."""

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from meshes.plain import PlainMesh

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ROUND_OFF = 1e-9


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Points in rows along the axes of a geometry: r, or r and z, or x, y and z.

    Attributes:
        geometry: ``radial``, ``axisymmetric`` or ``3d``.
        origin: of the first point [m].
        spacing: of points along every axis [m].
        shape: number of points along each axis.
    """

    geometry: str
    origin: tuple[float, ...]
    spacing: float
    shape: tuple[int, ...]

    @property
    def axes(self) -> tuple[Floats, ...]:
        """Coordinates along each axis [m]."""
        pairs = zip(self.origin, self.shape, strict=True)
        return tuple(start + self.spacing * np.arange(count, dtype=np.float64) for start, count in pairs)

    @property
    def points(self) -> Floats:
        """All points [m], the last axis fastest, shape ``(size, dimension)``."""
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), axis=-1).reshape(-1, len(self.shape))

    @property
    def volumes(self) -> Floats:
        """Volume in space that each point stands for [m3], in the shape of the grid."""
        step, first = self.spacing, self.axes[0]
        if self.geometry == "radial":
            shells = 4 / 3 * pi * ((first + step / 2) ** 3 - np.maximum(first - step / 2, 0.0) ** 3)
            return np.asarray(shells)
        if self.geometry == "axisymmetric":
            rings = pi * step * ((first + step / 2) ** 2 - np.maximum(first - step / 2, 0.0) ** 2)
            return np.repeat(rings[:, None], self.shape[1], axis=1)
        return np.full(self.shape, step**3)


def grid_around(geometry: str, low: Floats, high: Floats, spacing: float) -> Grid:
    """The grid of a box; along a radius points lie at odd halves of the spacing, so that none is on the axis.

    Args:
        geometry: ``radial``, ``axisymmetric`` or ``3d``.
        low: least corner [m], shape ``(dimension,)``.
        high: largest corner [m].
        spacing: [m].
    """
    low = np.array(low, dtype=np.float64)
    if geometry != "3d":
        low[0] = 0.0
    shape = np.maximum(np.ceil((high - low) / spacing - ROUND_OFF), 1).astype(int)
    return Grid(
        geometry=geometry,
        origin=tuple(float(value) for value in low + spacing / 2),
        spacing=spacing,
        shape=tuple(int(count) for count in shape),
    )


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """Where the points of a grid lie in a mesh.

    Attributes:
        cell: that holds each point, -1 outside the mesh, shape ``(size,)``.
        corners: vertices of that cell, shape ``(size, dimension + 1)``.
        weights: barycentric, shape ``(size, dimension + 1)``; zero outside.
    """

    cell: Integers
    corners: Integers
    weights: Floats

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Which points lie in the mesh."""
        return self.cell >= 0

    def values(self, nodal: Floats) -> Floats:
        """A nodal field at the points, linear within cells; 0 outside."""
        return np.asarray((nodal[self.corners] * self.weights).sum(axis=1))


def look_up(grid: Grid, plain: PlainMesh) -> Lookup:
    """Find the points of a grid in the cells of a mesh: every cell looks for the points in its own box."""
    corners = plain.points[plain.cells]
    inverse: Floats = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)).astype(np.float64)
    cell = np.full(int(np.prod(grid.shape)), -1, dtype=np.int64)
    weights = np.zeros((cell.size, len(grid.shape) + 1))
    # indices along three axes, whatever the dimension
    padded: dict[str, Any] = {"origin": np.zeros(3), "shape": np.ones(3, dtype=np.int64)}
    padded["origin"][: len(grid.shape)] = grid.origin
    padded["shape"][: len(grid.shape)] = grid.shape
    _claim(corners, inverse, padded["origin"], grid.spacing, padded["shape"], cell, weights)
    return Lookup(cell=cell, corners=plain.cells[np.maximum(cell, 0)].astype(np.int64), weights=weights)


@njit(cache=True)
def _claim(
    corners: Floats,
    inverse: Floats,
    origin: Floats,
    spacing: float,
    shape: Integers,
    cell: Integers,
    weights: Floats,
) -> None:
    """The first cell that holds a point has it."""
    dimension = corners.shape[2]
    low, high = np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
    offset, found = np.zeros(dimension), np.zeros(dimension + 1)
    for number in range(corners.shape[0]):
        for axis in range(dimension):
            least, most = corners[number, :, axis].min(), corners[number, :, axis].max()
            low[axis] = max(np.ceil((least - origin[axis]) / spacing - ROUND_OFF), 0)
            high[axis] = min(np.floor((most - origin[axis]) / spacing + ROUND_OFF), shape[axis] - 1)
        for i in range(low[0], high[0] + 1):
            for j in range(low[1], high[1] + 1):
                for k in range(low[2], high[2] + 1):
                    place = (i * shape[1] + j) * shape[2] + k
                    if cell[place] >= 0:
                        continue
                    index = (i, j, k)
                    for axis in range(dimension):
                        offset[axis] = origin[axis] + spacing * index[axis] - corners[number, 0, axis]
                    found[0] = 1.0
                    for row in range(dimension):
                        found[row + 1] = 0.0
                        for axis in range(dimension):
                            found[row + 1] += inverse[number, row, axis] * offset[axis]
                        found[0] -= found[row + 1]
                    if found.min() >= -ROUND_OFF:
                        cell[place] = number
                        weights[place] = found

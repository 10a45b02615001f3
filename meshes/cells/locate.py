# SPDX-License-Identifier: MIT
"""Which cell of a mesh holds a point, and the weights of its corners there."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.plain import PlainMesh

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CANDIDATES: Final = 24
"""Cells by distance of their centroids that are tried first; then all whose box holds the point."""
ROUND_OFF: Final = 1e-9


class Locator:
    """Finds points in the cells of a mesh.

    Attributes:
        longest: longest edge of each cell [m], shape ``(n_cells,)``.
        extent: diagonal of the box around the mesh [m].
    """

    def __init__(self, plain: PlainMesh) -> None:
        # A tenth of the start of every run, and few runs look for points.
        from scipy.spatial import cKDTree

        corners = plain.points[plain.cells]
        self._cells = plain.cells
        self._first = corners[:, 0]
        self._inverse = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))
        self._low, self._high = corners.min(axis=1), corners.max(axis=1)
        self._tree = cKDTree(corners.mean(axis=1))
        self.extent = float(np.linalg.norm(np.ptp(plain.points, axis=0)))
        apart = corners[:, :, None] - corners[:, None]
        self.longest: Floats = np.sqrt((apart**2).sum(axis=3).max(axis=(1, 2)))

    def locate(self, points: Floats) -> tuple[Integers, Floats]:
        """Cell of each point, -1 outside the mesh, and the barycentric weights of its corners.

        Args:
            points: in the coordinates of the mesh [m], shape ``(k, dimension)``.

        Returns:
            Shapes ``(k,)`` and ``(k, dimension + 1)``; weights are zero outside.
        """
        found = np.full(len(points), -1, dtype=np.int64)
        weights = np.zeros((len(points), self._cells.shape[1]))
        if not len(points):
            return found, weights
        count = min(CANDIDATES, len(self._cells))
        near = self._tree.query(points, k=count)[1].reshape(len(points), count)
        for column in range(count):
            left = np.flatnonzero(found < 0)
            self._try(points, left, near[left, column], found, weights)
        for k in np.flatnonzero(found < 0):
            inside = np.all((self._low <= points[k]) & (points[k] <= self._high), axis=1)
            for cell in np.flatnonzero(inside):
                self._try(points, np.array([k]), np.array([cell]), found, weights)
                if found[k] >= 0:
                    break
        return found, weights

    def _try(self, points: Floats, which: Integers, cells: Integers, found: Integers, out: Floats) -> None:
        inner = np.einsum("kij,kj->ki", self._inverse[cells], points[which] - self._first[cells])
        weights = np.column_stack([1.0 - inner.sum(axis=1), inner])
        hit = weights.min(axis=1) >= -ROUND_OFF
        positive = np.maximum(weights[hit], 0.0)
        found[which[hit]] = cells[hit]
        out[which[hit]] = positive / positive.sum(axis=1, keepdims=True)

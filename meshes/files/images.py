# SPDX-License-Identifier: MIT
"""Images of numbers (NIfTI, NRRD, MetaImage) looked up at points in space; holes give no number."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from meshes.files.labels import read_voxels
from meshes.geometry import GeometryError

Floats = NDArray[np.float64]

LEAST_WEIGHT: Final = 0.5
"""Of the voxels around a point that hold a number, below which the point is in a hole."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """Numbers on voxels in space.

    Attributes:
        path: the file.
        values: shape ``(ni, nj, nk)``; NaN where there is no number.
        affine: voxel index to RAS position [m], shape ``(4, 4)``.
        notes: what a user should know about how the file was read.
    """

    path: Path
    values: Floats
    affine: Floats
    notes: tuple[str, ...] = ()

    @property
    def spacing(self) -> float:
        """Shortest edge of a voxel, of those axes that have more than one [m]."""
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(lengths[np.array(self.values.shape) > 1].min())

    def indices(self, points: Floats) -> Floats:
        """Voxel indices, not rounded, of points [m], shape ``(n, 3)``; 0 along the axis of a single slice."""
        back = np.linalg.inv(self.affine)
        found = points @ back[:3, :3].T + back[:3, 3]
        found[:, np.array(self.values.shape) == 1] = 0.0
        return np.asarray(found)

    def at(self, points: Floats) -> Floats:
        """Values at points [m], linear between voxel centres; NaN in holes and outside, shape ``(n,)``.

        Voxels without a number are left out of the mean; where they have more than half of the weight the
        point is in a hole. An image of one slice holds all along its normal.
        """
        index, shape = self.indices(points), np.array(self.values.shape)
        outside = ((index < -0.5) | (index > shape - 0.5)).any(axis=1)
        index = np.clip(index, 0.0, shape - 1.0)
        low = np.minimum(index.astype(np.int64), np.maximum(shape - 2, 0))
        share = index - low
        total, weights = np.zeros(len(points)), np.zeros(len(points))
        for corner in np.ndindex(2, 2, 2):
            weight = np.prod(np.where(corner, share, 1.0 - share), axis=1)
            voxel = np.minimum(low + corner, shape - 1)
            value = self.values[voxel[:, 0], voxel[:, 1], voxel[:, 2]]
            known = np.isfinite(value)
            total += np.where(known, weight * np.where(known, value, 0.0), 0.0)
            weights += np.where(known, weight, 0.0)
        unknown = outside | (weights < LEAST_WEIGHT)
        return np.where(unknown, np.nan, total / np.where(unknown, 1.0, weights))

    def nearest(self, points: Floats) -> Floats:
        """Value of the voxel with a number that lies nearest to each point [m], shape ``(n,)``."""
        known = np.argwhere(np.isfinite(self.values))
        index = self.indices(points)
        edges = np.linalg.norm(self.affine[:3, :3], axis=0)
        chosen = known[cKDTree(known * edges).query(index * edges)[1]]
        return np.asarray(self.values[chosen[:, 0], chosen[:, 1], chosen[:, 2]])


def read_image(path: Path) -> Image:
    """Reads an image of numbers with its position in space (serial).

    Args:
        path: NIfTI, NRRD or MetaImage file of three dimensions, one of which may be a single slice.

    Raises:
        MeshInputError: the file is missing, of another kind, corrupt or truncated.
        GeometryError: wrong dimensions, colours, axes or size, or no number at all.
    """
    values, affine, notes = read_voxels(path, thinnest=1)
    numbers = np.asarray(values, dtype=np.float64)
    if not np.isfinite(numbers).any():
        raise GeometryError(f"{path}: no voxel holds a number")
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    if min(numbers.shape) == 1:
        notes = (*notes, f"{path.name}: one slice, taken to hold all along its normal")
    return Image(path=path, values=numbers, affine=affine, notes=notes)

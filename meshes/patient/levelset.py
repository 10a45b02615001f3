# SPDX-License-Identifier: MIT
"""Smooth signed distance of a voxel structure, with the volume of its voxels kept."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from meshes.cells.tetrahedra import Points
from meshes.patient.masks import Structure, reframe

MOST_POINTS: Final = 2e7
"""Grid points of a level set beyond which its grid is made coarser."""


@dataclass(frozen=True, kw_only=True)
class LevelSet:
    """A function of space, negative inside a structure, about the distance to its surface [m].

    Attributes:
        coefficients: cubic spline coefficients on an isotropic grid along the axes of the image.
        values: the function at the grid points [m].
        axes: unit vectors of the grid in RAS, as columns, shape ``(3, 3)``.
        origin: RAS position of the first grid point [m].
        step: distance of grid points [m].
    """

    coefficients: NDArray[np.float64]
    values: NDArray[np.float64]
    axes: NDArray[np.float64]
    origin: NDArray[np.float64]
    step: float

    def __call__(self, points: Points) -> NDArray[np.float64]:
        """The function at RAS points [m], shape ``(n, 3)``; outside the grid the distance to it is added."""
        index = (points - self.origin) @ self.axes / self.step
        held = np.clip(index, 0.0, np.array(self.values.shape) - 1.0)
        values = ndimage.map_coordinates(self.coefficients, held.T, order=3, prefilter=False, mode="nearest")
        return np.asarray(values + self.step * np.linalg.norm(index - held, axis=1))

    def grid_points(self, chosen: NDArray[np.bool_]) -> Points:
        """RAS positions of chosen grid points [m]."""
        return np.asarray(self.origin + self.step * np.argwhere(chosen) @ self.axes.T)


def smoothing_length(structure: Structure) -> float:
    """Standard deviation of the smoothing [m]: the slice thickness, at most 0.1 of the equivalent radius."""
    return float(min(structure.spacing.max(), 0.1 * structure.equivalent_radius))


@dataclass(frozen=True, kw_only=True)
class Ball:
    """A place in space: centre and radius [m]."""

    centre: Points
    radius: float

    def holds(self, points: Points) -> NDArray[np.bool_]:
        """Whether points lie in the ball."""
        return np.asarray(((points - self.centre) ** 2).sum(axis=-1) < self.radius**2)


def level_set(structure: Structure, smoothing: float, margin: float, within: Ball | None = None) -> LevelSet:
    """Signed distance of a structure, smoothed by a Gaussian, shifted so that the voxels' volume is kept.

    The distance is Euclidean between voxel centres, inside and outside averaged, so that its zero lies on the
    faces between voxels. One component and no hole survive the smoothing.

    Args:
        structure: the voxels.
        smoothing: standard deviation of the Gaussian [m].
        margin: width of the grid around the structure's box [m].
        within: where the volume is kept, if not everywhere.
    """
    spacing = structure.spacing
    pad = np.ceil(margin / spacing).astype(np.int64)
    padded = reframe(structure, np.array([-pad, structure.inside.shape + pad]))
    distance = ndimage.distance_transform_edt(
        ~padded.inside, sampling=spacing
    ) - ndimage.distance_transform_edt(padded.inside, sampling=spacing)
    finest = (distance.size * float(np.prod(spacing)) / MOST_POINTS) ** (1.0 / 3.0)
    step = max(finest, float(np.clip(0.6 * smoothing, 0.5 * spacing.min(), 1.5e-3)))
    counts = np.floor((np.array(distance.shape) - 1) * spacing / step).astype(np.int64) + 1
    values = ndimage.affine_transform(
        distance, np.diag(step / spacing), output_shape=tuple(counts), order=3, mode="nearest"
    )
    values = ndimage.gaussian_filter(values, smoothing / step, mode="nearest", truncate=3.0)
    level = LevelSet(
        coefficients=values,
        values=values,
        axes=padded.affine[:3, :3] / spacing,
        origin=padded.affine[:3, 3],
        step=step,
    )
    volume, counted = structure.volume, values.ravel()
    if within is not None:
        volume = float(np.mean(within.holds(structure.positions()))) * volume
        counted = values[
            within.holds(level.grid_points(np.ones_like(values, dtype=bool))).reshape(values.shape)
        ]
    values = _single(values - _shift_to_volume(counted, step, volume), step)
    return replace(level, values=values, coefficients=ndimage.spline_filter(values, order=3, mode="nearest"))


def _shift_to_volume(values: NDArray[np.float64], step: float, volume: float) -> float:
    """Level at which the volume below it equals the wanted one, cells at the surface counted in part."""
    low, high = float(values.min()), float(values.max())
    for _ in range(50):
        level = 0.5 * (low + high)
        below = float(np.clip(0.5 - (values - level) / step, 0.0, 1.0).sum()) * step**3
        low, high = (level, high) if below < volume else (low, level)
    return 0.5 * (low + high)


def _single(values: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Raises islands and fills bubbles that smoothing split off."""
    result = values.copy()
    for sign in (1.0, -1.0):
        numbers, count = ndimage.label(sign * result < 0.0)
        if count > 1:
            keep = 1 + int(np.bincount(numbers.ravel())[1:].argmax())
            stray = (numbers > 0) & (numbers != keep)
            result[stray] = sign * 0.25 * step
    return result

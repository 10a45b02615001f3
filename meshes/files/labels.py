# SPDX-License-Identifier: MIT
"""Reads label maps (NIfTI, NRRD, MetaImage) into voxel values and an affine in RAS metres."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.files.image_files import ImageFile, open_image, stored_voxels
from meshes.geometry import GeometryError

SPACING_RANGE: Final = (1e-5, 5e-2)
"""Voxel edges [m] that a medical image can have."""


@dataclass(frozen=True, kw_only=True)
class LabelMap:
    """Voxel labels in space.

    Attributes:
        path: the file.
        values: integer label of each voxel, shape ``(ni, nj, nk)``.
        affine: voxel index to RAS position [m], shape ``(4, 4)``.
        notes: what a user should know about how the file was read.
    """

    path: Path
    values: NDArray[np.integer[Any]]
    affine: NDArray[np.float64]
    notes: tuple[str, ...] = ()

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Voxel edge lengths along the three axes [m]."""
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))


def read_label_map(path: Path) -> LabelMap:
    """Reads a label map with its position in space (serial).

    Args:
        path: NIfTI, NRRD or MetaImage file of three dimensions.

    Returns:
        Labels and the affine from voxel index to RAS position [m].

    Raises:
        MeshInputError: the file is missing, of another kind, corrupt or truncated.
        GeometryError: it is readable but no label map: dimensions, colours, values, axes or size.
    """
    image = open_image(path)
    _check_axes(path, image.affine)
    values = _whole_numbers(path, stored_voxels(image), image.header.scale)
    return LabelMap(path=path, values=values, affine=image.affine, notes=_notes(image))


def read_voxels(path: Path, thinnest: int) -> tuple[NDArray[Any], NDArray[np.float64], tuple[str, ...]]:
    """Reads an image as its file has it (serial).

    Args:
        path: NIfTI, NRRD or MetaImage file of three dimensions.
        thinnest: voxels that it must have along each axis; 1 admits a single slice.

    Returns:
        Values, shape ``(ni, nj, nk)``, affine from voxel index to RAS position [m], and notes.

    Raises:
        MeshInputError: the file is missing, of another kind, corrupt or truncated.
        GeometryError: wrong dimensions, colours, axes or size.
    """
    image = open_image(path, thinnest)
    _check_axes(path, image.affine)
    values, (factor, summand) = stored_voxels(image), image.header.scale
    if (factor, summand) != (1.0, 0.0):
        values = factor * values.astype(np.float64) + summand
    return values, image.affine, _notes(image)


def _notes(image: ImageFile) -> tuple[str, ...]:
    note = f"{image.path.name}: the header gives no orientation; its axes are taken as its format's default"
    return () if image.header.placed else (note,)


def _check_axes(path: Path, affine: NDArray[np.float64]) -> None:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    low, high = SPACING_RANGE
    if not np.isfinite(affine).all() or spacing.min() < low or spacing.max() > high:
        text = " x ".join(f"{1e3 * s:.4g}" for s in spacing)
        raise GeometryError(
            f"{path}: voxels of {text} mm; expected edges between {1e3 * low:g} and {1e3 * high:g} mm"
        )
    axes = affine[:3, :3] / spacing
    if np.abs(axes.T @ axes - np.eye(3)).max() > 1e-3:
        raise GeometryError(
            f"{path}: the voxel axes are not perpendicular (sheared grid); resample it to a straight one"
        )


def _whole_numbers(path: Path, values: NDArray[Any], scale: tuple[float, float]) -> NDArray[np.integer[Any]]:
    """Values as whole numbers, plane by plane, so that memory is needed for them alone."""
    factor, summand = scale
    if values.dtype.kind in "iub" and scale == (1.0, 0.0):
        return np.asarray(values)
    whole = np.empty(values.shape, dtype=np.int32, order="F")
    broken = 0
    for k in range(values.shape[2]):
        plane = factor * values[:, :, k].astype(np.float64) + summand
        finite = np.isfinite(plane)
        broken += plane.size - int(np.count_nonzero(finite))
        plane[~finite] = 0.0
        nearest = np.rint(plane)
        if np.abs(plane - nearest).max() > 1e-3 or np.abs(nearest).max() >= 2**31:
            raise GeometryError(f"{path}: holds values that are not whole numbers: an image, not a label map")
        whole[:, :, k] = nearest
    if broken:
        raise GeometryError(f"{path}: {broken} voxels are not finite numbers (NaN or infinite)")
    return whole

# SPDX-License-Identifier: MIT
"""Small label maps written to disk for tests."""

from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray


def rotation(degrees: float) -> NDArray[np.float64]:
    """A rotation about an axis that is none of the coordinate axes."""
    axis = np.array([0.48, -0.6, 0.64])
    cross = np.cross(np.eye(3), axis)
    angle = np.deg2rad(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross


def affine(axes: NDArray[np.float64], spacing: tuple[float, float, float], origin=(0.0, 0.0, 0.0)):
    """Voxel index to RAS millimetres."""
    result = np.eye(4)
    result[:3, :3] = axes * np.array(spacing)
    result[:3, 3] = origin
    return result


def ball_labels(shape, matrix, centre, radius, label=1, dtype=np.uint8):
    """Label in a ball given in RAS millimetres."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    position = index @ matrix[:3, :3].T + matrix[:3, 3]
    return (label * (np.linalg.norm(position - np.array(centre), axis=-1) < radius)).astype(dtype)


def write_nifti(path: Path, values, matrix, unit="mm") -> Path:
    image = nibabel.Nifti1Image(values, matrix)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, path)
    return path


def write_itk(path: Path, values, matrix) -> Path:
    """Through SimpleITK, whose axes are LPS."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0)))
    flip = np.diag([-1.0, -1.0, 1.0])
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((flip @ matrix[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin((flip @ matrix[:3, 3]).tolist())
    sitk.WriteImage(image, str(path))
    return path

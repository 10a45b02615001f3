# SPDX-License-Identifier: MIT
"""Makes the synthetic label map of the demo case: a lobed tumour (2) near the surface of an organ (1).

Run it as ``python cases/shipped/make_demo_labels.py``; it writes ``demo_labels.nii.gz`` beside itself, the
same bytes each time. The grid is oblique and coarse along one axis, as a scan's is, so that axes and slices
matter.
"""

import gzip
from pathlib import Path
from typing import Final

import nibabel
import numpy as np
from numpy.typing import NDArray

SPACING: Final = np.array([0.8, 0.8, 2.0])
"""Voxel edges [mm]."""

SHAPE: Final = (144, 132, 46)

MIDDLE: Final = np.array([38.0, -22.0, 14.0])
"""RAS position of the middle of the grid and of the organ [mm]."""

TILTS: Final = {"x": 14.0, "z": -11.0}
"""Rotations of the scan's axes about the patient's [degrees]."""

ORGAN_AXES: Final = np.array([48.0, 42.0, 36.0])
"""Semi-axes of the organ [mm] along the patient's axes."""

TUMOUR: Final = MIDDLE + np.array([-26.0, 4.0, 5.0])
"""RAS position of the middle of the tumour [mm]."""

TUMOUR_RADIUS: Final = 8.0
"""Radius of the tumour between its lobes [mm]."""

TUMOUR_LOBES: Final = (
    ((1.0, 0.3, 0.2), 0.52, 4.0),
    ((-0.3, 0.9, -0.4), 0.44, 5.0),
    ((-0.5, -0.6, 0.7), 0.48, 4.5),
    ((0.2, -0.5, -0.9), 0.38, 6.0),
    ((-0.9, 0.1, -0.2), 0.16, 6.0),
    ((0.3, 0.4, 0.9), 0.20, 7.0),
)
ORGAN_LOBES: Final = (
    ((-1.0, 0.2, 0.5), 0.10, 3.0),
    ((0.6, -0.8, 0.1), 0.14, 4.0),
    ((0.4, 0.7, -0.6), -0.12, 4.0),
)
"""Lobes: direction, height over the radius, sharpness."""


def make_labels() -> nibabel.Nifti1Image:
    """The label map, 0 outside, 1 organ, 2 tumour, with its affine in RAS millimetres."""
    affine = scan_affine()
    index = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    position = index @ affine[:3, :3].T + affine[:3, 3]
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[lobed((position - MIDDLE) / ORGAN_AXES, ORGAN_LOBES)] = 1
    labels[lobed((position - TUMOUR) / TUMOUR_RADIUS, TUMOUR_LOBES)] = 2
    image = nibabel.Nifti1Image(labels, affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner")
    return image


def scan_affine() -> NDArray[np.float64]:
    """Voxel index to RAS position [mm], shape ``(4, 4)``: axes to the left, the back and up, tilted."""
    x, z = (np.deg2rad(TILTS[axis]) for axis in "xz")
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ np.diag([-1.0, -1.0, 1.0]) @ np.diag(SPACING)
    affine[:3, 3] = MIDDLE - affine[:3, :3] @ (0.5 * (np.array(SHAPE) - 1))
    return affine


def lobed(
    scaled: NDArray[np.float64], lobes: tuple[tuple[tuple[float, float, float], float, float], ...]
) -> NDArray[np.bool_]:
    """Points inside a unit ball with lobes; the points are relative to its centre, shape ``(..., 3)``."""
    distance = np.linalg.norm(scaled, axis=-1)
    direction = scaled / np.maximum(distance, 1e-12)[..., None]
    radius = np.ones(distance.shape)
    for towards, height, sharpness in lobes:
        axis = np.array(towards) / np.linalg.norm(towards)
        radius += height * np.exp(sharpness * (direction @ axis - 1.0))
    return np.asarray(distance < radius)


def main() -> None:
    """Writes the file; gzip's time stamp is left out, so that the bytes depend on the labels alone."""
    target = Path(__file__).with_name("demo_labels.nii.gz")
    target.write_bytes(gzip.compress(make_labels().to_bytes(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()

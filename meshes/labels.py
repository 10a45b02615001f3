# SPDX-License-Identifier: MIT
"""Reads label maps (NIfTI, NRRD, MetaImage) into voxel values and an affine in RAS metres."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.geometry import GeometryError, MeshInputError

NIFTI: Final = (".nii", ".nii.gz")
ITK: Final = (".nrrd", ".nhdr", ".mha", ".mhd")

LARGEST_BYTES: Final = 2**32
"""Decoded size of a file beyond which it is not read: a header is quickly forged, memory is not."""

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
    if not path.is_file():
        raise MeshInputError(f"{path}: no such file; a label map is expected here")
    name = path.name.lower()
    if name.endswith(NIFTI):
        values, affine, notes = _read_nifti(path)
    elif name.endswith(ITK):
        values, affine, notes = _read_itk(path)
    else:
        raise MeshInputError(f"{path}: a label map must be one of {', '.join(NIFTI + ITK)}")
    _check_axes(path, affine)
    return LabelMap(path=path, values=_whole_numbers(path, values), affine=affine, notes=notes)


def _read_nifti(path: Path) -> tuple[NDArray[Any], NDArray[np.float64], tuple[str, ...]]:
    import nibabel

    try:
        image: Any = nibabel.load(path)
        header = image.header
        dtype = header.get_data_dtype()
        shape = tuple(int(n) for n in image.shape)
        while len(shape) > 3 and shape[-1] == 1:
            shape = shape[:-1]
        _check_layout(path, shape, 1 if dtype.fields is None else len(dtype.fields), dtype.itemsize)
        values = np.asanyarray(image.dataobj).reshape(shape)
        unit = {"meter": 1.0, "micron": 1e-6}.get(header.get_xyzt_units()[0], 1e-3)
    except GeometryError:
        raise
    except Exception as error:
        raise MeshInputError(f"{path}: unreadable as NIfTI: {_first_line(error)}") from error
    affine = np.array(image.affine, dtype=np.float64)
    affine[:3] *= unit
    placed = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    note = f"{path.name}: the header gives no orientation; its axes are taken as nibabel's default"
    return values, affine, () if placed else (note,)


def _read_itk(path: Path) -> tuple[NDArray[Any], NDArray[np.float64], tuple[str, ...]]:
    import SimpleITK as sitk

    sitk.ProcessObject.GlobalWarningDisplayOff()
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        size = tuple(int(n) for n in reader.GetSize())
        while len(size) > 3 and size[-1] == 1:
            size = size[:-1]
        _check_layout(path, size, reader.GetNumberOfComponents(), 8)
        reader.SetExtractSize([*size, *[0] * (reader.GetDimension() - 3)])
        image = reader.Execute()
    except RuntimeError as error:
        raise MeshInputError(f"{path}: unreadable: {_first_line(error)}") from error
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    # ITK counts x to the patient's left and y to the back; RAS counts the other way.
    affine[:2] *= -1.0
    affine[:3] *= 1e-3
    return sitk.GetArrayFromImage(image).transpose(2, 1, 0), affine, ()


def _first_line(error: Exception) -> str:
    """The line of a library's message that says what is wrong, without its own file names and addresses."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [
        line for line in lines if "Exception thrown" not in line and not line.startswith(("/", "Location"))
    ]
    text = (telling or lines or [type(error).__name__])[0]
    return text.split("ITK ERROR: ")[-1][:200]


def _check_layout(path: Path, shape: tuple[int, ...], components: int, itemsize: int) -> None:
    if components != 1:
        raise GeometryError(
            f"{path}: {components} numbers per voxel (colours or vectors); a label map has one"
        )
    if len(shape) != 3 or min(shape) < 2:
        text = " x ".join(map(str, shape))
        raise GeometryError(f"{path}: the image has the shape {text}; a label map has three dimensions")
    size = itemsize
    for n in shape:
        size *= n
    if size > LARGEST_BYTES:
        text = " x ".join(map(str, shape))
        raise GeometryError(
            f"{path}: the header announces {text} voxels, {size / 2**30:.1f} GiB; "
            f"at most {LARGEST_BYTES >> 30} GiB are read"
        )


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


def _whole_numbers(path: Path, values: NDArray[Any]) -> NDArray[np.integer[Any]]:
    if np.issubdtype(values.dtype, np.integer) or values.dtype == bool:
        return np.asarray(values)
    if not np.issubdtype(values.dtype, np.floating):
        raise GeometryError(f"{path}: voxels of type {values.dtype}; a label map holds whole numbers")
    broken = int(np.count_nonzero(~np.isfinite(values)))
    if broken:
        raise GeometryError(f"{path}: {broken} voxels are not finite numbers (NaN or infinite)")
    whole = np.rint(values)
    if np.abs(values - whole).max() > 1e-3 or np.abs(whole).max() > 2**31:
        raise GeometryError(f"{path}: holds values that are not whole numbers: an image, not a label map")
    return np.asarray(whole, dtype=np.int32)

# SPDX-License-Identifier: MIT
"""A result laid back onto the patient's image: fields and ablation zone as NIfTI on the image's own grid."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyvista as pv
from numpy.typing import NDArray

from meshes.files.image_files import open_image
from meshes.geometry import GeometryError
from meshes.regions import TUMOUR_REGIONS
from postprocess.results.level import Level
from postprocess.results.result import MEASURES, Result, ResultError
from postprocess.writing import fresh
from solver.results.fields import CONCENTRATION, FIELDS, PRESSURE, REGION

SHORT_NAMES: Final = {
    **MEASURES,
    "concentration": CONCENTRATION.key,
    "pressure": PRESSURE.key,
}
"""Names of fields on the command line, beside their keys."""

ZONE: Final = "zone"
TUMOUR_MASK: Final = "tumour"
ZONE_VALUES: Final = {1: "ablated in the tumour", 2: "ablated outside the tumour", 3: "tumour, not ablated"}


@dataclass(frozen=True, kw_only=True)
class ImageGrid:
    """Voxels in space.

    Attributes:
        shape: number of voxels along the three axes.
        affine: voxel index to RAS position [m], shape ``(4, 4)``.
        codes: of the header's sform and qform, which say what the coordinates refer to.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    codes: tuple[int, int] = (1, 1)

    @property
    def voxel(self) -> float:
        """Volume of a voxel [m3]."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """A mesh's fields at voxel centres, in the box of voxels around the mesh.

    Attributes:
        grid: of the whole image.
        box: first and one-past-last index along the three axes, shape ``(2, 3)``.
        inside: which voxels of the box lie in the mesh, shape of the box.
        fields: key to values, 0 outside the mesh, shape of the box.
    """

    grid: ImageGrid
    box: NDArray[np.int64]
    inside: NDArray[np.bool_]
    fields: dict[str, NDArray[Any]]

    def tumour(self) -> NDArray[np.bool_]:
        """Voxels whose centre lies inside the tumour boundary."""
        return self.inside & np.isin(self.fields[REGION.key], sorted(TUMOUR_REGIONS))

    def ablated(self, key: str, threshold: float) -> NDArray[np.bool_]:
        """Voxels at whose centre a field is at or above a threshold."""
        return self.inside & (self.fields[key] >= threshold)

    def whole(self, values: NDArray[Any]) -> NDArray[Any]:
        """An array of the box, in an image of zeros."""
        image = np.zeros(self.grid.shape, dtype=values.dtype)
        low, high = self.box
        image[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = values
        return image


def read_grid(path: Path) -> ImageGrid:
    """Grid of an image of three dimensions, from its header.

    Args:
        path: NIfTI, NRRD or MetaImage file; labels or grey values.

    Raises:
        ResultError: the file is missing, unreadable or of another kind.
    """
    try:
        image = open_image(path, thinnest=1)
    except GeometryError as error:
        raise ResultError(str(error)) from error
    if not np.isfinite(image.affine).all() or abs(np.linalg.det(image.affine[:3, :3])) < 1e-18:
        raise ResultError(f"{path}: its header does not place its voxels in space")
    return ImageGrid(shape=image.shape, affine=image.affine, codes=image.header.codes)


def own_image(result: Result) -> Path:
    """The first label image from which tumour, core or organ of a result were meshed.

    Raises:
        ResultError: the geometry was not made from images.
    """
    geometry: dict[str, Any] = result.resolved.get("geometry", {})
    if not isinstance(geometry.get("tumour"), list):
        raise ResultError(f"{result.folder}: not made from label maps; name an image by --like IMAGE")
    for structure in ("tumour", "necrotic_core", "organ"):
        for mask in geometry.get(structure, ()):
            if "length" not in mask:  # that of a surface's unit
                return Path(result.folder / str(mask["path"])).resolve()
    raise ResultError(
        f"{result.folder}: made from surfaces, which have no grid of voxels; name an image by --like IMAGE"
    )


def sample(mesh: pv.UnstructuredGrid, grid: ImageGrid) -> Sampled:
    """Values of a mesh's fields at the centres of voxels, linear in each cell (VTK's probe).

    Args:
        mesh: of the 3-D geometry, coordinates RAS [m].
        grid: where the values are wanted.
    """
    points = np.asarray(mesh.points, dtype=np.float64)
    index = (points - grid.affine[:3, 3]) @ np.linalg.inv(grid.affine[:3, :3]).T
    low = np.clip(np.ceil(index.min(axis=0) - 1e-9), 0, grid.shape).astype(np.int64)
    high = np.clip(np.floor(index.max(axis=0) + 1e-9) + 1, low, grid.shape).astype(np.int64)
    shape = tuple(int(n) for n in high - low)
    if 0 in shape:
        raise ResultError("the mesh lies outside the image; do both have the same coordinates?")
    centres = np.indices(shape).reshape(3, -1).T + low
    places = pv.PolyData(centres @ grid.affine[:3, :3].T + grid.affine[:3, 3])
    found = places.sample(mesh, locator="static_cell")
    inside = np.asarray(found["vtkValidPointMask"]).astype(bool).reshape(shape)
    fields = {
        key: np.asarray(found[key]).reshape(shape)
        for key in mesh.array_names
        if key in FIELDS and np.asarray(found[key]).ndim == 1
    }
    return Sampled(grid=grid, box=np.array([low, high]), inside=inside, fields=fields)


def zone_labels(sampled: Sampled, key: str, threshold: float) -> NDArray[np.uint8]:
    """Label map of the box: the numbers of `ZONE_VALUES`, 0 elsewhere."""
    tumour, ablated = sampled.tumour(), sampled.ablated(key, threshold)
    labels = np.zeros(tumour.shape, dtype=np.uint8)
    labels[ablated & tumour], labels[ablated & ~tumour], labels[tumour & ~ablated] = 1, 2, 3
    return labels


def write_nifti(path: Path, grid: ImageGrid, values: NDArray[Any], description: str) -> Path:
    """One image on a grid.

    Args:
        path: ``.nii.gz``.
        grid: shape and place.
        values: shape of the grid.
        description: at most 79 characters, stored in the header.
    """
    import nibabel

    affine = grid.affine.copy()
    affine[:3] *= 1e3
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = description.encode("ascii", "replace")[:79]
    image.set_sform(affine, code=grid.codes[0] or grid.codes[1])
    image.set_qform(affine, code=grid.codes[1] or grid.codes[0])
    nibabel.save(image, fresh(path))
    return path


def export_nifti(
    result: Result, out: Path, grid: ImageGrid, fields: tuple[str, ...], level: Level
) -> dict[Path, float | None]:
    """Writes images of the end of a run.

    Args:
        result: of the 3-D geometry.
        out: existing folder.
        grid: of the images.
        fields: ``zone``, ``tumour``, short names or keys of scalar fields.
        level: of the zone.

    Returns:
        Path to volume [m3] of each label map, None for fields.

    Raises:
        ResultError: a field is not known, or the geometry is not in space.
    """
    if result.geometry != "3d":
        raise ResultError(f"{result.folder}: a {result.geometry} result has no place in an image")
    keys = {name: SHORT_NAMES.get(name, name) for name in fields if name not in (ZONE, TUMOUR_MASK)}
    for name, key in keys.items():
        if key not in FIELDS or FIELDS[key].components != 1:
            known = ", ".join((ZONE, TUMOUR_MASK, *SHORT_NAMES, *FIELDS))
            raise ResultError(f"{name}: no such field (expected some of {known})")
    wanted = {*keys.values(), REGION.key, level.key}
    sampled = sample(next(result.grids(wanted, result.times[-1:])), grid)
    written: dict[Path, float | None] = {}
    if TUMOUR_MASK in fields:
        mask = sampled.tumour().astype(np.uint8)
        path = write_nifti(out / "tumour.nii.gz", grid, sampled.whole(mask), "tumour of the mesh")
        written[path] = float(np.count_nonzero(mask)) * grid.voxel
    if ZONE in fields:
        labels = zone_labels(sampled, level.key, level.threshold)
        words = f"1 ablated in tumour 2 outside 3 tumour missed; {level.words}"
        path = write_nifti(out / "zone.nii.gz", grid, sampled.whole(labels), words)
        written[path] = float(np.count_nonzero((labels == 1) | (labels == 2))) * grid.voxel
    for name, key in keys.items():
        values = np.where(sampled.inside, sampled.fields[key], 0).astype(np.float32)
        text = f"{FIELDS[key].label} [{FIELDS[key].unit}]"
        written[write_nifti(out / f"{name}.nii.gz", grid, sampled.whole(values), text)] = None
    return written

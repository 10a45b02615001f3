# SPDX-License-Identifier: MIT
"""The ablation zone set against the tumour as it was segmented, voxel by voxel, not as it was meshed."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from meshes.geometry import GeometryError, Mask
from meshes.patient.masks import Structure, load_structure
from postprocess.images.images import ImageGrid, Sampled, sample, write_nifti
from postprocess.results.level import Level
from postprocess.results.result import Result, ResultError
from solver.results.fields import REGION

OVERLAY: Final = "overlay"


def segmented(result: Result, grid: ImageGrid) -> NDArray[np.bool_]:
    """Voxels whose centres lie in the case's own tumour masks, or in those of its core.

    Args:
        result: of a geometry made from label maps or closed surfaces, on whatever grids.
        grid: where the voxels are wanted.

    Raises:
        ResultError: the geometry was not made from masks, or one cannot be read.
    """
    geometry: dict[str, Any] = result.resolved.get("geometry", {})
    masks = geometry.get("tumour")
    if not isinstance(masks, list) or not masks:
        raise ResultError(f"{result.folder}: not made from label maps, so {OVERLAY} cannot be written")
    inside = np.zeros(grid.shape, dtype=bool)
    for mask in [*masks, *geometry.get("necrotic_core", ())]:
        asked = Mask(
            path=(result.folder / str(mask["path"])).resolve(),
            labels=tuple(mask.get("labels", ())),
            length=mask.get("length"),
            voxel=mask.get("voxel"),
        )
        try:
            _add(inside, load_structure((asked,), "tumour"), grid)
        except GeometryError as error:
            raise ResultError(f"{error}, so {OVERLAY} cannot be written") from error
    return inside


def _add(inside: NDArray[np.bool_], structure: Structure, grid: ImageGrid) -> None:
    """Mark the voxels of a grid whose centres lie in a voxel of a structure."""
    to_grid = np.linalg.inv(grid.affine) @ structure.affine
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in structure.inside.shape])).reshape(3, -1)
    reach = to_grid[:3, :3] @ corners + to_grid[:3, 3:]
    low = np.clip(np.floor(reach.min(axis=1)), 0, grid.shape).astype(np.int64)
    high = np.clip(np.ceil(reach.max(axis=1)) + 1, low, grid.shape).astype(np.int64)
    back = np.linalg.inv(structure.affine) @ grid.affine
    found = ndimage.affine_transform(
        structure.inside.astype(np.uint8),
        back[:3, :3],
        back[:3, :3] @ low + back[:3, 3],
        output_shape=tuple(high - low),
        order=0,
        mode="grid-constant",
    )
    inside[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] |= found > 0


def overlay_labels(
    sampled: Sampled, tumour: NDArray[np.bool_], key: str, threshold: float
) -> NDArray[np.uint8]:
    """Label map of the whole image: 1 ablated in the segmented tumour, 2 ablated elsewhere, 3 tumour missed.

    Args:
        sampled: the mesh's fields on the grid of the labels.
        tumour: as segmented, shape of the grid; voxels outside the mesh count as missed.
        key: point field compared with the threshold.
        threshold: in the field's unit.
    """
    ablated = sampled.whole(sampled.ablated(key, threshold))
    labels = np.zeros(tumour.shape, dtype=np.uint8)
    labels[ablated & tumour], labels[ablated & ~tumour], labels[tumour & ~ablated] = 1, 2, 3
    return labels


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Twice the voxels in both over the sum of those in either (Dice 1945)."""
    both, either = int((one & other).sum()), int(one.sum()) + int(other.sum())
    return 2.0 * both / max(either, 1)


def export_overlay(
    result: Result, out: Path, grid: ImageGrid, level: Level, tumour: NDArray[np.bool_]
) -> tuple[Path, float, float]:
    """Writes ``overlay.nii.gz`` of the end of a run.

    Args:
        result: of the 3-D geometry.
        out: existing folder.
        grid: of the image.
        level: of the zone.
        tumour: as of `segmented`, on that grid.

    Returns:
        The file, the ablated volume in it [m3], and the Dice of the tumour as meshed and as segmented.
    """
    sampled = sample(next(result.grids({level.key, REGION.key}, result.times[-1:])), grid)
    labels = overlay_labels(sampled, tumour, level.key, level.threshold)
    words = f"1 ablated in segmented tumour 2 outside 3 missed; {level.words}"
    path = write_nifti(out / f"{OVERLAY}.nii.gz", grid, labels, words)
    volume = float(np.count_nonzero((labels == 1) | (labels == 2))) * grid.voxel
    return path, volume, dice(sampled.whole(sampled.tumour()), tumour)

# SPDX-License-Identifier: MIT
"""The ablation zone set against the tumour as it was segmented, voxel by voxel, not as it was meshed."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.files.labels import read_label_map
from meshes.geometry import GeometryError
from postprocess.images.images import ImageGrid, Sampled, sample, write_nifti
from postprocess.results.level import Level
from postprocess.results.result import Result, ResultError
from solver.results.fields import REGION

OVERLAY: Final = "overlay"
SAME_PLACE: Final = 1e-7
"""Largest difference of affines [m] at which two grids are the same one."""


def segmented(result: Result, grid: ImageGrid) -> NDArray[np.bool_]:
    """Voxels of the case's own tumour labels, with those of its core.

    Args:
        result: of a geometry made from label maps.
        grid: that of the labels.

    Raises:
        ResultError: the geometry was not made from labels, they cannot be read, or lie on another grid.
    """
    geometry: dict[str, Any] = result.resolved.get("geometry", {})
    masks = geometry.get("tumour")
    if not isinstance(masks, list) or not masks:
        raise ResultError(f"{result.folder}: not made from label maps, so {OVERLAY} cannot be written")
    inside = np.zeros(grid.shape, dtype=bool)
    for mask in [*masks, *geometry.get("necrotic_core", ())]:
        path = (result.folder / str(mask["path"])).resolve()
        try:
            labels = read_label_map(path)
        except GeometryError as error:
            raise ResultError(str(error)) from error
        same = labels.values.shape == grid.shape and np.allclose(
            labels.affine, grid.affine, rtol=0.0, atol=SAME_PLACE
        )
        if not same:
            raise ResultError(f"{path}: not on the grid of the images, so {OVERLAY} cannot be written")
        chosen = mask.get("labels", [])
        inside |= np.isin(labels.values, chosen) if chosen else labels.values > 0
    return inside


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


def export_overlay(result: Result, out: Path, grid: ImageGrid, level: Level) -> tuple[Path, float, float]:
    """Writes ``overlay.nii.gz`` of the end of a run.

    Args:
        result: of the 3-D geometry, made from label maps.
        out: existing folder.
        grid: that of the labels.
        level: of the zone.

    Returns:
        The file, the ablated volume in it [m3], and the Dice of the tumour as meshed and as segmented.

    Raises:
        ResultError: as of `segmented`.
    """
    tumour = segmented(result, grid)
    sampled = sample(next(result.grids({level.key, REGION.key}, result.times[-1:])), grid)
    labels = overlay_labels(sampled, tumour, level.key, level.threshold)
    words = f"1 ablated in segmented tumour 2 outside 3 missed; {level.words}"
    path = write_nifti(out / f"{OVERLAY}.nii.gz", grid, labels, words)
    volume = float(np.count_nonzero((labels == 1) | (labels == 2))) * grid.voxel
    return path, volume, dice(sampled.whole(sampled.tumour()), tumour)

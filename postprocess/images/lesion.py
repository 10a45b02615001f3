# SPDX-License-Identifier: MIT
"""An observed lesion held against the predicted ablation zone: overlap, distances, volumes."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyvista as pv
from numpy.typing import NDArray
from scipy import ndimage

from meshes.geometry import GeometryError, Mask
from meshes.patient.masks import Structure, load_structure, reframe
from postprocess.images.images import ImageGrid, Sampled, sample
from postprocess.images.solids import zone_and_tumour
from postprocess.results.level import Level
from postprocess.results.result import Result, ResultError
from postprocess.writing import fresh
from solver.results.fields import REGION


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How well a predicted zone agrees with an observed lesion; SI.

    Attributes:
        observed_m3: volume of the lesion's voxels.
        predicted_m3: volume of the zone in the mesh.
        both_m3: of the voxels in both.
        missed_m3: of the voxels observed but not predicted.
        spurious_m3: of the voxels predicted but not observed.
        dice: twice the voxels in both over the sum of those in either (Dice 1945).
        hausdorff_m: largest distance from a point of one surface to the other surface.
        hausdorff_95_m: the larger, over the two directions, of what 95 % of the area keeps below.
        mean_surface_distance_m: mean over both surfaces of the distance to the other one.
        centre_offset_m: from the centre of the lesion to that of the zone, RAS.
    """

    observed_m3: float
    predicted_m3: float
    both_m3: float
    missed_m3: float
    spurious_m3: float
    dice: float
    hausdorff_m: float
    hausdorff_95_m: float
    mean_surface_distance_m: float
    centre_offset_m: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A lesion and a zone on the lesion's grid.

    Attributes:
        agreement: the numbers.
        sampled: the mesh on the voxels around lesion and mesh.
        observed: voxels of the lesion, shape of the box.
        predicted: voxels of the zone, likewise.
    """

    agreement: Agreement
    sampled: Sampled
    observed: NDArray[np.bool_]
    predicted: NDArray[np.bool_]


def compare_lesion(result: Result, mask: Mask, level: Level) -> Comparison:
    """Sets a label map after treatment against the zone at the end of a run.

    Both must lie in the same space: register the image to the one that the tumour was segmented on first.

    Args:
        result: of the 3-D geometry.
        mask: file and label values of the lesion; the file's grid is used.
        level: of the zone.

    Raises:
        ResultError: no zone, a lesion that does not meet the mesh, or a mask that cannot be read.
    """
    try:
        lesion = load_structure((mask,), "lesion")
    except GeometryError as error:
        raise ResultError(str(error)) from error
    zone, _ = zone_and_tumour(result, level)
    if zone.n_cells == 0:
        raise ResultError(f"{result.folder}: nothing reaches {level.words}, so there is no zone to compare")
    grid = next(result.grids({level.key, REGION.key}, result.times[-1:]))
    frame = _around(lesion, np.asarray(grid.points, dtype=np.float64))
    ni, nj, nk = frame.inside.shape
    sampled = sample(grid, ImageGrid(shape=(ni, nj, nk), affine=frame.affine))
    predicted = sampled.whole(sampled.ablated(level.key, level.threshold))
    if not (frame.inside & sampled.whole(sampled.inside)).any():
        raise ResultError(f"{mask.path}: the lesion lies outside the mesh; are the images registered?")
    if not predicted.any():
        raise ResultError(f"{mask.path}: the zone is smaller than a voxel of this image")
    agreement = _agreement(frame, predicted, zone)
    return Comparison(agreement=agreement, sampled=sampled, observed=frame.inside, predicted=predicted)


def _around(lesion: Structure, points: NDArray[np.float64]) -> Structure:
    """The lesion on a box of voxels that holds the mesh as well."""
    index = (points - lesion.affine[:3, 3]) @ np.linalg.inv(lesion.affine[:3, :3]).T
    low = np.minimum(np.floor(index.min(axis=0)).astype(np.int64), -2)
    high = np.maximum(np.ceil(index.max(axis=0)).astype(np.int64) + 1, np.array(lesion.inside.shape) + 2)
    return reframe(lesion, np.array([low, high]))


def _agreement(frame: Structure, predicted: NDArray[np.bool_], zone: pv.PolyData) -> Agreement:
    observed, voxel = frame.inside, float(np.prod(frame.spacing))
    both = int(np.count_nonzero(observed & predicted))
    total = int(np.count_nonzero(observed)) + int(np.count_nonzero(predicted))
    skin = voxel_surface(frame)
    there, back = _distances(zone, skin), _distances(skin, zone)
    centres = [np.argwhere(mask).mean(axis=0) for mask in (observed, predicted)]
    offset = frame.affine[:3, :3] @ (centres[1] - centres[0])
    areas = np.concatenate([there[1], back[1]])
    return Agreement(
        observed_m3=voxel * np.count_nonzero(observed),
        predicted_m3=float(zone.volume),
        both_m3=voxel * both,
        missed_m3=voxel * np.count_nonzero(observed & ~predicted),
        spurious_m3=voxel * np.count_nonzero(predicted & ~observed),
        dice=2.0 * both / total,
        hausdorff_m=float(max(there[0].max(), back[0].max())),
        hausdorff_95_m=max(_share(*there, 0.95), _share(*back, 0.95)),
        mean_surface_distance_m=float(np.average(np.concatenate([there[0], back[0]]), weights=areas)),
        centre_offset_m=(float(offset[0]), float(offset[1]), float(offset[2])),
    )


def voxel_surface(frame: Structure) -> pv.PolyData:
    """Surface [m, RAS] halfway between the centres of voxels inside and outside, with steps rounded."""
    soft = ndimage.gaussian_filter(np.pad(frame.inside, 2).astype(np.float32), 0.7)
    image = pv.ImageData(dimensions=soft.shape)
    image.point_data["inside"] = soft.ravel(order="F")
    skin = image.contour([0.5], scalars="inside")
    index = np.asarray(skin.points, dtype=np.float64) - 2.0
    return pv.PolyData(index @ frame.affine[:3, :3].T + frame.affine[:3, 3], faces=skin.faces)


def _distances(skin: pv.PolyData, other: pv.PolyData) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance [m] from the middle of every triangle to another surface, and the triangles' areas [m2]."""
    centres = np.asarray(skin.cell_centers().points, dtype=np.float64)
    _, nearest = other.find_closest_cell(centres, return_closest_point=True)
    areas = np.asarray(skin.compute_cell_sizes(length=False, volume=False)["Area"], dtype=np.float64)
    return np.linalg.norm(nearest - centres, axis=1), areas


def _share(distances: NDArray[np.float64], areas: NDArray[np.float64], share: float) -> float:
    """Distance [m] that a share of the area keeps below."""
    order = np.argsort(distances)
    reached = np.cumsum(areas[order]) / areas.sum()
    return float(distances[order][min(int(np.searchsorted(reached, share)), len(order) - 1)])


def write_agreement(path: Path, result: Result, mask: Mask, level: Level, agreement: Agreement) -> Path:
    """The numbers as JSON, with what was compared."""
    facts: dict[str, Any] = {
        "notice": result.summary["notice"],
        "case": result.summary["case"],
        "mask": str(mask.path),
        "labels": list(mask.labels),
        "level": asdict(level),
        **asdict(agreement),
    }
    fresh(path).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return path

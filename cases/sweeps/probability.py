# SPDX-License-Identifier: MIT
"""The probability that each point of tissue is ablated: masks of all cases, counted one after another."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cases.sweeps.folder import Job, Plan, SweepFolder
from cases.sweeps.mask import MASK, OUTLINE, MapRequest, read_masks
from meshes.cells.raster import Grid
from solver.ablation.metrics import Level

FILE: Final = "probability.vtkhdf"
RECORD: Final = "probability.json"
SHARES: Final = (0.05, 0.5, 0.95)
"""Probabilities whose volumes are told."""

INDEX_DESIGNS: Final = frozenset({"saltelli", "morris"})

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass
class Counts:
    """What is counted at each point of a grid; nothing else of the cases is held.

    Attributes:
        cases: that were counted.
        tissue: of them, those with tissue there, shape ``(size,)``.
        ablated: of them, those that reach each threshold there, shape ``(levels, size)``.
    """

    cases: int
    tissue: NDArray[np.int64]
    ablated: NDArray[np.int64]

    def probabilities(self) -> Floats:
        """Share of the cases with tissue at a point that ablate it, NaN where none has, as ``ablated``."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.ablated / self.tissue)


def count(masks: Iterable[tuple[Flags, Flags]], levels: int, size: int) -> Counts:
    """Count masks, pairs of tissue and ablated as `read_masks` gives them."""
    found = Counts(0, np.zeros(size, dtype=np.int64), np.zeros((levels, size), dtype=np.int64))
    for tissue, ablated in masks:
        found.cases += 1
        found.tissue += tissue
        found.ablated += ablated
    return found


def write_probability(folder: SweepFolder, plan: Plan) -> dict[str, Any] | None:
    """Write the map of a sweep as far as it is, and its record; None if none was asked for.

    ``probability.vtkhdf`` (an image of VTK, coordinates in m) and ``probability.json``. Cases whose mask is
    gone or damaged are left out, and named in the record.

    Raises:
        OSError: a file cannot be written, or the tumour's outline is gone.
    """
    from cases.running.files import write_json

    if plan.probability is None:
        return None
    request = MapRequest.of(plan.probability)
    size = int(np.prod(request.grid.shape))
    jobs = {job.identity: job for job in plan.jobs}
    ended = {name: folder.ended(name) for name in jobs}
    found = {name: summary for name, (summary, failure) in ended.items() if summary and not failure}
    lost: list[str] = []
    counted = count(_masks(folder, list(found), size, lost), len(request.levels), size)
    for name in lost:
        del found[name]
    volumes = [[float(entry["volume_m3"]) for entry in summary["ablation"]] for summary in found.values()]
    distance = np.load(folder.root / OUTLINE)
    chance = counted.probabilities().reshape(len(request.levels), *request.grid.shape)
    draws = independent_draws(plan, [jobs[name] for name in found])
    record: dict[str, Any] = {
        "cases": counted.cases,
        "missing": len(jobs) - counted.cases,
        "lost_masks": lost,
        "independent_draws": draws,
        "standard_error": 0.5 / draws**0.5 if draws else None,
        "grid": asdict(request.grid),
        "needles": list(request.needles),
        "images": request.images,
        "tumour_m3": float(request.grid.volumes[distance < 0].sum()),
        "levels": [
            _told(request, number, chance[number], distance, [row[number] for row in volumes])
            for number in range(len(request.levels))
        ],
    }
    fields = {level["name"]: values for level, values in zip(record["levels"], chance, strict=True)}
    write_image(folder.root / FILE, request.grid, {**fields, "tumour_distance": distance})
    write_json(folder.root / RECORD, record)
    return record


def _masks(
    folder: SweepFolder, names: list[str], size: int, lost: list[str]
) -> Iterator[tuple[Flags, Flags]]:
    """The masks of cases one after another; names of those that cannot be read are added to ``lost``."""
    for name in names:
        try:
            yield read_masks(folder.case(name) / MASK, size)
        except (OSError, ValueError):
            lost.append(name)


def independent_draws(plan: Plan, jobs: Iterable[Job]) -> int | None:
    """Number of independent draws behind some cases, so of which a share of them has its standard error.

    Cases of one draw at several points of the axes are not independent of one another. Seeds of random fields
    are draws as well; where several numbers are drawn apart, the fewest count. None where the cases are no
    draws of what they are to speak for: axes alone, and the designs for sensitivity indices.
    """
    sample = plan.record.get("sample")
    if sample and sample["method"] in INDEX_DESIGNS:
        return None
    drawn = [prior["key"] for prior in sample["priors"]] if sample else []
    groups = [drawn, *([key] for key in plan.units if key.rpartition(".")[2] == "seed" and key not in drawn)]
    varying = [group for group in groups if _combinations(plan.jobs, group) > 1]
    done = list(jobs)
    return min((_combinations(done, group) for group in varying), default=None)


def _combinations(jobs: Iterable[Job], keys: Iterable[str]) -> int:
    return len({tuple(job.inputs[key] for key in keys) for job in jobs})


def remove_map(folder: SweepFolder) -> None:
    """Remove the map of an earlier state of a sweep, which asks for none now."""
    images = [path.name for path in folder.root.glob("probability_*.nii.gz")]
    for name in (RECORD, FILE, OUTLINE, *images):
        (folder.root / name).unlink(missing_ok=True)


def name_of(level: Level) -> str:
    """Name of a level's field."""
    return f"probability_{level.measure}_{level.threshold:g}"


def _told(
    request: MapRequest, number: int, chance: Floats, distance: Floats, volumes: list[float]
) -> dict[str, Any]:
    """What the map of one threshold says, and the mean volume by the summaries beside that by the masks."""
    level, each = request.levels[number], request.grid.volumes
    known = np.nan_to_num(chance)
    inside = (distance < 0) & np.isfinite(chance)
    whole = float(each[inside].sum())
    return {
        **asdict(level),
        "name": name_of(level),
        "mean_m3": float((known * each).sum()),
        "mean_of_summaries_m3": float(np.mean(volumes)) if volumes else None,
        "volume_m3": {f"{share:g}": float(each[known >= share].sum()) for share in SHARES},
        "tumour_share": {
            f"{share:g}": float(each[inside & (known >= share)].sum()) / whole if whole else None
            for share in SHARES
        },
        "outside_m3": {f"{share:g}": float(each[~inside & (known >= share)].sum()) for share in SHARES},
    }


def write_image(path: Path, grid: Grid, fields: dict[str, Floats]) -> None:
    """Write fields on a grid as an image in VTKHDF, which ParaView and PyVista open; r along x, z along z.

    Args:
        path: of the file, which appears when it is whole.
        grid: of the points.
        fields: by name, in the shape of the grid.
    """
    import h5py

    shape = [*grid.shape, 1, 1][:3]
    origin = np.zeros(3)
    upright = grid.geometry == "axisymmetric"
    origin[[0, 2] if upright else list(range(len(grid.shape)))] = grid.origin
    partial = path.with_name(f".{path.name}.partial")
    with h5py.File(partial, "w") as file:
        root = file.create_group("VTKHDF")
        root.attrs["Version"] = (2, 0)
        root.attrs.create("Type", b"ImageData", dtype=h5py.string_dtype("ascii", 9))
        root.attrs["WholeExtent"] = [end for count in shape for end in (0, count - 1)]
        root.attrs["Origin"] = origin
        root.attrs["Spacing"] = [grid.spacing] * 3
        # VTK reads flat images in their own x and y alone, so a meridian plane is turned upright
        turn = [[1, 0, 0], [0, 0, -1], [0, 1, 0]] if upright else np.eye(3)
        root.attrs["Direction"] = np.asarray(turn, dtype=np.float64).ravel()
        data = root.create_group("PointData")
        for name, values in fields.items():
            # slowest along the last axis; VTK wants no axis of length 1
            stored = np.asarray(values, dtype=np.float32).reshape(grid.shape).T
            data.create_dataset(name, data=stored, compression="gzip", shuffle=True)
    partial.replace(path)

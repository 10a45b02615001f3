# SPDX-License-Identifier: MIT
"""The map of a sweep that says with what probability each point of tissue is ablated, opened."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from postprocess.pages.case_tables import Table
from postprocess.results import quantities
from postprocess.results.result import Needle, ResultError

FILE: Final = "probability.vtkhdf"
RECORD: Final = "probability.json"
SHARES: Final = (0.05, 0.5, 0.95)
"""Probabilities that tables and pictures show."""
AXES: Final = {"radial": (0,), "axisymmetric": (0, 2), "3d": (0, 1, 2)}
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ProbabilityMap:
    """Probabilities on a grid.

    Attributes:
        folder: of the sweep.
        record: ``probability.json``.
        fields: probability by name of the threshold, NaN where no case has tissue, in the shape of the grid.
        distance: from the tumour's surface [m], negative inside.
    """

    folder: Path
    record: dict[str, Any]
    fields: dict[str, Floats]
    distance: Floats

    @property
    def geometry(self) -> str:
        """``radial``, ``axisymmetric`` or ``3d``."""
        return str(self.record["grid"]["geometry"])

    @property
    def axes(self) -> tuple[Floats, ...]:
        """Coordinates along each axis of the grid [m]."""
        grid = self.record["grid"]
        pairs = zip(grid["origin"], grid["shape"], strict=True)
        return tuple(start + grid["spacing"] * np.arange(count) for start, count in pairs)

    @property
    def middle(self) -> dict[str, Any]:
        """The middle threshold of the dose, else the first of all."""
        levels: list[dict[str, Any]] = self.record["levels"]
        doses = sorted(
            (one for one in levels if one["measure"] == "ct"), key=lambda one: float(one["threshold"])
        )
        return doses[len(doses) // 2] if doses else levels[0]

    @property
    def needles(self) -> tuple[Needle, ...]:
        """Those of the first case."""
        return tuple(
            Needle(
                tip=np.array(one["tip"], dtype=np.float64),
                direction=np.array(one["direction"], dtype=np.float64),
                radius=float(one["radius"]),
                length=float(one["length"]),
            )
            for one in self.record["needles"]
        )


def open_map(folder: Path) -> ProbabilityMap | None:
    """Open the map in a folder of a sweep; None where there is none, or no case is finished.

    Raises:
        ResultError: it is damaged.
    """
    if not (folder / RECORD).exists():
        return None
    import h5py

    try:
        record = json.loads((folder / RECORD).read_text("utf-8"))
        shape = tuple(record["grid"]["shape"])
        with h5py.File(folder / FILE) as file:
            data = file["VTKHDF/PointData"]
            read = {name: np.asarray(data[name], dtype=np.float64).T.reshape(shape) for name in data}
        distance = read.pop("tumour_distance")
        fields = {str(level["name"]): read[level["name"]] for level in record["levels"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResultError(f"{folder}: its map of ablation is damaged ({error})") from error
    if not record["cases"]:
        return None
    return ProbabilityMap(folder=folder, record=record, fields=fields, distance=distance)


def export_maps(found: ProbabilityMap) -> list[Path]:
    """Write the maps of the 3-D geometry as NIfTI beside them; 0 where there is no tissue.

    Coordinates are those of the patient's images if the tumour came from some, so one lies over the other.
    """
    from postprocess.images.images import ImageGrid, write_nifti

    if found.geometry != "3d":
        return []
    grid = found.record["grid"]
    affine = np.diag([float(grid["spacing"])] * 3 + [1.0])
    affine[:3, 3] = grid["origin"]
    codes = (1, 1) if found.record["images"] else (2, 2)
    image = ImageGrid(shape=tuple(grid["shape"]), affine=affine, codes=codes)
    words = "probability of ablation, 0 to 1"
    return [
        write_nifti(found.folder / f"{name}.nii.gz", image, np.nan_to_num(values).astype(np.float32), words)
        for name, values in found.fields.items()
    ]


def map_table(found: ProbabilityMap) -> Table:
    """How much tissue is ablated with which probability, by threshold; the share that the grid cuts off."""
    rows = []
    for level in found.record["levels"]:
        volumes = [quantities.volume_text(level["volume_m3"][f"{share:g}"]) for share in SHARES]
        mean, summaries = level["mean_m3"], level["mean_of_summaries_m3"]
        off = quantities.percent(mean / summaries - 1) if summaries else ""
        shares = [level["tumour_share"][f"{share:g}"] for share in (0.5, 0.95)]
        tumour = [quantities.percent(share) if share is not None else "" for share in shares]
        outside = quantities.volume_text(level["outside_m3"]["0.05"])
        rows.append((level["label"], *volumes, *tumour, outside, quantities.volume_text(mean), off))
    head = (
        "threshold",
        *(f"volume from {100 * share:g} %" for share in SHARES),
        "tumour from 50 %",
        "tumour from 95 %",
        "outside from 5 %",
        "mean volume",
        "against the cases' own",
    )
    title = f"Tissue by its probability of being ablated, {found.record['cases']} cases"
    return Table(title=title, head=head, rows=tuple(rows))

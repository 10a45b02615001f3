# SPDX-License-Identifier: MIT
"""A field file in pieces: each was closed at a checkpoint, so that nothing later can harm it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from solver.results.fields import REGION
from solver.results.vtkhdf import Blocks, VtkHdfWriter


def copy_steps(segments: Sequence[Path], whole: VtkHdfWriter, blocks: Blocks) -> None:
    """Append all steps of some files to one. Collective; each rank reads and writes its block of the rows.

    Args:
        segments: VTKHDF files of one mesh, in order of time.
        whole: takes the steps.
        blocks: this rank's rows.
    """
    for path in segments:
        with h5py.File(path, "r") as file:
            root = file["VTKHDF"]
            for number, time in enumerate(root["Steps/Values"][()]):
                point = _step(root["PointData"], number, blocks.points)
                whole.append(float(time), point, _step(root["CellData"], number, blocks.cells))


def _step(group: Any, number: int, rows: Any) -> dict[str, np.ndarray]:
    first = number * rows.total
    chosen = slice(first + rows.start, first + rows.stop)
    return {key: dataset[chosen] for key, dataset in group.items() if key != REGION.key}

# SPDX-License-Identifier: MIT
"""A case ready to run: everything checked, everything in SI."""

from dataclasses import dataclass
from pathlib import Path

from meshes.geometry import GeometryDescription
from solver.parameters.model import Model


@dataclass(frozen=True, kw_only=True)
class CheckpointPlan:
    """When a run keeps its state on the disk.

    Attributes:
        interval: of wall time [s].
        at: also at ``pulses``, where one starts or ends, and at ``outputs``, where fields are written.
    """

    interval: float = 600.0
    at: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """What ``run`` needs.

    Attributes:
        name: short, safe as a folder's name.
        title: one line for people; any printable text.
        file: the case file.
        overrides: ``key=value`` texts of the command line, in order.
        model: physics, materials, pulses, numerics.
        geometry: where.
        ct_labels: the user's text of each level of ``model.thresholds.ct``.
        peak_labels: the same of ``model.thresholds.peak``.
        figures: whether figures and the report are drawn.
        checkpoint: when its state is kept; no part of what the case is.
    """

    name: str
    title: str
    file: Path
    overrides: tuple[str, ...]
    model: Model
    geometry: GeometryDescription
    ct_labels: tuple[str, ...]
    peak_labels: tuple[str, ...]
    figures: bool = True
    checkpoint: CheckpointPlan = CheckpointPlan()

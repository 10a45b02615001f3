# SPDX-License-Identifier: MIT
"""The threshold at which a zone is drawn, exported or compared."""

from dataclasses import dataclass

from postprocess.results.headline import middle_entry
from postprocess.results.quantities import DISPLAY, significant
from postprocess.results.result import MEASURES, Result, ResultError
from solver.results.fields import FIELDS


@dataclass(frozen=True, kw_only=True)
class Level:
    """Tissue at or above it counts as ablated.

    Attributes:
        measure: ``ct`` or ``peak``.
        threshold: in the field's SI unit.
        label: the threshold in words, such as ``75 mg min/L``.
    """

    measure: str
    threshold: float
    label: str

    @property
    def key(self) -> str:
        """Key of the field."""
        return MEASURES[self.measure]

    @property
    def words(self) -> str:
        """Such as ``CT dose 75 mg min/L``."""
        return f"{FIELDS[self.key].label} {self.label}"


def choose_level(result: Result, threshold: float | None = None, measure: str = "ct") -> Level:
    """A level by its threshold; by default the middle one of the case's thresholds.

    Args:
        result: an opened result.
        threshold: in SI; its label is the case's where it has one.
        measure: ``ct`` or ``peak``; goes with ``threshold``.

    Raises:
        ResultError: the measure is not known, or none is given and the case has no thresholds.
    """
    if measure not in MEASURES:
        raise ResultError(f"{measure}: no such measure (expected {' or '.join(MEASURES)})")
    if threshold is None:
        entry = middle_entry(result.summary)
        if entry is None:
            raise ResultError(f"{result.folder}: no threshold is known or stated; name one by --threshold")
        return Level(measure=entry["measure"], threshold=float(entry["threshold"]), label=str(entry["label"]))
    for entry in result.summary["ablation"]:
        if entry["measure"] == measure and abs(float(entry["threshold"]) / threshold - 1.0) < 1e-9:
            return Level(measure=measure, threshold=threshold, label=str(entry["label"]))
    factor, unit = DISPLAY[FIELDS[MEASURES[measure]].unit]
    return Level(measure=measure, threshold=threshold, label=f"{significant(factor * threshold)} {unit}")

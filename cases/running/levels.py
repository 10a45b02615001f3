# SPDX-License-Identifier: MIT
"""The thresholds of a case, as the metrics count them."""

from cases.case import Case
from solver.ablation.metrics import Level


def levels_of(case: Case) -> list[Level]:
    """The thresholds that a case reports, doses first."""
    thresholds = case.model.thresholds
    doses = zip(thresholds.ct, case.ct_labels, strict=True)
    peaks = zip(thresholds.peak, case.peak_labels, strict=True)
    return [
        *(Level(measure="ct", threshold=t, unit="kg s/m^3", label=label) for t, label in doses),
        *(Level(measure="peak", threshold=t, unit="kg/m^3", label=label) for t, label in peaks),
    ]

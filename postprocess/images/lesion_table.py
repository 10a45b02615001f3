# SPDX-License-Identifier: MIT
"""The agreement of lesion and zone as lines of text."""

from postprocess.images.lesion import Agreement
from postprocess.results.level import Level
from postprocess.results.quantities import length_text, significant, volume_text


def agreement_table(agreement: Agreement, level: Level) -> str:
    """Overlap, distances and volumes, one a line.

    Args:
        agreement: the numbers.
        level: of the zone.
    """
    rows = [
        ("zone at", level.words),
        ("observed", volume_text(agreement.observed_m3)),
        ("predicted", volume_text(agreement.predicted_m3)),
        ("in both", volume_text(agreement.both_m3)),
        ("observed, not predicted", volume_text(agreement.missed_m3)),
        ("predicted, not observed", volume_text(agreement.spurious_m3)),
        ("Dice coefficient", significant(agreement.dice)),
        ("mean surface distance", length_text(agreement.mean_surface_distance_m)),
        ("Hausdorff distance, 95 %", length_text(agreement.hausdorff_95_m)),
        ("Hausdorff distance", length_text(agreement.hausdorff_m)),
        ("centre moved to R, A, S", ", ".join(length_text(x) for x in agreement.centre_offset_m)),
    ]
    return "\n".join(f"  {name:<26}{text}" for name, text in rows)

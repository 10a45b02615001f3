# SPDX-License-Identifier: MIT
"""Whether maps and random fields of tissue stand for what they should: flags of a run."""

from collections.abc import Sequence
from typing import Any, Final

FILLED: Final = 0.2
"""Share of a region without a number of its map from which care is asked for."""
SMOOTHED: Final = 0.7
"""Part of the deviation asked for, below which the mesh averages a random field away."""


def field_flags(fields: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Flags of the fields of a run.

    Args:
        fields: what is told of each (``solver.tissue.fields``).
    """
    flags = []
    for told in fields:
        where = f"{told['quantity']} in {', '.join(told['regions'])}"
        if told["filled_share"] > FILLED:
            flags.append(
                {
                    "name": "tissue_field_filled",
                    "level": "caution",
                    "message": f"share where the map of {where} has no number: filled by {told['fill']}",
                    "value": told["filled_share"],
                    "limit": FILLED,
                }
            )
        asked = told.get("log_deviation", 0.0)
        if told["source"] == "random" and told["log_deviation_found"] < SMOOTHED * asked:
            flags.append(
                {
                    "name": "random_field_smoothed",
                    "level": "caution",
                    "message": f"share of its deviation that long cells leave to the random {where}",
                    "value": told["log_deviation_found"] / asked,
                    "limit": SMOOTHED,
                }
            )
    return flags

# SPDX-License-Identifier: MIT
"""What may be doubted about a run whose needles leak."""

from collections.abc import Mapping
from typing import Any, Final

from meshes.regions import TUMOUR
from solver.parameters.model import Model

LOST: Final = 0.01
"""Share of the agent that may return along needles before it is worth a caution."""
THIN: Final = 0.5
"""Width of the gap over the needle's radius, beyond which the law of a thin gap is none."""

Flag = dict[str, Any]


def line_flags(model: Model, rows: Mapping[str, float], peak_pressure: float) -> list[Flag]:
    """Flags on backflow: how much is lost, and whether its law holds.

    Args:
        model: what was simulated.
        rows: of the ledger at the end; empty for a run without any.
        peak_pressure: at any source [Pa].
    """
    if model.backflow is None or "agent_backflow" not in rows:
        return []
    flags = []
    lost = rows["agent_backflow"] / (rows["agent_injected"] or 1.0)
    if lost > LOST:
        message = "share of the agent that returned along the needle and left at the surface"
        flags.append(_flag("backflow", "caution", message, lost, LOST))
    excess = peak_pressure - model.backflow.prestress
    width = max(excess, 0.0) / (2 * model.tissues[TUMOUR].shear_modulus)
    if width > THIN:
        message = "width of the track over the needle's radius, at most: no thin gap any more"
        flags.append(_flag("track_width", "caution", message, width, THIN))
    return flags


def _flag(name: str, level: str, message: str, value: float, limit: float) -> Flag:
    return {"name": name, "level": level, "message": message, "value": value, "limit": limit}

# SPDX-License-Identifier: MIT
"""What a result promises: it reached its end, both ledgers close, C is between 0 and what comes in."""

from collections.abc import Mapping
from typing import Any, Final

from cases.errors import ExitCode
from solver.validity.books import LEDGER_LIMIT

LOWEST: Final = -1e-12
HIGHEST: Final = 1 + 1e-10
"""Bounds of C over the inlet's that a run must keep."""


def outcome(summary: Mapping[str, Any], plasma_concentration: float) -> ExitCode:
    """Exit code of a run by its summary: 0, 70 where it ended early, 71 where it broke a promise.

    Args:
        summary: as written.
        plasma_concentration: of the agent in blood, which may come in too [kg/m3].
    """
    if summary["status"] != "complete":
        return ExitCode.DIVERGED
    residuals = [summary["ledger"][book]["residual_relative"] for book in ("agent", "fluid")]
    bounds = summary["concentration"]
    largest = max(1.0, plasma_concentration / (bounds["inlet_kg_m3"] or 1.0))
    kept = bounds["min_relative"] >= LOWEST and bounds["max_relative"] <= HIGHEST * largest
    return ExitCode.DONE if kept and all(r <= LEDGER_LIMIT for r in residuals) else ExitCode.UNPHYSICAL

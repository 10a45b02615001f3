# SPDX-License-Identifier: MIT
"""The picture of a rung: profile beside the exact one, and errors against cells or steps."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullFormatter

from benchmarks.ladder.rung import Check, Curve, Outcome, Series
from postprocess.figures.style import FATES, INK, MUTED

COLOURS = [colour for _, colour in FATES.values()]
MARKERS = "osD^vPX"


def draw(outcome: Outcome, path: Path) -> None:
    """Write the picture of a rung as PNG."""
    lines = [series for series in outcome.series if len(series.counts) > 1]
    panels: list[Any] = [*outcome.curves, *([lines] if lines else [])] or [list(outcome.checks)]
    with plt.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = plt.subplots(
            1, len(panels), figsize=(3.6 * len(panels), 2.9), squeeze=False, layout="constrained"
        )
        for axis, panel in zip(axes[0], panels, strict=True):
            if isinstance(panel, Curve):
                _profile(axis, panel)
            elif isinstance(panel[0], Series):
                _orders(axis, panel)
            else:
                _checks(axis, panel)
        figure.savefig(path, dpi=150)
        plt.close(figure)


def _profile(axis: Any, curve: Curve) -> None:
    order = np.argsort(curve.x, kind="stable")
    some = order[:: max(1, len(order) // 40)]
    axis.plot(curve.x[order], curve.exact[order], color=INK, lw=1.2, label="exact")
    axis.plot(curve.x[some], curve.found[some], "o", ms=3.5, color=COLOURS[0], label="Infusate")
    axis.set(xlabel=curve.across, ylabel=curve.along)
    axis.legend(frameon=False)


def _orders(axis: Any, rows: list[Series]) -> None:
    for number, series in enumerate(rows):
        n = np.array(series.counts)
        colour = COLOURS[number % len(COLOURS)]
        axis.loglog(
            n, series.errors, marker=MARKERS[number % 7], ms=4, lw=1, color=colour, label=series.label
        )
        if series.theory is not None:
            slope = series.errors[-1] * (n / n[-1]) ** -series.theory
            axis.loglog(n, slope, ":", color=MUTED, lw=1)
    ticks = sorted({count for series in rows for count in series.counts})
    axis.set_xticks(ticks[:: max(1, len(ticks) // 4)])
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set(xlabel=rows[0].unit, ylabel="error")
    axis.set_title("dotted: the order expected", fontsize=8, color=MUTED)
    axis.legend(frameon=False, fontsize=6.5)


def _checks(axis: Any, rows: list[Check]) -> None:
    places = np.arange(len(rows))
    axis.semilogx([max(row.error, 1e-17) for row in rows], places, "o", ms=4, color=COLOURS[0], label="error")
    axis.semilogx([row.tolerance for row in rows], places, "|", ms=9, color=INK, label="tolerance")
    axis.set_yticks(places, [row.quantity[:38] for row in rows], fontsize=5.5)
    axis.invert_yaxis()
    axis.set(xlabel="relative error")
    axis.legend(frameon=False, fontsize=7)

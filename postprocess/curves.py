# SPDX-License-Identifier: MIT
"""Curves over time (pressure, ledger, spill), and along the radius for the radial geometry."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from postprocess.figures import thresholds_of
from postprocess.quantities import DISPLAY
from postprocess.results import Result
from postprocess.section import MILLIMETRES
from postprocess.style import (
    ABLATED_COLOUR,
    ESCAPED_COLOUR,
    FATES,
    INK,
    MUTED,
    TUMOUR_COLOUR,
    axis_label,
    threshold_look,
    use_style,
)
from solver.fields import CONCENTRATION, CT_DOSE, PRESSURE, Field

SIZE = (5.6, 4.0)


def _time_axis(axes: Axes, result: Result) -> NDArray[np.float64]:
    """Prepares the axis of time and returns its values, in the unit that suits the length of the run."""
    end = float(result.history["t_s"][-1])
    scale, unit = next(
        (scale, unit)
        for limit, scale, unit in ((2e5, 86400, "d"), (1e4, 3600, "h"), (600, 60, "min"), (0, 1, "s"))
        if end >= limit
    )
    for number, pulse in enumerate(result.injections):
        span = (pulse["start"] / scale, (pulse["start"] + pulse["volume"] / pulse["rate"]) / scale)
        axes.axvspan(
            *span, color="#eaf0f5", linewidth=0, zorder=0, label="injection" if number == 0 else None
        )
    axes.set_xlabel(f"Time [{unit}]")
    axes.set_xlim(0, end / scale)
    return result.history["t_s"] / scale


def _save(figure: Figure, folder: Path, name: str) -> Path:
    figure.savefig(folder / f"{name}.png")
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return folder / f"{name}.svg"


def draw_pressure(result: Result, folder: Path) -> Path:
    """Pressure at the source surface over time; writes PNG and SVG, returns the SVG."""
    use_style()
    figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
    time = _time_axis(axes, result)
    factor, unit = DISPLAY[PRESSURE.unit]
    axes.plot(time, factor * result.history["peak_pressure_Pa"], color=ABLATED_COLOUR)
    axes.set_ylim(bottom=min(0.0, float(factor * result.history["peak_pressure_Pa"].min())))
    axes.set_ylabel(f"Pressure at the source [{unit}]")
    axes.set_title("Pressure")
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.18))
    return _save(figure, folder, "pressure")


def draw_ledger(result: Result, folder: Path) -> Path:
    """Where the agent is, as stacked shares of all that is injected in the run; writes PNG and SVG."""
    use_style()
    figure, axes = plt.subplots(figsize=(SIZE[0], 5.4), layout="constrained")
    time, history = _time_axis(axes, result), result.history
    total = max(float(history["agent_injected_kg"][-1]), 1e-300)
    parts = {key: np.clip(100 * history[f"agent_{key}_kg"] / total, 0, None) for key in FATES}
    axes.stackplot(
        time,
        list(parts.values()),
        colors=[colour for _, colour in FATES.values()],
        labels=[f"{words}, {_share(parts[key][-1])}" for key, (words, _) in FATES.items()],
        linewidth=0,
    )
    axes.plot(
        time, 100 * history["agent_injected_kg"] / total, color=INK, linewidth=1.4, label="injected so far"
    )
    axes.set_ylim(0, 100)
    axes.set_ylabel("Share of the injected agent [%]")
    axes.set_title("Where the agent goes")
    handles, labels = axes.get_legend_handles_labels()
    wanted = [(h, text) for h, text in zip(handles, labels, strict=True) if text != "injection"]
    axes.legend(*zip(*wanted[::-1], strict=True), loc="upper center", bbox_to_anchor=(0.45, -0.14), ncols=2)
    return _save(figure, folder, "ledger")


def _share(percentage: float) -> str:
    if percentage == 0:
        return "0 %"
    return f"{percentage:.1f} %" if percentage >= 0.05 else "< 0.1 %"


def draw_spill(result: Result, folder: Path) -> Path:
    """Agent that crossed the tumour boundary and that reacted beyond it, over time; writes PNG and SVG."""
    use_style()
    figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
    time, history = _time_axis(axes, result), result.history
    total = max(float(history["agent_injected_kg"][-1]), 1e-300)
    out, back = history["agent_crossed_out_kg"], history["agent_crossed_in_kg"]
    for values, words, colour, line in (
        (out, "crossed outward", ESCAPED_COLOUR, "-"),
        (back, "crossed back", MUTED, ":"),
        (out - back, "net", INK, "--"),
        (history["agent_reacted_tissue_kg"], "reacted outside", ABLATED_COLOUR, "-"),
    ):
        axes.plot(time, 100 * values / total, color=colour, linestyle=line, label=words)
    axes.set_ylim(bottom=0)
    if float(out.max()) < 1e-6 * total:
        axes.set_ylim(0, 1)
        axes.text(0.5, 0.5, "nothing left the tumour", transform=axes.transAxes, ha="center", color=MUTED)
    axes.set_ylabel("Share of the injected agent [%]")
    axes.set_title("Spill beyond the tumour boundary")
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.18), ncols=3)
    return _save(figure, folder, "spill")


def _profile(axes: Axes, result: Result, field: Field, time: float) -> None:
    factor = DISPLAY[field.unit][0]
    grid = result.grid(time)
    order = np.argsort(grid.points[:, 0])
    radius = MILLIMETRES * np.asarray(grid.points)[order, 0]
    axes.plot(radius, factor * np.asarray(grid.point_data[field.key])[order], color=ABLATED_COLOUR)
    edge = MILLIMETRES * (3 * float(result.summary["tumour"]["volume_m3"]) / (4 * np.pi)) ** (1 / 3)
    axes.axvspan(0, edge, color=TUMOUR_COLOUR, alpha=0.18, linewidth=0, zorder=0, label="tumour")
    axes.set_ylabel(axis_label(field).replace(" $", "\n$"))
    axes.set_xlim(0, 2 * edge)


def draw_profiles(result: Result, folder: Path) -> Path:
    """Concentration, dose and pressure along the radius of the radial geometry; writes PNG and SVG."""
    use_style()
    during, final = result.nearest_time(result.end_of_injection), result.times[-1]
    figure, panels = plt.subplots(3, 1, figsize=(5.6, 7.4), sharex=True, layout="constrained")
    for axes, field, time in zip(
        panels, (CONCENTRATION, CT_DOSE, PRESSURE), (during, final, during), strict=True
    ):
        _profile(axes, result, field, time)
        axes.set_title(f"{field.label[0].upper()}{field.label[1:]} at {time:.4g} s")
        axes.set_ylim(bottom=None if field is CT_DOSE else 0)
    thresholds = thresholds_of(result.summary, "ct")
    for number, (level, label) in enumerate(thresholds):
        line = threshold_look(number, len(thresholds))[1]
        factor = DISPLAY[CT_DOSE.unit][0]
        panels[1].axhline(factor * level, color=ESCAPED_COLOUR, linestyle=line, linewidth=1.3, label=label)
    lowest = min((level for level, _ in thresholds), default=1.0)
    panels[1].set_yscale("log", nonpositive="mask")
    panels[1].set_ylim(bottom=0.3 * DISPLAY[CT_DOSE.unit][0] * lowest)
    for axes in panels[:2]:
        axes.legend(loc="upper right", frameon=True, framealpha=1.0, edgecolor="none")
    panels[-1].set_xlabel("Distance from the centre [mm]")
    return _save(figure, folder, "profiles")

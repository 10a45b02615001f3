# SPDX-License-Identifier: MIT
"""Concentration and dose on the cut through the needle, with outlines, thresholds and a scale."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from numpy.typing import NDArray

from postprocess.quantities import DISPLAY
from postprocess.results import Needle, Result
from postprocess.section import MILLIMETRES, Section, cut
from postprocess.style import (
    CONCENTRATION_MAP,
    DOSE_MAP,
    INK,
    NEEDLE_COLOUR,
    axis_label,
    threshold_look,
    use_style,
)
from solver.fields import CONCENTRATION, CT_DOSE, Field

FRONT_SHARE = 0.05
"""The front is drawn where the concentration is this share of the injected one."""


def thresholds_of(summary: dict[str, Any], measure: str) -> list[tuple[float, str]]:
    """Thresholds of one measure with their labels, ascending."""
    entries = [entry for entry in summary["ablation"] if entry["measure"] == measure]
    return sorted((float(entry["threshold"]), str(entry["label"])) for entry in entries)


def _window(section: Section, levels: list[float]) -> tuple[NDArray[np.float64], float]:
    """Middle and half width [mm] of a square around the tumour and all that was reached."""
    reached = section.fields[CT_DOSE.key] >= min(levels, default=np.inf)
    shown = [section.outline.reshape(-1, 2), section.points[reached], np.zeros((1, 2))]
    points = np.concatenate([array for array in shown if len(array)])
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2, float(0.62 * max(*(high - low), 2.0))


def _draw_needle(axes: Axes, needle: Needle, section: Section) -> None:
    plane = section.plane
    tip = plane.picture(needle.tip)
    along = plane.picture(plane.origin - needle.direction)
    along = along / max(float(np.linalg.norm(along)), 1e-12)
    side = np.array([-along[1], along[0]]) * needle.radius * MILLIMETRES
    end = tip + along * needle.length * MILLIMETRES
    corners = np.array([tip + side, tip - side, end - side, end + side])
    axes.add_patch(Polygon(corners, closed=True, facecolor=NEEDLE_COLOUR, edgecolor=INK, linewidth=0.6, zorder=6))
    axes.plot(*tip, "o", color=INK, markersize=3.2, markeredgecolor="white", markeredgewidth=0.7, zorder=7)


def _draw_scale(axes: Axes, middle: NDArray[np.float64], half: float) -> None:
    length = max(step for step in (0.5, 1, 2, 5, 10, 20, 50, 100) if step <= max(0.7 * half, 0.5))
    x, y = middle[0] + 0.92 * half - length, middle[1] - 0.88 * half
    axes.plot([x, x + length], [y, y], color="white", linewidth=3, solid_capstyle="butt", zorder=8)
    axes.text(x + length / 2, y + 0.04 * half, f"{length:g} mm", color="white", ha="center", va="bottom", zorder=8)


def _panel(axes: Axes, section: Section, field: Field, colours: str, largest: float) -> None:
    factor = DISPLAY[field.unit][0]
    values = np.clip(section.fields[field.key] * factor, 0.0, None)
    image = axes.tripcolor(
        *section.points.T, section.triangles, values, shading="gouraud", cmap=colours, vmin=0, vmax=largest, rasterized=True
    )
    bar = axes.figure.colorbar(image, ax=axes, orientation="horizontal", fraction=0.05, pad=0.03, aspect=32)
    bar.set_label(axis_label(field))
    bar.outline.set_visible(False)
    axes.add_collection(LineCollection(list(section.outline), colors="white", linewidths=1.6, zorder=4))


def _contours(axes: Axes, section: Section, field: Field, levels: list[float]) -> None:
    values = section.fields[field.key]
    for number, level in enumerate(levels):
        if values.min() < level < values.max():
            colour, style = threshold_look(number)
            axes.tricontour(
                *section.points.T, section.triangles, values, levels=[level], colors=colour, linestyles=style,
                linewidths=1.5, zorder=5,
            )


def _finish(axes: Axes, result: Result, section: Section, window: tuple[NDArray[np.float64], float]) -> None:
    middle, half = window
    for needle in result.needles:
        _draw_needle(axes, needle, section)
    _draw_scale(axes, middle, half)
    axes.set_xlim(middle[0] - half, middle[0] + half)
    axes.set_ylim(middle[1] - half, middle[1] + half)
    axes.set_aspect("equal")
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _keys(axes: Axes, entries: list[tuple[str, str, str]]) -> None:
    handles = [Line2D([], [], color=colour, linestyle=style, linewidth=1.8) for colour, style, _ in entries]
    legend = axes.legend(handles, [label for *_, label in entries], loc="upper left", labelcolor="white", frameon=True)
    legend.get_frame().set(facecolor="#10202c", alpha=0.55, edgecolor="none")
    legend.set_zorder(9)


def draw_cut(result: Result, path: Path) -> Path:
    """Concentration at the end of injection and dose at the end of the run, on the cut through the needle.

    Args:
        result: of the 3-D or the axisymmetric geometry, with at least one needle.
        path: PNG file to write.
    """
    use_style()
    during, final = result.nearest_time(result.end_of_injection), result.times[-1]
    sections = [cut(result.grid(time), result.geometry, result.needles) for time in (during, final)]
    thresholds = thresholds_of(result.summary, "ct")
    window = _window(sections[1], [level for level, _ in thresholds])
    inlet = float(result.summary["concentration"]["inlet_kg_m3"])
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 6.0), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    _panel(left, sections[0], CONCENTRATION, CONCENTRATION_MAP, inlet * DISPLAY[CONCENTRATION.unit][0])
    _contours(left, sections[0], CONCENTRATION, [FRONT_SHARE * inlet])
    left.set_title(f"Concentration at {during:.4g} s, end of injection")
    dose = sections[1].fields[CT_DOSE.key].max() * DISPLAY[CT_DOSE.unit][0]
    _panel(right, sections[1], CT_DOSE, DOSE_MAP, float(dose))
    _contours(right, sections[1], CT_DOSE, [level for level, _ in thresholds])
    right.set_title(f"CT dose at {final:.4g} s, end of run")
    _keys(left, [("white", "solid", "tumour"), (*threshold_look(0), f"{100 * FRONT_SHARE:g} % of the injected")])
    marks = [(*threshold_look(number), label) for number, (_, label) in enumerate(thresholds)]
    _keys(right, [("white", "solid", "tumour"), *marks])
    for axes, section in zip((left, right), sections, strict=True):
        _finish(axes, result, section, window)
    figure.savefig(path)
    plt.close(figure)
    return path

# SPDX-License-Identifier: MIT
"""Concentration and dose on the cut through the needle, with outlines, thresholds and a scale."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from postprocess.quantities import DISPLAY, duration_text
from postprocess.results import Needle, Result
from postprocess.section import MILLIMETRES, Plane, Section, cut
from postprocess.style import (
    CONCENTRATION_MAP,
    DOSE_MAP,
    INK,
    LEGEND_GROUND,
    NEEDLE_COLOUR,
    NO_TISSUE_COLOUR,
    axis_label,
    threshold_look,
    use_style,
)
from solver.fields import CONCENTRATION, CT_DOSE, Field

ON_THE_CUT = 1e-3
"""A needle whose tip is nearer to the cut than this [m] is drawn as lying on it."""

FRONT_SHARE = 0.05
"""The front is drawn where the concentration is this share of the injected one."""


def thresholds_of(summary: dict[str, Any], measure: str) -> list[tuple[float, str]]:
    """Thresholds of one measure with their labels as matplotlib takes them, ascending."""
    entries = [entry for entry in summary["ablation"] if entry["measure"] == measure]
    return sorted((float(entry["threshold"]), str(entry["label"]).replace("$", r"\$")) for entry in entries)


def _section(result: Result, time: float) -> Section:
    return cut(result.grid(time), result.geometry, result.needles)


def _window(result: Result) -> tuple[NDArray[np.float64], float]:
    """Middle and half width [mm] of a square around the tumour and all that the dose reached."""
    section = _section(result, result.times[-1])
    levels = [level for level, _ in thresholds_of(result.summary, "ct")]
    reached = section.fields[CT_DOSE.key] >= min(levels, default=np.inf)
    shown = [section.outline.reshape(-1, 2), section.points[reached], np.zeros((1, 2))]
    points = np.concatenate([array for array in shown if len(array)])
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2, float(0.68 * max(*(high - low), 2.0))


def _draw_needle(axes: Axes, needle: Needle, plane: Plane) -> None:
    """A needle as it projects onto the cut; pale where its tip lies off the cut."""
    tip, end = plane.picture(needle.tip), plane.picture(needle.tip - needle.direction * needle.length)
    along = end - tip
    side = np.array([-along[1], along[0]]) * needle.radius * MILLIMETRES / max(np.hypot(*along), 1e-9)
    off = abs(float((needle.tip - plane.origin) @ np.cross(plane.across, plane.up)))
    look: dict[str, Any] = {"alpha": 1.0 if off < ON_THE_CUT else 0.45, "zorder": 6}
    corners = np.array([tip + side, tip - side, end - side, end + side])
    axes.add_patch(Polygon(corners, facecolor=NEEDLE_COLOUR, edgecolor=INK, linewidth=0.6, **look))
    axes.plot(*tip, "o", color=INK, markersize=3.2, markeredgecolor="white", markeredgewidth=0.7, **look)


def _draw_scale(axes: Axes, middle: NDArray[np.float64], half: float) -> None:
    length = max(step for step in (0.5, 1, 2, 5, 10, 20, 50, 100) if step <= max(0.7 * half, 0.5))
    x, y = middle[0] + 0.92 * half - length, middle[1] - 0.88 * half
    rim = [withStroke(linewidth=5, foreground=LEGEND_GROUND)]
    axes.plot(
        [x, x + length], [y, y], color="white", linewidth=3, solid_capstyle="butt", zorder=8, path_effects=rim
    )
    place: dict[str, Any] = {"ha": "center", "va": "bottom", "zorder": 8}
    text = axes.text(x + length / 2, y + 0.04 * half, f"{length:g} mm", color="white", **place)
    text.set_path_effects([withStroke(linewidth=2.5, foreground=LEGEND_GROUND)])


def _panel(axes: Axes, section: Section, field: Field, colours: str, largest: float) -> None:
    factor = DISPLAY[field.unit][0]
    values = np.clip(section.fields[field.key] * factor, 0.0, None)
    image = axes.tripcolor(
        *section.points.T,
        section.triangles,
        values,
        shading="gouraud",
        cmap=colours,
        vmin=0,
        vmax=largest,
        rasterized=True,
    )
    strip = axes.figure.add_axes((0.04, 0.083, 0.92, 0.022))
    bar = axes.figure.colorbar(image, cax=strip, orientation="horizontal")
    bar.set_label(axis_label(field))
    bar.outline.set_visible(False)
    axes.add_collection(LineCollection(list(section.outline), colors="white", linewidths=1.6, zorder=4))


def _contours(axes: Axes, section: Section, field: Field, levels: list[float]) -> None:
    values = section.fields[field.key]
    for number, level in enumerate(levels):
        if values.min() < level < values.max():
            colour, style = threshold_look(number, len(levels))
            axes.tricontour(
                *section.points.T,
                section.triangles,
                values,
                levels=[level],
                colors=colour,
                linestyles=style,
                linewidths=1.5,
                zorder=5,
            )


def _finish(axes: Axes, result: Result, section: Section, window: tuple[NDArray[np.float64], float]) -> None:
    middle, half = window
    for needle in result.needles:
        _draw_needle(axes, needle, section.plane)
    _draw_scale(axes, middle, half)
    axes.set_xlim(middle[0] - half, middle[0] + half)
    axes.set_ylim(middle[1] - half, middle[1] + half)
    axes.set_aspect("equal")
    axes.grid(False)
    axes.set_facecolor(NO_TISSUE_COLOUR)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _keys(axes: Axes, entries: list[tuple[str, str, str]]) -> None:
    handles = [Line2D([], [], color=colour, linestyle=style, linewidth=1.8) for colour, style, _ in entries]
    legend = axes.legend(
        handles, [label for *_, label in entries], loc="upper left", labelcolor="white", frameon=True
    )
    legend.get_frame().set(facecolor=LEGEND_GROUND, alpha=0.9, edgecolor="none")
    legend.set_zorder(9)


def _figure(title: str) -> tuple[Figure, Axes]:
    use_style()
    figure = plt.figure(figsize=(5.6, 6.5))
    axes = figure.add_axes((0.02, 0.122, 0.96, 0.96 * 5.6 / 6.5))
    axes.set_title(title)
    return figure, axes


def _close(figure: Figure, path: Path) -> Path:
    figure.savefig(path)
    plt.close(figure)
    return path


def draw_concentration(result: Result, path: Path) -> Path:
    """Concentration at the end of the last pulse on the cut through the needle, with the front.

    Args:
        result: of the 3-D or the axisymmetric geometry, with at least one needle.
        path: PNG file to write.
    """
    time = result.nearest_time(result.end_of_injection)
    section, window = _section(result, time), _window(result)
    inlet = float(result.summary["concentration"]["inlet_kg_m3"])
    which = "the last injection" if len(result.injections) > 1 else "injection"
    figure, axes = _figure(f"Concentration at {duration_text(time)}, end of {which}")
    _panel(axes, section, CONCENTRATION, CONCENTRATION_MAP, inlet * DISPLAY[CONCENTRATION.unit][0] or 1.0)
    _contours(axes, section, CONCENTRATION, [FRONT_SHARE * inlet])
    _keys(
        axes,
        [("white", "solid", "tumour"), (*threshold_look(0, 1), f"{100 * FRONT_SHARE:g} % of the injected")],
    )
    _finish(axes, result, section, window)
    return _close(figure, path)


def draw_dose(result: Result, path: Path) -> Path:
    """CT dose at the end of the run on the cut through the needle, with the thresholds.

    Args:
        result: of the 3-D or the axisymmetric geometry, with at least one needle.
        path: PNG file to write.
    """
    section, window = _section(result, result.times[-1]), _window(result)
    thresholds = thresholds_of(result.summary, "ct")
    figure, axes = _figure(f"CT dose at {duration_text(result.times[-1])}, end of run")
    largest = section.fields[CT_DOSE.key].max() * DISPLAY[CT_DOSE.unit][0]
    _panel(axes, section, CT_DOSE, DOSE_MAP, float(largest) or 1.0)
    _contours(axes, section, CT_DOSE, [level for level, _ in thresholds])
    marks = [
        (*threshold_look(number, len(thresholds)), label) for number, (_, label) in enumerate(thresholds)
    ]
    _keys(axes, [("white", "solid", "tumour"), *marks])
    _finish(axes, result, section, window)
    return _close(figure, path)

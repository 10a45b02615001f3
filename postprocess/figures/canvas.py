# SPDX-License-Identifier: MIT
"""What every cut is drawn with: a field in colour, tumour, thresholds, needles, a scale bar."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from postprocess.figures.section import MILLIMETRES, Plane, Section
from postprocess.figures.stage import Window
from postprocess.figures.style import (
    INK,
    LEGEND_GROUND,
    NEEDLE_COLOUR,
    NO_TISSUE_COLOUR,
    PAPER,
    axis_label,
    is_wide,
    pt,
    threshold_look,
)
from postprocess.results.quantities import DISPLAY
from postprocess.results.result import Needle
from solver.results.fields import Field

ON_THE_CUT: Final = 1e-3
"""A needle whose tip is nearer to the cut than this [m] is drawn as lying on it."""

STEPS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
"""Lengths of scale bars [mm]."""


@dataclass(frozen=True, kw_only=True)
class Paint:
    """How a field is coloured.

    Attributes:
        field: from the field table.
        colours: name of the map.
        largest: at the upper end of the map, in the field's display unit; the lower end is 0.
    """

    field: Field
    colours: str
    largest: float

    @property
    def mappable(self) -> ScalarMappable:
        """For a colour bar."""
        return ScalarMappable(Normalize(0.0, self.largest or 1.0), self.colours)


def paint_field(axes: Axes, section: Section, paint: Paint) -> None:
    """A field on a cut, in colour, with the tumour's outline on it."""
    values = np.clip(section.fields[paint.field.key] * DISPLAY[paint.field.unit][0], 0.0, None)
    axes.tripcolor(
        *section.points.T,
        section.triangles,
        values,
        shading="gouraud",
        cmap=paint.colours,
        vmin=0.0,
        vmax=paint.largest or 1.0,
        rasterized=True,
    )
    draw_outline(axes, section)


def draw_outline(axes: Axes, section: Section, colour: str = "white") -> None:
    """The tumour's boundary on a cut."""
    axes.add_collection(
        LineCollection(list(section.outline), colors=colour, linewidths=pt(1.6), capstyle="round", zorder=4)
    )


def draw_contours(axes: Axes, section: Section, field: Field, levels: Sequence[float]) -> None:
    """Contours of a field at levels in its SI unit, ascending, each in the look of its place."""
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
                linestyles=[style],
                linewidths=pt(1.5),
                zorder=5,
            )


def draw_needle(axes: Axes, needle: Needle, plane: Plane) -> None:
    """A needle as it projects onto the cut, side holes dotted; pale where its tip lies off the cut."""
    tip, end = plane.picture(needle.tip), plane.picture(needle.tip - needle.direction * needle.length)
    along = end - tip
    side = np.array([-along[1], along[0]]) * needle.radius * MILLIMETRES / max(np.hypot(*along), 1e-9)
    off = abs(float((needle.tip - plane.origin) @ np.cross(plane.across, plane.up)))
    look: dict[str, Any] = {"alpha": 1.0 if off < ON_THE_CUT else 0.45, "zorder": 6}
    corners = np.array([tip + side, tip - side, end - side, end + side])
    axes.add_patch(Polygon(corners, facecolor=NEEDLE_COLOUR, edgecolor=INK, linewidth=pt(0.6), **look))
    rim: dict[str, Any] = {"markeredgecolor": "white", "markeredgewidth": pt(0.7)}
    axes.plot(*tip, "o", color=INK, markersize=pt(3.2), **rim, **look)
    for back in needle.holes:
        place = plane.picture(needle.tip - back * needle.direction)
        ends = np.array([place + side, place - side])
        axes.plot(*ends.T, ":", color=INK, linewidth=pt(2.2), **look)


def draw_scale(axes: Axes, window: Window) -> None:
    """A bar of a round length in the lower right corner."""
    half = window.half
    length = max(step for step in STEPS if step <= max(0.7 * half, STEPS[0]))
    x, y = window.middle[0] + 0.92 * half - length, window.middle[1] - 0.88 * half
    rim = [withStroke(linewidth=pt(5), foreground=LEGEND_GROUND)]
    look: dict[str, Any] = {"color": "white", "zorder": 8}
    axes.plot([x, x + length], [y, y], linewidth=pt(3), solid_capstyle="butt", path_effects=rim, **look)
    place: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": "medium"}
    text = axes.text(x + length / 2, y + 0.04 * half, f"{length:g} mm", **place, **look)
    text.set_path_effects([withStroke(linewidth=pt(2.5), foreground=LEGEND_GROUND)])


def finish(axes: Axes, section: Section, window: Window, needles: Sequence[Needle]) -> None:
    """Needles, scale bar and the frame of a cut."""
    for needle in needles:
        draw_needle(axes, needle, section.plane)
    draw_scale(axes, window)
    axes.set_xlim(window.middle[0] - window.half, window.middle[0] + window.half)
    axes.set_ylim(window.middle[1] - window.half, window.middle[1] + window.half)
    axes.set_aspect("equal")
    axes.grid(False)
    axes.set_facecolor(NO_TISSUE_COLOUR)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def draw_keys(axes: Axes, entries: Sequence[tuple[str, Any, str]]) -> None:
    """A legend on a dark ground: colour, line style and words of each line."""
    handles = [
        Line2D([], [], color=colour, linestyle=style, linewidth=pt(1.8)) for colour, style, _ in entries
    ]
    legend = axes.legend(
        handles,
        [words for *_, words in entries],
        loc="upper left",
        labelcolor="white",
        frameon=True,
        facecolor=LEGEND_GROUND,
        framealpha=0.75,
        edgecolor="none",
        fontsize="small",
    )
    legend.set_zorder(9)


def draw_bar(figure: Figure, axes: Sequence[Axes], paint: Paint) -> None:
    """The colour bar of a field, with words, symbol and unit: below some axes, or beside them if wide."""
    look: dict[str, Any] = {"location": "bottom", "aspect": 42, "pad": 0.02, "fraction": 0.05}
    if is_wide(figure):
        look |= {"location": "right", "aspect": 30}
    bar = figure.colorbar(paint.mappable, ax=list(axes), **look)
    bar.set_label(axis_label(paint.field))
    bar.outline.set_visible(False)


def draw_levels(axes: Axes, levels: Sequence[tuple[float, str]], colour: str) -> None:
    """Thresholds across a curve, with their words on the lines, in turns so that near ones do not collide."""
    for number, (level, words) in enumerate(levels):
        _draw_level(axes, level, words, number, len(levels), colour)


def _draw_level(axes: Axes, level: float, words: str, number: int, count: int, colour: str) -> None:
    style, right = threshold_look(number, count)[1], 0.995 - 0.24 * (number % 2)
    axes.axhline(level, color=colour, linestyle=style, linewidth=pt(1.2), zorder=1.5)
    place: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": "x-small", "zorder": 3}
    text = axes.text(right, level, words, transform=axes.get_yaxis_transform(), color=INK, **place)
    text.set_path_effects([withStroke(linewidth=pt(3), foreground=PAPER)])


def largest_in_window(section: Section, window: Window, values: NDArray[np.float64]) -> float:
    """Largest value of the points of a cut that are shown."""
    shown = (np.abs(section.points - window.middle) <= window.half).all(axis=1)
    return float(values[shown].max()) if shown.any() else 0.0

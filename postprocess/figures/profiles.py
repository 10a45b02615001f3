# SPDX-License-Identifier: MIT
"""Curves along a line through the tip, and how far agent and dose got beyond the tumour."""

from typing import Any, Final

import numpy as np
import pyvista as pv
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from postprocess.figures.canvas import draw_levels
from postprocess.figures.section import MILLIMETRES, at_places
from postprocess.figures.stage import Stage, Wish, thresholds_of
from postprocess.figures.style import (
    ABLATED_COLOUR,
    ESCAPED_COLOUR,
    INK,
    MUTED,
    TUMOUR_COLOUR,
    axis_label,
    new_figure,
    pt,
)
from postprocess.results.ablation import in_tumour, tumour_surface
from postprocess.results.closed_forms import closed_form
from postprocess.results.quantities import DISPLAY, duration_text
from solver.results.fields import CONCENTRATION, CT_DOSE, PEAK_CONCENTRATION, PRESSURE, Field

SAMPLES: Final = 400
FARTHEST_SHELL: Final = 0.010
"""Distance from the tumour up to which the shells are drawn [m]."""

SMALLEST: Final = 1e-6
"""Lower end of the axes of the shells, as a share of the largest value."""


def _line(stage: Stage, field: Field, time: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places [mm] and values in SI: along the radius, or along the line across the needle on the cut."""
    if stage.result.geometry == "radial":
        grid = stage.result.grid(time)
        order = np.argsort(np.asarray(grid.points)[:, 0])
        radii = np.asarray(MILLIMETRES * np.asarray(grid.points)[order, 0], dtype=np.float64)
        return radii, np.asarray(grid.point_data[field.key])[order]
    site = _first_site(stage)
    section, reach = stage.section(time, site), stage.window(site).half
    tip = section.plane.picture(stage.needles[site].tip)
    places = np.asarray(np.linspace(-reach, reach, SAMPLES), dtype=np.float64)
    across = np.stack([tip[0] + places, np.full(SAMPLES, tip[1])], axis=-1)
    return places, at_places(section, section.fields[field.key], across)


def _first_site(stage: Stage) -> int:
    """Of the needle through which the first pulse goes."""
    return next((deposit.site for deposit in stage.deposits()), 0)


def _shade_tumour(axes: Axes, stage: Stage, time: float) -> None:
    look: dict[str, Any] = {
        "color": TUMOUR_COLOUR,
        "alpha": 0.18,
        "linewidth": 0,
        "zorder": 0,
        "label": "tumour",
    }
    if stage.result.geometry == "radial":
        edge = MILLIMETRES * (3 * float(stage.result.summary["tumour"]["volume_m3"]) / (4 * np.pi)) ** (1 / 3)
        axes.axvspan(0, edge, **look)
        axes.set_xlim(0, 2 * edge)
        return
    site = _first_site(stage)
    section = stage.section(time, site)
    tip = section.plane.picture(stage.needles[site].tip)
    ends = section.outline - tip
    crossing = ends[(ends[:, 0, 1] > 0) != (ends[:, 1, 1] > 0)]
    share = crossing[:, 0, 1] / (crossing[:, 0, 1] - crossing[:, 1, 1])
    edges = np.sort(crossing[:, 0, 0] + share * (crossing[:, 1, 0] - crossing[:, 0, 0]))
    for left, right in zip(edges[::2], edges[1::2], strict=False):
        axes.axvspan(left, right, **look)
        look.pop("label", None)
    axes.set_xlim(-stage.window(site).half, stage.window(site).half)


def _draw(axes: Axes, stage: Stage, field: Field, time: float) -> None:
    factor = DISPLAY[field.unit][0]
    places, values = _line(stage, field, time)
    axes.plot(places, factor * values, color=ABLATED_COLOUR, label="computed")
    exact = closed_form(stage.result, field, time, np.asarray(places / MILLIMETRES, dtype=np.float64))
    if exact is not None:
        axes.plot(
            places, factor * exact, color=INK, linestyle="dashed", linewidth=pt(1.4), label="closed form"
        )
    _shade_tumour(axes, stage, time)
    axes.set_ylabel(axis_label(field).replace(" $", "\n$"))
    axes.set_title(
        f"{field.label[0].upper()}{field.label[1:]} at {duration_text(time)}",
        fontsize="medium",
        fontweight="normal",
    )


def profiles(stage: Stage, wish: Wish) -> Figure:
    """Concentration and pressure when the first injection ends, dose at the end, along a line by its tip.

    Where a closed form exists (``postprocess.results.closed_forms``) it is drawn beside the computed curve.
    """
    ends = [deposit.end for deposit in stage.deposits()] or [stage.result.end_of_injection]
    during = stage.time(ends[0] if wish.time is None else wish.time)
    final = stage.time(wish.time)
    figure = new_figure((4.8, 6.6), wish.size)
    panels = figure.subplots(3, 1, sharex=True)
    for axes, field, time in zip(
        panels, (CONCENTRATION, CT_DOSE, PRESSURE), (during, final, during), strict=True
    ):
        _draw(axes, stage, field, time)
        axes.set_ylim(bottom=None if field is CT_DOSE else 0)
    thresholds, factor = thresholds_of(stage.result.summary, "ct"), DISPLAY[CT_DOSE.unit][0]
    draw_levels(panels[1], [(factor * level, label) for level, label in thresholds], ESCAPED_COLOUR)
    lowest = min((level for level, _ in thresholds), default=1.0)
    panels[1].set_yscale("log", nonpositive="mask")
    panels[1].set_ylim(bottom=0.3 * factor * lowest)
    known = {
        label: handle
        for axes in panels
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(known.values(), known.keys(), loc="outside lower center", ncols=3, fontsize="small")
    where = "Distance from the centre" if stage.result.geometry == "radial" else "Place across the first tip"
    panels[-1].set_xlabel(f"{where} [mm]")
    return figure


def beyond_tumour(grid: pv.UnstructuredGrid) -> NDArray[np.float64]:
    """Distance of each point of a mesh to the vertices of the tumour's surface [m]; nan in the tumour."""
    points = np.asarray(grid.points, dtype=np.float64)
    surface = np.unique(tumour_surface(grid))
    distances = np.full(len(points), np.nan)
    if len(surface) == 0:
        return distances
    ((_, cells),) = grid.cells_dict.items()
    outside = np.ones(len(points), dtype=bool)
    outside[cells[in_tumour(grid)]] = False
    outside[surface] = True
    distances[outside] = cKDTree(points[surface]).query(points[outside])[0]
    return distances


def largest_beyond(
    distances: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The points than which no farther one has a larger value, by distance: distances and values."""
    order = np.lexsort((values, distances))
    beyond = np.maximum.accumulate(values[order][::-1])[::-1]
    record = values[order] == beyond
    return distances[order][record], beyond[record]


def shells(stage: Stage, wish: Wish) -> Figure:
    """Largest dose and concentration in normal tissue at a distance from the tumour or farther."""
    grid = stage.grid(stage.time(wish.time))
    distances = beyond_tumour(grid)
    normal = np.isfinite(distances)
    figure = new_figure((4.8, 4.6), wish.size)
    panels = figure.subplots(2, 1, sharex=True)
    for axes, field, measure in zip(panels, (CT_DOSE, PEAK_CONCENTRATION), ("ct", "peak"), strict=True):
        factor = DISPLAY[field.unit][0]
        values = np.asarray(grid.point_data[field.key])
        places, largest = largest_beyond(distances[normal], values[normal])
        curve = factor * largest
        axes.semilogy(MILLIMETRES * places, np.maximum(curve, 1e-300), color=ESCAPED_COLOUR)
        top = max(float(factor * values.max()), 1e-300)
        axes.set_ylim(SMALLEST * top, 2 * top)
        thresholds = thresholds_of(stage.result.summary, measure)
        draw_levels(axes, [(factor * level, label) for level, label in thresholds], MUTED)
        axes.set_ylabel(axis_label(field).replace(" $", "\n$"))
        if curve.max(initial=0.0) < SMALLEST * top:
            words = "nothing above a millionth of the largest"
            axes.text(0.5, 0.25, words, transform=axes.transAxes, ha="center", color=MUTED)
    panels[0].set_title("Beyond the tumour, by distance")
    panels[-1].set_xlim(0, MILLIMETRES * FARTHEST_SHELL)
    panels[-1].set_xlabel("Distance from the tumour [mm]")
    return figure

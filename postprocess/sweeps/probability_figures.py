# SPDX-License-Identifier: MIT
"""Pictures of the probability that tissue is ablated: along the radius, on a cut, and in space."""

import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

from postprocess.figures.apart import draw_apart
from postprocess.figures.canvas import STEPS, draw_needle
from postprocess.figures.section import MILLIMETRES, Plane, choose_plane
from postprocess.figures.style import (
    INK,
    NEEDLE_COLOUR,
    NO_TISSUE_COLOUR,
    RUN_LOOKS,
    TUMOUR_COLOUR,
    Size,
    new_figure,
    pt,
)
from postprocess.results.result import ResultError
from postprocess.sweeps.probability import SHARES, ProbabilityMap

COLOURS: Final = "Blues"
LINES: Final = ("dotted", "solid", "dashed")
"""Of the contours of 5, 50 and 95 %."""
SHELLS: Final = (("#9ecae1", 0.3), ("#4292c6", 0.45), ("#08519c", 1.0))
"""Colour and opacity of the surfaces of 5, 50 and 95 % in space."""
PIXELS: Final = (1500, 1500)
CUT_POINTS: Final = 300
Floats = NDArray[np.float64]


def map_figures(found: ProbabilityMap) -> dict[str, Figure]:
    """All pictures of a map, by name; that in space is left out where VTK cannot draw."""
    if found.geometry == "radial":
        return {"probability_radius": along_radius(found)}
    out = {"probability_cut": on_cut(found)}
    if found.geometry == "3d":
        try:
            out["probability_space"] = in_space(found)
        except ResultError as error:
            print(f"no picture in space: {error}", file=sys.stderr)
    return out


def along_radius(found: ProbabilityMap) -> Figure:
    """Probability against the distance from the centre, a curve for each threshold."""
    figure = new_figure((7.2, 4.4), Size())
    axes = figure.subplots()
    (radii,) = found.axes
    for number, level in enumerate(found.record["levels"]):
        colour, line = RUN_LOOKS[number % len(RUN_LOOKS)]
        values = 100 * found.fields[level["name"]]
        axes.plot(MILLIMETRES * radii, values, color=colour, linestyle=line, label=level["label"])
    inside = radii[found.distance < 0]
    if inside.size:
        edge = MILLIMETRES * (inside.max() + found.record["grid"]["spacing"] / 2)
        axes.axvline(edge, color=TUMOUR_COLOUR, linewidth=pt(2), label="tumour's surface")
    axes.set_xlabel("distance from the centre [mm]")
    axes.set_ylabel("probability of being ablated [%]")
    axes.set_title(f"Probability of ablation, {found.record['cases']} cases")
    axes.legend()
    return figure


def on_cut(found: ProbabilityMap) -> Figure:
    """Probability at the middle threshold on the cut through the needle, with tumour and contours."""
    level = found.middle
    plane, across, up, chance, distance = _cut(found, found.fields[level["name"]])
    figure = new_figure((5.6, 5.9), Size(), "compressed")
    axes = figure.subplots()
    axes.set_facecolor(NO_TISSUE_COLOUR)
    shades = axes.pcolormesh(
        across, up, 100 * chance.T, cmap=COLOURS, vmin=0, vmax=100, shading="nearest", rasterized=True
    )
    filled = np.ma.masked_invalid(chance.T)
    for share, line in zip(SHARES, LINES, strict=True):
        if filled.min() < share <= filled.max():
            axes.contour(
                across,
                up,
                filled,
                levels=[share],
                colors=INK,
                linestyles=[line],
                linewidths=pt(1.4),
                zorder=5,
            )
    if distance.min() < 0 < distance.max():
        axes.contour(across, up, distance.T, levels=[0.0], colors="#b8477f", linewidths=pt(2.0), zorder=4)
    _frame(axes, found, plane, (across, up))
    bar = figure.colorbar(shades, ax=axes, location="bottom", aspect=40, pad=0.02)
    bar.set_label(f"probability of {level['label']} or more [%], {found.record['cases']} cases")
    bar.outline.set_visible(False)
    handles = [
        Line2D([], [], color=INK, linestyle=line, linewidth=pt(1.4), label=f"{100 * share:g} %")
        for share, line in zip(SHARES, LINES, strict=True)
    ]
    handles.append(Line2D([], [], color="#b8477f", linewidth=pt(2.0), label="tumour"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize="small")
    figure.suptitle("Probability of ablation", x=0.01, ha="left")
    return figure


def _frame(axes: Axes, found: ProbabilityMap, plane: Plane, sides: tuple[Floats, Floats]) -> None:
    """Needles, a scale bar, no ticks."""
    for needle in found.needles:
        draw_needle(axes, needle, plane)
    ends = [(float(side[0]), float(side[-1])) for side in sides]
    length = max(step for step in STEPS if step <= max(0.35 * (ends[0][1] - ends[0][0]), STEPS[0]))
    x = 0.96 * ends[0][1] + 0.04 * ends[0][0]
    y = 0.06 * ends[1][1] + 0.94 * ends[1][0]
    axes.plot([x - length, x], [y, y], color=INK, linewidth=pt(3), solid_capstyle="butt")
    axes.text(
        x - length / 2, y + 0.01 * (ends[1][1] - ends[1][0]), f"{length:g} mm", ha="center", va="bottom"
    )
    axes.set_xlim(*ends[0])
    axes.set_ylim(*ends[1])
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])


def _cut(found: ProbabilityMap, chance: Floats) -> tuple[Plane, Floats, Floats, Floats, Floats]:
    """The plane, coordinates in the picture [mm], probability and distance there; right first."""
    if found.geometry == "axisymmetric":
        radii, heights = found.axes
        up = np.array([0.0, 0.0, 1.0])
        plane = Plane(origin=np.zeros(3), across=np.array([1.0, 0.0, 0.0]), up=up)
        sides = MILLIMETRES * np.concatenate([-radii[::-1], radii]), MILLIMETRES * heights
        both = [np.concatenate([half[::-1], half]) for half in (chance, found.distance)]
        return plane, *sides, both[0], both[1]
    return _oblique(found, chance)


def _oblique(found: ProbabilityMap, chance: Floats) -> tuple[Plane, Floats, Floats, Floats, Floats]:
    """The same in 3-D, where the plane may lie askew in the grid."""
    inside = np.argwhere(found.distance < 0)
    axes = found.axes
    centre = np.array([axis[inside[:, i]].mean() for i, axis in enumerate(axes)])
    plane = choose_plane(found.needles, centre)
    corners = np.stack(np.meshgrid(*[(axis[0], axis[-1]) for axis in axes]), axis=-1).reshape(-1, 3)
    seen = plane.picture(corners)
    # a plane askew in the grid would show its corners otherwise
    half = 0.5 * float(max(axis[-1] - axis[0] for axis in axes)) * MILLIMETRES
    middle = plane.picture(corners.mean(axis=0))
    low = np.maximum(seen.min(axis=0), middle - half)
    high = np.minimum(seen.max(axis=0), middle + half)
    across, up = (np.linspace(low[i], high[i], CUT_POINTS) for i in (0, 1))
    x, y = np.meshgrid(across, up, indexing="ij")
    places = plane.origin + (x[..., None] * plane.across + y[..., None] * plane.up) / MILLIMETRES
    look = {"bounds_error": False, "fill_value": np.nan}
    tissue = RegularGridInterpolator(axes, np.isfinite(chance).astype(float), **look)(places)
    values = RegularGridInterpolator(axes, np.nan_to_num(chance), **look)(places)
    with np.errstate(invalid="ignore"):
        values = np.where(tissue > 0.5, values / tissue, np.nan)
    distance = RegularGridInterpolator(axes, found.distance, **(look | {"fill_value": 1.0}))(places)
    return plane, across, up, values, distance


def in_space(found: ProbabilityMap) -> Figure:
    """Surfaces of 5, 50 and 95 % at the middle threshold, the outer two cut open, in the tumour.

    Raises:
        ResultError: the drawing process failed.
    """
    level = found.middle
    picture = _rendered(found, str(level["name"]))
    figure = new_figure((5.6, 5.9), Size(), "compressed")
    axes = figure.subplots()
    axes.imshow(picture)
    axes.set_axis_off()
    handles = [
        Patch(facecolor=colour, alpha=max(opacity, 0.5), label=f"from {100 * share:g} %")
        for share, (colour, opacity) in zip(SHARES, SHELLS, strict=True)
    ]
    handles.append(Patch(facecolor=TUMOUR_COLOUR, alpha=0.5, label="tumour"))
    handles.append(Patch(facecolor=NEEDLE_COLOUR, edgecolor=INK, linewidth=pt(0.5), label="needle"))
    figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize="small")
    title = f"Probability of {level['label']} or more, {found.record['cases']} cases"
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def _rendered(found: ProbabilityMap, name: str) -> NDArray[np.uint8]:
    asked = {"folder": str(found.folder.resolve()), "name": name, "pixels": PIXELS}
    with tempfile.TemporaryDirectory() as place:
        request = draw_apart("postprocess.sweeps.probability_render", asked, Path(place))
        return np.asarray(np.load(request.with_suffix(".npy")))

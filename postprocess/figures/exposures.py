# SPDX-License-Identifier: MIT
"""Exposures of ways in to one tumour: a panel for each drug, with an axis that shows factors."""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from textwrap import fill
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import blended_transform_factory

from postprocess.figures.stage import plain_text
from postprocess.figures.style import ABLATED_COLOUR, ESCAPED_COLOUR, MUTED, Size, new_figure, pt, save_figure
from postprocess.results import quantities

Entry = Mapping[str, Any]

AUC: Final = 1e3 / 3600.0
"""From kg s/m3 to mg h/L."""
REACH: Final = 3e3
"""Largest over smallest exposure that a panel draws; what is below stands at its edge, as a number."""
LABEL: Final = 30
"""Letters in a line of a label, so that points have room beside it."""
BANDS: Final = (
    ("tumour", "tumour_auc_mean_kg_s_m3", ABLATED_COLOUR, "o", 0.27),
    ("normal tissue around", "tissue_auc_mean_kg_s_m3", ESCAPED_COLOUR, "s", 0.0),
    ("plasma", "plasma_auc_kg_s_m3", MUTED, "D", -0.27),
)
"""Where: words, key, colour, mark, and how far above the middle of its line."""


def draw_exposures(entries: Sequence[Entry], path: Path) -> Path:
    """Tumour, tissue around and plasma: AUC of every way in, those of one drug on one axis."""
    drugs = [(agent, list(group)) for agent, group in groupby(entries, key=lambda entry: entry["agent"])]
    sizes = [sum(_room(entry) for entry in group) for _, group in drugs]
    figure = new_figure((7.2, 0.7 + sum(sizes) + 0.55 * len(drugs)), Size())
    panels = figure.subplots(len(drugs), 1, height_ratios=sizes, squeeze=False)[:, 0]
    for axes, (agent, group) in zip(panels, drugs, strict=True):
        _draw_drug(axes, group)
        axes.set_title(plain_text(agent.replace("_", " ")), fontsize="medium", loc="left")
    panels[-1].set_xlabel("AUC [mg h/L], an axis of its own for each drug")
    marks = [
        Line2D([], [], color=colour, marker=mark, linestyle="none", label=words)
        for words, _, colour, mark, _ in BANDS
    ]
    span = Line2D([], [], color=ABLATED_COLOUR, label="5 to 95 % of the tumour's volume")
    figure.legend(handles=[*marks, span], loc="outside upper center", ncols=4, fontsize="small")
    return save_figure(figure, path)


def _room(entry: Entry) -> float:
    return max(0.58, 0.19 * (_label(entry).count("\n") + 1))


def _label(entry: Entry) -> str:
    """Title of a way in, with numbers and their units in one line."""
    return plain_text(fill(re.sub(r"([0-9]) ", "\\1\N{NO-BREAK SPACE}", entry["title"]), LABEL))


def _draw_drug(axes: Axes, entries: Sequence[Entry]) -> None:
    places = np.arange(len(entries), dtype=np.float64)[::-1]
    low, high = _limits(entries)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(-0.55, len(entries) - 0.45)
    at_edge = blended_transform_factory(axes.transAxes, axes.transData)
    for place, entry in zip(places, entries, strict=True):
        for _, key, colour, mark, shift in BANDS:
            if entry[key] is None:
                continue
            value, y = AUC * entry[key], place + shift
            seen = value >= low
            where = (value, y) if seen else (0.0, y)
            across = axes.transData if seen else at_edge
            axes.plot(*where, mark if seen else "<", color=colour, transform=across, clip_on=False, zorder=3)
            axes.annotate(
                quantities.significant(value), where, (7, 0), xycoords=across, textcoords="offset points",
                va="center", fontsize="x-small", zorder=4,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )  # fmt: skip
        spread = (max(AUC * entry[f"tumour_auc_{share}_kg_s_m3"], low) for share in ("p5", "p95"))
        axes.hlines(place + BANDS[0][-1], *spread, color=ABLATED_COLOUR, linewidth=pt(2.0))
    axes.set_yticks(places, [_label(entry) for entry in entries])
    axes.tick_params(axis="y", length=0)
    steps = (1.0, 2.0, 5.0) if high < 400 * low else (1.0,)
    axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=20))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="x", alpha=0.4)


def _limits(entries: Sequence[Entry]) -> tuple[float, float]:
    """Ends of the axis of one drug [mg h/L]: from a little below what is drawn to a little above."""
    keys = (*(key for _, key, _, _, _ in BANDS), "tumour_auc_p5_kg_s_m3", "tumour_auc_p95_kg_s_m3")
    values = [AUC * entry[key] for entry in entries for key in keys if entry[key]]
    high = max(values, default=1.0)
    low = min(value for value in (*values, high) if value >= high / REACH)
    middle = np.sqrt(high * low)
    return float(min(low / 1.6, middle / 4.0)), float(max(2.2 * high, 4.0 * middle))

# SPDX-License-Identifier: MIT
"""How results settle as the mesh is refined: values against edge length, with order and limit that fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from postprocess.figures.stage import Wish
from postprocess.figures.style import ABLATED_COLOUR, ESCAPED_COLOUR, new_figure, pt
from postprocess.results.headline import middle_entry
from postprocess.results.quantities import significant
from postprocess.results.result import Result

ORDERS: Final = np.linspace(0.25, 4.0, 376)
LEAST_RUNS: Final = 3
FLAT: Final = 1e-12
_DIMENSION: Final = {"radial": 1, "axisymmetric": 2, "3d": 3}


@dataclass(frozen=True, kw_only=True)
class Fit:
    """``value = limit + slope h^order``, by least squares.

    Attributes:
        limit: for edge length 0.
        slope: per edge length to the power of the order.
        order: None where all values are the same.
    """

    limit: float
    slope: float
    order: float | None

    def at(self, lengths: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fitted values."""
        return self.limit + self.slope * lengths ** (self.order or 1.0)


def fit(lengths: Sequence[float], values: Sequence[float]) -> Fit | None:
    """Order and limit of values on meshes of several edge lengths; None if none fits (below three, noise).

    Args:
        lengths: relative or in any unit.
        values: one per length.
    """
    h, v = np.asarray(lengths, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if len(np.unique(h)) < LEAST_RUNS:
        return None
    if np.ptp(v) <= FLAT * np.abs(v).max(initial=0.0):
        return Fit(limit=float(v.mean()), slope=0.0, order=None)
    found = []
    for order in ORDERS:
        columns = np.stack([np.ones_like(h), h**order], axis=1)
        solution, *_ = np.linalg.lstsq(columns, v, rcond=None)
        found.append((float(np.sum((columns @ solution - v) ** 2)), float(order), *map(float, solution)))
    _, order, limit, slope = min(found)
    if order in (ORDERS[0], ORDERS[-1]):
        return None
    return Fit(limit=limit, slope=slope, order=order)


def table_of(results: Sequence[Result]) -> tuple[list[float], dict[str, list[float]]]:
    """Relative edge lengths of runs, 1 for the finest, and what they found, by words with unit.

    Args:
        results: runs of one case and one geometry on several meshes.
    """
    sizes = [
        float(result.summary["mesh"]["cells"]) ** (-1.0 / _DIMENSION[result.geometry]) for result in results
    ]
    lengths = [size / min(sizes) for size in sizes]
    columns: dict[str, list[float]] = {}
    for result in results:
        for words, value in _quantities(result.summary).items():
            columns.setdefault(words, []).append(value)
    return lengths, {words: values for words, values in columns.items() if len(values) == len(results)}


def _quantities(summary: dict[str, Any]) -> dict[str, float]:
    entry = middle_entry(summary)
    destroyed = {}
    if entry is not None:
        destroyed = {
            "Tumour destroyed [mL]": 1e6 * entry["in_tumour_m3"],
            "Destroyed outside [mL]": 1e6 * entry["outside_m3"],
        }
    return destroyed | {
        "Peak pressure [kPa]": 1e-3 * summary["pressure"]["peak_Pa"],
        "Crossed outward [%]": 100 * summary["spill"]["crossed_fraction"],
        "Washed into blood [%]": 100 * summary["blood"]["absorbed_fraction"],
        "Front, equivalent radius [mm]": 1e3 * summary["front"]["equivalent_radius_m"],
    }


def convergence(lengths: Sequence[float], values: Mapping[str, Sequence[float]], wish: Wish) -> Figure:
    """Values against edge length, one panel per quantity, with the fitted order and limit.

    Args:
        lengths: edge length of each run, relative to the finest or in any unit.
        values: words with unit, to one value per run.
        wish: its size counts.
    """
    columns = min(3, len(values))
    unit = "Edge length, finest = 1" if min(lengths) == 1.0 else "Edge length"
    rows = ceil(len(values) / columns)
    figure = new_figure((2.4 * columns, 2.3 * rows + 0.3), wish.size)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    fine = np.linspace(0.0, 1.05 * max(lengths), 200)
    for axes, (words, found) in zip(panels, values.items(), strict=False):
        axes.plot(lengths, found, "o", color=ABLATED_COLOUR, markersize=pt(5))
        fitted = fit(lengths, found)
        note = ""
        if fitted is not None:
            axes.plot(
                fine,
                fitted.at(np.asarray(fine, dtype=np.float64)),
                color=ESCAPED_COLOUR,
                linestyle="dashed",
                linewidth=pt(1.4),
                zorder=1,
            )
            order = "" if fitted.order is None else f", order {fitted.order:.1f}"
            note = f"\nlimit {significant(fitted.limit)}{order}"
        axes.set_title(f"{words}{note}", fontsize="small", fontweight="normal")
        axes.set_xlim(left=0)
        axes.margins(y=0.2)
    for spare in panels[len(values) :]:
        spare.set_axis_off()
    for axes in panels[max(0, len(values) - columns) : len(values)]:
        axes.set_xlabel(unit)
        axes.tick_params(labelbottom=True)
    return figure

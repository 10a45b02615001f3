# SPDX-License-Identifier: MIT
"""Figures of a sweep: response curves, maps over two axes, coverage against spill, what matters."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from postprocess.figures.style import (
    ABLATED_COLOUR,
    ESCAPED_COLOUR,
    INK,
    MUTED,
    RUN_LOOKS,
    Size,
    new_figure,
    pt,
)
from postprocess.sweeps.results import Metric, SweepResult, short_names
from postprocess.sweeps.sensitivity import Sensitivity

Floats = NDArray[np.float64]

WIDE = (7.2, 4.4)
LOGARITHMIC = 30.0
"""Ratio of the ends from which an axis is logarithmic."""
MOST_CURVES = 6


def response(sweep: SweepResult, metric: Metric, axis: str) -> Figure:
    """A result along one axis: a curve for each value of another, or the band over all other inputs."""
    figure = new_figure(WIDE, Size())
    axes = figure.subplots()
    others = [name for name in sweep.axes if name != axis]
    groups = sweep.done.groupby(others[0]) if others and not sweep.drawn else None
    if groups is not None and groups.ngroups <= MOST_CURVES and len(others) == 1:
        for (value, rows), (colour, line) in zip(groups, RUN_LOOKS, strict=False):
            ordered = rows.sort_values(axis)
            scale, unit = sweep.unit(others[0])
            label = f"{short_names(sweep.inputs)[others[0]]} {scale * float(value):.3g} {unit}"
            x, y = (
                sweep.unit(axis)[0] * sweep.values(axis, ordered),
                metric.factor * sweep.values(metric.column, ordered),
            )
            axes.plot(x, y, color=colour, linestyle=line, marker="o", markersize=pt(4), label=label)
        axes.legend()
    else:
        _band(axes, sweep, metric, axis)
    _labelled(axes, sweep, axis)
    axes.set_ylabel(metric.label)
    axes.set_title(metric.words.capitalize())
    return figure


def _band(axes: Axes, sweep: SweepResult, metric: Metric, axis: str) -> None:
    groups = sweep.done.groupby(axis)[metric.column]
    low, middle, high = (metric.factor * groups.quantile(share) for share in (0.05, 0.5, 0.95))
    places = sweep.unit(axis)[0] * np.asarray(middle.index, dtype=np.float64)
    axes.fill_between(places, low, high, color=ABLATED_COLOUR, alpha=0.2, linewidth=0, label="5 to 95 %")
    axes.plot(places, middle, color=ABLATED_COLOUR, marker="o", markersize=pt(4), label="median")
    if groups.size().max() > 1:
        axes.legend()


def _labelled(axes: Axes, sweep: SweepResult, axis: str) -> None:
    values = sweep.values(axis)
    if values.min() > 0 and values.max() / values.min() > LOGARITHMIC:
        axes.set_xscale("log")
    axes.set_xlabel(sweep.label(axis))


def heat_map(sweep: SweepResult, metric: Metric) -> Figure:
    """A result over the first two axes, the median over whatever else varies."""
    along, across = sweep.axes[:2]
    table = sweep.done.pivot_table(index=across, columns=along, values=metric.column, aggfunc="median")
    figure = new_figure(WIDE, Size())
    axes = figure.subplots()
    values = metric.factor * np.asarray(table, dtype=np.float64)
    shades = axes.imshow(values, origin="lower", aspect="auto", cmap="cividis")
    for position, ticks, name in ((axes.xaxis, table.columns, along), (axes.yaxis, table.index, across)):
        position.set_ticks(range(len(ticks)), [f"{sweep.unit(name)[0] * tick:.3g}" for tick in ticks])
    middle = 0.5 * (np.nanmin(values) + np.nanmax(values))
    if values.size <= 150:
        for (row, column), value in np.ndenumerate(values):
            colour = INK if value > middle else "#ffffff"
            axes.text(column, row, f"{value:.3g}", ha="center", va="center", color=colour, fontsize="small")
    axes.set_xlabel(sweep.label(along))
    axes.set_ylabel(sweep.label(across))
    axes.grid(visible=False)
    figure.colorbar(shades, ax=axes, label=metric.label)
    axes.set_title(metric.words.capitalize())
    return figure


def trade_off(sweep: SweepResult, gain: Metric, harm: Metric) -> Figure:
    """Every case by what it destroys and what it spills, with those that no other case beats."""
    figure = new_figure(WIDE, Size())
    axes = figure.subplots()
    x, y = harm.factor * sweep.values(harm.column), gain.factor * sweep.values(gain.column)
    axes.scatter(x, y, s=pt(14) ** 2 / 14, color=MUTED, alpha=0.6, linewidths=0, label="a case")
    best = np.flatnonzero(pareto(x, -y))
    order = best[np.argsort(x[best])]
    axes.plot(
        x[order], y[order], color=ESCAPED_COLOUR, marker="o", markersize=pt(5), label="not beaten by any"
    )
    axes.set_xlabel(harm.label)
    axes.set_ylabel(gain.label)
    axes.legend()
    axes.set_title("What is gained against what is spilled")
    return figure


def pareto(first: Floats, second: Floats) -> NDArray[np.bool_]:
    """Which points no other point beats, where less is better in both."""
    order = np.lexsort((second, first))
    least = np.minimum.accumulate(second[order])
    keep = np.ones(len(first), dtype=bool)
    keep[1:] = second[order][1:] < least[:-1]
    out = np.zeros(len(first), dtype=bool)
    out[order] = keep
    return out


def importance(found: Sensitivity) -> Figure:
    """How much each drawn number matters for one result, the most important on top."""
    names = short_names(found.columns)
    order = np.argsort(np.abs(found.main))
    figure = new_figure((7.2, 1.4 + 0.34 * len(order)), Size())
    axes = figure.subplots()
    places = np.arange(len(order))
    words = {"sobol": "first order", "morris": "mean effect", "rank correlation": "rank correlation"}
    axes.barh(places, found.main[order], 0.38, color=ABLATED_COLOUR, label=words[found.method])
    axes.errorbar(
        found.main[order], places, xerr=found.margin[order], fmt="none", ecolor=INK, elinewidth=pt(1.2)
    )
    if found.total is not None:
        label = "total" if found.method == "sobol" else "spread of effects"
        axes.barh(places + 0.4, found.total[order], 0.38, color=ESCAPED_COLOUR, label=label)
    axes.set_yticks(
        places + (0.2 if found.total is not None else 0.0), [names[found.columns[i]] for i in order]
    )
    axes.axvline(0.0, color=INK, linewidth=pt(1))
    if found.method == "sobol":
        axes.set_xlim(-0.25, 1.25)
    unit = f" [{found.metric.unit}]" if found.method == "morris" else ""
    axes.set_xlabel(
        {"sobol": "Sobol index", "morris": f"elementary effect{unit}"}.get(found.method, found.method)
    )
    axes.legend(loc="lower right")
    axes.set_title(f"What matters for: {found.metric.words}")
    return figure


def spread(sweep: SweepResult, metrics: list[Metric]) -> Figure:
    """The distribution of each result over all complete cases: 5, 50 and 95 % marked."""
    figure = new_figure((7.2, 1.0 + 1.1 * len(metrics)), Size())
    rows = np.atleast_1d(figure.subplots(len(metrics), 1))
    for axes, metric in zip(rows, metrics, strict=True):
        values = metric.factor * sweep.values(metric.column)
        values = values[np.isfinite(values)]
        axes.hist(values, bins=min(40, max(8, len(values) // 10)), color=ABLATED_COLOUR, alpha=0.75)
        for share, line in ((5, ":"), (50, "-"), (95, ":")):
            axes.axvline(float(np.percentile(values, share)), color=INK, linestyle=line, linewidth=pt(1.4))
        axes.set_xlabel(metric.label)
        axes.set_yticks([])
        axes.grid(visible=False)
    return figure


def figures_of(sweep: SweepResult) -> dict[str, Figure]:
    """All figures that a sweep's own axes and draws allow, by name."""
    metrics, out = sweep.metrics, {}
    varying = [metric for metric in metrics if sweep.varies(metric)]
    for axis in sweep.axes[:3]:
        for number, metric in enumerate(varying[:4]):
            out[f"response_{axis.removeprefix('in.')}_{number}"] = response(sweep, metric, axis)
    if len(sweep.axes) >= 2:
        for number, metric in enumerate(varying[:4]):
            out[f"map_{number}"] = heat_map(sweep, metric)
    by_column = {metric.column.split(".")[-1]: metric for metric in varying}
    if "coverage" in by_column and "net_fraction" in by_column:
        out["trade_off"] = trade_off(sweep, by_column["coverage"], by_column["net_fraction"])
    if sweep.random and varying:
        out["spread"] = spread(sweep, varying)
    return out

# SPDX-License-Identifier: MIT
"""Curves over the time of a run: pressure, where the agent is, what crossed the tumour's boundary."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from postprocess.figures.stage import Stage, Wish, plain_text
from postprocess.figures.style import ABLATED_COLOUR, ESCAPED_COLOUR, INK, MUTED, RUN_LOOKS, fates, new_figure
from postprocess.results.quantities import DISPLAY
from postprocess.results.result import Result
from solver.results.fields import PRESSURE

WIDE: Final = (4.8, 3.5)
"""Natural width and height of a curve with its legend below [inch]."""

NOTHING: Final = 1e-6
"""Less than this share of the injected agent is called nothing."""

_UNITS: Final = ((2e5, 86400.0, "d"), (1e4, 3600.0, "h"), (600.0, 60.0, "min"), (0.0, 1.0, "s"))


def time_unit(end: float) -> tuple[float, str]:
    """Seconds in the unit of time that suits the length of a run [s], and its name."""
    return next((scale, unit) for limit, scale, unit in _UNITS if end >= limit)


def _time_axis(axes: Axes, result: Result, wish: Wish) -> NDArray[np.float64]:
    """Prepares the axis of time and returns its values, in the unit that suits the length of the run."""
    end = float(result.history["t_s"][-1])
    scale, unit = time_unit(end)
    for number, pulse in enumerate(result.injections):
        span = (pulse["start"] / scale, (pulse["start"] + pulse["volume"] / pulse["rate"]) / scale)
        label = "injection" if number == 0 else None
        axes.axvspan(*span, color="#e6edf3", linewidth=0, zorder=0, label=label)
    if wish.time is not None:
        axes.axvline(wish.time / scale, color=MUTED, linestyle="dotted", zorder=1)
    axes.set_xlabel(f"Time [{unit}]")
    axes.set_xlim(0, end / scale)
    return np.asarray(result.history["t_s"] / scale, dtype=np.float64)


def _below(figure: Figure, axes: Axes, columns: int) -> None:
    """The legend below the axes."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize="small")


def _injected(result: Result) -> float:
    return max(float(result.history["agent_injected_kg"][-1]), 1e-300)


def pressure(stage: Stage, wish: Wish) -> Figure:
    """Pressure at the source surface over time; a time wished for is marked."""
    result = stage.result
    figure = new_figure(WIDE, wish.size)
    axes = figure.subplots()
    time = _time_axis(axes, result, wish)
    factor, unit = DISPLAY[PRESSURE.unit]
    values = factor * result.history["peak_pressure_Pa"]
    axes.plot(time, values, color=ABLATED_COLOUR, label="at the source")
    axes.set_ylim(bottom=min(0.0, float(values.min())))
    axes.set_ylabel(f"Pressure at the source [{unit}]")
    axes.set_title("Pressure")
    _below(figure, axes, 2)
    return figure


def ledger(stage: Stage, wish: Wish) -> Figure:
    """Where the agent is at each time, as stacked shares of all that is injected in the run."""
    result = stage.result
    figure = new_figure((WIDE[0], 4.7), wish.size)
    axes = figure.subplots()
    draw_ledger(axes, result, wish)
    handles, labels = axes.get_legend_handles_labels()
    wanted = [(h, text) for h, text in zip(handles, labels, strict=True) if text != "injection"]
    figure.legend(*zip(*wanted[::-1], strict=True), loc="outside lower center", ncols=2, fontsize="small")
    axes.set_title("Where the agent goes")
    return figure


def draw_ledger(axes: Axes, result: Result, wish: Wish) -> None:
    """The stacked areas of the ledger on given axes."""
    time, history, total = _time_axis(axes, result, wish), result.history, _injected(result)
    places = fates(history, "agent_{}_kg")
    parts = {key: np.clip(100 * history[f"agent_{key}_kg"] / total, 0, None) for key in places}
    axes.stackplot(
        time,
        list(parts.values()),
        colors=[colour for _, colour in places.values()],
        labels=[f"{words}, {_share(parts[key][-1])}" for key, (words, _) in places.items()],
        linewidth=0,
    )
    injected = 100 * history["agent_injected_kg"] / total
    axes.plot(time, injected, color=INK, linewidth=1.4, label="injected so far")
    axes.set_ylim(0, 100)
    axes.set_ylabel("Share of the injected agent [%]")


def _share(percentage: float) -> str:
    if percentage == 0:
        return "0 %"
    return f"{percentage:.1f} %" if percentage >= 0.05 else "< 0.1 %"


def spill(stage: Stage, wish: Wish) -> Figure:
    """Agent that crossed the tumour's boundary, and that reacted beyond it, over time."""
    result = stage.result
    figure = new_figure(WIDE, wish.size)
    axes = figure.subplots()
    time, history, total = _time_axis(axes, result, wish), result.history, _injected(result)
    out, back = history["agent_crossed_out_kg"], history["agent_crossed_in_kg"]
    for values, words, colour, line in (
        (out, "crossed outward", ESCAPED_COLOUR, "-"),
        (back, "crossed back", MUTED, ":"),
        (out - back, "net", INK, "--"),
        (history["agent_reacted_tissue_kg"], "reacted outside", ABLATED_COLOUR, "-"),
    ):
        axes.plot(time, 100 * values / total, color=colour, linestyle=line, label=words)
    axes.set_ylim(bottom=0)
    if float(out.max()) < NOTHING * total:
        axes.set_ylim(0, 1)
        axes.text(0.5, 0.5, "nothing left the tumour", transform=axes.transAxes, ha="center", color=MUTED)
    axes.set_ylabel("Share of the injected agent [%]")
    axes.set_title("Spill beyond the tumour's boundary")
    _below(figure, axes, 3)
    return figure


def overlaid(stages: Sequence[tuple[str, Stage]], wish: Wish) -> Figure:
    """Pressure, agent in the tumour, spill and blood of several runs, each in its own colour and line.

    Args:
        stages: name and stage of each run.
        wish: its size counts.
    """
    figure = new_figure((6.6, 5.4), wish.size)
    panels = figure.subplots(2, 2, sharex=True).ravel()
    scale, unit = time_unit(max(float(stage.result.history["t_s"][-1]) for _, stage in stages))
    factor, pressure_unit = DISPLAY[PRESSURE.unit]
    shown = (
        (f"Pressure at the source [{pressure_unit}]", "peak_pressure_Pa"),
        ("Reacted in the tumour [%]", "agent_reacted_tumour_kg"),
        ("Crossed outward [%]", "agent_crossed_out_kg"),
        ("Washed into blood [%]", "agent_blood_kg"),
    )
    for axes, (words, key) in zip(panels, shown, strict=True):
        for number, (name, stage) in enumerate(stages):
            history = stage.result.history
            part = factor if key == "peak_pressure_Pa" else 100 / _injected(stage.result)
            colour, line = RUN_LOOKS[number % len(RUN_LOOKS)]
            label = plain_text(name)
            axes.plot(history["t_s"] / scale, part * history[key], color=colour, linestyle=line, label=label)
        axes.set_title(words, fontsize="medium", fontweight="normal")
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
    for axes in panels[2:]:
        axes.set_xlabel(f"Time [{unit}]")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(3, len(labels)))
    return figure

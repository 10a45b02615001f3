# SPDX-License-Identifier: MIT
"""Fields on the cut through the needle: concentration by deposit, doses, pressure with flow, vessels."""

from collections.abc import Sequence
from math import ceil
from typing import Any, Final

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from postprocess.figures.canvas import (
    Paint,
    draw_bar,
    draw_contours,
    draw_keys,
    finish,
    largest_in_window,
    paint_field,
)
from postprocess.figures.section import Section, at_places
from postprocess.figures.stage import Deposit, Stage, Window, Wish, thresholds_of
from postprocess.figures.style import (
    CONCENTRATION_MAP,
    DOSE_MAP,
    PRESSURE_MAP,
    VESSEL_MAP,
    new_figure,
    pt,
    threshold_look,
)
from postprocess.results.quantities import DISPLAY, duration_text
from solver.results.fields import CONCENTRATION, CT_DOSE, OPEN_VESSELS, PEAK_CONCENTRATION, PRESSURE, Field

FRONT_SHARE: Final = 0.05
"""The front is drawn where the concentration is this share of the injected one."""

OPEN_SHARES: Final = (0.1, 0.5, 0.9)
"""Shares of open vessels that are drawn as lines."""

MOST_PANELS: Final = 9
STREAM_POINTS: Final = 90
STILL: Final = 1e-3
"""Flow slower than this share of the median flux of the window is not drawn as a line."""

TALL: Final = (4.8, 5.55)
"""Natural width and height of one square cut with title and colour bar [inch]."""

TUMOUR_KEY: Final = ("white", "solid", "tumour")


def _panels(count: int, wish: Wish, title: str) -> tuple[Figure, list[Axes]]:
    """Square panels with room for a colour bar, and the title of the whole."""
    columns = 1 if count == 1 else 2 if count <= 4 else 3
    rows = ceil(count / columns)
    width = {1: TALL[0], 2: 6.6, 3: 7.2}[columns]
    figure = new_figure(
        (width, rows * width / columns * (1.0 if count == 1 else 1.07) + 0.8), wish.size, "compressed"
    )
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in axes[count:]:
        spare.set_axis_off()
    figure.suptitle(title, x=0.01, ha="left")
    return figure, list(axes[:count])


def _inlet(stage: Stage) -> float:
    return float(stage.result.summary["concentration"]["inlet_kg_m3"])


def _front_keys() -> list[tuple[str, Any, str]]:
    return [TUMOUR_KEY, (*threshold_look(0, 1), f"{100 * FRONT_SHARE:g} % of the injected")]


def _moments(stage: Stage, wish: Wish) -> list[tuple[str, float, int]]:
    """Panel title, stored time and site of each panel of the concentration."""
    deposits = stage.deposits()
    if wish.time is not None or not deposits:
        time = stage.time(wish.time)
        return [(f"at {duration_text(time)}", time, 0)]
    if len(deposits) == 1:
        time = stage.time(deposits[0].end)
        return [(f"at {duration_text(time)}, {_ending(time, deposits[0])}", time, deposits[0].site)]
    shown = deposits if len(deposits) <= MOST_PANELS else [deposits[n] for n in _spread(len(deposits))]
    return [(_deposit_words(stage, deposit), stage.time(deposit.end), deposit.site) for deposit in shown]


def _ending(time: float, deposit: Deposit) -> str:
    return (
        "end of injection"
        if abs(time - deposit.end) < 0.02 * deposit.end
        else "nearest to the end of injection"
    )


def _deposit_words(stage: Stage, deposit: Deposit) -> str:
    return f"Deposit {deposit.number}, at {duration_text(stage.time(deposit.end))}"


def _spread(count: int) -> list[int]:
    return sorted({round(place) for place in np.linspace(0, count - 1, MOST_PANELS)})


def concentration(stage: Stage, wish: Wish) -> Figure:
    """Concentration, for each deposit at its own end of injection on the cut through its own needle."""
    moments = _moments(stage, wish)
    alone = len(moments) == 1
    title = f"Concentration {moments[0][0]}" if alone else "Concentration when each injection ends"
    figure, panels = _panels(len(moments), wish, title)
    largest = _inlet(stage) * DISPLAY[CONCENTRATION.unit][0]
    paint = Paint(field=CONCENTRATION, colours=CONCENTRATION_MAP, largest=largest)
    half = max(stage.window(site).half for *_, site in moments)
    for axes, (words, time, site) in zip(panels, moments, strict=True):
        section = stage.section(time, site)
        paint_field(axes, section, paint)
        draw_contours(axes, section, CONCENTRATION, [FRONT_SHARE * _inlet(stage)])
        finish(axes, section, Window(middle=stage.window(site).middle, half=half), stage.needles)
        if not alone:
            axes.set_title(words, fontsize="medium", fontweight="normal")
    draw_keys(panels[0], _front_keys())
    draw_bar(figure, panels, paint)
    return figure


def _single(stage: Stage, wish: Wish, title: str, time: float) -> tuple[Figure, Axes, Section, Window]:
    figure, (axes,) = _panels(1, wish, title)
    return figure, axes, stage.section(time), stage.window()


def _with_thresholds(stage: Stage, wish: Wish, paint: Paint, measure: str, title: str) -> Figure:
    figure, axes, section, window = _single(stage, wish, title, stage.time(wish.time))
    thresholds = thresholds_of(stage.result.summary, measure)
    paint_field(axes, section, paint)
    draw_contours(axes, section, paint.field, [level for level, _ in thresholds])
    finish(axes, section, window, stage.needles)
    count = len(thresholds)
    marks = [(*threshold_look(number, count), label) for number, (_, label) in enumerate(thresholds)]
    draw_keys(axes, [TUMOUR_KEY, *marks])
    draw_bar(figure, [axes], paint)
    return figure


def dose(stage: Stage, wish: Wish) -> Figure:
    """CT dose, at the end of the run unless a time is given, with the thresholds as lines."""
    time = stage.time(wish.time)
    largest = float(stage.section(time).fields[CT_DOSE.key].max()) * DISPLAY[CT_DOSE.unit][0]
    return _with_thresholds(
        stage,
        wish,
        Paint(field=CT_DOSE, colours=DOSE_MAP, largest=largest),
        "ct",
        f"CT dose at {duration_text(time)}",
    )


def peak(stage: Stage, wish: Wish) -> Figure:
    """Largest concentration that each place has seen: all deposits in one picture."""
    largest = _inlet(stage) * DISPLAY[PEAK_CONCENTRATION.unit][0]
    paint = Paint(field=PEAK_CONCENTRATION, colours=CONCENTRATION_MAP, largest=largest)
    title = f"Largest concentration up to {duration_text(stage.time(wish.time))}"
    return _with_thresholds(stage, wish, paint, "peak", title)


def _busiest(stage: Stage, wish: Wish) -> tuple[float, int]:
    """Stored time and site of the pulse with the highest rate, when it ends; or the time wished for."""
    pulses = stage.result.injections
    if wish.time is not None or not pulses:
        return stage.time(wish.time), 0
    strongest = max(pulses, key=lambda pulse: float(pulse["rate"]))
    end = float(strongest["start"] + strongest["volume"] / strongest["rate"])
    return stage.time(end), int(strongest["site"])


def pressure_map(stage: Stage, wish: Wish) -> Figure:
    """Pressure and the lines along which fluid flows, at the end of the injection with the highest rate."""
    time, site = _busiest(stage, wish)
    section, window = stage.section(time, site), stage.window(site)
    figure, (axes,) = _panels(1, wish, f"Pressure and flow at {duration_text(time)}")
    factor = DISPLAY[PRESSURE.unit][0]
    largest = factor * largest_in_window(section, window, section.fields[PRESSURE.key])
    paint = Paint(field=PRESSURE, colours=PRESSURE_MAP, largest=largest)
    paint_field(axes, section, paint)
    _draw_streams(axes, section, window)
    finish(axes, section, window, stage.needles)
    draw_keys(axes, [TUMOUR_KEY, ("#9fd8ff", "solid", "along the Darcy flux, wider is faster")])
    draw_bar(figure, [axes], paint)
    return figure


def _draw_streams(axes: Axes, section: Section, window: Window) -> None:
    x, y = (
        np.linspace(middle - window.half, middle + window.half, STREAM_POINTS) for middle in window.middle
    )
    u, v = np.moveaxis(
        at_places(section, _flux_at_points(section), np.stack(np.meshgrid(x, y), axis=-1)), -1, 0
    )
    speed = np.hypot(u, v)
    usual = float(np.nanmedian(speed[speed > 0])) if np.any(speed > 0) else 0.0
    if usual == 0.0:
        return
    shown = np.where(speed > STILL * usual, u, np.nan)
    width = pt(0.5) + pt(1.6) * np.clip(np.log10(np.nan_to_num(speed) / usual + 1e-9) / 2 + 0.4, 0, 1)
    lines = axes.streamplot(
        x, y, shown, v, density=1.1, linewidth=width, color="#9fd8ff", arrowsize=0.8 * pt(1), zorder=3
    )
    lines.lines.set_path_effects([effects.withStroke(linewidth=pt(2.4), foreground="#00000055")])


def _flux_at_points(section: Section) -> NDArray[np.float64]:
    """In-plane flux [m/s] at the points of a cut, the mean of the triangles around each."""
    weights = np.zeros(len(section.points))
    sums = np.zeros((len(section.points), 2))
    for corner in section.triangles.T:
        np.add.at(weights, corner, 1.0)
        np.add.at(sums, corner, section.flux)
    return sums / np.maximum(weights, 1.0)[:, None]


def vessels(stage: Stage, wish: Wish) -> Figure:
    """Share of vessels that are open, at the end of the injection with the highest rate."""
    time, site = _busiest(stage, wish)
    section, window = stage.section(time, site), stage.window(site)
    figure, (axes,) = _panels(1, wish, f"Open vessels at {duration_text(time)}")
    paint = Paint(field=OPEN_VESSELS, colours=VESSEL_MAP, largest=1.0)
    paint_field(axes, section, paint)
    draw_contours(axes, section, OPEN_VESSELS, OPEN_SHARES)
    finish(axes, section, window, stage.needles)
    keys = [
        (*threshold_look(number, 3), f"{100 * share:g} % open") for number, share in enumerate(OPEN_SHARES)
    ]
    draw_keys(axes, [TUMOUR_KEY, *keys])
    draw_bar(figure, [axes], paint)
    return figure


def small_multiples(stages: Sequence[tuple[str, Stage]], field: Field, wish: Wish) -> Figure:
    """One field of several runs side by side, in the same colours, limits and window.

    Args:
        stages: name and stage of each run.
        field: CT dose, peak or present concentration.
        wish: its time is applied to every run; without one the end of each run is shown.
    """
    times = [stage.time(wish.time) for _, stage in stages]
    figure, panels = _panels(len(stages), wish, f"{field.label[0].upper()}{field.label[1:]}")
    sections = [stage.section(time) for (_, stage), time in zip(stages, times, strict=True)]
    factor = DISPLAY[field.unit][0]
    largest = factor * max(float(section.fields[field.key].max()) for section in sections)
    colours = DOSE_MAP if field is CT_DOSE else CONCENTRATION_MAP
    paint = Paint(field=field, colours=colours, largest=largest)
    half = max(stage.window().half for _, stage in stages)
    measure = "ct" if field is CT_DOSE else "peak"
    levels = sorted({level for _, stage in stages for level in thresholds_of(stage.result.summary, measure)})
    for axes, (name, stage), section, time in zip(panels, stages, sections, times, strict=True):
        paint_field(axes, section, paint)
        draw_contours(axes, section, field, [level for level, _ in levels])
        finish(axes, section, Window(middle=stage.window().middle, half=half), stage.needles)
        axes.set_title(f"{name}, {duration_text(time)}", fontsize="medium", fontweight="normal")
    marks = [(*threshold_look(number, len(levels)), label) for number, (_, label) in enumerate(levels)]
    draw_keys(panels[0], [TUMOUR_KEY, *marks])
    draw_bar(figure, panels, paint)
    return figure

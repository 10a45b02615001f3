# SPDX-License-Identifier: MIT
"""A run as a film: the cut through the needle, the ledger, a bar of time; no system codec is needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import imageio.v3 as iio
import matplotlib.pyplot as plt
import numpy as np
from imageio.v2 import get_writer
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from postprocess.figures.canvas import (
    Paint,
    draw_contours,
    draw_keys,
    finish,
    largest_in_window,
    paint_field,
)
from postprocess.figures.stage import Stage, Wish, thresholds_of
from postprocess.figures.style import (
    ABLATED_COLOUR,
    CONCENTRATION_MAP,
    DOSE_MAP,
    INK,
    NO_TISSUE_COLOUR,
    PRESSURE_MAP,
    fates,
    new_figure,
    pt,
    threshold_look,
)
from postprocess.figures.timelines import draw_ledger
from postprocess.results.quantities import DISPLAY, duration_text
from postprocess.results.result import Result, ResultError
from solver.results.fields import CONCENTRATION, CT_DOSE, PRESSURE, Field

SUFFIXES: Final = (".mp4", ".gif", ".webp")
FILMED: Final[dict[str, tuple[Field, str]]] = {
    "concentration": (CONCENTRATION, CONCENTRATION_MAP),
    "dose": (CT_DOSE, DOSE_MAP),
    "pressure": (PRESSURE, PRESSURE_MAP),
}
"""What can be filmed: name to field and its map."""

PIXELS: Final = (1280, 720)
FRAMES_PER_SECOND: Final = 12
LEAST_SECONDS: Final = 6.0
"""A film of few stored times shows each for longer, so that it lasts at least so long [s]."""

HOLD: Final = 1.5
"""How long the last picture stands [s]."""


def animate(result: Result, path: Path, name: str = "concentration") -> Path:
    """Films the stored times of a result: MP4 (H.264 by the bundled encoder), GIF or WebP.

    Args:
        result: of any geometry, with a needle and at least two stored times.
        path: file to write; its suffix is the format.
        name: one of ``FILMED``.

    Raises:
        ResultError: nothing to film, a format that is not known, or a file that cannot be written.
    """
    if path.suffix not in SUFFIXES:
        raise ResultError(f"{path}: format {path.suffix or 'missing'} (expected {', '.join(SUFFIXES)})")
    if name not in FILMED:
        raise ResultError(f"{name}: cannot be filmed (expected {', '.join(FILMED)})")
    if not result.needles or len(result.times) < 2:
        found = f"{len(result.times)} stored times and {len(result.needles)} needles"
        raise ResultError(f"{result.folder}: found {found} (expected two times and a needle)")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, _frames(Stage(result), *FILMED[name]), len(result.times))
    except OSError as error:
        raise ResultError(f"{path}: cannot be written ({error})") from error
    return path


def _write(path: Path, frames: Iterator[NDArray[np.uint8]], count: int) -> None:
    """Frames into a file; each stands as often as the film's least length asks for."""
    each = max(1, round(LEAST_SECONDS * FRAMES_PER_SECOND / count))
    if path.suffix == ".mp4":
        writer: Any = get_writer
        with writer(path, format="FFMPEG", fps=FRAMES_PER_SECOND, codec="libx264", quality=8) as film:
            for picture in _held(frames, each):
                film.append_data(picture)
        return
    pictures = list(frames)
    lengths = [1000 * each / FRAMES_PER_SECOND] * len(pictures)
    lengths[-1] += 1000 * HOLD
    iio.imwrite(path, np.stack(pictures), plugin="pillow", duration=lengths, loop=0)


def _held(frames: Iterator[NDArray[np.uint8]], each: int) -> Iterator[NDArray[np.uint8]]:
    last = None
    for last in frames:
        yield from [last] * each
    if last is not None:
        yield from [last] * round(HOLD * FRAMES_PER_SECOND)


def _largest(stage: Stage, field: Field) -> float:
    """Upper end of the colours in all frames: the injected concentration, or the largest there is."""
    factor = DISPLAY[field.unit][0]
    if field is CONCENTRATION:
        return factor * float(stage.result.summary["concentration"]["inlet_kg_m3"])
    time = stage.time(stage.result.end_of_injection if field is PRESSURE else None)
    section = stage.section(time)
    return factor * largest_in_window(section, stage.window(), section.fields[field.key])


def _frames(stage: Stage, field: Field, colours: str) -> Iterator[NDArray[np.uint8]]:
    paint = Paint(field=field, colours=colours, largest=_largest(stage, field))
    for time in stage.result.times:
        figure = _frame(stage, paint, time)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        picture = np.asarray(canvas.buffer_rgba())[:, :, :3].copy()
        plt.close(figure)
        stage.forget(time)
        yield picture


def _frame(stage: Stage, paint: Paint, time: float) -> Figure:
    """One frame: the cut, the ledger up to now, and the bar of time."""
    result = stage.result
    figure = new_figure((PIXELS[0] / 120, PIXELS[1] / 120), Wish().size, "none")
    figure.set_dpi(120)
    title = f"{paint.field.label[0].upper()}{paint.field.label[1:]}"
    figure.text(0.02, 0.945, title, fontsize="large", fontweight="bold")
    figure.text(0.98, 0.945, duration_text(time), fontsize="large", fontweight="bold", ha="right")
    cut = figure.add_axes((0.02, 0.19, 0.4, 0.4 * PIXELS[0] / PIXELS[1]))
    section, window = stage.section(time), stage.window()
    paint_field(cut, section, paint)
    thresholds = thresholds_of(result.summary, "ct")
    draw_contours(cut, section, CT_DOSE, [level for level, _ in thresholds])
    finish(cut, section, window, stage.needles)
    marks = [(*threshold_look(n, len(thresholds)), f"CT {label}") for n, (_, label) in enumerate(thresholds)]
    draw_keys(cut, [("white", "solid", "tumour"), *marks])
    bar = figure.colorbar(
        paint.mappable, cax=figure.add_axes((0.44, 0.19, 0.012, 0.4 * PIXELS[0] / PIXELS[1]))
    )
    bar.outline.set_visible(False)
    bar.set_label(f"[{DISPLAY[paint.field.unit][1]}]")
    _ledger(figure.add_axes((0.58, 0.43, 0.4, 0.47)), stage, time)
    _bar(figure.add_axes((0.02, 0.06, 0.96, 0.03)), result, time)
    return figure


def _ledger(axes: Axes, stage: Stage, time: float) -> None:
    """The stacked ledger, what is still to come covered, with the shares of this moment beside the words."""
    draw_ledger(axes, stage.result, Wish())
    low, high = axes.get_xlim()
    end = float(stage.result.history["t_s"][-1])
    axes.axvspan(high * time / end, high, color="white", alpha=0.82, linewidth=0, zorder=5)
    axes.axvline(high * time / end, color=INK, linewidth=pt(1.2), zorder=6)
    now = int(np.searchsorted(stage.result.history["t_s"], time * (1 + 1e-12), side="right")) - 1
    history = stage.result.history
    total = max(float(history["agent_injected_kg"][-1]), 1e-300)
    places = fates(history, "agent_{}_kg")
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for _, colour in places.values()]
    shares = [100 * max(float(history[f"agent_{key}_kg"][now]), 0.0) / total for key in places]
    labels = [f"{words} {share:.1f} %" for (words, _), share in zip(places.values(), shares, strict=True)]
    place: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.22), "ncols": 2}
    axes.legend(handles[::-1], labels[::-1], fontsize="small", **place)
    axes.set_xlim(low, high)


def _bar(axes: Axes, result: Result, time: float) -> None:
    """The bar of time, with the injections on it."""
    end = result.times[-1]
    axes.barh(0, end, color=NO_TISSUE_COLOUR, height=1.0)
    axes.barh(0, time, color=ABLATED_COLOUR, height=1.0)
    for pulse in result.injections:
        stop = pulse["start"] + pulse["volume"] / pulse["rate"]
        axes.plot([pulse["start"], stop], [-0.9, -0.9], color=INK, linewidth=pt(2), solid_capstyle="butt")
    axes.set_xlim(0, end)
    axes.set_ylim(-1.1, 0.5)
    axes.set_axis_off()
    axes.text(
        1.0,
        -0.6,
        f"{duration_text(end)}; lines: injections",
        transform=axes.transAxes,
        ha="right",
        va="top",
        fontsize="small",
    )

# SPDX-License-Identifier: MIT
"""One look for every figure: colours that colour-blind readers tell apart, perceptually uniform maps."""

import ctypes
import os
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from postprocess.results.quantities import DISPLAY
from postprocess.writing import fresh
from solver.results.fields import Field

INK: Final = "#22303c"
MUTED: Final = "#6b7a87"
PAPER: Final = "#ffffff"
TUMOUR_COLOUR: Final = "#c58fa8"
LEGEND_GROUND: Final = "#10202c"
NO_TISSUE_COLOUR: Final = "#d7dde2"
NEEDLE_COLOUR: Final = "#aeb7bf"
ABLATED_COLOUR: Final = "#0072b2"
ESCAPED_COLOUR: Final = "#e69f00"
FATES: Final[dict[str, tuple[str, str]]] = {
    "in_tumour": ("in the tumour", "#56b4e9"),
    "in_tissue": ("in normal tissue", "#f0e442"),
    "reacted_tumour": ("reacted in the tumour", "#0072b2"),
    "reacted_tissue": ("reacted outside", "#e69f00"),
    "blood": ("washed into blood", "#d55e00"),
    "lymph": ("drained by lymph", "#009e73"),
    "boundary": ("left the domain", "#cc79a7"),
}
"""Where agent ends in every run (part of the ledger's keys) to words and an Okabe-Ito colour (2008)."""

OTHER_FATES: Final[dict[str, tuple[str, str]]] = {
    "in_cells": ("in cells", "#88ccee"),
    "bound": ("bound to tissue", "#aa4499"),
    "in_track": ("in a needle's track", "#999933"),
    "in_cavity": ("in the opened cavity", "#ddcc77"),
    "in_vessels": ("in large vessels", "#cc6677"),
    "backflow": ("left along a needle", "#332288"),
    "withdrawn": ("withdrawn", "#888888"),
}
"""The same where an effect puts it."""

CONCENTRATION_MAP: Final = "viridis"
DOSE_MAP: Final = "cividis"
PRESSURE_MAP: Final = "magma"
VESSEL_MAP: Final = "cividis"
MARGIN_MAP: Final = "PuOr_r"
"""Diverging about 0: violet where tumour is left, orange where ablated tissue reaches beyond its surface."""

RUN_LOOKS: Final[tuple[tuple[str, str], ...]] = (
    ("#0072b2", "solid"),
    ("#d55e00", "dashed"),
    ("#009e73", "dashdot"),
    ("#cc79a7", "dotted"),
    ("#e69f00", "solid"),
    ("#56b4e9", "dashed"),
)
"""Colour and line style of the runs that one figure compares."""

THRESHOLD_LOOKS: Final[tuple[tuple[str, Any], ...]] = (
    ("#ffffff", "dotted"),
    ("#ffe0a3", "dashdot"),
    ("#ffb380", "solid"),
    ("#ff8a5c", "dashed"),
    ("#ff6b6b", (0, (7, 1.5, 1, 1.5, 1, 1.5))),
)
"""Colour and line style of the contours of thresholds, from the lowest to the highest."""

DPI: Final = 300
FONT: Final = 10.0
MILLIMETRES_PER_INCH: Final = 25.4
LEAST_SCALE: Final = 0.65
"""Letters shrink with a figure down to this share of their natural size."""

SLIDE_HEIGHT: Final = 3.9
"""Height [inch] of a slide on which letters would have their natural size."""

FORMATS: Final = ("png", "svg", "pdf")

_SETTINGS: Final[dict[str, Any]] = {
    "font.family": "sans-serif",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": "large",
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e3e8ec",
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": "medium",
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "savefig.dpi": DPI,
    "figure.dpi": 100,
    "figure.titleweight": "bold",
    "figure.titlesize": "large",
    "svg.hashsalt": "infusate",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}
_LENGTHS: Final[dict[str, float]] = {
    "font.size": FONT,
    "axes.linewidth": 0.8,
    "axes.titlepad": 6.0,
    "axes.labelpad": 4.0,
    "grid.linewidth": 0.7,
    "lines.linewidth": 2.0,
    "patch.linewidth": 1.0,
    "xtick.major.size": 3.5,
    "xtick.major.width": 0.8,
    "xtick.major.pad": 3.5,
    "ytick.major.size": 3.5,
    "ytick.major.width": 0.8,
    "ytick.major.pad": 3.5,
}
"""Sizes in points of a figure of natural size; a smaller one gets smaller ones."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large a figure is made.

    Attributes:
        width: [mm]; None for the figure's own.
        height: [mm]; None for the figure's own shape.
        enlarge: whether letters grow with the figure, as on a slide; on paper they only shrink.
    """

    width: float | None = None
    height: float | None = None
    enlarge: bool = False


SIZES: Final = {
    "own": Size(),
    "column": Size(width=89.0),
    "page": Size(width=183.0),
    "slide": Size(width=254.0, height=142.9, enlarge=True),
}
"""Sizes by name: a journal's column and page, a slide of 16:9."""


def size_of(text: str) -> Size:
    """A size by name, or from ``WIDTH`` or ``WIDTHxHEIGHT`` in mm.

    Raises:
        ValueError: neither a name nor one or two numbers between 20 and 1000.
    """
    if text in SIZES:
        return SIZES[text]
    try:
        width, *rest = (float(part) for part in text.lower().split("x"))
        if len(rest) <= 1 and all(20.0 <= side <= 1000.0 for side in (width, *rest)):
            return Size(width=width, height=rest[0] if rest else None)
    except ValueError:
        pass
    raise ValueError(f"size {text!r} (expected {', '.join(SIZES)}, or WIDTHxHEIGHT in mm from 20 to 1000)")


def use_style(scale: float = 1.0) -> None:
    """Sets the look for figures drawn from here on, without any display.

    Args:
        scale: of letters and lines; 1 for a figure of natural size.
    """
    matplotlib.use("agg")
    matplotlib.rcParams.update(_SETTINGS)
    matplotlib.rcParams.update({key: scale * value for key, value in _LENGTHS.items()})


def pt(length: float) -> float:
    """A length in points, such as the width of a line, at the scale of the figure being drawn."""
    return length * float(matplotlib.rcParams["font.size"]) / FONT


def new_figure(natural: tuple[float, float], size: Size, layout: str = "constrained") -> Figure:
    """An empty figure in the look of all figures.

    Args:
        natural: width and height at which letters have their full size [inch].
        size: wanted.
        layout: engine of matplotlib; ``compressed`` for panels of a fixed shape.
    """
    width = (size.width or natural[0] * MILLIMETRES_PER_INCH) / MILLIMETRES_PER_INCH
    height = size.height / MILLIMETRES_PER_INCH if size.height else width * natural[1] / natural[0]
    grown = min(width / natural[0], height / natural[1])
    use_style(height / SLIDE_HEIGHT if size.enlarge else float(np.clip(grown, LEAST_SCALE, 1.0)))
    return plt.figure(figsize=(width, height), layout=layout)


def save_figure(figure: Figure, path: Path) -> Path:
    """Writes a figure and closes it: PNG at 300 dpi, SVG and PDF with letters as letters.

    Args:
        figure: to write.
        path: its suffix is the format.
    """
    metadata = {
        ".svg": {"Date": None, "Creator": None},
        ".pdf": {"CreationDate": None, "Creator": "Infusate"},
    }
    quick: dict[str, Any] = {"pil_kwargs": {"compress_level": 4}} if path.suffix == ".png" else {}
    figure.savefig(fresh(path), dpi=DPI, metadata=metadata.get(path.suffix), **quick)
    plt.close(figure)
    return path


def choose_off_screen_window() -> None:
    """Lets VTK draw without a display or a warning: EGL where its library is there, else OSMesa.

    A choice already made in the environment stands. Must run before the first picture of the process.
    """
    for name, window in (
        ("libEGL.so.1", "vtkEGLRenderWindow"),
        ("libOSMesa.so.8", "vtkOSOpenGLRenderWindow"),
    ):
        with suppress(OSError):
            ctypes.CDLL(name)
            os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", window)
            return


def axis_label(field: Field) -> str:
    """A field's words, symbol and display unit, for an axis or a colour bar."""
    unit = DISPLAY[field.unit][1]
    words = f"{field.label[0].upper()}{field.label[1:]} {field.symbol}".strip()
    return f"{words} [{unit}]" if unit else words


def threshold_look(number: int, count: int) -> tuple[str, Any]:
    """Colour and line style of the contour of a threshold.

    Args:
        number: of the threshold, counted from the lowest.
        count: how many there are.
    """
    last = len(THRESHOLD_LOOKS) - 1
    return THRESHOLD_LOOKS[round(last * number / max(count - 1, 1))]


def band_colours(count: int) -> tuple[list[str], list[str]]:
    """Colours of the zones between thresholds, from the lowest: blues in the tumour, oranges outside it."""
    shares = [0.35 + 0.6 * (number + 0.5) / count for number in range(count)]
    maps = (matplotlib.colormaps["Blues"], matplotlib.colormaps["Oranges"])
    inside, outside = ([to_hex(colours(share)) for share in shares] for colours in maps)
    return inside, outside


def is_wide(figure: Figure) -> bool:
    """Whether a figure is so wide that legends and colour bars belong beside the picture."""
    return bool(figure.get_figwidth() > 1.3 * figure.get_figheight())


def fates(rows: Container[str], pattern: str) -> dict[str, tuple[str, str]]:
    """Where the agent of a run may be, to words and a colour.

    Args:
        rows: names of the ledger's rows in this run.
        pattern: of these names, with braces for the fate.
    """
    return FATES | {key: look for key, look in OTHER_FATES.items() if pattern.format(key) in rows}

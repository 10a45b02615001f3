# SPDX-License-Identifier: MIT
"""One look for every figure: colours that colour-blind readers tell apart, perceptually uniform maps."""

import ctypes
import os
from contextlib import suppress
from typing import Any, Final

import matplotlib

from postprocess.quantities import DISPLAY
from solver.fields import Field

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
"""Where agent ends (part of the ledger's keys) to words and a colour of the Okabe-Ito palette (2008)."""

CONCENTRATION_MAP: Final = "viridis"
DOSE_MAP: Final = "cividis"
THRESHOLD_LOOKS: Final[tuple[tuple[str, str], ...]] = (
    ("#ffffff", "dotted"),
    ("#ffe0a3", "dashdot"),
    ("#ffb380", "solid"),
    ("#ff8a5c", "dashed"),
    ("#ff6b6b", "solid"),
)
"""Colour and line style of the contours of thresholds, from the lowest to the highest."""

DPI: Final = 200

_SETTINGS: Final[dict[str, Any]] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e3e8ec",
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "savefig.dpi": DPI,
    "figure.dpi": 100,
    "svg.hashsalt": "infusate",
}


def use_style() -> None:
    """Sets the look for figures drawn from here on, without any display."""
    matplotlib.use("agg")
    matplotlib.rcParams.update(_SETTINGS)


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


def threshold_look(number: int, count: int) -> tuple[str, str]:
    """Colour and line style of the contour of a threshold.

    Args:
        number: of the threshold, counted from the lowest.
        count: how many there are.
    """
    last = len(THRESHOLD_LOOKS) - 1
    return THRESHOLD_LOOKS[round(last * number / max(count - 1, 1))]

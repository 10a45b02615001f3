# SPDX-License-Identifier: MIT
"""What the history of a run says, against its summary."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Line = tuple[str, bool, str]
"""Name of what was looked at, whether it agrees, and the numbers."""

CLOSE: Final = 1e-9
"""Relative difference below which two numbers are one: both are written with all their digits."""
NOT_PLACES: Final = ("agent_injected_kg", "agent_crossed_out_kg", "agent_crossed_in_kg")
"""Columns of the agent's book that say where it came from or passed, not where it is."""


def read_history(path: Path) -> dict[str, Floats]:
    """Columns of the history by name.

    Raises:
        ValueError: it is no table of numbers.
    """
    with path.open(newline="", encoding="utf-8") as stream:
        names, *rows = list(csv.reader(stream))
    if any(len(row) != len(names) for row in rows):
        raise ValueError(f"{path.name}: rows are not of one length")
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(names))
    return {name: table[:, number] for number, name in enumerate(names)}


def close(one: float, other: float, scale: float = 0.0) -> bool:
    """Whether two numbers are one, compared with themselves or a scale."""
    return abs(one - other) <= CLOSE * max(abs(one), abs(other), scale)


def line(name: str, stated: float, found: float, scale: float = 0.0) -> Line:
    """A number of the summary against what was computed anew."""
    return name, close(stated, found, scale), f"stated {stated:.9g}, found {found:.9g}"


def check_history(summary: dict[str, Any], history: dict[str, Floats]) -> Iterator[Line]:
    """Steps, books and extremes as the history has them."""
    time = history["t_s"]
    finite = all(np.isfinite(column).all() for column in history.values())
    yield "history is numbers", finite, f"{time.size} rows, {len(history)} columns"
    rising = bool(time[0] == 0.0 and np.all(np.diff(time) > 0))
    agree = bool(np.allclose(np.diff(time), history["dt_s"][1:], rtol=1e-6, atol=1e-9 * time[-1]))
    yield "time goes on", rising and agree, f"0 to {time[-1]:.6g} s, lengths of steps included"
    yield line("end [s]", summary["time"]["end_s"], float(time[-1]))
    steps = summary["time"]["steps"]
    yield "steps", steps == time.size - 1, f"stated {steps}, found {time.size - 1}"
    yield from _books(summary, history)
    yield from _extremes(summary, history)


def _books(summary: dict[str, Any], history: dict[str, Floats]) -> Iterator[Line]:
    injected = {book: float(history[f"{book}_injected_{unit}"][-1]) for book, unit in _BOOKS.items()}
    for book, unit in _BOOKS.items():
        rows = {name: row for name, row in summary["ledger"][book].items() if name.endswith(f"_{unit}")}
        wrong = [
            name
            for name, row in rows.items()
            if not close(row, float(history[f"{book}_{name}"][-1]), 1e-6 * injected[book])
        ]
        yield f"{book}'s book", not wrong, f"{len(rows)} rows{': ' + ', '.join(wrong) if wrong else ''}"
        column = float(history[f"{book}_residual_relative"].max())
        yield line(f"{book}'s residual", summary["ledger"][book]["residual_relative"], column)
    places = [name for name in history if name.startswith("agent_") and name.endswith("_kg")]
    found = sum(history[name] for name in places if name not in NOT_PLACES)
    lack = float(np.abs(history["agent_injected_kg"] - found).max()) / (injected["agent"] or 1.0)
    yield "agent adds up", lack <= CLOSE, f"lacks {lack:.1e} of what was injected"
    shares = {
        "crossed out": (summary["spill"]["crossed_fraction"], "agent_crossed_out_kg"),
        "came back": (summary["spill"]["returned_fraction"], "agent_crossed_in_kg"),
        "reacted outside": (summary["spill"]["reacted_outside_fraction"], "agent_reacted_tissue_kg"),
        "to blood": (summary["blood"]["absorbed_fraction"], "agent_blood_kg"),
        "to lymph": (summary["lymph"]["absorbed_fraction"], "agent_lymph_kg"),
    }
    for name, (stated, key) in shares.items():
        yield line(f"share {name}", stated, float(history[key][-1]) / (injected["agent"] or 1.0), 1e-6)


_BOOKS: Final = {"agent": "kg", "fluid": "m3"}


def _extremes(summary: dict[str, Any], history: dict[str, Floats]) -> Iterator[Line]:
    pressure, bounds = summary["pressure"], summary["concentration"]
    peak = int(np.argmax(history["peak_pressure_Pa"]))
    yield line("peak pressure [Pa]", pressure["peak_Pa"], float(history["peak_pressure_Pa"][peak]))
    yield line("its time [s]", pressure["peak_time_s"], float(history["t_s"][peak]))
    yield line(
        "lowest C over inlet", bounds["min_relative"], min(0.0, float(history["c_min_relative"].min()))
    )
    largest = max(0.0, float(history["c_max_relative"].max()))
    yield line("highest C over inlet", bounds["max_relative"], largest)

# SPDX-License-Identifier: MIT
"""The table of a sweep, opened: inputs, the results that matter, and what was asked."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from postprocess.results.result import ResultError

TABLE: Final = "table.csv"
COLUMNS: Final = "columns.json"
PLAN: Final = "plan.json"
SHOWN: Final[dict[str, tuple[float, str]]] = {
    "1": (1.0, ""),
    "m": (1e3, "mm"),
    "m^3": (1e6, "mL"),
    "m^3/s": (6e7, "mL/min"),
    "Pa": (1e-3, "kPa"),
    "kg/m^3": (1.0, "g/L"),
    "kg s/m^3": (1 / 0.06, "mg min/L"),
    "m^2/(Pa s)": (1.0, "m²/(Pa s)"),
    "m^2/s": (1.0, "m²/s"),
}
"""SI unit of an input to the factor and unit in which pages show it; others are shown in SI."""
UNTOLD: Final[dict[str, Any]] = {
    "infusate": "of unknown version",
    "notice": "Research use only. Not a medical device; not for any decision about a patient.",
    "axes": [],
    "sample": None,
}
"""What stands for parts of the record that another version has not written."""
NOTHING: Final = 1e-6
"""Shares of the agent below this are round-off, and of no interest."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """A result of every case.

    Attributes:
        column: of the table.
        words: for people.
        factor: from SI to the unit shown.
        unit: shown; empty for shares in per cent.
    """

    column: str
    words: str
    factor: float
    unit: str

    @property
    def label(self) -> str:
        """Words and unit, for an axis."""
        return f"{self.words} [{self.unit}]"


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """A sweep.

    Attributes:
        folder: where it is.
        name: short.
        title: one line.
        frame: the table, one row a case.
        units: SI unit of each column.
        record: axes, draws, seed, priors.
        mapped: whether it asks for a map of ablation.
    """

    folder: Path
    name: str
    title: str
    frame: pd.DataFrame
    units: dict[str, str]
    record: dict[str, Any]
    mapped: bool = False

    @property
    def done(self) -> pd.DataFrame:
        """The rows of complete cases."""
        return self.frame[self.frame["status"] == "complete"]

    @property
    def inputs(self) -> list[str]:
        """Columns of what varies."""
        return [name for name in self.frame.columns if name.startswith("in.")]

    @property
    def drawn(self) -> list[str]:
        """Columns of what was drawn from priors, in their order."""
        sample = self.record.get("sample") or {}
        return [f"in.{prior['key']}" for prior in sample.get("priors", [])]

    @property
    def axes(self) -> list[str]:
        """The first column of each axis along which numbers vary; seeds are no numbers in this sense."""
        firsts = [f"in.{keys[0]}" for keys in self.record.get("axes", []) if keys and not is_seed(keys[0])]
        return [name for name in firsts if is_numeric(self.frame[name]) and self.frame[name].nunique() > 1]

    @property
    def metrics(self) -> list[Metric]:
        """Results that the pages show, those that the table has."""
        return [metric for metric in self._candidates() if metric.column in self.frame]

    @property
    def random(self) -> bool:
        """Whether cases are draws: from priors, or of random fields by their seeds."""
        return bool(self.drawn) or any(is_seed(name) for name in self.inputs)

    def varies(self, metric: Metric) -> bool:
        """Whether a result differs between complete cases by more than round-off."""
        values = self.values(metric.column)
        values = values[np.isfinite(values)]
        if not values.size or (metric.column.endswith("_fraction") and np.abs(values).max() < NOTHING):
            return False
        return bool(np.ptp(values) > 1e-9 * np.abs(values).max())

    def _candidates(self) -> list[Metric]:
        middle = self.middle
        return [
            *(
                [
                    Metric(f"ablation.{middle}.coverage", "share of the tumour destroyed", 100.0, "%"),
                    Metric(f"ablation.{middle}.outside_m3", "normal tissue destroyed", 1e6, "mL"),
                    Metric(f"ablation.{middle}.equivalent_radius_m", "radius of the zone", 1e3, "mm"),
                ]
                if middle
                else []
            ),
            Metric("spill.net_fraction", "agent that left the tumour", 100.0, "%"),
            Metric("blood.absorbed_fraction", "agent washed into blood", 100.0, "%"),
            Metric("pressure.peak_Pa", "peak pressure", 1e-3, "kPa"),
        ]

    @property
    def middle(self) -> str | None:
        """Name of the middle threshold of the dose, as in the columns."""
        names = [name.split(".coverage")[0] for name in self.frame.columns if name.endswith(".coverage")]
        doses = sorted(
            (name.removeprefix("ablation.") for name in names if ".ct_" in name),
            key=lambda name: float(name.removeprefix("ct_")),
        )
        return doses[len(doses) // 2] if doses else None

    def unit(self, column: str) -> tuple[float, str]:
        """Factor from SI to the unit that an input is shown in, and that unit; empty for none."""
        unit = self.units.get(column, "")
        return SHOWN.get(unit, (1.0, unit))

    def label(self, column: str) -> str:
        """Words and unit of an input, for an axis."""
        unit, name = self.unit(column)[1], short_names(self.inputs)[column]
        return f"{name} [{unit}]" if unit else name

    def values(self, column: str, rows: pd.DataFrame | None = None) -> Floats:
        """A column as numbers, of the complete cases or of the rows given."""
        return np.asarray((self.done if rows is None else rows)[column], dtype=np.float64)


def is_numeric(column: "pd.Series[Any]") -> bool:
    """Whether a column holds numbers."""
    return bool(pd.api.types.is_numeric_dtype(column))


def is_seed(key: str) -> bool:
    """Whether a key is a seed of random numbers."""
    return key.rpartition(".")[2] == "seed"


def open_sweep(folder: Path) -> SweepResult:
    """Open the folder of a sweep.

    Raises:
        ResultError: the table is missing or damaged.
    """
    try:
        plan = json.loads((folder / PLAN).read_text("utf-8"))
        columns = json.loads((folder / COLUMNS).read_text("utf-8"))
        text = {"id": str, "status": str, "reason": str, "flags": str}
        frame = pd.read_csv(folder / TABLE, dtype=text, keep_default_na=True)
        frame[["reason", "flags"]] = frame[["reason", "flags"]].fillna("")
        return SweepResult(
            folder=folder,
            name=str(plan["name"]),
            title=str(plan["title"]),
            frame=frame,
            units={str(key): str(unit) for key, unit in columns["units"].items()},
            record={**UNTOLD, **columns["record"]},
            mapped=bool(plan.get("probability")),
        )
    except FileNotFoundError as error:
        raise ResultError(f"{error.filename}: not there; has the sweep been run?") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResultError(f"{folder}: not the folder of a sweep ({error})") from error


def short_names(columns: Sequence[str]) -> dict[str, str]:
    """Inputs by words short enough for an axis, and still different from one another."""
    out: dict[str, str] = {}
    for depth in (1, 2, 3, 9):
        out = {}
        for column in columns:
            parts = [part for part in column.removeprefix("in.").split(".") if not part.isdecimal()]
            out[column] = ", ".join(part.replace("_", " ") for part in reversed(parts[-depth:]))
        if len(set(out.values())) == len(columns):
            break
    return out

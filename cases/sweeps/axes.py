# SPDX-License-Identifier: MIT
"""Axes of a sweep: lists, ranges, paired tables and CSV files as rows of settings."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cases.reading.keys import parse_key, quantity_at
from cases.schema import units
from cases.schema.quantity import Quantity
from cases.schema.sweep import AxisTable, Bound, Entry
from cases.schema.units import UnitError

LARGEST_CSV = 50_000_000
"""No table of cases is larger [bytes]."""


@dataclass(frozen=True)
class Setting:
    """One key with one value.

    Attributes:
        key: of the case file, as the sweep names it.
        text: the value as the command line would be given it.
        value: the same in SI, or as text where it is no quantity.
    """

    key: str
    text: str
    value: float | str

    @property
    def override(self) -> str:
        """As for ``--set``."""
        return f"{self.key}={self.text}"


Row = tuple[Setting, ...]


def setting(key: str, entry: Entry) -> Setting:
    """A value of a sweep file for a key of the case file.

    Raises:
        ValueError: no such key, or no value for it.
    """
    quantity = quantity_at(parse_key(key))
    if quantity is None:
        text = str(entry).lower() if isinstance(entry, bool) else str(entry)
        return Setting(key, text, text)
    text = entry if isinstance(entry, str) else repr(entry)
    return Setting(key, text, quantity.read(entry))


def si_setting(key: str, value: float) -> Setting:
    """A value in SI for a key of the case file.

    Raises:
        ValueError: no such key, no quantity, or out of range.
    """
    quantity = required_quantity(key)
    exact = round(value) if quantity.integer else float(value)
    if quantity.dimension is units.NUMBER:
        return setting(key, exact)
    return setting(key, f"{exact!r} {quantity.dimension.si}")


def required_quantity(key: str) -> Quantity:
    """The quantity of a key.

    Raises:
        ValueError: there is none.
    """
    quantity = quantity_at(parse_key(key))
    if quantity is None:
        raise ValueError(f"{key} is no quantity; give `values`")
    return quantity


def bound(key: str, entry: Bound) -> float:
    """An end of a range in SI.

    Raises:
        ValueError: it is not such a quantity.
    """
    return required_quantity(key).read(entry)


def axis_rows(axis: AxisTable, folder: Path) -> list[Row]:
    """The settings along one axis.

    Args:
        axis: as read.
        folder: of the sweep file.

    Raises:
        ValueError: it is stated in no way or in two, or one of its values is wrong; says which.
        OSError: a CSV file cannot be read.
    """
    ways = [axis.values is not None, axis.start is not None, axis.rows is not None, axis.csv is not None]
    if sum(ways) != 1:
        raise ValueError("expected one of `values`, `start` and `stop`, `rows` or `csv`")
    if axis.csv is not None:
        return _csv_rows(folder / axis.csv)
    if axis.rows is not None:
        return _paired(axis.keys or [], axis.rows)
    if axis.key is None:
        raise ValueError("expected `key`")
    if axis.values is not None:
        return [(setting(axis.key, value),) for value in axis.values]
    return [(si_setting(axis.key, value),) for value in _range(axis, axis.key)]


def _range(axis: AxisTable, key: str) -> Sequence[float]:
    if axis.start is None or axis.stop is None or axis.count is None:
        raise ValueError("a range needs `start`, `stop` and `count`")
    first, last = bound(key, axis.start), bound(key, axis.stop)
    if axis.spacing == "linear":
        return [float(value) for value in np.linspace(first, last, axis.count)]
    if first <= 0 or last <= 0:
        raise ValueError("a logarithmic range needs both ends above zero")
    # geomspace hits both ends only to round-off
    inner = np.geomspace(first, last, axis.count)[1:-1]
    return [first, *map(float, inner), last][: axis.count] if axis.count > 1 else [first]


def _paired(keys: Sequence[str], rows: Sequence[Sequence[Entry]]) -> list[Row]:
    if not keys:
        raise ValueError("`rows` needs `keys`")
    out = []
    for number, row in enumerate(rows, 1):
        if len(row) != len(keys):
            raise ValueError(f"row {number} has {len(row)} values, expected {len(keys)}")
        out.append(tuple(setting(key, value) for key, value in zip(keys, row, strict=True)))
    return out


def _csv_rows(path: Path) -> list[Row]:
    if path.stat().st_size > LARGEST_CSV:
        raise ValueError(f"{path} is larger than {LARGEST_CSV / 1e6:g} MB")
    with path.open(encoding="utf-8", newline="") as stream:
        lines = [line for line in csv.reader(stream) if any(cell.strip() for cell in line)]
    if len(lines) < 2:
        raise ValueError(f"{path} holds no cases; expected keys in the first line and one case a line")
    keys = [cell.strip() for cell in lines[0]]
    try:
        return _paired(keys, [[_cell(cell) for cell in line] for line in lines[1:]])
    except (ValueError, UnitError) as error:
        raise ValueError(f"{path}: {error}") from error


def _cell(text: str) -> Entry:
    """A cell as a case file would state it: a number where it is one, else text."""
    try:
        return float(text)
    except ValueError:
        return text.strip()

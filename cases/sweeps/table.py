# SPDX-License-Identifier: MIT
"""The results of a sweep as one tidy table: a row for each case, inputs, outputs, units, flags.

The table holds nothing that differs between two runs of the same sweep; wall times have their own file.
"""

import csv
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cases.sweeps.folder import Job, Plan, SweepFolder

TABLE: Final = "table.csv"
PARQUET: Final = "table.parquet"
COLUMNS: Final = "columns.json"
TIMES: Final = "times.csv"

LEFT_OUT: Final = frozenset(
    {"infusate", "notice", "status", "reason", "case", "ranks", "geometry", "validity", "timing", "versions",
     "provenance", "solver"}
)  # fmt: skip
"""Sections of a summary that are no results, or stand in columns of their own."""

LEFT_OF_MESH: Final = frozenset({"cells", "vertices"})
LONGEST_LIST: Final = 20
"""Records of a list without names that become columns."""

LABELS: Final = frozenset({"measure", "threshold", "unit", "label", "distance_m", "method"})
"""Of a record, part of the names of its columns."""

SUFFIXES: Final = {
    "m3": "m^3",
    "m": "m",
    "s": "s",
    "Pa": "Pa",
    "kg": "kg",
    "mol": "mol",
    "fraction": "1",
    "relative": "1",
    "share": "1",
    "coverage": "1",
}
"""Endings of names to units."""

HEAD: Final = ("case", "id", "status", "reason", "flags")
Value = float | int | str | bool | None


def rows_of(folder: SweepFolder, plan: Plan) -> list[dict[str, Value]]:
    """One row for each planned case, also for failed and open ones."""
    return [_row(folder, job) for job in plan.jobs]


def _row(folder: SweepFolder, job: Job) -> dict[str, Value]:
    summary, failure = folder.ended(job.identity)
    status = "failed" if failure else str(summary["status"]) if summary else "open"
    row: dict[str, Value] = {
        "case": job.index,
        "id": job.identity,
        "status": status,
        "reason": str((failure or summary or {}).get("reason") or ""),
        "flags": flags(summary) if summary else "",
    }
    row |= {f"in.{key}": value for key, value in job.inputs.items()}
    return row | (dict(outputs(summary)) if summary else {})


def flags(summary: Mapping[str, Any]) -> str:
    """Names of the flags that ask for care or say that a result is outside the model, worst first."""
    raised = [flag for flag in summary.get("validity", []) if flag["level"] != "info"]
    return " ".join(f"{flag['level']}:{flag['name']}" for flag in raised)


def outputs(summary: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    """Names and values of all results in a summary; parts of a name are joined by dots."""
    for section, content in summary.items():
        if section in LEFT_OUT:
            continue
        if section == "mesh":
            content = {key: value for key, value in content.items() if key in LEFT_OF_MESH}
        yield from _flat(section, content)


def _flat(name: str, content: Any) -> Iterator[tuple[str, Value]]:
    if isinstance(content, Mapping):
        for key, value in content.items():
            if key in LABELS:
                continue
            yield from _flat(f"{name}.{key}", value)
    elif isinstance(content, list):
        for number, value in enumerate(content[:LONGEST_LIST]):
            yield from _flat(f"{name}.{_label(value, number)}", value)
    elif content is None or isinstance(content, str | bool | int | float):
        yield name, content


def _label(record: Any, number: int) -> str:
    """What tells a record of a list from the others: its threshold or distance, else its place."""
    if isinstance(record, Mapping):
        if "threshold" in record:
            return f"{record.get('measure', 'ct')}_{record['threshold']:g}"
        if "distance_m" in record:
            return f"{1e3 * record['distance_m']:g}mm"
    return str(number)


def unit_of(column: str, inputs: Mapping[str, str]) -> str:
    """SI unit of a column; empty where it is a text or a name."""
    if column.startswith("in."):
        return inputs.get(column.removeprefix("in."), "")
    last = column.rpartition(".")[2]
    return SUFFIXES.get(last.rpartition("_")[2], SUFFIXES.get(last, ""))


def write_table(folder: SweepFolder, plan: Plan) -> list[dict[str, Value]]:
    """Write the table as CSV and Parquet, its columns, and the wall times; returns its rows.

    Raises:
        OSError: a file cannot be written.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = rows_of(folder, plan)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    units = {name: unit_of(name, plan.units) for name in columns}
    _write_csv(folder.root / TABLE, columns, rows)
    _write_csv(folder.root / TIMES, *_times(folder, plan))
    _write_text(folder.root / COLUMNS, json.dumps({"units": units, "record": plan.record}, indent=1) + "\n")
    frame = pd.DataFrame([[row.get(name) for name in columns] for row in rows], columns=columns)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = [field.with_metadata({"unit": units[field.name]}) for field in table.schema]
    partial = folder.root / f".{PARQUET}.partial"
    pq.write_table(table.cast(pa.schema(fields)), partial)
    partial.replace(folder.root / PARQUET)
    return rows


def _times(folder: SweepFolder, plan: Plan) -> tuple[list[str], list[dict[str, Value]]]:
    rows: list[dict[str, Value]] = []
    for job in plan.jobs:
        summary = folder.summary(job.identity)
        if summary is not None:
            rows.append({"case": job.index, "id": job.identity, "total_s": summary["timing"]["total_s"]})
    return ["case", "id", "total_s"], rows


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Value]]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def _write_text(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _cell(value: Value) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(value) if isinstance(value, float) else str(value)

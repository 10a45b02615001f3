# SPDX-License-Identifier: MIT
"""Keeps what benchmarks measured, so that slowdowns show; ``python3 -m benchmarks.history [FILE]`` compares.

One line of JSON per run: when, which commit, which machine, and the rows. Entries of one machine compare.
"""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

HISTORY: Final = Path(__file__).parent / "history.jsonl"
SLOWER: Final = 1.15
"""Ratio of times that is told as a slowdown."""
COLUMNS: Final = (
    "name",
    "case",
    "size",
    "step",
    "cores",
    "cells",
    "seconds",
    "cpu_seconds",
    "seconds_per_step",
    "l1_percent",
    "min_c",
    "balance",
    "peak_MB",
)
KEY: Final = ("name", "case", "size", "step", "cores")


def append(rows: list[dict[str, Any]], file: Path = HISTORY) -> None:
    """Add an entry for the rows of a run."""
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": machine(),
        "versions": _versions("fenics-dolfinx", "numpy", "numba"),
        "rows": [{name: row[name] for name in COLUMNS if name in row} for row in rows],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry) + "\n")


def machine() -> dict[str, Any]:
    """Facts of the machine that times depend on."""
    model = platform.processor()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = information.read_text(encoding="utf-8").splitlines()
        model = next(
            (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"processor": model, "cores": os.cpu_count(), "memory_GiB": round(memory)}


def read(file: Path = HISTORY) -> list[dict[str, Any]]:
    """All entries, oldest first."""
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]


def compare(entries: list[dict[str, Any]]) -> list[str]:
    """Hold the last entry against the latest earlier time of each of its rows on the same machine.

    Returns:
        Lines to print; slower rows are marked.
    """
    if not entries:
        return ["no history yet"]
    now = entries[-1]
    earlier = {
        _key(row): (entry["time"], row)
        for entry in entries[:-1]
        if entry["machine"] == now["machine"]
        for row in entry["rows"]
    }
    lines = [f"{'':42} {'now s':>8} {'then s':>8} {'ratio':>6}  {'L1 now':>7} {'then':>7}  then"]
    for row in now["rows"]:
        label = f"{row['name']:18} {row['case']:6} {row['size']:>5} {row['step']:>5} x{row['cores']}"
        if _key(row) not in earlier:
            lines.append(f"{label:42} {row['seconds']:8.2f}        -      -  {row['l1_percent']:7.3f}")
            continue
        time, then = earlier[_key(row)]
        ratio = row["seconds"] / then["seconds"]
        lines.append(
            f"{label:42} {row['seconds']:8.2f} {then['seconds']:8.2f} {ratio:6.2f}  "
            f"{row['l1_percent']:7.3f} {then['l1_percent']:7.3f}  {time}"
            + ("  SLOWER" if ratio > SLOWER else "")
        )
    return lines


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    root = Path(__file__).parents[1]
    try:
        found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return found.stdout.strip()


def _versions(*names: str) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else HISTORY
    print("\n".join(compare(read(chosen))))

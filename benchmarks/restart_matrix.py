# SPDX-License-Identifier: MIT
"""Runs on several numbers of ranks, whole and taken up on another number, and how far their results differ.

    python3 -m benchmarks.restart_matrix --settings tight --log restarts.jsonl

Each line of the log is a pair: the ranks that began and those that went on from their checkpoint, or the
ranks of two whole runs, with the largest difference of any result over its size.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.kill_trials import differences

ROOT: Final = Path(__file__).parents[1]
PAIRS: Final = ((1, 1), (2, 2), (2, 1), (1, 2), (4, 2))
SETTINGS: Final = {
    "default": (),
    "tight": (
        "numerics.fixed_step=2 s",
        "numerics.newton_tolerance=1e-12",
        "numerics.krylov_tolerance_pressure=1e-10",
    ),
}
RESULTS: Final = ("ledger", "tumour", "ablation", "spill", "blood", "lymph", "pressure", "fissured", "front")
NOTHING: Final = {"boundary_m3": 1e-6, "peak_concentration": 3e-3, "largest_ct_dose": 6e-2}
"""Values below these count as nothing: a pulse, 0.1 % of the inlet, a tenth of the lowest threshold; SI."""
ROUND_OFF: Final = ("residual_relative", "returned_fraction")
"""Rows that are zero but for round-off, so that they have no relative size."""
BOOKS: Final = {".ledger.agent.": ".ledger.agent.injected_kg", ".ledger.fluid.": ".ledger.fluid.injected_m3"}
"""Books, whose rows are measured by what was injected: some are a ten-thousandth of it."""


def command(options: argparse.Namespace, folder: Path, ranks: int, *more: str) -> list[str]:
    """How the case is started."""
    given = [*SETTINGS[options.settings], *options.set, "outputs.figures=false"]
    settings = [text for setting in given for text in ("--set", setting)]
    start = [sys.executable, "-m", "cases.cli", "run", options.case, *settings, "--out", str(folder)]
    return [*start, "--ranks", str(ranks), "--oversubscribe", "--quiet", *more]


def whole(options: argparse.Namespace, folder: Path, ranks: int) -> None:
    """Run the case from start to end."""
    subprocess.run(command(options, folder, ranks), cwd=ROOT, check=True)


def taken_up(options: argparse.Namespace, folder: Path, ranks: tuple[int, int]) -> int:
    """Begin on some ranks, stop after some steps, and go on on others; returns the row it stopped at."""
    process = subprocess.Popen(command(options, folder, ranks[0]), cwd=ROOT, stderr=subprocess.DEVNULL)
    history = folder / "history.csv"
    while process.poll() is None and not (
        history.exists() and history.read_bytes().count(b"\n") > options.rows
    ):
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    if process.wait() != 75:
        raise RuntimeError(f"the first part ended with {process.returncode}")
    rows = history.read_bytes().count(b"\n")
    subprocess.run(command(options, folder, ranks[1], "--resume"), cwd=ROOT, check=True)
    return rows


def difference(one: Path, other: Path) -> tuple[float, str]:
    """Largest difference of any result over its size, and which."""
    first, second = (
        dict(numbers({key: value for key, value in load(folder).items() if key in RESULTS}))
        for folder in (one, other)
    )
    if first.keys() != second.keys() or load(one)["time"] != load(other)["time"]:
        return float("inf"), "another number of steps"
    found = []
    for name, value in first.items():
        if not name.endswith(ROUND_OFF):
            whole = next((first[injected] for book, injected in BOOKS.items() if name.startswith(book)), 0.0)
            scale = max(abs(value), whole, NOTHING.get(name.rpartition(".")[2], 0.0))
            found.append((abs(value - second[name]) / scale if scale else 0.0, name))
    return max(found)


def numbers(tree: Any, path: str = "") -> list[tuple[str, float]]:
    """Every number of a summary with its path."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    own = [(path, float(tree))] if isinstance(tree, int | float) else []
    return own + [pair for key, value in items for pair in numbers(value, f"{path}.{key}")]


def load(folder: Path) -> dict[str, Any]:
    """The summary of a result."""
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


def main() -> int:
    """Run all pairs; every line is printed and logged."""
    parser = argparse.ArgumentParser(prog="benchmarks.restart_matrix", allow_abbrev=False)
    parser.add_argument("--case", default=str(ROOT / "cases" / "shipped" / "spill.toml"))
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--settings", choices=SETTINGS, default="default")
    parser.add_argument("--rows", type=int, default=25, help="of the history, after which a run is stopped")
    parser.add_argument("--pairs", default=" ".join(f"{a}-{b}" for a, b in PAIRS))
    parser.add_argument("--ranks", default="1 2 4", help="of whole runs")
    parser.add_argument("--log", type=Path, default=Path("restart_matrix.jsonl"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        base = Path(text)
        counts = [int(count) for count in options.ranks.split()]
        for count in counts:
            whole(options, base / f"whole{count}", count)
            if count > counts[0]:
                found = difference(base / f"whole{counts[0]}", base / f"whole{count}")
                report(options, f"{counts[0]} against {count}", found)
        for pair in options.pairs.split():
            first, second = map(int, pair.split("-"))
            folder = base / pair
            row = taken_up(options, folder, (first, second))
            found = difference(base / f"whole{second}", folder)
            same = not differences(base / f"whole{second}", folder) if first == second else None
            report(options, f"{first} to {second}, stopped at row {row}", found, same)
    return 0


def report(
    options: argparse.Namespace, what: str, found: tuple[float, str], same_bytes: bool | None = None
) -> None:
    """Print a line and log it."""
    line = {
        "case": Path(options.case).stem,
        "set": options.set,
        "settings": options.settings,
        "what": what,
        "difference": found[0],
        "of": found[1],
        "same_bytes": same_bytes,
    }
    with options.log.open("a") as stream:
        stream.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: MIT
"""Measures BALL: Infusate alone (``make bench``) or beside other programs (``make bench-peers``)."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.ball.definition import BALLS, STEP
from benchmarks.ball.measure import Setting, Task, measure, warm_up
from benchmarks.ball.peers.install import install_freefem, install_python_peers
from benchmarks.ball.programs import OURS, PEERS
from benchmarks.history import HISTORY, append, compare, read

FOLDER = Path("results/bench")
FIXED = f"{STEP:g}"
OURS_AT: Final = {"infusate": FIXED, "infusate-best-step": "best"}
ROWS: Final = (*OURS_AT, "infusate-long-step", "infusate-both")
LONG: Final = {"BALL": {"50k": "15/30"}, "BALLw": {}}
"""Steps [s] during and after the injection with which Infusate errs no more in C at its end than the best
peer does with those of the benchmark."""
LONG_ELSEWHERE: Final = {"BALL": "10/30", "BALLw": "6/30"}
BOTH: Final = {"BALL": {"1M": "best:3e-2:2"}, "BALLw": {"1M": "3.75/30"}}
"""Steps, or tolerance and first length of controlled ones, with which it errs no more in the dose either."""
BOTH_ELSEWHERE: Final = {"BALL": "best:3e-2:4", "BALLw": "best:3e-2:2"}
HEADINGS = "program|case|cells|step|s|cpu s|x ours|L1 %|CT %|M60 %|reacted %|V %|min C|balance|MB"
"""``x ours``: wall time over that of Infusate at the same mesh, with the longest step that errs no more than
the best peer, or whatever of ours was run."""


def tasks(sizes: list[str], cases: list[str], peers: list[str], ours: Sequence[str] = ROWS) -> list[Task]:
    """All rows of a run; those of one mesh and case follow one another.

    Args:
        sizes: of meshes.
        cases: their names.
        peers: names of programs.
        ours: names of our rows.
    """
    found = []
    for case in cases:
        for size in sizes:
            place: dict[str, Any] = {"size": size, "case": case}
            long = LONG[case].get(size, LONG_ELSEWHERE[case])
            both = BOTH[case].get(size, BOTH_ELSEWHERE[case])
            steps = OURS_AT | {"infusate-long-step": long, "infusate-both": both}
            rows = {name: step for name, step in steps.items() if name in ours}
            found += [Task(name=name, program=OURS, step=step, **place) for name, step in rows.items()]
            found += [Task(name=name, program=PEERS[name], step=FIXED, **place) for name in peers]
    return found


def install(peers: list[str]) -> list[str]:
    """Install the peers; returns those that can run and tells why others cannot."""
    if any(name != "freefem" for name in peers):
        install_python_peers()
    if "freefem" in peers and (reason := install_freefem()):
        print(f"freefem is left out: {reason}")
        return [name for name in peers if name != "freefem"]
    return peers


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Rows as text, with times relative to ours at the same mesh and case."""
    ours: dict[tuple[str, str], float] = {}
    for name in ("infusate-long-step", *ROWS):
        for row in rows:
            if row["name"] == name:
                ours.setdefault((row["case"], row["size"]), row["seconds"])
    lines = [f"|{HEADINGS}|", "|" + "---|" * len(HEADINGS.split("|"))]
    for row in rows:
        ratio = row["seconds"] / ours.get((row["case"], row["size"]), float("nan"))
        errors = ("l1_percent", "ct_percent", "mass_percent", "reacted_percent", "volume_percent")
        columns = [row["name"], row["case"], str(row["cells"]), str(row["step"])]
        columns += [f"{value:.2f}" for value in (row["seconds"], row["cpu_seconds"], ratio)]
        columns += [f"{row[name]:+.2f}" for name in errors]
        columns += [f"{row['min_c']:.0e}", f"{row['balance']:.0e}", f"{row['peak_MB']:.0f}"]
        lines.append(f"|{'|'.join(columns)}|")
    return lines


def main() -> int:
    """Measure, write rows and history, print the table and the comparison with the last time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="50k 200k", help="of meshes, such as '50k 200k 1M'")
    parser.add_argument("--cases", default=" ".join(BALLS))
    parser.add_argument("--peers", default="", help=f"'all' or some of: {' '.join(PEERS)}")
    parser.add_argument("--ours", help=f"rows of ours, of: {' '.join(ROWS)}; all by default")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--prefix", default="", help="command put before each program")
    parser.add_argument("--history", type=Path, default=HISTORY, help="file that an entry is added to")
    options = parser.parse_args()
    peers = list(PEERS) if options.peers == "all" else options.peers.split()
    ours = options.ours.split() if options.ours else list(ROWS)
    unknown = set(peers) - set(PEERS) | set(options.cases.split()) - set(BALLS) | set(ours) - set(ROWS)
    if unknown:
        known = f"peers: {' '.join(PEERS)}; cases: {' '.join(BALLS)}; rows of ours: {' '.join(ROWS)}"
        parser.error(f"unknown: {' '.join(sorted(unknown))}; {known}")
    setting = Setting(repeats=options.repeats, prefix=options.prefix)
    planned = tasks(options.sizes.split(), options.cases.split(), install(peers), ours)
    warm_up(planned)
    rows = measure(planned, setting)
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / ("ball-peers.json" if peers else "ball.json")
    file.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    append(rows, options.history)
    print("\n".join([*table(rows), "", *compare(read(options.history)), "", f"rows: {file}"]))
    return 0 if len(rows) == len(planned) else 1


if __name__ == "__main__":
    raise SystemExit(main())

# SPDX-License-Identifier: MIT
"""All rungs in order, and how they are climbed."""

from collections.abc import Iterable
from pathlib import Path
from time import perf_counter

from benchmarks.ladder import exchange, orders, pressure, reference, solid, transient, transport
from benchmarks.ladder.draw import draw
from benchmarks.ladder.page import Results
from benchmarks.ladder.rung import Rung

RUNGS: dict[str, Rung] = {
    rung.key: rung
    for module in (pressure, transient, orders, exchange, transport, solid, reference)
    for rung in module.RUNGS
}


def climb(keys: Iterable[str], folder: Path, fine: bool) -> Results:
    """Run rungs and draw each; a line for each is printed."""
    folder.mkdir(parents=True, exist_ok=True)
    results: Results = {}
    for key in keys:
        rung, start = RUNGS[key], perf_counter()
        outcome = rung.run(fine)
        results[key] = rung, outcome, perf_counter() - start
        draw(outcome, folder / f"{key}.png")
        state = "holds" if outcome.holds else "DOES NOT HOLD"
        print(f"{key:14} {state:14} {results[key][2]:6.1f} s  {rung.title}", flush=True)
    return results

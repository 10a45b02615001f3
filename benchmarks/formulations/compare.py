# SPDX-License-Identifier: MIT
"""Formulations of transport side by side: ``python -m benchmarks.formulations.compare [--cases BALL]``.

All but DG get the same mesh, flow, linear solver and steps. Writes results/bench/formulations.json.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.formulations.ball_case import ball
from benchmarks.formulations.convex import Convex
from benchmarks.formulations.discontinuous import discontinuous_ball, discontinuous_rotation
from benchmarks.formulations.monotone import Monotone
from benchmarks.formulations.problem import Problem, Stepper, parts
from benchmarks.formulations.reference_case import reference_case
from benchmarks.formulations.rotation import rotation
from benchmarks.formulations.supg import Supg

CASES: dict[str, Callable[[str], Problem]] = {
    "BALL": lambda size: ball("BALL", size),
    "BALLw": lambda size: ball("BALLw", size),
    "rotation": lambda _: rotation(),
    "reference": lambda _: reference_case(),
}
DISCONTINUOUS: dict[str, Callable[[str], dict[str, Any]]] = {
    "BALL": lambda size: discontinuous_ball("BALL", size),
    "BALLw": lambda size: discontinuous_ball("BALLw", size),
    "rotation": lambda _: discontinuous_rotation(),
}
DIFFUSIVITY = {"BALL": 1e-9, "BALLw": 1e-9, "rotation": 0.0, "reference": 7.6e-10}
ON_EDGES = ("low", "galerkin", "zalesak", "infusate")


def steppers(problem: Problem) -> dict[str, Stepper]:
    """Every formulation on linear elements."""
    grid = problem.grid
    found: dict[str, Stepper] = {kind: Monotone(grid, kind).step for kind in ON_EDGES}
    # At the Courant numbers of a needle's tip the trapezoidal rule rings: SUPG then reaches 3.7 times C_in.
    implicit = 0.5 if problem.name == "rotation" else 1.0
    found["mcl"] = Convex(grid, implicit).step
    cells = np.full(len(grid.stencil.cells), DIFFUSIVITY[problem.name])
    found["supg"] = Supg(grid, cells, implicit).step
    return found


def run(problem: Problem, stepper: Stepper) -> dict[str, Any]:
    """March one formulation through a case.

    Returns:
        ``error`` [%], ``lowest`` and ``highest`` C over the largest that enters or is there at the start,
        ``balance`` relative to what there was and came, ``milliseconds`` per step.
    """
    c = problem.start.copy()
    amount = float(problem.intervals[0].fluid[0] @ c)
    given, taken, dose = amount, 0.0, np.zeros_like(c)
    scale = max(float(c.max()), max(i.concentration for i in problem.intervals))
    lowest, highest, ends, count = np.inf, -np.inf, [], 0
    seconds = 0.0
    stepper(c, problem.intervals[0], parts(problem.intervals[0])[0])  # compiles
    for interval in problem.intervals:
        for part in parts(interval):
            start = perf_counter()
            step = stepper(c, interval, part)
            seconds += perf_counter() - start
            c, count = step.after, count + 1
            taken += step.taken
            given += part.length * float(interval.injected.sum())
            dose += part.length * step.mean
            lowest, highest = min(lowest, float(c.min())), max(highest, float(c.max()))
        ends.append(c)
    left = float(problem.intervals[-1].fluid[1] @ c)
    return {
        "error": problem.judge(ends, dose),
        "lowest": lowest / scale,
        "highest": highest / scale,
        "balance": (given - taken - left) / given,
        "milliseconds": 1e3 * seconds / count,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=",".join(CASES), help="of " + ", ".join(CASES))
    parser.add_argument("--mesh", default="50k", help="cells of BALL and BALLw")
    parser.add_argument("--without", default="", help="formulations to leave out")
    parser.add_argument("--out", type=Path, default=Path("results/bench/formulations.json"))
    arguments = parser.parse_args()
    left_out = set(arguments.without.split(","))
    rows = []
    for case in arguments.cases.split(","):
        problem = CASES[case](arguments.mesh)
        for name, stepper in steppers(problem).items():
            if name not in left_out:
                rows.append({"case": case, "formulation": name} | run(problem, stepper))
                report(rows[-1])
        if case in DISCONTINUOUS and "dg1" not in left_out:
            rows.append({"case": case, "formulation": "dg1"} | DISCONTINUOUS[case](arguments.mesh))
            report(rows[-1])
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def report(row: dict[str, Any]) -> None:
    """Print one row."""
    print(
        f"{row['case']:10} {row['formulation']:10} error {row['error']:7.3f} %  min {row['lowest']:9.1e}  "
        f"max {row['highest']:8.5f}  balance {row['balance']:8.1e}  {row['milliseconds']:8.2f} ms/step",
        flush=True,
    )


if __name__ == "__main__":
    main()

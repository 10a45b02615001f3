# SPDX-License-Identifier: MIT
"""The 3-D reference case on one and on two ranks, in turn: ``python3 -m benchmarks.parallel --steps 10``."""

import argparse
import csv
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

REFERENCE = Path(__file__).parents[1] / "cases" / "shipped" / "reference.toml"
STEP = 0.05
"""Length of a step [s]; the injection goes on during all of them."""

IN_STEPS = ("pressure", "transport", "limiter")


def main() -> int:
    """Compare ranks, or be one of them; prints a JSON line per run and the ratios of medians."""
    parser = argparse.ArgumentParser(prog="benchmarks.parallel")
    parser.add_argument("--cells-per-front", type=float, default=8.0, help="of the mesh")
    parser.add_argument("--mesh", type=Path, help="a mesh of the same case as the cache keeps it")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--out", type=Path, help="be one rank of a run into this folder")
    options = parser.parse_args()
    if options.out:
        return run(options)
    found: dict[int, list[dict[str, Any]]] = {ranks: [] for ranks in options.ranks}
    for _ in range(options.repeats):
        for ranks, rows in found.items():
            rows.append(measured(ranks, options))
            print(json.dumps(rows[-1]), flush=True)
    first = found[options.ranks[0]]
    for ranks, rows in found.items():
        ratios = {
            name: statistics.median(row[name] for row in first) / statistics.median(row[name] for row in rows)
            for name in ("seconds", "steps_s", "set_up_s")
        }
        print(
            json.dumps({"ranks": ranks, "speed": {name: round(value, 2) for name, value in ratios.items()}})
        )
    return 0


def measured(ranks: int, options: argparse.Namespace) -> dict[str, Any]:
    """One run as processes of their own, from start to end."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.parallel", f"--out={folder}", f"--steps={options.steps}"]
        command.append(f"--cells-per-front={options.cells_per_front}")
        if options.mesh:
            command.append(f"--mesh={options.mesh}")
        launcher = [shutil.which("mpirun") or "mpirun", "-n", str(ranks)] if ranks > 1 else []
        start = perf_counter()
        subprocess.run([*launcher, *command], check=True)
        seconds = perf_counter() - start
        summary = json.loads((Path(folder) / "summary.json").read_text(encoding="utf-8"))
        peaks = json.loads((Path(folder) / "peaks.json").read_text(encoding="utf-8"))
        counts = iterations(Path(folder) / "history.csv")
    stages = {name: round(value, 3) for name, value in summary["timing"]["stages"].items()}
    return {
        "ranks": ranks,
        "cells": summary["mesh"]["cells"],
        "seconds": round(seconds, 2),
        "steps_s": round(sum(stages[name] for name in IN_STEPS), 3),
        "set_up_s": round(stages["mesh"] + stages["set-up"], 3),
        "iterations_per_step": counts,
        "stages": stages,
        "peak_MB": peaks,
    }


def iterations(history: Path) -> dict[str, float]:
    """Means over all steps but the first, which starts from rest."""
    with history.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[2:]
    names = ("newton_iterations", "krylov_iterations")
    return {name: round(statistics.fmean(float(row[name]) for row in rows), 2) for name in names if rows}


def run(options: argparse.Namespace) -> int:
    """Be one rank: the reference case for a few steps of fixed length."""
    from mpi4py import MPI

    from cases.reading.load import load_case
    from cases.running import reuse
    from cases.running.run import run_case
    from meshes.cache import read_kept
    from solver.parameters.model import Schedule

    comm = MPI.COMM_WORLD
    if options.mesh:
        kept = read_kept(options.mesh) if comm.rank == 0 else None
        reuse.build_mesh = lambda _: kept
    case = load_case(REFERENCE, ("geometry.kind=3d", f"numerics.cells_per_front={options.cells_per_front}"))
    numerics = replace(case.model.numerics, fixed_step=STEP)
    model = replace(case.model, schedule=Schedule(end=STEP * options.steps), numerics=numerics)
    code = run_case(replace(case, model=model, figures=False), options.out, comm, quiet=True)
    peaks = comm.gather(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
    if comm.rank == 0:
        (options.out / "peaks.json").write_text(json.dumps(peaks), encoding="utf-8")
    return code


if __name__ == "__main__":
    raise SystemExit(main())

# SPDX-License-Identifier: MIT
"""Hours of injections in one process: does memory stay flat? ``python3 -m benchmarks.soak --pulses 100``.

Prints a JSON line: simulated hours, steps, resident memory after the first quarter and at the end, its slope
over the last three quarters (least squares) and the agent that the ledger cannot account for.
"""

import argparse
import json
import os
import tempfile
from array import array
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

REFERENCE = Path(__file__).parents[1] / "cases" / "shipped" / "reference.toml"


def main() -> int:
    """Run one long case, or a short one many times; 1 if memory grows faster than the limit."""
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description=__doc__)
    parser.add_argument("--kind", choices=("radial", "axisymmetric", "3d"), default="radial")
    parser.add_argument("--pulses", type=int, default=100, help="of the reference case's volume and rate")
    parser.add_argument("--period", type=float, default=600.0, help="from one pulse to the next [s]")
    parser.add_argument("--store-every", type=int, default=1, help="pulses from one stored field to the next")
    parser.add_argument("--runs", type=int, default=1, help="of such a case, one after another")
    parser.add_argument("--cells-per-front", type=float, default=4.0)
    parser.add_argument("--limit", type=float, default=1.0, help="of the slope [MB per simulated hour]")
    options = parser.parse_args()
    found = soak(options)
    print(json.dumps(found), flush=True)
    return int(found["slope_MB_per_hour"] > options.limit)


def soak(options: argparse.Namespace) -> dict[str, Any]:
    """Run the injections, with their files as a run writes them, and watch the process."""
    import numpy as np

    from cases.reading.load import load_case
    from solver.parameters.model import Model, Schedule

    shape = (f"geometry.kind={options.kind}", f"numerics.cells_per_front={options.cells_per_front}")
    case = load_case(REFERENCE, shape)
    first = case.model.injections[0]
    pulses = tuple(replace(first, start=options.period * i) for i in range(options.pulses))
    end = options.period * options.pulses
    outputs = tuple(options.period * i for i in range(1, options.pulses) if i % options.store_every == 0)
    model: Model = replace(case.model, injections=pulses, schedule=Schedule(end=end, outputs=outputs))
    started, samples = perf_counter(), array("d")  # small beside what it measures
    steps, residual = 0, 0.0
    for number in range(options.runs):
        for snapshot in _run(replace(case, model=model)):
            steps += 1
            residual = max(residual, snapshot.ledger.agent_residual())
            samples.extend((number * end + snapshot.time, _resident()))
    hours, memory = np.array(samples).reshape(-1, 2).T / np.array([[3600.0], [2.0**20]])
    late = hours > 0.25 * hours[-1]
    return {
        "kind": options.kind,
        "runs": options.runs,
        "pulses": options.pulses * options.runs,
        "stored": (len(outputs) + 2) * options.runs,
        "simulated_hours": round(float(hours[-1]), 2),
        "steps": steps,
        "wall_s": round(perf_counter() - started, 1),
        "after_a_quarter_MB": round(float(memory[late][0]), 1),
        "at_the_end_MB": round(float(memory[-1]), 1),
        "largest_MB": round(float(memory.max()), 1),
        "slope_MB_per_hour": round(float(np.polyfit(hours[late], memory[late], 1)[0]), 4),
        "largest_ledger_residual": residual,
    }


def _run(case: Any) -> Any:
    """The steps of a case, each after its rows and fields are in their files."""
    from mpi4py import MPI

    from meshes.build import build_mesh
    from meshes.distribution.distribute import distribute
    from solver.results.record import Extremes, FieldFile, History
    from solver.simulate import simulate
    from solver.stepping import same_time
    from solver.tissue.discretisation import discretise

    mesh = distribute(build_mesh(case.geometry), MPI.COMM_WORLD)
    data = discretise(mesh, case.model, case.geometry.sites)
    schedule = case.model.schedule
    stored = (0.0, *schedule.outputs, schedule.end)
    with tempfile.TemporaryDirectory() as folder:
        history, fields = History(Path(folder) / "history.csv", 0), FieldFile(Path(folder) / "f.vtkhdf", data)
        extremes = Extremes(inlet=case.model.injections[0].concentration)
        for snapshot in simulate(data, case.model):
            history.add(snapshot, extremes.inlet)
            extremes.add(data, snapshot)
            if any(same_time(snapshot.time, time, schedule) for time in stored):
                fields.add(snapshot)
            yield snapshot
        history.close()
        fields.close()


def _resident() -> int:
    """Resident memory of this process [bytes]."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    raise SystemExit(main())

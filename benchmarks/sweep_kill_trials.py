# SPDX-License-Identifier: MIT
"""Sweeps killed at random moments and started again until they are done: their tables must stay the same.

    python3 -m benchmarks.sweep_kill_trials [--kills 10] [--cases 60] [--engine serial|snakemake] [--seed 0]
    python3 -m benchmarks.sweep_kill_trials --cases 8 --geometry axisymmetric --every 0.2

The second has cases that last, and write checkpoints while they do. Prints a line for each kill, then a
verdict; ends with 1 if tables or summaries (without timing) differ or a finished case was run again.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic, sleep

SWEEP = """\
name = "killed"
case = "{case}"
set = ["geometry.kind={geometry}", "numerics.cells_per_front=3", "checkpoint.interval={every} s"]
batch = 20

[sample]
method = "latin_hypercube"
count = {count}
seed = 4

[[sample.prior]]
key = "agent.reaction_rate"

[[sample.prior]]
key = "tissues.tumour.porosity"
"""
STOPPED = 75
START_UP = {"serial": 2.5, "snakemake": 4.0}
"""Late enough that some starts get past their imports [s]."""
REFERENCE = Path(__file__).parents[1] / "cases" / "shipped" / "reference.toml"


def main() -> int:
    """Run the trials; the exit code says whether they went well."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--engine", choices=("serial", "snakemake"), default="serial")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--victim",
        choices=("all", "controller"),
        default="all",
        help="all processes, or the one that was started alone, so that others may live on",
    )
    parser.add_argument("--geometry", choices=("radial", "axisymmetric"), default="radial")
    parser.add_argument("--every", type=float, default=600.0, help="wall time between checkpoints [s]")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        told = {"geometry": options.geometry, "every": options.every}
        (folder / "killed.toml").write_text(
            SWEEP.format(case=REFERENCE, count=options.cases, **told), encoding="utf-8"
        )
        command = [sys.executable, "-m", "cases.cli", "sweep", str(folder / "killed.toml"), "--quiet"]
        command += ["--engine", options.engine]
        start = monotonic()
        subprocess.run([*command, "--out", str(folder / "calm")], check=True)
        whole = monotonic() - start
        draw = chance, START_UP[options.engine], 1.5 * whole / options.kills
        again = killed(command, folder / "rough", options.kills, draw, options.victim)
        while subprocess.run([*command, "--out", str(folder / "rough")]).returncode == STOPPED:
            # what lived on holds its case
            sleep(1.0)
        same = (folder / "rough" / "table.csv").read_bytes() == (folder / "calm" / "table.csv").read_bytes()
        calm, _ = summaries(folder / "calm")
        rough, resumed = summaries(folder / "rough")
    print(f"{options.kills} kills; finished cases run again: {again}; taken up from a checkpoint: {resumed}")
    print(f"tables {'the same' if same else 'DIFFER'}; summaries {'the same' if calm == rough else 'DIFFER'}")
    return 0 if same and calm == rough and not again else 1


def summaries(out: Path) -> tuple[dict[str, str], int]:
    """What cases ended with, without timing, and how often they were taken up from a checkpoint."""
    found, resumed = {}, 0
    for path in out.glob("cases/*/summary.json"):
        summary = json.loads(path.read_text(encoding="utf-8"))
        resumed += summary.pop("timing")["resumed"]
        found[path.parent.name] = json.dumps(summary)
    return found, resumed


def killed(
    command: list[str], out: Path, kills: int, draw: tuple[random.Random, float, float], victim: str
) -> int:
    """Start and kill; returns how many finished cases were run again."""
    chance, least, span = draw
    seen: dict[Path, int] = {}
    again = 0
    for number in range(kills):
        process = subprocess.Popen([*command, "--out", str(out)], start_new_session=True)
        sleep(least + chance.random() * span)
        ended = process.poll() is not None
        if not ended:
            end = os.killpg if victim == "all" else os.kill
            end(process.pid, signal.SIGKILL)
            process.wait()
        now = {path: path.stat().st_mtime_ns for path in out.glob("cases/*/summary.json")}
        again += sum(now.get(path) != stamp for path, stamp in seen.items())
        seen = now
        print(f"kill {number + 1}: {len(now)} cases done{' (had ended)' if ended else ''}", flush=True)
    return again


if __name__ == "__main__":
    raise SystemExit(main())

# SPDX-License-Identifier: MIT
"""Sweeps killed at random moments and started again until they are done: their tables must stay the same.

    python3 -m benchmarks.sweep_kill_trials [--kills 10] [--cases 60] [--engine serial|snakemake] [--seed 0]

Prints a line for each kill, then a verdict; ends with 1 if tables differ or a finished case was run again.
"""

import argparse
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
set = ["geometry.kind=radial", "numerics.cells_per_front=3"]
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
REFERENCE = Path(__file__).parents[1] / "cases" / "shipped" / "reference.toml"


def main() -> int:
    """Run the trials; the exit code says whether they went well."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--engine", choices=("serial", "snakemake"), default="serial")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "killed.toml").write_text(
            SWEEP.format(case=REFERENCE, count=options.cases), encoding="utf-8"
        )
        command = [sys.executable, "-m", "cases.cli", "sweep", str(folder / "killed.toml"), "--quiet"]
        command += ["--engine", options.engine]
        start = monotonic()
        subprocess.run([*command, "--out", str(folder / "calm")], check=True)
        whole = monotonic() - start
        again = killed(command, folder / "rough", options.kills, (chance, whole))
        subprocess.run([*command, "--out", str(folder / "rough")], check=True)
        same = (folder / "rough" / "table.csv").read_bytes() == (folder / "calm" / "table.csv").read_bytes()
    print(
        f"{options.kills} kills; finished cases run again: {again}; tables {'the same' if same else 'DIFFER'}"
    )
    return 0 if same and not again else 1


def killed(command: list[str], out: Path, kills: int, draw: tuple[random.Random, float]) -> int:
    """Start and kill; returns how many finished cases were run again."""
    chance, whole = draw
    seen: dict[Path, int] = {}
    again = 0
    for number in range(kills):
        process = subprocess.Popen([*command, "--out", str(out)], start_new_session=True)
        # late enough that some starts get past their imports
        sleep(2.5 + chance.random() * 1.5 * whole / kills)
        ended = process.poll() is not None
        if not ended:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        now = {path: path.stat().st_mtime_ns for path in out.glob("cases/*/summary.json")}
        again += sum(now.get(path) != stamp for path, stamp in seen.items())
        seen = now
        print(f"kill {number + 1}: {len(now)} cases done{' (had ended)' if ended else ''}", flush=True)
    return again


if __name__ == "__main__":
    raise SystemExit(main())

# SPDX-License-Identifier: MIT
"""A sweep on Slurm, killed at random moments in three ways and started again: its table must stay the same.

    tests/slurm/with_slurm python3 -m benchmarks.slurm_kill_trials [--kills 9] [--cases 48] [--seed 0]

In turn SIGKILL to the controller (`infusate sweep` and Snakemake; its jobs go on in Slurm), SIGKILL
to a worker on the node, and `scancel` of a job. Prints a line for each, then a verdict; ends with 1
if tables differ from that of a sweep that ran without Slurm and undisturbed, or a finished case was
run again.
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

from benchmarks.sweep_kill_trials import REFERENCE
from cases.errors import ExitCode
from cases.sweeps.engine import SLURM_PROFILE

SWEEP = """\
name = "killed"
case = "{case}"
set = ["geometry.kind=radial", "numerics.cells_per_front=3"]
batch = 8

[sample]
method = "latin_hypercube"
count = {count}
seed = 4

[[sample.prior]]
key = "agent.reaction_rate"

[[sample.prior]]
key = "tissues.tumour.porosity"

[cluster]
retries = 5
"""
WAYS = ("controller", "worker", "job")
Stamps = dict[Path, int]


def main() -> int:
    """Run the trials; the exit code says whether they went well."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=9)
    parser.add_argument("--cases", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "killed.toml").write_text(SWEEP.format(case=REFERENCE, count=options.cases), "utf-8")
        (folder / "profile").mkdir()
        profile = (SLURM_PROFILE / "config.yaml").read_text("utf-8").replace("checks: 20", "checks: 3")
        (folder / "profile" / "config.yaml").write_text(profile, "utf-8")
        command = [sys.executable, "-m", "cases.cli", "sweep", str(folder / "killed.toml"), "--quiet"]
        subprocess.run([*command, "--engine", "serial", "--out", str(folder / "calm")], check=True)
        command += ["--profile", str(folder / "profile"), "--cores", "2", "--out", str(folder / "rough")]
        again, starts = disturbed(command, folder / "rough", options.kills, random.Random(options.seed))
        same = (folder / "rough" / "table.csv").read_bytes() == (folder / "calm" / "table.csv").read_bytes()
    verdict = "the same" if same else "DIFFER"
    print(f"{starts} starts; finished cases run again: {again}; tables {verdict}")
    return 0 if same and not again else 1


def disturbed(command: list[str], out: Path, kills: int, chance: random.Random) -> tuple[int, int]:
    """Start, kill and start again until the sweep is done; finished cases run again, and starts."""
    seen: Stamps = {}
    again, starts, done = 0, 0, 0
    while True:
        starts += 1
        process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
        while process.poll() is None and done < kills:
            wait(process, out, len(seen), 4.0 * chance.random())
            way = WAYS[done % len(WAYS)]
            if process.poll() is None and killed(way, process, out):
                done += 1
                now = stamps(out)
                again += sum(now.get(path) != stamp for path, stamp in seen.items())
                seen = now
                print(f"kill {done}: {way}, {len(now)} cases done", flush=True)
        code = process.wait()
        if code == ExitCode.DONE:
            now = stamps(out)
            return again + sum(now.get(path) != stamp for path, stamp in seen.items()), starts
        if code not in (ExitCode.STOPPED, -signal.SIGKILL):
            raise SystemExit(f"the sweep ended with {code}; see {out}")


def wait(process: subprocess.Popen[bytes], out: Path, done: int, seconds: float) -> None:
    """Wait for a case more than were done, and then for so long, but not longer than the process runs."""
    end = monotonic() + 60.0
    while process.poll() is None and monotonic() < end and len(stamps(out)) <= done:
        sleep(0.02)
    end = monotonic() + seconds
    while process.poll() is None and monotonic() < end:
        sleep(0.02)


def killed(way: str, process: subprocess.Popen[bytes], out: Path) -> bool:
    """Kill something of a sweep; False where there was nothing to kill."""
    if way == "controller":
        os.killpg(process.pid, signal.SIGKILL)
        return True
    if way == "job":
        jobs = subprocess.check_output(["squeue", "--noheader", "--states=R", "--format=%i"], text=True)
        return bool(jobs) and subprocess.run(["scancel", jobs.split()[0]]).returncode == 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"cases.sweeps.worker" in words and (entry / "cwd").resolve() == out.resolve():
                os.kill(int(entry.name), signal.SIGKILL)
                return True
        except OSError:
            continue
    return False


def stamps(out: Path) -> Stamps:
    """When each finished case was finished."""
    return {path: path.stat().st_mtime_ns for path in out.glob("cases/*/summary.json")}


if __name__ == "__main__":
    raise SystemExit(main())

# SPDX-License-Identifier: MIT
"""Runs that are killed at random moments and taken up again, against one that nobody disturbed.

    python3 -m benchmarks.kill_trials --ranks 1 --kills 30 --seed 1 --log kills.jsonl

Each trial starts a case with ``--resume`` and checkpoints every few tenths of a second, kills it with SIGKILL
at a random moment (the launcher, mpirun, or any rank), starts it again, and so on until it is done. History
and summary (without timing) must then be those of the undisturbed run, byte for byte, and so must the values
of all fields. Every trial is a line of the log.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

ROOT: Final = Path(__file__).parents[1]
CASE: Final = ROOT / "cases" / "shipped" / "spill.toml"
SETTINGS: Final = ("geometry.kind=axisymmetric", "numerics.cells_per_front=4", "outputs.figures=false")
EVERY: Final = 0.2
"""Wall time between checkpoints [s]."""
PATIENCE: Final = 300.0
"""Time in which every start must end [s]."""
MOST: Final = 8
"""Kills of one run."""


@dataclass
class Trial:
    """One run, killed until it is done.

    Attributes:
        ranks: of the run.
        kills: how often something of it was killed.
        targets: what was killed.
        resumed: how often it went on from a checkpoint, by its own account.
        same: whether history, summary and fields are those of the undisturbed run.
        problems: what went wrong, if anything.
    """

    ranks: int
    kills: int = 0
    targets: list[str] = field(default_factory=list)
    resumed: int = 0
    same: bool = False
    problems: list[str] = field(default_factory=list)


def start(folder: Path, ranks: int) -> subprocess.Popen[str]:
    """Start the case, or take it up again."""
    settings = [text for setting in SETTINGS for text in ("--set", setting)]
    command = [sys.executable, "-m", "cases.cli", "run", str(CASE), *settings, "--out", str(folder)]
    command += ["--ranks", str(ranks), "--resume", "--quiet", "--checkpoint-every", str(EVERY)]
    return subprocess.Popen(
        [*command, "--oversubscribe"], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )


def undisturbed(folder: Path, ranks: int) -> float:
    """Run the case without disturbing it; returns its wall time [s]."""
    began = time.monotonic()
    process = start(folder, ranks)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    return time.monotonic() - began


def trial(folder: Path, ranks: int, choose: random.Random, length: float) -> Trial:
    """Run the case, killing it at random moments; what has survived some kills may end undisturbed."""
    outcome = Trial(ranks=ranks)
    while not outcome.problems:
        process = start(folder, ranks)
        try:
            spared = outcome.kills >= MOST
            process.wait(timeout=None if spared else choose.uniform(0.0, length))
        except subprocess.TimeoutExpired:
            outcome.targets.append(kill_one(process.pid, choose))
            outcome.kills += 1
            print(f"killed: {outcome.targets[-1]}", flush=True)
        try:
            _, errors = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            outcome.problems.append(f"did not end within {PATIENCE:g} s")
            break
        if process.returncode == 0:
            break
        if process.returncode not in (-signal.SIGKILL, 128 + signal.SIGKILL, 1, 128 + signal.SIGTERM):
            outcome.problems.append(f"code {process.returncode}: {errors[-500:]}")
        if "Traceback" in errors:
            outcome.problems.append(errors[-500:])
    outcome.resumed = _log(folder).count("goes on from checkpoint")
    return outcome


def kill_one(pid: int, choose: random.Random) -> str:
    """Kill a process or one of its descendants; returns which."""
    family = [(one, name) for one, name in descendants(pid) if name]
    one, name = choose.choice(family) if family else (pid, "launcher")
    try:
        os.kill(one, signal.SIGKILL)
    except ProcessLookupError:
        return f"{name}, gone already"
    return name


def descendants(pid: int) -> Iterator[tuple[int, str]]:
    """A process and all that it has started, with what each is."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        threads = sorted(Path(f"/proc/{pid}/task").iterdir())
        # Open MPI 6 starts ranks from another thread than its first
        children = [child for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return
    kinds = {"cases.running.worker": "rank", "cases.cli": "launcher", "meshes.files.gmsh_worker": "mesher"}
    known = next((kind for text, kind in kinds.items() if text in command), "")
    program = Path(command.partition("\0")[0]).name
    yield pid, "mpirun" if program in ("mpirun", "prterun", "mpiexec") else known
    for child in children:
        yield from descendants(int(child))


def differences(one: Path, other: Path) -> list[str]:
    """In what two results differ."""
    found = []
    if (one / "history.csv").read_bytes() != (other / "history.csv").read_bytes():
        found.append("history.csv")
    if summary(one) != summary(other):
        found.append("summary.json")
    if not same_fields(one / "fields.vtkhdf", other / "fields.vtkhdf"):
        found.append("fields.vtkhdf")
    left = {path.name for path in other.iterdir()} - {path.name for path in one.iterdir()}
    return [*found, *(f"{name} left over" for name in sorted(left))]


def summary(folder: Path) -> str:
    """The summary as text, without how long it took."""
    content: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    del content["timing"]
    return json.dumps(content)


def same_fields(one: Path, other: Path) -> bool:
    """Whether two files hold the same datasets, bit for bit."""
    with h5py.File(one) as first, h5py.File(other) as second:
        names: list[list[str]] = [[], []]
        for file, kept in zip((first, second), names, strict=True):
            file.visititems(_keep_datasets(kept))
        return sorted(names[0]) == sorted(names[1]) and all(
            np.array_equal(first[name][()], second[name][()]) for name in names[0]
        )


def _keep_datasets(kept: list[str]) -> Callable[[str, Any], None]:
    def keep(name: str, thing: Any) -> None:
        if isinstance(thing, h5py.Dataset):
            kept.append(name)

    return keep


def _log(folder: Path) -> str:
    path = folder / "log.txt"
    return path.read_text(errors="replace") if path.exists() else ""


def main() -> int:
    """Run trials until enough was killed or the time is over; 1 if a result is not as it should be."""
    parser = argparse.ArgumentParser(prog="benchmarks.kill_trials", allow_abbrev=False)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget", type=float, default=3600.0, help="no trial starts after this time [s]")
    parser.add_argument("--log", type=Path, default=Path("kill_trials.jsonl"))
    options = parser.parse_args()
    choose, began, kills, bad = random.Random(options.seed), time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        length = undisturbed(folder / "reference", options.ranks)
        while kills < options.kills and time.monotonic() - began < options.budget:
            outcome = trial(folder / "trial", options.ranks, choose, length)
            if not outcome.problems:
                outcome.problems = differences(folder / "reference", folder / "trial")
                outcome.same = not outcome.problems
            kills, bad = kills + outcome.kills, bad + (not outcome.same)
            if outcome.kills == 0:
                # the machine was busier when the length was taken
                length *= 0.8
            with options.log.open("a") as stream:
                stream.write(json.dumps(asdict(outcome)) + "\n")
            print(outcome, flush=True)
            shutil.rmtree(folder / "trial", ignore_errors=True)
    print(f"{kills} kills on {options.ranks} ranks, {bad} results not as they should be")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: MIT
"""Runs programs on BALL in turn and makes one row of each: medians of time, errors, memory."""

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.ball.definition import BALLS
from benchmarks.ball.errors import figures_of_merit
from benchmarks.ball.mesh import ball_mesh
from benchmarks.ball.outcome import Outcome, read_outcome
from benchmarks.ball.programs import Job, Program
from benchmarks.ball.reference import reference

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS")
BEFORE_THE_LOOP = ("mesh", "set-up", "after imports")
"""Stages that do not count as time per step; pressure and matrices of a phase do."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A row to be.

    Attributes:
        name: of the row.
        program: what runs.
        size: of the mesh.
        case: name of the case.
        step: constant step [s] or ``best``.
    """

    name: str
    program: Program
    size: str
    case: str
    step: str


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How runs are run.

    Attributes:
        repeats: of every task, in turn with all others.
        prefix: command put before each program, such as ``taskset -c 0``.
        longest: runs that take longer are stopped [s].
    """

    repeats: int = 3
    prefix: str = ""
    longest: float = 900.0


class RunError(RuntimeError):
    """A program failed or left nothing; says which, and its last words."""


def measure(tasks: Iterable[Task], setting: Setting) -> list[dict[str, Any]]:
    """Run all tasks ``repeats`` times in turn, so that what the machine does besides hits all alike.

    A program that fails is told and left out from then on.

    Returns:
        Rows in the order of the tasks.
    """
    waiting = list(tasks)
    for task in waiting:
        task.program.prepare(task.size)
    runs: dict[int, list[dict[str, Any]]] = {number: [] for number in range(len(waiting))}
    figures: dict[int, dict[str, Any]] = {}
    failed: set[int] = set()
    for repeat in range(setting.repeats):
        for number, task in enumerate(waiting):
            if number in failed:
                continue
            try:
                facts, outcome = run_once(task, setting)
            except RunError as error:
                print(f"{task.name}, {task.case}, {task.size}: {error}", file=sys.stderr, flush=True)
                failed.add(number)
                continue
            runs[number].append(facts)
            figures.setdefault(number, _figures(task, outcome))
            words = f"{task.name:17} {task.case:5} {task.size:>5} step {task.step:>4}"
            print(f"{words}  run {repeat + 1}: {facts['seconds']:7.2f} s", flush=True)
    return [
        _row(task, runs[number], figures[number]) for number, task in enumerate(waiting) if number in figures
    ]


def warm_up(tasks: Iterable[Task], size: str = "5k") -> None:
    """Run every program once on a small mesh, so that nothing is compiled while time is taken."""
    for task in {task.name: replace(task, size=size) for task in tasks}.values():
        task.program.prepare(task.size)
        try:
            run_once(task, Setting())
        except RunError as error:
            print(f"{task.name}, warming up: {error}", file=sys.stderr, flush=True)


def run_once(task: Task, setting: Setting) -> tuple[dict[str, Any], Outcome]:
    """Run one program once.

    Returns:
        Wall time and peak memory of its process, and what it left.

    Raises:
        RunError: if it fails.
    """
    environment = os.environ | dict.fromkeys(ONE_THREAD, "1")
    root = str(Path(__file__).parents[2])
    environment["PYTHONPATH"] = os.pathsep.join([root, environment.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    with tempfile.TemporaryDirectory(prefix="infusate-ball-") as folder:
        out = Path(folder)
        facts = out / "launch.json"
        command = task.program.command(Job(size=task.size, case=task.case, step=task.step, out=out))
        launch = [*shlex.split(setting.prefix), sys.executable, "-m", "benchmarks.launch", str(facts)]
        try:
            done = subprocess.run(
                [*launch, *command],
                env=environment,
                capture_output=True,
                text=True,
                timeout=setting.longest,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise RunError(f"stopped after {setting.longest:g} s") from error
        if done.returncode:
            words = (done.stderr + done.stdout).strip().splitlines()[-3:]
            raise RunError(f"exit code {done.returncode}: {' | '.join(words)}")
        task.program.collect(out)
        return json.loads(facts.read_text(encoding="utf-8")), read_outcome(out)


def _figures(task: Task, outcome: Outcome) -> dict[str, Any]:
    mesh = ball_mesh(task.size)
    errors = figures_of_merit(mesh, outcome, reference(BALLS[task.case]))
    facts = outcome.facts
    kept = ("min_c", "max_c", "balance", "steps", "krylov_per_step", "stages")
    return {
        "cells": len(mesh.cells),
        "nodes": len(mesh.points),
        **{name: round(value, 4) for name, value in errors.items()},
        **{name: facts[name] for name in kept if name in facts},
    }


def _row(task: Task, runs: list[dict[str, Any]], figures: dict[str, Any]) -> dict[str, Any]:
    seconds = [run["seconds"] for run in runs]
    stepping = sum(time for stage, time in figures["stages"].items() if stage not in BEFORE_THE_LOOP)
    return {
        "name": task.name,
        "case": task.case,
        "size": task.size,
        "step": task.step,
        "cores": 1,
        "seconds": round(statistics.median(seconds), 3),
        "cpu_seconds": round(statistics.median(run["cpu_seconds"] for run in runs), 3),
        "seconds_of_runs": [round(value, 3) for value in seconds],
        "seconds_per_step": round(stepping / figures["steps"], 6),
        "peak_MB": round(max(run["peak_MB"] for run in runs), 1),
        **figures,
    }

# SPDX-License-Identifier: MIT
"""The programs that BALL is run with: what each reads and how it is called."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.ball.definition import BALLS
from benchmarks.ball.formats import converted
from benchmarks.ball.mesh import ball_mesh
from benchmarks.ball.outcome import Outcome, write_outcome
from benchmarks.ball.peers.install import freefem, peers_python


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run that is asked for.

    Attributes:
        size: of the mesh.
        case: name of the case.
        step: constant step [s], or ``best`` for a program that chooses its own, ``best:1e-4`` to a tolerance.
        out: existing folder for what comes out.
    """

    size: str
    case: str
    step: str
    out: Path


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program.

    Attributes:
        name: in tables.
        prepare: makes what it reads, before time is taken.
        command: what is run and timed.
        collect: makes an outcome of what it left, after that; Python programs leave one themselves.
    """

    name: str
    prepare: Callable[[str], object]
    command: Callable[[Job], list[str]]
    collect: Callable[[Path], None] = lambda folder: None


def _ours(job: Job) -> list[str]:
    options = ["--mesh", job.size, "--case", job.case, "--step", job.step, "--out", str(job.out)]
    return [sys.executable, "-m", "benchmarks.ball.infusate", *options]


def _python_peer(module: str, kind: str, *more: str) -> Callable[[Job], list[str]]:
    def command(job: Job) -> list[str]:
        options = ["--mesh", str(converted(job.size, kind)), "--case", job.case, "--step", job.step]
        call = [str(peers_python()), "-m", f"benchmarks.ball.peers.{module}"]
        return [*call, *options, "--out", str(job.out), *more]

    return command


def _freefem(job: Job) -> list[str]:
    script = Path(__file__).parent / "peers" / "ball.edp"
    leaks = [repr(value) for value in BALLS[job.case].vessel_conductance]
    call = [*freefem(), "-nw", "-v", "0", str(script)]
    return [*call, str(converted(job.size, "meshb")), *leaks, job.step, str(job.out)]


def _freefem_outcome(folder: Path) -> None:
    columns = np.loadtxt(folder / "fields.txt")
    facts = np.loadtxt(folder / "facts.txt")
    names = ("min_c", "max_c", "mass", "reacted", "vessels", "balance", "steps")
    stages = dict(zip(("mesh", "pressure", "assembly", "steps"), map(float, facts[7:]), strict=True))
    outcome = Outcome(
        points=columns[:, :3],
        concentration=columns[:, 3],
        ct=columns[:, 4],
        facts=dict(zip(names, map(float, facts[:7]), strict=True)) | {"stages": stages},
    )
    write_outcome(folder, outcome)


def _peer(name: str, module: str, kind: str, *more: str) -> Program:
    return Program(
        name=name,
        prepare=lambda size: converted(size, kind),
        command=_python_peer(module, kind, *more),
    )


OURS: Final = Program(name="infusate", prepare=ball_mesh, command=_ours)
PEERS: Final[dict[str, Program]] = {
    peer.name: peer
    for peer in (
        _peer("ngsolve", "ngsolve_supg", "npz"),
        _peer("ngsolve-p2", "ngsolve_supg", "npz", "--pressure-order", "2"),
        _peer("skfem", "skfem_supg", "npz"),
        Program(
            name="freefem",
            prepare=lambda size: converted(size, "meshb"),
            command=_freefem,
            collect=_freefem_outcome,
        ),
        _peer("festim", "festim_advection", "xdmf"),
        _peer("dolfinx-tutorial", "dolfinx_tutorial", "xdmf"),
    )
}

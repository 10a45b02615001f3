# SPDX-License-Identifier: MIT
"""Starts a run: in this process on one rank, under ``mpirun`` on several."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Final

from cases.errors import ExitCode, UserError
from cases.running.request import Request
from cases.running.signals import die_with_parent

LAUNCHER_SIZES: Final = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS")
"""Where MPI launchers tell their processes how many there are."""
SRUN_SIZE: Final = "SLURM_STEP_NUM_TASKS"
"""Where srun does, and tells it to a shell in which somebody types, too (`srun --pty bash`)."""

OVERSUBSCRIBE: Final = {
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}
"""Open MPI counts cores in its own way; ``require_ranks`` has counted them already."""

FORWARDED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
LARGEST_OWN: Final = 127
"""Exit codes above are of programs that a signal has ended."""

RULER: Final = 74 * "-"
EXPLANATION: Final = re.compile(
    r"\s*((prterun|mpirun|MPI_ABORT|Primary job)\b.*(exit|invoked|terminated)|A deprecated MCA variable)"
)
LAUNCHER_NOISE: Final = re.compile(r"\[[^\]]+\] PMIX ERROR|\0+$")


def require_ranks(ranks: int, oversubscribe: bool) -> None:
    """Refuse more ranks than cores, and being started as several copies.

    Raises:
        UserError: code 64.
    """
    typed = sys.stdin is not None and sys.stdin.isatty()
    for name in LAUNCHER_SIZES if typed else (*LAUNCHER_SIZES, SRUN_SIZE):
        if os.environ.get(name, "1") not in ("", "1"):
            message = (
                f"started as one of {os.environ[name]} copies by an MPI launcher or srun; start it once, "
                f"with --ranks {os.environ[name]}"
            )
            raise UserError(message, ExitCode.RANKS)
    # a job of Slurm has cores on other nodes, too
    granted = os.environ.get("SLURM_NTASKS", "")
    cores = max(len(os.sched_getaffinity(0)), int(granted) if granted.isdecimal() else 0)
    if ranks > cores and not oversubscribe:
        message = (
            f"{ranks} ranks on {cores} cores would be slower than {cores}; --oversubscribe does it anyway"
        )
        raise UserError(message, ExitCode.RANKS)


def require_installed() -> None:
    """Refuse to start where the solver's libraries are missing.

    Raises:
        UserError: code 69.
    """
    missing = [name for name in ("dolfinx", "mpi4py", "petsc4py", "h5py") if find_spec(name) is None]
    if missing:
        message = f"{', '.join(missing)} not installed for {sys.executable}; `make run CASE=...` sees to that"
        raise UserError(message, ExitCode.UNAVAILABLE)


def launch(request: Request) -> int:
    """Run a request; returns the exit code of the run, unchanged."""
    if request.ranks == 1:
        from cases.running.worker import work

        return work(request)
    mpirun = shutil.which("mpirun")
    if mpirun is None:
        raise UserError("mpirun not found on the PATH; --ranks 1 needs none", ExitCode.UNAVAILABLE)
    command = [mpirun, "-n", str(request.ranks), sys.executable, "-m", "cases.running.worker"]
    return run_forwarding_signals([*command, *request.arguments()], ahead=signal.SIGUSR1)


def run_forwarding_signals(command: list[str], ahead: int | None = None) -> int:
    """Run a program; SIGINT, SIGTERM and SIGUSR1 sent to us go to it.

    Args:
        command: to run.
        ahead: what it gets instead of the first of them: mpirun hands SIGUSR1 on to its ranks, which stop
            with a checkpoint, and kills them at the others.

    Returns:
        Its exit code, or 128 + n if signal n ended it.
    """
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, **OVERSUBSCRIBE, "PYTHONPATH": path}
    # a session of its own: Ctrl-C then reaches it once, through us
    process = subprocess.Popen(
        command,
        env=environment,
        start_new_session=True,
        # what waits on our standard input is for others, such as the rest of a loop over cases
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        preexec_fn=die_with_parent,
    )

    sent: list[int] = []

    def forward(number: int, _: FrameType | None) -> None:
        sent.append(number)
        process.send_signal(ahead if ahead is not None and len(sent) == 1 else number)

    previous = {number: signal.signal(number, forward) for number in FORWARDED}
    try:
        for line in without_explanations(process.stderr or ()):
            print(line, end="", file=sys.stderr, flush=True)
        code = process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if sent and (code == ExitCode.BUG or not 0 <= code <= LARGEST_OWN):
        # what mpirun makes of ranks that a signal has ended
        return 128 + sent[-1]
    return code if code >= 0 else 128 - code


def without_explanations(lines: Iterable[str]) -> Iterator[str]:
    """Standard error without what Open MPI says about exit codes: the worker has said what matters."""
    block: list[str] = []
    for raw in lines:
        # Open MPI's pipes let a zero byte through now and then, when ranks end at once
        line = raw.replace("\0", "")
        ruler = line.strip() == RULER
        if block and ruler:
            # Open MPI 6 begins with an empty line
            if not EXPLANATION.match(next((words for words in block[1:] if words.strip()), "")):
                yield from (*block, line)
            block = []
        elif block or ruler:
            block.append(line)
        elif not LAUNCHER_NOISE.match(line):
            yield line
    yield from block

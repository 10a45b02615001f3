# SPDX-License-Identifier: MIT
"""One rank of a comparison: ``mpirun -n N python3 -m cases.routes.compare_worker --ranks=N ...``."""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from time import sleep
from typing import Final

from mpi4py import MPI

from cases.about import NOTICE, VERSION
from cases.errors import ExitCode, UserError
from cases.failures import failure_code
from cases.routes.side_by_side import compare_sources, load_sources
from cases.running.files import write_json
from cases.running.signals import die_with_parent
from cases.running.worker import GRACE, as_user_error
from solver.algebra.linear import LinearSolverError
from solver.flow.step import FlowError
from solver.routes.pharmacokinetics import BodyError

RECORD: Final = "comparison.json"


def follow_all(files: Sequence[str], out: Path, quiet: bool, comm: MPI.Comm = MPI.COMM_SELF) -> None:
    """Follow all ways in and write the record. Collective.

    Args:
        files: comparison files, cases and result folders.
        out: existing, writable folder.
        quiet: no lines on the terminal.
        comm: ranks to share each tissue.

    Raises:
        UserError: what a user can act on.
    """
    # one reader: what rank 0 has read is what all ranks follow
    sources = comm.bcast(load_sources(files) if comm.rank == 0 else None)
    silent = quiet or comm.rank > 0
    try:
        found = compare_sources(sources, (lambda line: None) if silent else _say, comm)
    except (FlowError, LinearSolverError, BodyError) as error:
        raise UserError(str(error), ExitCode.DIVERGED) from error
    except Exception as error:
        raise as_user_error(error) from error
    if comm.rank > 0:
        return
    try:
        write_json(out / RECORD, {"infusate": VERSION, "notice": NOTICE, **found})
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}", ExitCode.OUTPUT) from error


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    """Read the request from the command line and follow it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="cases.routes.compare_worker", allow_abbrev=False)
    parser.add_argument("--ranks", type=int, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--debug", action="store_true")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    if "OMPI_COMM_WORLD_SIZE" in os.environ and "SLURM_STEP_ID" not in os.environ:
        # a rank without its mpirun would wait for the others for ever
        die_with_parent(signal.SIGKILL)
    comm = MPI.COMM_WORLD
    try:
        if comm.size != options.ranks:
            message = f"started on {comm.size} ranks, told {options.ranks}: mpirun and mpi4py do not match"
            raise UserError(message, ExitCode.RANKS)
        follow_all(options.files, Path(options.out), options.quiet, comm)
    except Exception as error:
        if comm.rank > 0:
            # where all ranks fail alike, rank 0 says so and ends the others while they wait
            sleep(GRACE)
        if options.debug:
            traceback.print_exc()
        code = failure_code(error, options.debug)
        sys.stderr.flush()
        comm.Abort(code)
        return code
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())

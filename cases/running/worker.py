# SPDX-License-Identifier: MIT
"""One rank of a run: ``mpirun -n N python3 -m cases.running.worker --ranks=N CASE OUT``."""

import argparse
import os
import signal
import sys
import traceback
from contextlib import nullcontext
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Final

from cases.errors import CaseError, ExitCode, UserError
from cases.failures import failure_code
from cases.running.request import Keeping, Request
from cases.running.signals import die_with_parent

if TYPE_CHECKING:
    from mpi4py import MPI

GRACE: Final = 2.0
"""What a rank waits before it reports a failure of its own [s]."""


def work(request: Request) -> int:
    """Run a case on this rank.

    Collective over COMM_WORLD. Where one rank fails alone, it says so and ends all of them.

    Returns:
        The exit code.
    """
    if request.petsc:
        # PETSc reads this when it is first imported, below
        given = os.environ.get("PETSC_OPTIONS", "")
        os.environ["PETSC_OPTIONS"] = " ".join([given, *request.petsc])
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    try:
        _require_size(comm, request.ranks)
        return _run(comm, request)
    except Exception as error:
        if comm.rank > 0:
            # where all ranks fail alike, rank 0 says so and ends the others while they wait
            sleep(GRACE)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = request.out
        code = _code(error, comm.rank, request)
        if comm.size > 1:
            sys.stderr.flush()
            comm.Abort(code)
        return code


def main() -> int:
    """Read the request from the command line and run it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="cases.running.worker", allow_abbrev=False)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--petsc", action="append", default=[])
    parser.add_argument("--ranks", type=int, required=True)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--debug", action="store_true")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--checkpoint-every", type=float)
    parser.add_argument("--stop-after", type=float)
    parser.add_argument("case")
    parser.add_argument("out")
    options = parser.parse_args()
    if "OMPI_COMM_WORLD_SIZE" in os.environ and "SLURM_STEP_ID" not in os.environ:
        # a rank without its mpirun would wait for the others for ever
        die_with_parent(signal.SIGKILL)
    return work(
        Request(
            case=options.case,
            out=options.out,
            overrides=tuple(options.set),
            ranks=options.ranks,
            quiet=options.quiet,
            debug=options.debug,
            petsc=tuple(options.petsc),
            keeping=Keeping(
                resume=options.resume, every=options.checkpoint_every, stop_after=options.stop_after
            ),
        )
    )


def _require_size(comm: "MPI.Comm", ranks: int) -> None:
    if comm.size != ranks:
        message = (
            f"started on {comm.size} ranks, told {ranks}: mpirun and mpi4py are of different MPI libraries"
        )
        raise UserError(message, ExitCode.RANKS)


def _run(comm: "MPI.Comm", request: Request) -> int:
    from cases.reading.load import load_case
    from cases.running.resume import claimed
    from cases.running.run import run_case

    with claimed(Path(request.out)) if comm.rank == 0 else nullcontext():
        # one reader: what rank 0 has read is what all ranks run
        case = load_case(request.case, request.overrides) if comm.rank == 0 else None
        return run_case(comm.bcast(case), Path(request.out), comm, request.quiet, keeping=request.keeping)


def _code(error: Exception, rank: int, request: Request) -> int:
    if request.debug:
        print(f"rank {rank}:", file=sys.stderr)
        traceback.print_exc()
    return failure_code(as_user_error(_at_its_place(error, request)), request.debug)


def _at_its_place(error: Exception, request: Request) -> Exception:
    """A mask or tip that was refused, as a problem of the case file with line and key; others as they are."""
    from cases.reading.places import geometry_problem
    from cases.reading.read import read_source
    from meshes.geometry import GeometryError

    if not isinstance(error, GeometryError) or error.about is None:
        return error
    try:
        return CaseError([geometry_problem(error, read_source(request.case, request.overrides))])
    except CaseError:
        # the file has gone or changed since
        return error


def as_user_error(error: Exception) -> Exception:
    """A failure of mesh or solver as one that a user can act on, with its exit code; others as they are."""
    from cases.running.keeper import CheckpointNotWritten
    from meshes.files.gmsh_process import MesherMissingError
    from meshes.geometry import GeometryError, MeshInputError
    from solver.simulate import SolverFailure
    from solver.tissue.boundary import SourceError
    from solver.vessels.perfusion import PerfusionError

    if isinstance(error, CheckpointNotWritten):
        return UserError(str(error), ExitCode.INPUT_OUTPUT)
    if isinstance(error, GeometryError):
        code = ExitCode.INVALID
        if isinstance(error, MeshInputError):
            code = ExitCode.MISSING_INPUT
        elif isinstance(error, MesherMissingError):
            code = ExitCode.UNAVAILABLE
        return UserError(str(error), code)
    if isinstance(error, SolverFailure):
        return UserError(str(error), ExitCode.DIVERGED)
    if isinstance(error, SourceError | PerfusionError):
        return UserError(str(error), ExitCode.INVALID)
    return error


if __name__ == "__main__":
    sys.exit(main())

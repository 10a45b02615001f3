# SPDX-License-Identifier: MIT
"""Many cases in one process: libraries, compiled loops, mesh and discretisation serve more than one run."""

from collections.abc import Iterable
from pathlib import Path

from mpi4py import MPI

from cases.case import Case
from cases.errors import ExitCode, UserError
from cases.failures import failure_code
from cases.running.reuse import Reuse
from cases.running.run import run_case
from cases.running.worker import as_user_error


def run_many(runs: Iterable[tuple[Case, Path]], comm: MPI.Comm, quiet: bool = True) -> list[int]:
    """Run cases one after another, each into its own folder; one that fails stops no other. Collective.

    Neighbours in the list that share a geometry share its mesh, and where tissues and physics are the same
    too, all that is computed before the first step.

    Args:
        runs: checked cases, each with its result folder, which is made if it is not there.
        comm: ranks to run on.
        quiet: no progress on the terminal.

    Returns:
        The exit code of each.

    Raises:
        OSError: when a result cannot be written.
    """
    reuse, codes = Reuse(), []
    for case, out in runs:
        if ExitCode.STOPPED in codes:
            # asked to stop, in an earlier run
            codes.append(int(ExitCode.STOPPED))
            continue
        if comm.rank == 0:
            out.mkdir(parents=True, exist_ok=True)
        comm.barrier()
        try:
            codes.append(run_case(case, out, comm, quiet, reuse))
        except Exception as error:
            known = as_user_error(error)
            if not isinstance(known, UserError):
                raise
            codes.append(failure_code(known) if comm.rank == 0 else known.code)
    return codes

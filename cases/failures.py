# SPDX-License-Identifier: MIT
"""How a failure is told: one line and an exit code for what a user can act on, a traceback for our bugs."""

import os
import sys
import traceback

from cases.errors import CaseError, ExitCode, UserError, printable


def failure_code(error: Exception, debug: bool = False) -> int:
    """Say on standard error what went wrong; returns the exit code.

    Errors that a user can act on take one line each. Anything else is our bug and prints its traceback.
    """
    if isinstance(error, CaseError | UserError):
        complain(str(error))
        return error.code
    if isinstance(error, OSError):
        # HDF5 states neither file nor reason in the usual places
        complain(f"{error.filename or 'input/output error'}: {printable(error.strerror or str(error))}")
        return ExitCode.INPUT_OUTPUT
    if not debug:
        traceback.print_exception(error)
    complain("this is a bug in infusate; please report it with the lines above")
    return ExitCode.BUG


def complain(text: str) -> None:
    """Say on standard error, a line at a time, what is wrong."""
    red, plain = ("\033[31m", "\033[0m") if _coloured() else ("", "")
    for line in text.splitlines():
        print(f"{red}error:{plain} {line}", file=sys.stderr, flush=True)


def _coloured() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")

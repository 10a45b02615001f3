# SPDX-License-Identifier: MIT
"""The result folder before a run: made, writable, and never overwritten silently."""

import errno
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from cases.errors import ExitCode, UserError

RESULT_NAMES: Final = frozenset(
    {
        "summary.json",
        "resolved.toml",
        "history.csv",
        "fields.vtkhdf",
        "figures",
        "control",
        "comparison.html",
        "comparison.json",
        "comparison_figures",
        "report.html",
        "log.txt",
        "checkpoint",
        "SHA256SUMS",
    }
)
"""What a run leaves; ``--overwrite`` removes these and nothing else."""


def prepare(folder: Path, overwrite: bool) -> None:
    """Make the folder, empty of earlier results.

    Args:
        folder: result folder.
        overwrite: remove earlier results.

    Raises:
        UserError: it holds something, or cannot be written (code 73); disk full (74).
    """
    try:
        require_replaceable(folder, overwrite)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 65536)
            probe.flush()
        for entry in list(folder.iterdir()):
            remove(entry)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        code = ExitCode.INPUT_OUTPUT if full else ExitCode.OUTPUT
        raise UserError(f"output folder {folder}: cannot be written: {error.strerror}", code) from error


def tidy(folder: Path, code: int) -> None:
    """Remove what a run has left if its input was no good, and the folder if it is empty.

    Args:
        folder: result folder, prepared for this run.
        code: exit code of the run.
    """
    with suppress(OSError):
        if code in (ExitCode.INVALID, ExitCode.MISSING_INPUT):
            for entry in list(folder.iterdir()):
                remove(entry)
        folder.rmdir()


def require_replaceable(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that holds what is not ours to replace.

    Raises:
        UserError: code 73.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"output folder {folder}: is a file; expected a folder", ExitCode.OUTPUT)
    names = {entry.name for entry in folder.iterdir()}
    if names and not overwrite:
        going_on = "--resume goes on from its last checkpoint, " if "checkpoint" in names else ""
        hint = f"{going_on}--overwrite replaces the results in it"
        message = f"output folder {folder}: exists and is not empty; {hint}"
        raise UserError(message, ExitCode.OUTPUT)
    foreign = sorted(name for name in names if _result_of(name) not in RESULT_NAMES)
    if foreign:
        message = f"output folder {folder}: holds {foreign[0]}, which is no result; choose another folder"
        raise UserError(message, ExitCode.OUTPUT)


def _result_of(name: str) -> str:
    """The result that a file is, or that a killed run was writing in it."""
    return name.removeprefix(".").removesuffix(".partial") if name.endswith(".partial") else name


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

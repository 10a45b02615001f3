# SPDX-License-Identifier: MIT
"""Somebody's file is read in a process of its own: a reader that crashes or hangs takes nothing with it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from meshes.files.gmsh_process import without_mpi
from meshes.geometry import MeshInputError

REFUSED: Final = 3
"""Exit code of a reader that has said why."""


def read_apart(path: Path, module: str, request: Path, arrays: Path, patience: float) -> None:
    """Run ``python -m module request arrays`` and wait for it.

    Args:
        path: file of the user, for messages.
        module: that reads.
        request: what it is given to read.
        arrays: where it puts what it read; it runs in that folder.
        patience: how long it may take [s].

    Raises:
        MeshInputError: it refused, failed, or was not done in time.
    """
    packages = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, str(request.resolve()), str(arrays)],
            env=without_mpi(os.environ) | {"PYTHONPATH": packages.rstrip(os.pathsep)},
            cwd=arrays.parent,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MeshInputError(f"{path}: cannot be read: not done after {patience:g} s") from error
    if done.returncode == REFUSED:
        said = (done.stdout.splitlines() or ["no reason given"])[-1]
        said = "".join(c if c.isprintable() else "?" for c in said)
        raise MeshInputError(f"{path}: cannot be read: {said}")
    if done.returncode != 0 or not arrays.is_file():
        raise MeshInputError(f"{path}: cannot be read: the file is damaged, its reader failed on it")

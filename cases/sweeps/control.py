# SPDX-License-Identifier: MIT
"""One controller at a time: whoever runs a sweep holds its folder, also against those on other machines."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any, Final

from cases.errors import ExitCode, UserError
from cases.sweeps.folder import CONTROLLER, SweepFolder
from cases.sweeps.lease import STALE, Lease, at_work

PATIENCE: Final = 3.0
"""What the engine of a killed controller is given to be gone [s]."""


@contextmanager
def controlled(folder: SweepFolder) -> Iterator[Lease]:
    """Hold the folder of a sweep while its plan is written and its batches are run.

    Raises:
        UserError: somebody else runs the sweep, or the folder is in the way or cannot be written (code 73).
    """
    folder.require_own()
    path = folder.root / CONTROLLER
    _outlast_engine(path)
    lease = Lease(path)
    try:
        taken = lease.take()
    except OSError as error:
        raise UserError(f"{folder.root} cannot be written: {error.strerror}", ExitCode.OUTPUT) from error
    if not taken:
        raise _refusal(path, _read(path))
    with lease:
        yield lease


def _outlast_engine(path: Path) -> None:
    """Wait for the engine that a killed controller has left; it ends by itself, and may not be at once."""
    until = monotonic() + PATIENCE
    while (engine := _read(path).get("engine")) and at_work(engine, _age(path)):
        if monotonic() > until:
            raise _refusal(path, engine)
        sleep(0.1)


def _refusal(path: Path, owner: dict[str, Any]) -> UserError:
    host = owner.get("host", "another machine")
    message = (
        f"{path.parent} is being run by process {owner.get('process', '?')} on {host}; wait for it, or end it"
    )
    if host != socket.gethostname():
        message += f" there (if it was killed, it counts as gone after {STALE:.0f} s)"
    return UserError(message, ExitCode.OUTPUT)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _age(path: Path) -> float:
    try:
        return time() - path.stat().st_mtime
    except OSError:
        return STALE

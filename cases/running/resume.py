# SPDX-License-Identifier: MIT
"""A result folder that a run goes on in: whose it is, what of it stays, and that nobody else writes there."""

import fcntl
import json
import os
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cases.case import Case
from cases.errors import ExitCode, UserError, shown
from cases.reading.resolve import RESOLVED_KEY, case_hash, resolved_tables
from cases.running.output import prepare, remove, require_replaceable

WAIT: Final = 30.0
"""Time in which a run that was killed has let go of its folder [s]."""
ENOUGH: Final = 3
"""Differences between two cases that a message names."""
STAYING: Final = frozenset({"resolved.toml", "history.csv", "log.txt", "checkpoint"})


def prepare_to_go_on(folder: Path, case: Case) -> bool:
    """Make a folder ready for a run that goes on from its last checkpoint, or from the start without one.

    Args:
        folder: result folder; made if it is not there.
        case: that will run.

    Returns:
        Whether there is nothing left to do: the result is complete.

    Raises:
        UserError: the folder holds another case (code 76) or something else (73).
    """
    require_replaceable(folder, overwrite=True)
    if not (folder / "resolved.toml").is_file():
        prepare(folder, overwrite=True)
        return False
    _require_same(folder, case)
    if _status(folder / "summary.json") == "complete":
        return True
    if not any(folder.glob("checkpoint/*/manifest.json")):
        prepare(folder, overwrite=True)
        return False
    for entry in list(folder.iterdir()):
        if entry.name not in STAYING:
            remove(entry)
    return False


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a folder against other runs; the kernel lets go of it when this process ends, however it does.

    Raises:
        UserError: another run holds it (code 73).
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        patience = time.monotonic() + WAIT
        while not _taken(descriptor):
            if time.monotonic() > patience:
                raise UserError(f"output folder {folder}: another run is writing in it", ExitCode.OUTPUT)
            time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # a file system without locks: nothing can be held, and nothing is
        return True
    return True


def _status(path: Path) -> str | None:
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        return str(summary["status"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _require_same(folder: Path, case: Case) -> None:
    path = folder / "resolved.toml"
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        stated = found[RESOLVED_KEY]["hash"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"{path}: is damaged; --overwrite starts the case again"
        raise UserError(message, ExitCode.CHECKPOINT) from error
    if stated == case_hash(case):
        return
    wanted = resolved_tables(case, folder)
    differences = [
        f"{key} is {shown(new)} now and was {shown(old)}"
        for key, old, new in _differences(found, wanted, "")
        if key.partition(".")[0] not in (RESOLVED_KEY, "checkpoint")
    ]
    named = "; ".join(differences[:ENOUGH]) or "a label map has changed"
    more = f", and {len(differences) - ENOUGH} more" if len(differences) > ENOUGH else ""
    message = (
        f"{folder}: holds another case, which cannot go on as this one: {named}{more}; "
        "--overwrite starts from the beginning"
    )
    raise UserError(message, ExitCode.CHECKPOINT)


def _differences(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Places where two trees of tables differ, with what stands there."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple) and len(old) == len(new):
        for number, pair in enumerate(zip(old, new, strict=True)):
            yield from _differences(*pair, f"{path}[{number}]")
    elif old != new:
        yield path, old, new

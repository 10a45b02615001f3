# SPDX-License-Identifier: MIT
"""A lease on a case: whoever made its file may run the case; one that its owner left may be taken over.

It rests on exclusive creation and on the file's age, not on locks, which network file systems may lack.
"""

import json
import os
import socket
import threading
from pathlib import Path
from time import time
from types import TracebackType
from typing import Final

BEAT: Final = 5.0
"""Interval at which an owner shows that it lives [s]."""
STALE: Final = 60.0
"""Age of the last sign of life from which a lease of another machine may be taken over [s]."""


class Lease:
    """Held from `take` to the end of the ``with`` block; the owner's heartbeat runs in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self) -> bool:
        """Try to become the owner; False where somebody else is at work on the case."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._made() or (self._left() and self._removed() and self._made()):
            self._thread = threading.Thread(target=self._beat, daemon=True)
            self._thread.start()
            return True
        return False

    def __enter__(self) -> "Lease":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._path.unlink(missing_ok=True)

    def _made(self) -> bool:
        try:
            descriptor = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump({"host": socket.gethostname(), "process": os.getpid()}, stream)
        return True

    def _left(self) -> bool:
        """Whether its owner is gone: a process of this machine that does not live, or a silent one."""
        try:
            age = time() - self._path.stat().st_mtime
            owner = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return True
        except ValueError:
            # killed between making and writing it
            return age > BEAT
        if owner.get("host") == socket.gethostname():
            return not lives(int(owner.get("process", 0)))
        return age > STALE

    def _removed(self) -> bool:
        """Remove a lease that was left, by a rename that only one of several can win."""
        aside = self._path.with_name(f"{self._path.name}.{socket.gethostname()}.{os.getpid()}")
        try:
            self._path.rename(aside)
        except FileNotFoundError:
            return True
        aside.unlink(missing_ok=True)
        return True

    def _beat(self) -> None:
        while not self._stop.wait(BEAT):
            try:
                os.utime(self._path)
            except OSError:
                return


def lives(process: int) -> bool:
    """Whether a process of this machine is at work; one that ended and was not waited for is not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        # not Linux, or gone by now
        return process > 0
    return process > 0 and state not in ("Z", "X")

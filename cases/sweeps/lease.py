# SPDX-License-Identifier: MIT
"""A lease on a case: whoever made its file may run the case; one that its owner left may be taken over.

It rests on exclusive creation, renames and the file's age, not on locks, which network file systems may lack.
Of several that find one lease left, one takes it over: it first makes, exclusively, a file that is named
after what the lease holds, and then looks again whether the lease still holds that.
"""

import hashlib
import json
import os
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep, time
from types import TracebackType
from typing import Any, Final
from uuid import uuid4

BEAT: Final = 5.0
"""Interval at which an owner shows that it lives [s]."""
STALE: Final = 60.0
"""Age of the last sign of life from which a lease of another machine may be taken over [s]."""
BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


class Lease:
    """Held from `take` to the end of the ``with`` block; the owner's heartbeat runs in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: dict[str, Any] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self) -> bool:
        """Try to become the owner; False where somebody else is at work on the case."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._told = {**identity_of(os.getpid()), "token": uuid4().hex}
        if not (self._made() or self._taken_over()):
            return False
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()
        return True

    def free(self) -> bool:
        """Whether nobody holds it, or somebody who is gone."""
        try:
            return self._left() is not None
        except FileNotFoundError:
            return True

    def tell(self, **more: Any) -> None:
        """Write more into the file of a lease that is held."""
        self._told |= more
        self._replaced()

    def __enter__(self) -> "Lease":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            if self._mine():
                self._path.unlink(missing_ok=True)

    def _made(self) -> bool:
        try:
            descriptor = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(self._told, stream)
        return True

    def _replaced(self) -> None:
        own = self._path.with_name(f"{self._path.name}.{self._told['token']}")
        own.write_text(json.dumps(self._told), encoding="utf-8")
        own.replace(self._path)

    def _taken_over(self) -> bool:
        """Follow an owner that is gone; of several that try, one does."""
        try:
            left = self._left()
        except FileNotFoundError:
            # given back since we looked
            return self._made()
        if left is None:
            return False
        turn = self._path.with_name(f"{self._path.name}.after-{hashlib.sha256(left).hexdigest()[:16]}")
        try:
            os.close(os.open(turn, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            with suppress(FileNotFoundError):
                if time() - turn.stat().st_mtime > STALE:
                    # killed within the next lines; whoever comes next may follow
                    turn.unlink()
            return False
        try:
            if self._left() != left:
                # somebody has followed between our look and our turn
                return False
            self._replaced()
            return True
        except FileNotFoundError:
            return False
        finally:
            turn.unlink(missing_ok=True)

    def _left(self) -> bytes | None:
        """What the file holds if its owner is gone, else None.

        Raises:
            FileNotFoundError: nobody holds the lease.
        """
        held, sign = _look(self._path)
        owner, age = _read(held), time() - sign
        if owner is None:
            # killed between making and writing it
            return held if age > BEAT else None
        return None if at_work(owner, age) else held

    def _mine(self) -> bool:
        """Whether nobody has followed us, who were silent for too long."""
        try:
            owner = _read(_look(self._path)[0])
        except OSError:
            return False
        return owner is not None and owner.get("token") == self._told["token"]

    def _beat(self) -> None:
        while not self._stop.wait(BEAT):
            # an error of a network file system may pass
            with suppress(OSError):
                if self._mine():
                    os.utime(self._path)


def wait_for_one(paths: Sequence[Path]) -> bool:
    """Wait until a lease is given back or left; False where all their owners have shown that they live."""
    signs = {path: _sign(path) for path in paths}
    until = monotonic() + STALE + BEAT
    while monotonic() < until:
        if any(Lease(path).free() for path in paths):
            return True
        if all(_sign(path) not in (None, sign) for path, sign in signs.items()):
            return False
        sleep(BEAT / 5)
    return False


def _sign(path: Path) -> float | None:
    """When the owner of a lease last showed that it lives [s since 1970]; None where there is none."""
    try:
        return _look(path)[1]
    except OSError:
        return None


def _look(path: Path) -> tuple[bytes, float]:
    """What a file holds, and its age's beginning [s since 1970]."""
    with path.open("rb") as stream:
        # opened first: network file systems are asked again then
        return stream.read(), os.fstat(stream.fileno()).st_mtime


def _read(held: bytes) -> dict[str, Any] | None:
    try:
        owner = json.loads(held)
    except ValueError:
        return None
    return owner if isinstance(owner, dict) and isinstance(owner.get("process"), int) else None


def identity_of(process: int) -> dict[str, Any]:
    """A process of this machine so that no later one is taken for it: host, number, and when it began."""
    return {"host": socket.gethostname(), "process": process, "began": began(process)}


def at_work(owner: Mapping[str, Any], age: float) -> bool:
    """Whether an owner still lives.

    Args:
        owner: as `identity_of` tells of it.
        age: of its last sign of life [s]; counts for one of another machine, and where a number may by now
            be that of another process.
    """
    if owner.get("host") != socket.gethostname():
        return age <= STALE
    process = int(owner["process"])
    if not lives(process):
        return False
    then, now = owner.get("began"), began(process)
    return age <= STALE if then is None or now is None else bool(then == now)


def began(process: int) -> str | None:
    """Boot of this machine and its clock tick in which a process began; None where Linux does not tell."""
    try:
        words = Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return f"{BOOT.read_text('utf-8').strip()}:{words[19]}"
    except (OSError, IndexError):
        return None


def lives(process: int) -> bool:
    """Whether there is a process of that number here; one that ended and was not waited for is not."""
    if process <= 0:
        return False
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
        return True
    return state not in ("Z", "X")

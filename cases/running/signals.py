# SPDX-License-Identifier: MIT
"""Requests to stop from outside: signals of a person or a batch system, noted and acted on between steps."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

STOPPING: Final = tuple(
    number for name in ("SIGTERM", "SIGINT", "SIGUSR1") if (number := getattr(signal, name, None)) is not None
)
"""Asks of a batch system that ends a job, of Ctrl-C, and what batch systems send ahead of a time limit."""

JOB_END: Final = "SLURM_JOB_END_TIME"
"""Environment variable with the end of a batch job [s since 1970]."""


PR_SET_PDEATHSIG: Final = 1
"""Of Linux's prctl."""


class Stop:
    """Whether a signal asked this process to stop.

    Attributes:
        signal: name of the first signal that did; empty before.
    """

    def __init__(self) -> None:
        self.signal = ""


@contextmanager
def noted() -> Iterator[Stop]:
    """Note the first signal that asks to stop; a second one acts as ever.

    Outside the main thread nothing is changed, as signals cannot be handled there.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in STOPPING}

    def note(number: int, _: FrameType | None) -> None:
        stop.signal = signal.Signals(number).name
        for one, handler in before.items():
            if one != signal.SIGUSR1:
                signal.signal(one, handler)

    for number in STOPPING:
        signal.signal(number, note)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def job_end() -> float | None:
    """When the batch system will end this job [s since 1970]; None where it does not say."""
    text = os.environ.get(JOB_END, "")
    return float(text) if text.isdecimal() else None


def die_with_parent(number: int = signal.SIGTERM) -> None:
    """Have the kernel send this process a signal when its parent is gone, killed say; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)

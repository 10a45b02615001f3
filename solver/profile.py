# SPDX-License-Identifier: MIT
"""Wall time by stage; a stage within another counts for itself alone, so that stages add up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

STAGES: Final = ("mesh", "set-up", "pressure", "transport", "limiter", "metrics", "output")
"""What every run reports, in this order."""


class Profile:
    """Adds up wall time per named stage, without that of the stages within it.

    Attributes:
        seconds: stage name to wall time [s].
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)
        self._within: list[float] = []
        self._start = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of the enclosed block under ``name``."""
        start = time.perf_counter()
        self._within.append(0.0)
        try:
            yield
        finally:
            elapsed = time.perf_counter() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + elapsed - self._within.pop()
            if self._within:
                self._within[-1] += elapsed

    def timing(self) -> dict[str, object]:
        """Time since the profile was made [s], and by stage; ``other`` is what no stage claims."""
        total = time.perf_counter() - self._start
        other = total - sum(self.seconds.values())
        return {"total_s": total, "stages": {**self.seconds, "other": other}}

# SPDX-License-Identifier: MIT
"""What a run says while it runs: every step in its log, now and then one on the terminal; rank 0 only."""

import sys
from pathlib import Path
from time import perf_counter
from typing import IO, Any

from cases.case import Case
from cases.errors import printable
from solver.snapshot import Snapshot

INTERVAL = 2.0
"""Seconds between lines on the terminal."""

TELLING = 0.05
"""Share of what is simulated that must be done before time left is told: first steps are short."""


class Progress:
    """Reports a run's steps; silent on ranks other than 0."""

    def __init__(self, case: Case, out: Path, rank: int, quiet: bool, resume: bool = False) -> None:
        self._end = case.model.schedule.end
        self._inlet = max((p.concentration for p in case.model.injections), default=0.0) or 1.0
        self._root = rank == 0
        self._terminal = self._root and not quiet
        mode = "a" if resume else "w"
        self._log: IO[str] | None = (out / "log.txt").open(mode, encoding="utf-8") if self._root else None
        self._began: tuple[float, float] | None = None
        self._shown = -INTERVAL
        self.say(f"{case.name}: {case.title}")

    def say(self, text: str) -> None:
        """A line in the log and on the terminal."""
        if self._log is not None:
            self._log.write(printable(text) + "\n")
            self._log.flush()
        if self._terminal:
            print(printable(text), file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """A line in the log alone."""
        if self._log is not None:
            self._log.write(printable(text) + "\n")
            self._log.flush()

    def complain(self, text: str) -> None:
        """A line in the log, and on the terminal, quiet or not."""
        self.note(text)
        if self._root:
            print(printable(f"infusate: {text}"), file=sys.stderr, flush=True)

    def mesh(self, info: dict[str, Any], ranks: int) -> None:
        """The mesh in one line."""
        size = f"{info.get('cells', '?')} cells, {info.get('vertices', '?')} vertices"
        self.say(f"mesh: {size}, {ranks} rank{'s' if ranks > 1 else ''}")
        for warning in info.get("warnings", []):
            self.say(f"warning: {warning}")

    def step(self, snapshot: Snapshot) -> None:
        """An accepted step; time left is told from the first that this process reports."""
        if self._log is None:
            return
        wall = perf_counter()
        self._began = self._began or (wall, snapshot.time)
        line = (
            f"t = {snapshot.time:9.3f} s of {self._end:g} s  step {snapshot.step:6.3f} s  "
            f"Newton {snapshot.flow_step.iterations if snapshot.index else 0:2d}  "
            f"p {snapshot.highest_pressure / 1e3:7.3f} kPa  "
            f"C/C_in {snapshot.lowest / self._inlet:.1e} to {snapshot.highest / self._inlet:.4f}  "
            f"ledger {snapshot.ledger.agent_residual():.0e}"
        )
        self._log.write(line + "\n")
        now = wall - self._began[0]
        last = snapshot.time >= self._end
        if self._terminal and (now - self._shown >= INTERVAL or last):
            self._shown = now
            print(line + self._left(now, snapshot.time - self._began[1]), file=sys.stderr, flush=True)

    def _left(self, wall: float, simulated: float) -> str:
        """Time left, from what this process has simulated in its time; nothing before that tells enough."""
        assert self._began is not None
        whole = self._end - self._began[1]
        if simulated < TELLING * whole:
            return ""
        left = wall * (whole - simulated) / simulated if simulated > 0.0 else 0.0
        return f"  {left:4.0f} s left"

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()
            self._log = None

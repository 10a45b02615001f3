# SPDX-License-Identifier: MIT
"""How long the next step is: error control on a ladder of lengths, landing exactly on events."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from solver.parameters.model import Injection, Numerics, Schedule

SAFETY: Final = 0.85
QUARTER: Final = 0.25
HARD: Final = 7
"""Newton iterations beyond which a step is not made longer: its guess was far off. Steps with a guess take
3 to 6 in two and three dimensions, so that the count, in which ranks may differ by one, decides after sudden
changes only."""
QUIET: Final = 1e-2
"""Error over the tolerance below which a step may grow twice as often: nothing happens."""
SAME_TIME: Final = 1e-10
"""Share of a run within which two events are one."""


def event_times(injections: tuple[Injection, ...], schedule: Schedule) -> tuple[float, ...]:
    """Times [s] that a step must end at: starts and ends of pulses, outputs, the end; sorted, once each."""
    pulses = [t for pulse in injections for t in (pulse.start, pulse.end)]
    kept: list[float] = []
    # The end first, or a pulse that round-off ends beside it would leave a rest with no event; then pulses:
    # an output that round-off sets beside the end of a pulse is written there.
    for time in [schedule.end, *pulses, *schedule.outputs]:
        if 0 < time <= schedule.end and not any(same_time(time, other, schedule) for other in kept):
            kept.append(time)
    return tuple(sorted(kept))


def same_time(one: float, other: float, schedule: Schedule) -> bool:
    """Whether two times differ by round-off alone."""
    return abs(one - other) <= SAME_TIME * schedule.end


def is_on(pulse: Injection, time: float, schedule: Schedule) -> bool:
    """Whether a pulse injects just after a time [s]; round-off neither delays nor prolongs it."""
    started = pulse.start <= time or same_time(pulse.start, time, schedule)
    return started and time < pulse.end and not same_time(pulse.end, time, schedule)


def any_on(injections: tuple[Injection, ...], schedule: Schedule) -> Callable[[float], bool]:
    """Whether any pulse injects just after a time [s]."""
    return lambda time: any(is_on(pulse, time, schedule) for pulse in injections)


def source_changes(injections: tuple[Injection, ...]) -> frozenset[float]:
    """Times [s] at which a pulse starts or stops."""
    return frozenset(t for pulse in injections for t in (pulse.start, pulse.end))


@dataclass
class Substeps:
    """How many steps of the agent one step of the flow holds.

    Pressure costs ten times as much as transport and changes more slowly than the front moves, so each has
    its own step. Lengths are on the same ladder as those of the flow.

    Attributes:
        numerics: first step and tolerance.
    """

    numerics: Numerics
    _rung: int = field(default=0)

    def count(self, step: float) -> int:
        """Number of equal parts of a step of the flow.

        Args:
            step: its length [s].
        """
        if self.numerics.fixed_step:
            return 1
        length = self.numerics.first_step * 2 ** (self._rung / 2)
        return max(1, math.ceil(step / length * (1 - 1e-9)))

    def learn(self, error: float, length: float) -> None:
        """Choose the next length from the error of the last one over the tolerance."""
        wanted = length * min(2.0, SAFETY / math.sqrt(max(error, 1e-12)))
        rung = math.floor(2 * math.log2(wanted / self.numerics.first_step) + 1e-6)
        self._rung = max(0, min(rung, self._rung + 2))

    def restart(self) -> None:
        """Forget the last length: the source has changed."""
        self._rung = 0

    def memory(self) -> dict[str, int]:
        """Where on the ladder it is, for a checkpoint."""
        return {"rung": self._rung}

    def recall(self, memory: Mapping[str, int]) -> None:
        """Take back what `memory` gave."""
        self._rung = memory["rung"]


@dataclass
class StepControl:
    """Chooses step lengths.

    Lengths are taken from the ladder ``first_step x sqrt(2)^n``, so that round-off in the error does not
    change them and two runs on different ranks take the same steps.

    Attributes:
        numerics: bounds and tolerance.
        events: times to land on [s], sorted.
        changes: those at which the source changes [s].
        injecting: whether anything is injected just after a time [s]; fixed steps may be others where not.
        rejected: steps that were repeated.
    """

    numerics: Numerics
    events: tuple[float, ...]
    changes: frozenset[float]
    injecting: Callable[[float], bool] = lambda time: True
    rejected: int = 0
    _rung: int = field(default=0)
    _fixed: float | None = field(default=None)

    def __post_init__(self) -> None:
        self._fixed = self.numerics.fixed_step

    def propose(self, time: float) -> tuple[float, float]:
        """Length of the next step [s] and the time at which it ends [s]."""
        self._fixed = self.numerics.fixed_step
        if self._fixed and not self.injecting(time):
            self._fixed = self.numerics.fixed_step_between or self._fixed
        target = next(t for t in self.events if t > time)
        remaining = target - time
        wanted = self._length()
        if remaining <= wanted * (1 + 1e-9):
            return remaining, target
        if remaining < 2 * wanted:
            return remaining / 2, time + remaining / 2
        return wanted, time + wanted

    def accept(self, time: float, error: float, step: float, order: int = 1, effort: int = 0) -> None:
        """Learn from an accepted step.

        Args:
            time: at which it ended [s].
            error: over the tolerance.
            step: its length [s].
            order: of the estimate: errors go with the length to that power plus one.
            effort: iterations of Newton; a step that was hard to solve is followed by none that is longer.
        """
        if time in self.changes:
            self._rung = 0
            return
        growth = self.numerics.step_growth ** (2 if error < QUIET else 1)
        wanted = SAFETY * max(error, 1e-12) ** (-1 / (order + 1))
        if effort > HARD:
            wanted = min(wanted, 1.0)
        grown = self._rung_of(step * min(growth, wanted))
        self._rung = min(grown, self._rung + max(1, round(2 * math.log2(growth))))

    def cut(self, step: float, factor: float = QUARTER) -> None:
        """Shorten after a step that failed or erred too much."""
        self.rejected += 1
        self._rung = min(self._rung_of(step * factor), self._rung_of(step) - 1)

    def memory(self) -> dict[str, int]:
        """Where on the ladder it is, for a checkpoint."""
        return {"rung": self._rung, "rejected": self.rejected}

    def recall(self, memory: Mapping[str, int]) -> None:
        """Take back what `memory` gave."""
        self._rung, self.rejected = memory["rung"], memory["rejected"]

    @property
    def exhausted(self) -> bool:
        """Whether the next step would be shorter than allowed."""
        return self._length() < self.numerics.smallest_step

    def _rung_of(self, length: float) -> int:
        return math.floor(2 * math.log2(length / self._base()) + 1e-6)

    def _base(self) -> float:
        return self._fixed or self.numerics.first_step

    def _length(self) -> float:
        if self._fixed:
            return self._base() * 2 ** (min(self._rung, 0) / 2)
        return min(self._base() * 2 ** (self._rung / 2), self.numerics.largest_step)

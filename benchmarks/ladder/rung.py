# SPDX-License-Identifier: MIT
"""What a rung of the ladder is, and what running one gives."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TOLERANCE = 0.1
"""By how much an observed order may miss theory."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """Errors on a row of meshes, or with a row of steps.

    Attributes:
        label: what is in error, and over what.
        counts: cells or steps, ascending, each run with more than the one before.
        unit: of the counts: ``cells``, ``cells a side``, ``steps``.
        theory: the order to be seen; None where none is claimed.
        above: how far the order may be higher than theory.
        below: how far it may be lower.
        limit: the last error must stay below it.
    """

    label: str
    counts: tuple[float, ...]
    errors: tuple[float, ...]
    unit: str = "cells"
    theory: float | None = None
    above: float = TOLERANCE
    below: float = TOLERANCE
    limit: float = np.inf

    @property
    def order(self) -> float | None:
        """Slope of a straight line through the errors on log scales."""
        if len(self.counts) < 2 or not min(self.errors) > 0.0:
            return None
        slope = np.polyfit(np.log(self.counts), np.log(self.errors), 1)[0]
        return -float(slope)

    @property
    def last_order(self) -> float | None:
        """Order between the two finest."""
        if len(self.counts) < 2 or not min(self.errors) > 0.0:
            return None
        return log(self.errors[-2] / self.errors[-1]) / log(self.counts[-1] / self.counts[-2])

    @property
    def holds(self) -> bool:
        """Whether the order is that of theory and the last error is small enough."""
        if not np.isfinite(self.errors).all() or not self.errors[-1] <= self.limit:
            return False
        if self.theory is None:
            return True
        order = self.order
        return order is not None and self.theory - self.below <= order <= self.theory + self.above


@dataclass(frozen=True, kw_only=True)
class Check:
    """One number beside the exact one."""

    quantity: str
    found: float
    exact: float
    tolerance: float
    unit: str = ""

    @property
    def error(self) -> float:
        """Relative, or absolute where the exact number is 0."""
        return abs(self.found - self.exact) / (abs(self.exact) or 1.0)

    @property
    def holds(self) -> bool:
        """Whether the two agree."""
        return bool(self.error <= self.tolerance)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A profile beside the exact one."""

    x: Floats
    found: Floats
    exact: Floats
    across: str
    along: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a rung gave."""

    series: tuple[Series, ...] = ()
    checks: tuple[Check, ...] = ()
    curves: tuple[Curve, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether there is something, and all of it agrees with theory."""
        items = (*self.series, *self.checks)
        return bool(items) and all(item.holds for item in items)


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One benchmark.

    Attributes:
        key: short name, as in ``python3 -m benchmarks.ladder --only B1``.
        title: what is solved.
        exact: the exact solution, as text that Markdown shows.
        source: who published it, or that it was derived here.
        run: runs it; True for the full resolution, False for a quick look.
    """

    key: str
    title: str
    exact: str
    source: str
    run: Callable[[bool], Outcome]

# SPDX-License-Identifier: MIT
"""Drug in a body of well-mixed stores: exact where all rates are constant, by a stiff integrator where not.

    dy/dt = M y + b - e_1 R E + e_x R E + (e_t - e_s) X,    dz/dt = L y + d

``y`` are amounts, the columns of ``M`` sum to zero, so that nothing is made or lost; ``z`` are exposures
(AUC) of what is seen by tumour, organ and body. ``R E`` is what the first passage of an infusion R leaves in
an organ whose uptake saturates, ``X`` what the tissue that is simulated takes from its blood, net, constant
over a step. Between events everything but ``E`` is constant: without it a step is one matrix exponential.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import expm

Floats = NDArray[np.float64]

STORES: Final = (
    "central",
    "peripheral",
    "cleared",
    "extracted",
    "depot",
    "behind_depot",
    "tissue",
    "circuit",
    "drained",
    "lost",
)
"""Where drug may be: in the body, taken by it, taken by the first passage; in beads or the gut, as prodrug
(or in the slow part of beads), in the tissue that is simulated, or destroyed there; in a circuit, washed out
of it; lost otherwise."""

STORE: Final = {name: number for number, name in enumerate(STORES)}
TUMOUR, ORGAN, PLASMA = 0, 1, 2
SEEN: Final = 3
TOLERANCE: Final = 1e-9


class BodyError(RuntimeError):
    """A body that cannot be followed."""


@dataclass(frozen=True, kw_only=True)
class Saturable:
    """An organ that mixes well and takes up v = v_max C/(K_m + C) at the concentration C that leaves it.

    What it takes of blood that returns from the body is part of the body's clearance.

    Attributes:
        flow: through it [m3/s].
        capacity: v_max [kg/s].
        half_concentration: K_m [kg/m3].
        arriving: concentration that arrives, as a row over the stores [1/m3].
        infused: R, into its artery [kg/s].
    """

    flow: float
    capacity: float
    half_concentration: float
    arriving: Floats
    infused: float

    def first_pass(self, amounts: Floats) -> float:
        """What it takes of the infusion [kg/s]."""
        arriving = max(float(self.arriving @ amounts), 0.0) + self.infused / self.flow
        return self.infused * self.extraction(arriving)

    def extraction(self, arriving: float) -> float:
        """E at a concentration that arrives; CL_int/(Q + CL_int) with CL_int = v_max/(K_m + C)."""
        ratio, half = self.capacity / self.flow, self.half_concentration
        beyond = half + ratio - arriving
        root = np.sqrt(beyond**2 + 4 * arriving * half)
        # C that leaves, by the form of the root that does not cancel
        leaving = 2 * arriving * half / (beyond + root) if beyond > 0 else 0.5 * (root - beyond)
        intrinsic = self.capacity / (half + leaving)
        return float(intrinsic / (self.flow + intrinsic))


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A time during which nothing changes its law.

    Attributes:
        start: [s].
        end: [s].
        rates: M [1/s], shape ``(n, n)``.
        entering: b [kg/s], shape ``(n,)``.
        seen: L [1/m3], shape ``(3, n)``.
        added: d [kg/m3], shape ``(3,)``.
        jump: what each store gains at the start [kg], shape ``(n,)``.
        merged: two stores, the first of which empties into the second at the start; None for none.
        supplying: the store that the blood of the tissue simulated comes from and returns to.
        organ: that is infused and whose uptake saturates.
    """

    start: float
    end: float
    rates: Floats
    entering: Floats
    seen: Floats
    added: Floats
    jump: Floats
    merged: tuple[int, int] | None = None
    supplying: int = STORE["central"]
    organ: Saturable | None = None


@dataclass(frozen=True, kw_only=True)
class Course:
    """A schedule's course, at ``m`` times.

    Attributes:
        times: [s], shape ``(m,)``.
        amounts: in each store [kg], after what is given at that time, shape ``(m, n)``.
        exposures: of tumour, organ and plasma until then [kg s/m3], shape ``(m, 3)``.
        concentrations: right after each time [kg/m3], shape ``(m, 3)``.
        given: until then [kg], shape ``(m,)``.
        largest: concentration at any of the times, before or after what happens then [kg/m3], shape ``(3,)``.
    """

    times: Floats
    amounts: Floats
    exposures: Floats
    concentrations: Floats
    given: Floats
    largest: Floats

    def residual(self) -> float:
        """Largest amount that is not accounted for, over all that is given."""
        return float(np.abs(self.amounts.sum(axis=1) - self.given).max() / max(self.given[-1], 1e-300))

    def means(self, which: int) -> Floats:
        """Exact mean concentration between times [kg/m3], shape ``(m - 1,)``."""
        return np.diff(self.exposures[:, which]) / np.diff(self.times)


class Walk:
    """Goes along a schedule step by step; what tissue takes of each step's blood may be tried first.

    Attributes:
        number: of the step that is next.
        state: amounts [kg] and exposures [kg s/m3] at its start, shape ``(n + 3,)``.
    """

    def __init__(self, phases: Sequence[Phase], times: Floats) -> None:
        """Begin at the first time.

        Args:
            phases: without gaps, from the first time to the last.
            times: ascending; every phase starts and ends at one of them.
        """
        count, n = times.size, len(STORES)
        self.number = 0
        self.state: Floats = np.zeros(n + SEEN)
        self._times: Floats = times
        self._phases = phases
        self._first = [int(np.argmin(np.abs(times - phase.start))) for phase in phases]
        self._at, self._propagators = -1, dict[tuple[int, float], Floats]()
        self._states: Floats = np.zeros((count, n + SEEN))
        self._given: Floats = np.zeros(count)
        self._concentrations: Floats = np.zeros((count, SEEN))
        self._largest: Floats = np.zeros(SEEN)
        self._enter()

    @property
    def phase(self) -> Phase:
        """The law of the next step, or of the last one at the end."""
        return self._phases[self._at]

    @property
    def steps(self) -> int:
        """In all."""
        return self._times.size - 1

    @property
    def length(self) -> float:
        """Of the next step [s]."""
        return float(self._times[self.number + 1] - self._times[self.number])

    def tried(self, taken: float) -> Floats:
        """Where the next step leads if tissue takes so much from blood, net [kg/s]; shape ``(n + 3,)``.

        Raises:
            BodyError: the stiff integrator fails, or amounts are not finite.
        """
        if self.phase.organ is not None:
            end = _stiff(self.phase, self.state, self.length, taken)
        else:
            key = self._at, self.length
            if key not in self._propagators:
                self._propagators[key] = _propagator(self.phase, self.length)
            end = self._propagators[key] @ np.concatenate([self.state, [1.0, taken]])
        if not np.isfinite(end).all():
            raise BodyError(f"body from {self._times[self.number]:.6g} s on: amounts are not finite")
        return end

    def halve(self) -> None:
        """Make two steps of the next one."""
        at = self.number + 1
        self._times = np.insert(self._times, at, self._times[self.number] + 0.5 * self.length)
        self._first = [first + (first >= at) for first in self._first]
        self._states = np.insert(self._states, at, 0.0, axis=0)
        self._given = np.insert(self._given, at, 0.0)
        self._concentrations = np.insert(self._concentrations, at, 0.0, axis=0)

    def means(self, end: Floats) -> Floats:
        """Exact mean concentrations of the next step, if it leads to ``end`` [kg/m3], shape ``(3,)``."""
        return np.asarray((end[-SEEN:] - self.state[-SEEN:]) / self.length)

    def take(self, end: Floats) -> None:
        """Go on to where a tried step has led."""
        given = self._given[self.number] + self.phase.entering.sum() * self.length
        self.number, self.state = self.number + 1, end.copy()
        self._given[self.number] = given
        self._note()
        self._enter()

    def course(self) -> Course:
        """What has been gone through, at the end."""
        n = len(STORES)
        return Course(
            times=self._times,
            amounts=self._states[:, :n],
            exposures=self._states[:, n:],
            concentrations=self._concentrations,
            given=self._given,
            largest=self._largest,
        )

    def _enter(self) -> None:
        """Let happen what happens at this time."""
        if self.number not in self._first:
            return
        self._at = self._first.index(self.number)
        self.state[: len(STORES)] += self.phase.jump
        if self.phase.merged is not None:
            source, target = self.phase.merged
            self.state[target], self.state[source] = self.state[target] + self.state[source], 0.0
        self._given[self.number] += self.phase.jump.sum()
        self._note()

    def _note(self) -> None:
        seen = self.phase.seen @ self.state[: len(STORES)] + self.phase.added
        self._states[self.number], self._concentrations[self.number] = self.state, seen
        self._largest = np.maximum(self._largest, seen)


def follow(phases: Sequence[Phase], times: Floats, taken: Floats | None = None) -> Course:
    """Follow a schedule.

    Args:
        phases: without gaps, from the first time to the last.
        times: ascending; every phase starts and ends at one of them.
        taken: what tissue takes from its blood between times, net [kg/s], shape ``(m - 1,)``.

    Raises:
        BodyError: the stiff integrator fails, or amounts are not finite.
    """
    walk = Walk(phases, times)
    for number in range(times.size - 1):
        walk.take(walk.tried(0.0 if taken is None else float(taken[number])))
    return walk.course()


def _propagator(phase: Phase, step: float) -> Floats:
    """Of amounts, exposures, one, and what tissue takes; shape ``(n + 3, n + 5)``."""
    n = len(STORES)
    system = np.zeros((n + SEEN + 2, n + SEEN + 2))
    system[:n, :n], system[n:-2, :n] = phase.rates, phase.seen
    system[:n, -2], system[n:-2, -2] = phase.entering, phase.added
    system[phase.supplying, -1], system[STORE["tissue"], -1] = -1.0, 1.0
    return np.asarray(expm(system * step)[:-2])


def _stiff(phase: Phase, state: Floats, step: float, taken: float) -> Floats:
    n, organ = len(STORES), phase.organ
    assert organ is not None, "called with an organ"
    central, extracted = STORE["central"], STORE["extracted"]
    scale = max(float(np.abs(state[:n]).sum()), float(phase.entering.sum() * step))
    if scale == 0.0:
        return state.copy()
    constant = phase.entering.copy()
    constant[phase.supplying] -= taken
    constant[STORE["tissue"]] += taken

    def slope(_: float, values: Floats) -> Floats:
        y = values[:n] * scale
        out = np.concatenate([phase.rates @ y + constant, phase.seen @ y + phase.added])
        first_pass = organ.first_pass(y)
        out[central] -= first_pass
        out[extracted] += first_pass
        return out / scale

    begin = np.concatenate([state[:n], np.zeros(SEEN)]) / scale
    least = np.concatenate([np.full(n, 1e-13), np.full(SEEN, 1e-13 * np.abs(phase.seen).max() * step)])
    try:
        found = solve_ivp(slope, (0.0, step), begin, method="Radau", rtol=TOLERANCE, atol=least)
    except ValueError as error:
        raise BodyError(f"body from {phase.start:.6g} s on: {error}") from error
    if not found.success:
        raise BodyError(f"body from {phase.start:.6g} s on: {found.message}")
    end = np.asarray(found.y[:, -1] * scale)
    end[n:] += state[n:]
    return end

# SPDX-License-Identifier: MIT
"""Drug in a body of well-mixed stores: exact where all rates are constant, by a stiff integrator where not.

    dy/dt = M y + b - e_1 R E + e_x R E,    dz/dt = L y + d

``y`` are amounts, the columns of ``M`` sum to zero, so that nothing is made or lost; ``z`` are exposures
(AUC) of what is seen by tumour, organ and body. ``R E`` is what the first passage of an infusion R leaves in
an organ whose uptake saturates. Between events everything but ``E`` is constant: without it a step is one
matrix exponential.
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
(or in the slow part of beads), in the tumour; in a circuit, washed out of it; lost otherwise."""

STORE: Final = {name: number for number, name in enumerate(STORES)}
TUMOUR, ORGAN, PLASMA = 0, 1, 2
SEEN: Final = 3
TOLERANCE: Final = 1e-9


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


def follow(phases: Sequence[Phase], times: Floats, returned: Floats | None = None) -> Course:
    """Follow a schedule.

    Args:
        phases: without gaps, from the first time to the last.
        times: ascending; every phase starts and ends at one of them.
        returned: what blood takes from the tumour between times [kg/s], shape ``(m - 1,)``.

    Raises:
        RuntimeError: the stiff integrator fails.
    """
    count, n = times.size, len(STORES)
    amounts, exposures = np.zeros((count, n)), np.zeros((count, SEEN))
    concentrations, given = np.zeros((count, SEEN)), np.zeros(count)
    state, total, largest = np.zeros(n + SEEN), 0.0, np.zeros(SEEN)
    for phase in phases:
        state[:n] += phase.jump
        if phase.merged is not None:
            source, target = phase.merged
            state[target], state[source] = state[target] + state[source], 0.0
        total += float(phase.jump.sum())
        first, last = (int(np.argmin(np.abs(times - moment))) for moment in (phase.start, phase.end))
        back = None if returned is None else returned[first:last]
        states = _within(phase, state, times[first : last + 1], back)
        amounts[first : last + 1], exposures[first : last + 1] = states[:, :n], states[:, n:]
        seen = states[:, :n] @ phase.seen.T + phase.added
        concentrations[first : last + 1] = seen
        largest = np.maximum(largest, seen.max(axis=0))
        given[first : last + 1] = total + phase.entering.sum() * (times[first : last + 1] - times[first])
        state, total = states[-1].copy(), float(given[last])
    return Course(
        times=times,
        amounts=amounts,
        exposures=exposures,
        concentrations=concentrations,
        given=given,
        largest=largest,
    )


def _within(phase: Phase, state: Floats, times: Floats, back: Floats | None) -> Floats:
    """States at times within a phase, shape ``(k, n + 3)``."""
    if phase.organ is None:
        return _exact(phase, state, times, back)
    if back is not None:
        raise NotImplementedError("an organ that saturates with returns from the tumour")
    return _stiff(phase, state, times, phase.organ)


def _exact(phase: Phase, state: Floats, times: Floats, back: Floats | None) -> Floats:
    n = len(STORES)
    system = np.zeros((n + SEEN + 1, n + SEEN + 1))
    system[:n, :n], system[n:-1, :n] = phase.rates, phase.seen
    system[:n, -1], system[n:-1, -1] = phase.entering, phase.added
    states = np.empty((times.size, n + SEEN))
    states[0], propagators = state, {}
    for number, step in enumerate(np.diff(times)):
        if back is not None:
            system[:n, -1] = phase.entering
            system[STORE["tissue"], -1] -= back[number]
            system[STORE["central"], -1] += back[number]
        key = (float(step), 0.0 if back is None else float(back[number]))
        if key not in propagators:
            propagators[key] = expm(system * step)
        states[number + 1] = (propagators[key] @ np.append(states[number], 1.0))[:-1]
    return states


def _stiff(phase: Phase, state: Floats, times: Floats, organ: Saturable) -> Floats:
    n = len(STORES)
    central, extracted = STORE["central"], STORE["extracted"]
    scale = max(float(np.abs(state[:n]).sum()), float(phase.entering.sum() * (times[-1] - times[0])))
    if scale == 0.0:
        return np.repeat(state[None], times.size, axis=0)
    length = times[-1] - times[0]

    def slope(_: float, values: Floats) -> Floats:
        y = values[:n] * scale
        out = np.concatenate([phase.rates @ y + phase.entering, phase.seen @ y + phase.added])
        taken = organ.first_pass(y)
        out[central] -= taken
        out[extracted] += taken
        return out / scale

    found = solve_ivp(
        slope,
        (0.0, length),
        state / scale,
        method="Radau",
        t_eval=np.minimum(times - times[0], length),
        rtol=TOLERANCE,
        atol=np.concatenate([np.full(n, 1e-13), np.full(SEEN, 1e-13 * np.abs(phase.seen).max() * length)]),
    )
    if not found.success:
        raise RuntimeError(f"body from {times[0]:.6g} to {times[-1]:.6g} s: {found.message}")
    return np.asarray(found.y.T * scale)

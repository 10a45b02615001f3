# SPDX-License-Identifier: MIT
"""What a step of the flow needs to know of the steps before it, and how well it went by comparison.

The error of a step is a difference of changes: of the fluid that nodes store, compared with the volume of a
pulse, and of the agent that open vessels can take, compared with what they have taken. Vessels close and open
by orders of magnitude within few hundred pascals, which the stored fluid hardly shows.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.algebra.halo import Halo
from solver.flow.state import FlowState, FlowStep
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]

WASHED_TOLERANCE: Final = 0.1
"""Error of one step of the flow in what blood takes, relative to what it has taken."""
TRACE: Final = 1e-6
"""Share of a pulse below which it does not matter where the agent went."""
LEAST_CARRIED: Final = 0.01
"""Weight of an error in the flow when no agent is left to be carried by it."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """Change of a nodal amount over a step, kept for the next error estimate.

    Attributes:
        step: its length [s].
        amount: change of fluid [m3] or agent [kg], shape ``(n,)``.
    """

    step: float
    amount: Floats


@dataclass(frozen=True, kw_only=True)
class FlowHistory:
    """The accepted steps of the flow since the source last changed, as far as they count.

    Attributes:
        flow: the last step.
        step: its length [s].
        pressure: its change of pressure [Pa].
        fluid: changes of stored fluid, newest first, at most two.
        washed: what open vessels could take of the agent in the last step.
    """

    flow: FlowStep
    step: float
    pressure: Floats
    fluid: tuple[Change, ...]
    washed: Change

    @property
    def order(self) -> int:
        """Order of the error estimate of the next step."""
        return len(self.fluid)


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Judges steps of the flow.

    Attributes:
        data: static data.
        volume: largest of the pulses [m3].
        mass: largest of the pulses [kg].
        tolerance: error of a step in stored fluid, relative to ``volume``.
        plasma: C_p in arriving blood [kg/m3].
    """

    data: Discretisation
    volume: float
    mass: float
    tolerance: float
    plasma: float = 0.0

    def learn(
        self,
        past: FlowHistory | None,
        before: FlowState,
        flow: FlowStep,
        step: float,
        agent: tuple[Floats, float, float],
    ) -> tuple[float, FlowHistory]:
        """Error of a step over the tolerance, and what the next step needs to know. Collective.

        Args:
            past: of the steps before, if the source has not changed since.
            before: state at the start.
            flow: the step.
            step: its length [s].
            agent: concentration at the start [kg/m3], what blood has taken so far [kg], and the share of
                a pulse that is still to be carried by the flow.
        """
        concentration, taken, carried = agent
        pairs, perfusion = self.data.pairs, self.data.materials.perfusion
        perfusion = perfusion if flow.supply is None else flow.supply.perfusion
        apart = concentration - self.plasma
        cleared = pairs.to_nodes(pairs.volume * flow.open_fraction * perfusion) * apart
        fluid = Change(step=step, amount=flow.state.stored - before.stored)
        washed = Change(step=step, amount=step * cleared)
        error = 0.0
        if past is not None:
            halo = self.data.halo
            by_fluid = change_error(halo, past.fluid, fluid, self.volume) * max(carried, LEAST_CARRIED)
            by_washed = change_error(halo, (past.washed,), washed, max(abs(taken), TRACE * self.mass))
            error = max(by_fluid / self.tolerance, by_washed / WASHED_TOLERANCE)
        return error, FlowHistory(
            flow=flow,
            step=step,
            pressure=flow.state.pressure - before.pressure,
            fluid=(fluid, *(past.fluid[:1] if past else ())),
            washed=washed,
        )


def change_error(halo: Halo, past: tuple[Change, ...], now: Change, scale: float) -> float:
    """Estimated error of a step, the sum of its magnitudes over a scale; 0 without a past. Collective."""
    if not past or scale <= 0:
        return 0.0
    weights = error_weights((now.step, *(change.step for change in past)))
    difference = weights[0] * now.amount
    for weight, change in zip(weights[1:], past, strict=True):
        difference += weight * change.amount
    return halo.sum(np.abs(difference)) / scale


def error_weights(steps: tuple[float, ...]) -> tuple[float, ...]:
    """Weights that make the error of a step from the changes of an amount over it and over the steps before.

    Two changes give the error of backward Euler, dt^2 y''/2, by a second difference; three that of BDF2,
    (1 + w)^2/(w (1 + 2 w)) dt^3 times the third divided difference, with w the ratio of the last two steps.

    Args:
        steps: length of this step and of the one or two before it [s], newest first.
    """
    now, last = steps[0], steps[1]
    second = (1 / (now * (now + last)), -1 / (last * (now + last)))
    if len(steps) == 2:
        return now * now * second[0], now * now * second[1]
    before = steps[2]
    ratio, total = now / last, now + last + before
    constant = (1 + ratio) ** 2 / (ratio * (1 + 2 * ratio)) * now**3 / total
    earlier = (1 / (last * (last + before)), -1 / (before * (last + before)))
    return constant * second[0], constant * (second[1] - earlier[0]), -constant * earlier[1]

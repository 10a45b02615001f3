# SPDX-License-Identifier: MIT
"""The body behind the blood: compartments that what is absorbed spreads over, is cleared from, and turns in.

    V_1 dC_1/dt = R - CL C_1 - Q_12 (C_1 - C_2),    V_2 dC_2/dt = Q_12 (C_1 - C_2)

The input is constant over a step, for which the equations are solved exactly, in their two exponentials. What
is cleared and the area under C_1 are integrated the same way, so mass is kept to round-off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from solver.parameters.vessels import Body

Floats = NDArray[np.float64]

SMALL: Final = 1e-3
"""Size below which a decay within a step is summed as a series: its closed form cancels there."""


@dataclass(frozen=True, kw_only=True)
class BodyState:
    """What a body holds.

    Attributes:
        amounts: in the central and the peripheral compartment [kg], shape ``(2,)``.
        cleared: so far [kg].
        exposure: AUC, integral of C_1 dt so far [kg s/m3].
        absorbed: so far [kg].
    """

    amounts: Floats
    cleared: float = 0.0
    exposure: float = 0.0
    absorbed: float = 0.0


class Compartments:
    """Two compartments, one where nothing is exchanged; the routes into them give the rate of each step."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self._out, over = body.clearance / body.central_volume, body.exchange_flow / body.central_volume
        back = body.exchange_flow / body.peripheral_volume if body.exchange_flow > 0 else 0.0
        # The rates are those of a symmetric matrix in amounts over the roots of the volumes.
        self._scale = np.array([1.0, np.sqrt(over / back) if back > 0 else 1.0])
        between = np.sqrt(over * back)
        self._speeds, self._modes = np.linalg.eigh([[-self._out - over, between], [between, -back]])

    def start(self) -> BodyState:
        """A body without any."""
        return BodyState(amounts=np.zeros(2))

    def advance(self, state: BodyState, rate: float, step: float) -> BodyState:
        """What the body holds after a time of constant input.

        Args:
            state: at the start.
            rate: what enters the central compartment [kg/s].
            step: length [s].
        """
        decays = self._speeds * step
        first = step * _phi(decays, 1)
        before = self._modes.T @ (state.amounts / self._scale)
        entering = self._modes.T @ np.array([rate, 0.0])
        after = np.exp(decays) * before + first * entering
        through = first * before + step**2 * _phi(decays, 2) * entering
        centre = float((self._modes @ through)[0])
        return BodyState(
            amounts=self._scale * (self._modes @ after),
            cleared=state.cleared + self._out * centre,
            exposure=state.exposure + centre / self.body.central_volume,
            absorbed=state.absorbed + rate * step,
        )

    def plasma(self, state: BodyState) -> float:
        """C_1 [kg/m3]."""
        return float(state.amounts[0]) / self.body.central_volume

    def residual(self, state: BodyState) -> float:
        """Mass that is not accounted for, over what was absorbed."""
        missing = state.absorbed - float(state.amounts.sum()) - state.cleared
        return abs(missing) / state.absorbed if state.absorbed else abs(missing)


def _phi(z: Floats, order: int) -> Floats:
    """(exp(z) - 1)/z, and ((exp(z) - 1)/z - 1)/z for order 2; 1 and 1/2 at 0."""
    small = np.abs(z) < SMALL
    safe = np.where(small, 1.0, z)
    if order == 1:
        return np.where(small, 1 + z / 2 + z**2 / 6 + z**3 / 24, np.expm1(safe) / safe)
    return np.where(small, 0.5 + z / 6 + z**2 / 24 + z**3 / 120, (np.expm1(safe) / safe - 1) / safe)


def body_report(body: Body, history: Sequence[tuple[float, float]], rows: dict[str, float]) -> dict[str, Any]:
    """What the body received from a tumour: the agent in plasma, and the dose of its by-product.

    All of the agent that was absorbed or reacted is taken to end as by-product in the body, sooner or later.

    Args:
        body: its numbers.
        history: times [s] and what blood had absorbed by then [kg], from the start.
        rows: of the ledger at the end.
    """
    model = Compartments(body)
    state, peak, when = model.start(), 0.0, 0.0
    for (start, before), (end, after) in pairwise(history):
        # What leaves blood for tissue is taken from the body.
        state = model.advance(state, (after - before) / (end - start), end - start)
        plasma = model.plasma(state)
        if plasma > peak:
            peak, when = plasma, end
    in_body = float(state.amounts.sum())
    return {
        "weight_kg": body.weight,
        "absorbed_kg": state.absorbed,
        "absorbed_per_weight": state.absorbed / body.weight,
        "plasma_peak_kg_m3": peak,
        "plasma_peak_time_s": when,
        "plasma_auc_kg_s_m3": state.exposure,
        "plasma_auc_to_infinity_kg_s_m3": state.exposure
        + (in_body / body.clearance if body.clearance > 0 else float("inf") if in_body else 0.0),
        "in_central_kg": float(state.amounts[0]),
        "in_peripheral_kg": float(state.amounts[1]),
        "cleared_kg": state.cleared,
        "residual_relative": model.residual(state),
        **({"by_product": _by_product(body, rows)} if body.by_product_yield > 0 else {}),
    }


def _by_product(body: Body, rows: dict[str, float]) -> dict[str, Any]:
    """Dose of what the agent turns into, from blood and from tissue."""
    formed = [rows.get(f"product_formed_{place}") for place in ("tumour", "tissue")]
    reacted = rows["agent_reacted_tumour"] + rows["agent_reacted_tissue"]
    tissue = sum(filter(None, formed)) if any(formed) else body.by_product_yield * reacted
    blood = body.by_product_yield * rows["agent_blood"]
    dose = (tissue + blood) / body.weight
    return {
        "from_blood_kg": blood,
        "from_tissue_kg": tissue,
        "dose_kg": tissue + blood,
        "dose_per_weight": dose,
        "reference_dose_per_weight_day": body.reference_dose or None,
        "over_reference": dose / body.reference_dose if body.reference_dose else None,
    }

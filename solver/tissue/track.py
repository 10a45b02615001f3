# SPDX-License-Identifier: MIT
"""The gap along a needle's shaft as a closed law: how wide it opens, what it holds, what flows along it.

Tissue gives way elastically, h = h0 + r_c/(2 G) (p - p_o)_+ with the opening pressure p_o = p_0 + p_s of rest
and prestress, and the cubic law for a thin gap of perimeter 2 pi r_c holds: Q = -2 pi r_c h^3/(12 mu) dp/dz
(Morrison, Chen, Gillespie and Oldfield, 1999). Between two places the flow is the difference of a potential,
the integral of the conductance over the pressure, so that a track without leaks is exact on any number of
nodes.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


ROUNDING: Final = 25.0
"""Pressure either way of opening over which a gap goes from closed to open, for Newton's method [Pa]."""


class Gap(NamedTuple):
    """Constants of a gap, each at places or between them; shapes alike.

    Attributes:
        perimeter: 2 pi r_c [m].
        give: r_c/(2 G), width per pressure [m/Pa].
        residual: h0 [m].
        viscosity: mu [Pa s].
    """

    perimeter: Floats
    give: Floats
    residual: float
    viscosity: float


def opened(excess: Floats) -> tuple[Floats, Floats]:
    """Pressure that opens a gap, (p - p_o)_+ with its kink rounded off over `ROUNDING` either way.

    Args:
        excess: p - p_o [Pa].

    Returns:
        That pressure [Pa] and its derivative, in [0, 1].
    """
    u = np.clip(0.5 * (excess / ROUNDING + 1.0), 0.0, 1.0)
    return np.where(excess > ROUNDING, excess, ROUNDING * u**2), u


def flow_potential(gap: Gap, excess: Floats) -> tuple[Floats, Floats]:
    """Integral of the conductance over the pressure, zero where the gap begins to open, and the conductance.

    Args:
        gap: constants.
        excess: p - p_o, pressure above opening [Pa].

    Returns:
        Phi [m4/s], of which a difference over a length is a flow, and dPhi/dp [m4/(Pa s)].
    """
    factor, h0, w = gap.perimeter / (12 * gap.viscosity), gap.residual, ROUNDING
    width = h0 + gap.give * opened(excess)[0]
    closed = h0**3 * np.minimum(excess + w, 0.0)
    u, g = np.clip(0.5 * (excess / w + 1.0), 0.0, 1.0), gap.give * w
    rounded = 2 * w * u * (h0**3 + h0**2 * g * u**2 + 0.6 * h0 * g**2 * u**4 + g**3 * u**6 / 7)
    wide = np.where((excess > w) & (gap.give > 0.0), width**4 - (h0 + g) ** 4, 0.0)
    beyond = np.divide(wide, 4 * gap.give, out=h0**3 * np.maximum(excess - w, 0.0), where=gap.give > 0.0)
    return factor * (closed + rounded + beyond), factor * width**3

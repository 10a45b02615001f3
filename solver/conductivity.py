# SPDX-License-Identifier: MIT
"""Laws for the hydraulic conductivity K = K0 f(p, p_max): each returns f and df/dp.

``p_max`` is the largest pressure a point has seen, this step's included, so its derivative counts where
the pressure is rising past it; leaving that out makes the first step of an injection wrong for ever.
To add a law: write a compiled function of ``LawInput`` and name it in ``LAWS``.
"""

from collections.abc import Callable
from math import exp, expm1
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LARGEST_DILATATION_IN_EXPONENT: Final = 0.5
"""Beyond this, either way, small strain is meaningless; the exponential would run away, or K vanish."""


class LawParameters(NamedTuple):
    """Material constants at each point, all shape ``(n,)``.

    Attributes:
        confined_modulus: H [Pa].
        exponent: M [-].
        log_ratio: ln R_K [-].
        fissuring_pressure: p_c [Pa].
        fissuring_width: w [Pa].
    """

    confined_modulus: Floats
    exponent: Floats
    log_ratio: Floats
    fissuring_pressure: Floats
    fissuring_width: Floats


class LawInput(NamedTuple):
    """Where the law is evaluated, all shape ``(n,)``.

    Attributes:
        parameters: material.
        excess: p - p0, pressure above rest [Pa].
        largest: p_max = max(p_max of the last step, p) [Pa].
        rising: 1 where p_max moves with p, else 0.
    """

    parameters: LawParameters
    excess: Floats
    largest: Floats
    rising: Floats


Law = Callable[[LawInput], tuple[Floats, Floats]]


@njit(cache=True)
def rigid(at: LawInput) -> tuple[Floats, Floats]:
    """Conductivity that never changes: f = 1."""
    return np.ones(at.excess.size), np.zeros(at.excess.size)


@njit(cache=True)
def exponential(at: LawInput) -> tuple[Floats, Floats]:
    """Conductivity of a swelling matrix: f = exp(M e), e = (p - p0)/H (Lai and Mow, 1980)."""
    factor, slope = np.empty(at.excess.size), np.empty(at.excess.size)
    for i in range(factor.size):
        factor[i], slope[i] = _swollen(at, i)
    return factor, slope


@njit(cache=True)
def fissuring(at: LawInput) -> tuple[Floats, Floats]:
    """Fissures that open for good: f = exp(M e) R_K^L, L = 1/(1 + exp(-(p_max - p_c)/w)).

    The logarithm of K is interpolated, so tissue at rest keeps K0.
    """
    factor, slope = np.empty(at.excess.size), np.empty(at.excess.size)
    for i in range(factor.size):
        swollen, by_pressure = _swollen(at, i)
        share, by_share = _logistic(at, i)
        ratio = at.parameters.log_ratio[i]
        opened = exp(ratio * share)
        factor[i] = swollen * opened
        slope[i] = (by_pressure + swollen * ratio * by_share) * opened
    return factor, slope


@njit(cache=True)
def logistic(at: LawInput) -> tuple[Floats, Floats]:
    """Fissures with K itself interpolated: f = exp(M e) [1 + (R_K - 1) L].

    The tail of L makes resting tissue far too permeable; offered because statements on washout
    must be shown to survive the choice of law.
    """
    factor, slope = np.empty(at.excess.size), np.empty(at.excess.size)
    for i in range(factor.size):
        share, by_share = _logistic(at, i)
        factor[i], slope[i] = _interpolated(at, i, share, by_share)
    return factor, slope


@njit(cache=True)
def ramp(at: LawInput) -> tuple[Floats, Floats]:
    """Fissures with a compact C1 ramp over p_c - 2w to p_c + 2w: f = exp(M e) [1 + (R_K - 1) s]."""
    factor, slope = np.empty(at.excess.size), np.empty(at.excess.size)
    for i in range(factor.size):
        width = 4 * at.parameters.fissuring_width[i]
        x = min(max((at.largest[i] - at.parameters.fissuring_pressure[i]) / width + 0.5, 0.0), 1.0)
        by_share = 6 * x * (1 - x) / width * at.rising[i]
        factor[i], slope[i] = _interpolated(at, i, x * x * (3 - 2 * x), by_share)
    return factor, slope


@njit(cache=True)
def _swollen(at: LawInput, i: int) -> tuple[float, float]:
    """exp(M e) and its derivative by the pressure."""
    m = at.parameters
    limit = LARGEST_DILATATION_IN_EXPONENT
    dilatation = at.excess[i] / m.confined_modulus[i]
    factor = exp(m.exponent[i] * min(max(dilatation, -limit), limit))
    inside = abs(dilatation) < limit
    return factor, factor * m.exponent[i] / m.confined_modulus[i] if inside else 0.0


@njit(cache=True)
def _logistic(at: LawInput, i: int) -> tuple[float, float]:
    """L and its derivative by the pressure."""
    width = at.parameters.fissuring_width[i]
    x = (at.largest[i] - at.parameters.fissuring_pressure[i]) / width
    share = 1 / (1 + exp(min(-x, 700.0)))
    return share, share * (1 - share) / width * at.rising[i]


@njit(cache=True)
def _interpolated(at: LawInput, i: int, share: float, by_share: float) -> tuple[float, float]:
    """exp(M e) [1 + (R_K - 1) s] and its derivative by the pressure."""
    swollen, by_pressure = _swollen(at, i)
    gain = expm1(at.parameters.log_ratio[i])
    opened = 1 + gain * share
    return swollen * opened, by_pressure * opened + swollen * gain * by_share


FISSURING_LAWS: Final = frozenset({"fissuring", "logistic", "ramp"})
"""Laws under which tissue opens for good."""

LAWS: Final[dict[str, Law]] = {
    "rigid": rigid,
    "exponential": exponential,
    "fissuring": fissuring,
    "logistic": logistic,
    "ramp": ramp,
}

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

LARGEST_DRAINAGE: Final = 0.9
"""Share of the fluid at rest beyond which drained tissue does not get less permeable."""


class LawParameters(NamedTuple):
    """Material constants at each point, all shape ``(n,)``.

    Attributes:
        confined_modulus: H [Pa].
        exponent: M [-].
        log_ratio: ln R_K [-].
        fissuring_pressure: p_c [Pa].
        fissuring_width: w [Pa].
        porosity: phi0 [-].
        porosity_exponent: m of ``holmes_mow`` [-].
    """

    confined_modulus: Floats
    exponent: Floats
    log_ratio: Floats
    fissuring_pressure: Floats
    fissuring_width: Floats
    porosity: Floats
    porosity_exponent: Floats


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
def kozeny_carman(at: LawInput) -> tuple[Floats, Floats]:
    """Conductivity by porosity: f = (1 + e/phi0)^3/(1 + e) (Kozeny, 1927; Carman, 1937).

    K goes with phi^3/(1 - phi)^2, where phi = (phi0 + e)/(1 + e) is the fluid in swollen tissue and 1 - phi
    its solid, (1 - phi0)/(1 + e).
    """
    factor, slope = np.empty(at.excess.size), np.empty(at.excess.size)
    for i in range(factor.size):
        filled, swollen, by_pressure = _filled(at, i)
        factor[i] = filled**3 / swollen
        slope[i] = factor[i] * (3 / (filled * at.parameters.porosity[i]) - 1 / swollen) * by_pressure
    return factor, slope


@njit(cache=True)
def holmes_mow(at: LawInput) -> tuple[Floats, Floats]:
    """By porosity and strain: f = (1 + e/phi0)^m exp(M ((1 + e)^2 - 1)/2) (Holmes and Mow, 1990)."""
    factor, slope = np.empty(at.excess.size), np.empty(at.excess.size)
    for i in range(factor.size):
        m = at.parameters
        filled, swollen, by_pressure = _filled(at, i)
        power, exponent = m.porosity_exponent[i], m.exponent[i]
        factor[i] = filled**power * exp(0.5 * exponent * (swollen * swollen - 1))
        slope[i] = factor[i] * (power / (filled * m.porosity[i]) + exponent * swollen) * by_pressure
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
def _filled(at: LawInput, i: int) -> tuple[float, float, float]:
    """Fluid over that at rest, 1 + e/phi0, volume 1 + e, and de/dp, with e held where pores are open.

    A tenth of the fluid at rest stays, however much tissue is drained.
    """
    m = at.parameters
    dilatation = at.excess[i] / m.confined_modulus[i]
    held = min(max(dilatation, -LARGEST_DRAINAGE * m.porosity[i]), LARGEST_DILATATION_IN_EXPONENT)
    return 1 + held / m.porosity[i], 1 + held, 1 / m.confined_modulus[i] if held == dilatation else 0.0


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


def resting_ratio(law: str, porosity: float, factor: Floats, exponent: float) -> Floats:
    """K0 of tissue whose porosity at rest is ``factor`` times another's, over the other's K0 [-].

    1 for laws in which porosity has no part.

    Args:
        law: name in ``LAWS``.
        porosity: phi0 of the other [-].
        factor: of the porosity [-].
        exponent: m of ``holmes_mow`` [-].
    """
    if law == "kozeny_carman":
        return np.asarray(factor**3 * ((1 - porosity) / (1 - porosity * factor)) ** 2)
    return np.asarray(factor**exponent) if law == "holmes_mow" else np.ones(factor.size)


FISSURING_LAWS: Final = frozenset({"fissuring", "logistic", "ramp"})
"""Laws under which tissue opens for good."""

LAWS: Final[dict[str, Law]] = {
    "rigid": rigid,
    "exponential": exponential,
    "kozeny_carman": kozeny_carman,
    "holmes_mow": holmes_mow,
    "fissuring": fissuring,
    "logistic": logistic,
    "ramp": ramp,
}

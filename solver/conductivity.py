# SPDX-License-Identifier: MIT
"""Laws for the hydraulic conductivity K = K0 f(p, p_max): each returns f and df/dp.

``p_max`` is the largest pressure a point has seen, this step's included, so its derivative counts where
the pressure is rising past it; leaving that out makes the first step of an injection wrong for ever.
To add a law: write a function of ``LawInput`` and name it in ``LAWS``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LARGEST_DILATATION_IN_EXPONENT: Final = 0.5
"""Beyond this, either way, small strain is meaningless; the exponential would run away, or K vanish."""


@dataclass(frozen=True, kw_only=True)
class LawParameters:
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


@dataclass(frozen=True, kw_only=True)
class LawInput:
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


def rigid(at: LawInput) -> tuple[Floats, Floats]:
    """Conductivity that never changes: f = 1."""
    return np.ones_like(at.excess), np.zeros_like(at.excess)


def exponential(at: LawInput) -> tuple[Floats, Floats]:
    """Conductivity of a swelling matrix: f = exp(M e), e = (p - p0)/H (Lai and Mow, 1980)."""
    m = at.parameters
    dilatation = at.excess / m.confined_modulus
    limit = LARGEST_DILATATION_IN_EXPONENT
    factor = np.exp(m.exponent * np.clip(dilatation, -limit, limit))
    return factor, factor * np.where(np.abs(dilatation) < limit, m.exponent / m.confined_modulus, 0.0)


def fissuring(at: LawInput) -> tuple[Floats, Floats]:
    """Fissures that open for good: f = exp(M e) R_K^L, L = 1/(1 + exp(-(p_max - p_c)/w)).

    The logarithm of K is interpolated, so tissue at rest keeps K0.
    """
    m = at.parameters
    share, slope = _logistic(at)
    factor, derivative = exponential(at)
    opened = np.exp(m.log_ratio * share)
    return factor * opened, (derivative + factor * m.log_ratio * slope) * opened


def logistic(at: LawInput) -> tuple[Floats, Floats]:
    """Fissures with K itself interpolated: f = exp(M e) [1 + (R_K - 1) L].

    The tail of L makes resting tissue far too permeable; offered because statements on washout
    must be shown to survive the choice of law.
    """
    return _interpolated(at, *_logistic(at))


def ramp(at: LawInput) -> tuple[Floats, Floats]:
    """Fissures with a compact C1 ramp over p_c - 2w to p_c + 2w: f = exp(M e) [1 + (R_K - 1) s]."""
    m = at.parameters
    x = np.clip((at.largest - m.fissuring_pressure) / (4 * m.fissuring_width) + 0.5, 0.0, 1.0)
    slope = 6 * x * (1 - x) / (4 * m.fissuring_width) * at.rising
    return _interpolated(at, x * x * (3 - 2 * x), slope)


def _logistic(at: LawInput) -> tuple[Floats, Floats]:
    m = at.parameters
    x = (at.largest - m.fissuring_pressure) / m.fissuring_width
    share = 0.5 * (1 + np.tanh(0.5 * x))
    return share, share * (1 - share) / m.fissuring_width * at.rising


def _interpolated(at: LawInput, share: Floats, slope: Floats) -> tuple[Floats, Floats]:
    factor, derivative = exponential(at)
    gain = np.expm1(at.parameters.log_ratio)
    opened = 1 + gain * share
    return factor * opened, derivative * opened + factor * gain * slope


FISSURING_LAWS: Final = frozenset({"fissuring", "logistic", "ramp"})
"""Laws under which tissue opens for good."""

LAWS: Final[dict[str, Law]] = {
    "rigid": rigid,
    "exponential": exponential,
    "fissuring": fissuring,
    "logistic": logistic,
    "ramp": ramp,
}

# SPDX-License-Identifier: MIT
"""Agent between interstitial fluid and cells at a point, and what it meets inside them. No meshes here.

    dm/dt   = -G (C - C_c/K)
    dm_c/dt =  G (C - C_c/K) - k_c m_c - r m_c q,    dq/dt = -r m_c q

With the reductant q held at its logarithmic mean over the step the system is linear and solved exactly; the
mean is the one for which agent and reductant lose the same. So nothing is lost or made, nothing turns
negative, and both limits, plenty of reductant and none left, are exact at any step. Binding is the same
without a reaction: the partition coefficient K sets the retardation 1 + phi_c K/phi.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CLOSE: Final = 1e-13
"""Difference of what agent and reductant lose, over the reductant, at which the mean is found."""
MOST: Final = 80


class Phases(NamedTuple):
    """Constants of the nodes, shape ``(n,)``, and the partition.

    Attributes:
        fluid: interstitial fluid W [m3].
        cells: volume of the cells [m3].
        exchange: G, membrane permeability times surface [m3/s].
        partition: K, C_c/C in equilibrium [-].
        loss: k_c [1/s].
        rate: r = k2/(nu M W_c) [1/(kg s)].
    """

    fluid: Floats
    cells: Floats
    exchange: Floats
    partition: float
    loss: float
    rate: Floats


class TakenUp(NamedTuple):
    """What is left after a time, shape ``(n,)``.

    Attributes:
        free: agent in the fluid [kg].
        held: agent in cells [kg].
        left: share of the reductant that is left [-].
        lost: agent that the first-order loss took [kg].
        seen: integral of C dt in the fluid [kg s/m3].
        met: integral of C_c dt in cells [kg s/m3].
    """

    free: Floats
    held: Floats
    left: Floats
    lost: Floats
    seen: Floats
    met: Floats


@njit(cache=True)
def linear_step(
    free: float, held: float, away: float, back: float, loss: float, time: float
) -> tuple[float, float, float, float]:
    """Two phases that exchange and lose at constant rates, over a time; every term is positive.

    Args:
        free: agent in the fluid [kg].
        held: agent in cells [kg].
        away: rate from fluid to cells [1/s].
        back: rate from cells to fluid, positive [1/s].
        loss: rate in cells [1/s].
        time: [s].

    Returns:
        Both at the end [kg], and their integrals over the time [kg s].
    """
    out = back + loss
    gap = math.sqrt((away - out) ** 2 + 4.0 * away * back)
    # the eigenvalues' distances from both diagonal entries; their product is known, so neither cancels
    if away >= out:
        beyond_out = 0.5 * (away - out + gap)
        beyond_away = away * back / beyond_out
    else:
        beyond_away = 0.5 * (out - away + gap)
        beyond_out = away * back / beyond_away
    fast = 0.5 * (away + out + gap)
    slow = away * loss / fast
    e1, e2 = math.exp(-slow * time), math.exp(-fast * time)
    z = slow * time
    f1 = time * (1.0 - 0.5 * z) if z < 1e-8 else -math.expm1(-z) / slow
    f2 = -math.expm1(-fast * time) / fast
    a, b = beyond_away * free + back * held, beyond_out * free - back * held
    c, d = away * free + beyond_out * held, -away * free + beyond_away * held
    return (
        max((e1 * a + e2 * b) / gap, 0.0),
        max((e1 * c + e2 * d) / gap, 0.0),
        max((f1 * a + f2 * b) / gap, 0.0),
        max((f1 * c + f2 * d) / gap, 0.0),
    )


@njit(cache=True)
def mean_reductant(
    amounts: tuple[float, float],
    rates: tuple[float, float, float],
    strength: tuple[float, float],
    time: float,
) -> float:
    """The reductant's logarithmic mean over a step, as a share of what there was at its start.

    Args:
        amounts: agent in the fluid and in cells [kg].
        rates: away, back and first-order loss [1/s].
        strength: rate of the reaction at its start [1/s], and r [1/(kg s)].
        time: [s].
    """
    low, high, below, above = 0.0, 1.0, 0.0, 0.0
    share = 1.0
    for turn in range(MOST):
        met = (
            strength[1]
            * linear_step(amounts[0], amounts[1], rates[0], rates[1], rates[2] + share * strength[0], time)[3]
        )
        lacks = share * met + math.expm1(-met)
        if abs(lacks) <= CLOSE or (turn == 0 and lacks <= 0.0):
            break
        if lacks > 0.0:
            high, above = share, lacks
        else:
            low, below = share, lacks
        # alternate a secant with halving: safe, and fast where the function is nearly straight
        if turn % 3 == 2 or below == 0.0:
            share = 0.5 * (low + high)
        else:
            share = low + (high - low) * below / (below - above)
    return share


@njit(cache=True)
def take_up(free: Floats, held: Floats, demand: Floats, phases: Phases, time: float) -> TakenUp:
    """Let fluid and cells exchange, and the agent in cells react, for a time.

    Args:
        free: agent in the fluid [kg].
        held: agent in cells [kg].
        demand: q, the reductant as agent that it can use up [kg].
        phases: constants.
        time: [s].
    """
    n = free.size
    out = TakenUp(np.zeros(n), np.zeros(n), np.ones(n), np.zeros(n), np.zeros(n), np.zeros(n))
    for i in range(n):
        total = free[i] + held[i]
        if total <= 0.0:
            continue
        if phases.exchange[i] == 0.0 and held[i] <= 0.0:
            # no cells here, as in needle tracks
            out.free[i], out.seen[i] = free[i], time * free[i] / phases.fluid[i]
            continue
        away = phases.exchange[i] / phases.fluid[i]
        back = phases.exchange[i] / (phases.partition * phases.cells[i])
        strength = phases.rate[i] * demand[i]
        share = 0.0
        if strength > 0.0:
            share = mean_reductant(
                (free[i], held[i]), (away, back, phases.loss), (strength, phases.rate[i]), time
            )
        end = linear_step(free[i], held[i], away, back, phases.loss + share * strength, time)
        gone = max(total - end[0] - end[1], 0.0)
        lost = min(phases.loss * end[3], gone)
        if strength > 0.0:
            out.left[i] = max(1.0 - (gone - lost) / demand[i], 0.0)
        else:
            lost = gone
        out.free[i], out.held[i], out.lost[i] = end[0], end[1], lost
        out.seen[i], out.met[i] = end[2] / phases.fluid[i], end[3] / phases.cells[i]
    return out

# SPDX-License-Identifier: MIT
"""Agent against a finite reductant at a point: the bilinear reaction, integrated exactly. No meshes here.

    dm/dt = -r m q,  dq/dt = -r m q

with the agent m, the reductant q as the agent that it can still use up, both in kg, and r = k2/(nu M W) for
the fluid W that holds the agent. What m and q differ by stays. All forms below are free of cancellation
and overflow, from r t = 0 to an end that either of them does not live to see.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Titrated(NamedTuple):
    """What a reaction leaves.

    Attributes:
        agent: [kg].
        left: share of the reductant that is left [-].
        seen: r times the integral of m dt, the exponent by which the reductant fell [-].
    """

    agent: Floats
    left: Floats
    seen: Floats


def titrate(agent: Floats, demand: Floats, rate_time: Floats) -> Titrated:
    """Let agent and reductant react.

    Args:
        agent: m at the start [kg].
        demand: q at the start [kg].
        rate_time: r t [1/kg].
    """
    agent = np.maximum(agent, 0.0)
    excess = agent - demand
    lesser = np.minimum(agent, demand)
    z = rate_time * np.abs(excess)
    small = z < 1e-4
    tiny = np.where(small, z, 0.0)
    share = np.where(small, 1 - tiny / 2 + tiny * tiny / 6, -np.expm1(-z) / np.where(small, 1.0, z))
    met = lesser * rate_time * share
    fade_agent = rate_time * np.maximum(-excess, 0.0)
    fade_demand = rate_time * np.maximum(excess, 0.0)
    return Titrated(
        agent=agent * np.exp(-fade_agent) / (1 + met),
        left=np.exp(-fade_demand) / (1 + met),
        seen=fade_demand + np.log1p(met),
    )

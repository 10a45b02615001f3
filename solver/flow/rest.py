# SPDX-License-Identifier: MIT
"""The pressure of tissue at rest: vessels, lymph and boundary in balance, before anything is injected."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.flow.balance import Target
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]
Solve = Callable[[Target, Floats], Floats]

FIRST_STEP: Final = 10.0
"""Of the march towards rest [s]."""
GROWTH: Final = 4.0
LAST_STEP: Final = 1e9
"""From this step on storage holds nothing back [s]."""
SHORTEST_STEP: Final = 1e-3


def rest_target(data: Discretisation) -> Target:
    """The balance at rest; nothing swells, so the dilatation of the conductivity laws is 0."""
    start = np.full(data.volume.size, data.far.pressure)
    none = np.zeros_like(start)
    law = data.materials.law
    return Target(
        largest=np.full_like(start, -np.inf),
        reference=start,
        known=none,
        compliance=none,
        law=law._replace(confined_modulus=np.full_like(law.exponent, np.inf)),
    )


def local_balance(data: Discretisation) -> Floats:
    """Pressure at which vessels and lymph of each node alone would balance; that far away where it has none.

    Blood flow bounds what vessels filter, and such a bound has no slope: Newton's method started from a
    pressure at which it holds everywhere sees a tissue that takes up anything. From here it is not active.
    """
    pairs, m = data.pairs, data.materials
    vessels, lymph = pairs.volume * m.vessel_conductance, pairs.volume * m.lymph_conductance
    weight = pairs.to_nodes(vessels + lymph)
    pull = pairs.to_nodes(vessels * m.effective_vessel_pressure + lymph * m.lymph_pressure)
    start = np.full(weight.size, data.far.pressure)
    return data.halo.update(np.divide(pull, weight, out=start, where=weight > 0))


def march_to_rest(data: Discretisation, target: Target, solve: Solve, failure: type[Exception]) -> Floats:
    """Let the tissue come to rest in time: storage holds each step of Newton's method back. Collective.

    Args:
        data: static data.
        target: the balance at rest.
        solve: Newton's method, from a target and a guess.
        failure: what it raises.

    Raises:
        Exception: ``failure``, when the shortest step fails too.
    """
    swelling = data.halo.update(data.pairs.to_nodes(data.pairs.volume / data.materials.law.confined_modulus))
    pressure, step = local_balance(data), FIRST_STEP
    while step < LAST_STEP:
        held = Target(
            largest=target.largest,
            reference=pressure,
            known=target.known,
            compliance=swelling / step,
            law=target.law,
        )
        try:
            pressure = solve(held, pressure)
        except failure:
            step /= GROWTH
            if step < SHORTEST_STEP:
                raise
            continue
        step *= GROWTH
    return solve(target, pressure)

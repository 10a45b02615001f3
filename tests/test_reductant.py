# SPDX-License-Identifier: MIT
"""The local reactions by themselves: against integrated equations, at extremes, and uptake in its limits."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from solver.chemistry.reductant import titrate
from solver.chemistry.uptake import Phases, take_up
from solver.parameters.chemistry import Chemistry, Uptake
from solver.parameters.model import Schedule
from solver.simulate import simulate
from tests import analytic as an
from tests.spheres import EXACT, PLAIN, discretised, geometric, in_order, model, order, pulse, tissue

pytestmark = pytest.mark.serial


@pytest.mark.parametrize(
    ("agent", "demand", "rate"),
    [(1.0, 2.0, 0.7), (2.0, 1.0, 3.0), (1.0, 1.0, 2.0), (1.0, 1.0 + 1e-9, 2.0), (3.0, 1e-6, 1.0)],
)
def test_titration_solves_its_equations(agent: float, demand: float, rate: float) -> None:
    def equations(time: float, y: list[float]) -> list[float]:
        met = rate * y[0] * y[1]
        return [-met, -met, rate * y[0]]

    exact = solve_ivp(equations, (0.0, 1.0), [agent, demand, 0.0], rtol=1e-12, atol=1e-15, method="Radau").y[
        :, -1
    ]
    found = titrate(np.array([agent]), np.array([demand]), np.array([rate]))
    assert found.agent[0] == pytest.approx(exact[0], rel=1e-9)
    assert found.left[0] * demand == pytest.approx(exact[1], rel=1e-8)
    assert found.seen[0] == pytest.approx(exact[2], rel=1e-9)


def test_titration_at_any_speed() -> None:
    """From nothing to k2 S t = 1e12: no overflow, no negative amounts, both lose the same."""
    rng = np.random.default_rng(7)
    agent, demand = 10.0 ** rng.uniform(-20.0, -6.0, (2, 4000))
    agent[:200], demand[200:400], demand[400:600] = 0.0, 0.0, agent[400:600]
    rate_time = 10.0 ** rng.uniform(-6.0, 12.0, agent.size) / np.maximum(np.maximum(agent, demand), 1e-20)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = titrate(agent, demand, rate_time)
    assert (found.agent >= 0.0).all() and (found.left >= 0.0).all() and (found.left <= 1.0).all()
    lost, used = agent - found.agent, demand * (1.0 - found.left)
    assert np.abs(lost - used).max() <= 1e-14 * agent.max()
    assert (np.abs(lost - used) <= 1e-13 * np.maximum(agent, demand)).all()
    assert (
        np.minimum(found.agent, demand * found.left)[rate_time * np.abs(agent - demand) > 800] == 0.0
    ).all()


def phases(exchange: float, partition: float = 1.0, loss: float = 0.0, rate: float = 0.0) -> Phases:
    def one(value: float) -> np.ndarray:
        return np.array([value])

    return Phases(one(0.3), one(0.5), one(exchange), partition, loss, one(rate))


@pytest.mark.parametrize(
    ("exchange", "partition", "loss", "rate", "demand"),
    [(0.1, 1.0, 0.0, 3.0, 2.0), (0.1, 1.0, 0.01, 3.0, 0.2), (1.0, 20.0, 0.1, 0.5, 0.5)],
)
def test_uptake_tends_to_its_equations_at_second_order(
    exchange: float, partition: float, loss: float, rate: float, demand: float
) -> None:
    def equations(time: float, y: list[float]) -> list[float]:
        moved = exchange * (y[0] / 0.3 - y[1] / (0.5 * partition))
        met = rate * y[1] * y[2]
        return [-moved, moved - loss * y[1] - met, -met]

    exact = solve_ivp(equations, (0.0, 5.0), [1.0, 0.1, demand], rtol=1e-11, atol=1e-14, method="Radau").y[
        :, -1
    ]
    errors = []
    for count in (8, 16, 32):
        free, held, left = np.array([1.0]), np.array([0.1]), 1.0
        lost = 0.0
        for _ in range(count):
            end = take_up(
                free, held, np.array([demand * left]), phases(exchange, partition, loss, rate), 5.0 / count
            )
            free, held, left, lost = end.free, end.held, left * end.left[0], lost + end.lost[0]
        total = free[0] + held[0] + lost + demand * (1.0 - left)
        assert total == pytest.approx(1.1, rel=1e-12)
        errors.append(abs(free[0] - exact[0]) + abs(held[0] - exact[1]) + abs(demand * left - exact[2]))
    assert errors[-1] < 1e-3
    assert order(errors) > 1.8


def test_uptake_without_reaction_is_exact() -> None:
    """Exchange alone settles at C_c = K C, at its own rate, in one step."""
    end = take_up(np.array([1.0]), np.array([0.0]), np.array([0.0]), phases(0.2, 4.0), 3.0)
    rate = 0.2 / 0.3 + 0.2 / (0.5 * 4.0)
    share = 0.3 / (0.3 + 4.0 * 0.5)
    assert end.free[0] == pytest.approx(share + (1.0 - share) * np.exp(-3.0 * rate), rel=1e-12)
    assert end.free[0] + end.held[0] == pytest.approx(1.0, rel=1e-15)


def test_uptake_at_extremes() -> None:
    """Rates of up to 1e8 1/s, at steps of hours: what is lost is what is used up, and nothing is negative."""
    rng = np.random.default_rng(3)
    n = 3000
    free, held, demand = 10.0 ** rng.uniform(-18.0, -6.0, (3, n))
    held[:100], demand[100:400], free[200:300] = 0.0, 0.0, 0.0
    constants = Phases(
        np.full(n, 3e-10), np.full(n, 5e-10), 10.0 ** rng.uniform(-14.0, -2.0, n), 1.0, 1e-3, np.full(n, 1e12)
    )
    for time in (1e-3, 1.0, 1e4):
        end = take_up(free, held, demand, constants, time)
        for values in end:
            assert np.isfinite(values).all() and (values >= 0.0).all()
        gone = free + held - end.free - end.held - end.lost
        assert np.abs(gone - demand * (1.0 - end.left)).max() <= 1e-12 * (free + held).max()


@pytest.mark.parametrize("partition", [1.0, 5.0])
def test_fast_uptake_retards_the_front(partition: float) -> None:
    """Linear binding: the front stands where a medium of porosity phi + phi_c K would have it."""
    cavity, porosity, cells_fraction = 0.359e-3, 0.2, 0.4
    injection = pulse(an.ML_PER_MIN, 60.0, 0.3)
    uptake = Uptake(membrane_rate=1e4, cell_fraction=cells_fraction, partition=partition)
    what = model(
        tissue(porosity=porosity),
        PLAIN,
        injection,
        numerics=replace(EXACT, fixed_step=0.25),
        schedule=Schedule(end=60.0),
        chemistry=Chemistry(uptake=uptake),
    )
    radii = geometric(cavity, 20e-3, 400)
    data = discretised(radii, what)
    *_, last = simulate(data, what)
    exact = an.front_radius(an.ML_PER_MIN, 60.0, porosity + cells_fraction * partition, cavity)
    middle = np.interp(-0.15, -in_order(data, last.agent.concentration), radii)
    assert middle == pytest.approx(exact, rel=0.01)
    assert last.ledger.agent_residual() < 1e-12
    held = last.ledger.rows()["agent_in_cells"] / last.ledger.rows()["agent_injected"]
    assert held == pytest.approx(1.0 / (1.0 + porosity / (cells_fraction * partition)), rel=1e-3)

# SPDX-License-Identifier: MIT
"""Where injected fluid and agent enter when there are two tips, and the dose of agent at rest."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from meshes.cells.quality import volumes
from meshes.distribution.distribute import distribute
from meshes.geometry import Site
from meshes.plain import Geometry
from meshes.regions import CAVITY
from solver.agent.transport import AgentState, Transport
from solver.flow.step import FlowSolver
from solver.parameters.model import Agent, Injection, Model, Numerics, Physics, Schedule
from solver.simulate import simulate
from solver.snapshot import Snapshot
from solver.tissue.boundary import SourceError
from solver.tissue.discretisation import Discretisation, discretise
from tests.coarse import (
    CAVITY_RADIUS,
    COMM,
    GEOMETRIES,
    ML_PER_MIN,
    ball,
    discretised,
    full_model,
    gathered,
    half_disc,
    pulse,
)

Floats = NDArray[np.float64]

STILL = Physics(vessels=False, lymph=False, conductivity="rigid")
TIPS = ((7e-3, 0.0, 0.0), (-7e-3, 1e-3, 0.0))
RADII = (4e-3, 5e-3)
PULSES = (
    Injection(site=0, start=0.0, volume=4 * ML_PER_MIN, rate=ML_PER_MIN, concentration=3.0),
    Injection(site=1, start=6.0, volume=8 * ML_PER_MIN, rate=2 * ML_PER_MIN, concentration=1.0),
)
"""Four seconds at the first tip, two of rest, four at the second; times [s]."""


def place(tip: tuple[float, float, float], radius: float | None) -> Site:
    return Site(tip=tip, direction=(0.0, 0.0, -1.0), needle_radius=CAVITY_RADIUS, source_radius=radius)


SITES = tuple(place(tip, radius) for tip, radius in zip(TIPS, RADII, strict=True))


def shares() -> Floats:
    """What each node of the ball takes of each site, from the plain mesh."""
    plain = ball()
    nodal = np.bincount(plain.cells.ravel(), np.repeat(volumes(plain.points, plain.cells) / 4, 4))
    rows = [
        nodal * np.maximum(1 - (np.linalg.norm(plain.points - tip, axis=1) / radius) ** 2, 0.0)
        for tip, radius in zip(TIPS, RADII, strict=True)
    ]
    return np.array([row / row.sum() for row in rows])


@cache
def two_tips() -> tuple[Discretisation, dict[float, Snapshot]]:
    """A run in the ball with nothing that takes the agent away; snapshots by time [s]."""
    physics = replace(STILL, reaction=False)
    model = full_model(
        PULSES, physics=physics, numerics=Numerics(fixed_step=1.0), schedule=Schedule(end=10.0)
    )
    mesh = distribute(ball() if COMM.rank == 0 else None, COMM)
    data = discretise(mesh, model, SITES)
    return data, {round(snapshot.time, 6): snapshot for snapshot in simulate(data, model)}


def halves(values: Floats) -> tuple[float, float]:
    """Sums over the sides of the first and of the second tip."""
    x = ball().points[:, 0]
    return float(values[x > 0].sum()), float(values[x < 0].sum())


def test_each_source_is_where_its_tip_is() -> None:
    data, _ = two_tips()
    found = np.array([gathered(data, row) for row in data.sources])
    assert found == pytest.approx(shares(), rel=1e-9, abs=1e-12)
    assert np.all(np.count_nonzero(found, axis=1) > 5)


def test_walls_take_their_own_sites() -> None:
    """The wall of a cavity in two halves, one for each site."""
    plain = half_disc(6, 8)
    wall = plain.facet_tags == CAVITY
    lower = plain.points[plain.facets][:, :, 1].mean(axis=1) < 0
    tags = np.where(wall & lower, CAVITY + 1, plain.facet_tags).astype(np.int32)
    mesh = distribute(replace(plain, facet_tags=tags) if COMM.rank == 0 else None, COMM)
    walls = (place((0.0, 0.0, 0.0), None),) * 2
    data = discretise(mesh, full_model(()), walls)
    z = plain.points[:, 1]
    for row, side in zip(data.sources, (1, -1), strict=True):
        values = gathered(data, row)
        assert values.sum() == pytest.approx(1.0, rel=1e-12)
        assert values.min() == 0.0 and np.count_nonzero(values) >= 4
        assert np.all(side * z[values > 0] > -1e-9)
    with pytest.raises(SourceError, match="site 3"):
        discretise(mesh, full_model(()), (*walls, walls[0]))


@pytest.mark.parametrize(("start", "end", "active"), [(0.0, 4.0, 0), (6.0, 10.0, 1)])
def test_pressure_at_each_source(start: float, end: float, active: int) -> None:
    """Each is the mean over its own source, and rises where fluid is injected."""
    data, steps = two_tips()
    for time in (start, end):
        pressure = gathered(data, steps[time].flow.pressure)
        assert steps[time].source_pressure == pytest.approx(shares() @ pressure, rel=1e-9, abs=1e-9)
    rise = steps[end].source_pressure - steps[start].source_pressure
    assert rise[active] > 10 * max(rise[1 - active], 0.0) and rise[active] > 1e3


def test_agent_enters_at_the_tip_of_its_pulse() -> None:
    data, steps = two_tips()
    first, second = (p.volume * p.concentration for p in PULSES)
    early, rest, late = (gathered(data, steps[t].agent.amount) for t in (4.0, 6.0, 10.0))
    assert halves(early) == pytest.approx((first, 0.0), rel=1e-2, abs=1e-2 * first)
    assert halves(rest) == pytest.approx((first, 0.0), rel=1e-2, abs=1e-2 * first)
    assert halves(late) == pytest.approx((first, second), rel=2e-2)
    at_tips = shares() @ np.array([gathered(data, steps[t].agent.concentration) for t in (4.0, 10.0)]).T
    assert at_tips[0, 0] > 0.3 * PULSES[0].concentration and at_tips[1, 0] < 1e-6
    assert at_tips[1, 1] > 0.3 * PULSES[1].concentration
    assert max(halves(late - rest)[0], 0.0) < 1e-2 * second


def test_fluid_enters_at_the_tip_of_its_pulse() -> None:
    """In closed, quickly filled tissue most fluid is still stored on the side that it entered."""
    data, steps = two_tips()
    first, second = (p.volume for p in PULSES)
    early, late = (gathered(data, steps[t].flow.stored) for t in (1.0, 7.0))
    rest = gathered(data, steps[6.0].flow.stored)
    assert halves(early)[0] > 5 * abs(halves(early)[1])
    gained = halves(late - rest)
    assert gained[1] > 5 * abs(gained[0])
    totals = [steps[t].ledger.totals for t in (10.0,)]
    assert totals[0]["fluid_injected"] == pytest.approx(first + second, rel=1e-12)
    assert totals[0]["agent_injected"] == pytest.approx(3.0 * first + second, rel=1e-12)


def resting(geometry: Geometry, physics: Physics, rate: float) -> tuple[Model, Discretisation]:
    """Still fluid: nothing is injected and nothing is exchanged."""
    agent = Agent(name="agent", reaction_rate=rate, molar_mass=0.067)
    model = full_model((pulse(0.0, 1.0),), agent=agent, physics=physics)
    return model, discretised(geometry, model)


LENGTHS = (0.3, 7.0, 40.0)
"""Steps [s]."""


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize(("rate", "reaction"), [(0.0, True), (0.033, False), (0.033, True), (1e-9, True)])
def test_dose_of_still_agent(geometry: Geometry, rate: float, reaction: bool) -> None:
    """CT is C t without reaction and C (1 - exp(-k t))/k with it, whatever the steps."""
    physics = replace(STILL, reaction=reaction)
    model, data = resting(geometry, physics, rate)
    flow = FlowSolver(data, physics, model.numerics, ML_PER_MIN)
    transport = Transport(data, model.agent, physics, model.numerics)
    none, state = np.zeros(data.volume.size), flow.initial_state()
    agent = AgentState(concentration=none + 2.0, amount=2.0 * data.rest_fluid)
    dose: Floats = none
    reacted = 0.0
    for length in LENGTHS:
        step = flow.step(state, none, length, state.pressure)
        moved = transport.step(agent, (state.stored, step.state.stored), step, none, length)
        agent, state, dose = moved.state, step.state, dose + length * moved.mean
        rate_of_loss = moved.losses.reaction * moved.mean[data.pairs.node]
        reacted += length * data.halo.sum(data.pairs.to_nodes(rate_of_loss))
    time = sum(LENGTHS)
    gone = -np.expm1(-rate * reaction * time)
    expected = 2.0 * (gone / rate if rate and reaction else time)
    count = data.halo.owned
    # On several ranks round-off of the solve may trip the limiter; the loss is then that of the step's end.
    close = 1e-10 if data.halo.comm.size == 1 else 5e-8
    assert dose[:count] == pytest.approx(np.full(count, expected), rel=close)
    assert agent.concentration[:count] == pytest.approx(np.full(count, 2.0 * (1 - gone)), rel=1e-10)
    total = 2.0 * gone * data.halo.sum(data.rest_fluid)
    assert reacted == pytest.approx(total, rel=max(close, 1e-9), abs=1e-25)

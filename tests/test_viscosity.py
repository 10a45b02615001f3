# SPDX-License-Identifier: MIT
"""Viscous and gelling injectate: the tracer that follows it, the pressure that it takes, gel that stays."""

from dataclasses import replace

import numpy as np
import pytest

from meshes.plain import Geometry
from solver.agent.viscosity import gelled, mobility
from solver.flow.step import FlowSolver
from solver.parameters.delivery import Injectate
from solver.parameters.model import Agent, Model, Physics, Schedule
from solver.simulate import simulate
from solver.snapshot import Snapshot
from tests.coarse import GEOMETRIES, ML_PER_MIN, discretised, full_model, gathered, pulse
from tests.spheres import EXACT, PLAIN, geometric, in_order, model, tissue
from tests.spheres import discretised as shells
from tests.spheres import pulse as constant

GEL = Injectate(viscosity_ratio=20.0, gel_fraction=0.5, gel_ratio=100.0)


def test_gel_forms_stays_and_dissolves() -> None:
    share = np.array([0.0, 0.25, 0.5, 0.525, 0.55, 1.0])
    first = gelled(GEL, share, np.zeros(6))
    assert first == pytest.approx([0.0, 0.5, 1.0, 0.5, 0.0, 0.0])
    diluted = gelled(GEL, 0.1 * share, first)
    assert diluted == pytest.approx(np.maximum(first, 0.2 * share)), "gel stays, and what was fluid begins to"
    assert gelled(GEL, np.ones(6), diluted) == pytest.approx(np.zeros(6)), "fresh injectate dissolves it"
    assert gelled(Injectate(), share, np.zeros(6)).max() == 0.0


def test_mobility_mixes_logarithms() -> None:
    share, gel = np.array([0.0, 0.5, 1.0, 0.3]), np.array([0.0, 0.0, 0.0, 1.0])
    found = mobility(GEL, {"injectate_fraction": share, "gel_degree": gel})
    assert found == pytest.approx([1.0, 20**-0.5, 1 / 20, 20**-0.3 / 100])


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_even_viscosity_scales_the_pressure(geometry: Geometry) -> None:
    """Rigid tissue, steady flow, m everywhere: the rise of the pressure is m times as large."""
    physics = Physics(flow="steady", conductivity="rigid", vessels=False, lymph=False, far_field="fixed")
    what = full_model((pulse(0.0, 1.0),), physics=physics, numerics=EXACT)
    data = discretised(geometry, what)
    rises = []
    for factor in (None, np.full(data.volume.size, 1 / 7.0)):
        flow = FlowSolver(data, physics, EXACT, ML_PER_MIN)
        state = flow.initial_state()
        flow.balance.mobility = factor
        step = flow.step(state, ML_PER_MIN * data.sources[0], 1.0, state.pressure)
        rises.append(gathered(data, step.state.pressure) - gathered(data, state.pressure))
    assert rises[1] == pytest.approx(7.0 * rises[0], rel=1e-6, abs=1e-6 * rises[1].max())


def test_two_zones_against_the_closed_form() -> None:
    """A sharp front at r_f: p_a = Q/(4 pi K) [m (1/a - 1/r_f) + 1/r_f - 1/b]."""
    ratio, porosity, cavity, far, conductivity, rate = 10.0, 0.2, 0.5e-3, 20e-3, 3.1e-12, 1e-9
    physics = replace(PLAIN, viscosity=True, far_field="fixed", far_pressure=0.0)
    medium = tissue(porosity=porosity, hydraulic_conductivity=conductivity)
    agent = Agent(
        name="agent", reaction_rate=0.0, molar_mass=0.05, injectate=Injectate(viscosity_ratio=ratio)
    )
    what = replace(model(medium, physics, constant(rate, 40.0)), agent=agent, schedule=Schedule(end=40.0))
    front = np.cbrt(cavity**3 + 3 * rate * 40.0 / (4 * np.pi * porosity))
    inner, outer = ratio * (1 / cavity - 1 / front), 1 / front - 1 / far
    exact = rate / (4 * np.pi * conductivity) * (inner + outer)
    errors = []
    for cells in (100, 400):
        data = shells(geometric(cavity, far, cells), what)
        *_, last = simulate(data, replace(what, numerics=replace(EXACT, fixed_step=100.0 / cells)))
        errors.append(abs(in_order(data, last.flow.pressure)[0] / exact - 1))
        assert last.ledger.agent_residual() < 1e-10
    assert errors[1] < 0.01 and errors[1] < 0.6 * errors[0]
    rigid = rate / (4 * np.pi * conductivity) * (1 / cavity - 1 / far)
    assert exact > 5 * rigid, "the check would see a front that is not there"


def last_of(geometry: Geometry, what: Model) -> Snapshot:
    *_, last = simulate(discretised(geometry, what), what)
    return last


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_the_tracer_is_the_inert_agent(geometry: Geometry) -> None:
    """The share that is transported for an agent that reacts is C/C_in of one that does not."""
    physics = Physics(viscosity=True, far_pressure=-500.0)
    found = []
    for rate in (0.0, 0.033):
        agent = Agent(name="agent", reaction_rate=rate, molar_mass=0.05, injectate=GEL)
        what = full_model((pulse(0.0, 8.0),), physics=physics, agent=agent, schedule=Schedule(end=16.0))
        what = replace(what, numerics=replace(what.numerics, fixed_step=1.0))
        last = last_of(geometry, what)
        data = discretised(geometry, what)
        found.append({name: gathered(data, values) for name, values in last.condition.items()})
        assert last.ledger.agent_residual() < 1e-10 and last.ledger.fluid_residual() < 1e-10
    assert "injectate_amount" in found[1] and "injectate_amount" not in found[0]
    for name in ("injectate_fraction", "gel_degree"):
        assert found[0][name] == pytest.approx(found[1][name], abs=2e-6)
        assert found[0][name].max() > 0.2 and found[0][name].min() > -1e-12
    assert found[0]["injectate_fraction"].max() <= 1 + 1e-10


def test_gel_raises_the_pressure_and_keeps_injectate_where_it_is() -> None:
    """Against the same injectate without the polymer: more pressure, and a pressure that lasts longer."""
    pressures, left = [], []
    for injectate in (Injectate(), GEL):
        agent = Agent(name="agent", reaction_rate=0.0, molar_mass=0.05, injectate=injectate)
        what = full_model(
            (pulse(0.0, 10.0),), agent=agent, physics=Physics(viscosity=True), schedule=Schedule(end=60.0)
        )
        steps = list(simulate(discretised("radial", what), what))
        pressures.append(max(step.source_pressure[0] for step in steps))
        left.append(steps[-1].ledger.states["agent_in_tumour"] / steps[-1].ledger.totals["agent_injected"])
    assert pressures[1] > 1.05 * pressures[0]
    assert left[1] > left[0]

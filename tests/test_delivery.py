# SPDX-License-Identifier: MIT
"""Pulses at a pressure, withdrawal, side holes and decay in the syringe: what goes in and comes out."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from meshes.distribution.distribute import distribute
from meshes.geometry import Site
from meshes.plain import Geometry, PlainMesh
from solver.agent.transport import AgentState, Transport
from solver.delivery.pulses import Delivered, Delivery, injection_report, mean_concentration
from solver.flow.injection import Inlet, pressed, withdrawn
from solver.flow.state import FlowStep
from solver.flow.step import FlowSolver
from solver.memory import Arrays, pack
from solver.parameters.delivery import Drive, Injectate, Line, Outlet
from solver.parameters.model import Agent, Injection, Model, Numerics, Physics, Schedule
from solver.simulate import TimeLoop, simulate
from solver.snapshot import Snapshot
from solver.tissue.discretisation import Discretisation, discretise
from tests.coarse import (
    CAVITY_RADIUS,
    COMM,
    DOMAIN,
    GEOMETRIES,
    INLET,
    ML_PER_MIN,
    ball,
    discretised,
    full_model,
    half_disc,
)
from tests.coarse import shells as coarse_shells
from tests.coarse import site as needle_site
from tests.spheres import PLAIN, geometric, model, steady_flow, tissue
from tests.spheres import discretised as shells
from tests.spheres import pulse as constant

VOLUME = 0.1e-6
LINE = Line(resistance=1e11, diameter=0.4e-3, viscosity=1e-3, density=1e3)
PRESSED = Injection(
    site=0,
    start=0.0,
    volume=VOLUME,
    rate=VOLUME / 60.0,
    concentration=INLET,
    line=LINE,
    drive=Drive(pressure=20e3),
)
PUMPED = Injection(site=0, start=0.0, volume=VOLUME, rate=VOLUME / 6.0, concentration=INLET, line=LINE)
DRAWN = Injection(
    site=0,
    start=8.0,
    volume=0.2 * VOLUME,
    rate=0.02 * VOLUME,
    concentration=0.0,
    line=LINE,
    drive=Drive(pressure=-1e3, withdraws=True),
)


@cache
def run(geometry: Geometry, pulses: tuple[Injection, ...], end: float) -> tuple[Model, list[Snapshot]]:
    """All snapshots of a run with every effect on."""
    what = full_model(pulses, schedule=Schedule(end=end))
    return what, list(simulate(discretised(geometry, what), what))


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_a_pressed_syringe_ends_with_its_volume(geometry: Geometry) -> None:
    what, steps = run(geometry, (PRESSED,), 20.0)
    last = steps[-1]
    assert last.ledger.totals["fluid_injected"] == pytest.approx(VOLUME, rel=1e-12)
    assert last.ledger.totals["agent_injected"] == pytest.approx(INLET * VOLUME, rel=1e-12)
    assert last.ledger.agent_residual() < 1e-10 and last.ledger.fluid_residual() < 1e-10
    report = injection_report(what, last.delivered)[0]
    assert 0.0 < report["end_s"] < 20.0 < PRESSED.end
    assert any(step.time == report["end_s"] for step in steps), "a step ends with the volume"
    # it goes in faster as tissue fissures, and never faster than with no tissue behind the needle
    assert report["largest_rate_m3_s"] < 20e3 / LINE.resistance
    assert report["plunger_pressure_Pa"] == 20e3
    assert min(step.lowest for step in steps) > -1e-12 and max(s.highest for s in steps) <= INLET * (
        1 + 1e-10
    )


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_the_rate_is_that_of_the_line(geometry: Geometry) -> None:
    """(P - p_tip)/R, whatever the mesh, with p_tip the mean over the source."""
    what = full_model((PRESSED,))
    data = discretised(geometry, what)
    step = driven(data, what, pressed(0, data.sources[0], 1e11, 20e3, False))
    tip = data.halo.sum(data.sources[0] * step.state.pressure)
    assert data.halo.sum(step.driven[0]) == pytest.approx((20e3 - tip) / 1e11, rel=1e-12)
    assert tip > 5e3


def driven(data: Discretisation, what: Model, inlet: Inlet, length: float = 0.5) -> FlowStep:
    """One step of the flow from rest, by one pulse that answers to the pressure."""
    flow = FlowSolver(data, what.physics, what.numerics, ML_PER_MIN)
    flow.balance.inlets = (inlet,)
    state = flow.initial_state()
    return flow.step(state, np.zeros(data.volume.size), length, state.pressure)


def test_pressed_against_the_closed_form() -> None:
    """Rigid tissue without vessels: Q = (P - p_far)/(R + (1/a - 1/b)/(4 pi K))."""
    conductivity, far, pressure = 3.1e-12, 20e-3, 50e3
    physics = replace(PLAIN, far_field="fixed", far_pressure=500.0)
    medium = tissue(hydraulic_conductivity=conductivity)
    behind = (1 / CAVITY_RADIUS - 1 / far) / (4 * np.pi * conductivity)
    resistance = 0.5 * behind
    what = model(medium, physics, constant(1e-8, 1.0))
    errors = []
    for cells in (50, 100, 200):
        data = shells(geometric(CAVITY_RADIUS, far, cells), what)
        found = driven(data, what, pressed(0, data.sources[0], resistance, pressure, False))
        rate = data.halo.sum(found.driven[0])
        errors.append(abs(rate / ((pressure - 500.0) / (resistance + behind)) - 1))
        # and exactly what a pump of that rate needs
        pumped = steady_flow(data, what, rate)
        tip = data.halo.sum(data.sources[0] * pumped.state.pressure)
        assert tip + resistance * rate == pytest.approx(pressure, rel=1e-7)
    assert errors[-1] < 1e-3 and np.log2(errors[0] / errors[2]) == pytest.approx(4.0, abs=0.3)


@pytest.mark.parametrize("sucks_back", [False, True])
def test_tissue_keeps_its_fluid_unless_it_is_asked_for(sucks_back: bool) -> None:
    """After an injection a syringe at a pressure below the tissue's."""
    slack = replace(
        PRESSED,
        start=6.0,
        volume=VOLUME,
        rate=VOLUME / 10,
        drive=Drive(pressure=500.0, sucks_back=sucks_back),
    )
    _, steps = run("radial", (PUMPED, slack), 12.0)
    rows = steps[-1].ledger.rows()
    if sucks_back:
        assert (
            rows["fluid_withdrawn"] > 0.0 and 0.0 < rows["agent_withdrawn"] < INLET * rows["fluid_withdrawn"]
        )
    else:
        assert rows["fluid_withdrawn"] == rows["agent_withdrawn"] == 0.0
    assert rows["fluid_injected"] == pytest.approx(VOLUME, rel=1e-12)
    assert steps[-1].ledger.agent_residual() < 1e-10 and steps[-1].ledger.fluid_residual() < 1e-10


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_withdrawal(geometry: Geometry) -> None:
    """All that is asked where tissue is open, at the concentration that is there; the books close."""
    what, steps = run(geometry, (PUMPED, DRAWN), 20.0)
    last = steps[-1]
    rows = last.ledger.rows()
    assert rows["fluid_withdrawn"] == pytest.approx(DRAWN.volume, rel=1e-12)
    assert rows["fluid_injected"] == pytest.approx(VOLUME, rel=1e-12)
    assert 0.0 < rows["agent_withdrawn"] < INLET * rows["fluid_withdrawn"]
    assert last.ledger.agent_residual() < 1e-10 and last.ledger.fluid_residual() < 1e-10
    assert min(step.lowest for step in steps) > -1e-12 and max(s.highest for s in steps) <= INLET * (
        1 + 1e-10
    )
    before = next(step for step in steps if step.time == pytest.approx(DRAWN.start))
    stays = run(geometry, (PUMPED,), 20.0)[1][-1]
    assert last.source_pressure[0] < stays.source_pressure[0] < before.source_pressure[0]
    assert injection_report(what, last.delivered)[1]["kind"] == "withdrawal"


def test_intact_tissue_gives_little() -> None:
    """Nothing was injected, so nothing has fissured: the tip is sucked shut."""
    eager = replace(DRAWN, start=0.0, volume=VOLUME, rate=VOLUME / 5)
    what, steps = run("radial", (eager,), 6.0)
    last = steps[-1]
    given = last.ledger.rows()["fluid_withdrawn"]
    assert 0.0 < given < 0.2 * VOLUME
    assert last.ledger.fluid_residual() < 1e-10 or given * last.ledger.fluid_residual() < 1e-20
    lowest = min(step.source_pressure[0] for step in steps[1:] if step.time <= 5.0)
    # the second step, of second order, overshoots the pressure at which the tip closes
    assert -2.5e3 < lowest < -500.0
    drawn = [step.source_pressure[0] for step in steps if 2.0 < step.time <= 5.0]
    assert min(drawn) > -1e3
    assert injection_report(what, last.delivered)[0]["volume_m3"] == pytest.approx(given, rel=1e-9)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_withdrawal_keeps_a_constant_state(geometry: Geometry) -> None:
    agent = Agent(name="agent", reaction_rate=0.0, molar_mass=0.067, plasma_concentration=INLET)
    physics = Physics(far_pressure=-500.0)
    what = full_model(
        (PUMPED,), agent=agent, physics=physics, numerics=Numerics(krylov_tolerance_agent=1e-15)
    )
    data = discretised(geometry, what)
    flow = FlowSolver(data, physics, what.numerics, ML_PER_MIN)
    transport = Transport(data, agent, physics, what.numerics)
    state, none = flow.initial_state(), np.zeros(data.volume.size)
    full = AgentState(concentration=none + INLET, amount=INLET * (data.rest_fluid + state.stored))
    for length, rate in ((2.0, ML_PER_MIN), (4.0, -0.3 * ML_PER_MIN), (20.0, -0.01 * ML_PER_MIN)):
        taken = withdrawn(0, data.sources[0], -rate, -1e3, 200.0)
        flow.balance.inlets = (taken,) if rate < 0 else ()
        source = max(rate, 0.0) * data.sources[0]
        step = flow.step(state, source, length, state.pressure)
        if rate < 0:
            assert step.withdrawn is not None and data.halo.sum(step.withdrawn) > 0.5 * -rate
        stored = state.stored, step.state.stored
        full = transport.step(full, stored, step, INLET * source, length).state
        state = step.state
        # fluid runs together at the tip, ten thousand times its volume in a step
        assert data.halo.max(np.abs(full.concentration / INLET - 1)) < 2e-11


def test_decay_in_the_syringe() -> None:
    """What enters is the integral of C0 exp(-k (t - t_filled)), to round-off and whatever the steps."""
    decay, filled, start = 0.05, -5.0, 2.0
    fading = replace(PUMPED, start=start, decay=decay, filled=filled)
    entered = quad(lambda t: fading.rate * INLET * np.exp(-decay * (t - filled)), start, fading.end)[0]
    _, steps = run("radial", (fading,), 15.0)
    last = steps[-1]
    assert last.ledger.totals["agent_injected"] == pytest.approx(entered, rel=1e-12)
    assert float(last.delivered.agent[0]) == pytest.approx(entered, rel=1e-12)
    assert last.ledger.agent_residual() < 1e-10
    highest = max(step.highest for step in steps)
    assert highest <= INLET * np.exp(-decay * (start - filled)) * (1 + 1e-10)
    assert mean_concentration(fading, start, 1e-9) == pytest.approx(INLET * np.exp(-decay * 7.0), rel=1e-9)
    assert mean_concentration(PUMPED, 0.0, 1.0) == INLET


@pytest.mark.parametrize("divisions", [6, 8, 11])
def test_openings_on_any_mesh(divisions: int) -> None:
    """Two rings and a tip: all that is stated goes in, each opening takes its share."""
    tips = ((0.0, 0.0, 0.0), (0.0, 0.0, 5e-3), (0.0, 0.0, 9e-3))
    sites = tuple(
        Site(tip=tip, direction=(0.0, 0.0, -1.0), needle_radius=CAVITY_RADIUS, source_radius=5e-3)
        for tip in tips
    )
    shares = (0.5, 0.3, 0.2)
    outlets = tuple(Outlet(site=number, share=share) for number, share in enumerate(shares))
    holed = replace(PUMPED, outlets=outlets)
    what = full_model((holed,), schedule=Schedule(end=6.0), numerics=Numerics(fixed_step=2.0))
    data = discretise(distribute(ball(divisions) if COMM.rank == 0 else None, COMM), what, sites)
    for number in range(3):
        assert data.halo.sum(data.sources[number]) == pytest.approx(1.0, rel=1e-12)
    *_, last = simulate(data, what)
    assert last.ledger.totals["fluid_injected"] == pytest.approx(VOLUME, rel=1e-12)
    assert last.ledger.agent_residual() < 1e-10
    tip = injection_report(what, last.delivered)[0]["tip_pressure_Pa"]
    highest = max(last.source_pressure)
    assert tip >= np.dot(shares, last.source_pressure) - 1e-9 and tip <= max(highest, tip)
    entering = Delivery(data, what).pumped(0.0)
    expected = sum(share * data.sources[number] for number, share in enumerate(shares))
    assert entering == pytest.approx(holed.rate * np.asarray(expected), rel=1e-12)


def test_several_needles_pumped_pressed_and_drawn_together() -> None:
    """Two places in the ball: a pump, a pressed syringe beside it at the same time, withdrawal after."""
    sites = tuple(
        replace(needle_site("3d"), tip=(x, 0.0, 0.0), source_radius=4e-3)
        for x in (-0.4 * DOMAIN, 0.4 * DOMAIN)
    )
    pulses = (PUMPED, replace(PRESSED, site=1, start=1.0), replace(DRAWN, start=8.0))
    what = full_model(pulses, schedule=Schedule(end=20.0))
    data = discretise(distribute(ball() if COMM.rank == 0 else None, COMM), what, sites)
    *_, last = simulate(data, what)
    rows = last.ledger.rows()
    assert rows["fluid_injected"] == pytest.approx(2 * VOLUME, rel=1e-12)
    assert rows["agent_injected"] == pytest.approx(2 * INLET * VOLUME, rel=1e-12)
    assert rows["fluid_withdrawn"] == pytest.approx(DRAWN.volume, rel=1e-12)
    assert last.ledger.agent_residual() < 1e-10 and last.ledger.fluid_residual() < 1e-10


def test_a_run_goes_on_from_its_memory() -> None:
    """In the middle of a pressed pulse, injectate followed and dispersed: the same numbers, bit by bit."""
    agent = replace(
        full_model(()).agent, injectate=Injectate(viscosity_ratio=5.0, gel_fraction=0.4, gel_ratio=5.0)
    )
    what = full_model(
        (PRESSED, DRAWN),
        agent=agent,
        physics=Physics(viscosity=True, dispersion=True),
        schedule=Schedule(end=14.0),
    )
    data = discretised("axisymmetric", what)
    whole = TimeLoop(data, what)
    while whole.snapshot.delivered.volume[0] < 0.5 * VOLUME:
        whole.advance()
    assert not np.isfinite(whole.snapshot.delivered.ended[0])
    arrays: Arrays = {}
    tree = pack(whole.memory(), arrays)
    resumed = TimeLoop(data, what)
    resumed.recall(tree, {name: values.copy() for name, values in arrays.items()})
    while not whole.done:
        one, other = whole.advance(), resumed.advance()
        assert one.time == other.time
    assert np.array_equal(one.agent.amount, other.agent.amount)
    assert np.array_equal(one.condition["gel_degree"], other.condition["gel_degree"])
    assert one.delivered.ended[0] == other.delivered.ended[0] < 8.0


def test_a_pressure_that_rises() -> None:
    """No more goes in than the line lets through at the moment's pressure; the volume is still exact."""
    rising = replace(PRESSED, drive=Drive(pressure=20e3, rise=4.0))
    what, steps = run("radial", (rising,), 20.0)
    slow, fast = (injection_report(*found)[0]["end_s"] for found in ((what, steps[-1].delivered), _pressed()))
    assert 1.0 + fast < slow < fast + 4.0
    for before, after in pairwise(steps):
        rate = (after.delivered.volume[0] - before.delivered.volume[0]) / after.step
        assert rate <= 20e3 * min(after.time / 4.0, 1.0) / LINE.resistance * (1 + 1e-9)
    assert steps[-1].ledger.totals["fluid_injected"] == pytest.approx(VOLUME, rel=1e-12)


def _pressed() -> tuple[Model, Delivered]:
    what, steps = run("radial", (PRESSED,), 20.0)
    return what, steps[-1].delivered


@pytest.mark.parametrize("mesh", [half_disc(4, 3), half_disc(9, 16), coarse_shells(7), coarse_shells(45)])
def test_a_resolved_wall_takes_the_stated_rate_on_any_mesh(mesh: PlainMesh) -> None:
    what = full_model((PUMPED,), schedule=Schedule(end=6.0), numerics=Numerics(fixed_step=1.5))
    plain = mesh if COMM.rank == 0 else None
    data = discretise(distribute(plain, COMM), what, (needle_site(mesh.geometry),))
    assert data.halo.sum(data.sources[0]) == pytest.approx(1.0, rel=1e-12)
    *_, last = simulate(data, what)
    assert last.ledger.totals["fluid_injected"] == pytest.approx(VOLUME, rel=1e-12)
    assert last.ledger.agent_residual() < 1e-10 and last.ledger.fluid_residual() < 1e-10

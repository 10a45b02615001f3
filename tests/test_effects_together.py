# SPDX-License-Identifier: MIT
"""Effects that meet: what each of two must know of the other."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from meshes.distribution.distribute import distribute
from meshes.geometry import Site
from meshes.plain import Geometry
from solver.chemistry.product import product_residual
from solver.chemistry.uptake import Phases, take_up
from solver.delivery.pulses import Delivery, Landing, injection_report
from solver.parameters.chemistry import Chemistry, Product
from solver.parameters.delivery import Drive, Injectate, Line
from solver.parameters.model import Agent, Injection, Numerics, Physics, Schedule
from solver.parameters.vessels import ChemicalClosure, VesselModel
from solver.simulate import simulate
from solver.tissue.discretisation import discretise
from tests.coarse import CAVITY_RADIUS, COMM, INLET, discretised, full_model, half_disc, pulse, site
from tests.spheres import steady_flow

FORMED = Chemistry(product=Product(yield_per_agent=1.0, transport=True, diffusivity=7.6e-10))
LINE = Line(resistance=1e11, diameter=0.4e-3, viscosity=1e-3, density=1e3)


def pressed(pressure: float, sucks_back: bool = False) -> Injection:
    drive = Drive(pressure=pressure, sucks_back=sucks_back)
    return replace(pulse(0.0, 10.0), line=LINE, drive=drive)


@pytest.mark.parametrize("geometry", ["radial", "axisymmetric"])
def test_injectate_in_an_opening_cavity_is_not_in_tissue(geometry: Geometry) -> None:
    """Its share of the fluid in tissue stays within [0, 1], as if the cavity were rigid."""
    each = replace(pulse(0.0, 8.0), cavity_radius=CAVITY_RADIUS)
    agent = Agent(
        name="agent", reaction_rate=0.033, molar_mass=0.067, injectate=Injectate(viscosity_ratio=3.0)
    )
    what = full_model((each,), agent=agent, physics=Physics(viscosity=True), schedule=Schedule(end=20.0))
    data = discretised(geometry, what)
    shares = [step.condition["injectate_fraction"] for step in simulate(data, what)]
    highest = max(data.halo.max(share) for share in shares)
    assert 0.9 < highest <= 1.0 + 1e-10
    assert min(data.halo.min(share) for share in shares) >= -1e-12


def test_a_cavity_that_draws_by_product_in_books_it() -> None:
    """One needle fills the tissue, whose pressure opens the cavity of another that has not begun."""
    first = replace(pulse(0.0, 8.0), site=1)
    late = replace(pulse(12.0, 2.0), cavity_radius=CAVITY_RADIUS)
    what = full_model((first, late), chemistry=FORMED, schedule=Schedule(end=20.0))
    other = Site(tip=(0.0, 0.0, 1e-3), direction=(0.0, 0.0, -1.0), needle_radius=5e-4, source_radius=1.5e-3)
    mesh = distribute(half_disc() if COMM.rank == 0 else None, COMM)
    *_, last = simulate(discretise(mesh, what, (site("axisymmetric"), other)), what)
    rows = last.ledger.rows()
    assert rows["product_elsewhere"] > 1e-6 * rows["product_formed_tumour"] > 0.0
    assert product_residual(rows) < 1e-12


def test_by_product_disperses_as_its_agent_does() -> None:
    """Where all of the agent becomes by-product the two together are a tracer, in a linear scheme exactly."""
    physics = Physics(vessels=False, lymph=False, dispersion=True)
    numerics = Numerics(fixed_step=0.5, limiter=False, newton_tolerance=1e-10, krylov_tolerance_agent=1e-14)
    both = full_model(
        (pulse(0.0, 4.0),), physics=physics, numerics=numerics, chemistry=FORMED, schedule=Schedule(end=6.0)
    )
    tissues = {
        tag: replace(item, longitudinal_dispersivity=1e-3, transverse_dispersivity=1e-4)
        for tag, item in both.tissues.items()
    }
    both = replace(both, tissues=tissues)
    tracer = replace(both, physics=replace(physics, reaction=False), chemistry=None)
    data = discretised("axisymmetric", both)
    *_, last = simulate(data, both)
    *_, inert = simulate(data, tracer)
    total = last.agent.concentration + last.condition["product_concentration"]
    assert data.halo.max(last.condition["product_concentration"]) > 0.1
    assert data.halo.max(np.abs(total - inert.agent.concentration)) < 1e-9 * INLET


def test_agent_in_blood_does_not_shorten_steps() -> None:
    """Steps are held to what vessels exchange in net, not to what they carry past tissue in balance."""
    closing = VesselModel(chemical=ChemicalClosure(rate=0.1, half_concentration=0.1, leak=0.0))
    agent = Agent(name="agent", reaction_rate=0.0, molar_mass=0.067, plasma_concentration=0.05)
    what = full_model((pulse(0.0, 5.0),), agent=agent, vessels=closing, schedule=Schedule(end=60.0))
    steps = list(islice(simulate(discretised("radial", what), what), 400))
    assert steps[-1].time == 60.0
    assert len(steps) < 150


def test_no_cells_take_nothing_up() -> None:
    """Needle tracks have no cells; without a reaction in cells nothing at all moves there."""
    one, none = np.ones(1), np.zeros(1)
    phases = Phases(fluid=2 * one, cells=one, exchange=none, partition=1.0, loss=0.0, rate=none)
    end = take_up(3 * one, none, none, phases, 5.0)
    assert (end.free[0], end.held[0], end.left[0], end.lost[0]) == (3.0, 0.0, 1.0, 0.0)
    assert end.seen[0] == pytest.approx(5.0 * 3.0 / 2.0, rel=1e-14)


def test_what_is_sucked_back_is_not_delivered() -> None:
    what = full_model((pressed(0.2e3, sucks_back=True),))
    *_, last = simulate(discretised("radial", what), what)
    report = injection_report(what, last.delivered)[0]
    drawn = last.ledger.rows()["fluid_withdrawn"]
    assert drawn > 0.0
    assert report["volume_m3"] == pytest.approx(-drawn, rel=1e-9)


def test_two_syringes_that_empty_in_one_step_both_end() -> None:
    """The step lands on one of them; what the other moved beyond its volume must not turn time around."""
    pulses = (pressed(20e3), pressed(20e3))
    what = full_model(pulses)
    data = discretised("radial", what)
    delivery = Delivery(data, what)
    share, volume = data.sources[0], pulses[0].volume
    flow = replace(
        steady_flow(data, what, 1e-8),
        driven=(share * volume, share * volume * (1 + 1e-9)),
        pulses=(0, 1),
    )
    landing = Landing(pulse=0, step=1.0, flow=share * volume)
    found = delivery.book(delivery.start(), (0.0, 1.0), flow, np.array([1e4]), landing)
    assert list(found.ended) == [1.0, 1.0]
    assert delivery.inlets((1.0, 1.0), found) == ()

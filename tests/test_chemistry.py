# SPDX-License-Identifier: MIT
"""Reductant and by-product in whole runs: titration fronts, limits, books, bounds, and what cells see."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from meshes.plain import Geometry
from meshes.regions import TISSUE, TUMOUR
from solver.chemistry.product import product_residual
from solver.parameters.chemistry import Chemistry, Product, Reductant, Uptake
from solver.parameters.model import Agent, Model, Numerics, Schedule
from solver.simulate import simulate
from solver.snapshot import Snapshot
from solver.validity.chemistry import chemistry_flags, reductant_residual
from tests import analytic as an
from tests import coarse
from tests.spheres import EXACT, PLAIN, Floats, discretised, geometric, in_order, model, order, pulse, tissue

CAVITY = 0.359e-3
INLET = 3.0
POROSITY = 0.2
MASS = 0.067
DURATION = 60.0


def reductant(rate_constant: float, amount: float, elsewhere: float | None = None) -> Chemistry:
    """nu = 1; the same in both regions, unless given."""
    amounts = {"tumour": amount, "tissue": amount if elsewhere is None else elsewhere}
    return Chemistry(reductant=Reductant(rate_constant=rate_constant, stoichiometry=1.0, amount=amounts))


def infusion(
    chemistry: Chemistry | None, cells: int, step: float, after: float = 0.0, decay: float = 0.0
) -> tuple[Floats, Snapshot, dict[str, Floats]]:
    """1 mL in 60 s into rigid tissue: radii, the last snapshot and its fields in order."""
    injection = pulse(an.ML_PER_MIN, DURATION, INLET)
    what = model(
        tissue(porosity=POROSITY),
        replace(PLAIN, reaction=decay > 0.0),
        injection,
        decay,
        agent=Agent(name="agent", reaction_rate=decay, molar_mass=MASS),
        numerics=replace(EXACT, fixed_step=step),
        schedule=Schedule(end=DURATION + after),
        chemistry=chemistry,
    )
    radii = geometric(CAVITY, 20e-3, cells)
    data = discretised(radii, what)
    steps = list(simulate(data, what))
    last = steps[-1]
    assert min(s.lowest for s in steps) >= -1e-12 * INLET
    assert max(s.highest for s in steps) <= INLET * (1.0 + 1e-10)
    assert last.ledger.agent_residual() < 1e-12
    assert reductant_residual(what, last.ledger.rows()) < 1e-11
    fields = {**last.condition, "c": last.agent.concentration, "ct": last.dose.ct}
    return radii, last, {name: in_order(data, values) for name, values in fields.items()}


@pytest.mark.serial
@pytest.mark.parametrize(("rate", "step"), [(100.0, 0.5), (2000.0, 2.0)])
@pytest.mark.parametrize("amount", [10.0, 50.0])
def test_b15_advected_titration_radius(rate: float, step: float, amount: float) -> None:
    """k2 S0 of 1e3 to 1e5 1/s, steps of up to 2 s in which fluid passes many cells."""
    radii, last, fields = infusion(reductant(rate, amount), 300, step)
    exact = an.titration_radius(an.ML_PER_MIN * DURATION, INLET, amount * MASS, POROSITY)
    exact = (exact**3 + CAVITY**3) ** (1 / 3)
    half = np.interp(0.5, fields["reductant_left"], radii)
    assert half == pytest.approx(exact, rel=0.01)
    (process,) = last.processes
    used = process.report(last.condition)["chemistry"]["oxidised_volume_m3"]
    assert (3 * used / (4 * np.pi) + CAVITY**3) ** (1 / 3) == pytest.approx(exact, rel=0.01)
    assert fields["reductant_left"].min() >= 0.0


@pytest.mark.serial
@pytest.mark.parametrize("ratio", [0.445, 1.0, 4.45])
def test_b15_planar_front(ratio: float) -> None:
    """A thin shell at a radius of 1 m, held at C0 on its inside by blood: X = 2 lambda sqrt(D t)."""
    diffusivity, time, cells = 7.6e-10, 1000.0, 100
    exact = 2.0 * an.titration_constant(ratio) * np.sqrt(diffusivity * time)
    depth = np.arange(-1, int(1.5 * cells)) * exact / cells
    medium = tissue(porosity=POROSITY, diffusivity=diffusivity)
    what = model(
        medium,
        replace(PLAIN, vessels=True, diffusion=True, agent_exchange="flow_limited"),
        tissues={TUMOUR: replace(medium, perfusion=1e4), TISSUE: medium},
        agent=Agent(name="agent", reaction_rate=0.0, molar_mass=MASS, plasma_concentration=INLET),
        numerics=replace(EXACT, fixed_step=time / 500),
        schedule=Schedule(end=time),
        chemistry=reductant(100.0, 0.0, elsewhere=POROSITY * INLET / (ratio * MASS)),
    )
    data = discretised(1.0 + depth, what, tumour_radius=1.0)
    *_, last = simulate(data, what)
    left, depth = in_order(data, last.condition["reductant_left"])[1:], depth[1:]
    assert np.interp(0.5, left, depth) == pytest.approx(exact, rel=0.01)
    used = 0.5 * (2.0 - left[1:] - left[:-1])
    assert float(used @ np.diff(depth)) == pytest.approx(exact, rel=4e-3)


@pytest.mark.serial
def test_reductant_in_excess_is_first_order() -> None:
    """k = k2 S0/phi, at second order in time: profile, dose and unreacted share."""
    rate, amount = 0.03, 5e4
    chemistry = reductant(rate * POROSITY / amount, amount)
    errors = []
    for step in (4.0, 2.0, 1.0):
        radii, last, fields = infusion(chemistry, 400, step)
        exact = INLET * np.exp(-rate * an.travel_time(radii, an.ML_PER_MIN, POROSITY, CAVITY))
        near = radii < 2e-3
        errors.append(float(np.abs(fields["c"] / exact - 1.0)[near].max()))
    assert errors[-1] < 1e-4
    assert order(errors) > 1.8
    radii, _, fields = infusion(chemistry, 400, 1.0, after=300.0)
    travel = an.travel_time(radii, an.ML_PER_MIN, POROSITY, CAVITY)
    dose = an.convected_dose(INLET, rate, travel, DURATION)
    assert fields["ct"][radii < 7e-3] == pytest.approx(dose[radii < 7e-3], rel=1e-3)
    rows = last.ledger.rows()
    left = (rows["agent_in_tumour"] + rows["agent_in_tissue"]) / rows["agent_injected"]
    assert left == pytest.approx(an.unreacted_share(rate, DURATION), rel=1e-3)


@pytest.mark.serial
def test_decay_and_reductant_together_are_the_sum_of_their_rates() -> None:
    chemistry = reductant(0.02 * POROSITY / 5e4, 5e4)
    _, last, both = infusion(chemistry, 300, 0.5, decay=0.03)
    _, _, alone = infusion(None, 300, 0.5, decay=0.05)
    assert both["ct"] == pytest.approx(alone["ct"], rel=1e-3, abs=1e-4 * alone["ct"].max())
    rows = last.ledger.rows()
    used = MASS * (rows["reductant_consumed_tumour"] + rows["reductant_consumed_tissue"])
    reacted = rows["agent_reacted_tumour"] + rows["agent_reacted_tissue"]
    assert used / reacted == pytest.approx(0.02 / 0.05, rel=2e-3)


@pytest.mark.serial
@pytest.mark.parametrize(("step", "error"), [(1.0, 2e-3), (30.0, 0.06)])
def test_the_dose_is_what_the_reductant_saw(step: float, error: float) -> None:
    """After the injection nothing moves: what is added to CT is (nu M/k2) ln(S/S')."""
    rate_constant, amount = 2e-3, 50.0
    _, _, before = infusion(reductant(rate_constant, amount), 200, step)
    _, _, after = infusion(reductant(rate_constant, amount), 200, step, after=120.0)
    gained = after["ct"] - before["ct"]
    seen = MASS / rate_constant * np.log(before["reductant_left"] / after["reductant_left"])
    inside = before["c"] > 0.1 * INLET
    assert inside.sum() > 50
    assert gained[inside] == pytest.approx(seen[inside], rel=error)


PULSES = (coarse.pulse(0.0, 25.0), coarse.pulse(30.0, 15.0, 2e-6 / 60.0))
EVERYTHING = Chemistry(
    reductant=Reductant(rate_constant=5e3, stoichiometry=0.8, amount={"tumour": 20.0, "tissue": 5.0}),
    product=Product(yield_per_agent=0.6, transport=True, diffusivity=1e-9),
)
IN_CELLS = replace(EVERYTHING, uptake=Uptake(membrane_rate=0.05, cell_fraction=0.4, reaction_rate=1e-3))
CHEMISTRY = {"fluid": EVERYTHING, "cells": IN_CELLS, "no product": replace(EVERYTHING, product=None)}


@cache
def full(geometry: Geometry, name: str) -> tuple[Model, list[Snapshot]]:
    """Two pulses with every effect on, in steps of 2 s."""
    what = coarse.full_model(
        PULSES,
        chemistry=CHEMISTRY[name],
        numerics=Numerics(fixed_step=2.0),
        schedule=Schedule(end=60.0),
    )
    return what, list(simulate(coarse.discretised(geometry, what), what))


@pytest.mark.parametrize("name", ["fluid", "cells"])
@pytest.mark.parametrize("geometry", coarse.GEOMETRIES)
def test_books_and_bounds_with_everything_on(geometry: Geometry, name: str) -> None:
    """k2 S0 = 1e5 1/s at steps of 2 s: nothing negative, nothing lost, every row moves."""
    what, steps = full(geometry, name)
    last = steps[-1]
    rows = last.ledger.rows()
    assert last.ledger.agent_residual() < 1e-12
    assert product_residual(rows) < 1e-12
    assert reductant_residual(what, rows) < 1e-12
    assert min(step.lowest for step in steps) >= -1e-12 * coarse.INLET
    assert max(step.highest for step in steps) <= coarse.INLET * (1.0 + 1e-10)
    for key, values in last.condition.items():
        assert values.min() >= -1e-12, key
    assert last.condition["reductant_left"].max() <= 1.0
    moved = [
        "agent_reacted_tumour",
        "reductant_consumed_tumour",
        "product_formed_tumour",
        "product_in_tumour",
    ]
    moved += ["product_lymph", "product_in_tissue"] + (["agent_in_cells"] if name == "cells" else [])
    assert all(rows[row] > 0.0 for row in moved)
    reacted = rows["agent_reacted_tumour"] + rows["agent_reacted_tissue"]
    formed = rows["product_formed_tumour"] + rows["product_formed_tissue"]
    assert formed == pytest.approx(0.6 * reacted, rel=1e-12)
    assert chemistry_flags(what, rows)[0]["name"] == "reaction_rates"


@pytest.mark.parametrize("geometry", coarse.GEOMETRIES)
def test_regions_lose_what_they_had(geometry: Geometry) -> None:
    """Each region's consumed reductant is the integral of S0 - S over it, also on shared nodes."""
    what, steps = full(geometry, "fluid")
    data, last = coarse.discretised(geometry, what), steps[-1]
    pairs = data.pairs
    used = pairs.volume * (1.0 - last.condition["reductant_left"])[pairs.node]
    used = np.where(pairs.node < data.halo.owned, used, 0.0)
    for name, mask, amount in (("tumour", pairs.inside, 20.0), ("tissue", ~pairs.inside, 5.0)):
        total = data.halo.comm.allreduce(float(used[mask].sum())) * amount
        assert last.ledger.rows()[f"reductant_consumed_{name}"] == pytest.approx(total, rel=1e-10, abs=1e-20)


def test_the_product_costs_nothing_to_the_agent() -> None:
    """Following the by-product changes no number of the agent."""
    _, with_it = full("axisymmetric", "fluid")
    _, without = full("axisymmetric", "no product")
    assert np.array_equal(with_it[-1].agent.amount, without[-1].agent.amount)
    assert np.array_equal(with_it[-1].dose.ct, without[-1].dose.ct)


def test_reactions_that_disagree_are_flagged() -> None:
    """k2 S0/phi is 1e5/(0.3 * 0.033) times k, so k is no fit to this reductant."""
    what, steps = full("radial", "fluid")
    (flag,) = chemistry_flags(what, steps[-1].ledger.rows())
    assert flag["level"] == "caution" and "disagree" in flag["message"]
    assert flag["value"] == pytest.approx(1e5 / (0.3 * 0.033), rel=1e-6)
    lost = {**steps[-1].ledger.rows(), "product_in_tissue": 0.0}
    assert {"product_ledger"} < {flag["name"] for flag in chemistry_flags(what, lost)}
    calm = replace(what, physics=replace(what.physics, reaction=False))
    names = {flag["name"] for flag in chemistry_flags(calm, steps[-1].ledger.rows())}
    assert names == {"reductant_ledger"}  # decay did react, and is said to be off

# SPDX-License-Identifier: MIT
"""Transport on radial meshes against closed forms: fronts, doses, steady profiles and spreading pulses.

Steps that pass many cells blur the jump at the start of an injection; the tolerances of B9 and B12 say so.
"""

from dataclasses import replace

import numpy as np
import pytest

from solver.agent.transport import AgentState, Transport
from solver.parameters.model import Physics, Schedule
from solver.simulate import simulate
from solver.snapshot import Snapshot
from tests import analytic as an
from tests.spheres import (
    EXACT,
    PLAIN,
    Floats,
    discretised,
    geometric,
    in_order,
    model,
    order,
    pulse,
    steady_flow,
    tissue,
)

pytestmark = pytest.mark.serial

CAVITY = 0.359e-3
INLET = 0.3
REACTION = 0.03
POROSITY = 0.2
DURATION = 60.0
DIFFUSIVITY = 7.6e-10


def infusion(
    cells: int, step: float, physics: Physics, after: float
) -> tuple[Floats, Floats, Floats, Snapshot]:
    """1 mL in 60 s into rigid tissue: radii, concentration and dose some seconds after its end, snapshot."""
    radii = geometric(CAVITY, 20e-3, cells)
    injection = pulse(an.ML_PER_MIN, DURATION, INLET)
    what = model(
        tissue(porosity=POROSITY),
        physics,
        injection,
        REACTION,
        numerics=replace(EXACT, fixed_step=step),
        schedule=Schedule(end=injection.end + after),
    )
    data = discretised(radii, what)
    *_, last = simulate(data, what)
    return radii, in_order(data, last.agent.concentration), in_order(data, last.dose.ct), last


def test_b8_front_of_pure_convection() -> None:
    """The front stands where the injected volume ends, sharper on finer meshes, within bounds, none lost."""
    exact = an.front_radius(an.ML_PER_MIN, DURATION, POROSITY, CAVITY)
    widths = []
    for cells, step in ((200, 0.8), (800, 0.2)):
        radii, c, _, last = infusion(cells, step, PLAIN, 0.0)
        low, middle, high = np.interp([-0.95 * INLET, -0.5 * INLET, -0.05 * INLET], -c, radii)
        assert middle == pytest.approx(exact, rel=3e-3)
        widths.append(high - low)
        assert last.lowest >= -1e-12 * INLET
        assert last.highest <= INLET * (1.0 + 1e-10)
        assert last.ledger.agent_residual() < 1e-12
    assert widths[1] < 0.55 * widths[0]
    assert widths[1] < 0.05 * exact


def test_b9_dose_of_an_injection() -> None:
    """Dose behind the front 300 s after the end, when e^-9 of it is still to come."""
    errors = []
    for cells, step in ((200, 0.8), (400, 0.4), (800, 0.2)):
        radii, _, dose, last = infusion(cells, step, replace(PLAIN, reaction=True), 300.0)
        travel = an.travel_time(radii, an.ML_PER_MIN, POROSITY, CAVITY)
        exact = an.convected_dose(INLET, REACTION, travel, DURATION)
        behind = radii < 9e-3
        error = np.abs(dose - exact)[behind] / exact.max()
        assert error[radii[behind] < 1e-3].max() < 1e-4  # no order is lost where agent flows in
        errors.append(float(error.max()))
        assert last.ledger.agent_residual() < 1e-12
    assert errors[-1] < 1e-3
    assert order(errors) > 0.6  # the jump at the start of the injection, taken by whole steps


def test_b9_unreacted_share() -> None:
    """What is left when the injection ends."""
    *_, last = infusion(400, 0.2, replace(PLAIN, reaction=True), 0.0)
    rows = last.ledger.rows()
    left = (rows["agent_in_tumour"] + rows["agent_in_tissue"]) / rows["agent_injected"]
    assert left == pytest.approx(an.unreacted_share(REACTION, DURATION), rel=1e-3)


def steady_profile(peclet: float, damkohler: float, cells: int, split: float) -> tuple[Floats, Floats]:
    """B12 by stepping to the steady state, k dt = ``split``: radii over that of the cavity, C over C_in."""
    cavity = 1e-3
    rate = 4.0 * np.pi * POROSITY * DIFFUSIVITY * cavity * peclet
    reaction = damkohler * DIFFUSIVITY / cavity**2
    radii = geometric(cavity, 25.0 * cavity, cells)
    medium = tissue(porosity=POROSITY, diffusivity=DIFFUSIVITY)
    what = model(medium, replace(PLAIN, reaction=True, diffusion=True), pulse(rate, 1e9), reaction)
    data = discretised(radii, what)
    flow = steady_flow(data, what, rate)
    transport = Transport(data, what.agent, what.physics, what.numerics)
    state, none = transport.initial_state(), np.zeros_like(radii)
    for _ in range(round(20.0 / split)):
        state = transport.step(state, (none, none), flow, rate * data.sources[0], split / reaction).state
    return np.asarray(radii / cavity), in_order(data, state.concentration)


@pytest.mark.parametrize(("peclet", "damkohler"), [(10.0, 0.1), (10.0, 1.0), (100.0, 1.0)])
def test_b12_steady_profile(peclet: float, damkohler: float) -> None:
    """Profile and wall value, where injection balances convection and diffusion away from the wall."""
    slope = (float(an.divergent_reaction(peclet, damkohler, 1.0 + 1e-6)) - 1.0) / 1e-6
    wall = 1.0 / (1.0 - slope / peclet)
    for split in (0.05, 0.0125):
        r, c = steady_profile(peclet, damkohler, 200, split)
        error = np.abs(c / wall - an.divergent_reaction(peclet, damkohler, r))
        assert error.max() < 0.5 * split + 2e-3
        assert np.diff(c).max() < 1e-6, "a falling profile must not rise anywhere"


def spread(cells: int, steps: int, limiter: bool) -> float:
    """B13 from 30 s to 100 s: largest error over the largest value."""
    radii = 3e-3 * np.arange(cells + 1, dtype=np.float64) / cells
    medium = tissue(porosity=POROSITY, diffusivity=DIFFUSIVITY)
    numerics = replace(EXACT, limiter=limiter)
    physics = replace(PLAIN, reaction=True, diffusion=True)
    what = model(medium, physics, None, REACTION, numerics=numerics)
    data = discretised(radii, what)
    flow = steady_flow(data, what, 0.0)
    transport = Transport(data, what.agent, what.physics, what.numerics)
    c = an.point_source(1e-9, POROSITY, DIFFUSIVITY, REACTION, 30.0).at(data.mesh.points[:, 0])
    state, none = AgentState(concentration=c, amount=c * data.rest_fluid), np.zeros_like(c)
    for _ in range(steps):
        state = transport.step(state, (none, none), flow, none, 70.0 / steps).state
    exact = an.point_source(1e-9, POROSITY, DIFFUSIVITY, REACTION, 100.0).at(radii)
    return float(np.abs(in_order(data, state.concentration) - exact).max() / exact.max())


def test_b13_monotone_scheme() -> None:
    """Without the correction: first order in time, second in space."""
    assert order([spread(400, n, False) for n in (50, 100, 200)]) == pytest.approx(1.0, abs=0.1)
    assert order([spread(n, n * n // 8, False) for n in (20, 40, 80)]) == pytest.approx(2.0, abs=0.1)


def test_b13_limited_scheme() -> None:
    """With it: second order, but for the clipped peak."""
    errors = [spread(n, n // 2, True) for n in (50, 100, 200, 400)]
    assert order(errors) > 1.7
    assert errors[-1] < 1e-3

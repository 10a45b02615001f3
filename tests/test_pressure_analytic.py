# SPDX-License-Identifier: MIT
"""Pressure on radial meshes against closed forms: six digits on a fine mesh, second order on coarse ones."""

from dataclasses import replace

import numpy as np
import pytest

from meshes.regions import TISSUE, TUMOUR
from solver.flow.step import FlowSolver
from solver.parameters.model import Physics
from tests import analytic as an
from tests.spheres import (
    EXACT,
    PERFUSED,
    PLAIN,
    Floats,
    discretised,
    geometric,
    in_order,
    model,
    order,
    perfused,
    pulse,
    steady_flow,
    tissue,
)

CAVITY = 0.359e-3
FAR = 60e-3
RATE = an.ML_PER_MIN
SIX_DIGITS = 1e-6


def test_b1_isolated_sphere() -> None:
    """Pressure to six digits of p_e, outflow to six digits, second order."""
    radius = 5e-3
    medium = tissue(**perfused(an.TUMOUR))
    what = model(medium, replace(PERFUSED, far_field="fixed", far_pressure=0.0))
    errors, outflows = [], []
    for cells in (200, 400, 800, 8000):
        radii = radius * np.linspace(0.0, 1.0, cells + 1)
        data = discretised(radii, what)
        step = steady_flow(data, what, 0.0)
        exact = an.isolated_sphere_pressure(an.TUMOUR, radius, radii)
        errors.append(np.abs(in_order(data, step.state.pressure) - exact).max() / an.TUMOUR.pressure)
        outflow = in_order(data, step.outflow).sum() / (4 * np.pi * radius**2)
        outflows.append(abs(outflow / an.isolated_sphere_outflow(an.TUMOUR, radius) - 1.0))
    assert order(errors[:3]) == pytest.approx(2.0, abs=0.1)
    assert order(outflows[:3]) == pytest.approx(2.0, abs=0.1)
    assert errors[-1] < SIX_DIGITS
    assert outflows[-1] < SIX_DIGITS


@pytest.mark.parametrize("lymph", [0.0, an.LYMPH_CONDUCTANCE])
def test_b2_sphere_in_perfused_tissue(lymph: float) -> None:
    """The mesh ends at two tumour radii: the Robin condition there must be exact."""
    radius = 5e-3
    outside = an.with_lymph(an.TISSUE, lymph)
    tissues = {TUMOUR: tissue(**perfused(an.TUMOUR)), TISSUE: tissue(**perfused(an.TISSUE, lymph))}
    what = model(tissues[TISSUE], replace(PERFUSED, lymph=True), tissues=tissues)
    errors = []
    for cells in (200, 400, 800, 8000):
        radii = 2.0 * radius * np.linspace(0.0, 1.0, 2 * cells + 1)
        data = discretised(radii, what, tumour_radius=radius)
        exact = an.embedded_sphere_pressure(an.TUMOUR, outside, radius, radii)
        found = in_order(data, steady_flow(data, what, 0.0).state.pressure)
        errors.append(np.abs(found - exact).max() / an.TUMOUR.pressure)
    assert order(errors[:3]) == pytest.approx(2.0, abs=0.1)
    assert errors[-1] < SIX_DIGITS


@pytest.mark.parametrize(("far_field", "drained"), [("robin", np.inf), ("fixed", FAR)])
def test_b4_rigid_cavity(far_field: str, drained: float) -> None:
    physics = Physics(**(PLAIN.__dict__ | {"far_field": far_field, "far_pressure": 0.0}))
    what = model(tissue(), physics, pulse(RATE, 60.0))
    exact = an.rigid_cavity_pressure(RATE, 3.1e-14, CAVITY, drained)
    errors = []
    for cells in (100, 200, 400, 4000):
        data = discretised(geometric(CAVITY, FAR, cells), what)
        wall = in_order(data, steady_flow(data, what, RATE).state.pressure)[0]
        errors.append(abs(wall / exact - 1.0))
    assert order(errors[:3]) == pytest.approx(2.0, abs=0.1)
    assert errors[-1] < SIX_DIGITS


def test_b5_cavity_in_perfused_tissue() -> None:
    """Vessels that take the fluid up: pressure everywhere, and the share that is still interstitial."""
    what = model(tissue(**perfused(an.TUMOUR)), PERFUSED, pulse(RATE, 60.0))
    errors = []
    for cells in (200, 400, 800, 12000):
        radii = geometric(CAVITY, 10e-3, cells)
        data = discretised(radii, what)
        step = steady_flow(data, what, RATE)
        exact = an.screened_cavity_pressure(RATE, an.TUMOUR, CAVITY, radii)
        found = in_order(data, step.state.pressure) - an.TUMOUR.pressure
        errors.append(np.abs(found - exact).max() / exact.max())
    assert order(errors[:3]) == pytest.approx(2.0, abs=0.1)
    assert errors[-1] < SIX_DIGITS


def test_strained_cavity() -> None:
    """2.4: K = K0 exp(M e) with e up to 0.44, where small strain still lets the exponent grow."""
    conductivity, modulus, exponent = 3.098e-14, 3e4, 5.0
    rate = 8.0 * 4.0 * np.pi * conductivity * modulus * CAVITY / exponent
    medium = tissue(hydraulic_conductivity=conductivity, dilatation_exponent=exponent)
    physics = replace(PLAIN, conductivity="exponential", far_field="fixed", far_pressure=0.0)
    what = model(medium, physics, pulse(rate, 60.0))
    exact = an.strained_cavity_pressure(rate, conductivity, CAVITY, modulus, exponent, drained=FAR)
    assert 0.4 < exact / modulus < 0.5
    errors = []
    for cells in (100, 200, 400, 8000):
        data = discretised(geometric(CAVITY, FAR, cells), what)
        wall = in_order(data, steady_flow(data, what, rate).state.pressure)[0]
        errors.append(abs(wall / exact - 1.0))
    assert order(errors[:3]) == pytest.approx(2.0, abs=0.1)
    assert errors[-1] < SIX_DIGITS


def advance(cells: int, steps: int, vessels: bool, end: float, cavity: float) -> tuple[Floats, Floats]:
    """Radii and pressure above rest after a time [s] of injection with storage."""
    medium = tissue(**perfused(an.TUMOUR), confined_modulus=3e4)
    what = model(medium, replace(PLAIN, flow="storage", vessels=vessels), pulse(RATE, 60.0))
    radii = geometric(cavity, 10e-3, cells)
    data = discretised(radii, what)
    solver = FlowSolver(data, what.physics, EXACT, RATE)
    state = solver.initial_state()
    for _ in range(steps):
        state = solver.step(state, RATE * data.sources[0], end / steps, state.pressure).state
    return radii, in_order(data, state.pressure) - in_order(data, solver.rest)


@pytest.mark.serial
def test_b6_transient_cavity() -> None:
    """Storage and a sudden injection through a wall: first order in time, exact when extrapolated to none."""
    diffusivity = an.TUMOUR.conductivity * 3e4
    end = 0.3 * CAVITY**2 / diffusivity
    steady = an.rigid_cavity_pressure(RATE, an.TUMOUR.conductivity, CAVITY)
    exact = steady * an.transient_cavity_share(1.0, diffusivity * end / CAVITY**2)
    walls = [advance(1000, n, False, end, CAVITY)[1][0] for n in (50, 100, 200)]
    assert order([abs(wall / exact - 1.0) for wall in walls]) == pytest.approx(1.0, abs=0.1)
    assert 2.0 * walls[2] - walls[1] == pytest.approx(exact, rel=5e-5)


@pytest.mark.serial
@pytest.mark.parametrize(("x", "tau"), [(0.5, 0.1), (0.5, 1.0), (1.0, 1.0), (3.0, 10.0)])
def test_b6_point_source_with_sink(x: float, tau: float) -> None:
    """A cavity a thousand times smaller than the screening length is a point source."""
    ell = an.TUMOUR.screening_length
    end = tau * ell**2 / (an.TUMOUR.conductivity * 3e4)
    found = []
    for steps in (50, 100):
        radii, pressure = advance(2000, steps, True, end, 1e-3 * ell)
        scaled = 4.0 * np.pi * an.TUMOUR.conductivity * radii * pressure / RATE
        found.append(float(np.interp(x * ell, radii, scaled)))
    assert 2.0 * found[1] - found[0] == pytest.approx(an.transient_sink_pressure(x, tau), rel=3e-4)

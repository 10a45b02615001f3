# SPDX-License-Identifier: MIT
"""Mechanical dispersion: its tensor on edges, clouds that spread with the flow, a radial profile."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_bvp

from meshes.plain import Geometry
from solver.agent.dispersion import Dispersion, edge_dispersion
from solver.agent.transport import AgentState, Transport
from solver.kernels.cells import cell_gradients
from solver.parameters.model import Model, Schedule
from solver.simulate import simulate
from tests.coarse import GEOMETRIES, discretised, full_model, pulse
from tests.manufactured import SIDE, box, cylinder, uniform_flow
from tests.manufactured import discretised as meshed
from tests.spheres import EXACT, PLAIN, in_order, model, steady_flow, tissue
from tests.spheres import discretised as shells
from tests.spheres import pulse as constant

Floats = NDArray[np.float64]
ALONG, ACROSS, POROSITY = 2e-4, 5e-5, 0.3


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_the_energy_is_that_of_the_tensor(geometry: Geometry) -> None:
    """sum over edges of d (C_i - C_j)^2 is the integral of grad C . T grad C for any P1 field."""
    data = discretised(geometry, full_model((pulse(0.0, 1.0),)))
    generator = np.random.default_rng(4)
    cells, dimension = len(data.mesh.cells), data.mesh.points.shape[1]
    flux = generator.normal(size=(cells, dimension)) * 1e-5
    along, across = generator.uniform(1e-4, 2e-4, cells), generator.uniform(1e-6, 1e-5, cells)
    edges = edge_dispersion(data, flux, along, across)
    field = generator.normal(size=data.volume.size)
    found = (edges * (field[data.stencil.tail] - field[data.stencil.head]) ** 2).sum()
    gradient = cell_gradients(data.mesh.points, data.mesh.cells, field)
    speed = np.linalg.norm(flux, axis=1)
    tensors = [
        t * s * np.eye(dimension) + (a - t) * np.outer(q, q) / s
        for a, t, s, q in zip(along, across, speed, flux, strict=True)
    ]
    per_volume = np.einsum("ci,cij,cj->c", gradient, np.array(tensors), gradient)
    # one dimension of spheres has its gradients along the flow alone, and so have the tensor's slopes
    assert found == pytest.approx((per_volume * data.integrals.volume).sum(), rel=1e-10)


def dispersive(along: float, across: float) -> Model:
    medium = tissue(porosity=POROSITY, longitudinal_dispersivity=along, transverse_dispersivity=across)
    return replace(model(medium, replace(PLAIN, dispersion=True)), numerics=EXACT)


@pytest.mark.parametrize("geometry", ["axisymmetric", "3d"])
def test_a_cloud_spreads_along_and_across(geometry: Geometry) -> None:
    """Variances grow by 2 alpha_L v t along the flow and by 2 alpha_T v t across it, on uneven meshes."""
    what = dispersive(ALONG, ACROSS)
    plain = cylinder(24, 60) if geometry == "axisymmetric" else box(16, 28)
    data = meshed(plain, what)
    z = data.mesh.points[:, -1]
    speed, length, steps = 1e-5, 5.0, 20
    flow = uniform_flow(data, speed * POROSITY)
    flow = replace(flow, state=replace(flow.state, pressure=-speed * POROSITY * z))
    transport = Transport(data, what.agent, what.physics, what.numerics)
    transport.dispersion = Dispersion(data, what)
    middle = np.zeros(data.mesh.points.shape[1])
    middle[-1] = 0.35 * SIDE
    if geometry == "3d":
        middle[:2] = data.mesh.points[:, :2].max(axis=0) / 2
    width = 0.8e-3 if geometry == "axisymmetric" else 1e-3
    start = np.exp(-((data.mesh.points - middle) ** 2).sum(axis=1) / (2 * width**2))
    state = AgentState(concentration=start, amount=start * data.rest_fluid)
    none = np.zeros(z.size)
    before = moments(data.mesh.points, state.amount, data.halo)
    for _ in range(steps):
        state = transport.step(state, (none, none), flow, none, length).state
        assert data.halo.min(state.concentration) > -1e-14
        assert data.halo.max(state.concentration) < data.halo.max(start) * (1 + 1e-12)
    after = moments(data.mesh.points, state.amount, data.halo)
    travelled = speed * steps * length
    assert after[0] - before[0] == pytest.approx(travelled, rel=0.01)
    assert after[1] - before[1] == pytest.approx(2 * ALONG * travelled, rel=0.06)
    rounds = 2 if geometry == "axisymmetric" else 1
    assert after[2] - before[2] == pytest.approx(2 * rounds * ACROSS * travelled, rel=0.12)


def moments(points: Floats, amount: Floats, halo: object) -> Floats:
    """Mean along the flow, variance along it, and across it: of r^2 about an axis, else of x."""
    total = halo.sum(amount)  # type: ignore[attr-defined]
    z, x = points[:, -1], points[:, 0]

    def mean(values: Floats) -> float:
        return float(halo.sum(amount * values) / total)  # type: ignore[attr-defined]

    across = mean(x**2) if points.shape[1] == 2 else mean((x - mean(x)) ** 2)
    return np.array([mean(z), mean((z - mean(z)) ** 2), across])


def test_radial_profile_against_an_ordinary_differential_equation() -> None:
    """Steady flow, reaction: C' - alpha C'' = -(4 pi phi k/Q) r^2 C; C - alpha C' = C_in at the wall."""
    cavity, far, rate, reaction, alpha = 1e-3, 12e-3, 1e-8, 0.05, 4e-4
    medium = tissue(porosity=POROSITY, longitudinal_dispersivity=alpha)
    physics = replace(PLAIN, dispersion=True, reaction=True)
    what = model(medium, physics, constant(rate, 1e9), reaction)
    scale = 4 * np.pi * POROSITY * reaction / rate

    def slope(r: Floats, y: Floats) -> Floats:
        return np.vstack([y[1], (y[1] + scale * r**2 * y[0]) / alpha])

    def ends(first: Floats, last: Floats) -> Floats:
        return np.array([first[0] - alpha * first[1] - 1.0, last[1]])

    grid = np.linspace(cavity, far, 400)
    exact = solve_bvp(
        slope, ends, grid, np.vstack([np.exp(-((grid / 4e-3) ** 3)), 0 * grid]), tol=1e-7, max_nodes=100_000
    )
    assert exact.success
    errors = []
    for cells in (30, 60, 120):
        radii = np.linspace(cavity, far, cells + 1)
        data = shells(radii, what)
        flow = steady_flow(data, what, rate)
        transport = Transport(data, what.agent, what.physics, what.numerics)
        transport.dispersion = Dispersion(data, what)
        state, none = transport.initial_state(), np.zeros_like(data.volume)
        for length in [4.0] * 50 + [0.25] * 150:
            state = transport.step(state, (none, none), flow, rate * data.sources[0], length).state
        errors.append(np.abs(in_order(data, state.concentration) - exact.sol(radii)[0]).max())
    assert errors[-1] < 2e-4 and errors[0] > 10.0 * errors[-1]


def test_off_is_off_and_on_keeps_the_books() -> None:
    """A run with it spreads the front, and its ledgers close; without it nothing of it is built."""
    what = full_model((pulse(0.0, 5.0),), schedule=Schedule(end=10.0))
    tissues = {
        tag: replace(item, longitudinal_dispersivity=1e-3, transverse_dispersivity=1e-4)
        for tag, item in what.tissues.items()
    }
    on = replace(what, tissues=tissues, physics=replace(what.physics, dispersion=True))
    widths = []
    for found in (replace(what, tissues=tissues), on):
        data = discretised("axisymmetric", found)
        *_, last = simulate(data, found)
        assert last.ledger.agent_residual() < 1e-10
        assert last.lowest > -1e-12 and last.highest <= 3.0 * (1 + 1e-10)
        radius, total = np.linalg.norm(data.mesh.points, axis=1), data.halo.sum(last.agent.amount)
        mean, square = (data.halo.sum(last.agent.amount * radius**power) / total for power in (1, 2))
        widths.append(square - mean**2)
    assert widths[1] > 1.05 * widths[0]

# SPDX-License-Identifier: MIT
"""Tissue with fibres: a point source in stretched coordinates, manufactured pressure, spreading, refusals."""

from dataclasses import replace

import numpy as np
import pytest

from meshes.distribution.distribute import distribute
from meshes.geometry import GeometryError
from meshes.plain import PlainMesh
from meshes.regions import CAVITY, OUTER, TISSUE
from solver.agent.transport import AgentState, Transport
from solver.flow.state import FlowStep
from solver.flow.step import FlowSolver
from solver.kernels.cells import cell_gradients
from solver.parameters.model import Model, Physics, Tissue
from solver.tissue.anisotropy import along_fibres
from solver.tissue.boundary import nodal_areas
from solver.tissue.discretisation import Discretisation, discretise
from tests.coarse import CAVITY_RADIUS, COMM, Floats, half_disc, shells
from tests.manufactured import SIDE, box, cylinder, discretised, l2, uniform_flow
from tests.spheres import EXACT, PLAIN, model, order, tissue

CONDUCTIVITY, RATIO, RATE = 3.1e-14, 7.0, 1e-9
OPEN = replace(PLAIN, far_field="robin", far_pressure=0.0)
HELD = replace(PLAIN, far_field="fixed", far_pressure=0.0)


def fibrous(**more: object) -> Tissue:
    return tissue(hydraulic_conductivity=CONDUCTIVITY, fibre_ratio=RATIO, **more)


def one_tissue(plain: PlainMesh) -> PlainMesh:
    return replace(plain, cell_tags=np.full(len(plain.cells), TISSUE, dtype=np.int32))


def stretched_point_source(points: Floats) -> Floats:
    """p = Q/(4 pi sqrt(det K) s), s^2 = x.K^-1 x, in the (r, z) plane with fibres along z."""
    r, z = points.T
    s = np.sqrt((r**2 + z**2 / RATIO) / CONDUCTIVITY)
    return np.asarray(RATE / (4 * np.pi * np.sqrt(RATIO * CONDUCTIVITY**3) * s))


def point_source(layers: int, sectors: int, what: Model) -> tuple[Discretisation, Floats, FlowStep]:
    """The flow around a cavity through whose wall the exact flux comes, and that at each node [m3/s]."""
    plain = one_tissue(half_disc(layers, sectors)) if COMM.rank == 0 else None
    data = discretise(distribute(plain, COMM), what, ())
    points = data.mesh.points
    wall = data.mesh.facets[data.mesh.facet_tags == CAVITY]
    r, z = points.T
    flux = stretched_point_source(points) * np.hypot(r, z) * CONDUCTIVITY / (r**2 + z**2 / RATIO)
    source = data.halo.update(nodal_areas(points, wall, "axisymmetric") * flux)
    solver = FlowSolver(data, what.physics, what.numerics, RATE)
    state = solver.initial_state()
    return data, source, solver.step(state, source, 1.0, state.pressure)


def point_source_error(layers: int, sectors: int, what: Model) -> float:
    """Largest error over the largest pressure."""
    data, _, flow = point_source(layers, sectors, what)
    exact = stretched_point_source(data.mesh.points)
    return data.halo.max(np.abs(flow.state.pressure - exact)) / data.halo.max(exact)


def test_a_point_source_in_stretched_coordinates() -> None:
    """Second order but for the corner at the axis; the Robin condition at 40 cavity radii must be exact."""
    what = model(fibrous(), OPEN)
    errors = [point_source_error(16 * n, 10 * n, what) for n in (2, 4, 8)]
    assert order(errors) == pytest.approx(1.9, abs=0.15)
    assert errors[-1] < 5e-3


def test_without_the_fibres_it_is_another_solution() -> None:
    what = model(fibrous(), OPEN)
    isotropic = model(replace(fibrous(), fibre_ratio=1.0), OPEN)
    assert point_source_error(16, 10, isotropic) > 5 * point_source_error(16, 10, what)


def test_the_front_of_the_agent_is_an_ellipsoid() -> None:
    """Pure convection: r^3 = a^3 + 3 Q t s^-3/(4 pi phi sqrt(det K)), s per radius: axes as sqrt(ratio)."""
    what = model(fibrous(porosity=0.2), OPEN)
    data, source, flow = point_source(56, 24, what)
    transport = Transport(data, what.agent, what.physics, EXACT)
    none, end = np.zeros(source.size), 60.0
    state = AgentState(concentration=none, amount=none)
    for _ in range(60):
        state = transport.step(state, (none, none), flow, source, end / 60).state
    r, z = data.mesh.points.T
    radius = np.hypot(r, z)
    slowness = np.sqrt((r**2 + z**2 / RATIO) / CONDUCTIVITY) / radius
    grown = 3 * RATE * end / (4 * np.pi * 0.2 * np.sqrt(RATIO * CONDUCTIVITY**3) * slowness**3)
    front = np.cbrt(CAVITY_RADIUS**3 + grown)
    assert data.halo.min(np.where(radius < 0.8 * front, state.concentration, 1.0)) > 0.9
    assert data.halo.max(np.where(radius > 1.25 * front, state.concentration, 0.0)) < 0.1


DIRECTION = (1 / 3, 2 / 3, 2 / 3)


def box_error(count: int) -> float:
    """L2 error of p = prod sin(pi x_i/SIDE), driven by -div(K grad p) with fibres aslant."""
    what = model(fibrous(fibre_direction=DIRECTION), HELD)
    data = discretised(box(count, count), what)
    x = np.pi * data.mesh.points / SIDE
    sines, cosines = np.sin(x), np.cos(x)
    g = sines.prod(axis=1)
    d = np.array(DIRECTION)
    second = -3.0 * g - (RATIO - 1.0) * g
    for i, j in ((0, 1), (0, 2), (1, 2)):
        k = 3 - i - j
        second += 2.0 * (RATIO - 1.0) * d[i] * d[j] * cosines[:, i] * cosines[:, j] * sines[:, k]
    source = -data.volume * CONDUCTIVITY * (np.pi / SIDE) ** 2 * second
    solver = FlowSolver(data, what.physics, what.numerics, CONDUCTIVITY * SIDE)
    state = solver.initial_state()
    return l2(data, solver.step(state, source, 1.0, state.pressure).state.pressure - g)


def test_manufactured_pressure_with_fibres_aslant() -> None:
    errors = [box_error(n) for n in (8, 16)]
    assert order(errors) == pytest.approx(2.0, abs=0.15)
    assert errors[-1] < 3e-2


def test_the_flux_of_a_cell_is_turned_towards_the_fibres() -> None:
    """Of a linear pressure: q = -K0 (grad p + (ratio - 1) d (d . grad p)), whose nodal sums vanish inside."""
    what = model(fibrous(fibre_direction=DIRECTION), HELD)
    data = discretised(box(4, 4), what)
    slope = np.array([3.0, -1.0, 2.0])
    gradient = cell_gradients(data.mesh.points, data.mesh.cells, data.mesh.points @ slope)
    d = np.array(DIRECTION)
    expected = slope + (RATIO - 1.0) * d * (d @ slope)
    found = along_fibres(data.mesh.cell_tags, data.fibres, gradient)
    np.testing.assert_allclose(found, np.tile(expected, (len(found), 1)), rtol=1e-9)
    flow = uniform_flow_of(data, data.mesh.points @ slope)
    inside = np.all((data.mesh.points > 1e-9) & (data.mesh.points < SIDE - 1e-9), axis=1)
    inside[data.mesh.owned :] = False
    assert np.abs(flow[inside]).max(initial=0.0) < 1e-12 * np.linalg.norm(slope) * SIDE


def uniform_flow_of(data: Discretisation, pressure: Floats) -> Floats:
    """Nodal sums of G_ij (p_i - p_j) over the cells' edges [Pa m]."""
    out = np.zeros(pressure.size)
    cells, k = data.mesh.cells, 0
    for a in range(cells.shape[1]):
        for b in range(a + 1, cells.shape[1]):
            flow = data.flow_conductance[:, k] * (pressure[cells[:, a]] - pressure[cells[:, b]])
            np.add.at(out, cells[:, a], flow)
            np.add.at(out, cells[:, b], -flow)
            k += 1
    return out


def test_the_agent_spreads_along_the_fibres() -> None:
    """Second moments of a spreading drop grow by 2 D t along each axis; C stays positive."""
    ratio, diffusivity, end = 3.0, 1e-9, 200.0
    physics = replace(PLAIN, diffusion=True)
    medium = tissue(diffusivity=diffusivity, fibre_diffusion_ratio=ratio, fibre_direction=(1.0, 0.0, 0.0))
    what = model(medium, physics)
    data = discretised(box(16, 16), what)
    flow = uniform_flow(data, 0.0)
    offset = data.mesh.points - 0.5 * SIDE
    c = np.exp(-(offset**2).sum(axis=1) / (2 * 1.2e-3**2))
    transport = Transport(data, what.agent, physics, EXACT)
    state = AgentState(concentration=c, amount=c * data.rest_fluid)
    none = np.zeros(c.size)

    def moments(amount: Floats) -> Floats:
        total = data.halo.sum(amount)
        return np.array([data.halo.sum(amount * offset[:, i] ** 2) / total for i in range(3)])

    before = moments(state.amount)
    for _ in range(10):
        state = transport.step(state, (none, none), flow, none, end / 10).state
    growth = (moments(state.amount) - before) / (2 * diffusivity * end)
    assert data.halo.min(state.concentration) >= 0.0
    assert growth == pytest.approx([ratio, 1.0, 1.0], rel=0.05)


@pytest.mark.parametrize("geometry", ["radial", "axisymmetric"])
def test_fibres_that_break_the_symmetry_are_refused(geometry: str) -> None:
    medium = fibrous(fibre_direction=(1.0, 0.0, 0.0))
    plain = shells() if geometry == "radial" else cylinder(4, 4)
    mesh = distribute(one_tissue(plain) if COMM.rank == 0 else None, COMM)
    with pytest.raises(GeometryError, match="can hold"):
        discretise(mesh, model(medium, Physics()), ())


def test_isotropic_tissue_has_the_same_conductances() -> None:
    data = discretised(box(3, 3), model(tissue(), HELD))
    assert data.flow_conductance is data.integrals.conductance
    assert data.diffusion_conductance is data.integrals.conductance
    assert data.mesh.facet_tags.size == 0 or set(data.mesh.facet_tags) == {OUTER}

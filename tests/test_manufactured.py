# SPDX-License-Identifier: MIT
"""Manufactured solutions in a cylinder and in a box: order of pressure and transport in space and time.

Theory: pressure 2 in space (P1, in L2) and 1 in time (backward Euler); transport 2 in space and time taken
together, step over edge fixed, and 1 without the correction. The limiter's bounds span one cell, so the
front may move half of one in a step; at a whole one the limited scheme falls back to first order.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import erfc

from meshes.plain import PlainMesh
from solver.agent.transport import AgentState, Transport
from solver.flow.step import FlowSolver
from solver.parameters.model import Model, Numerics, Physics
from solver.tissue.discretisation import Discretisation
from tests.manufactured import SIDE, Floats, box, cylinder, discretised, l2, uniform_flow
from tests.spheres import EXACT, PLAIN, model, order, tissue

CONDUCTIVITY, CONDUCTANCE, VESSELS, MODULUS, EXPONENT, TOP = 3.1e-14, 4.2e-9, 1500.0, 3e4, 5.0, 4e3
MEDIUM = tissue(
    hydraulic_conductivity=CONDUCTIVITY,
    vessel_conductance=CONDUCTANCE,
    effective_vessel_pressure=VESSELS,
    dilatation_exponent=EXPONENT,
    confined_modulus=MODULUS,
)
HELD = replace(PLAIN, vessels=True, far_field="fixed", far_pressure=VESSELS)
SCALE = CONDUCTIVITY * TOP * SIDE
"""A flow rate of this set-up [m3/s], against which Newton stops."""
Terms = tuple[Floats, Floats, Floats]
"""A field, the square of its gradient, and its Laplacian."""


def in_cylinder(points: Floats) -> Terms:
    """(1 - r^2)^2 sin(pi z), lengths over SIDE."""
    r, z = points.T / SIDE
    s, sine, cosine = 1.0 - r**2, np.sin(np.pi * z), np.cos(np.pi * z)
    slope = (4.0 * r * s * sine) ** 2 + (np.pi * s**2 * cosine) ** 2
    laplacian = (16.0 * r**2 - 8.0 - np.pi**2 * s**2) * sine
    return s**2 * sine, slope / SIDE**2, laplacian / SIDE**2


def in_box(points: Floats) -> Terms:
    """Product of sin(pi x), lengths over SIDE."""
    sines, cosines = np.sin(np.pi * points / SIDE), np.cos(np.pi * points / SIDE)
    value = sines.prod(axis=1)
    parts = np.stack([cosines[:, i] * np.delete(sines, i, axis=1).prod(axis=1) for i in range(3)])
    wave = np.pi / SIDE
    return value, wave**2 * (parts**2).sum(axis=0), -3.0 * wave**2 * value


def pressure_error(plain: PlainMesh, terms: Callable[[Floats], Terms], law: str) -> float:
    """Steady pressure driven by the source that makes VESSELS + TOP g its solution: L2 error over TOP."""
    what = model(MEDIUM, replace(HELD, conductivity=law))  # type: ignore[arg-type]
    data = discretised(plain, what)
    g, slope, laplacian = terms(data.mesh.points)
    stiffening = EXPONENT / MODULUS if law == "exponential" else 0.0
    factor = np.exp(stiffening * TOP * g)
    divergence = factor * (TOP * laplacian + stiffening * TOP**2 * slope)
    source = data.volume * (CONDUCTANCE * TOP * g - CONDUCTIVITY * divergence)
    solver = FlowSolver(data, what.physics, what.numerics, SCALE)
    state = solver.initial_state()
    found = solver.step(state, source, 1.0, state.pressure).state.pressure
    return l2(data, found - VESSELS - TOP * g) / TOP


@pytest.mark.parametrize("law", ["rigid", "exponential"])
def test_pressure_in_a_cylinder(law: str) -> None:
    errors = [pressure_error(cylinder(n, n), in_cylinder, law) for n in (16, 32, 64)]
    assert order(errors) == pytest.approx(2.0, abs=0.1)
    assert errors[-1] < 2e-3


@pytest.mark.parametrize("law", ["rigid", "exponential"])
def test_pressure_in_a_box(law: str) -> None:
    errors = [pressure_error(box(n, n), in_box, law) for n in (8, 16)]
    assert order(errors) == pytest.approx(2.0, abs=0.1)
    assert errors[-1] < 2e-2


def transient(
    plain: PlainMesh, terms: Callable[[Floats], Terms], steps: int, known: bool
) -> tuple[Discretisation, Floats]:
    """Pressure after a source that swells and fades, with storage and the exponential law.

    With its past ``known`` a step is one of BDF2, steps of two lengths by turns; else backward Euler.
    """
    what: Model = model(MEDIUM, replace(HELD, flow="storage", conductivity="exponential"))
    data = discretised(plain, what)
    solver = FlowSolver(data, what.physics, what.numerics, SCALE)
    state, end = solver.initial_state(), 0.05 * SIDE**2 / (CONDUCTIVITY * MODULUS)
    shape = 30.0 * CONDUCTIVITY * TOP / SIDE**2 * data.volume * terms(data.mesh.points)[0]
    past, time = None, 0.0
    for number in range(steps):
        length = (4 + (-1) ** number) / 4 * end / steps if known else end / steps
        time += length
        source = shape * np.sin(0.8 * np.pi * time / end)
        found = solver.step(state, source, length, state.pressure, past)
        state, past = found.state, (found, length) if known else None
    return data, state.pressure


@pytest.mark.parametrize("known", [False, True], ids=["euler", "bdf2"])
@pytest.mark.parametrize(
    ("plain", "terms"), [(cylinder(12, 12), in_cylinder), (box(6, 6), in_box)], ids=["cylinder", "box"]
)
def test_pressure_in_time(plain: PlainMesh, terms: Callable[[Floats], Terms], known: bool) -> None:
    """On one mesh, halving the step halves, or quarters, what the next halving changes."""
    runs = [transient(plain, terms, steps, known) for steps in (20, 40, 80, 160)]
    data = runs[0][0]
    changes = [l2(data, fine - coarse) for (_, coarse), (_, fine) in pairwise(runs)]
    assert order(changes) == pytest.approx(2.0 if known else 1.0, abs=0.2 if known else 0.1)
    assert changes[0] > 1e-4 * TOP


POROSITY, DIFFUSIVITY, SPEED, END, WIDTH = 0.3, 1.5e-9, 2.5e-3 / 150.0, 150.0, 0.6e-3


def front(z: Floats, time: float) -> Floats:
    """A front that travels and spreads: monotone, and flat at both ends."""
    width = np.sqrt(WIDTH**2 + 2.0 * DIFFUSIVITY * time)
    return np.asarray(0.5 * erfc((z - 3.5e-3 - SPEED * time) / (np.sqrt(2.0) * width)))


def front_error(plain: PlainMesh, steps: int, limiter: bool) -> float:
    """L2 error of the front after it has moved a quarter of the height."""
    numerics: Numerics = replace(EXACT, limiter=limiter)
    physics: Physics = replace(PLAIN, diffusion=True)
    what = model(tissue(porosity=POROSITY, diffusivity=DIFFUSIVITY), physics, numerics=numerics)
    data = discretised(plain, what)
    flow = uniform_flow(data, POROSITY * SPEED)
    transport = Transport(data, what.agent, physics, numerics)
    c, none = front(data.mesh.points[:, -1], 0.0), np.zeros(data.volume.size)
    state = AgentState(concentration=c, amount=c * data.rest_fluid)
    entering = np.maximum(-flow.outflow, 0.0)
    for _ in range(steps):
        state = transport.step(state, (none, none), flow, entering, END / steps).state
    assert data.halo.min(state.concentration) >= -1e-12
    assert data.halo.max(state.concentration) <= 1.0 + 1e-10
    return l2(data, state.concentration - front(data.mesh.points[:, -1], END))


def test_transport_in_a_cylinder() -> None:
    """Second order in both; the front moves half of a cell in a step."""
    errors = [front_error(cylinder(n // 4, n), n // 2, True) for n in (64, 128)]
    assert order(errors) == pytest.approx(2.05, abs=0.1)
    assert errors[-1] < 1e-4


def test_transport_over_many_cells_a_step() -> None:
    """The limiter does not fall back to first order where the front moves two cells in a step."""
    errors = [front_error(cylinder(n // 4, n), n // 8, True) for n in (64, 128, 256)]
    assert order(errors) > 1.6
    assert order(errors[1:]) > order(errors[:2])
    assert errors[-1] < 3e-4


def test_transport_in_a_box() -> None:
    """On meshes this coarse the order is still rising."""
    errors = [front_error(box(n // 8, n), n, True) for n in (32, 64)]
    assert order(errors) > 1.9
    assert errors[-1] < 3e-3


def test_transport_without_the_correction() -> None:
    assert order([front_error(cylinder(4, n), n, False) for n in (64, 128, 256)]) == pytest.approx(
        1.0, abs=0.1
    )
    assert order([front_error(box(3, n), n, False) for n in (64, 128)]) == pytest.approx(1.0, abs=0.1)

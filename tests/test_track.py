# SPDX-License-Identifier: MIT
"""The needle track against the closed forms of B16: one that only conducts, and one that leaks all along."""

import numpy as np
import pytest

from meshes.plain import PlainMesh
from solver.flow.state import FlowStep
from solver.parameters.lines import Backflow
from solver.tissue.discretisation import Discretisation
from solver.tissue.track import Gap, flow_potential, opened
from tests.line_setups import COMM, NEEDLE, Floats, column, cylinder, steady_lines

MU, G = 7e-4, 2e4
SIDE = 1.0787
"""Conformal radius of a square over half its width: where the pressure of a line in it seems to be zero."""


def on_root(data: Discretisation, flow: FlowStep) -> tuple[Floats, Floats, float, float]:
    """Depth and pressure of the track's nodes, what enters it and what leaves at its end, on every rank."""
    lines, found = data.lines, None
    assert lines is not None
    if lines.owned:
        along = lines.sign * flow.flux[lines.edges]
        entering = -float(along[lines.joints.link].sum())
        place = data.mesh.points[lines.node, -1]
        found = place, flow.state.pressure[lines.node], entering, float(flow.outflow[lines.node].sum())
    result: tuple[Floats, Floats, float, float] = COMM.bcast(found, root=COMM.size - 1)
    return result


def stiffness() -> float:
    """beta of Q = -beta p^3 dp/dz [m4/(Pa4 s)]."""
    return float(2 * np.pi * NEEDLE**4 / (96 * MU * G**3))


@pytest.mark.parametrize("plain", [cylinder(6e-3, 0.06, 8, 40), column(6e-3, 0.06, 6, 20)], ids=["rz", "3d"])
def test_a_tight_track_that_reaches_the_surface(plain: PlainMesh) -> None:
    """p_tip = (4 d Q/beta)^(1/4)."""
    rate, depth = 1e-8, 0.05
    track = {"backflow": Backflow(exit_distance=depth, residual_gap=1e-10, viscosity=MU)}
    data, flow = steady_lines(plain, track, 1e-17, rate, 2e-3)
    place, pressure, entering, leaving = on_root(data, flow)
    expected = (4 * depth * entering / stiffness()) ** 0.25
    assert leaving == pytest.approx(rate, rel=1e-4)
    assert pressure[0] == pytest.approx(expected, rel=1e-4)
    assert pressure == pytest.approx(expected * (1 - place / depth) ** 0.25, rel=1e-3)


MESHES = [
    (cylinder(3e-3, 0.06, 6, 60), 3e-3, 0.6e-3),
    (cylinder(3e-3, 0.06, 12, 120), 3e-3, 0.6e-3),
    (cylinder(3e-3, 0.06, 24, 240), 3e-3, 0.6e-3),
    (column(3e-3, 0.06, 10, 60), 3e-3 * SIDE, 1e-3),
]


def leak(number: int) -> tuple[float, float, float]:
    """Pressure at the tip over the closed form, largest error of the profile, and what leaves by the end."""
    plain, outer, source = MESHES[number]
    track = {"backflow": Backflow(exit_distance=0.055, residual_gap=1e-8, viscosity=MU)}
    data, flow = steady_lines(plain, track, 1e-12, 1.5e-10, source)
    place, pressure, entering, leaving = on_root(data, flow)
    resistance = np.log(outer / NEEDLE) / (2 * np.pi * 1e-12)
    length = 0.8043 * (entering**3 * resistance**4 * NEEDLE**4 / (MU * G**3)) ** 0.2
    tip = (9 * length**2 / (10 * stiffness() * resistance)) ** (1 / 3)
    expected = tip * np.maximum(1 - place / length, 0.0) ** (2 / 3)
    return pressure[0] / tip, float(np.abs(pressure - expected).max() / tip), leaving / entering


@pytest.mark.parametrize("number", range(4), ids=["0.5mm", "0.25mm", "0.125mm", "3d"])
def test_a_track_that_leaks_into_tissue(number: int) -> None:
    """p = p_0 (1 - z/L)^(2/3), with leak p/R', where the pressure is 0 at a radius around the line."""
    tip, profile, leaving = leak(number)
    assert tip == pytest.approx(1.0, abs=0.01)
    assert profile < 0.06
    assert leaving < 1e-6


def test_potential_is_the_integral_of_the_conductance() -> None:
    gap = Gap(perimeter=np.array(2e-3), give=np.array(1e-8), residual=1e-6, viscosity=MU)
    fine = np.linspace(-200.0, 3000.0, 400_001)
    potential, conductance = flow_potential(gap, fine)
    summed = np.concatenate([[0.0], np.cumsum(0.5 * (conductance[1:] + conductance[:-1]) * np.diff(fine))])
    assert np.allclose(potential - potential[0], summed, rtol=1e-6, atol=1e-9 * summed[-1])
    width, slope = opened(fine)
    assert np.allclose(np.gradient(width, fine), slope, atol=1e-3)
    assert width[fine < -25.0].max() == 0.0
    assert np.array_equal(width[fine > 25.0], fine[fine > 25.0])

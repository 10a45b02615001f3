# SPDX-License-Identifier: MIT
"""Pressure along a needle, and how its openings share the flow, against a network solved as a whole."""

from itertools import pairwise

import numpy as np
import pytest

from solver.delivery.needle import Lumen, Rings, hole_resistance, poiseuille, split

pytestmark = pytest.mark.serial

LUMEN = Lumen(radius=0.2065e-3, length=0.09, wall=0.1525e-3)
MU = 1e-3


@pytest.mark.parametrize(("inner", "rate", "expected"), [(0.413e-3, 1.0, 2.1e3), (0.21e-3, 1.0, 31e3)])
def test_pressure_in_a_needle(inner: float, rate: float, expected: float) -> None:
    """22G and 27G of 90 mm with water, as tabulated: 2.1 and 31 kPa at 1 mL/min."""
    drop = poiseuille(0.09, inner / 2, MU) * rate * 1e-6 / 60
    assert drop == pytest.approx(expected, rel=0.02)
    assert split(LUMEN, None, MU) == ((1.0,), poiseuille(0.09, LUMEN.radius, MU))


@pytest.mark.parametrize("tip_open", [True, False])
def test_ladder_against_the_network(tip_open: bool) -> None:
    """Hub, junctions and the tip, if it is open: Kirchhoff's equations as a matrix."""
    rings = Rings(distances=(2e-3, 5e-3, 9e-3), number=3, radius=0.08e-3, tip_open=tip_open)
    shares, resistance = split(LUMEN, rings, MU)
    hole = rings.number / hole_resistance(LUMEN.wall, rings.radius, MU)
    at = (0.0, *rings.distances)
    segments = [1 / poiseuille(b - a, LUMEN.radius, MU) for a, b in pairwise(at)]
    matrix = np.diag([hole] * 3)
    for i, conductance in enumerate(segments):
        if i == 0:
            matrix[0, 0] += conductance * tip_open
        else:
            matrix[i - 1 : i + 1, i - 1 : i + 1] += conductance * np.array([[1, -1], [-1, 1]])
    pressure = np.linalg.solve(matrix, [0.0, 0.0, 1.0])
    tip = segments[0] * pressure[0] * tip_open
    assert shares == pytest.approx((tip, *(hole * pressure)), rel=1e-9, abs=1e-12)
    assert sum(shares) == pytest.approx(1.0, rel=1e-12)
    assert resistance == pytest.approx(poiseuille(0.09 - 9e-3, LUMEN.radius, MU) + pressure[2], rel=1e-9)


def test_tight_holes_share_alike_and_wide_ones_take_all() -> None:
    """Where holes are the resistance each takes the same; wide ones leave nothing to those beyond."""
    distances = (5e-3, 10e-3)
    tight = split(LUMEN, Rings(distances=distances, number=1, radius=1e-6, tip_open=False), MU)[0]
    assert tight == pytest.approx((0.0, 0.5, 0.5), rel=1e-3)
    wide = split(LUMEN, Rings(distances=distances, number=8, radius=0.5e-3, tip_open=True), MU)[0]
    assert wide[2] > 0.97
    viscous = split(LUMEN, Rings(distances=distances, number=1, radius=1e-6, tip_open=False), 100 * MU)[0]
    assert viscous == pytest.approx(tight, rel=1e-9)

# SPDX-License-Identifier: MIT
"""Curves along the radius: closed forms, the half disc for a radial mesh, distances from the tumour."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from postprocess.figures.profiles import beyond_tumour, largest_beyond
from postprocess.figures.revolve import half_disc
from postprocess.figures.stage import Stage
from postprocess.results.ablation import ablated, volume
from postprocess.results.closed_forms import closed_form
from postprocess.results.result import Result, open_result
from solver.results.fields import CONCENTRATION, CT_DOSE, PRESSURE
from tests import analytic
from tests.synthetic_result import DOSE_AT_TIP, REACH, TUMOUR_RADIUS, result_folder

pytestmark = pytest.mark.serial

WALL = 0.000359
RATE = 1e-6 / 60.0
RADII = WALL + np.linspace(0.0, 0.04, 4001)
RIGID: dict[str, Any] = {"flow": "steady", "conductivity": "rigid", "closure": "none", "perfusion_cap": False}


def medium(conductivity: float, conductance: float, rest: float) -> dict[str, float]:
    return {
        "hydraulic_conductivity": conductivity,
        "vessel_conductance": conductance,
        "effective_vessel_pressure": rest,
        "lymph_conductance": 0.0,
        "lymph_pressure": 0.0,
        "porosity": 0.3,
    }


def rigid(folder: Path, tissues: dict[str, Any], physics: dict[str, Any]) -> Result:
    result = open_result(result_folder(folder, "radial", layers=2))
    return replace(result, resolved=result.resolved | {"tissues": tissues, "physics": RIGID | physics})


def test_one_medium_is_the_screened_cavity(tmp_path: Path) -> None:
    same = medium(3e-14, 4e-7, 1500.0)
    result = rigid(tmp_path, {"tumour": same, "tissue": same}, {})
    found = closed_form(result, PRESSURE, 30.0, RADII)
    assert found is not None
    exact = 1500.0 + analytic.screened_cavity_pressure(RATE, analytic.Perfused(3e-14, 4e-7, 0.0), WALL, RADII)
    assert found == pytest.approx(exact, rel=1e-9)


def test_two_media_join_without_a_jump_of_pressure_or_flux(tmp_path: Path) -> None:
    tissues = {"tumour": medium(3e-14, 4e-9, 1500.0), "tissue": medium(6e-15, 2e-8, 800.0)}
    result = rigid(tmp_path, tissues, {})
    near = TUMOUR_RADIUS + np.array([-2e-8, -1e-8, 1e-8, 2e-8])
    found = closed_form(result, PRESSURE, 30.0, np.concatenate([[WALL, WALL + 1e-8], near]))
    assert found is not None
    assert found[3] == pytest.approx(found[4], rel=1e-3)
    inside, outside = (found[3] - found[2]) / 1e-8, (found[5] - found[4]) / 1e-8
    assert 3e-14 * inside == pytest.approx(6e-15 * outside, rel=2e-3)
    entering = -4 * np.pi * WALL**2 * 3e-14 * (found[1] - found[0]) / 1e-8
    assert entering == pytest.approx(RATE, rel=1e-3)


def test_convection_with_decay(tmp_path: Path) -> None:
    same = medium(3e-14, 4e-7, 0.0)
    result = rigid(tmp_path, {"tumour": same, "tissue": same}, {"vessels": False, "lymph": False})
    found = closed_form(result, CONCENTRATION, 30.0, RADII)
    travel = analytic.travel_time(RADII, RATE, 0.3, WALL)
    assert found == pytest.approx(analytic.convected_concentration(3.0, 0.033, travel, 30.0))


@pytest.mark.parametrize(
    "changed",
    [{"flow": "storage"}, {"conductivity": "fissuring"}, {"closure": "pressure"}, {"perfusion_cap": True}],
)
def test_nothing_is_drawn_where_no_closed_form_is_known(tmp_path: Path, changed: dict[str, Any]) -> None:
    same = medium(3e-14, 4e-7, 0.0)
    result = rigid(tmp_path, {"tumour": same, "tissue": same}, changed)
    assert closed_form(result, PRESSURE, 30.0, RADII) is None
    assert closed_form(result, CONCENTRATION, 30.0, RADII) is None
    assert closed_form(result, PRESSURE, 200.0, RADII) is None


def test_half_disc_stands_for_the_radial_mesh(tmp_path: Path) -> None:
    line = open_result(result_folder(tmp_path, "radial", layers=6)).grid(212.0)
    disc = half_disc(line)
    assert volume(disc, "axisymmetric") == pytest.approx(volume(line, "radial"), rel=1e-3)
    level = 0.3 * DOSE_AT_TIP
    expected = volume(ablated(line, CT_DOSE.key, level), "radial")
    assert volume(ablated(disc, CT_DOSE.key, level), "axisymmetric") == pytest.approx(expected, rel=1e-3)


def test_largest_beyond_a_distance() -> None:
    distances, values = np.array([3.0, 0.0, 2.0, 1.0, 0.0, 4.0]), np.array([2.0, 5.0, 1.0, 3.0, 4.0, 0.5])
    places, largest = largest_beyond(distances, values)
    assert places.tolist() == [0.0, 1.0, 3.0, 4.0]
    assert largest.tolist() == [5.0, 3.0, 2.0, 0.5]


@pytest.mark.parametrize("geometry", ["radial", "axisymmetric", "3d"])
def test_distance_beyond_the_tumour(tmp_path: Path, geometry: Any) -> None:
    grid = Stage(open_result(result_folder(tmp_path, geometry, layers=8, offset=0.0))).grid(212.0)
    radius = np.linalg.norm(np.asarray(grid.points), axis=1)
    found = beyond_tumour(grid)
    assert np.all(np.isnan(found[radius < TUMOUR_RADIUS * 0.999]))
    assert np.all(found[np.abs(radius - TUMOUR_RADIUS) < 1e-9] == 0.0)
    outside = radius > TUMOUR_RADIUS * 1.001
    # by the surface's vertices, so somewhat more between them
    assert np.all(found[outside] >= radius[outside] - TUMOUR_RADIUS - 1e-9)
    assert found[outside] == pytest.approx(radius[outside] - TUMOUR_RADIUS, abs=2e-4)
    assert REACH < TUMOUR_RADIUS

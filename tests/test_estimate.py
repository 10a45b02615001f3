# SPDX-License-Identifier: MIT
"""The error estimate on fields made by hand, whose error is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from meshes.cells.background import kuhn_ball
from meshes.cells.measures import cell_volumes
from meshes.plain import Geometry, PlainMesh
from solver.ablation.estimate import cell_errors, error_estimate, recovered_gradient, volume_errors
from solver.ablation.metrics import Level
from solver.parameters.model import Numerics

Floats = NDArray[np.float64]
OUTER = 10e-3


def line(cells: int) -> PlainMesh:
    r = np.asarray(np.linspace(1e-3, OUTER, cells + 1), dtype=np.float64)
    return plain("radial", r[:, None], np.stack([np.arange(cells), np.arange(1, cells + 1)], axis=1))


def half_plane(cells: int) -> PlainMesh:
    x, y = np.meshgrid(np.linspace(0, OUTER, cells + 1), np.linspace(0, OUTER, cells + 1), indexing="ij")
    low = (np.arange(cells)[:, None] * (cells + 1) + np.arange(cells)).ravel()
    one = np.stack([low, low + cells + 1, low + cells + 2], axis=1)
    two = np.stack([low, low + cells + 2, low + 1], axis=1)
    return plain("axisymmetric", np.stack([x.ravel(), y.ravel()], axis=1), np.concatenate([one, two]))


def ball(cells: int) -> PlainMesh:
    return plain("3d", *kuhn_ball(np.zeros(3), OUTER, cells))


def plain(geometry: Geometry, points: Floats, cells: NDArray[np.int64]) -> PlainMesh:
    return PlainMesh(
        geometry=geometry,
        points=points,
        cells=cells,
        cell_tags=np.ones(len(cells), dtype=np.int32),
        facets=np.zeros((0, points.shape[1]), dtype=np.int64),
        facet_tags=np.zeros(0, dtype=np.int32),
        info={},
    )


def volumes(mesh: PlainMesh) -> Floats:
    return cell_volumes(mesh.points, mesh.cells, mesh.geometry)


def distance(mesh: PlainMesh) -> Floats:
    return np.asarray(np.linalg.norm(mesh.points, axis=1))


MESHES = [line(40), half_plane(20), ball(12)]
NAMES = ["radial", "axisymmetric", "3d"]


@pytest.mark.parametrize("mesh", MESHES, ids=NAMES)
def test_a_linear_field_has_no_error(mesh: PlainMesh) -> None:
    slope = np.array([3.0, -2.0, 5.0])[: mesh.points.shape[1]]
    values = 7.0 + mesh.points @ slope
    np.testing.assert_allclose(recovered_gradient(mesh, values, volumes(mesh)) - slope, 0.0, atol=1e-9)
    np.testing.assert_allclose(cell_errors(mesh, values, volumes(mesh)), 0.0, atol=1e-12)


def test_a_parabola_errs_by_a_sixth_of_the_square_of_a_cell() -> None:
    # u = x^2 on cells of length h: the line misses it by h^2/6 on average over a cell
    mesh = line(40)
    h = (OUTER - 1e-3) / 40
    uniform = np.ones(40)
    errors = cell_errors(mesh, mesh.points[:, 0] ** 2, uniform)
    np.testing.assert_allclose(errors[2:-2], h**2 / 6, rtol=1e-6)


@pytest.mark.parametrize(("make", "cells"), [(line, 40), (half_plane, 24), (ball, 16)], ids=NAMES)
def test_volume_of_an_exponential_is_uncertain_by_what_it_errs(make, cells: int) -> None:  # type: ignore[no-untyped-def]
    # exp(-r/L) passes a threshold on a sphere, so the truth is known; compared over many thresholds
    mesh = make(cells)
    length, radii = 1.0e-3, np.linspace(3e-3, 7e-3, 41)
    values = np.exp(-distance(mesh) / length)
    found = volume_errors(
        mesh, values, cell_errors(mesh, values, volumes(mesh)), np.exp(-radii / length).tolist()
    )
    inner = 4 / 3 * np.pi * 1e-9 if make is line else 0.0
    share = 0.5 if make is half_plane else 1.0
    exact = share * (4 / 3 * np.pi * radii**3 - inner)
    error = np.mean([abs(volume - known) for (volume, _), known in zip(found, exact, strict=True)])
    estimate = np.mean([change for _, change in found])
    assert 0.5 < estimate / error < 2.5


def test_halving_the_cells_quarters_the_estimate() -> None:
    def estimate(cells: int) -> float:
        mesh = line(cells)
        values = np.exp(-distance(mesh) / 3e-3)
        return volume_errors(mesh, values, cell_errors(mesh, values, volumes(mesh)), [np.exp(-2.0)])[0][1]

    assert estimate(80) / estimate(160) == pytest.approx(4.0, rel=0.15)


def test_the_summary_block() -> None:
    mesh = ball(12)
    dose = 30 * np.exp(-distance(mesh) / 2e-3)
    levels = [
        Level(measure="ct", threshold=threshold, unit="kg s/m^3", label=f"{threshold}")
        for threshold in (1.0, 1000.0)
    ]
    block = error_estimate(mesh, {"ct": dose, "peak": dose}, 0 * dose, levels, Numerics())
    reached, missed = block["ablation"]
    assert 0 < reached["volume_relative"] < 0.5 and 0 < reached["shift_m"] < 1e-3
    assert missed["volume_relative"] is None and missed["shift_m"] is None
    assert block["concentration_relative"] == 0.0 < block["ct_relative"] < 0.5
    assert block["time_relative"] > 0
    fixed = error_estimate(mesh, {"ct": dose, "peak": dose}, dose, levels, Numerics(fixed_step=1.0))
    assert fixed["time_relative"] == 0.0 < fixed["concentration_relative"]

# SPDX-License-Identifier: MIT
"""Ablation by clipping: balls and lenses of known volume, margins between known spheres."""

import numpy as np
import pytest
import pyvista as pv

from meshes.plain import Geometry
from postprocess.results.ablation import ablation, margin, tumour_surface, volume
from solver.ablation import metrics
from solver.results.vtkhdf import VTK_CELL_TYPES, embed
from tests.synthetic_result import (
    DOMAIN_RADIUS,
    THRESHOLDS,
    TIMES,
    TUMOUR_RADIUS,
    ablation_radius,
    ball,
    fields,
    lens,
    mesh,
)

pytestmark = pytest.mark.serial

GEOMETRIES: tuple[Geometry, ...] = ("radial", "axisymmetric", "3d")
OFFSET = 0.004


def grid(geometry: Geometry, layers: int, offset: float) -> pv.UnstructuredGrid:
    plain = mesh(geometry, layers)
    made = pv.UnstructuredGrid({VTK_CELL_TYPES[geometry]: plain.cells}, embed(plain))
    for key, values in fields(plain, TIMES[-1], offset)[0].items():
        made.point_data[key] = values
    made.cell_data["region"] = plain.cell_tags
    return made


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_volume_of_the_domain_is_that_of_its_polyhedron(geometry: Geometry) -> None:
    plain = mesh(geometry, 4)
    exact = volume(grid(geometry, 4, 0.0), geometry)
    corners = embed(plain)[plain.cells]
    if geometry == "3d":
        assert exact == pytest.approx(
            np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])).sum() / 6, rel=1e-12
        )
    elif geometry == "radial":
        assert exact == pytest.approx(ball(DOMAIN_RADIUS), rel=1e-12)
    else:
        assert exact == pytest.approx(ball(DOMAIN_RADIUS), rel=0.02)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_concentric_zone(geometry: Geometry, threshold: float) -> None:
    zone = ablation(grid(geometry, 9, 0.0), geometry, "ct_dose", threshold)
    exact = ball(ablation_radius(threshold))
    assert zone.volume == pytest.approx(
        exact, rel={"radial": 1e-12, "axisymmetric": 0.01, "3d": 0.03}[geometry]
    )
    assert zone.outside == pytest.approx(0.0, abs=1e-12 * exact)
    assert zone.coverage == pytest.approx(exact / ball(TUMOUR_RADIUS), rel=0.03)


@pytest.mark.parametrize("geometry", ["axisymmetric", "3d"])
def test_zone_across_the_tumour_surface(geometry: Geometry) -> None:
    zone = ablation(grid(geometry, 9, OFFSET), geometry, "ct_dose", 4.5)
    radius = ablation_radius(4.5)
    assert zone.volume == pytest.approx(ball(radius), rel=0.03)
    assert zone.in_tumour == pytest.approx(lens(radius, TUMOUR_RADIUS, OFFSET), rel=0.03)
    assert zone.outside == pytest.approx(ball(radius) - lens(radius, TUMOUR_RADIUS, OFFSET), rel=0.05)


@pytest.mark.parametrize("geometry", ["axisymmetric", "3d"])
def test_volume_converges_with_second_order(geometry: Geometry) -> None:
    errors = []
    for layers in (4, 8):
        zone = ablation(grid(geometry, layers, OFFSET), geometry, "ct_dose", 4.5)
        errors.append(abs(zone.volume / ball(ablation_radius(4.5)) - 1))
    assert np.log2(errors[0] / errors[1]) > 1.7


@pytest.mark.parametrize("geometry", ["axisymmetric", "3d"])
def test_margin_between_spheres(geometry: Geometry) -> None:
    radius = ablation_radius(4.5)
    found = margin(grid(geometry, 9, OFFSET), geometry, "ct_dose", 4.5)
    assert found is not None
    assert found.minimum == pytest.approx(radius - TUMOUR_RADIUS - OFFSET, abs=3e-4)
    median = radius - np.hypot(TUMOUR_RADIUS, OFFSET)
    assert found.median == pytest.approx(median, abs=6e-4)
    assert found.minimum < found.percentile_5 < found.median


def test_margin_of_the_radial_geometry_is_one_number() -> None:
    found = margin(grid("radial", 9, 0.0), "radial", "ct_dose", 4.5)
    assert found is not None
    exact = ablation_radius(4.5) - TUMOUR_RADIUS
    assert (found.minimum, found.percentile_5, found.median) == pytest.approx((exact,) * 3, rel=1e-9)


def test_nothing_ablated_has_no_margin() -> None:
    zone = ablation(grid("3d", 4, 0.0), "3d", "ct_dose", 1e6)
    assert (zone.volume, zone.coverage, zone.margin) == (0.0, 0.0, None)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_agrees_with_what_the_solver_integrates(geometry: Geometry, threshold: float) -> None:
    offset = 0.0 if geometry == "radial" else OFFSET
    plain = mesh(geometry, 5)
    level = metrics.Level(measure="ct", threshold=threshold, unit="kg s/m^3", label="")
    dose = fields(plain, TIMES[-1], offset)[0]["ct_dose"]
    solved = metrics.ablation(plain, metrics.tumour_shape(plain), dose, level, 0.0)
    clipped = ablation(grid(geometry, 5, offset), geometry, "ct_dose", threshold)
    assert clipped.volume == pytest.approx(solved["volume_m3"], rel=1e-12)
    assert clipped.in_tumour == pytest.approx(solved["in_tumour_m3"], rel=1e-12)
    assert clipped.coverage == pytest.approx(solved["coverage"], rel=1e-12)
    assert clipped.margin is not None
    assert clipped.margin.minimum == pytest.approx(solved["margin"]["min_m"], abs=1e-9)
    assert clipped.margin.median == pytest.approx(solved["margin"]["median_m"], abs=1e-5)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_tumour_surface_lies_on_its_sphere(geometry: Geometry) -> None:
    made = grid(geometry, 5, 0.0)
    facets = tumour_surface(made)
    assert len(facets) == {"radial": 1, "axisymmetric": 20, "3d": 6 * 10 * 10 * 2}[geometry]
    assert np.linalg.norm(made.points[np.unique(facets)], axis=1) == pytest.approx(TUMOUR_RADIUS, rel=1e-9)

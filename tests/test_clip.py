# SPDX-License-Identifier: MIT
"""Clipping of linear cells: exact cases, spheres under refinement, ties."""

import itertools
from math import pi

import numpy as np
import pytest
from numpy.typing import NDArray

from meshes.cells.measures import cell_volumes
from meshes.plain import Geometry
from solver.ablation.clip import isosurface, volume_above

DIMENSION: dict[Geometry, int] = {"radial": 1, "axisymmetric": 2, "3d": 3}


def box(geometry: Geometry, n: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Unit interval, square or cube in ``n`` slices per direction (Kuhn simplices)."""
    d = DIMENSION[geometry]
    points = np.stack(np.meshgrid(*[np.linspace(0.0, 1.0, n + 1)] * d, indexing="ij"), axis=-1).reshape(-1, d)
    base = np.stack(np.meshgrid(*[np.arange(n)] * d, indexing="ij"), axis=-1).reshape(-1, d)
    strides = (n + 1) ** np.arange(d)[::-1]
    cells = []
    for path in itertools.permutations(range(d)):
        corner, walk = base.copy(), [base @ strides]
        for axis in path:
            corner = corner + np.eye(d, dtype=int)[axis]
            walk.append(corner @ strides)
        cells.append(np.stack(walk, axis=1))
    return points, np.concatenate(cells)


BOX_VOLUME = {"radial": 4 * pi / 3, "axisymmetric": pi, "3d": 1.0}


@pytest.mark.parametrize("geometry", BOX_VOLUME)
def test_cell_volumes_fill_the_body(geometry: Geometry) -> None:
    points, cells = box(geometry, 5)
    assert cell_volumes(points, cells, geometry).sum() == pytest.approx(BOX_VOLUME[geometry], rel=1e-14)


@pytest.mark.parametrize("level", [-0.1, 0.0, 0.13, 0.4, 0.731, 1.0])
@pytest.mark.parametrize("geometry", BOX_VOLUME)
def test_linear_field_is_cut_exactly(geometry: Geometry, level: float) -> None:
    """The field 1 - x reaches ``level`` for x <= 1 - level: a ball, a cylinder, a slab."""
    points, cells = box(geometry, 7)
    edge = min(1.0 - level, 1.0)
    exact = {"radial": 4 * pi / 3 * edge**3, "axisymmetric": pi * edge**2, "3d": edge}[geometry]
    found = volume_above(points, cells, 1.0 - points[:, 0], level, geometry)
    assert found.sum() == pytest.approx(exact, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("geometry", BOX_VOLUME)
def test_parts_above_and_below_make_the_cell(geometry: Geometry) -> None:
    points, cells = box(geometry, 3)
    values = np.random.default_rng(1).normal(size=len(points))
    whole = cell_volumes(points, cells, geometry)
    for level in (-0.7, 0.0, 0.3):
        parts = volume_above(points, cells, values, level, geometry)
        parts += volume_above(points, cells, -values, -level, geometry)
        np.testing.assert_allclose(parts, whole, rtol=1e-13)


@pytest.mark.parametrize("cut", [1e-3, 1e-6, 1e-9])
def test_thin_cut_keeps_its_relative_precision(cut: float) -> None:
    """The corner of a tetrahedron has volume cut^3 / 6, the wedge along an edge about cut^2 / 2."""
    points = np.vstack([np.zeros(3), np.eye(3)])
    cells = np.array([[0, 1, 2, 3]])
    corner = volume_above(points, cells, np.array([1.0, 0.0, 0.0, 0.0]), 1.0 - cut, "3d")
    assert corner[0] == pytest.approx(((1.0 - (1.0 - cut)) ** 3) / 6, rel=1e-9)
    share = 1.0 - (1.0 - cut)
    wedge = volume_above(points, cells, np.array([1.0, 1.0, 0.0, 0.0]), 1.0 - cut, "3d")
    assert wedge[0] == pytest.approx(share**2 / 2 - share**3 / 3, rel=1e-9)


@pytest.mark.parametrize("geometry", BOX_VOLUME)
def test_flat_and_tied_fields(geometry: Geometry) -> None:
    points, cells = box(geometry, 4)
    whole = cell_volumes(points, cells, geometry)
    flat = np.full(len(points), 0.1)
    np.testing.assert_array_equal(volume_above(points, cells, flat, 0.1, geometry), whole)
    np.testing.assert_array_equal(
        volume_above(points, cells, flat, np.nextafter(0.1, 1), geometry), 0 * whole
    )
    assert len(isosurface(points, cells, flat, 0.1)) == 0
    step = (points[:, 0] <= 0.5).astype(float)
    assert np.all(np.isfinite(volume_above(points, cells, step, 1.0, geometry)))
    inside = points[cells][:, :, 0].max(axis=1) <= 0.5
    np.testing.assert_array_equal(
        volume_above(points, cells, step, 1.0, geometry), np.where(inside, whole, 0.0)
    )


@pytest.mark.parametrize("geometry", ["axisymmetric", "3d"])
def test_sphere_converges_with_second_order(geometry: Geometry) -> None:
    """Ball of radius 0.6 about the origin: a half of it (axisymmetric) or an eighth (3d) is in the box."""
    exact = 4 * pi / 3 * 0.6**3 * {"axisymmetric": 0.5, "3d": 0.125}[geometry]
    errors = []
    for n in (8, 16, 32):
        points, cells = box(geometry, n)
        distance = np.linalg.norm(points, axis=1)
        errors.append(abs(volume_above(points, cells, -distance, -0.6, geometry).sum() / exact - 1.0))
    assert errors[-1] < 1e-3
    assert np.log2(errors[0] / errors[-1]) / 2 == pytest.approx(2.0, abs=0.2)


def test_isosurface_of_a_sphere() -> None:
    """Area and distance of the triangles, the segments and the radius of one sphere."""
    for geometry, order in DIMENSION.items():
        points, cells = box(geometry, 24)
        soup = isosurface(points, cells, -np.linalg.norm(points, axis=1), -0.6)
        assert soup.shape[1:] == (order, order)
        np.testing.assert_allclose(np.linalg.norm(soup, axis=2), 0.6, atol=1.5e-3)
        if geometry == "axisymmetric":
            length = np.linalg.norm(soup[:, 1] - soup[:, 0], axis=1).sum()
            assert length == pytest.approx(0.5 * pi * 0.6, rel=2e-3)
        if geometry == "3d":
            normals = np.cross(soup[:, 1] - soup[:, 0], soup[:, 2] - soup[:, 0])
            assert 0.5 * np.linalg.norm(normals, axis=1).sum() == pytest.approx(0.5 * pi * 0.36, rel=5e-3)
    assert len(soup) > 1000

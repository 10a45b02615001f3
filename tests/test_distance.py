# SPDX-License-Identifier: MIT
"""Distances to surfaces against brute force and closed forms, interfaces of regions, margins of spheres."""

import itertools
from collections import Counter
from math import pi
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from meshes.regions import NECROTIC_CORE, TISSUE, TUMOUR, TUMOUR_REGIONS
from solver.ablation import nearest
from solver.ablation.clip import isosurface
from solver.ablation.distance import distance_to_surface, interface_facets, margins, surface_weights
from tests.test_clip import box

Floats = NDArray[np.float64]


def sampled_distance(points: Floats, surface: Floats, n: int = 60) -> Floats:
    """Distance to a fine cloud of points on every primitive: an upper bound, close to the truth."""
    size = surface.shape[1]
    grid = [shares for shares in itertools.product(range(n + 1), repeat=size) if sum(shares) == n]
    cloud = np.einsum("sk,tkd->tsd", np.array(grid) / n, surface).reshape(-1, surface.shape[2])
    return np.array([np.linalg.norm(cloud - p, axis=1).min() for p in points])


def one_by_one(points: Floats, surface: Floats) -> Floats:
    """Least of the distances to single primitives: nothing can be passed over."""
    single = [distance_to_surface(points, surface[i : i + 1]) for i in range(len(surface))]
    return np.asarray(np.min(single, axis=0))


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_distance_against_sampling(dimension: int) -> None:
    """Random primitives of sizes over three decades, points near and far."""
    random = np.random.default_rng(dimension)
    sizes = 10.0 ** random.uniform(-3, 0, size=(60, 1, 1))
    surface = random.normal(size=(60, 1, dimension)) + sizes * random.normal(size=(60, dimension, dimension))
    points = random.normal(size=(80, dimension)) * random.choice([0.3, 2.0, 8.0], size=(80, 1))
    exact = distance_to_surface(points, surface)
    witness = sampled_distance(points, surface)
    assert np.all(exact <= witness + 1e-12)
    np.testing.assert_allclose(exact, witness, atol=0.05, rtol=1e-2)
    np.testing.assert_allclose(exact, one_by_one(points, surface), rtol=1e-12)


def test_triangle_closed_forms() -> None:
    """Feet inside the triangle, on an edge, on a corner; and a triangle that is a line."""
    triangle = np.array([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]])
    points = np.array(
        [[0.2, 0.2, 0.3], [0.5, -0.4, 0.3], [-3.0, -4.0, 0.0], [1.0, 1.0, 0.0], [0.1, 0.1, 0.0]]
    )
    expected = [0.3, 0.5, 5.0, np.sqrt(0.5), 0.0]
    np.testing.assert_allclose(distance_to_surface(points, triangle), expected, atol=1e-15)
    line = np.array([[[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]])
    np.testing.assert_allclose(distance_to_surface(np.array([[1.5, 3.0, 4.0]]), line), 5.0)
    assert distance_to_surface(points, triangle[:0]).tolist() == [np.inf] * 5


@pytest.mark.parametrize("radius", [0.0, 0.1, 0.55, 0.65, 1.7])
def test_sphere_is_as_far_as_it_looks(radius: float) -> None:
    """Points at one distance from a whole sphere of 0.6, the centre included: no shortcut may fail there."""
    points, cells = box("3d", 16)
    points = 2.0 * points - 1.0
    surface = isosurface(points, cells, -np.linalg.norm(points, axis=1), -0.6)
    directions = np.random.default_rng(3).normal(size=(200, 3))
    probes = radius * directions / np.linalg.norm(directions, axis=1)[:, None]
    np.testing.assert_allclose(distance_to_surface(probes, surface), abs(radius - 0.6), atol=1e-2)
    few = probes[:20]
    np.testing.assert_allclose(distance_to_surface(few, surface), one_by_one(few, surface), rtol=1e-12)


def test_few_primitives_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Size of a patient's tumour surface against a fine zone: a point looks at 3 % of it."""
    points, cells = box("3d", 36)
    points = 2.0 * points - 1.0
    surface = isosurface(points, cells, -np.linalg.norm(points, axis=1), -0.6)
    assert len(surface) > 10_000
    directions = np.random.default_rng(4).normal(size=(50_000, 3))
    probes = 0.9 * directions / np.linalg.norm(directions, axis=1)[:, None]
    found = distance_to_surface(probes, surface)
    np.testing.assert_allclose(found, 0.3, atol=2e-3)
    visits = Counter[str]()
    for name in ("_to_disc", "_to_primitive"):
        compiled = getattr(nearest, name)

        def counted(*arguments: object, name: str = name, compiled: Any = compiled) -> float:
            visits[name] += 1
            return float(compiled(*arguments))

        monkeypatch.setattr(nearest, name, counted)
    few = probes[:100]
    tree = nearest.disc_tree(surface)
    np.testing.assert_array_equal(nearest.distances.py_func(few, tree), found[:100])
    most = 0.03 * len(surface) * len(few)
    assert visits["_to_primitive"] < most
    assert visits["_to_disc"] < most


def test_interface_of_a_slab() -> None:
    """Regions split at x = 0.5 share one unit square; a core inside the tumour makes no interface."""
    points, cells = box("3d", 4)
    centre = points[cells].mean(axis=1)[:, 0]
    tags = np.where(centre < 0.25, NECROTIC_CORE, np.where(centre < 0.5, TUMOUR, TISSUE))
    facets = interface_facets(cells, tags, TUMOUR_REGIONS)
    assert facets.shape == (32, 3)
    np.testing.assert_array_equal(points[facets][:, :, 0], 0.5)
    assert surface_weights(points, facets, "3d").sum() == pytest.approx(1.0)
    assert len(interface_facets(cells, np.full(len(cells), TUMOUR), TUMOUR_REGIONS)) == 0


def test_interface_in_lower_dimensions() -> None:
    points, cells = box("radial", 4)
    facets = interface_facets(cells, np.array([1, 1, 2, 2]), TUMOUR_REGIONS)
    assert facets.tolist() == [[2]]
    assert surface_weights(points, facets, "radial").sum() == pytest.approx(4 * pi * 0.25)
    points, cells = box("axisymmetric", 4)
    tags = np.where(points[cells].mean(axis=1)[:, 0] < 0.5, TUMOUR, TISSUE)
    facets = interface_facets(cells, tags, TUMOUR_REGIONS)
    assert surface_weights(points, facets, "axisymmetric").sum() == pytest.approx(2 * pi * 0.5)


def test_margins_of_shifted_spheres() -> None:
    """Tumour of 0.4, zone of 0.6 shifted by 0.3: margins from -0.1 to 0.5, median as by the closed form."""
    points, cells = box("3d", 32)
    points = 2.0 * points - 1.0
    shift = np.array([0.3, 0.0, 0.0])
    zone = isosurface(points, cells, -np.linalg.norm(points - shift, axis=1), -0.6)
    z = np.linspace(-1, 1, 2001)
    azimuth = np.arange(2001) * 2.399963
    tumour = 0.4 * np.column_stack(
        [z, np.sqrt(1 - z**2) * np.cos(azimuth), np.sqrt(1 - z**2) * np.sin(azimuth)]
    )
    exact = 0.6 - np.linalg.norm(tumour - shift, axis=1)
    found = margins(zone, tumour, np.ones(len(z)), exact > 0.0)
    assert found is not None
    assert found["min_m"] == pytest.approx(-0.1, abs=2e-3)
    assert found["p5_m"] == pytest.approx(np.quantile(exact, 0.05), abs=2e-3)
    assert found["median_m"] == pytest.approx(0.6 - 0.5, abs=2e-3)
    doubled = margins(zone, tumour, np.where(z > 0, 3.0, 1.0), exact > 0.0)
    assert doubled is not None
    assert doubled["median_m"] == pytest.approx(np.quantile(exact[z > 0], 1 / 3), abs=3e-3)


def test_no_zone_no_margin() -> None:
    assert margins(np.empty((0, 3, 3)), np.zeros((1, 3)), np.ones(1), np.array([False])) is None

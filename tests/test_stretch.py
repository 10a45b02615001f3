# SPDX-License-Identifier: MIT
"""Cells around a tip: as long along the radius as asked for, longer across it, and still a sound mesh."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from meshes.cells.facets import exterior_facets
from meshes.cells.measures import cell_volumes
from meshes.cells.quality import volumes
from meshes.cells.sizing import edge_length, size_field
from meshes.cells.tetrahedra import unique_edges
from meshes.generated.parametric import parametric_mesh
from meshes.generated.stretch import stretch_at, stretched_metric
from meshes.geometry import MeshSizes, ParametricGeometry, Site, Vector
from meshes.plain import PlainMesh
from meshes.regions import CAPSULE, CAVITY, NECROTIC_CORE, OUTER, TISSUE, TUMOUR

pytestmark = pytest.mark.serial
Floats = NDArray[np.float64]
NEEDLE = 0.359e-3
SIZES = MeshSizes(
    tip=0.2e-3,
    front=0.9e-3,
    front_start=2e-3,
    front_radius=8e-3,
    surface=2e-3,
    far=15e-3,
    growth=0.3,
    stretch=2.0,
)


def site(x: float, y: float, z: float, source_radius: float | None = None) -> Site:
    return Site(tip=(x, y, z), direction=(0, 0, -1), needle_radius=NEEDLE, source_radius=source_radius)


def described(sizes: MeshSizes = SIZES) -> ParametricGeometry:
    return ParametricGeometry(
        kind="3d",
        semi_axes=(0.01, 0.01, 0.01),
        centre=(0.0, 0.0, 0.0),
        domain_radius=0.06,
        necrotic_fraction=0.0,
        capsule_thickness=0.0,
        sites=(site(0.0, 0.0, 0.0),),
        sizes=sizes,
    )


@cache
def meshed() -> PlainMesh:
    return parametric_mesh(described())


def ball(radius: float) -> float:
    return 4 / 3 * math.pi * radius**3


def along_and_across(mesh: PlainMesh, low: float, high: float) -> tuple[float, float]:
    """Lengths along and across the radius whose ellipsoid would have edges like those of a shell."""
    edges = unique_edges(mesh.cells)
    middle = mesh.points[edges].mean(axis=1)
    distance = np.linalg.norm(middle, axis=1)
    inside = (distance > low) & (distance < high)
    edge = (mesh.points[edges[:, 1]] - mesh.points[edges[:, 0]])[inside]
    radial = np.einsum("ed,ed->e", edge, middle[inside]) / distance[inside]
    across = (edge**2).sum(axis=1) - radial**2
    return math.sqrt(3 * float((radial**2).mean())), math.sqrt(1.5 * float(across.mean()))


def test_the_metric_asks_for_the_lengths_in_both_directions() -> None:
    field = size_field(described())
    for distance in (0.5e-3, 1e-3, 5e-3, 7e-3):
        point = np.array([[0.0, 0.6 * distance, 0.8 * distance]])
        length = edge_length(field, point)
        xx, xy, xz, yy, yz, zz = stretched_metric(SIZES, [((0.0, 0.0, 0.0), NEEDLE)], point, length)[0]
        metric = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        radial, across = np.array([0.0, 0.6, 0.8]), np.array([0.0, 0.8, -0.6])
        wanted = stretch_at(SIZES, np.array([distance]), NEEDLE)
        assert radial @ metric @ radial == pytest.approx(length[0] ** -2)
        assert across @ metric @ across == pytest.approx((wanted[0] * length[0]) ** -2)


def test_cells_are_stretched_where_the_front_travels_and_nowhere_else() -> None:
    at = stretch_at(SIZES, np.array([NEEDLE, 5e-3, 8e-3, 40e-3]), NEEDLE)
    np.testing.assert_allclose(at, [1.0, 2.0, 2.0, 1.0])
    along, across = along_and_across(meshed(), 3e-3, 7e-3)
    assert along == pytest.approx(SIZES.front, rel=0.25)
    assert 1.6 < across / along < 2.2
    along, across = along_and_across(meshed(), NEEDLE, 2 * NEEDLE)
    assert across / along < 1.3


def test_stretching_saves_cells() -> None:
    plain = parametric_mesh(described(replace(SIZES, stretch=1.0)))
    assert len(meshed().cells) < 0.75 * len(plain.cells)


def test_a_stretched_mesh_is_sound() -> None:
    mesh = meshed()
    assert np.all(volumes(mesh.points, mesh.cells) > 0)
    assert mesh.info["quality"]["smallest_angle"] > 4.0
    assert {tuple(row) for row in np.sort(mesh.facets)} == {tuple(row) for row in exterior_facets(mesh.cells)}
    assert set(np.unique(mesh.facet_tags)) == {OUTER, CAVITY}
    measured = cell_volumes(mesh.points, mesh.cells, "3d")
    assert measured[mesh.cell_tags == TUMOUR].sum() == pytest.approx(ball(0.01) - ball(NEEDLE), rel=1e-10)
    assert measured[mesh.cell_tags == TISSUE].sum() == pytest.approx(ball(0.06) - ball(0.01), rel=1e-10)
    wall = np.unique(mesh.facets[mesh.facet_tags == CAVITY])
    assert np.linalg.norm(mesh.points[wall], axis=1) == pytest.approx(NEEDLE, rel=0.05)


def test_the_same_bytes_twice() -> None:
    again = parametric_mesh(described())
    assert again.points.tobytes() == meshed().points.tobytes()
    assert again.cells.tobytes() == meshed().cells.tobytes()


def test_several_tips_surfaces_and_a_source() -> None:
    centre = np.array([0.1, -0.2, 0.05])
    places: list[Vector] = [(0.0, 0.0, 0.0025), (0.006, 0.0, -0.002), (0.0, 0.02, 0.0)]
    radii = [None, 1e-3, None]
    tips = [centre + place for place in places]
    sites = tuple(site(x, y, z, radius) for (x, y, z), radius in zip(tips, radii, strict=True))
    mesh = parametric_mesh(
        replace(
            described(),
            centre=(0.1, -0.2, 0.05),
            semi_axes=(0.012, 0.008, 0.01),
            necrotic_fraction=0.4,
            capsule_thickness=1e-3,
            sites=sites,
        )
    )
    assert np.all(volumes(mesh.points, mesh.cells) > 0)
    assert set(np.unique(mesh.facet_tags)) == {OUTER, CAVITY, CAVITY + 2}
    assert set(np.unique(mesh.cell_tags)) == {TUMOUR, TISSUE, NECROTIC_CORE, CAPSULE}
    nearest = np.linalg.norm(mesh.points - np.asarray(sites[1].tip), axis=1).min()
    assert nearest < 1e-9
    assert mesh.info["volumes"] == pytest.approx(mesh.info["exact_volumes"], rel=1e-9)

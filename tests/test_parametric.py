# SPDX-License-Identifier: MIT
"""Parametric meshes: right volumes and tags, sizes as asked, the same bytes twice, clear refusals."""

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from mpi4py import MPI

import numpy as np
import pytest

from meshes.cells.facets import exterior_facets
from meshes.cells.measures import cell_volumes, facet_areas
from meshes.cells.quality import quality, smallest_angles, volumes
from meshes.cells.sizing import (
    edge_length,
    ellipsoid_distance,
    resolved_surfaces,
    size_expression,
    size_field,
)
from meshes.distribution.distribute import distribute
from meshes.files.gmsh_process import GmshTask, MesherMissingError, run_gmsh
from meshes.generated.parametric import parametric_mesh
from meshes.geometry import GeometryError, MeshSizes, ParametricGeometry, Site, Vector
from meshes.plain import Geometry, PlainMesh
from meshes.regions import CAPSULE, CAVITY, NECROTIC_CORE, OUTER, TISSUE, TUMOUR

pytestmark = pytest.mark.serial
"""Nothing here is parallel."""

NEEDLE = 0.359e-3
once = cache(parametric_mesh)
COARSE = MeshSizes(tip=0.2e-3, front=1.5e-3, front_radius=6e-3, surface=2e-3, far=15e-3, growth=0.4)
GEOMETRIES: list[Geometry] = ["radial", "axisymmetric", "3d"]


def site(*tip: float, source_radius: float | None = None) -> Site:
    x, y, z = tip
    return Site(tip=(x, y, z), direction=(0.0, 0.0, -1.0), needle_radius=NEEDLE, source_radius=source_radius)


def described(kind: Geometry, **changes: Any) -> ParametricGeometry:
    plain = ParametricGeometry(
        kind=kind,
        semi_axes=(0.01, 0.01, 0.01),
        centre=(0.0, 0.0, 0.0),
        domain_radius=0.06,
        necrotic_fraction=0.0,
        capsule_thickness=0.0,
        sites=(site(0.0, 0.0, 0.0),),
        sizes=COARSE,
    )
    return replace(plain, **changes)


def ball(radius: float) -> float:
    return 4 / 3 * math.pi * radius**3


def region_volume(mesh: PlainMesh, tag: int) -> float:
    return float(cell_volumes(mesh.points, mesh.cells, mesh.geometry)[mesh.cell_tags == tag].sum())


def area(mesh: PlainMesh, tag: int) -> float:
    return float(facet_areas(mesh.geometry, mesh.points, mesh.facets[mesh.facet_tags == tag]).sum())


@pytest.mark.parametrize("kind", GEOMETRIES)
def test_volumes_of_all_regions_are_those_of_the_smooth_bodies(kind: Geometry) -> None:
    mesh = parametric_mesh(described(kind, necrotic_fraction=0.5, capsule_thickness=1e-3))
    assert region_volume(mesh, NECROTIC_CORE) == pytest.approx(ball(0.005) - ball(NEEDLE), rel=1e-10)
    assert region_volume(mesh, TUMOUR) == pytest.approx(ball(0.01) - ball(0.005), rel=1e-10)
    assert region_volume(mesh, CAPSULE) == pytest.approx(ball(0.011) - ball(0.01), rel=1e-10)
    assert region_volume(mesh, TISSUE) == pytest.approx(ball(0.06) - ball(0.011), rel=1e-10)
    assert mesh.info["volumes"] == pytest.approx(mesh.info["exact_volumes"], rel=1e-10)


@pytest.mark.parametrize(("kind", "tolerance"), [("radial", 1e-12), ("axisymmetric", 0.02), ("3d", 0.03)])
def test_areas_of_wall_and_outer_boundary(kind: Geometry, tolerance: float) -> None:
    mesh = once(described(kind))
    assert set(np.unique(mesh.facet_tags)) == {OUTER, CAVITY}
    assert area(mesh, CAVITY) == pytest.approx(4 * math.pi * NEEDLE**2, rel=tolerance)
    assert area(mesh, OUTER) == pytest.approx(4 * math.pi * 0.06**2, rel=tolerance)
    assert mesh.info["cavity_areas"] == [pytest.approx(area(mesh, CAVITY))]


@pytest.mark.parametrize("kind", GEOMETRIES)
def test_the_surface_is_tagged_without_gaps_and_cells_are_positive(kind: Geometry) -> None:
    mesh = once(described(kind))
    outside = exterior_facets(mesh.cells)
    if kind == "axisymmetric":
        outside = outside[np.any(mesh.points[outside, 0] > 0, axis=1)]
    assert {tuple(row) for row in np.sort(mesh.facets)} == {tuple(row) for row in outside}
    assert np.all(volumes(mesh.points, mesh.cells) > 0)
    assert mesh.cells.dtype == np.int64 and mesh.cell_tags.dtype == np.int32


@pytest.mark.parametrize("kind", GEOMETRIES)
def test_the_same_bytes_twice(kind: Geometry) -> None:
    first, second = once(described(kind)), parametric_mesh(described(kind))
    assert first.points.tobytes() == second.points.tobytes()
    assert first.cells.tobytes() == second.cells.tobytes()
    assert first.info == second.info


def test_radii_lie_on_every_surface_and_grow_no_faster_than_asked() -> None:
    mesh = parametric_mesh(described("radial", necrotic_fraction=0.3, capsule_thickness=2e-3))
    radii = mesh.points[:, 0]
    assert {NEEDLE, 0.3 * 0.01, 0.01, 0.01 + 2e-3, 0.06} <= set(radii)
    middle = np.zeros((len(radii) - 1, 3))
    middle[:, 0] = 0.5 * (radii[1:] + radii[:-1])
    field = size_field(described("radial", necrotic_fraction=0.3, capsule_thickness=2e-3))
    assert np.all(np.diff(radii) <= 1.1 * edge_length(field, middle))
    assert np.sum(np.diff(radii) < 0.25e-3) >= 1


def test_axis_nodes_have_radius_zero_and_nothing_lies_beyond() -> None:
    geometry = described("axisymmetric", centre=(0.02, -0.01, 0.03), sites=(site(0.02, -0.01, 0.033),))
    mesh = parametric_mesh(geometry)
    r, z = mesh.points.T
    assert np.all(r >= 0) and np.sum(r == 0) > 20
    assert np.all((r == 0) | (r > 1e-6))
    assert np.hypot(r, z - 0.03).max() == pytest.approx(0.06, rel=5e-3)
    wall = np.unique(mesh.facets[mesh.facet_tags == CAVITY])
    assert np.hypot(r[wall], z[wall] - 0.033) == pytest.approx(NEEDLE, rel=0.05)


def test_an_ellipsoid_off_the_origin_with_two_sites_and_a_source() -> None:
    centre = np.array([0.1, -0.2, 0.05])
    places: list[Vector] = [(0.0, 0.0, 0.003), (0.004, 0.0, -0.002), (0.0, 0.02, 0.0)]
    radii = [None, 1e-3, None]
    sites = tuple(site(*(centre + places[i]), source_radius=radii[i]) for i in range(3))
    mesh = parametric_mesh(described("3d", centre=tuple(centre), semi_axes=(0.012, 0.008, 0.01), sites=sites))
    assert region_volume(mesh, TUMOUR) == pytest.approx(4 / 3 * math.pi * 0.96e-6 - ball(NEEDLE), rel=1e-10)
    assert set(np.unique(mesh.facet_tags)) == {OUTER, CAVITY, CAVITY + 2}
    for number in (0, 2):
        wall = mesh.points[np.unique(mesh.facets[mesh.facet_tags == CAVITY + number])]
        assert np.linalg.norm(wall - centre - places[number], axis=1) == pytest.approx(NEEDLE, rel=0.05)
    nearest = np.linalg.norm(mesh.points - centre - places[1], axis=1).min()
    assert nearest < 1e-9


@pytest.mark.parametrize("kind", GEOMETRIES)
def test_a_distributed_source_has_a_vertex_at_its_tip_and_no_wall(kind: Geometry) -> None:
    mesh = parametric_mesh(described(kind, sites=(site(0.0, 0.0, 0.0, source_radius=1e-3),)))
    assert set(np.unique(mesh.facet_tags)) == {OUTER}
    assert np.linalg.norm(mesh.points, axis=1).min() < 1e-9
    assert region_volume(mesh, TUMOUR) == pytest.approx(ball(0.01), rel=1e-10)


def test_edges_of_the_solid_mesh_follow_the_sizes_asked_for() -> None:
    sizes = replace(COARSE, front=1e-3)
    lengths = parametric_mesh(described("3d", sizes=sizes)).info["edge_lengths"]
    assert lengths["tip"]["median_m"] == pytest.approx(sizes.tip, rel=0.3)
    assert lengths["front"]["median_m"] == pytest.approx(sizes.front, rel=0.3)
    assert lengths["far"]["median_m"] == pytest.approx(sizes.far, rel=0.3)


@pytest.mark.parametrize("kind", GEOMETRIES)
def test_the_mesh_can_be_distributed(kind: Geometry) -> None:
    comm = MPI.COMM_WORLD
    mesh = distribute(once(described(kind)) if comm.rank == 0 else None, comm)
    wall = mesh.facets[: mesh.owned_facets][mesh.facet_tags[: mesh.owned_facets] == CAVITY]
    total = comm.allreduce(facet_areas(kind, mesh.points, wall).sum())
    assert total == pytest.approx(mesh.info["cavity_areas"][0], rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sites": (site(0.0, 0.0, 0.0), site(0.0, 0.0, 7e-4))}, "sites 0 and 1 are too close"),
        ({"sites": (site(0.0, 0.0, 0.0098),)}, "tip of site 0 is 0.2 mm from the surface of the tumour"),
        ({"sites": (site(0.0, 0.0, 0.0052),), "necrotic_fraction": 0.5}, "surface of the necrotic_core"),
        ({"sites": (site(0.0, 0.0, 0.0599),)}, "inside the outer boundary"),
        ({"sites": (site(0.0, 0.0, 0.1),)}, "inside the outer boundary"),
        ({"domain_radius": 0.009}, "expected more tissue around it"),
        ({"domain_radius": math.nan}, "domain radius is nan"),
        ({"capsule_thickness": 0.06}, "with capsule"),
        ({"necrotic_fraction": 1.0}, "expected a fraction"),
        ({"sizes": replace(COARSE, tip=-1.0)}, "tip is -1.0 m"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        parametric_mesh(described("3d", **changes))


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("radial", {"sites": (site(0.0, 0.0, 0.001),)}, "in the centre"),
        ("radial", {"semi_axes": (0.01, 0.01, 0.012)}, "needs a sphere"),
        ("axisymmetric", {"sites": (site(0.001, 0.0, 0.0),)}, "on the z axis"),
        ("axisymmetric", {"semi_axes": (0.01, 0.011, 0.01)}, "two equal semi-axes"),
    ],
)
def test_what_lacks_the_symmetry_is_refused(kind: Geometry, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        parametric_mesh(described(kind, **changes))


def test_what_gmsh_says_reaches_the_user() -> None:
    task = GmshTask(dimension=2, ellipsoids=((10.0, 10.0, 10.0),), holes=(), embedded=(), size="nonsense(")
    with pytest.raises(GeometryError, match="gmsh could not mesh this geometry") as refused:
        run_gmsh(task)
    assert "Traceback" not in str(refused.value)


@pytest.mark.parametrize("failure", ["ImportError", "OSError"])
def test_a_gmsh_that_cannot_be_loaded_is_named(
    failure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gmsh.py").write_text(f"raise {failure}('no libGLU')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MesherMissingError, match=r"^gmsh cannot be loaded: no libGLU; .*python3-gmsh"):
        parametric_mesh(described("axisymmetric"))


def test_the_formula_for_gmsh_is_the_size_field() -> None:
    geometry = described("3d", semi_axes=(0.01, 0.008, 0.012), centre=(0.1, 0.2, 0.3), capsule_thickness=1e-3)
    geometry = replace(geometry, sites=(site(0.1, 0.2, 0.3), site(0.104, 0.2, 0.3, source_radius=1e-3)))
    field = size_field(geometry)
    expression = size_expression(field, ("x", "y", "z"))
    names = {"sqrt": math.sqrt, "abs": abs, "min": min, "max": max, "__builtins__": {}}
    for offset in np.random.default_rng(1).normal(scale=8.0, size=(50, 3)):
        x, y, z = (float(value) for value in offset)
        written = eval(expression, names, {"x": x, "y": y, "z": z})
        point = np.asarray(geometry.centre) + 1e-3 * offset
        assert written == pytest.approx(1e3 * edge_length(field, point[None, :])[0], rel=1e-9)


def test_distance_to_a_sphere_is_exact() -> None:
    points = np.array([[0.0, 0.0, 0.0], [0.3, 0.0, 0.0], [0.0, 3.0, 4.0]])
    assert ellipsoid_distance((2.0, 2.0, 2.0), points) == pytest.approx([-2.0, -1.7, 3.0])


def test_angles_of_known_cells() -> None:
    corner = smallest_angles(np.vstack([np.zeros(3), np.eye(3)]), np.array([[0, 1, 2, 3]]))
    assert corner == pytest.approx([math.degrees(math.acos(1 / math.sqrt(3)))])
    regular = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    facts = quality(regular, np.array([[0, 1, 2, 3]]))
    assert facts["smallest_angle"] == pytest.approx(math.degrees(math.acos(1 / 3)))
    assert abs(facts["smallest_scaled_jacobian"]) == pytest.approx(1.0)
    triangle = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, math.tan(math.radians(4.0))]])
    facts = quality(triangle, np.array([[0, 1, 2]]))
    assert facts["smallest_angle"] == pytest.approx(4.0) and facts["cells_below_5_degrees"] == 1


def test_a_thin_layer_is_resolved_where_it_is_and_nowhere_else() -> None:
    field = size_field(described("3d", necrotic_fraction=0.5, capsule_thickness=5e-4))
    assert [length for _, length in resolved_surfaces(field)] == pytest.approx([COARSE.surface, 5e-4, 5e-4])

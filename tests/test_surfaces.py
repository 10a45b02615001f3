# SPDX-License-Identifier: MIT
"""The outer boundary, and the tumour surface, whose nodes hold some of either side."""

from collections.abc import Callable
from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from meshes.distribution.distribute import DistributedMesh, distribute
from meshes.plain import Geometry, PlainMesh
from meshes.regions import CAPSULE, CAVITY, NECROTIC_CORE, ORGAN_SURFACE, OUTER, TISSUE, TUMOUR
from solver.algebra.halo import Halo
from solver.algebra.stencil import cell_integrals
from solver.flow.step import FlowSolver
from solver.parameters.model import Physics, Tissue
from solver.tissue.boundary import far_field, nodal_areas, resting_pressure
from solver.tissue.conductivity import LawParameters
from solver.tissue.discretisation import pair_fluid
from solver.tissue.materials import Materials, build_materials, build_pairs
from tests.coarse import (
    CAVITY_RADIUS,
    COMM,
    DOMAIN,
    GEOMETRIES,
    MESHES,
    ML_PER_MIN,
    ball,
    discretised,
    full_model,
    gathered,
    half_disc,
    shells,
    tissues,
)

Floats = NDArray[np.float64]

FINER: dict[Geometry, tuple[Callable[[], PlainMesh], Callable[[], PlainMesh]]] = {
    "radial": (lambda: shells(4), lambda: shells(8)),
    "axisymmetric": (lambda: half_disc(4, 8), lambda: half_disc(4, 16)),
    "3d": (lambda: ball(4), lambda: ball(8)),
}
AREA = 4 * np.pi * DOMAIN**2
SCREENED = replace(
    tissues()[TISSUE], hydraulic_conductivity=4e-14, vessel_conductance=3e-10, lymph_conductance=1e-10
)
SCREENING = 1e2
"""1/l of that tissue [1/m]."""


def spread(plain: PlainMesh) -> tuple[DistributedMesh, Halo]:
    """A mesh over all ranks. Collective."""
    mesh = distribute(plain if COMM.rank == 0 else None, COMM)
    return mesh, Halo(mesh.index_map, COMM)


def area(mesh: DistributedMesh, halo: Halo, tag: int) -> float:
    """Area of a tagged surface [m2]. Collective."""
    return halo.sum(nodal_areas(mesh.points, mesh.facets[mesh.facet_tags == tag], mesh.geometry))


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_areas_converge_to_those_of_the_spheres(geometry: Geometry) -> None:
    errors = []
    for make in FINER[geometry]:
        mesh, halo = spread(make())
        errors.append(1 - area(mesh, halo, OUTER) / AREA)
        if geometry != "3d":
            inner = area(mesh, halo, CAVITY) / (4 * np.pi * CAVITY_RADIUS**2)
            assert 1 - inner == pytest.approx(errors[-1], abs=1e-9)
    if geometry == "radial":
        assert errors == pytest.approx([0.0, 0.0], abs=1e-12)
    else:
        assert 0.0 < errors[1] < 0.04, "a polyhedron in the sphere is smaller than it"
        assert np.log2(errors[0] / errors[1]) > 1.7


def test_shares_of_one_facet() -> None:
    """The integral of each shape function: over a sphere, a disc around the axis, and a triangle."""
    sphere = nodal_areas(np.array([[1.0], [2.0]]), np.array([[1]], dtype=np.int32), "radial")
    assert sphere == pytest.approx([0.0, 16 * np.pi])
    disc = nodal_areas(np.array([[0.0, 0.0], [3.0, 0.0]]), np.array([[0, 1]], dtype=np.int32), "axisymmetric")
    assert disc == pytest.approx([3 * np.pi, 6 * np.pi])
    corners = np.array([[0.0, 0.0, 1.0], [3.0, 0.0, 1.0], [0.0, 4.0, 1.0], [9.0, 9.0, 9.0]])
    triangle = nodal_areas(corners, np.array([[0, 1, 2]], dtype=np.int32), "3d")
    assert triangle == pytest.approx([2.0, 2.0, 2.0, 0.0])


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize(("vessels", "lymph"), [(True, True), (True, False), (False, True), (False, False)])
def test_far_field_is_that_of_a_sphere(geometry: Geometry, vessels: bool, lymph: bool) -> None:
    """K (1/l + 1/R) times the area; 1/l from whichever of vessels and lymph are on."""
    physics = Physics(vessels=vessels, lymph=lymph)
    screening = SCREENING * np.sqrt(0.75 * vessels + 0.25 * lymph)
    errors = []
    for make in FINER[geometry]:
        mesh, halo = spread(make())
        far = far_field(mesh, SCREENED, physics, np.zeros(mesh.points.shape[1]))
        assert not far.fixed.any()
        errors.append(1 - halo.sum(far.conductance) / (AREA * 4e-14 * (screening + 1 / DOMAIN)))
    assert errors[1] == pytest.approx(0.0, abs=1e-12 if geometry == "radial" else 0.04)
    if geometry != "radial":
        assert np.log2(errors[0] / errors[1]) > 1.7


def centroid(plain: PlainMesh) -> Floats:
    """Of the tumour [m], by the closed integrals over its cells."""
    corners = plain.points[plain.cells[plain.cell_tags == TUMOUR]]
    measure = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1]))
    if plain.geometry == "3d":
        return np.asarray(np.average(corners.mean(axis=1), axis=0, weights=measure))
    r, z = corners[:, :, 0], corners[:, :, 1]
    moment = (r.sum(axis=1) * z.sum(axis=1) + (r * z).sum(axis=1)) / 12
    return np.array([0.0, (measure * moment).sum() / (measure * r.mean(axis=1)).sum()])


@pytest.mark.parametrize("geometry", ["axisymmetric", "3d"])
def test_the_radius_of_the_far_field_starts_at_the_tumour(geometry: Geometry) -> None:
    model = full_model((), tissues={TUMOUR: tissues()[TUMOUR], TISSUE: SCREENED})
    data = discretised(geometry, model)
    centre = centroid(MESHES[geometry]())
    assert np.linalg.norm(centre) > 5e-4
    facets = data.mesh.facets[data.mesh.facet_tags == OUTER]
    areas = nodal_areas(data.mesh.points, facets, geometry)
    nodes = np.flatnonzero(areas[: data.halo.owned] > 0)
    inverse = data.far.conductance[nodes] / areas[nodes] / 4e-14 - SCREENING
    assert 1 / inverse == pytest.approx(np.linalg.norm(data.mesh.points[nodes] - centre, axis=1), rel=1e-9)


def test_each_surface_has_its_own_condition() -> None:
    plain = half_disc(4, 8)
    upper = plain.points[plain.facets][:, :, 1].mean(axis=1) > 0
    tags = np.where((plain.facet_tags == OUTER) & upper, ORGAN_SURFACE, plain.facet_tags).astype(np.int32)
    mesh, _ = spread(replace(plain, facet_tags=tags))
    radius, z = np.linalg.norm(mesh.points, axis=1), mesh.points[:, 1]
    outer = radius > DOMAIN * (1 - 1e-9)
    of_facets = [np.isin(np.arange(len(radius)), mesh.facets[mesh.facet_tags == tag]) for tag in (1, 2)]
    outer_nodes, organ_nodes = (found & outer for found in of_facets)
    assert not (outer_nodes & (z > 1e-9)).any() and not (organ_nodes & (z < -1e-9)).any()
    default = far_field(mesh, SCREENED, Physics(), np.zeros(2))
    assert np.array_equal(default.conductance > 0, outer_nodes) and not default.fixed.any()
    mixed = far_field(mesh, SCREENED, Physics(organ_surface="fixed", far_pressure=50.0), np.zeros(2))
    assert np.array_equal(mixed.fixed, organ_nodes) and mixed.pressure == 50.0
    assert np.array_equal(mixed.conductance > 0, outer_nodes & ~organ_nodes)
    closed = far_field(mesh, SCREENED, Physics(far_field="no_flux"), np.zeros(2))
    assert not closed.conductance.any() and not closed.fixed.any()


@pytest.mark.parametrize(
    ("physics", "lymph_pressure", "expected"),
    [
        (Physics(), -400.0, (3.0 * 800.0 - 400.0) / 4.0),
        (Physics(), 100.0, (3.0 * 800.0 + 100.0) / 4.0),
        (Physics(lymph=False), -400.0, 800.0),
        (Physics(vessels=False), -400.0, 0.0),
        (Physics(), 900.0, 800.0),
        (Physics(far_pressure=-7.0), -400.0, -7.0),
    ],
)
def test_resting_pressure(physics: Physics, lymph_pressure: float, expected: float) -> None:
    """Vessels and lymph balance; lymph above the vessels' pressure drains nothing."""
    tissue = replace(SCREENED, effective_vessel_pressure=800.0, lymph_pressure=lymph_pressure)
    assert resting_pressure(tissue, physics) == pytest.approx(expected)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_both_sides_swell_by_their_storage(geometry: Geometry) -> None:
    """A rise of pressure stores m/H of it in every region of a node, not in proportion to volume."""
    soft = replace(tissues()[TUMOUR], confined_modulus=5e3, porosity=0.3)
    stiff = replace(tissues()[TISSUE], confined_modulus=8e4, porosity=0.1)
    data = discretised(geometry, full_model((), tissues={TUMOUR: soft, TISSUE: stiff}))
    pairs = data.pairs
    owned = pairs.node < data.halo.owned
    porosity = np.where(pairs.region == TUMOUR, 0.3, 0.1)
    modulus = np.where(pairs.region == TUMOUR, 5e3, 8e4)
    rise = 700.0 * (1.0 + data.mesh.points[:, -1] / DOMAIN)
    stored = rise * data.compliance
    found = pair_fluid(data, stored)
    assert found[owned] == pytest.approx((pairs.volume * (porosity + rise[pairs.node] / modulus))[owned])
    whole = (data.rest_fluid + stored)[: data.halo.owned]
    assert pairs.to_nodes(found)[: data.halo.owned] == pytest.approx(whole, rel=1e-13)
    shared = np.bincount(pairs.node[owned], minlength=1).max(initial=0)
    assert max(COMM.allgather(int(shared))) == 2, "the tumour surface has nodes"


def test_without_storage_both_sides_share_by_volume() -> None:
    tumour = replace(tissues()[TUMOUR], confined_modulus=5e3)
    tissue = replace(tissues()[TISSUE], confined_modulus=8e4)
    steady = full_model((), tissues={TUMOUR: tumour, TISSUE: tissue}, physics=Physics(flow="steady"))
    data = discretised("3d", steady)
    owned = data.pairs.node < data.halo.owned
    assert data.swelling[owned] == pytest.approx((data.pairs.volume / data.volume[data.pairs.node])[owned])


def distinct() -> dict[int, Tissue]:
    """A different number for every constant of every region."""
    names = [field.name for field in fields(Tissue) if field.name != "name"]
    return {
        tag: Tissue(name=str(tag), **{name: 1.5 + 100.0 * tag + i for i, name in enumerate(names)})
        for tag in (TUMOUR, TISSUE, NECROTIC_CORE, CAPSULE)
    }


LAW: dict[str, Callable[[Tissue], float]] = {
    "confined_modulus": lambda t: t.confined_modulus,
    "exponent": lambda t: t.dilatation_exponent,
    "log_ratio": lambda t: np.log(t.fissuring_ratio),
    "fissuring_pressure": lambda t: t.fissuring_pressure,
    "fissuring_width": lambda t: t.fissuring_width,
    "porosity": lambda t: t.porosity,
    "porosity_exponent": lambda t: t.porosity_exponent,
}
CONSTANTS: dict[str, Callable[[Tissue], float]] = {
    "porosity": lambda t: t.porosity,
    "storage": lambda t: 1 / t.confined_modulus,
    "vessel_conductance": lambda t: t.vessel_conductance,
    "effective_vessel_pressure": lambda t: t.effective_vessel_pressure,
    "vessel_pressure": lambda t: t.vessel_pressure,
    "half_closed": lambda t: t.vessel_pressure + t.closure_margin,
    "closure_width": lambda t: t.closure_width,
    "supply": lambda t: t.perfusion,
    "perfusion": lambda t: t.perfusion,
    "permeability_surface": lambda t: t.permeability_surface,
    "lymph_conductance": lambda t: t.lymph_conductance,
    "lymph_pressure": lambda t: t.lymph_pressure,
}
SWITCHED: list[tuple[Physics, dict[str, float]]] = [
    (Physics(agent_exchange="patlak"), {}),
    (Physics(agent_exchange="flow_limited"), {"permeability_surface": np.inf}),
    (Physics(agent_exchange="convective"), {"permeability_surface": 0.0}),
    (Physics(agent_exchange="patlak", flow="steady"), {"storage": 0.0}),
    (
        Physics(agent_exchange="patlak", vessels=False),
        {"vessel_conductance": 0.0, "perfusion": 0.0, "supply": 0.0},
    ),
    (Physics(agent_exchange="patlak", closure="none"), {"half_closed": np.inf}),
    (Physics(agent_exchange="patlak", perfusion_cap=False), {"supply": np.inf}),
    (Physics(agent_exchange="patlak", lymph=False), {"lymph_conductance": 0.0}),
]
"""Physics, and the constants that it sets to their neutral value."""


@pytest.mark.parametrize(("physics", "neutral"), SWITCHED)
def test_each_pair_has_the_constants_of_its_region(physics: Physics, neutral: dict[str, float]) -> None:
    media = distinct()
    tags = np.array([NECROTIC_CORE, TUMOUR, TUMOUR, CAPSULE, TISSUE], dtype=np.int32)
    cells = np.column_stack([np.arange(5), np.arange(1, 6)]).astype(np.int32)
    points: Floats = np.arange(6.0)[:, None] + 1.0
    nodal = cell_integrals(points, cells, "radial").nodal
    pairs = build_pairs(cells, tags, nodal, 6)
    regions = [[3], [1, 3], [1], [1, 4], [2, 4], [2]]
    assert list(zip(pairs.node, pairs.region, strict=True)) == [
        (n, tag) for n, there in enumerate(regions) for tag in there
    ]
    assert np.array_equal(pairs.inside, np.isin(pairs.region, [TUMOUR, NECROTIC_CORE]))
    assert pairs.volume[pairs.of_cell[1]] == pytest.approx([nodal[1, 0], nodal[1, 1] + nodal[2, 0]])
    made = build_materials(pairs, media, physics)
    assert {f.name for f in fields(Materials)} == {"law", *CONSTANTS}
    assert set(LawParameters._fields) == set(LAW)
    found = {**asdict(made), **made.law._asdict()}
    for name, constant in {**CONSTANTS, **LAW}.items():
        expected = [neutral.get(name, constant(media[int(tag)])) for tag in pairs.region]
        assert found[name] == pytest.approx(expected, rel=1e-14), name


def test_each_cell_has_the_constants_of_its_region() -> None:
    tumour, tissue = tissues()[TUMOUR], tissues()[TISSUE]
    media = {TUMOUR: replace(tumour, hydraulic_conductivity=5e-14, diffusivity=2e-10), TISSUE: tissue}
    for diffusion in (True, False):
        model = full_model((), tissues=media, physics=Physics(diffusion=diffusion))
        data = discretised("radial", model)
        inside = data.mesh.cell_tags == TUMOUR
        assert np.all(data.conductivity == np.where(inside, 5e-14, tissue.hydraulic_conductivity))
        assert np.all(data.diffusivity == diffusion * np.where(inside, 2e-10, tissue.diffusivity))


def test_lymph_drains_above_its_own_pressure() -> None:
    """The exchange of a resting step, in tissues with different lymph pressures and no vessels."""
    media = {
        TUMOUR: replace(tissues()[TUMOUR], lymph_conductance=2e-9, lymph_pressure=-300.0),
        TISSUE: replace(tissues()[TISSUE], lymph_conductance=5e-9, lymph_pressure=-900.0),
    }
    physics = Physics(vessels=False, far_pressure=100.0)
    model = full_model((), tissues=media, physics=physics)
    data = discretised("radial", model)
    flow = FlowSolver(data, physics, model.numerics, ML_PER_MIN)
    state = flow.initial_state()
    step = flow.step(state, np.zeros_like(state.pressure), 1.0, state.pressure)
    drop = step.state.pressure[data.pairs.node]
    inside = data.pairs.inside
    expected = np.where(inside, 2e-9 * np.maximum(drop + 300.0, 0), 5e-9 * np.maximum(drop + 900.0, 0))
    assert step.drained == pytest.approx(expected, rel=1e-12)
    pressure = gathered(data, step.state.pressure)
    assert -900.0 < pressure.min() < pressure.max() <= 100.0

# SPDX-License-Identifier: MIT
"""Tissue that varies within a region: images, mesh data and random fields as factors on cells and pairs."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mpi4py import MPI

import meshio
import nibabel
import numpy as np
import pytest
import pyvista

from meshes.distribution.distribute import distribute
from meshes.geometry import GeometryError, MeshInputError
from meshes.regions import TISSUE, TUMOUR
from solver.flow.step import FlowSolver
from solver.parameters.fields import TissueField
from solver.parameters.model import Model, Physics
from solver.tissue.discretisation import Discretisation, discretise
from solver.validity.fields import field_flags
from tests.coarse import COMM, Floats, ball, full_model, gathered, tissues
from tests.manufactured import SIDE, box, cylinder, l2
from tests.spheres import PLAIN, model, order, tissue
from tests.test_manufactured import in_box

VOXEL = SIDE / 20
HELD = replace(PLAIN, far_field="fixed", far_pressure=0.0)
CONDUCTIVITY = 3.1e-14


def image(folder: Path, values: Floats, flip: bool = False) -> Path:
    """An image whose first voxel is centred at the origin, of voxels of VOXEL; ``flip`` turns two axes."""
    affine = np.diag([1e3 * VOXEL] * 3 + [1.0])
    if flip:
        values = values[::-1, ::-1]
        for axis in (0, 1):
            affine[axis, axis] *= -1.0
            affine[axis, 3] = 1e3 * VOXEL * (values.shape[axis] - 1)
    path = folder / "map.nii.gz"
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path


def voxels() -> tuple[Floats, Floats, Floats]:
    """Coordinates of the centres of voxels over the box and one beyond on each side that has any."""
    axis = np.arange(21) * VOXEL
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    return x, y, z


def field(**more: Any) -> TissueField:
    return TissueField(
        **{"quantity": "hydraulic_conductivity", "source": "image", "regions": (TISSUE,)} | more
    )


def discretised(plain: Any, what: Model, comm: MPI.Comm = COMM) -> Discretisation:
    return discretise(distribute(plain if comm.rank == 0 else None, comm), what, ())


def with_fields(*fields: TissueField, **constants: Any) -> Model:
    medium = tissue(hydraulic_conductivity=CONDUCTIVITY, **constants)
    return model(medium, HELD, tissue_fields=fields)


def centroids(data: Discretisation) -> Floats:
    return np.asarray(data.mesh.points[data.mesh.cells].mean(axis=1))


@pytest.mark.serial
@pytest.mark.parametrize("flip", [False, True])
def test_an_image_lies_where_its_affine_puts_it(tmp_path: Path, flip: bool) -> None:
    x, y, z = voxels()
    path = image(tmp_path, 1.0 + (x + 2 * y + 4 * z) / SIDE, flip)
    data = discretised(box(5, 5), with_fields(field(path=path)))
    expected = 1.0 + centroids(data) @ [1.0, 2.0, 4.0] / SIDE
    np.testing.assert_allclose(data.conductivity, CONDUCTIVITY * expected, rtol=1e-6)
    facts = data.tissue_fields[0]
    assert facts["filled_share"] == pytest.approx(0.0, abs=1e-12)
    assert facts["factor"]["mean"] == pytest.approx(4.5, rel=1e-6)
    assert facts["factor"]["minimum"] < facts["factor"]["median"] < facts["factor"]["maximum"]


@pytest.mark.serial
def test_values_with_a_unit_replace_the_tissue_number(tmp_path: Path) -> None:
    path = image(tmp_path, np.full((21, 21, 21), 5.0))
    what = with_fields(field(path=path, mode="value", scale=1e-14))
    np.testing.assert_allclose(discretised(box(3, 3), what).conductivity, 5e-14, rtol=1e-12)


@pytest.mark.serial
def test_holes_are_filled_by_the_rule_and_told(tmp_path: Path) -> None:
    """The lower half holds 3, the upper has no number, and a shell of voxels in between is half weighted."""
    z = voxels()[2]
    path = image(tmp_path, np.where(z < 0.5 * SIDE, 3.0, np.nan))
    for fill, expected in (("tissue", 1.0), ("nearest", 3.0), ("median", 3.0)):
        data = discretised(box(6, 6), with_fields(field(path=path, fill=fill)))
        height, factor = centroids(data)[:, 2], data.conductivity / CONDUCTIVITY
        np.testing.assert_allclose(factor[height < 0.3 * SIDE], 3.0)
        np.testing.assert_allclose(factor[height > 0.7 * SIDE], expected)
        assert data.tissue_fields[0]["filled_share"] == pytest.approx(0.5, abs=0.05)


@pytest.mark.serial
def test_a_ratio_keeps_the_mean_of_the_region(tmp_path: Path) -> None:
    x, _, z = voxels()
    path = image(tmp_path, 7.0 * (1.0 + x * z / SIDE**2))
    data = discretised(box(6, 6), with_fields(field(path=path, mode="ratio")))
    volume = data.integrals.volume
    assert (data.conductivity * volume).sum() / volume.sum() == pytest.approx(CONDUCTIVITY, rel=1e-12)
    assert data.conductivity.max() > 1.3 * CONDUCTIVITY


@pytest.mark.serial
def test_bounds_hold_and_are_told(tmp_path: Path) -> None:
    x = voxels()[0]
    path = image(tmp_path, np.where(x < 0.5 * SIDE, -1.0, 50.0))
    data = discretised(box(4, 4), with_fields(field(path=path, smallest=0.1, largest=10.0)))
    assert data.conductivity.min() == pytest.approx(0.1 * CONDUCTIVITY)
    assert data.conductivity.max() == pytest.approx(10.0 * CONDUCTIVITY)
    assert data.tissue_fields[0]["limited_share"] > 0.8


@pytest.mark.serial
def test_pressure_in_tissue_that_varies(tmp_path: Path) -> None:
    """K = K0 (1 + 2 z/SIDE) from an image: the manufactured pressure is met with second order."""
    path = image(tmp_path, 1.0 + 2.0 * voxels()[2] / SIDE)
    what = with_fields(field(path=path))
    errors = []
    for count in (8, 16):
        data = discretised(box(count, count), what)
        x = np.pi * data.mesh.points / SIDE
        g, _, laplacian = in_box(data.mesh.points)
        along = np.pi / SIDE * np.sin(x[:, 0]) * np.sin(x[:, 1]) * np.cos(x[:, 2])
        divergence = (1.0 + 2.0 * data.mesh.points[:, 2] / SIDE) * laplacian + 2.0 / SIDE * along
        solver = FlowSolver(data, what.physics, what.numerics, CONDUCTIVITY * SIDE)
        rest = solver.initial_state()
        source = -data.volume * CONDUCTIVITY * divergence
        errors.append(l2(data, solver.step(rest, source, 1.0, rest.pressure).state.pressure - g))
    assert order(errors) == pytest.approx(2.0, abs=0.15)
    assert errors[-1] < 2e-2


@pytest.mark.serial
@pytest.mark.parametrize("where", ["points", "cells"])
@pytest.mark.parametrize("kind", [".vtu", ".xdmf"])
def test_data_on_a_mesh(tmp_path: Path, where: str, kind: str) -> None:
    """Linear on points is exact at centroids; on the cells of another mesh they come from the cell there."""
    other = box(7, 7)
    points, cells = 1e3 * other.points, [("tetra", other.cells)]
    values = (
        1.0 + (other.points if where == "points" else other.points[other.cells].mean(axis=1)).sum(1) / SIDE
    )
    data_on = {"point_data": {"k": values}} if where == "points" else {"cell_data": {"k": [values]}}
    path = tmp_path / f"map{kind}"
    meshio.write(path, meshio.Mesh(points, cells, **data_on))
    given = field(source="mesh", path=path, array="k", length=1e-3)
    data = discretised(box(5, 5), with_fields(given))
    expected = 1.0 + centroids(data).sum(axis=1) / SIDE
    factor = data.conductivity / CONDUCTIVITY
    bound = 1e-6 if where == "points" else 0.2
    assert np.abs(factor - expected).max() < bound
    assert data.tissue_fields[0]["filled_share"] < 1e-3


@pytest.mark.serial
def test_mesh_data_in_the_half_plane(tmp_path: Path) -> None:
    plain = cylinder(6, 6)
    points = np.column_stack([plain.points[:, 0], np.zeros(len(plain.points)), plain.points[:, 1]])
    grid = pyvista.UnstructuredGrid({pyvista.CellType.TRIANGLE: plain.cells}, points)
    grid.point_data["k"] = 1.0 + points[:, 0] / SIDE
    grid.save(tmp_path / "plane.vtu")
    given = field(source="mesh", path=tmp_path / "plane.vtu", array="k")
    data = discretised(cylinder(4, 4), with_fields(given))
    expected = 1.0 + centroids(data)[:, 0] / SIDE
    np.testing.assert_allclose(data.conductivity / CONDUCTIVITY, expected, rtol=1e-6)


@pytest.mark.serial
def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "broken.vtu"
    broken.write_text("no mesh")
    empty = image(tmp_path, np.full((4, 4, 4), np.nan))
    grid = pyvista.ImageData(dimensions=(3, 3, 3))
    grid.point_data["k"] = np.ones(27)
    grid.save(tmp_path / "grid.vti")
    for given, error, words in (
        (field(path=tmp_path / "none.nii"), MeshInputError, "none.nii"),
        (field(path=empty), GeometryError, "no voxel holds a number"),
        (field(source="mesh", path=broken, array="k"), MeshInputError, "broken.vtu"),
        (field(source="mesh", path=tmp_path / "grid.vti", array="K"), GeometryError, "found: k"),
        (
            field(source="mesh", path=tmp_path / "grid.vti", array="k", length=1e-6),
            GeometryError,
            "no number",
        ),
    ):
        with pytest.raises(error, match=words):
            discretised(box(3, 3), with_fields(given))


def random(quantity: str, seed: int, **more: Any) -> TissueField:
    regions = (TUMOUR, TISSUE)
    given = {"correlation_length": 4e-3, "log_deviation": 0.8, "seed": seed, "regions": regions}
    return field(quantity=quantity, source="random", **(given | more))


EVERYTHING = (
    random("hydraulic_conductivity", 1),
    random("vessel_surface", 2, smoothness=2.5),
    random("perfusion", 3),
    random("porosity", 4, log_deviation=0.1, regions=(TUMOUR,)),
)


def test_a_field_of_no_deviation_changes_nothing() -> None:
    plain = discretised(ball(), full_model(()))
    still = (random("vessels", 5, log_deviation=0.0), random("hydraulic_conductivity", 5, log_deviation=0.0))
    found = discretised(ball(), full_model((), tissue_fields=still))
    assert np.array_equal(found.conductivity, plain.conductivity)
    for name, values in asdict(plain.materials).items():
        if name != "law":
            np.testing.assert_allclose(getattr(found.materials, name), values, rtol=1e-14)


def test_fields_do_not_depend_on_the_ranks() -> None:
    """Cells and pairs, ghosts included, as on one rank; and the books of the pairs are those of the cells."""
    what = full_model((), tissue_fields=EVERYTHING, physics=Physics(agent_exchange="patlak"))
    alone, together = discretised(ball(), what, MPI.COMM_SELF), discretised(ball(), what)
    by_cell = np.empty(len(alone.conductivity))
    by_cell[alone.mesh.cell_origin] = alone.conductivity
    np.testing.assert_allclose(together.conductivity, by_cell[together.mesh.cell_origin], rtol=1e-9)
    for name in ("vessel_conductance", "permeability_surface", "perfusion", "supply", "porosity"):
        single, several = getattr(alone.materials, name), getattr(together.materials, name)
        span = 8
        key = alone.mesh.vertex_origin[alone.pairs.node] * span + alone.pairs.region
        wanted = together.mesh.vertex_origin[together.pairs.node] * span + together.pairs.region
        place = np.argsort(key)
        expected = single[place[np.searchsorted(key[place], wanted)]]
        np.testing.assert_allclose(several, expected, rtol=1e-9, err_msg=name)
    for one, other in zip(alone.tissue_fields, together.tissue_fields, strict=True):
        assert one["factor"] == pytest.approx(other["factor"], rel=1e-9)


def test_means_over_pairs_keep_the_integral() -> None:
    what = full_model((), tissue_fields=(random("perfusion", 6),))
    data = discretised(ball(), what, MPI.COMM_SELF)
    base = {tag: medium.perfusion for tag, medium in tissues().items()}
    total = (data.pairs.volume * data.materials.perfusion).sum()
    number = np.array([base[int(tag)] for tag in data.pairs.region])
    factor = data.tissue_fields[0]["factor"]["mean"]
    assert len(set(base.values())) == 1
    assert total == pytest.approx(factor * (data.pairs.volume * number).sum(), rel=1e-12)
    assert data.tissue_fields[0]["log_deviation_found"] < 0.8


def test_porosity_moves_the_conductivity_of_a_porous_law() -> None:
    """Kozeny-Carman between the porosities at rest; nothing by other laws."""
    field_of = (random("porosity", 9, log_deviation=0.2),)
    for law in ("fissuring", "kozeny_carman"):
        what = full_model((), tissue_fields=field_of, physics=Physics(conductivity=law))
        data = discretised(ball(), what)
        rest = np.array([tissues()[int(tag)].hydraulic_conductivity for tag in data.mesh.cell_tags])
        if law == "fissuring":
            assert np.array_equal(data.conductivity, rest)
            continue
        phi0 = tissues()[TUMOUR].porosity
        change = data.conductivity / rest
        assert change.min() < 0.9 and change.max() > 1.1
        phi = np.linspace(0.15, 0.45, 4000)
        curve = (phi / phi0) ** 3 * ((1 - phi0) / (1 - phi)) ** 2
        of_change = np.interp(change, curve, phi) / phi0
        lowest = COMM.allreduce(float(of_change.min()), op=MPI.MIN)
        assert lowest == pytest.approx(data.tissue_fields[0]["factor"]["minimum"], rel=1e-3)


def test_a_map_of_a_missing_number_is_refused(shared: Path) -> None:
    """Perfusion of tissue without any cannot be scaled by a map with values."""
    path = shared / "dce-mri-invivo" / "derived_ktrans_per_min.nii.gz"
    bloodless = {tag: replace(medium, perfusion=0.0) for tag, medium in tissues().items()}
    given = field(quantity="perfusion", path=path, mode="value", scale=1 / 60)
    with pytest.raises(GeometryError, match="perfusion 0"):
        discretised(ball(), full_model((), tissues=bloodless, tissue_fields=(given,)))


def test_a_perfusion_map_with_holes(shared: Path) -> None:
    """K_trans of a lesion sets S/V and F by its ratio; pixels without value are reported and filled.

    The slice (placeholder spacing 1 mm) covers 0 to 55 mm of x and y: only that part of the ball has values.
    """
    path = shared / "dce-mri-invivo" / "derived_ktrans_per_min.nii.gz"
    given = TissueField(
        quantity="vessels", source="image", regions=(TUMOUR, TISSUE), path=path, mode="ratio", smallest=0.01
    )
    data = discretised(ball(14), full_model((), tissue_fields=(given,)))
    facts = data.tissue_fields[0]
    assert 0.7 < facts["filled_share"] < 0.85
    assert any("one slice" in note for note in facts["notes"])
    plain = discretised(ball(14), full_model(()))
    ratio = data.materials.perfusion / plain.materials.perfusion
    np.testing.assert_allclose(
        ratio, data.materials.vessel_conductance / plain.materials.vessel_conductance, rtol=1e-12
    )
    x = data.mesh.points[data.pairs.node]
    away = (x[:, 0] < -2e-3) & (x[:, 1] < -2e-3)
    owned = data.pairs.node < data.halo.owned
    assert COMM.allreduce(int(np.count_nonzero(away & owned))) > 10
    assert np.all(ratio[away & owned] == 1.0)
    lesion = gathered(data, data.pairs.to_nodes(np.where(owned, ratio, 0.0)))
    assert lesion.max() > 1.5


def test_flags_ask_for_care() -> None:
    """A map with many holes, and a random field that the mesh cannot carry."""
    told = {"quantity": "perfusion", "regions": ["tumour"], "fill": "tissue"}
    holes = {**told, "source": "image", "filled_share": 0.3}
    smooth = {
        **told,
        "source": "random",
        "filled_share": 0.0,
        "log_deviation": 1.0,
        "log_deviation_found": 0.5,
    }
    good = [{**holes, "filled_share": 0.1}, {**smooth, "log_deviation_found": 0.9}]
    assert [flag["name"] for flag in field_flags([holes, smooth])] == [
        "tissue_field_filled",
        "random_field_smoothed",
    ]
    assert not field_flags(good)

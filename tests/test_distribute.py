# SPDX-License-Identifier: MIT
"""Sharing a mesh: complete rows, nothing lost or counted twice, the same on every run, on any ranks."""

from dataclasses import replace
from itertools import permutations

from mpi4py import MPI

import numpy as np
import pytest
from numpy.typing import NDArray

from meshes.cells.facets import cells_behind
from meshes.cells.quality import volumes
from meshes.distribution.distribute import DistributedMesh, distribute, divide, gather_to_root
from meshes.distribution.partition import bisect
from meshes.geometry import GeometryError
from meshes.plain import Geometry, PlainMesh
from meshes.regions import CAVITY, OUTER, TISSUE, TUMOUR
from solver.algebra.halo import Halo

COMM = MPI.COMM_WORLD
SIDE = 0.01
CELLS_PER_SIDE: dict[Geometry, int] = {"radial": 40, "axisymmetric": 12, "3d": 6}


def box(geometry: Geometry) -> PlainMesh:
    """A box graded towards the origin; tumour at small x; cavity at x = 0, outer boundary at x = SIDE."""
    n = CELLS_PER_SIDE[geometry]
    dimension = list(CELLS_PER_SIDE).index(geometry) + 1
    grid = np.stack(np.meshgrid(*[np.arange(n + 1)] * dimension, indexing="ij"), axis=-1)
    points = SIDE * (grid.reshape(-1, dimension) / n) ** 1.5
    lowest = np.arange(len(points)).reshape((n + 1,) * dimension)[(slice(0, n),) * dimension].ravel()
    steps = (n + 1) ** np.arange(dimension)
    paths = [np.cumsum([0, *order]) for order in permutations(steps)]
    cells = np.concatenate([lowest[:, None] + path for path in paths])
    mirrored = volumes(points, cells) < 0
    cells[mirrored, :2] = cells[mirrored, 1::-1]
    facets, facet_tags = ends(points, cells)
    tumour = points[cells].mean(axis=1)[:, 0] < 0.4 * SIDE
    return PlainMesh(
        geometry=geometry,
        points=points,
        cells=cells.astype(np.int64),
        cell_tags=np.where(tumour, TUMOUR, TISSUE).astype(np.int32),
        facets=facets.astype(np.int64),
        facet_tags=facet_tags.astype(np.int32),
        info={"source": "box"},
    )


def ends(
    points: NDArray[np.float64], cells: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Facets at x = 0 and at x = SIDE with their tags."""
    faces = np.concatenate([np.delete(cells, corner, axis=1) for corner in range(cells.shape[1])])
    x = points[faces, 0]
    inner, outer = np.all(x == 0, axis=1), np.all(x == SIDE, axis=1)
    return faces[inner | outer], np.where(inner, CAVITY, OUTER)[inner | outer]


@pytest.fixture(params=CELLS_PER_SIDE)
def plain(request: pytest.FixtureRequest) -> PlainMesh:
    return box(request.param)


def shared(plain: PlainMesh) -> DistributedMesh:
    return distribute(plain if COMM.rank == 0 else None, COMM)


def test_each_cell_has_one_owner_and_keeps_its_tag_and_orientation(plain: PlainMesh) -> None:
    mesh = shared(plain)
    owned = COMM.allreduce(np.bincount(mesh.cell_origin[: mesh.owned_cells], minlength=len(plain.cells)))
    assert np.all(owned == 1)
    assert np.array_equal(mesh.cell_tags, plain.cell_tags[mesh.cell_origin])
    assert np.array_equal(mesh.vertex_origin[mesh.cells], plain.cells[mesh.cell_origin])
    assert np.all(volumes(mesh.points, mesh.cells) > 0)
    total = COMM.allreduce(volumes(mesh.points, mesh.cells[: mesh.owned_cells]).sum())
    assert total == pytest.approx(SIDE ** mesh.points.shape[1], rel=1e-12)


def test_each_dof_has_one_owner_and_its_vertex_coordinates(plain: PlainMesh) -> None:
    mesh = shared(plain)
    owned = COMM.allreduce(np.bincount(mesh.vertex_origin[: mesh.owned], minlength=len(plain.points)))
    assert np.all(owned == 1)
    assert np.array_equal(mesh.points, plain.points[mesh.vertex_origin])


def test_copies_of_nodes_agree_with_their_owners(plain: PlainMesh) -> None:
    """What the index map refreshes on ghosts is what the mesh put there."""
    mesh = shared(plain)
    numbers = mesh.vertex_origin.astype(float)
    numbers[mesh.owned :] = -1.0
    assert np.array_equal(Halo(mesh.index_map, COMM).update(numbers), mesh.vertex_origin)


def test_rows_of_owned_dofs_are_complete(plain: PlainMesh) -> None:
    mesh = shared(plain)
    around = np.bincount(plain.cells.ravel(), minlength=len(plain.points))
    here = np.bincount(mesh.cells.ravel(), minlength=len(mesh.points))
    assert np.array_equal(here[: mesh.owned], around[mesh.vertex_origin[: mesh.owned]])


def test_tagged_facets_are_complete_and_owned_once(plain: PlainMesh) -> None:
    mesh = shared(plain)
    surface = np.zeros(len(plain.points), dtype=np.int64)
    np.add.at(surface, plain.facets, plain.facet_tags[:, None].astype(np.int64))
    here = np.zeros(len(mesh.points), dtype=np.int64)
    np.add.at(here, mesh.facets, mesh.facet_tags[:, None].astype(np.int64))
    assert np.array_equal(here[: mesh.owned], surface[mesh.vertex_origin[: mesh.owned]])
    assert COMM.allreduce(mesh.owned_facets) == len(plain.facets)


def test_gathered_fields_come_in_the_order_of_the_plain_mesh(plain: PlainMesh) -> None:
    mesh = shared(plain)
    linear = mesh.points @ np.arange(1.0, 1 + mesh.points.shape[1])
    values = gather_to_root(mesh, linear, COMM)
    middles = gather_to_root(mesh, mesh.points[mesh.cells].mean(axis=1), COMM, kind="cell")
    if COMM.rank == 0:
        assert values is not None and middles is not None
        assert np.array_equal(values, plain.points @ np.arange(1.0, 1 + mesh.points.shape[1]))
        assert np.array_equal(middles, plain.points[plain.cells].mean(axis=1))
    else:
        assert values is None and middles is None


def test_the_partition_is_the_same_on_every_call(plain: PlainMesh) -> None:
    first, second = shared(plain), shared(plain)
    assert first.owned == second.owned and first.info == second.info
    for name in ("points", "cells", "facets", "vertex_origin", "cell_origin"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert first.info["source"] == "box"
    assert sum(first.info["partition"]["cells_per_rank"]) == len(plain.cells)


def test_a_facet_inside_the_mesh_is_refused_on_all_ranks(plain: PlainMesh) -> None:
    faces = np.sort(np.concatenate([np.delete(plain.cells, i, axis=1) for i in range(plain.cells.shape[1])]))
    distinct, times = np.unique(faces, axis=0, return_counts=True)
    facet = distinct[times == 2][:1]
    wrong = replace(plain, facets=facet, facet_tags=np.array([OUTER], dtype=np.int32))
    with pytest.raises(GeometryError, match="belongs to 2 cells"):
        shared(wrong)


def test_facets_find_the_cell_that_holds_them(plain: PlainMesh) -> None:
    behind = plain.cells[cells_behind(plain)]
    assert all(set(facet) <= set(cell) for facet, cell in zip(plain.facets, behind, strict=True))


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 8])
def test_bisection_balances_any_number_of_parts(plain: PlainMesh, parts: int) -> None:
    ranks = bisect(plain.points[plain.cells].mean(axis=1), parts)
    sizes = np.bincount(ranks, minlength=parts)
    assert sizes.max() - sizes.min() <= 2


@pytest.mark.parametrize("parts", [2, 3, 5])
def test_parts_hold_every_cell_around_their_nodes_once(plain: PlainMesh, parts: int) -> None:
    """Whatever the ranks at hand: each part as one rank of several would be given it."""
    divided = divide(plain, parts)
    around = np.bincount(plain.cells.ravel(), minlength=len(plain.points))
    owners = np.zeros(len(plain.cells), dtype=np.int64)
    for rank in range(parts):
        part = divided.part(rank)
        owned = int(part.first[rank + 1] - part.first[rank])
        assert len(np.unique(part.cell_origin)) == len(part.cell_origin)
        owners += np.bincount(part.cell_origin[: part.owned_cells], minlength=len(plain.cells))
        vertices = plain.cells[part.cell_origin]
        here = np.bincount(vertices.ravel(), minlength=len(plain.points))
        assert np.array_equal(here[part.vertex_origin[:owned]], around[part.vertex_origin[:owned]])
        assert set(vertices.ravel()) == set(part.vertex_origin)
        assert np.array_equal(part.points, plain.points[part.vertex_origin])
    assert np.all(owners == 1)


def test_a_vertex_without_cells_is_refused(plain: PlainMesh) -> None:
    lonely = replace(plain, points=np.concatenate([plain.points, plain.points[:1] - SIDE]))
    with pytest.raises(GeometryError, match="1 vertices belong to no cell"):
        shared(lonely)


def test_more_ranks_than_cells_is_refused() -> None:
    with pytest.raises(ValueError, match="2 vertices cannot be divided among 3 ranks"):
        bisect(np.zeros((2, 3)), 3)

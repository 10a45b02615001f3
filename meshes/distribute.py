# SPDX-License-Identifier: MIT
"""From a mesh on one process to one that all ranks share, in DOLFINx, with complete rows on every rank."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from mpi4py import MPI

import numpy as np
from dolfinx import fem, mesh
from numpy.typing import NDArray

from meshes.compat import create_simplex_mesh
from meshes.facets import cells_behind
from meshes.geometry import GeometryError
from meshes.partition import bisect, destinations
from meshes.plain import Geometry, PlainMesh

DIMENSION: dict[Geometry, int] = {"radial": 1, "axisymmetric": 2, "3d": 3}

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class DistributedMesh:
    """The part of a tagged mesh that one rank sees, numbered by the dofs of a P1 space.

    Every rank holds all cells that touch any dof it owns, so it can assemble the rows of its dofs alone.

    Attributes:
        geometry: ``radial``, ``axisymmetric`` or ``3d``.
        mesh: the DOLFINx mesh.
        space: continuous, piecewise linear functions on it.
        points: coordinates of the dofs [m], owned ones first, shape ``(n_local, dimension)``.
        owned: number of dofs that this rank owns.
        cells: local dof numbers, cells that this rank owns first, shape ``(n_cells, dimension + 1)``.
        owned_cells: number of cells that this rank owns.
        cell_tags: region of each cell, shape ``(n_cells,)``.
        facets: local dof numbers of tagged exterior facets, those of owned cells first, shape
            ``(n_facets, dimension)``.
        owned_facets: number of facets that belong to owned cells.
        facet_tags: surface of each facet, shape ``(n_facets,)``.
        vertex_origin: number of each dof's vertex in the ``PlainMesh``, shape ``(n_local,)``.
        cell_origin: number of each cell in the ``PlainMesh``, shape ``(n_cells,)``.
        info: that of the ``PlainMesh``, and ``partition``.
    """

    geometry: Geometry
    mesh: mesh.Mesh
    space: fem.FunctionSpace
    points: NDArray[np.float64]
    owned: int
    cells: NDArray[np.int32]
    owned_cells: int
    cell_tags: NDArray[np.int32]
    facets: NDArray[np.int32]
    owned_facets: int
    facet_tags: NDArray[np.int32]
    vertex_origin: NDArray[np.int64]
    cell_origin: NDArray[np.int64]
    info: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What every rank must know of the whole mesh."""

    geometry: Geometry
    cell_tags: NDArray[np.int32]
    cells_per_vertex: NDArray[np.int32]
    facets: NDArray[np.int32]
    facet_tags: NDArray[np.int32]
    facet_cells: NDArray[np.int32]
    info: dict[str, Any]


def on_root(comm: MPI.Comm, compute: Callable[[], Result]) -> Result | None:
    """Compute on rank 0; if that raises ``GeometryError``, raise it on every rank. Collective.

    Args:
        comm: of the ranks.
        compute: called on rank 0 only.

    Returns:
        The result on rank 0, ``None`` elsewhere.

    Raises:
        GeometryError: on all ranks, of the type raised on rank 0.
    """
    result: Result | None = None
    error: GeometryError | None = None
    if comm.rank == 0:
        try:
            result = compute()
        except GeometryError as raised:
            error = raised
    error = comm.bcast(error)
    if error is not None:
        raise error
    return result


def distribute(plain: PlainMesh | None, comm: MPI.Comm) -> DistributedMesh:
    """Hand out a mesh on rank 0 to all ranks of a communicator. Collective.

    The partition depends on the mesh and the number of ranks only, so that a run repeats bit by bit.

    Args:
        plain: the mesh on rank 0, ``None`` elsewhere.
        comm: to share it.

    Returns:
        This rank's part.

    Raises:
        GeometryError: if a tagged facet is not on the outside, or there are fewer cells than ranks.
    """

    def prepare() -> tuple[_Plan, tuple[NDArray[np.int32], NDArray[np.int32]]]:
        assert plain is not None
        return _plan(plain, comm.size)

    prepared = on_root(comm, prepare)
    plan: _Plan = comm.bcast(prepared[0] if prepared else None)
    dimension = DIMENSION[plan.geometry]
    if plain is not None and prepared is not None:
        cells, points, targets = plain.cells, plain.points, prepared[1]
    else:
        cells, points = np.zeros((0, dimension + 1), dtype=np.int64), np.zeros((0, dimension))
        targets = np.zeros(0, dtype=np.int32), np.zeros(1, dtype=np.int32)
    shared = create_simplex_mesh(comm, cells, points, targets)
    return _localise(shared, plan)


def gather_to_root(
    mesh: DistributedMesh,
    values: NDArray[Any],
    comm: MPI.Comm,
    kind: Literal["point", "cell"] = "point",
) -> NDArray[Any] | None:
    """Collect a field in the order of the ``PlainMesh``, whatever the number of ranks. Collective.

    Args:
        mesh: the distributed mesh.
        values: one row per local dof or cell; rows of ghosts may be missing and are not used.
        comm: of the mesh.
        kind: whether rows belong to dofs or to cells.

    Returns:
        On rank 0 all values, one row per vertex or cell; ``None`` elsewhere.
    """
    by_point = kind == "point"
    origin, owned = (mesh.vertex_origin, mesh.owned) if by_point else (mesh.cell_origin, mesh.owned_cells)
    parts = comm.gather((origin[:owned], np.asarray(values)[:owned]))
    if parts is None:
        return None
    rows = np.concatenate([numbers for numbers, _ in parts])
    stacked = np.concatenate([part for _, part in parts])
    gathered: NDArray[Any] = np.empty_like(stacked)
    gathered[rows] = stacked
    return gathered


def _plan(plain: PlainMesh, parts: int) -> tuple[_Plan, tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Decide the partition and collect what all ranks need; on rank 0."""
    midpoints = plain.points[plain.cells].mean(axis=1)
    try:
        ranks = bisect(midpoints, parts)
    except ValueError as error:
        raise GeometryError(f"mesh: {error}; use fewer ranks") from error
    targets = destinations(plain.cells, ranks, len(plain.points))
    cells_per_vertex = np.bincount(plain.cells.ravel(), minlength=len(plain.points))
    if np.any(cells_per_vertex == 0):
        raise GeometryError(f"mesh: {np.sum(cells_per_vertex == 0)} vertices belong to no cell")
    partition = {
        "ranks": parts,
        "cells_per_rank": np.bincount(ranks, minlength=parts).tolist(),
        "ghost_cells": int(len(targets[0]) - len(plain.cells)),
    }
    plan = _Plan(
        geometry=plain.geometry,
        cell_tags=plain.cell_tags.astype(np.int32),
        cells_per_vertex=cells_per_vertex.astype(np.int32),
        facets=plain.facets.astype(np.int32),
        facet_tags=plain.facet_tags.astype(np.int32),
        facet_cells=cells_behind(plain).astype(np.int32),
        info=plain.info | {"partition": partition},
    )
    return plan, targets


def _localise(shared: mesh.Mesh, plan: _Plan) -> DistributedMesh:
    """Renumber the local part by the dofs of the P1 space and check that its rows are complete."""
    space = fem.functionspace(shared, ("Lagrange", 1))
    cells = np.array(space.dofmap.list, dtype=np.int32)
    dofs = space.dofmap.index_map
    cell_map = shared.topology.index_map(shared.topology.dim)
    n_local = dofs.size_local + dofs.num_ghosts
    origin = np.zeros(n_local, dtype=np.int64)
    origin[cells] = np.asarray(shared.geometry.input_global_indices)[shared.geometry.dofmap]
    points = np.zeros((n_local, DIMENSION[plan.geometry]))
    points[cells] = shared.geometry.x[shared.geometry.dofmap, : points.shape[1]]
    cell_origin = np.asarray(shared.topology.original_cell_index).astype(np.int64)
    facets, facet_tags, owned_facets = _local_facets(plan, origin, cell_origin, cell_map.size_local)
    distributed = DistributedMesh(
        geometry=plan.geometry,
        mesh=shared,
        space=space,
        points=points,
        owned=dofs.size_local,
        cells=cells,
        owned_cells=cell_map.size_local,
        cell_tags=plan.cell_tags[cell_origin],
        facets=facets,
        owned_facets=owned_facets,
        facet_tags=facet_tags,
        vertex_origin=origin,
        cell_origin=cell_origin,
        info=plan.info,
    )
    _require_complete_rows(distributed, plan.cells_per_vertex)
    return distributed


def _local_facets(
    plan: _Plan, vertex_origin: NDArray[np.int64], cell_origin: NDArray[np.int64], owned_cells: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    """Select the tagged facets of this rank's cells, those of owned cells first."""
    local_cell = np.full(len(plan.cell_tags), -1, dtype=np.int64)
    local_cell[cell_origin] = np.arange(len(cell_origin))
    behind = local_cell[plan.facet_cells]
    of_owned = np.flatnonzero((behind >= 0) & (behind < owned_cells))
    of_ghosts = np.flatnonzero(behind >= owned_cells)
    chosen = np.concatenate([of_owned, of_ghosts])
    local_dof = np.full(len(plan.cells_per_vertex), -1, dtype=np.int32)
    local_dof[vertex_origin] = np.arange(len(vertex_origin), dtype=np.int32)
    return local_dof[plan.facets[chosen]], plan.facet_tags[chosen], len(of_owned)


def _require_complete_rows(distributed: DistributedMesh, cells_per_vertex: NDArray[np.int32]) -> None:
    """Assert that this rank holds every cell around every dof it owns, on all ranks. Collective."""
    owned = distributed.owned
    here = np.bincount(distributed.cells.ravel(), minlength=len(distributed.points))[:owned]
    missing = int(np.sum(here != cells_per_vertex[distributed.vertex_origin[:owned]]))
    total = distributed.mesh.comm.allreduce(missing)
    if total:
        raise RuntimeError(f"partition: {total} dofs are owned by a rank that lacks cells around them")

# SPDX-License-Identifier: MIT
"""Boxes and cylinders with deformed structured meshes, and flows through them, for manufactured solutions."""

from itertools import permutations

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray

from meshes.cells.facets import exterior_facets
from meshes.cells.quality import volumes
from meshes.distribution.distribute import distribute
from meshes.plain import Geometry, PlainMesh
from meshes.regions import OUTER, TISSUE
from solver.flow.balance import darcy_geometry
from solver.flow.state import FlowState, FlowStep
from solver.kernels.edges import nodal_outflow
from solver.kernels.flow import galerkin_convection
from solver.parameters.model import Model
from solver.tissue.discretisation import Discretisation, discretise
from tests.coarse import triangles

Floats = NDArray[np.float64]
COMM = MPI.COMM_WORLD
SIDE = 10e-3
"""Edge of the box; radius and height of the cylinder [m]."""


def cylinder(radial: int, axial: int) -> PlainMesh:
    """Triangles in a cylinder of height SIDE, of uneven width and height."""
    axes = [np.arange(count + 1) / axial for count in (radial, axial)]
    points = _uneven(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2))
    cells = triangles(radial, axial)
    facets = exterior_facets(cells)
    return _plain("axisymmetric", points, cells, facets[points[facets, 0].max(axis=1) > 0.0])


def box(lateral: int, axial: int) -> PlainMesh:
    """Kuhn's tetrahedra in a square column of height SIDE, of uneven width, depth and height."""
    shape = np.array([lateral, lateral, axial])
    axes = [np.arange(count + 1) / axial for count in shape]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    strides = np.array([(lateral + 1) * (axial + 1), axial + 1, 1])
    corner = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, 3) @ strides
    cells = np.concatenate(
        [
            np.column_stack(
                [corner, corner + strides[i], corner + strides[[i, j]].sum(), corner + strides.sum()]
            )
            for i, j, _ in permutations(range(3))
        ]
    )
    points = _uneven(points)
    negative = volumes(points, cells) < 0.0
    cells[negative] = cells[negative][:, [1, 0, 2, 3]]
    return _plain("3d", points, cells, exterior_facets(cells))


def _uneven(unit: Floats) -> Floats:
    return np.asarray(SIDE * (unit + 0.1 * np.sin(2 * np.pi * unit) / np.pi))


def _plain(
    geometry: Geometry, points: Floats, cells: NDArray[np.int64], facets: NDArray[np.int64]
) -> PlainMesh:
    return PlainMesh(
        geometry=geometry,
        points=points,
        cells=cells,
        cell_tags=np.full(len(cells), TISSUE, dtype=np.int32),
        facets=facets,
        facet_tags=np.full(len(facets), OUTER, dtype=np.int32),
    )


def discretised(plain: PlainMesh, model: Model) -> Discretisation:
    """A mesh without injection sites on all ranks. Collective."""
    return discretise(distribute(plain if COMM.rank == 0 else None, COMM), model, ())


def l2(data: Discretisation, error: Floats) -> float:
    """Root of the mean square of a nodal field. Collective."""
    total = data.halo.sum(data.volume)
    return float(np.sqrt(data.halo.sum(data.volume * error**2) / total))


def uniform_flow(data: Discretisation, flux: float) -> FlowStep:
    """Darcy flux [m/s] along the last axis, entering and leaving through the ends. Collective."""
    stencil = data.stencil
    potential = -flux * data.mesh.points[:, -1]
    ones = np.ones(len(data.mesh.cells))
    along, symmetric = galerkin_convection(darcy_geometry(data), ones, potential)
    none, unopened = np.zeros(data.volume.size), np.zeros(data.pairs.node.size)
    leaving = data.halo.update(nodal_outflow(stencil.tail, stencil.head, along, none.size))
    return FlowStep(
        state=FlowState(pressure=none, largest=none, stored=none),
        flux=along,
        symmetric=symmetric,
        conductivity=ones,
        filtration=unopened,
        open_fraction=unopened,
        vessels=none,
        lymph=none,
        drained=unopened,
        outflow=-leaving,
        net=none,
        iterations=0,
        krylov=0,
    )

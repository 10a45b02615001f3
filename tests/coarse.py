# SPDX-License-Identifier: MIT
"""Coarse, hand-made meshes in the three geometries, and the model with every effect on, on any ranks."""

from dataclasses import replace
from functools import cache
from typing import Any

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray

from cases.reading.load import load_case
from meshes.cells.background import kuhn_ball
from meshes.cells.facets import exterior_facets
from meshes.cells.quality import volumes
from meshes.distribution.distribute import distribute, gather_to_root
from meshes.geometry import Site
from meshes.plain import Geometry, PlainMesh
from meshes.regions import CAVITY, OUTER, TISSUE, TUMOUR
from solver.parameters.model import Agent, Injection, Model, Physics, Schedule, Tissue
from solver.tissue.discretisation import Discretisation, discretise
from tests.case_files import REFERENCE

Floats = NDArray[np.float64]
COMM = MPI.COMM_WORLD
GEOMETRIES: tuple[Geometry, ...] = ("radial", "axisymmetric", "3d")

CAVITY_RADIUS = 0.5e-3
DOMAIN = 20e-3
INLET = 3.0
ML_PER_MIN = 1e-6 / 60.0


def shells(cells: int = 60) -> PlainMesh:
    """Concentric shells, half of them tumour."""
    radii = np.geomspace(CAVITY_RADIUS, DOMAIN, cells + 1)
    return PlainMesh(
        geometry="radial",
        points=radii[:, None],
        cells=np.column_stack([np.arange(cells), np.arange(1, cells + 1)]),
        cell_tags=np.where(radii[1:] < 7e-3, TUMOUR, TISSUE).astype(np.int32),
        facets=np.array([[0], [cells]]),
        facet_tags=np.array([CAVITY, OUTER], dtype=np.int32),
    )


def half_disc(layers: int = 14, sectors: int = 9) -> PlainMesh:
    """Triangles in the (r, z) half-plane around a cavity; the tumour sits off the tip, along the axis."""
    radii = np.geomspace(CAVITY_RADIUS, DOMAIN, layers + 1)
    angle = np.linspace(0.0, np.pi, sectors + 1)
    r = np.outer(radii, np.sin(angle))
    r[:, [0, -1]] = 0.0
    points = np.stack([r, np.outer(radii, np.cos(angle))], axis=-1).reshape(-1, 2)
    cells = triangles(layers, sectors)
    number = np.arange(len(points)).reshape(layers + 1, sectors + 1)
    ring = [np.column_stack([row[:-1], row[1:]]) for row in (number[0], number[-1])]
    centroids = points[cells].mean(axis=1)
    return PlainMesh(
        geometry="axisymmetric",
        points=points,
        cells=cells,
        cell_tags=_tags(np.linalg.norm(centroids - [0.0, 1e-3], axis=1)),
        facets=np.concatenate(ring),
        facet_tags=np.repeat(np.array([CAVITY, OUTER], dtype=np.int32), sectors),
    )


def ball(divisions: int = 10) -> PlainMesh:
    """Kuhn's tetrahedra in a ball, finer in the middle; the tumour sits off the tip."""
    points, cells = kuhn_ball(np.zeros(3), 1.0, divisions)
    points *= DOMAIN * np.linalg.norm(points, axis=1)[:, None] ** 0.4
    assert volumes(points, cells).min() > 0.0
    facets = exterior_facets(cells)
    return PlainMesh(
        geometry="3d",
        points=points,
        cells=cells,
        cell_tags=_tags(np.linalg.norm(points[cells].mean(axis=1) - [1e-3, 0.0, 0.0], axis=1)),
        facets=facets,
        facet_tags=np.full(len(facets), OUTER, dtype=np.int32),
    )


def triangles(rows: int, columns: int) -> NDArray[np.int64]:
    """Two triangles in each quadrangle of a structured grid of ``rows`` by ``columns``."""
    number = np.arange((rows + 1) * (columns + 1)).reshape(rows + 1, columns + 1)
    a, b, c, d = (
        part.ravel() for part in (number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:])
    )
    return np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])


def _tags(distance: Floats) -> NDArray[np.int32]:
    return np.where(distance < 7e-3, TUMOUR, TISSUE).astype(np.int32)


MESHES: dict[Geometry, Any] = {"radial": shells, "axisymmetric": half_disc, "3d": ball}


@cache
def tissues() -> dict[int, Tissue]:
    """Tumour and tissue of the reference case, with a permeability of the agent."""
    found = load_case(REFERENCE).model.tissues
    return {tag: replace(tissue, permeability_surface=1e-3) for tag, tissue in found.items()}


def full_model(pulses: tuple[Injection, ...], **more: Any) -> Model:
    """Every effect on, unless ``more`` says otherwise."""
    return replace(
        Model(
            tissues=tissues(),
            agent=Agent(name="agent", reaction_rate=0.033, molar_mass=0.067),
            injections=pulses,
            physics=Physics(),
            schedule=Schedule(end=20.0),
        ),
        **more,
    )


def pulse(start: float, duration: float, rate: float = ML_PER_MIN) -> Injection:
    """An injection at site 0; times [s], rate [m3/s]."""
    return Injection(site=0, start=start, volume=rate * duration, rate=rate, concentration=INLET)


def site(geometry: Geometry) -> Site:
    """The needle tip: a wall in ``radial`` and ``axisymmetric``, a distributed source in ``3d``."""
    return Site(
        tip=(0.0, 0.0, 0.0),
        direction=(0.0, 0.0, -1.0),
        needle_radius=CAVITY_RADIUS,
        source_radius=4e-3 if geometry == "3d" else None,
    )


def discretised(geometry: Geometry, model: Model, comm: MPI.Comm = COMM) -> Discretisation:
    """The coarse mesh of a geometry with a model on it. Collective over ``comm``."""
    mesh = distribute(MESHES[geometry]() if comm.rank == 0 else None, comm)
    return discretise(mesh, model, (site(geometry),))


def gathered(data: Discretisation, values: Floats) -> Floats:
    """A nodal field in the order of the plain mesh, on every rank of its communicator. Collective."""
    comm = data.halo.comm
    return np.asarray(comm.bcast(gather_to_root(data.mesh, values, comm)))

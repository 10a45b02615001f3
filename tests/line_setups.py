# SPDX-License-Identifier: MIT
"""Coarse meshes with a needle's track and a vessel in them, on any number of ranks."""

from dataclasses import replace
from itertools import permutations
from typing import Any

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray

from meshes.cells.facets import exterior_facets
from meshes.distribution.distribute import distribute
from meshes.geometry import Site
from meshes.plain import Geometry, PlainMesh
from meshes.regions import OUTER, TISSUE, TUMOUR
from solver.flow.state import FlowStep
from solver.flow.step import FlowSolver
from solver.parameters.lines import Backflow, VesselLine
from solver.parameters.model import Model
from solver.tissue.discretisation import Discretisation, discretise
from solver.tissue.line_curves import line_curves
from tests import coarse
from tests.coarse import COMM, MESHES, full_model, pulse
from tests.spheres import EXACT, PLAIN, model, tissue
from tests.spheres import pulse as plain_pulse

Floats = NDArray[np.float64]

NEEDLE = 0.36e-3
"""Radius of a 22G needle [m]."""


def vessel(places: tuple[Any, ...], pressures: tuple[float, float], **more: Any) -> VesselLine:
    """A vessel of 1 mm along straight pieces, with blood pressures at its ends [Pa]."""
    count = len(places)
    known = {"radii": (0.5e-3,) * count, "wall_conductivity": 2.7e-8, "permeability": 1e-5} | more
    return VesselLine(
        name="vein",
        places=places,
        edges=tuple((k, k + 1) for k in range(count - 1)),
        ends=((0, pressures[0]), (count - 1, pressures[1])),
        **known,
    )


def leaky(geometry: Geometry, **more: Any) -> Model:
    """Every effect of the coarse model, a track, and in 3d a vessel beside the tip."""
    beside = ((3e-3, -0.04, 1e-3), (3e-3, 0.0, 0.0), (3e-3, 0.04, 1e-3))
    lines = (vessel(beside, (1300.0, 1200.0)),) if geometry == "3d" else ()
    pulses = (pulse(0.0, 12.0), pulse(16.0, 8.0, 2e-6 / 60.0))
    known = {"backflow": Backflow(prestress=3e3, exit_distance=0.03), "vessel_lines": lines}
    return full_model(pulses, **(known | more))


def embedded(plain: PlainMesh | None, what: Model, site: Site, comm: MPI.Comm = COMM) -> Discretisation:
    """A mesh with the lines of a model in it. Collective over ``comm``."""
    mesh = distribute(plain if comm.rank == 0 else None, comm, line_curves(what, (site,)), (site,))
    return discretise(mesh, what, (site,))


def coarse_lines(geometry: Geometry, what: Model, comm: MPI.Comm = COMM) -> Discretisation:
    """The coarse mesh of a geometry with lines. Collective over ``comm``."""
    plain = coarse.half_disc(24, 16) if geometry == "axisymmetric" else MESHES[geometry]()
    return embedded(plain, what, coarse.site(geometry), comm)


def cylinder(radius: float, length: float, rings: int, layers: int) -> PlainMesh:
    """Triangles in the (r, z) rectangle, with a pressure that can be fixed at its outer radius only."""
    r, z = np.linspace(0, radius, rings + 1), np.linspace(0, length, layers + 1)
    points = np.stack(np.meshgrid(r, z, indexing="ij"), axis=-1).reshape(-1, 2)
    cells = coarse.triangles(rings, layers)
    last = np.arange(len(points))[-(layers + 1) :]
    return _tagged("axisymmetric", points, cells, np.column_stack([last[:-1], last[1:]]))


def column(side: float, length: float, across: int, along: int) -> PlainMesh:
    """Kuhn's tetrahedra in a column of half width ``side``, finer at its axis; outer surface tagged."""
    x = np.linspace(-1, 1, across + 1)
    x = side * np.sign(x) * np.abs(x) ** 1.3
    grid = np.meshgrid(x, x, np.linspace(0, length, along + 1), indexing="ij")
    points = np.stack(grid, axis=-1).reshape(-1, 3)
    number = np.arange(len(points)).reshape(across + 1, across + 1, along + 1)
    lowest, steps = number[:-1, :-1, :-1].ravel(), ((across + 1) * (along + 1), along + 1, 1)
    cells = np.concatenate([lowest[:, None] + np.cumsum([0, *order]) for order in permutations(steps)])
    edges = points[cells[:, 1:]] - points[cells[:, :1]]
    mirrored = np.linalg.det(edges) < 0
    cells[mirrored, :2] = cells[mirrored, 1::-1]
    facets = exterior_facets(cells)
    at_side = np.isclose(np.abs(points[facets][:, :, :2]), side).all(axis=1).any(axis=1)
    return _tagged("3d", points, cells, facets[at_side])


def _tagged(
    geometry: Geometry, points: Floats, cells: NDArray[np.int64], facets: NDArray[np.int64]
) -> PlainMesh:
    low = points[cells].mean(axis=1)[:, -1] < 1e-3
    return PlainMesh(
        geometry=geometry,
        points=points,
        cells=cells,
        cell_tags=np.where(low, TUMOUR, TISSUE).astype(np.int32),
        facets=facets,
        facet_tags=np.full(len(facets), OUTER, dtype=np.int32),
    )


def steady_lines(
    plain: PlainMesh, lines: dict[str, Any], conductivity: float, rate: float, source: float
) -> tuple[Discretisation, FlowStep]:
    """Steady flow in rigid tissue, pressure 0 at the outer surface, G = 20 kPa, and a tip at the origin."""
    medium = tissue(hydraulic_conductivity=conductivity, shear_modulus=2e4)
    physics = replace(PLAIN, far_field="fixed", far_pressure=0.0)
    what = model(medium, physics, plain_pulse(rate, 1.0), numerics=EXACT, **lines)
    site = Site(tip=(0.0, 0.0, 0.0), direction=(0.0, 0.0, -1.0), needle_radius=NEEDLE, source_radius=source)
    data = embedded(plain, what, site)
    solver = FlowSolver(data, what.physics, what.numerics, rate or 1e-10)
    state = solver.initial_state()
    return data, solver.step(state, rate * data.sources[0], 1.0, state.pressure)

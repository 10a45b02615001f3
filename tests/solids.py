# SPDX-License-Identifier: MIT
"""Elastic bodies whose deformation is known: a cavity under pressure, a column that is squeezed out."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from meshes.build import build_mesh
from meshes.distribution.distribute import distribute
from meshes.geometry import MeshSizes, ParametricGeometry, Site
from meshes.plain import Geometry, PlainMesh
from meshes.regions import OUTER, TISSUE
from solver.parameters.model import Model
from solver.solid.solve import ElasticSolid, Supports, held
from solver.tissue.boundary import nodal_areas
from solver.tissue.discretisation import Discretisation, discretise
from tests.coarse import COMM, triangles
from tests.spheres import PLAIN, model, tissue

Floats = NDArray[np.float64]

SHEAR = 3200.0
CAVITY, DOMAIN = 1e-3, 8e-3
BIOT = replace(PLAIN, flow="biot")


def confined(poisson: float, shear: float = SHEAR) -> float:
    """H = 2 mu (1 - nu)/(1 - 2 nu) [Pa]."""
    return 2 * shear * (1 - poisson) / (1 - 2 * poisson)


def hollow(kind: Geometry, poisson: float, coarseness: float) -> tuple[Discretisation, Model]:
    """A ball of one medium with a cavity in its middle, held by infinite tissue. Collective."""
    sizes = MeshSizes(
        tip=0.5 * CAVITY * coarseness,
        front=1e-3 * coarseness,
        front_radius=4e-3,
        surface=1.5e-3 * coarseness,
        far=2e-3 * coarseness,
        growth=0.5,
    )
    site = Site(tip=(0.0, 0.0, 0.0), direction=(0.0, 0.0, -1.0), needle_radius=CAVITY)
    what = ParametricGeometry(
        kind=kind,
        semi_axes=(4e-3, 4e-3, 4e-3),
        centre=(0.0, 0.0, 0.0),
        domain_radius=DOMAIN,
        necrotic_fraction=0.0,
        capsule_thickness=0.0,
        sites=(site,),
        sizes=sizes,
    )
    mesh = distribute(build_mesh(what) if COMM.rank == 0 else None, COMM)
    whole = model(tissue(confined_modulus=confined(poisson), shear_modulus=SHEAR), BIOT)
    return discretise(mesh, whole, (site,)), whole


def cavity_error(data: Discretisation, whole: Model, pressure: float) -> tuple[float, int]:
    """Relative error of the displacement around a pressed cavity, u = p a^3/(4 mu r^2), and iterations."""
    supports = held(data, whole)
    walls = ElasticSolid(data, whole, supports, 1e-8).wall
    solid = ElasticSolid(data, whole, replace(supports, load=-walls * pressure), 1e-8)
    found = solid.solve(np.zeros(data.volume.size))
    x = data.mesh.points
    exact = pressure / (4 * SHEAR) * (CAVITY / np.linalg.norm(x, axis=1)[:, None]) ** 3 * x
    wrong = data.halo.sum(data.volume * ((found.displacement - exact) ** 2).sum(axis=1))
    return float(np.sqrt(wrong / data.halo.sum(data.volume * (exact**2).sum(axis=1)))), found.iterations


def column(kind: Geometry, height: float, layers: int) -> PlainMesh:
    """A cylinder about the axis, or a square prism, with its top tagged as the outer boundary."""
    z = np.linspace(0.0, height, layers + 1)
    width = height / layers
    if kind == "axisymmetric":
        r = width * np.arange(4)
        points = np.stack(np.meshgrid(r, z, indexing="ij"), axis=-1).reshape(-1, 2)
        cells = triangles(3, layers)
        top = np.flatnonzero(points[:, 1] == height)
        facets = np.column_stack([top[:-1], top[1:]])
    else:
        points, cells, facets = _prism(z, width)
    return PlainMesh(
        geometry=kind,
        points=points,
        cells=cells,
        cell_tags=np.full(len(cells), TISSUE, dtype=np.int32),
        facets=facets,
        facet_tags=np.full(len(facets), OUTER, dtype=np.int32),
    )


def _prism(z: Floats, width: float) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Kuhn's six tetrahedra in each cube of one column of cubes."""
    points = np.concatenate([[[width * i, width * j, level] for i in (0, 1) for j in (0, 1)] for level in z])
    cells = []
    for layer in range(len(z) - 1):
        for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
            path, at = [(0, 0, 0)], [0, 0, 0]
            for axis in order:
                at[axis] = 1
                path.append((at[0], at[1], at[2]))
            cells.append([4 * (layer + k) + 2 * i + j for i, j, k in path])
    found = np.array(cells, dtype=np.int64)
    edges = points[found[:, 1:]] - points[found[:, :1]]
    turned = np.linalg.det(edges) < 0
    found[turned] = found[turned][:, [0, 1, 3, 2]]
    last = 4 * (len(z) - 1)
    top = np.array([[last, last + 1, last + 3], [last, last + 2, last + 3]], dtype=np.int64)
    return points, found, top


def rollers(data: Discretisation, kind: Geometry, load: float) -> Supports:
    """Sides and bottom that only let slide, and a pressure on the top [Pa]."""
    x = data.mesh.points
    height, fixed, force = x[:, -1].max(), np.zeros(x.shape, dtype=bool), np.zeros(x.shape)
    height = data.halo.comm.allreduce(height, op=max)
    fixed[:, -1] = x[:, -1] == 0.0
    for axis in range(x.shape[1] - 1):
        fixed[:, axis] = True
    areas = nodal_areas(x, data.mesh.facets[data.mesh.facet_tags == OUTER], kind)
    force[:, -1] = -load * data.halo.update(areas)
    return Supports(stiffness=np.zeros(len(x)), fixed=fixed, load=force)


def terzaghi(depth: Floats, time_factor: float) -> Floats:
    """Excess pressure over the load in a column drained at the top (Terzaghi, 1923).

    Args:
        depth: below the top over the height [-].
        time_factor: K H t/height^2 [-].
    """
    m = (np.arange(400) + 0.5) * np.pi
    terms = 2 / m * np.sin(np.outer(depth, m)) * np.exp(-(m**2) * time_factor)
    return np.asarray(terms.sum(axis=1))


def consolidation(time_factor: float) -> float:
    """Settlement over the final one [-]."""
    m = (np.arange(400) + 0.5) * np.pi
    return float(1 - (2 / m**2 * np.exp(-(m**2) * time_factor)).sum())

# SPDX-License-Identifier: MIT
"""Steady flow in plain DOLFINx, and the mesh read as its tutorial does; for the peers built on it."""

from pathlib import Path

from mpi4py import MPI

import ufl
from dolfinx import fem
from dolfinx.fem.petsc import LinearProblem
from dolfinx.io import XDMFFile
from dolfinx.mesh import Mesh, MeshTags
from ufl import grad, inner

from benchmarks.ball.definition import CONDUCTIVITY, VESSEL_PRESSURE
from benchmarks.ball.peers.common import Floats


def read_mesh(file: Path) -> tuple[Mesh, MeshTags, MeshTags]:
    """Read mesh, regions and surfaces from XDMF."""
    with XDMFFile(MPI.COMM_WORLD, file, "r") as volumes:
        mesh = volumes.read_mesh(name="Grid")
        regions = volumes.read_meshtags(mesh, name="Grid")
    mesh.topology.create_connectivity(mesh.topology.dim, mesh.topology.dim - 1)
    with XDMFFile(MPI.COMM_WORLD, file.with_name(f"facets-{file.name}"), "r") as facets:
        surfaces = facets.read_meshtags(mesh, name="Grid")
    return mesh, regions, surfaces


def by_region(mesh: Mesh, regions: MeshTags, values: tuple[float, float]) -> fem.Function:
    """A constant per region, as a piecewise constant function."""
    found = fem.Function(fem.functionspace(mesh, ("DG", 0)))
    for tag, value in enumerate(values, start=1):
        found.x.array[regions.find(tag)] = value
    return found


def integral(space: fem.FunctionSpace, weight: ufl.core.expr.Expr | float) -> Floats:
    """Vector whose product with nodal values is an integral with a weight."""
    vector: Floats = fem.assemble_vector(fem.form(weight * ufl.TestFunction(space) * ufl.dx)).array
    return vector


class Darcy:
    """The pressure of BALL.

    Attributes:
        pressure: P1 function, solved by CG with BoomerAMG.
        area: of the cavity's wall [m2].
    """

    def __init__(
        self, mesh: Mesh, regions: MeshTags, surfaces: MeshTags, leakage: tuple[float, float]
    ) -> None:
        space = fem.functionspace(mesh, ("Lagrange", 1))
        p, q = ufl.TrialFunction(space), ufl.TestFunction(space)
        wall = ufl.Measure("ds", domain=mesh, subdomain_data=surfaces)(2)
        conductivity, conductance = by_region(mesh, regions, CONDUCTIVITY), by_region(mesh, regions, leakage)
        self._inflow = fem.Constant(mesh, 0.0)
        self.area = fem.assemble_scalar(fem.form(fem.Constant(mesh, 1.0) * wall))
        outer = fem.locate_dofs_topological(space, mesh.topology.dim - 1, surfaces.find(1))
        self.pressure = fem.Function(space)
        self._problem = LinearProblem(
            conductivity * inner(grad(p), grad(q)) * ufl.dx + conductance * p * q * ufl.dx,
            conductance * by_region(mesh, regions, VESSEL_PRESSURE) * q * ufl.dx + self._inflow * q * wall,
            bcs=[fem.dirichletbc(0.0, outer, space)],
            u=self.pressure,
            petsc_options={"ksp_type": "cg", "pc_type": "hypre", "ksp_rtol": 1e-8},
        )

    def solve(self, inflow: float) -> None:
        """Solve for an inflow over the wall [m3/s]."""
        self._inflow.value = inflow / self.area
        self._problem.solve()

# SPDX-License-Identifier: MIT
"""DG of degree 1: upwind, interior penalty, vertex-based limiter (Kuzmin, 2010), a flux that cells balance.

That flux is in the lowest Raviart-Thomas space, by -div(K grad p) = S (p_e - p) with the pressure eliminated.
Backward Euler for BALL, trapezoidal rule for the rotation; the limiter acts after each step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from mpi4py import MPI

import basix.ufl
import numpy as np
import ufl
from dolfinx import fem, mesh
from numpy.typing import NDArray

from benchmarks.ball.definition import (
    BALLS,
    CAVITY_RADIUS,
    CONDUCTIVITY,
    DIFFUSIVITY,
    END,
    INFLOW,
    INJECTION_END,
    POROSITY,
    REACTION_RATE,
    STEP,
    TUMOUR_RADIUS,
    VESSEL_PRESSURE,
)
from benchmarks.ball.errors import POINTS_PER_AXIS, _quadrature
from benchmarks.ball.mesh import ball_mesh
from benchmarks.ball.reference import reference
from benchmarks.formulations.problem import Floats
from benchmarks.formulations.rotation import SQUARES, STEPS, TURN, bodies
from benchmarks.formulations.system import System

PENALTY = 40.0
"""Times phi D over the diameter of a cell; 6 is not enough for flat tetrahedra."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Matrices of a time in which nothing changes: storage, all else, and what comes in per time."""

    storage: Any
    rest: Any
    incoming: Floats
    duration: float
    steps: int


def discontinuous_ball(name: str, size: str) -> dict[str, Any]:
    """BALL or BALLw on a mesh of about so many cells."""
    plain = ball_mesh(size)
    shape = ufl.Mesh(basix.ufl.element("Lagrange", "tetrahedron", 1, shape=(3,)))
    domain = mesh.create_mesh(MPI.COMM_SELF, plain.cells, plain.points, shape)
    space = fem.functionspace(domain, ("DG", 1))
    phases = []
    for rate, duration in ((INFLOW, INJECTION_END), (0.0, END - INJECTION_END)):
        flux = _darcy_flux(domain, name, rate)
        sink = ufl.max_value(-ufl.div(flux), 0) + POROSITY * REACTION_RATE
        phases.append(_phase(space, flux, (sink, POROSITY, DIFFUSIVITY), duration, round(duration / STEP)))
    ends, row = _march(space, phases, np.zeros(space.dofmap.index_map.size_local), 1.0)
    known = reference(BALLS[name])
    barycentric, weights = _quadrature(POINTS_PER_AXIS)
    corners = domain.geometry.x[domain.geometry.dofmap]
    radius = np.linalg.norm(np.einsum("qv,cvx->cqx", barycentric, corners), axis=2)
    exact = np.interp(radius, known.radius, known.concentration)
    volume = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 6
    found = ends[0][space.dofmap.list] @ barycentric.T
    error = float(volume @ np.abs(found - exact) @ weights) / float(volume @ exact @ weights)
    return {"error": 100 * error} | row


def discontinuous_rotation() -> dict[str, Any]:
    """The three bodies on the triangles of the other formulations."""
    domain = mesh.create_unit_square(MPI.COMM_SELF, SQUARES, SQUARES)
    space = fem.functionspace(domain, ("DG", 1))
    x = ufl.SpatialCoordinate(domain)
    phase = _phase(space, ufl.as_vector((0.5 - x[1], x[0] - 0.5)), (0.0, 1.0, 0.0), TURN, STEPS)
    start = np.empty(space.dofmap.index_map.size_local)
    start[space.dofmap.list] = bodies(domain.geometry.x)[domain.geometry.dofmap]
    ends, row = _march(space, [phase], start, 0.5)
    return {"error": 100 * float(np.abs(ends[-1] - start).sum() / start.sum())} | row


def _darcy_flux(domain: mesh.Mesh, name: str, inflow: float) -> fem.Function:
    """-K grad p in the lowest Raviart-Thomas space [m/s]."""
    space = fem.functionspace(domain, basix.ufl.element("RT", domain.basix_cell(), 1))
    constants = fem.functionspace(domain, ("DG", 0))
    fields = []
    for inside, outside in (CONDUCTIVITY, BALLS[name].vessel_conductance, VESSEL_PRESSURE):
        field = fem.Function(constants)
        field.interpolate(
            lambda x, a=inside, b=outside: np.where(np.linalg.norm(x, axis=0) < TUMOUR_RADIUS, a, b)
        )
        fields.append(field)
    conductivity, exchange, pressure = fields
    q, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    left = (ufl.inner(q, v) / conductivity + ufl.div(q) * ufl.div(v) / exchange) * ufl.dx
    entering = fem.Function(space)
    entering.interpolate(lambda x: inflow / (4 * np.pi) * x / np.linalg.norm(x, axis=0) ** 3)
    facets = mesh.locate_entities_boundary(domain, 2, _at_cavity)
    if inflow > 0:
        # Its moments on flat facets are integrated inexactly; the whole of it counts.
        normal = ufl.FacetNormal(domain)
        wall = _wall(domain, facets)
        entering.x.array[:] *= -inflow / fem.assemble_scalar(fem.form(ufl.dot(entering, normal) * wall))
    condition = fem.dirichletbc(entering, fem.locate_dofs_topological(space, 2, facets))
    from dolfinx.fem.petsc import LinearProblem

    options = {"ksp_type": "preonly", "pc_type": "lu", "pc_factor_mat_solver_type": "mumps"}
    return LinearProblem(left, pressure * ufl.div(v) * ufl.dx, [condition], petsc_options=options).solve()


def _wall(domain: mesh.Mesh, facets: NDArray[np.int32]) -> ufl.Measure:
    """Integrals over some facets of the boundary."""
    tags = mesh.meshtags(domain, domain.topology.dim - 1, np.sort(facets), np.ones(facets.size, np.int32))
    return ufl.Measure("ds", domain=domain, subdomain_data=tags)(1)


def _at_cavity(x: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.linalg.norm(x, axis=0) < 1.5 * CAVITY_RADIUS)


def _phase(
    space: fem.FunctionSpace, flux: Any, constants: tuple[Any, float, float], duration: float, steps: int
) -> Phase:
    """Assemble; ``constants`` are the sink [1/s], porosity and diffusivity [m2/s]."""
    sink, porosity, diffusivity = constants
    domain = space.mesh
    c, w = ufl.TrialFunction(space), ufl.TestFunction(space)
    normal, size = ufl.FacetNormal(domain), ufl.CellDiameter(domain)
    out = ufl.max_value(ufl.dot(flux, normal), 0)
    rest = (sink * c * w - c * ufl.dot(flux, ufl.grad(w))) * ufl.dx + out * c * w * ufl.ds
    rest += (out("+") * c("+") - out("-") * c("-")) * ufl.jump(w) * ufl.dS
    if diffusivity > 0:
        spread = porosity * diffusivity
        rest += spread * ufl.inner(ufl.grad(c), ufl.grad(w)) * ufl.dx
        rest -= spread * ufl.inner(ufl.avg(ufl.grad(c)), ufl.jump(w, normal)) * ufl.dS
        rest -= spread * ufl.inner(ufl.avg(ufl.grad(w)), ufl.jump(c, normal)) * ufl.dS
        rest += PENALTY * spread / ufl.avg(size) * ufl.jump(c) * ufl.jump(w) * ufl.dS
    # Only the wall of the cavity brings agent; C_in = 1 there.
    incoming = fem.Function(space).x.array
    if isinstance(flux, fem.Function):
        facets = mesh.locate_entities_boundary(domain, domain.topology.dim - 1, _at_cavity)
        entering = ufl.max_value(-ufl.dot(flux, normal), 0) * w * _wall(domain, facets)
        incoming = fem.assemble_vector(fem.form(entering)).array
    return Phase(
        storage=fem.assemble_matrix(fem.form(porosity * c * w * ufl.dx)).to_scipy(),
        rest=fem.assemble_matrix(fem.form(rest)).to_scipy(),
        incoming=incoming,
        duration=duration,
        steps=steps,
    )


def _march(
    space: fem.FunctionSpace, phases: list[Phase], start: Floats, implicit: float
) -> tuple[list[Floats], dict[str, Any]]:
    """Step through the phases; the states at their ends, and what `compare.run` reports."""
    limited = vertex_limiter(space)
    c, ends = start.copy(), []
    given, taken, seconds, count = float((phases[0].storage @ c).sum()), 0.0, 0.0, 0
    lowest, highest = np.inf, -np.inf
    for phase in phases:
        length, system = phase.duration / phase.steps, System(1e-8, "bcgs")
        system.set(phase, (phase.storage / length + implicit * phase.rest).tocsr())
        for _ in range(phase.steps):
            begun = perf_counter()
            right = phase.storage @ c / length - (1 - implicit) * (phase.rest @ c) + phase.incoming
            after = system.solve(right, c)
            mean = implicit * after + (1 - implicit) * c
            c = limited(after)
            seconds, count = seconds + perf_counter() - begun, count + 1
            given += length * float(phase.incoming.sum())
            taken += length * float((phase.rest @ mean).sum())
            lowest, highest = min(lowest, float(c.min())), max(highest, float(c.max()))
        ends.append(c)
    left = float((phases[-1].storage @ c).sum())
    return ends, {
        "lowest": lowest,
        "highest": highest,
        "balance": (given - taken - left) / given,
        "milliseconds": 1e3 * seconds / count,
    }


def vertex_limiter(space: fem.FunctionSpace) -> Callable[[Floats], Floats]:
    """Slopes cut so that no vertex value leaves the range of the means of the cells around it."""
    dofs, vertices = space.dofmap.list, space.mesh.geometry.dofmap
    count = len(space.mesh.geometry.x)

    def limited(values: Floats) -> Floats:
        local = values[dofs]
        mean = local.mean(axis=1)
        lowest, highest = np.full(count, np.inf), np.full(count, -np.inf)
        for corner in vertices.T:
            np.minimum.at(lowest, corner, mean)
            np.maximum.at(highest, corner, mean)
        slope = local - mean[:, None]
        room = np.where(slope > 0, highest[vertices] - mean[:, None], mean[:, None] - lowest[vertices])
        share = np.divide(room, np.abs(slope), out=np.ones_like(slope), where=slope != 0)
        share = share.clip(0, 1).min(axis=1)
        out = np.empty_like(values)
        out[dofs] = mean[:, None] + share[:, None] * slope
        return out

    return limited

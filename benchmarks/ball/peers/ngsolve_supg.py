# SPDX-License-Identifier: MIT
"""BALL by NGSolve: P1 with SUPG, GMRES with Jacobi in compiled code, matrices assembled once per phase.

As in its tutorials: mesh from arrays, preconditioners (unit 2.1), parabolic problems in increments (3.1).
"""

from argparse import Namespace

import numpy as np
from netgen.meshing import FaceDescriptor
from netgen.meshing import Mesh as NetgenMesh
from ngsolve import (
    BND,
    CF,
    H1,
    BilinearForm,
    CGSolver,
    CoefficientFunction,
    GridFunction,
    IfPos,
    Integrate,
    LinearForm,
    Mesh,
    Preconditioner,
    ds,
    dx,
    grad,
    specialcf,
    sqrt,
)
from ngsolve.la import GMRESSolver

from benchmarks.ball.definition import (
    CONDUCTIVITY,
    DIFFUSIVITY,
    POROSITY,
    REACTION_RATE,
    VESSEL_PRESSURE,
    Ball,
)
from benchmarks.ball.peers.common import Notes, arguments, ball_of, phases

REGIONS = ("tumour", "tissue")
SURFACES = ("outer", "wall")


def read_mesh(options: Namespace) -> Mesh:
    """Build the mesh from arrays, in bulk."""
    made = NetgenMesh(dim=3)
    with np.load(options.mesh) as arrays:
        made.AddPoints(arrays["points"])
        for number, name in enumerate(SURFACES, start=1):
            made.Add(FaceDescriptor(surfnr=number, domin=1, bc=number))
            made.SetBCName(number - 1, name)
            facets = arrays["facets"][arrays["surfaces"] == number]
            made.AddElements(dim=2, index=number, data=facets, base=0)
        for number, name in enumerate(REGIONS, start=1):
            made.SetMaterial(number, name)
            cells = arrays["cells"][arrays["regions"] == number]
            made.AddElements(dim=3, index=number, data=cells, base=0)
    return Mesh(made)


def pressure_solver(mesh: Mesh, ball: Ball, order: int):  # type: ignore[no-untyped-def]
    """Assemble the flow once; returns the space and a function from a right-hand side to the pressure."""
    space = H1(mesh, order=order, dirichlet="outer")
    p, q = space.TnT()
    conductivity, leakage = by_region(mesh, CONDUCTIVITY), by_region(mesh, ball.vessel_conductance)
    form = BilinearForm(space, symmetric=True)
    form += (conductivity * grad(p) * grad(q) + leakage * p * q) * dx
    preconditioner = Preconditioner(form, "h1amg" if order == 1 else "local")
    form.Assemble()
    return space, CGSolver(form.mat, preconditioner, tol=1e-8, maxiter=2000, printrates=False)


def by_region(mesh: Mesh, values: tuple[float, float]) -> CoefficientFunction:
    return mesh.MaterialCF(dict(zip(REGIONS, values, strict=True)))


def transport_forms(mesh: Mesh, space: H1, flow: tuple, step: float):  # type: ignore[no-untyped-def]
    """Storage and the rest of the equation, each tested by v and by the streamline's derivative of v."""
    velocity, gained = flow
    sink, gain = IfPos(gained, 0, -gained), IfPos(gained, gained, 0)
    c, v = space.TnT()
    h = specialcf.mesh_size
    time_scale = (2 * POROSITY / step) ** 2 + (2 / h) ** 2 * (velocity * velocity)
    tau = 1 / sqrt(time_scale + (12 * POROSITY * DIFFUSIVITY / h**2) ** 2)
    along = (tau.Compile() * velocity) * grad(v)
    storage, rest = BilinearForm(space), BilinearForm(space)
    storage += (POROSITY * c * (v + along)).Compile() * dx
    rest += (
        -c * (velocity * grad(v))
        + POROSITY * DIFFUSIVITY * grad(c) * grad(v)
        + (POROSITY * REACTION_RATE + sink) * c * v
        + (velocity * grad(c) + (POROSITY * REACTION_RATE + gain) * c) * along
    ).Compile() * dx
    storage.Assemble()
    rest.Assemble()
    return storage.mat, rest.mat, integral(space, sink)


def integral(space: H1, weight: CoefficientFunction | float):  # type: ignore[no-untyped-def]
    """Vector whose product with nodal values is an integral with a weight."""
    form = LinearForm(space)
    form += CF(weight) * space.TestFunction() * dx
    return form.Assemble().vec.FV().NumPy().copy()


def main() -> None:
    options = arguments(__doc__)
    ball = ball_of(options)
    mesh = read_mesh(options)
    space = H1(mesh, order=1)
    notes = Notes(step=options.step, nodes=space.ndof)
    notes.stage("mesh")
    area = Integrate(CF(1), mesh, BND, definedon=mesh.Boundaries("wall"))
    pressures, solve = pressure_solver(mesh, ball, options.pressure_order)
    leakage, resting = by_region(mesh, ball.vessel_conductance), by_region(mesh, VESSEL_PRESSURE)
    pressure, concentration = GridFunction(pressures), GridFunction(space)
    front = np.zeros(space.ndof)
    q, v = pressures.TestFunction(), space.TestFunction()
    for phase in phases(options.step):
        supply = LinearForm(pressures)
        supply += leakage * resting * q * dx
        supply += phase.inflow / area * q * ds("wall")
        pressure.vec.data = solve * supply.Assemble().vec
        notes.stage("pressure")
        velocity = (-by_region(mesh, CONDUCTIVITY) * grad(pressure)).Compile()
        flow = velocity, leakage * (resting - pressure)
        storage, rest, sink = transport_forms(mesh, space, flow, options.step)
        implicit = rest.CreateMatrix()
        implicit.AsVector().data = 1 / options.step * storage.AsVector() + rest.AsVector()
        injected = LinearForm(space)
        injected += phase.inflow / area * v * ds("wall")
        injected.Assemble()
        solver = GMRESSolver(implicit, implicit.CreateSmoother(), tol=1e-6, maxiter=500, printrates=False)
        change, residual = concentration.vec.CreateVector(), concentration.vec.CreateVector()
        notes.stage("assembly")
        values = concentration.vec.FV().NumPy()
        for _ in range(phase.steps):
            residual.data = injected.vec - rest * concentration.vec
            change.data = solver * residual
            concentration.vec.data += change
            notes.iterations += solver.GetSteps()
            notes.add(values)
        notes.end_phase(sink)
        notes.stage("steps")
        if phase.inflow > 0:
            front = values.copy()
    forms = integral(space, POROSITY), integral(space, POROSITY * REACTION_RATE)
    points = mesh.ngmesh.Coordinates()
    notes.write(options.out, (points, front, values), forms)


if __name__ == "__main__":
    main()

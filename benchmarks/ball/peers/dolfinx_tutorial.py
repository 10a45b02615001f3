# SPDX-License-Identifier: MIT
"""BALL as a DOLFINx tutorial writes it: P1 with SUPG, assembled and factorised anew in every step.

``fem.petsc.LinearProblem`` in the loop, BiCGStab with ILU; pressure by CG with BoomerAMG.
"""

import numpy as np
import ufl
from dolfinx import fem
from dolfinx.fem.petsc import LinearProblem
from ufl import dot, grad, inner

from benchmarks.ball.definition import (
    CONDUCTIVITY,
    DIFFUSIVITY,
    POROSITY,
    REACTION_RATE,
    VESSEL_PRESSURE,
)
from benchmarks.ball.peers.common import Notes, arguments, ball_of, phases
from benchmarks.ball.peers.darcy import Darcy, by_region, integral, read_mesh


def main() -> None:
    options = arguments(__doc__)
    mesh, regions, surfaces = read_mesh(options.mesh)
    space = fem.functionspace(mesh, ("Lagrange", 1))
    notes = Notes(step=options.step, nodes=space.dofmap.index_map.size_local)
    notes.stage("mesh")
    flow = Darcy(mesh, regions, surfaces, ball_of(options).vessel_conductance)
    wall = ufl.Measure("ds", domain=mesh, subdomain_data=surfaces)(2)
    velocity = -by_region(mesh, regions, CONDUCTIVITY) * grad(flow.pressure)
    gained = by_region(mesh, regions, ball_of(options).vessel_conductance) * (
        by_region(mesh, regions, VESSEL_PRESSURE) - flow.pressure
    )
    sink, gain = ufl.max_value(-gained, 0.0), ufl.max_value(gained, 0.0)
    step = fem.Constant(mesh, options.step)
    influx = fem.Constant(mesh, 0.0)
    h = ufl.CellDiameter(mesh)
    time_scale = (2 * POROSITY / step) ** 2 + (2 / h) ** 2 * dot(velocity, velocity)
    tau = 1 / ufl.sqrt(time_scale + (12 * POROSITY * DIFFUSIVITY / h**2) ** 2)
    c, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    before = fem.Function(space)
    along = tau * dot(velocity, grad(v))
    rate = POROSITY * (c - before) / step
    residual = rate * (v + along) * ufl.dx
    residual += (-c * dot(velocity, grad(v)) + POROSITY * DIFFUSIVITY * inner(grad(c), grad(v))) * ufl.dx
    residual += (POROSITY * REACTION_RATE + sink) * c * v * ufl.dx
    residual += (dot(velocity, grad(c)) + (POROSITY * REACTION_RATE + gain) * c) * along * ufl.dx
    residual -= influx * v * wall
    solver = {"ksp_type": "bcgs", "pc_type": "ilu", "ksp_rtol": 1e-8, "ksp_initial_guess_nonzero": True}
    concentration = fem.Function(space)
    problem = LinearProblem(ufl.lhs(residual), ufl.rhs(residual), u=concentration, petsc_options=solver)
    front = np.zeros(notes.nodes)
    for phase in phases(options.step):
        flow.solve(phase.inflow)
        influx.value = phase.inflow / flow.area
        notes.stage("pressure")
        for _ in range(phase.steps):
            problem.solve()
            if problem.solver.getConvergedReason() <= 0:
                raise SystemExit(f"BiCGStab did not converge: {problem.solver.getConvergedReason()}")
            before.x.array[:] = concentration.x.array
            notes.iterations += problem.solver.getIterationNumber()
            notes.add(concentration.x.array)
        notes.end_phase(integral(space, sink))
        notes.stage("steps")
        if phase.inflow > 0:
            front = concentration.x.array.copy()
    forms = integral(space, POROSITY), integral(space, POROSITY * REACTION_RATE)
    notes.write(options.out, (space.tabulate_dof_coordinates(), front, concentration.x.array), forms)


if __name__ == "__main__":
    main()

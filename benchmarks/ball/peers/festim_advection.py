# SPDX-License-Identifier: MIT
"""BALL by FESTIM 2: its advection term (no stabilisation), BiCGStab with ILU, one problem per phase.

FESTIM has no flow, so the pressure comes from plain DOLFINx and -K grad p is projected onto P1, as its
advection example wants it. It solves dc/dt + u.grad c = ...: where vessels absorb fluid with its agent that
is the equation of BALL, and where they bring fluid there is no agent to dilute.
"""

import festim as F
import numpy as np
import ufl
from dolfinx import fem
from dolfinx.fem.petsc import LinearProblem
from ufl import grad, inner

from benchmarks.ball.definition import (
    CONDUCTIVITY,
    DIFFUSIVITY,
    POROSITY,
    REACTION_RATE,
    VESSEL_PRESSURE,
)
from benchmarks.ball.peers.common import Notes, Phase, arguments, ball_of, phases
from benchmarks.ball.peers.darcy import Darcy, by_region, integral

SMALL_RESIDUAL = 1e-17
"""Newton stops at this residual, some 1e-7 of the first; DOLFINx 0.9's relative test would stop at once."""


def projected(velocity: ufl.core.expr.Expr, onto: fem.Function) -> None:
    """L2 projection onto continuous vectors."""
    space = onto.function_space
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    options = {"ksp_type": "cg", "pc_type": "jacobi", "ksp_rtol": 1e-8}
    LinearProblem(inner(u, v) * ufl.dx, inner(velocity, v) * ufl.dx, u=onto, petsc_options=options).solve()


def transport(mesh: F.Mesh, flow: tuple[fem.Function, float], phase: Phase, step: float):  # type: ignore[no-untyped-def]
    """FESTIM's problem for a phase, initialised."""
    velocity, area = flow
    material = F.Material(D_0=DIFFUSIVITY, E_D=0)
    layers = [F.VolumeSubdomain(id=tag, material=material) for tag in (1, 2)]
    wall = F.SurfaceSubdomain(id=2)
    agent = F.Species("c")
    speed = phase.inflow / area / POROSITY
    model = F.HydrogenTransportProblem(
        mesh=mesh,
        subdomains=[*layers, wall],
        species=[agent],
        reactions=[F.Reaction(reactant=[agent], k_0=REACTION_RATE, E_k=0, volume=layer) for layer in layers],
        temperature=300,
        advection_terms=[
            F.AdvectionTerm(velocity=velocity, subdomain=layer, species=agent) for layer in layers
        ],
        boundary_conditions=[
            F.ParticleFluxBC(
                subdomain=wall,
                value=lambda c: speed * (1 - c),
                species=agent,
                species_dependent_value={"c": agent},
            )
        ],
        settings=F.Settings(atol=SMALL_RESIDUAL, rtol=1e-30, final_time=phase.steps * step, stepsize=step),
        petsc_options={"ksp_type": "bcgs", "pc_type": "ilu", "ksp_rtol": 1e-8},
    )
    model.show_progress_bar = False
    model.initialise()
    return model, agent


def main() -> None:
    options = arguments(__doc__)
    leakage = ball_of(options).vessel_conductance
    facets = options.mesh.with_name(f"facets-{options.mesh.name}")
    mesh = F.MeshFromXDMF(volume_file=str(options.mesh), facet_file=str(facets))
    regions, surfaces = mesh.define_volume_meshtags(), mesh.define_surface_meshtags()
    space = fem.functionspace(mesh.mesh, ("Lagrange", 1))
    notes = Notes(step=options.step, nodes=space.dofmap.index_map.size_local)
    notes.stage("mesh")
    darcy = Darcy(mesh.mesh, regions, surfaces, leakage)
    conductivity = by_region(mesh.mesh, regions, CONDUCTIVITY)
    gained = by_region(mesh.mesh, regions, leakage) * (
        by_region(mesh.mesh, regions, VESSEL_PRESSURE) - darcy.pressure
    )
    values, front = np.zeros(notes.nodes), np.zeros(notes.nodes)
    velocity = fem.Function(fem.functionspace(mesh.mesh, ("Lagrange", 1, (3,))))
    for phase in phases(options.step):
        darcy.solve(phase.inflow)
        projected(-conductivity * grad(darcy.pressure) / POROSITY, velocity)
        notes.stage("pressure")
        model, agent = transport(mesh, (velocity, darcy.area), phase, options.step)
        for state in (model.u, model.u_n):
            state.x.array[agent.map_sub_to_main_solution] = values
        notes.stage("assembly")
        for _ in range(phase.steps):
            model.iterate()
            values = agent.post_processing_solution.x.array.copy()
            notes.add(values)
        notes.end_phase(integral(space, ufl.max_value(-gained, 0.0)))
        notes.stage("steps")
        if phase.inflow > 0:
            front = values
    forms = integral(space, POROSITY), integral(space, POROSITY * REACTION_RATE)
    points = agent.collapsed_function_space.tabulate_dof_coordinates()
    notes.write(options.out, (points, front, values), forms)


if __name__ == "__main__":
    main()

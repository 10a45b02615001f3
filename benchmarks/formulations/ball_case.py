# SPDX-License-Identifier: MIT
"""BALL and BALLw with the flow of our own pressure solver, the same for all but DG."""

from mpi4py import MPI

import numpy as np

from benchmarks.ball.definition import (
    BALLS,
    END,
    INFLOW,
    INJECTION_END,
    REACTION_RATE,
    STEP,
)
from benchmarks.ball.errors import figures_of_merit
from benchmarks.ball.infusate import ball_model
from benchmarks.ball.mesh import ball_mesh, site
from benchmarks.ball.outcome import Outcome
from benchmarks.ball.reference import reference
from benchmarks.formulations.problem import Floats, Interval, Problem, grid_of, shape_gradients
from meshes.distribution.distribute import distribute, gather_to_root
from solver.flow.state import FlowStep
from solver.flow.step import FlowSolver
from solver.parameters.model import Numerics
from solver.tissue.discretisation import Discretisation, discretise


def ball(name: str, size: str, step: float = STEP) -> Problem:
    """The case on a mesh of about so many cells, in equal steps [s]."""
    plain = ball_mesh(size)
    model = ball_model(BALLS[name], Numerics())
    mesh = distribute(plain, MPI.COMM_WORLD)
    data = discretise(mesh, model, (site(),))
    solver = FlowSolver(data, model.physics, model.numerics, INFLOW)
    rest = solver.initial_state()
    intervals = []
    for rate, duration in ((INFLOW, INJECTION_END), (0.0, END - INJECTION_END)):
        source = rate * data.sources[0]
        flow = solver.step(rest, source, 1.0, rest.pressure)
        intervals.append(_interval(data, flow, source, duration, step))

    def judge(ends: list[Floats], dose: Floats) -> float:
        """L1 error of C when the injection ends, in percent."""
        fields = [gather_to_root(mesh, field, MPI.COMM_WORLD) for field in (ends[0], dose)]
        assert fields[0] is not None and fields[1] is not None
        nothing = {"mass": 0.0, "reacted": 0.0, "vessels": 0.0}
        outcome = Outcome(points=plain.points, concentration=fields[0], ct=fields[1], facts=nothing)
        return figures_of_merit(plain, outcome, reference(BALLS[name]))["l1_percent"]

    return Problem(
        name=name,
        grid=grid_of(mesh.points, data.integrals, data.stencil, data.diffusivity),
        start=np.zeros(data.volume.size),
        intervals=tuple(intervals),
        judge=judge,
    )


def _interval(data: Discretisation, flow: FlowStep, source: Floats, duration: float, step: float) -> Interval:
    pairs = data.pairs
    filtered = pairs.volume * flow.open_fraction * flow.filtration
    return Interval(
        flux=flow.flux,
        symmetric=flow.symmetric,
        velocity=darcy_velocity(data, flow),
        lost=pairs.to_nodes(np.maximum(-filtered, 0.0)) + np.maximum(flow.outflow, 0.0),
        cleared=REACTION_RATE * data.rest_fluid,
        injected=source,
        concentration=1.0,
        fluid=(data.rest_fluid, data.rest_fluid),
        duration=duration,
        steps=round(duration / step),
    )


def darcy_velocity(data: Discretisation, flow: FlowStep) -> Floats:
    """-K grad p of the cells [m/s], shape ``(n_cells, dimension)``."""
    cells = data.stencil.cells
    gradients = shape_gradients(data.mesh.points, cells)
    slope = np.einsum("cad,ca->cd", gradients, flow.state.pressure[cells])
    return -flow.conductivity[:, None] * slope

# SPDX-License-Identifier: MIT
"""The reference case along its radius: every formulation carries the agent in the flow that our solver found.

One step of the agent per step of the flow, up to 3 s. The error is in the radius of CT > 0.6 kg s/m3.
"""

from pathlib import Path

from mpi4py import MPI

import numpy as np

from benchmarks.formulations.ball_case import darcy_velocity
from benchmarks.formulations.problem import Floats, Interval, Problem, grid_of
from cases.reading.load import load_case
from meshes.distribution.distribute import distribute
from meshes.geometry import ParametricGeometry
from meshes.plain import PlainMesh
from meshes.regions import CAVITY, OUTER, TISSUE, TUMOUR
from solver.ablation.clip import volume_above
from solver.agent.losses import agent_losses
from solver.parameters.model import Model
from solver.simulate import simulate
from solver.snapshot import Snapshot
from solver.stepping import is_on
from solver.tissue.discretisation import Discretisation, discretise

SHELLS = 0.2e-3
"""Thickness of the shells that are compared on [m]."""
FINE = 0.025e-3
"""That of the run which is taken for exact [m]."""
LEVEL = 0.6
FILE = Path(__file__).parents[2] / "cases" / "shipped" / "reference.toml"


def reference_case() -> Problem:
    """Record the flow on the shells that are compared on, and compute the radius on fine ones."""
    case = load_case(FILE)
    assert isinstance(case.geometry, ParametricGeometry)
    data, intervals = _recorded(case.model, case.geometry, SHELLS)
    fine = _discretised(case.model, case.geometry, FINE)
    *_, last = simulate(fine, case.model)
    exact = _radius(fine, last.dose.ct)

    def judge(_ends: list[Floats], dose: Floats) -> float:
        """Error of the radius, in percent."""
        return 100 * abs(_radius(data, dose) / exact - 1)

    return Problem(
        name="reference",
        grid=grid_of(data.mesh.points, data.integrals, data.stencil, data.diffusivity),
        start=np.zeros(data.volume.size),
        intervals=tuple(intervals),
        judge=judge,
    )


def _recorded(
    model: Model, geometry: ParametricGeometry, shells: float
) -> tuple[Discretisation, list[Interval]]:
    data = _discretised(model, geometry, shells)
    intervals = []
    before: Snapshot | None = None
    for snapshot in simulate(data, model):
        if before is not None:
            intervals.append(_interval(data, model, before, snapshot))
        before = snapshot
    return data, intervals


def _interval(data: Discretisation, model: Model, before: Snapshot, after: Snapshot) -> Interval:
    flow = after.flow_step
    stored = before.flow.stored, after.flow.stored
    losses, _ = agent_losses(data, flow, 0.5 * (stored[0] + stored[1]), model.agent.reaction_rate, 0.0)
    injected = np.zeros(data.volume.size)
    for pulse in model.injections:
        if is_on(pulse, before.time, model.schedule):
            injected += pulse.rate * pulse.concentration * data.sources[pulse.site]
    return Interval(
        flux=flow.flux,
        symmetric=flow.symmetric,
        velocity=darcy_velocity(data, flow),
        lost=losses.nodes - losses.bound,
        cleared=losses.bound,
        injected=injected,
        concentration=model.injections[0].concentration,
        fluid=(data.rest_fluid + stored[0], data.rest_fluid + stored[1]),
        duration=after.step,
        steps=1,
    )


def _discretised(model: Model, geometry: ParametricGeometry, thickness: float) -> Discretisation:
    """Equal shells from the cavity to beyond the tumour, growing from there."""
    inner, tumour = geometry.sites[0].needle_radius, geometry.semi_axes[0]
    radii = list(np.linspace(inner, tumour, round((tumour - inner) / thickness) + 1))
    while radii[-1] < geometry.domain_radius:
        radii.append(radii[-1] + min(1.1 * (radii[-1] - radii[-2]), 2e-3))
    radii[-1] = geometry.domain_radius
    last = len(radii) - 1
    points = np.array(radii)
    plain = PlainMesh(
        geometry="radial",
        points=points[:, None],
        cells=np.column_stack([np.arange(last), np.arange(1, last + 1)]),
        cell_tags=np.where(points[1:] <= tumour * (1 + 1e-12), TUMOUR, TISSUE).astype(np.int32),
        facets=np.array([[0], [last]]),
        facet_tags=np.array([CAVITY, OUTER], dtype=np.int32),
    )
    return discretise(distribute(plain, MPI.COMM_SELF), model, geometry.sites)


def _radius(data: Discretisation, dose: Floats) -> float:
    mesh = data.mesh
    volume = float(volume_above(mesh.points, mesh.cells, dose, LEVEL, mesh.geometry).sum())
    inner = float(mesh.points.min())
    return (volume * 3 / (4 * np.pi) + inner**3) ** (1 / 3)

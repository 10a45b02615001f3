# SPDX-License-Identifier: MIT
"""Spherically symmetric set-ups of the solver, for tests against closed forms on any number of ranks."""

from dataclasses import MISSING, fields, replace
from typing import Any

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray

from meshes.distribution.distribute import distribute, gather_to_root
from meshes.geometry import Site
from meshes.plain import PlainMesh
from meshes.regions import CAVITY, OUTER, TISSUE, TUMOUR
from solver.flow.state import FlowStep
from solver.flow.step import FlowSolver
from solver.parameters.model import Agent, Injection, Model, Numerics, Physics, Schedule, Tissue
from solver.tissue.discretisation import Discretisation, discretise
from tests.analytic import Perfused

Floats = NDArray[np.float64]
COMM = MPI.COMM_WORLD

PLAIN = Physics(
    flow="steady",
    conductivity="rigid",
    vessels=False,
    closure="none",
    perfusion_cap=False,
    lymph=False,
    reaction=False,
    diffusion=False,
    agent_exchange="convective",
)
"""Every effect off; tests switch on what they check."""

PERFUSED = replace(PLAIN, vessels=True)

EXACT = Numerics(newton_tolerance=1e-7, krylov_tolerance_pressure=1e-12, krylov_tolerance_agent=1e-12)
"""Algebraic errors out of the way; the sum of nodal round-off forbids less for Newton on fine meshes."""


def perfused(of: Perfused, lymph: float = 0.0) -> dict[str, float]:
    """Constants of the solver's tissue for a linear exchange."""
    return {
        "hydraulic_conductivity": of.conductivity,
        "vessel_conductance": of.conductance,
        "effective_vessel_pressure": of.pressure,
        "lymph_conductance": lymph,
    }


def tissue(**constants: Any) -> Tissue:
    """A medium with harmless constants where the test does not give its own."""
    harmless: dict[str, Any] = {item.name: 0.0 for item in fields(Tissue) if item.default is MISSING}
    harmless |= {"name": "medium", "confined_modulus": 3e4, "porosity": 0.2, "fissuring_ratio": 1.0}
    harmless |= {"fissuring_width": 1e3, "closure_width": 300.0, "hydraulic_conductivity": 3.1e-14}
    return Tissue(**(harmless | constants))


def model(
    medium: Tissue, physics: Physics, pulse: Injection | None = None, reaction: float = 0.0, **more: Any
) -> Model:
    """One medium in both regions, unless ``tissues`` says otherwise."""
    return replace(
        Model(
            tissues={TUMOUR: medium, TISSUE: medium},
            agent=Agent(name="agent", reaction_rate=reaction, molar_mass=0.067),
            injections=() if pulse is None else (pulse,),
            physics=physics,
            numerics=EXACT,
            schedule=Schedule(end=1.0),
        ),
        **more,
    )


def pulse(rate: float, duration: float, concentration: float = 1.0) -> Injection:
    """An injection at site 0 from time 0; rate [m3/s], duration [s], concentration [kg/m3]."""
    return Injection(site=0, start=0.0, volume=rate * duration, rate=rate, concentration=concentration)


def discretised(radii: Floats, what: Model, tumour_radius: float = 0.0) -> Discretisation:
    """Shells between radii [m], from a cavity wall (or 0, without a source) to the outer boundary."""
    last = len(radii) - 1
    cells = np.column_stack([np.arange(last), np.arange(1, last + 1)])
    plain = PlainMesh(
        geometry="radial",
        points=radii[:, None],
        cells=cells,
        cell_tags=np.where(radii[1:] <= tumour_radius * (1 + 1e-12), TUMOUR, TISSUE).astype(np.int32),
        facets=np.array([[0], [last]] if radii[0] > 0 else [[last]]),
        facet_tags=np.array([CAVITY, OUTER] if radii[0] > 0 else [OUTER], dtype=np.int32),
    )
    site = Site(tip=(0.0, 0.0, 0.0), direction=(0.0, 0.0, -1.0), needle_radius=float(radii[0]))
    mesh = distribute(plain if COMM.rank == 0 else None, COMM)
    return discretise(mesh, what, (site,) if radii[0] > 0 else ())


def in_order(data: Discretisation, values: Floats) -> Floats:
    """A nodal field by ascending radius, on every rank."""
    gathered = COMM.bcast(gather_to_root(data.mesh, values, COMM))
    return np.asarray(gathered)


def steady_flow(data: Discretisation, what: Model, rate: float) -> FlowStep:
    """The flow that a constant injection at the cavity [m3/s] settles to."""
    solver = FlowSolver(data, what.physics, what.numerics, rate)
    state = solver.initial_state()
    source = rate * data.sources[0] if len(data.sources) else np.zeros_like(state.pressure)
    return solver.step(state, source, 1.0, state.pressure)


def geometric(first: float, last: float, cells: int) -> Floats:
    """Radii [m] in geometric progression."""
    return np.asarray(np.geomspace(first, last, cells + 1), dtype=np.float64)


def order(errors: list[float]) -> float:
    """Mean observed order of convergence under successive halving."""
    return float(np.log2(errors[0] / errors[-1]) / (len(errors) - 1))

# SPDX-License-Identifier: MIT
"""BALL by Infusate: ``python3 -m benchmarks.ball.infusate --mesh 200k [--case BALLw] [--step best]``."""

import argparse
import resource
from pathlib import Path
from time import perf_counter
from typing import Final

from mpi4py import MPI

from benchmarks.ball.definition import (
    BALLS,
    CONDUCTIVITY,
    DIFFUSIVITY,
    END,
    INFLOW,
    INJECTED,
    INJECTION_END,
    POROSITY,
    REACTION_RATE,
    STEP,
    VESSEL_PRESSURE,
    Ball,
)
from benchmarks.ball.mesh import ball_mesh, site
from benchmarks.ball.outcome import Outcome, write_outcome
from meshes.distribution.distribute import distribute, gather_to_root, on_root
from meshes.plain import PlainMesh
from meshes.regions import TISSUE, TUMOUR
from solver.parameters.model import Agent, Injection, Model, Numerics, Physics, Schedule, Tissue
from solver.profile import Profile
from solver.simulate import simulate
from solver.snapshot import Snapshot
from solver.tissue.discretisation import discretise

TARGET: Final = 1e-3
"""Of the second-order target, but for plain ``best``: three digits of every figure are those with 1e-6."""


def ball_model(ball: Ball, numerics: Numerics) -> Model:
    """The physics of BALL: rigid, steady, vessels by Starling's law alone that take what fluid carries."""
    return Model(
        tissues={TUMOUR: _tissue(ball, 0), TISSUE: _tissue(ball, 1)},
        agent=Agent(name="tracer", reaction_rate=REACTION_RATE, molar_mass=0.1),
        injections=(Injection(site=0, start=0.0, volume=INJECTED, rate=INFLOW, concentration=1.0),),
        physics=Physics(
            flow="steady",
            conductivity="rigid",
            closure="none",
            perfusion_cap=False,
            lymph=False,
            agent_exchange="convective",
            far_field="fixed",
            far_pressure=0.0,
        ),
        numerics=numerics,
        schedule=Schedule(end=END),
    )


def _tissue(ball: Ball, number: int) -> Tissue:
    """A layer of BALL; what its physics does not use has any value."""
    return Tissue(
        name=("tumour", "tissue")[number],
        hydraulic_conductivity=CONDUCTIVITY[number],
        porosity=POROSITY,
        confined_modulus=30e3,
        shear_modulus=3.2e3,
        dilatation_exponent=0.0,
        fissuring_ratio=1.0,
        fissuring_pressure=8e3,
        fissuring_width=1e3,
        vessel_conductance=ball.vessel_conductance[number],
        vessel_pressure=VESSEL_PRESSURE[number],
        effective_vessel_pressure=VESSEL_PRESSURE[number],
        closure_margin=2700.0,
        closure_width=300.0,
        perfusion=5e-3,
        permeability_surface=0.0,
        lymph_conductance=0.0,
        lymph_pressure=0.0,
        diffusivity=DIFFUSIVITY,
    )


def run(plain: PlainMesh | None, ball: Ball, numerics: Numerics, profile: Profile) -> Outcome | None:
    """Simulate BALL on a mesh that rank 0 has. Collective.

    Returns:
        What came out on rank 0, else None.
    """
    comm = MPI.COMM_WORLD
    model = ball_model(ball, numerics)
    with profile.stage("mesh"):
        mesh = distribute(plain, comm)
    with profile.stage("set-up"):
        data = discretise(mesh, model, (site(),))
    lowest, highest, krylov, newton = 0.0, 0.0, 0, 0
    front: Snapshot | None = None
    last: Snapshot | None = None
    mass = 0.0
    for last in simulate(data, model, profile):
        lowest, highest = min(lowest, last.lowest), max(highest, last.highest)
        krylov, newton = krylov + last.krylov, newton + last.flow_step.iterations
        if front is None and last.time >= INJECTION_END * (1 - 1e-9):
            front = last
            states = last.ledger.states
            mass = states["agent_in_tumour"] + states["agent_in_tissue"]
    assert last is not None and front is not None
    fields = [gather_to_root(mesh, field, comm) for field in (front.agent.concentration, last.dose.ct)]
    if plain is None or fields[0] is None or fields[1] is None:
        return None
    totals = last.ledger.totals
    facts = {
        "min_c": lowest,
        "max_c": highest,
        "mass": mass / INJECTED,
        "reacted": (totals["agent_reacted_tumour"] + totals["agent_reacted_tissue"]) / INJECTED,
        "vessels": totals["agent_blood"] / INJECTED,
        "balance": last.ledger.agent_residual(),
        "steps": last.index,
        "krylov_per_step": krylov / last.index,
        "newton_per_step": newton / last.index,
        "stages": dict(profile.seconds),
    }
    return Outcome(points=plain.points, concentration=fields[0], ct=fields[1], facts=facts)


def main() -> None:
    start = perf_counter()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mesh", default="200k", help="size of the mesh, such as 50k or 1M")
    parser.add_argument("--case", default="BALL", choices=list(BALLS))
    parser.add_argument(
        "--step",
        default=str(STEP),
        help="constant step [s], '10/30' for another one after the injection, or 'best' for error control, "
        "'best:1e-2:2' with a tolerance of a step and the first length",
    )
    parser.add_argument("--out", type=Path, help="folder for fields and facts")
    arguments = parser.parse_args()
    comm = MPI.COMM_WORLD
    profile = Profile()
    with profile.stage("mesh"):
        plain = on_root(comm, lambda: ball_mesh(arguments.mesh))
    outcome = run(plain, BALLS[arguments.case], _numerics(arguments.step), profile)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    peak = comm.reduce(own)
    if outcome is None:
        return
    outcome.facts["peak_MB"] = peak
    outcome.facts["stages"]["after imports"] = perf_counter() - start
    for key, value in outcome.facts.items():
        print(f"{key}: {value}")
    if arguments.out:
        write_outcome(arguments.out, outcome)


def _numerics(step: str) -> Numerics:
    kind, *given = step.split(":")
    if kind != "best":
        during, _, after = step.partition("/")
        between = float(after) if after else None
        return Numerics(fixed_step=float(during), fixed_step_between=between, target_tolerance=TARGET)
    names = ("step_tolerance", "first_step")
    if not given:
        return Numerics()
    return Numerics(target_tolerance=TARGET, **dict(zip(names, map(float, given), strict=False)))


if __name__ == "__main__":
    main()

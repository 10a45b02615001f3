# SPDX-License-Identifier: MIT
"""The books of whole runs close to round-off, whatever the tolerances, and C keeps within its bounds."""

from dataclasses import replace
from functools import cache

import pytest

from meshes.plain import Geometry
from meshes.regions import TISSUE, TUMOUR
from solver.parameters.model import Agent, Numerics, Schedule
from solver.simulate import simulate
from solver.snapshot import Snapshot
from tests.coarse import COMM, GEOMETRIES, INLET, discretised, full_model, pulse, tissues

ROUGH = Numerics(newton_tolerance=1e-3, krylov_tolerance_pressure=1e-4, krylov_tolerance_agent=1e-4)
CLOSED = 1e-12
PULSES = (pulse(0.0, 25.0), pulse(30.0, 15.0, 2e-6 / 60.0))
VOLUME = sum(p.volume for p in PULSES)


@cache
def run(
    geometry: Geometry,
    limiter: bool,
    numerics: Numerics = ROUGH,
    plasma: float = 0.0,
    reaction: float = 0.02,
) -> list[Snapshot]:
    """Two pulses and some time after; only the tumour exchanges with blood, only tissue drains to lymph."""
    tissue = replace(tissues()[TISSUE], vessel_conductance=0.0, perfusion=0.0)
    tumour = replace(tissues()[TUMOUR], vessel_conductance=1e-6)
    agent = Agent(name="agent", reaction_rate=reaction, molar_mass=0.067, plasma_concentration=plasma)
    model = full_model(
        PULSES,
        agent=agent,
        tissues={TUMOUR: tumour, TISSUE: tissue},
        numerics=replace(numerics, limiter=limiter),
        schedule=Schedule(end=90.0, outputs=(33.0,)),
    )
    return list(simulate(discretised(geometry, model), model))


CASES = [(geometry, limiter) for geometry in GEOMETRIES for limiter in (True, False)]


@pytest.mark.parametrize(("geometry", "limiter"), CASES)
def test_both_books_close_at_loose_tolerances(geometry: Geometry, limiter: bool) -> None:
    books = run(geometry, limiter)[-1].ledger
    assert books.totals["agent_injected"] == pytest.approx(VOLUME * INLET, rel=1e-12)
    assert books.totals["fluid_injected"] == pytest.approx(VOLUME, rel=1e-12)
    assert books.agent_residual() < CLOSED
    assert books.fluid_residual() < CLOSED


@pytest.mark.parametrize(("geometry", "limiter"), CASES)
def test_every_row_moves(geometry: Geometry, limiter: bool) -> None:
    """Books that close on nothing prove nothing: each destination has received its part."""
    rows = run(geometry, limiter)[-1].ledger.rows()
    injected = rows["agent_injected"]
    for name, least in {
        "in_tumour": 1e-3,
        "in_tissue": 1e-4,
        "reacted_tumour": 0.1,
        "reacted_tissue": 1e-3,
        "blood": 1e-5,
        "lymph": 1e-6,
        "crossed_out": 1e-3,
    }.items():
        assert rows[f"agent_{name}"] > least * injected, name
    assert rows["fluid_stored"] > 0.1 * VOLUME


@pytest.mark.parametrize(("geometry", "limiter"), CASES)
def test_what_crossed_is_what_the_tumour_lost(geometry: Geometry, limiter: bool) -> None:
    """All is injected into the tumour, and only there does blood take it up."""
    rows = run(geometry, limiter)[-1].ledger.rows()
    kept = rows["agent_in_tumour"] + rows["agent_reacted_tumour"] + rows["agent_blood"]
    crossed = rows["agent_crossed_out"] - rows["agent_crossed_in"]
    assert abs(rows["agent_injected"] - kept - crossed) < CLOSED * rows["agent_injected"]


@pytest.mark.parametrize("reaction", [0.02, 0.0])
@pytest.mark.parametrize(("geometry", "limiter"), CASES)
def test_concentration_keeps_its_bounds(geometry: Geometry, limiter: bool, reaction: float) -> None:
    """At the default tolerances: loose ones for the agent may leave as much below zero."""
    steps = run(geometry, limiter, Numerics(), reaction=reaction)
    assert min(step.lowest for step in steps) >= -1e-12 * INLET
    assert 0.5 * INLET < max(step.highest for step in steps) <= INLET * (1.0 + 1e-10)


def test_plasma_above_the_inlet_sets_the_bound() -> None:
    plasma = 10.0 * INLET
    steps = run("axisymmetric", True, Numerics(), plasma)
    assert 1.5 * INLET < max(step.highest for step in steps) <= plasma * (1.0 + 1e-10)
    assert steps[-1].ledger.agent_residual() < CLOSED
    assert steps[-1].ledger.totals["agent_blood"] < 0.0


def test_all_ranks_hold_the_same_books() -> None:
    totals = run("3d", True)[-1].ledger.totals
    assert COMM.allgather(totals) == COMM.size * [totals]

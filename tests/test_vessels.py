# SPDX-License-Identifier: MIT
"""Vessels that the agent closes and pressure holds closed: laws, the flow that sees them, the control."""

from dataclasses import replace
from typing import Any

from mpi4py import MPI

import numpy as np
import pytest

from solver.flow.balance import resting_vessels
from solver.flow.exchange import exchange_fluid
from solver.parameters.model import Model, Numerics, Physics, Schedule
from solver.parameters.vessels import ChemicalClosure, VesselModel
from solver.results.embolism import forced_into_vessels
from solver.simulate import simulate
from solver.snapshot import Snapshot
from solver.validity.flags import Evidence, validity
from solver.vessels.closure import closing_pressure, intact_share
from tests.coarse import COMM, discretised, full_model, gathered, pulse

LAW = ChemicalClosure(rate=0.2, half_concentration=0.05)


def last(model: Model, geometry: Any = "radial", comm: MPI.Comm = COMM) -> tuple[Any, Snapshot]:
    """The static data of a run and its last state."""
    data = discretised(geometry, model, comm)
    *_, snapshot = simulate(data, model)
    return data, snapshot


def test_the_agent_closes_vessels_as_its_equation_says() -> None:
    """Against the closed form for constant C, in one step and in many; for good; not where there is none."""
    agent = np.array([0.0, 0.05, 3.0, -1e-12])
    once = intact_share(np.ones(4), agent, LAW, 10.0)
    np.testing.assert_allclose(once, np.exp(-10 * 0.2 * np.array([0.0, 0.5, 3 / 3.05, 0.0])), rtol=1e-14)
    many = np.ones(4)
    for _ in range(100):
        many = intact_share(many, agent, LAW, 0.1)
    np.testing.assert_allclose(many, once, rtol=1e-12)


def test_vessels_reopen_at_a_lower_pressure_than_they_closed() -> None:
    """Up, down and half way up again: the closing curve, level between, the closing curve moved down."""
    gap, held, states = 500.0, np.array([-1e9]), []
    for pressure in [
        *np.arange(0.0, 6001.0, 50.0),
        *np.arange(6000.0, -1.0, -50.0),
        *np.arange(0.0, 3001.0, 50.0),
    ]:
        held = closing_pressure(held, np.array([pressure]), gap)
        states.append((pressure, float(held[0])))
    rising, falling, again = states[:121], states[121:242], states[242:]
    assert all(held == p for p, held in rising)
    assert all(held == pytest.approx(min(6000.0, p + gap)) for p, held in falling)
    assert all(held == pytest.approx(max(gap, p)) for p, held in again)


@pytest.mark.parametrize("gap", [0.0, 400.0])
def test_the_tangent_sees_closure_and_reopening(gap: float) -> None:
    """The slope of the exchange is its difference quotient, on both curves and between them."""
    data = discretised("radial", full_model(()))
    rng = np.random.default_rng(1)
    vessels = resting_vessels(data)
    pairs = data.pairs.node.size
    vessels = vessels._replace(
        intact=rng.uniform(0.2, 1.0, pairs), held=rng.uniform(3500.0, 6000.0, pairs), gap=gap
    )
    pressure = np.full(data.volume.size, 4600.0) + rng.uniform(-600.0, 600.0, data.volume.size)
    low, high = (exchange_fluid(data.pairs.node, vessels, pressure + d) for d in (-1e-3, 1e-3))
    slope = exchange_fluid(data.pairs.node, vessels, pressure).slope
    quotient = (high.vessels - high.lymph - low.vessels + low.lymph) / 2e-3
    np.testing.assert_allclose(slope, quotient, rtol=2e-4, atol=1e-7 * np.abs(quotient).max())


def test_nothing_asked_of_vessels_changes_nothing() -> None:
    """Bit for bit."""
    model = full_model((pulse(0.0, 5.0),))
    plain, followed = last(model)[1], last(replace(model, vessels=VesselModel()))[1]
    assert np.array_equal(plain.flow.pressure, followed.flow.pressure)
    assert np.array_equal(plain.agent.amount, followed.agent.amount)
    assert plain.ledger.totals == {key: followed.ledger.totals[key] for key in plain.ledger.totals}


def test_closed_vessels_take_no_agent() -> None:
    """Fast closure keeps what open vessels would wash away; a leak of dying walls alone does not."""
    physics = Physics(closure="none")
    model = full_model((pulse(0.0, 5.0),), physics=physics, schedule=Schedule(end=60.0))
    washed = {}
    for rate in (0.0, 0.2, 50.0):
        law = ChemicalClosure(rate=rate, half_concentration=1e-4)
        snapshot = last(replace(model, vessels=VesselModel(chemical=law)))[1]
        washed[rate] = snapshot.ledger.totals["agent_blood"] / snapshot.ledger.totals["agent_injected"]
        assert snapshot.ledger.agent_residual() < 1e-10 and snapshot.ledger.fluid_residual() < 1e-10
    assert washed[0.0] > 0.1 and washed[0.0] > 3 * washed[0.2] > 3 * washed[50.0]
    assert washed[50.0] < 0.05 * washed[0.0]


def test_the_flow_sees_the_share_that_is_left() -> None:
    """n = n_p n_d in the flow; n_d only falls, and is what its own history of C makes it."""
    law = ChemicalClosure(rate=0.05, half_concentration=0.1)
    model = full_model((pulse(0.0, 5.0),), vessels=VesselModel(chemical=law, reopening_gap=500.0))
    data = discretised("axisymmetric", model)
    before = np.ones(data.volume.size)
    for snapshot in simulate(data, model):
        intact = snapshot.condition["intact_vessels"]
        assert (intact <= before).all() and (intact > 0).all()
        assert (snapshot.flow_step.open_fraction <= before[data.pairs.node] * (1 + 1e-12)).all()
        before = intact
    reached = snapshot.condition["vessel_exposure"] > 0
    assert data.halo.comm.allreduce(int(reached.sum())) and data.halo.min(before) < 0.8
    # Between an agent that always acts as where it is plentiful and one that acts in proportion to C.
    dose = snapshot.condition["vessel_exposure"]
    assert (before >= np.exp(-0.05 * snapshot.time) - 1e-12).all()
    assert (before >= np.exp(-0.05 * dose / 0.1) - 1e-12).all()
    np.testing.assert_allclose(dose, snapshot.dose.ct, rtol=1e-10, atol=1e-12)


def test_the_lag_of_closure_vanishes_with_the_step() -> None:
    """The flow sees n_d as of the middle of its step: what blood takes settles as steps are halved."""
    model = full_model(
        (pulse(0.0, 16.0),),
        physics=Physics(closure="none"),
        vessels=VesselModel(chemical=ChemicalClosure(rate=0.05, half_concentration=0.5)),
        schedule=Schedule(end=16.0),
    )
    taken = []
    for step in (2.0, 1.0, 0.5, 0.25):
        numerics = Numerics(fixed_step=step, newton_tolerance=1e-9, krylov_tolerance_pressure=1e-10)
        taken.append(last(replace(model, numerics=numerics))[1].ledger.totals["agent_blood"])
    changes = np.abs(np.diff(taken)) / taken[-1]
    assert changes[-1] < 5e-3 and (changes[1:] < 0.75 * changes[:-1]).all(), changes


def test_the_saline_control_harms_nothing() -> None:
    """The same injection: the same pressure, no dose, no closure but by pressure."""
    law = ChemicalClosure(rate=0.2, half_concentration=0.05)
    model = full_model((pulse(0.0, 5.0),), vessels=VesselModel(chemical=law))
    saline = replace(model, physics=replace(model.physics, control="saline", reaction=False))
    _, agent = last(model)
    _, control = last(saline)
    assert not control.dose.ct.any() and not control.dose.peak.any()
    assert (control.condition["intact_vessels"] == 1.0).all()
    assert not control.condition["vessel_exposure"].any()
    assert control.ledger.totals["agent_reacted_tumour"] == 0.0
    assert control.agent.concentration.max() > 0.0
    report = [next(iter(p.report(s.condition).values())) for s in (agent, control) for p in s.processes]
    assert report[0]["intact_fraction_tumour"] < 0.99 and report[1]["intact_fraction_tumour"] == 1.0
    assert report[1]["amplification"] is None
    assert report[1]["lasting"]["perfused_fraction_tumour"] == pytest.approx(1.0, abs=1e-9)


def test_fluid_forced_into_open_vessels_is_told() -> None:
    """Tissue at one pressure above p_v: its open volume, and Starling's flow through it; none below p_v."""
    model = full_model((), physics=Physics(closure="none", perfusion_cap=False), schedule=Schedule(end=1.0))
    data, snapshot = last(model)
    pairs, m, owned = data.pairs, data.materials, data.pairs.node < data.halo.owned
    for pressure, told in ((2000.0, 0.0), (2600.0, 1.0)):
        state = replace(snapshot.flow, pressure=np.full(data.volume.size, pressure))
        flow = m.vessel_conductance * (m.effective_vessel_pressure - pressure)
        step = replace(snapshot.flow_step, filtration=flow, open_fraction=np.full(pairs.node.size, 0.5))
        found = forced_into_vessels(data, replace(snapshot, flow=state, flow_step=step))
        volume = 4 / 3 * np.pi * (20e-3**3 - 0.5e-3**3)
        assert found.tissue == pytest.approx(0.5 * volume * told, rel=1e-9)
        rate = data.halo.comm.allreduce(float((0.5 * pairs.volume * -flow)[owned].sum()))
        assert found.rate == pytest.approx(rate * told)


@pytest.mark.parametrize(("share", "level"), [(0.005, None), (0.05, "info"), (0.5, "caution")])
def test_embolism_is_flagged_by_its_size(share: float, level: str | None) -> None:
    evidence = Evidence(
        peak_pressure=1e3,
        largest_dilatation=0.0,
        fissured_share=0.0,
        agent_residual=0.0,
        fluid_residual=0.0,
        boundary_fraction=0.0,
        binding="",
        peclet=1.0,
        courant=1.0,
        forced_fluid=share * 1e-6,
        injected_fluid=1e-6,
    )
    flags = {flag["name"]: flag for flag in validity(full_model(()), (), evidence)}
    assert flags.get("embolism", {}).get("level") == level


@pytest.mark.parametrize("geometry", ["axisymmetric", "3d"])
def test_ranks_agree(geometry: Any) -> None:
    """On all ranks together as on each alone."""
    vessels = VesselModel(chemical=LAW, reopening_gap=300.0)
    model = full_model((pulse(0.0, 3.0),), vessels=vessels, schedule=Schedule(end=6.0))
    data, together = last(model, geometry)
    alone, single = last(model, geometry, MPI.COMM_SELF)
    for name in ("intact_vessels", "open_vessel_fraction", "closing_pressure"):
        np.testing.assert_allclose(
            gathered(data, together.condition[name]), gathered(alone, single.condition[name]), rtol=1e-4
        )

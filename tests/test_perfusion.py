# SPDX-License-Identifier: MIT
"""Blood flow that redistributes: closed form, calibration, conservation, and whether a cascade appears."""

from dataclasses import replace
from typing import Any

from mpi4py import MPI

import numpy as np
import pytest

from solver.flow.blood_pressures import Feeders, PairOfPressures
from solver.parameters.model import Model, Schedule
from solver.parameters.vessels import ChemicalClosure, TwoPressures, VesselModel
from solver.simulate import SolverFailure, simulate
from solver.snapshot import Snapshot
from solver.vessels.perfusion import Circulation, PerfusionError
from tests import spheres
from tests.coarse import COMM, GEOMETRIES, discretised, full_model, gathered, pulse

LAW = ChemicalClosure(rate=0.2, half_concentration=0.05)
LOOSE = TwoPressures(arterial_conductivity=3e-9, venous_conductivity=3e-9)


def asked(**of: Any) -> Model:
    """A small injection with closure by the agent and two pressures."""
    of = {"artery_radius": 2e-3, **of}
    vessels = VesselModel(chemical=LAW, two_pressures=replace(LOOSE, **of))
    return full_model((pulse(0.0, 4.0),), vessels=vessels, schedule=Schedule(end=60.0))


def run(model: Model, geometry: Any, comm: MPI.Comm = COMM) -> tuple[Any, list[Snapshot]]:
    data = discretised(geometry, model, comm)
    return data, list(simulate(data, model))


def circulation(snapshot: Snapshot) -> Circulation:
    found = snapshot.processes[-1].circulation  # type: ignore[attr-defined]
    assert isinstance(found, Circulation)
    return found


def test_a_sphere_fed_from_its_surface_is_the_closed_form() -> None:
    """p_a - p_b = dP R sinh(r/l)/(r sinh(R/l)), 1/l2 = g (1/k_a + 1/k_b); k_a p_a + k_b p_b is constant."""
    radius, exchange = 10e-3, 5e-6
    law = TwoPressures(arterial_conductivity=1e-10, venous_conductivity=3e-10)
    length = (exchange * (1 / 1e-10 + 1 / 3e-10)) ** -0.5
    errors = []
    for cells in (20, 40, 80):
        radii = np.linspace(0.0, radius, cells + 1)
        data = spheres.discretised(radii, spheres.model(spheres.tissue(), spheres.PLAIN))
        surface = np.isclose(data.mesh.points[:, 0], radius)
        none = np.zeros(data.volume.size)
        feeders = Feeders(arterial=none, venous=none, fixed=surface, along=np.ones(len(data.mesh.cells)))
        pair = PairOfPressures(data, law, feeders)
        arterial, venous = pair.solve(exchange * data.volume, np.ones(len(data.mesh.cells)), (none, none))
        r = np.maximum(data.mesh.points[:, 0], 1e-9)
        drop = 4666.0 - 1067.0
        exact = drop * radius * np.sinh(r / length) / (r * np.sinh(radius / length))
        errors.append(
            data.halo.sum(data.volume * np.abs(arterial - venous - exact)) / drop / data.halo.sum(data.volume)
        )
        total = 1e-10 * arterial + 3e-10 * venous
        np.testing.assert_allclose(total, 1e-10 * 4666.0 + 3e-10 * 1067.0, rtol=1e-9)
    assert errors[-1] < 1e-3 and abs(spheres.order(errors) - 2.0) < 0.15, errors


@pytest.mark.parametrize("feeding", ["everywhere", "rim", "artery", "boundary"])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_undisturbed_tissue_has_its_constants(geometry: Any, feeding: Any) -> None:
    """F and p_v of the tissues at every place, and the pressures of the reference solve themselves."""
    model = asked(feeding=feeding)
    data = discretised(geometry, model)
    first = next(simulate(data, model))
    supply = circulation(first).supply(first.condition)
    np.testing.assert_allclose(supply.perfusion, data.materials.perfusion, rtol=1e-10)
    np.testing.assert_allclose(supply.pressure, data.materials.vessel_pressure, rtol=1e-10)
    again = circulation(first)._solved(circulation(first)._open_at_rest, circulation(first).filtered_at_rest)
    for name in ("arterial_pressure", "venous_pressure"):
        np.testing.assert_allclose(again[name], first.condition[name], rtol=1e-7)


@pytest.mark.parametrize("feeding", ["rim", "boundary"])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_blood_is_conserved(geometry: Any, feeding: Any) -> None:
    """What arteries bring leaves by veins or is filtered, at every step while vessels close."""
    model = replace(asked(feeding=feeding), schedule=Schedule(end=15.0))
    data, through = discretised(geometry, model), []
    for snapshot in simulate(data, model):
        if snapshot.index:
            rows = snapshot.ledger.states
            missing = rows["blood_inflow"] - rows["blood_outflow"] - rows["blood_filtered"]
            assert abs(missing) < 1e-8 * rows["blood_inflow"]
            assert snapshot.ledger.agent_residual() < 1e-10 and snapshot.ledger.fluid_residual() < 1e-10
            through.append(rows["blood_through_tumour"])
    assert min(through) < 0.8 * through[0]


def cascade(**of: Any) -> dict[str, Any]:
    _, snapshots = run(asked(**of), "axisymmetric")
    report = snapshots[-1].processes[-1].report(snapshots[-1].condition)["vessels"]
    assert isinstance(report, dict)
    return report


def test_a_cascade_appears_where_exposed_tissue_feeds_what_lies_behind() -> None:
    """H8 can come out either way: an artery amid the agent, or feeders of its own for every place."""
    behind, own = cascade(feeding="artery"), cascade(feeding="everywhere")
    assert own["exposed_volume_m3"] > 0
    assert behind["lasting"]["amplification"] > 1.5 * own["lasting"]["amplification"]
    assert behind["lasting"]["perfused_fraction_tumour"] < 0.2 < own["lasting"]["perfused_fraction_tumour"]
    collaterals = cascade(feeding="artery", collaterals=1.0)
    assert collaterals["lasting"]["perfused_fraction_tumour"] > behind["lasting"]["perfused_fraction_tumour"]


def test_flow_goes_another_way() -> None:
    """Where arterioles stay open, tissue beside closed vessels gets more blood than at rest."""
    data, snapshots = run(asked(feeding="rim", lateral_closure=0.0), "radial")
    assert data.halo.max(snapshots[-1].condition["relative_perfusion"]) > 1.005
    assert data.halo.min(snapshots[-1].condition["relative_perfusion"]) < 0.5


def test_arterioles_too_narrow_are_refused() -> None:
    with pytest.raises((PerfusionError, SolverFailure), match="cannot bring"):
        run(asked(arterial_conductivity=1e-13), "radial")
    with pytest.raises(PerfusionError, match="opens"):
        run(asked(feeding="artery", artery=(0.0, 0.0, 1.0)), "axisymmetric")


@pytest.mark.parametrize("geometry", ["axisymmetric", "3d"])
def test_ranks_agree(geometry: Any) -> None:
    """On all ranks together as on each alone."""
    model = replace(asked(feeding="artery"), schedule=Schedule(end=6.0))
    data, together = run(model, geometry)
    alone, single = run(model, geometry, MPI.COMM_SELF)
    for name in ("arterial_pressure", "venous_pressure", "open_vessel_fraction"):
        found = gathered(data, together[-1].condition[name])
        np.testing.assert_allclose(found, gathered(alone, single[-1].condition[name]), rtol=2e-3, atol=1e-6)

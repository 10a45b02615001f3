# SPDX-License-Identifier: MIT
"""Blood through a network: Poiseuille's law, conservation, a cascade downstream, a measured network."""

from pathlib import Path
from typing import Any

from mpi4py import MPI

import numpy as np
import pytest

from cases.build.vessels import drawn_ends
from meshes.files.centre_lines import read_network
from solver.parameters.model import Schedule
from solver.parameters.vessels import ChemicalClosure, VesselModel, VesselNetwork
from solver.simulate import simulate
from solver.vessels.network import NetworkFlow
from tests.coarse import discretised, full_model, gathered, pulse

LAW = ChemicalClosure(rate=0.5, half_concentration=0.05)
TUBE = np.pi * (1e-4) ** 4 / (8 * 3.5e-3 * 1e-3)
"""Conductance of a millimetre of tube of 0.1 mm [m3/(Pa s)]."""


def network(places: Any, edges: Any, ends: Any) -> VesselNetwork:
    """Tubes of 0.1 mm; places in millimetres."""
    return VesselNetwork(
        places=tuple((1e-3 * x, 1e-3 * y, 1e-3 * z) for x, y, z in places),
        edges=edges,
        radii=(1e-4,) * len(places),
        ends=ends,
    )


def test_tubes_in_a_row_and_side_by_side() -> None:
    """Two in a row, then two side by side, one of which is half open."""
    places = ((0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 1, 0), (3, -1, 0), (4, 0, 0), (9, 9, 9), (9, 9, 8))
    edges = ((0, 1), (1, 2), (2, 3), (2, 4), (3, 5), (4, 5), (6, 7))
    flow = NetworkFlow(network(places, edges, ((0, 4000.0), (5, 1000.0), (6, 1000.0))))
    share = np.array([1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0])
    found, pressure = flow.solve(share)
    diagonal = TUBE / np.sqrt(2)
    up, down = 1 / (1 / (0.5 * diagonal) + 1 / diagonal), diagonal / 2
    total = 3000.0 / (2 / TUBE + 1 / (up + down))
    np.testing.assert_allclose(found[:2], total, rtol=1e-9)
    np.testing.assert_allclose(found[[2, 4]], total * up / (up + down), rtol=1e-9)
    np.testing.assert_allclose(found[[3, 5]], total * down / (up + down), rtol=1e-9)
    assert abs(found[6]) < 1e-20 and pressure[6] == pytest.approx(1000.0), "a blind end"
    assert pressure[0] == pytest.approx(4000.0 - 0.5 * total / TUBE)
    assert flow.through(found) == pytest.approx((total, total), rel=1e-9)


def ladder() -> VesselNetwork:
    """One stem through the middle of the tumour that splits into branches on the far side."""
    places = [(-8, 0, 0), (-4, 0, 0), (0, 0, 0), (3, 0, 0)]
    edges, ends = [(0, 1), (1, 2), (2, 3)], [(0, 4000.0)]
    for side in ((7, 3, 0), (7, -3, 0), (7, 0, 3), (7, 0, -3)):
        places.append(side)
        edges.append((3, len(places) - 1))
        ends.append((len(places) - 1, 1000.0))
    return network(places, tuple(edges), tuple(ends))


def collapse(vessels: VesselModel, geometry: Any = "3d") -> dict[str, Any]:
    model = full_model((pulse(0.0, 3.0),), vessels=vessels, schedule=Schedule(end=60.0))
    *_, last = simulate(discretised(geometry, model), model)
    assert last.ledger.agent_residual() < 1e-10 and last.ledger.fluid_residual() < 1e-10
    report = last.processes[-1].report(last.condition)["vessels"]
    assert isinstance(report, dict)
    return report["lasting"]


def test_tissue_downstream_of_closed_segments_collapses() -> None:
    """The stem closes where the agent is and the branches behind run dry; with a constant F they do not."""
    alone = collapse(VesselModel(chemical=LAW))
    behind = collapse(VesselModel(chemical=LAW, network=ladder()))
    assert alone["collapsed_volume_m3"] > 0
    assert behind["amplification"] > 1.5 * alone["amplification"]
    assert behind["perfused_fraction_tumour"] < 0.8 * alone["perfused_fraction_tumour"]


def test_a_network_at_rest_changes_nothing() -> None:
    """Undisturbed tissue has its own F and p_v."""
    model = full_model((), vessels=VesselModel(network=ladder()), schedule=Schedule(end=10.0))
    data = discretised("3d", model)
    *_, last = simulate(data, model)
    supply = last.flow_step.supply
    assert supply is not None
    np.testing.assert_allclose(supply.perfusion, data.materials.perfusion, rtol=1e-3)
    np.testing.assert_allclose(supply.pressure, data.materials.vessel_pressure, rtol=1e-3)


def test_a_measured_network(shared: Path) -> None:
    """Mouse tumour vessels scaled up, free ends drawn: blood is conserved, some is lost elsewhere."""
    file = shared / "tumour-vessels-tapmeier" / "tapmeier_network.vtp"
    found = read_network(file, 2.4e-5, "Radius", (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    for seed in (0, 1, 2):
        inlets, outlets = drawn_ends(found, seed)
        assert len(inlets) > 10 and abs(len(inlets) - len(outlets)) <= 1
        ends = [(p, 4666.0) for p in inlets] + [(p, 1067.0) for p in outlets]
        vessels = VesselNetwork(places=found.places, edges=found.edges, radii=found.radii, ends=tuple(ends))
        flow = NetworkFlow(vessels)
        rest, _ = flow.solve(np.ones(len(flow.edges)))
        entering, leaving = flow.through(rest)
        assert entering > 0 and entering == pytest.approx(leaving, rel=1e-8)
        away = np.linalg.norm(flow.middles, axis=1)
        closed, _ = flow.solve(np.where(away < 3e-3, 0.0, 1.0))
        used = np.abs(rest) > 1e-6 * np.abs(rest).max()
        lost = np.abs(closed) < 0.1 * np.abs(rest)
        assert (used & lost & (away > 3e-3)).any() and (used & ~lost).any()
    report = collapse(VesselModel(chemical=LAW, network=vessels))
    assert report["amplification"] > 0


def test_ranks_agree() -> None:
    """On all ranks together as on each alone."""
    vessels = VesselModel(chemical=LAW, network=ladder())
    model = full_model((pulse(0.0, 3.0),), vessels=vessels, schedule=Schedule(end=6.0))
    found = []
    for comm in (MPI.COMM_WORLD, MPI.COMM_SELF):
        data = discretised("3d", model, comm)
        *_, last = simulate(data, model)
        found.append(gathered(data, last.condition["feeding_flow"]))
    np.testing.assert_allclose(found[0], found[1], rtol=2e-3)


@pytest.mark.serial
def test_the_shipped_network_is_what_its_script_makes(tmp_path: Path) -> None:
    """And blood that enters it leaves it."""
    from cases.reading.load import load_case
    from cases.shipped.make_demo_network import main

    shipped = Path(__file__).parents[1] / "cases" / "shipped"
    main(tmp_path / "again.vtp")
    assert (tmp_path / "again.vtp").read_bytes() == (shipped / "demo_network.vtp").read_bytes()
    found = load_case(shipped / "vessel_network.toml").model.vessels.network
    assert found is not None and len(found.ends) == 2
    flow = NetworkFlow(found)
    rates, _ = flow.solve(np.ones(len(found.edges)))
    came, went = flow.through(rates)
    assert came > 0 and came == pytest.approx(went, rel=1e-9)

# SPDX-License-Identifier: MIT
"""Large vessels as lines: drained flow on three meshes, walls, Poiseuille inside, networks from files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from meshes.files.centre_lines import Network, read_network
from meshes.geometry import MeshInputError
from solver.flow.step import FlowSolver
from solver.parameters.lines import VesselLine
from tests.coarse import ball, site
from tests.line_setups import COMM, column, embedded, leaky, steady_lines, vessel

SIDE = 6e-3
LENGTH = 20e-3
CONFORMAL = 1.0787
"""Conformal radius of a square over half its width."""


def drained(across: int, along: int, wall: float) -> float:
    """What a vessel at 1 kPa along the axis of a column gives to tissue, per length [m2/s]."""
    line = vessel(((0.0, 0.0, 0.0), (0.0, 0.0, LENGTH)), (1e3, 1e3), wall_conductivity=wall)
    plain = column(SIDE, LENGTH, across, along)
    data, flow = steady_lines(plain, {"vessel_lines": (line,)}, 1e-12, 0.0, 3e-3)
    lines, through = data.lines, None
    assert lines is not None
    if lines.owned:
        through = float((lines.sign * flow.flux[lines.edges])[lines.walls.link].sum()) / LENGTH
    return float(COMM.bcast(through, root=COMM.size - 1))


def test_drained_flow_does_not_depend_on_the_mesh() -> None:
    """2 pi K p/ln(R/r) on meshes whose cells are five, three and 1.5 times the vessel's radius long."""
    expected = 2 * np.pi * 1e-12 * 1e3 / np.log(CONFORMAL * SIDE / 0.5e-3)
    ratios = [drained(*cells, 1.0) / expected for cells in ((6, 8), (10, 14), (16, 22))]
    assert np.abs(np.array(ratios) - 1).max() < 0.08
    assert abs(ratios[-1] - 1) < 0.05
    assert max(ratios) - min(ratios) < 0.03


def test_a_tight_wall_rules_the_flow() -> None:
    """A wall of L_p adds its resistance 1/(2 pi r L_p)."""
    wall = 1e-12
    resistance = 1 / (2 * np.pi * 0.5e-3 * wall) + np.log(CONFORMAL * SIDE / 0.5e-3) / (2 * np.pi * 1e-12)
    assert drained(6, 8, wall) == pytest.approx(1e3 / resistance, rel=1e-3)


def test_blood_flows_by_poiseuille() -> None:
    """A sealed vessel in two pieces carries pi r^4 dp/(8 mu L), whatever lies around it."""
    places = ((-6e-3, 0.0, 1e-3), (0.0, 1e-3, 0.0), (6e-3, 0.0, 1e-3))
    line = vessel(places, (1100.0, 1000.0), wall_conductivity=0.0)
    what = replace(leaky("3d"), backflow=None, vessel_lines=(line,))
    data = embedded(ball(6), what, site("3d"))
    solver = FlowSolver(data, what.physics, what.numerics, 1e-8)
    state = solver.initial_state()
    flow = solver.step(state, np.zeros(data.volume.size), 1.0, state.pressure)
    length = 2 * np.linalg.norm([6e-3, 1e-3, 1e-3])
    expected = np.pi * 0.5e-3**4 * 100.0 / (8 * 3.5e-3 * length)
    assert data.lines is not None
    out = flow.outflow[data.lines.owned_nodes(track=False)]
    assert COMM.allreduce(out[out > 0].sum()) == pytest.approx(expected, rel=1e-6)
    assert COMM.allreduce(out.sum()) == pytest.approx(0.0, abs=1e-7 * expected)


def through(network: Network, wall: float) -> tuple[float, float, float]:
    """Blood that enters and leaves a network in a ball of 1.2 mm, and what it gives to tissue [m3/s]."""
    line = VesselLine(
        name="network",
        places=network.places,
        edges=network.edges,
        radii=network.radii,
        ends=(*((place, 4e3) for place in network.inlets), *((place, 2e3) for place in network.outlets)),
        wall_conductivity=wall,
        permeability=1e-6,
    )
    plain = ball(8)
    plain = replace(plain, points=0.06 * plain.points)
    what = replace(leaky("3d"), backflow=None, vessel_lines=(line,))
    data = embedded(plain, what, replace(site("3d"), source_radius=0.4e-3))
    solver = FlowSolver(data, what.physics, what.numerics, 1e-12)
    state = solver.initial_state()
    flow = solver.step(state, np.zeros(data.volume.size), 1.0, state.pressure)
    lines = data.lines
    assert lines is not None
    out = flow.outflow[lines.owned_nodes(track=False)]
    given = (lines.sign * flow.flux[lines.edges])[lines.walls.link].sum() if lines.owned else 0.0
    sums = (-out[out < 0].sum(), out[out > 0].sum(), given)
    entering, leaving, given = (float(COMM.allreduce(part)) for part in sums)
    return entering, leaving, given


def test_a_network_conserves_blood(shared: Path) -> None:
    """The mouse tumour's network: what enters and does not leave has gone through its walls."""
    path = shared / "tumour-vessels-tapmeier" / "tapmeier_network.vtp"
    network = read_network(path, 1e-6, "Radius", (0.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    assert len(network.inlets) == 2
    assert len(network.outlets) == 3
    assert min(network.radii) > 1e-7
    lengths = [np.linalg.norm(np.subtract(network.places[u], network.places[v])) for u, v in network.edges]
    assert 2.5e-3 < sum(lengths) < 3.7e-3
    sealed = through(network, 0.0)
    leaky_wall = through(network, 2e-9)
    assert sealed[0] == pytest.approx(sealed[1], rel=1e-5)
    assert abs(sealed[2]) < 1e-6 * sealed[0]
    assert leaky_wall[0] - leaky_wall[1] == pytest.approx(leaky_wall[2], rel=1e-5)
    assert leaky_wall[2] > 1e-4 * leaky_wall[0]


def write_network(path: Path, radii: tuple[float, ...]) -> None:
    """A Y of two polylines that share a place as two points, in micrometres, and a piece apart."""
    import pyvista

    points = np.array(
        [[0, 0, 0], [100, 0, 0], [200, 50, 0], [100, 0, 0], [200, -50, 0], [50, 90, 0], [60, 90, 0]],
        dtype=float,
    )
    data = pyvista.PolyData(points, lines=[3, 0, 1, 2, 2, 3, 4, 2, 5, 6])
    data.point_data["Radius"] = np.array(radii)
    data.save(path)


@pytest.mark.serial
def test_doubles_gaps_and_islands_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "y.vtp"
    write_network(path, (10.0, 8.0, 6.0, 8.0, 0.0, 3.0, 3.0))
    network = read_network(path, 1e-6, "Radius", (1e-3, 0.0, 0.0), (1.0, 0.0, 0.0))
    assert len(network.places) == 4
    assert len(network.edges) == 3
    assert len(network.inlets) == 1
    assert len(network.outlets) == 2
    assert sorted(network.radii) == pytest.approx([6e-6, 8e-6, 8e-6, 10e-6])
    assert np.mean([np.min(network.places, axis=0)[0], np.max(network.places, axis=0)[0]]) == pytest.approx(
        1e-3
    )
    with pytest.raises(MeshInputError, match="no point data 'Diameter'; found Radius"):
        read_network(path, 1e-6, "Diameter", None, (1.0, 0.0, 0.0))
    with pytest.raises(MeshInputError, match="no such file"):
        read_network(tmp_path / "z.vtp", 1e-6, "Radius", None, (1.0, 0.0, 0.0))

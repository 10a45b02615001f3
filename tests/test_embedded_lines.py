# SPDX-License-Identifier: MIT
"""Lines in a mesh: links and weights, the tangent against differences, books, constant states, any ranks."""

from dataclasses import replace
from functools import cache

from mpi4py import MPI

import numpy as np
import pytest

from meshes.distribution.distribute import gather_to_root
from meshes.distribution.embed import embed
from meshes.lines import Curve
from meshes.plain import Geometry
from solver.agent.transport import AgentState, Transport
from solver.flow.balance import Target
from solver.flow.step import FlowSolver
from solver.parameters.model import Agent, Numerics, Schedule
from solver.simulate import simulate
from solver.snapshot import Snapshot
from solver.tissue.discretisation import Discretisation
from solver.tissue.line_curves import line_curves
from tests.coarse import COMM, INLET, ball, half_disc, site
from tests.line_setups import coarse_lines, leaky

GEOMETRIES: tuple[Geometry, ...] = ("axisymmetric", "3d")
TIGHT = Numerics(
    fixed_step=0.5, newton_tolerance=1e-11, krylov_tolerance_pressure=1e-10, krylov_tolerance_agent=1e-13
)


@cache
def run(geometry: Geometry) -> tuple[Discretisation, list[Snapshot]]:
    """Two pulses and some time after, with track and vessel."""
    what = leaky(geometry, schedule=Schedule(end=40.0))
    data = coarse_lines(geometry, what)
    return data, list(simulate(data, what))


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_walls_are_averages_of_linear_fields(geometry: Geometry) -> None:
    """A field that is linear along the line has the line's value on average around it, inside the mesh."""
    plain = half_disc(24, 16) if geometry == "axisymmetric" else ball(8)
    lines = embed(plain, line_curves(leaky(geometry), (site(geometry),)), (site(geometry),))
    total = np.bincount(lines.wall_node, lines.wall_weight, len(lines.points))
    mean = np.bincount(lines.wall_node, lines.wall_weight * plain.points[lines.wall_vertex, -1], len(total))
    whole = np.abs(total - 1.0) < 1e-9
    whole[lines.end_node] = False
    whole[lines.joint_node] = False
    assert whole.sum() > 5
    half = 0.25 * lines.length.max()
    assert np.all(np.abs(mean[whole] / total[whole] - lines.points[whole, -1]) < half)
    assert total.max() < 1 + 1e-9
    assert np.all(lines.kernel >= 2 * lines.radius)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_tangent_is_the_derivative_of_the_balance(geometry: Geometry) -> None:
    what = leaky(geometry)
    data = coarse_lines(geometry, what)
    solver = FlowSolver(data, what.physics, what.numerics, 1e-8)
    balance, halo = solver.balance, data.halo
    random = np.random.default_rng(5 + COMM.rank)
    pressure = halo.update(solver.rest + 4e3 + 3e3 * random.random(data.volume.size))
    target = Target(
        largest=solver.rest + 5e3,
        reference=solver.rest,
        known=np.zeros_like(pressure),
        compliance=data.compliance,
        law=data.materials.law,
        links=1.5,
    )
    values = np.zeros(data.stencil.columns.size)
    balance.tangent(target, balance.evaluate(target, pressure), pressure, values)
    row = np.repeat(np.arange(halo.owned), np.diff(data.stencil.indptr))
    lines = data.lines
    assert lines is not None
    for nodes in (lines.node, np.arange(data.mesh.owned)):
        moved = np.zeros_like(pressure)
        moved[nodes] = 2 * random.random(len(nodes)) - 1
        halo.update(moved)
        product = np.bincount(row, values * moved[data.stencil.columns], halo.owned)
        ahead, behind = (balance.evaluate(target, pressure + s * 1e-2 * moved).residual for s in (1, -1))
        difference = (ahead - behind)[: halo.owned] / 2e-2
        scale = np.abs(difference).max(initial=0.0)
        checked = np.zeros(halo.owned, dtype=bool)
        checked[lines.node[: lines.owned]] = True
        assert np.abs(product - difference).max(initial=0.0) <= 2e-3 * scale
        size = np.abs(difference)[checked] + 1e-3 * np.abs(difference)[checked].max(initial=0.0)
        assert np.all(np.abs(product - difference)[checked] <= 1e-4 * size)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_books_close_and_every_row_moves(geometry: Geometry) -> None:
    _, snapshots = run(geometry)
    books = snapshots[-1].ledger
    assert books.agent_residual() < 1e-12
    assert books.fluid_residual() < 1e-12
    rows = books.rows()
    assert 0.01 < rows["agent_backflow"] / rows["agent_injected"] < 0.999
    assert 0.01 < rows["fluid_backflow"] / rows["fluid_injected"] < 1.0
    assert rows["agent_in_track"] > 0
    assert rows["agent_crossed_out"] > 0
    if geometry == "3d":
        assert rows["agent_in_vessels"] > 0


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_gaps_never_run_dry_and_agent_keeps_its_bounds(geometry: Geometry) -> None:
    data, snapshots = run(geometry)
    assert data.lines is not None
    for snapshot in snapshots:
        fluid = (data.rest_fluid + snapshot.flow.stored)[data.lines.node]
        assert fluid.min(initial=1.0) > 0
        assert snapshot.lowest >= -1e-12 * INLET
        assert snapshot.highest <= INLET * (1 + 1e-10)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_a_constant_state_stays(geometry: Geometry) -> None:
    """Where all that comes in has one concentration and nothing reacts, nothing changes, in lines neither."""
    agent = Agent(name="agent", reaction_rate=0.0, molar_mass=0.067, plasma_concentration=INLET)
    what = leaky(geometry, agent=agent)
    data = coarse_lines(geometry, what)
    solver, transport = (
        FlowSolver(data, what.physics, what.numerics, 1e-8),
        Transport(data, what.agent, what.physics, what.numerics),
    )
    before = solver.initial_state()
    injected = 1e-8 * data.sources[0]
    flow = solver.step(before, injected, 0.5, before.pressure)
    same = np.full(data.volume.size, INLET)
    state = AgentState(concentration=same, amount=INLET * data.rest_fluid)
    stored = np.zeros_like(same), flow.state.stored
    found = transport.step(state, stored, flow, INLET * injected, 0.5)
    assert np.abs(found.state.concentration / INLET - 1).max() < 1e-9


def fields(geometry: Geometry, comm: MPI.Comm) -> tuple[dict[str, np.ndarray], Snapshot]:
    """Fields of vertices and of lines after a pulse, on every rank of the communicator."""
    what = leaky(geometry, numerics=TIGHT, schedule=Schedule(end=4.0))
    data = coarse_lines(geometry, what, comm)
    *_, last = simulate(data, what)
    lines = data.lines
    assert lines is not None
    out = {}
    for name, values in {
        "pressure": last.flow.pressure,
        "stored": last.flow.stored,
        "concentration": last.agent.concentration,
    }.items():
        out[name] = np.asarray(comm.bcast(gather_to_root(data.mesh, values, comm)))
        out[f"{name} of lines"] = np.asarray(
            comm.bcast(values[lines.node[: lines.owned]], root=comm.size - 1)
        )
    return out, last


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_one_answer_on_any_number_of_ranks(geometry: Geometry) -> None:
    here, last = fields(geometry, COMM)
    alone, reference = fields(geometry, MPI.COMM_SELF)
    tolerance = 1e-8 if COMM.size > 1 else 0.0
    for name, expected in alone.items():
        assert here[name].shape == expected.shape
        assert np.abs(here[name] - expected).max() <= tolerance * np.abs(expected).max(), name
    found = last.ledger.rows()
    for name, value in reference.ledger.rows().items():
        scale = reference.ledger.totals[f"{name.partition('_')[0]}_injected"]
        assert abs(found[name] - value) <= tolerance * scale, name


def test_a_junction_joins_three_vessels() -> None:
    """Nodes: the junction and those along the branches; every free end has its neighbour."""
    places = ((0.0, 0.0, 0.0), (6e-3, 0.0, 0.0), (-3e-3, 5e-3, 0.0), (-3e-3, -5e-3, 0.0))
    curve = Curve(places=places, edges=((0, 1), (0, 2), (0, 3)), radii=(4e-4, 3e-4, 2e-4, 2e-4))
    lines = embed(ball(6), (curve,), ())
    nodes, links = len(lines.points), len(lines.axial)
    assert links == nodes - 1
    assert sorted(lines.end_place) == [1, 2, 3]
    assert lines.length.sum() == pytest.approx(6e-3 + 2 * np.hypot(3e-3, 5e-3))
    assert np.bincount(lines.axial.ravel())[0] == 3


def test_state_of_a_tight_needle_is_that_of_no_lines() -> None:
    """A track that cannot open changes no more than that its joint makes the pressure in the cavity even."""
    closed = leaky("axisymmetric", schedule=Schedule(end=10.0))
    assert closed.backflow is not None
    closed = replace(closed, backflow=replace(closed.backflow, prestress=1e6, residual_gap=1e-8))
    bare = replace(closed, backflow=None)
    results = []
    for what in (closed, bare):
        data = coarse_lines("axisymmetric", what)
        *_, last = simulate(data, what)
        results.append((last.ledger.rows(), last.source_pressure[0]))
    (with_track, p_track), (without, p_bare) = results
    assert p_track == pytest.approx(p_bare, rel=4e-2)
    for name in ("agent_reacted_tumour", "fluid_stored"):
        assert with_track[name] == pytest.approx(without[name], rel=4e-2)
    assert with_track["agent_backflow"] < 1e-6 * with_track["agent_injected"]

# SPDX-License-Identifier: MIT
"""Displacement solved with the pressure, against closed forms and against storage where that is exact."""

from dataclasses import replace

from mpi4py import MPI

import numpy as np
import pytest

from meshes.distribution.distribute import distribute
from meshes.plain import Geometry
from meshes.regions import TISSUE, TUMOUR
from solver.flow.state import FlowState
from solver.memory import pack
from solver.parameters.model import Model, Numerics, Physics
from solver.simulate import TimeLoop, simulate
from solver.snapshot import Snapshot
from solver.solid.coupling import PoroelasticFlow
from solver.solid.radial import RadialSolid
from solver.solid.solve import ElasticSolid
from solver.tissue.discretisation import discretise
from tests.coarse import COMM, discretised, full_model, gathered, pulse, tissues
from tests.solids import (
    BIOT,
    SHEAR,
    cavity_error,
    column,
    confined,
    consolidation,
    hollow,
    rollers,
    terzaghi,
)
from tests.spheres import discretised as shells
from tests.spheres import geometric, in_order, model, tissue


def run(
    geometry: Geometry,
    physics: Physics,
    stiffer: float | None = None,
    comm: MPI.Comm = COMM,
    residuals: list[float] | None = None,
) -> tuple[list[Snapshot], Model]:
    """An injection of 10 s and a pause; uniform moduli unless the tissue is so many times stiffer."""
    what = stiff(physics, 1.0 if stiffer is None else stiffer)
    snapshots = []
    for snapshot in simulate(discretised(geometry, what, comm), what):
        snapshots.append(snapshot)
        if residuals is not None:
            residuals.append(max(snapshot.ledger.fluid_residual(), snapshot.ledger.agent_residual()))
    return snapshots, what


def stiff(physics: Physics, factor: float) -> Model:
    """All effects, with the tumour's moduli in the tissue times a factor."""
    found = tissues()
    modulus, shear = found[TUMOUR].confined_modulus, found[TUMOUR].shear_modulus
    found = {
        TUMOUR: found[TUMOUR],
        TISSUE: replace(found[TISSUE], confined_modulus=factor * modulus, shear_modulus=factor * shear),
    }
    numerics = Numerics(fixed_step=0.5)
    return full_model((pulse(0.0, 10.0),), tissues=found, physics=physics, numerics=numerics)


def peak(snapshots: list[Snapshot]) -> float:
    return max(float(snapshot.source_pressure.max()) for snapshot in snapshots)


def test_storage_is_exact_for_uniform_moduli() -> None:
    """Radial: to round-off, in a body that infinite tissue holds."""
    stored, solved = run("radial", Physics())[0], run("radial", Physics(flow="biot"))[0]
    assert peak(solved) == pytest.approx(peak(stored), rel=1e-10)
    for name in ("pressure", "stored"):
        a, b = (getattr(snapshots[-1].flow, name) for snapshots in (stored, solved))
        assert np.abs(a - b).max() < 1e-9 * np.abs(a).max()


@pytest.mark.parametrize("geometry", ["axisymmetric", "3d"])
def test_storage_is_approached_elsewhere(geometry: Geometry) -> None:
    stored, solved = run(geometry, Physics())[0], run(geometry, Physics(flow="biot"))[0]
    assert peak(solved) == pytest.approx(peak(stored), rel=0.02)
    assert peak(solved) != peak(stored)


@pytest.mark.parametrize("geometry", ["radial", "axisymmetric", "3d"])
def test_books_close_and_rest_stays(geometry: Geometry) -> None:
    residuals: list[float] = []
    snapshots = run(geometry, Physics(flow="biot"), 5.0, residuals=residuals)[0]
    assert len(residuals) == len(snapshots) and max(residuals) < 1e-10
    moved = snapshots[0].flow_step.displacement
    assert moved is not None and np.abs(moved).max() < 1e-12


def test_stiffer_surroundings_raise_the_pressure() -> None:
    """A contrast of 5:1 changes the peak by a few per cent, the more so the stiffer the tissue around."""
    stored, solved = (run("radial", physics, 5.0)[0] for physics in (Physics(), Physics(flow="biot")))
    assert 1.01 < peak(solved) / peak(stored) < 1.10


@pytest.mark.parametrize("geometry", ["radial", "3d"])
def test_a_run_that_is_taken_up_again_goes_on_alike(geometry: Geometry) -> None:
    """What the solid remembers between steps is in the memory of the run, bit for bit."""
    what = stiff(Physics(flow="biot"), 5.0)
    data = discretised(geometry, what)
    loop, other = TimeLoop(data, what), TimeLoop(data, what)
    for _ in range(3):
        loop.advance()
    arrays: dict[str, np.ndarray] = {}
    tree = pack(loop.memory(), arrays)
    other.recall(tree, {name: values.copy() for name, values in arrays.items()})
    for _ in range(3):
        loop.advance()
        other.advance()
    pressures = loop.snapshot.flow.pressure, other.snapshot.flow.pressure
    moved = loop.snapshot.flow_step.displacement, other.snapshot.flow_step.displacement
    for one, two in (pressures, moved):
        assert one is not None and two is not None
        assert np.array_equal(one, two)


def test_all_ranks_find_the_same() -> None:
    for geometry in ("radial", "axisymmetric"):
        here, _ = run(geometry, Physics(flow="biot"), 5.0)
        alone, _ = run(geometry, Physics(flow="biot"), 5.0, MPI.COMM_SELF)
        assert peak(here) == pytest.approx(peak(alone), rel=1e-6)


@pytest.mark.parametrize(("kind", "steps"), [("axisymmetric", (1.0, 0.5, 0.25)), ("3d", (1.0, 0.5))])
def test_no_locking(kind: Geometry, steps: tuple[float, ...]) -> None:
    """A cavity under pressure: u_a/a = p_a/(4 mu); the error falls alike for every nu, up to 0.4999."""
    last = {}
    for poisson in (0.3, 0.49, 0.4999):
        errors = [cavity_error(*hollow(kind, poisson, coarseness), 1e3)[0] for coarseness in steps]
        assert np.log2(errors[0] / errors[-1]) / (len(errors) - 1) > 1.25
        last[poisson] = errors[-1]
    assert last[0.4999] < 1.1 * last[0.49] < 2.0 * last[0.3]


def test_iterations_do_not_grow() -> None:
    counts = [cavity_error(*hollow("3d", 0.49, coarseness), 1e3)[1] for coarseness in (1.0, 0.7, 0.5)]
    assert max(counts) < 60 and counts[-1] < 1.3 * counts[0]


@pytest.mark.parametrize("poisson", [0.3, 0.49])
def test_radial_cavity(poisson: float) -> None:
    """Fluid at rest in the cavity alone: e = p/H in the tissue and u_a/a = p_a/(4 mu)."""
    what = model(tissue(confined_modulus=confined(poisson), shear_modulus=SHEAR), BIOT)
    data = shells(geometric(1e-3, 8e-3, 200), what)
    radius = data.mesh.points[:, 0]
    excess = 1e3 * (1e-3 / radius) ** 2
    found = RadialSolid(data.mesh, data.pairs, what.tissues, what.physics).solve(excess)
    assert found.dilatation == pytest.approx(excess[data.pairs.node] / confined(poisson), rel=1e-9)
    # u r^2 = a^3 p_a/(4 mu) + the integral of e r^2
    exact = (1e-9 * 1e3 / (4 * SHEAR) + 1e3 * 1e-6 * (radius - 1e-3) / confined(poisson)) / radius**2
    assert found.displacement[:, 0] == pytest.approx(exact, rel=1e-3)


def test_steady_injection_with_swelling() -> None:
    """K = K0 exp(M e): p_a = (H/M) ln(1 + M Q/(4 pi K0 H a)), with e from the displacement."""
    modulus, exponent, rate, a = 3e4, 5.0, 4e-13, 3.59e-4
    medium = tissue(confined_modulus=modulus, shear_modulus=5e3, dilatation_exponent=exponent)
    what = model(medium, replace(BIOT, conductivity="exponential"))
    data = shells(geometric(a, 0.2, 800), what)
    flow = PoroelasticFlow(data, what, rate)
    state = flow.initial_state()
    found = flow.step(state, rate * data.sources[0], 1e12, state.pressure)
    exact = modulus / exponent * np.log1p(exponent * rate / (4 * np.pi * 3.1e-14 * modulus * a))
    pressure = in_order(data, found.state.pressure)
    assert 0.05 < exact / modulus < 0.5
    assert pressure[0] == pytest.approx(exact, rel=2e-3)
    assert found.displacement is not None
    moved = in_order(data, found.displacement[:, 0])
    assert moved[0] / a == pytest.approx(pressure[0] / (4 * 5e3), rel=1e-2)


@pytest.mark.parametrize("kind", ["axisymmetric", "3d"])
@pytest.mark.parametrize("poisson", [0.3, 0.49])
def test_terzaghi(kind: Geometry, poisson: float) -> None:
    """A loaded column that drains at its top: pressure, dilatation and settlement over time."""
    height, layers, load, steps = 1e-2, 24, 1e3, 40
    medium = tissue(confined_modulus=confined(poisson), shear_modulus=SHEAR)
    what = model(medium, replace(BIOT, far_field="fixed", far_pressure=0.0))
    mesh = distribute(column(kind, height, layers) if COMM.rank == 0 else None, COMM)
    data = discretise(mesh, what, ())
    flow = PoroelasticFlow(data, what, data.halo.sum(data.volume) * load / confined(poisson))
    flow.solid = ElasticSolid(data, what, rollers(data, kind, load), 1e-9)
    start = np.full(data.volume.size, load)
    state = FlowState(pressure=start, largest=start, stored=np.zeros_like(start))
    time_factor = 0.2
    step = time_factor / steps * height**2 / (3.1e-14 * confined(poisson))
    past = None
    for _ in range(steps):
        found = flow.step(state, np.zeros_like(start), step, state.pressure, past)
        state, past = found.state, (found, step)
    depth = 1 - data.mesh.points[:, -1] / height
    assert state.pressure / load == pytest.approx(terzaghi(depth, time_factor), abs=2e-3)
    assert found.displacement is not None
    settled = gathered(data, found.displacement[:, -1]).min()
    final = -load * height / confined(poisson)
    assert settled == pytest.approx(final * consolidation(time_factor), rel=3e-3)

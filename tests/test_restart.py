# SPDX-License-Identifier: MIT
"""A run that goes on from a checkpoint is the run that was never stopped, on any number of ranks."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

from mpi4py import MPI

import numpy as np
import pytest

from cases.reading.load import load_case
from cases.running.reuse import Reuse
from meshes.plain import Geometry
from solver.memory import MemoryMismatch, pack, unpack
from solver.parameters.model import Model, Numerics, Schedule
from solver.results.checkpoint import CheckpointError, find, load, save
from solver.results.placement import DIRECTED, EDGE, NODE, Placement
from solver.simulate import TimeLoop
from solver.tissue.discretisation import Discretisation
from solver.tissue.line_curves import line_curves
from tests.case_files import shipped
from tests.coarse import COMM, GEOMETRIES, discretised, full_model, gathered, pulse

STEPS = 9
"""Steps before the checkpoint: the source is on, two changes of fluid are remembered."""
TIGHT = Numerics(
    fixed_step=1.0, newton_tolerance=1e-12, krylov_tolerance_pressure=1e-10, krylov_tolerance_agent=1e-13
)


def through(model: Model, data: Discretisation, folder: Path) -> TimeLoop:
    """A loop at its end that left a checkpoint on its way. Collective."""
    loop = TimeLoop(data, model)
    while not loop.done:
        loop.advance()
        if loop.snapshot.index == STEPS:
            keep(loop, data, folder)
    return loop


def keep(loop: TimeLoop, data: Discretisation, folder: Path) -> Path:
    arrays: dict[str, np.ndarray] = {}
    tree = pack(loop.memory(), arrays)
    return save(folder, (tree, arrays), Placement(data), {"step": loop.snapshot.index}, "1")


def taken_up(model: Model, data: Discretisation, folder: Path) -> TimeLoop:
    """A loop at its end that went on from the checkpoint. Collective over the ranks of ``data``."""
    loop = TimeLoop(data, model)
    found, passed = find(folder, lambda _: None, "1")
    assert found is not None and not passed and found.facts == {"step": STEPS}
    loop.recall(*load(found, Placement(data)))
    assert loop.snapshot.index == STEPS
    while not loop.done:
        loop.advance()
    return loop


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_a_steady_run_in_long_steps_gives_the_same_bits(geometry: Geometry, tmp_path: Path) -> None:
    """Where sweeps stall: whatever the Krylov method keeps must not show."""
    model = full_model((pulse(0.0, 10.0),), numerics=Numerics(fixed_step=5.0), schedule=Schedule(end=65.0))
    spread = {tag: replace(t, diffusivity=100 * t.diffusivity) for tag, t in model.tissues.items()}
    model = replace(model, physics=replace(model.physics, flow="steady"), tissues=spread)
    data = discretised(geometry, model)
    whole, parts = through(model, data, tmp_path), taken_up(model, data, tmp_path)
    krylov = whole.machine.transport.solver.krylov
    assert krylov is not None and krylov.setups > 0
    assert parts.snapshot.ledger.rows() == whole.snapshot.ledger.rows()
    np.testing.assert_array_equal(parts.snapshot.agent.amount, whole.snapshot.agent.amount)


@pytest.mark.parametrize("flow", ["storage", "steady"])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_same_ranks_give_the_same_bits(
    geometry: Geometry, flow: Literal["storage", "steady"], tmp_path: Path
) -> None:
    model = full_model((pulse(0.0, 10.0),))
    model = replace(model, physics=replace(model.physics, flow=flow))
    data = discretised(geometry, model)
    whole, parts = through(model, data, tmp_path), taken_up(model, data, tmp_path)
    assert parts.snapshot.index == whole.snapshot.index
    assert parts.snapshot.ledger.rows() == whole.snapshot.ledger.rows()
    first: dict[str, np.ndarray] = {}
    second: dict[str, np.ndarray] = {}
    assert pack(parts.memory(), first) == pack(whole.memory(), second)
    assert len(first) > 20
    for name, values in second.items():
        assert np.array_equal(first[name], values), name


LARGE = {"demo", "patient_liver"}
"""Cases whose meshes take too long; what is special about them is the mesh."""


@pytest.mark.serial
@pytest.mark.parametrize("name", [path.stem for path in shipped() if path.stem not in LARGE])
def test_every_effect_is_kept(name: str) -> None:
    """No object remembers anything between steps that a checkpoint does not hold."""
    (path,) = (path for path in shipped() if path.stem == name)
    case = load_case(str(path), ("numerics.accuracy=draft",))
    reuse = Reuse()
    _, mesh = reuse.mesh(case.geometry, COMM, line_curves(case.model, case.geometry.sites))
    data = reuse.data(mesh, case.model, case.geometry.sites)
    loop = TimeLoop(data, case.model)
    for _ in range(8):
        loop.advance()
    arrays: dict[str, np.ndarray] = {}
    tree = json.loads(json.dumps(pack(loop.memory(), arrays)))
    Placement(data).kinds(arrays)
    arrays = {key: values.copy() for key, values in arrays.items()}
    other = TimeLoop(data, case.model)
    other.recall(tree, arrays)
    found: list[dict[str, np.ndarray]] = [{}, {}]
    for one, into in zip((loop, other), found, strict=True):
        for _ in range(8):
            if not one.done:
                one.advance()
        assert json.dumps(pack(one.memory(), into)) == json.dumps(pack(loop.memory(), {}))
    for key, values in found[0].items():
        assert np.array_equal(found[1][key], values, equal_nan=True), key


@pytest.mark.parametrize(("numerics", "tolerance"), [(TIGHT, 1e-10), (Numerics(), 1e-6)])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_half_of_the_ranks_go_on_for_all_and_all_for_half(
    geometry: Geometry, numerics: Numerics, tolerance: float, tmp_path: Path
) -> None:
    """On one rank this compares a run with itself; it is several ranks that it is for."""
    model = full_model((pulse(0.0, 10.0),), numerics=numerics)
    group = 2 * COMM.rank // COMM.size if COMM.size > 1 else 0
    here, half = discretised(geometry, model), discretised(geometry, model, COMM.Split(group))
    whole = through(model, here, tmp_path / "all")
    expected = gathered(here, whole.snapshot.dose.ct)
    on_half = taken_up(model, half, tmp_path / "all")
    assert on_half.snapshot.index == whole.snapshot.index
    found = gathered(half, on_half.snapshot.dose.ct)
    assert np.abs(found - expected).max() <= tolerance * expected.max()
    through(model, half, tmp_path / f"half{group}")
    COMM.barrier()
    on_all = taken_up(model, here, tmp_path / "half0")
    assert on_all.snapshot.index == whole.snapshot.index
    found = gathered(here, on_all.snapshot.dose.ct)
    assert np.abs(found - expected).max() <= tolerance * expected.max()


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_rows_find_their_places_among_other_ranks(geometry: Geometry) -> None:
    """What is said of places and directions, written by all ranks, is read by one as it would say it."""
    model = full_model((pulse(0.0, 10.0),))
    here, alone = discretised(geometry, model), discretised(geometry, model, MPI.COMM_SELF)
    placements = [Placement(data) for data in (here, alone)]
    for kind in (NODE, EDGE, DIRECTED):
        said = []
        for data, placement in zip((here, alone), placements, strict=True):
            points = data.mesh.points
            tail, head = points[data.stencil.tail], points[data.stencil.head]
            values = {NODE: points, EDGE: tail + head, DIRECTED: head - tail}[kind]
            said.append((placement.rows[kind], values))
        parts = COMM.allgather(said[0])
        assert np.array_equal(placements[1].placed(kind, parts), said[1][1]), kind


def test_another_mesh_is_noticed(tmp_path: Path) -> None:
    model = full_model((pulse(0.0, 10.0),))
    data = discretised("axisymmetric", model)
    keep(TimeLoop(data, model), data, tmp_path)
    found, _ = find(tmp_path, lambda _: None, "1")
    assert found is not None
    with pytest.raises(CheckpointError, match="another mesh"):
        load(found, Placement(discretised("3d", model)))


def test_a_tree_of_another_version_is_noticed() -> None:
    arrays: dict[str, np.ndarray] = {}
    tree = pack(Numerics(), arrays)
    assert unpack(Numerics, tree, arrays) == Numerics()
    with pytest.raises(MemoryMismatch, match="no_longer_there"):
        unpack(Numerics, {**tree, "no_longer_there": 1}, arrays)
    with pytest.raises(TypeError, match="object"):
        pack({"thing": object()}, arrays)

# SPDX-License-Identifier: MIT
"""One answer on any number of ranks: fields, books and summary of all ranks against those of one alone.

On one rank this checks that a run repeats bit by bit.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mpi4py import MPI

import numpy as np
import pytest

from cases.case import Case
from cases.reading.load import load_case
from cases.running.run import run_case
from meshes.plain import Geometry
from solver.parameters.model import Numerics
from solver.simulate import simulate
from solver.snapshot import Snapshot
from tests.case_files import SHIPPED
from tests.coarse import COMM, GEOMETRIES, discretised, full_model, gathered, pulse

TIGHT = Numerics(
    fixed_step=1.0, newton_tolerance=1e-12, krylov_tolerance_pressure=1e-10, krylov_tolerance_agent=1e-13
)
CLOSE, DEFAULT = (1e-10, 1e-6) if COMM.size > 1 else (0.0, 0.0)
FIXED = (
    "numerics.fixed_step=1 s",
    "numerics.newton_tolerance=1e-12",
    "numerics.krylov_tolerance_pressure=1e-10",
    "numerics.krylov_tolerance_agent=1e-13",
)


def fields(geometry: Geometry, numerics: Numerics, comm: MPI.Comm) -> tuple[dict[str, Any], Snapshot]:
    """Fields in the order of the plain mesh and the last snapshot, after an injection and a pause."""
    model = full_model((pulse(0.0, 10.0),), numerics=numerics)
    data = discretised(geometry, model, comm)
    *_, last = simulate(data, model)
    states = {
        "pressure": last.flow.pressure,
        "largest": last.flow.largest,
        "stored": last.flow.stored,
        "concentration": last.agent.concentration,
        "ct": last.dose.ct,
        "peak": last.dose.peak,
    }
    return {name: gathered(data, values) for name, values in states.items()}, last


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize(("numerics", "tolerance"), [(TIGHT, CLOSE), (Numerics(), DEFAULT)])
def test_fields_and_books(geometry: Geometry, numerics: Numerics, tolerance: float) -> None:
    here, last = fields(geometry, numerics, COMM)
    alone, reference = fields(geometry, numerics, MPI.COMM_SELF)
    assert (last.index, last.time) == (reference.index, reference.time)
    for name, expected in alone.items():
        assert np.abs(here[name] - expected).max() <= tolerance * np.abs(expected).max(), name
    found = last.ledger.rows()
    for name, value in reference.ledger.rows().items():
        scale = reference.ledger.totals[f"{name[:5]}_injected"]
        assert abs(found[name] - value) <= tolerance * scale, name


def summary(case: Case, folder: Path, comm: MPI.Comm) -> dict[str, Any]:
    """The summary of a run, on every rank of the communicator."""
    code = run_case(case, folder, comm, quiet=True)
    assert code == 0
    text = (folder / "summary.json").read_text() if comm.rank == 0 else None
    found: dict[str, Any] = json.loads(comm.bcast(text))
    return found


def numbers(tree: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number of a summary with its path."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from numbers(value, f"{path}.{key}")
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from numbers(value, f"{path}[{index}]")
    elif isinstance(tree, int | float) and not isinstance(tree, bool):
        yield path, float(tree)


RESULTS = ("ledger", "tumour", "ablation", "spill", "blood", "lymph", "pressure", "fissured", "front")
EQUAL = ("time", "geometry", "status", "case")
ROUND_OFF = ("residual_relative", "returned_fraction")
"""Rows that are zero but for round-off, so that they have no relative size."""
NOTHING = {"boundary_m3": 1e-6, "peak_concentration": 3e-3, "largest_ct_dose": 6e-2}
"""Values below these count as nothing: a pulse, 0.1 % of the inlet, a tenth of the lowest threshold; SI."""


@pytest.mark.parametrize(
    ("overrides", "tolerance"), [(FIXED, CLOSE), ((), DEFAULT)], ids=["tight", "default"]
)
@pytest.mark.parametrize("geometry", [("axisymmetric", "1.5"), ("3d", "0.75")], ids=["axisymmetric", "3d"])
def test_every_metric_of_the_spill_case(
    tmp_path: Path, geometry: tuple[str, str], overrides: tuple[str, ...], tolerance: float
) -> None:
    kind, cells = geometry
    settings = (f"geometry.kind={kind}", f"numerics.cells_per_front={cells}", "outputs.end=70 s", *overrides)
    case = load_case(SHIPPED / "spill.toml", settings)
    case = replace(case, figures=False)
    own = tmp_path / f"alone{COMM.rank}"
    own.mkdir()
    here = summary(case, tmp_path, COMM)
    alone = summary(case, own, MPI.COMM_SELF)
    assert here["ranks"] == COMM.size
    assert [here[key] for key in EQUAL] == [alone[key] for key in EQUAL]
    expected = dict(numbers({key: alone[key] for key in RESULTS}))
    found = dict(numbers({key: here[key] for key in RESULTS}))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if not name.endswith(ROUND_OFF):
            floor = tolerance * NOTHING.get(name.rpartition(".")[2], 0.0)
            assert found[name] == pytest.approx(value, rel=tolerance, abs=floor), name

# SPDX-License-Identifier: MIT
"""Many cases in one process: results as alone, mesh and discretisation made once."""

import json
from pathlib import Path
from typing import Any

from mpi4py import MPI

import pytest

from cases.case import Case
from cases.errors import ExitCode
from cases.reading.load import load_case
from cases.running import reuse as reused
from cases.running.run import run_case
from tests.case_files import REFERENCE

COARSE = ("numerics.cells_per_front=0.5", "outputs.end=61 s")


def case(*overrides: str) -> Case:
    return load_case(REFERENCE, (*COARSE, *overrides))


def results(folder: Path, comm: MPI.Comm) -> Any:
    """The summary without times, on every rank."""
    text = (folder / "summary.json").read_text() if comm.rank == 0 else None
    return {key: value for key, value in json.loads(comm.bcast(text)).items() if key != "timing"}


def made_by_all(folder: Path, comm: MPI.Comm) -> Path:
    folder.mkdir(exist_ok=True)
    comm.barrier()
    return folder


def test_what_can_be_shared_is_and_changes_nothing(
    tmp_path: Path, comm: MPI.Comm, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"meshes": 0, "discretisations": 0}

    def counted(name: str, kind: str) -> None:
        original = getattr(reused, name)

        def call(*arguments: Any) -> Any:
            made[kind] += 1
            return original(*arguments)

        monkeypatch.setattr(reused, name, call)

    counted("distribute", "meshes")
    counted("discretise", "discretisations")
    weaker, leakier, larger = (
        ("agent.concentration=2 g/L",),
        ("tissues.tumour.hydraulic_conductivity=4e-14 m^2/(Pa s)",),
        ("geometry.tumour.radius=12 mm",),
    )
    cases = [case(*overrides) for overrides in ((), weaker, leakier, larger)]
    folders = [tmp_path / str(number) for number in range(4)]
    shared = reused.Reuse()
    for one, folder in zip(cases, folders, strict=True):
        assert run_case(one, made_by_all(folder, comm), comm, True, shared) == ExitCode.DONE
    assert made == {"meshes": 2, "discretisations": 3}
    for number in (1, 3):
        alone = made_by_all(tmp_path / f"alone{number}", comm)
        run_case(cases[number], alone, comm, quiet=True)
        assert results(alone, comm) == results(folders[number], comm)

# SPDX-License-Identifier: MIT
"""Batches of a sweep whose cases fail, are somebody else's, or were killed at a bad moment; radial cases."""

import json
from dataclasses import replace
from pathlib import Path

from mpi4py import MPI

import pytest

from cases.cli import main
from cases.commands.sweep import prepared, status_counts
from cases.errors import ExitCode
from cases.sweeps import lease, worker
from cases.sweeps.expand import load_sweep
from cases.sweeps.folder import Plan, SweepFolder, make_plan
from cases.sweeps.lease import Lease
from cases.sweeps.mask import MASK, Sampler
from cases.sweeps.table import write_table
from cases.sweeps.worker import run_batch
from tests.case_files import REFERENCE

pytestmark = pytest.mark.serial

SWEEP = """
name = "quick"
case = "{case}"
set = ["geometry.kind=radial", "numerics.cells_per_front=2", "outputs.end=70 s"]
{more}
[[axis]]
key = "injection.0.volume"
values = ["0.2 mL", "0.4 mL"]
"""


def written(folder: Path, more: str = "") -> Path:
    path = folder / "quick.toml"
    path.write_text(SWEEP.format(case=REFERENCE, more=more), encoding="utf-8")
    return path


def planned(folder: Path, more: str = "") -> tuple[SweepFolder, Plan]:
    sweep = load_sweep(written(folder, more))
    plan, _ = prepared(sweep, make_plan(sweep))
    root = SweepFolder(folder / "out")
    root.write_plan(plan)
    return root, plan


def changed(path: Path, section: str, **more: object) -> None:
    """Write other values into a section of a summary, or into its top."""
    summary = json.loads(path.read_text("utf-8"))
    (summary[section] if section else summary).update(more)
    path.write_text(json.dumps(summary), encoding="utf-8")


def test_a_failure_that_nobody_lived_to_write_down_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the summary: the same table as with failure.json, and run again when asked to."""
    folder, plan = planned(tmp_path)
    assert run_batch(folder, 0, MPI.COMM_SELF) == ExitCode.DONE
    early, odd = (folder.case(job.identity) for job in plan.jobs)
    changed(early / "summary.json", "", status="incomplete", reason="step too small")
    changed(odd / "summary.json", "concentration", max_relative=1.5)
    assert status_counts(folder, plan) == {"done": 0, "failed": 2, "open": 0}
    write_table(folder, plan)
    silent = (folder.root / "table.csv").read_bytes()
    worker._settle(early, "summary", ExitCode.DIVERGED, "diverged")
    worker._settle(odd, "summary", ExitCode.UNPHYSICAL, "unphysical")
    write_table(folder, plan)
    assert (folder.root / "table.csv").read_bytes() == silent
    assert b",failed,step too small," in silent and b",failed,unphysical," in silent
    (odd / "failure.json").unlink()
    # killed while the failures are forgotten: none becomes a result
    remove, gone = Path.unlink, []

    def once(path: Path, missing_ok: bool = False) -> None:
        if gone:
            raise KeyboardInterrupt
        gone.append(path)
        remove(path, missing_ok)

    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(Path, "unlink", once)
        folder.forget_failures(plan.jobs)
    assert status_counts(folder, plan)["done"] == 0
    assert folder.forget_failures(plan.jobs) == 2
    assert status_counts(folder, plan)["open"] == 2


def test_an_agent_that_blood_brings_may_exceed_the_inlet(tmp_path: Path) -> None:
    folder, plan = planned(tmp_path)
    run_batch(folder, 0, MPI.COMM_SELF)
    one = folder.case(plan.jobs[0].identity)
    changed(one / "summary.json", "concentration", inlet_kg_m3=2.0, max_relative=1.5)
    assert folder.failure(one.name) is not None
    resolved = one / "resolved.toml"
    text = resolved.read_text().replace("plasma_concentration = 0.0", "plasma_concentration = 4.0")
    resolved.write_text(text)
    assert folder.failure(one.name) is None


def test_a_case_under_a_lease_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the batch does not end as if it were done."""
    monkeypatch.setattr(lease, "BEAT", 0.05)
    folder, plan = planned(tmp_path)
    with Lease(folder.lease(plan.jobs[0].identity)) as theirs:
        assert theirs.take()
        assert run_batch(folder, 0, MPI.COMM_SELF) == ExitCode.OUTPUT
        assert [folder.is_done(job.identity) for job in plan.jobs] == [False, True]


def test_a_batch_waits_for_the_case_of_a_node_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease is fresh when the batch is started again elsewhere; a try that is soon over would be lost."""
    monkeypatch.setattr(lease, "BEAT", 0.1)
    monkeypatch.setattr(lease, "STALE", 2.0)
    folder, plan = planned(tmp_path)
    path = folder.lease(plan.jobs[0].identity)
    path.parent.mkdir()
    path.write_text(json.dumps({"host": "node-b", "process": 1}))
    assert run_batch(folder, 0, MPI.COMM_SELF) == ExitCode.DONE
    assert all(folder.is_done(job.identity) for job in plan.jobs)
    assert not list(path.parent.iterdir())


def test_a_sweep_started_twice_is_run_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From another machine too: its plan and its engine's locks stay."""
    folder, _ = planned(tmp_path)
    locks = folder.root / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (folder.root / "controller.json").write_text(json.dumps({"host": "node-b", "process": 1}))
    before = (folder.root / "plan.json").read_bytes()
    grown = written(tmp_path)
    grown.write_text(grown.read_text().replace('"0.4 mL"', '"0.4 mL", "0.5 mL"'))
    for engine in ("serial", "snakemake"):
        assert main(["sweep", str(grown), "--out", str(folder.root), "--engine", engine]) == ExitCode.OUTPUT
        assert "being run by process 1 on node-b" in capsys.readouterr().err
    assert (folder.root / "plan.json").read_bytes() == before and locks.exists()


def test_one_map_is_for_one_kind_of_geometry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused before anything is run; a case that is no fit for the map all the same is a row."""
    path = written(tmp_path, "[probability]\n")
    both = '[[axis]]\nkey = "geometry.kind"\nvalues = ["radial", "axisymmetric"]\n'
    path.write_text(path.read_text() + both)
    told = ["sweep", str(path), "--out", str(tmp_path / "no"), "--engine", "serial"]
    assert main(told) == ExitCode.INVALID
    assert "geometry.kind of axisymmetric and radial" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()
    folder, plan = planned(tmp_path, "[probability]\n")
    first, second = plan.jobs
    flat = tuple(word.replace("kind=radial", "kind=axisymmetric") for word in second.overrides)
    plan = replace(plan, jobs=(first, replace(second, overrides=flat)))
    folder.write_plan(plan)
    assert run_batch(folder, 0, MPI.COMM_SELF) == ExitCode.DONE
    assert folder.failure(first.identity) is None and (folder.case(first.identity) / MASK).exists()
    assert "for radial cases" in (folder.failure(second.identity) or {})["reason"]


def test_a_case_that_cannot_be_sampled_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("array of another shape")

    monkeypatch.setattr(Sampler, "write", broken)
    folder, plan = planned(tmp_path, "[probability]\n")
    assert run_batch(folder, 0, MPI.COMM_SELF) == ExitCode.DONE
    failures = [folder.failure(job.identity) for job in plan.jobs]
    assert all(one and "array of another shape" in one["reason"] for one in failures)

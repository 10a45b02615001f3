# SPDX-License-Identifier: MIT
"""A real Slurm of one node: sweeps of one and of two ranks, and a time limit that a case outlives."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.kill_trials import differences
from cases.cli import main
from cases.errors import ExitCode, UserError
from cases.running.launch import require_ranks
from cases.sweeps.engine import SLURM_PROFILE
from tests.case_files import REFERENCE, SHIPPED

pytestmark = pytest.mark.serial

ROOT = Path(__file__).parents[1]
WITH_SLURM = ROOT / "tests" / "slurm" / "with_slurm"
SWEEP = """\
name = "small"
case = "{case}"
set = ["geometry.kind=radial", "numerics.cells_per_front=2", "outputs.end=70 s"]
batch = 2
ranks = {ranks}

[[axis]]
key = "injection.0.volume"
values = [{volumes}]

[cluster]
python = "{python}"
"""
ONE, TWO = '"0.1 mL", "0.2 mL", "0.3 mL"', '"0.1 mL"'
PATIENCE = 240.0
"""What a machine that is busy with something else is given [s]; nothing here waits for it."""


def environment(words: list[str], folder: Path) -> dict[str, str]:
    """Ours with this Slurm's, and `infusate` as a command."""
    program = folder / "infusate"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m cases.cli "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    # ranks that wait leave the core to others: Slurm's node has more cores than the machine may have
    waiting = {"OMPI_MCA_mpi_yield_when_idle": "1"}
    slurm = {"SLURM_CONF": words[0], "PATH": f"{folder}:{words[1]}", "PYTHONPATH": path}
    return {**os.environ, **waiting, **slurm}


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A Slurm that lives as long as this module: what a process has to know of it."""
    command = [str(WITH_SLURM), "sh", "-c", 'echo "$SLURM_CONF $PATH"; cat']
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        words = process.stdout.readline().split(maxsplit=1)
        if not words:
            process.wait()
            said = process.stderr.read()
            assert process.returncode == ExitCode.UNAVAILABLE, said
            pytest.skip(said.strip())
        yield environment([word.strip() for word in words], tmp_path_factory.mktemp("bin"))
        process.stdin.close()
        process.wait()


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """The shipped profile, but jobs are looked at sooner."""
    shipped = (SLURM_PROFILE / "config.yaml").read_text("utf-8")
    assert "checks: 20" in shipped
    folder = tmp_path / "profile"
    folder.mkdir()
    (folder / "config.yaml").write_text(shipped.replace("checks: 20", "checks: 10"), encoding="utf-8")
    return folder


def written(folder: Path, ranks: int, volumes: str) -> Path:
    """A sweep whose Python on the nodes, as in a container, is not the one that runs the sweep."""
    path, python = folder / f"small-{ranks}.toml", folder / f"python-{ranks}"
    python.write_text(
        f'#!/bin/sh\necho "$SLURM_PROCID" >>{python}.used\nexec {sys.executable} "$@"\n', "utf-8"
    )
    python.chmod(0o755)
    path.write_text(
        SWEEP.format(case=REFERENCE, ranks=ranks, volumes=volumes, python=python), encoding="utf-8"
    )
    return path


def wait_until(there: Callable[[], bool]) -> None:
    patience = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < patience
        time.sleep(0.02)


def test_sweeps_of_one_and_of_two_ranks(slurm: dict[str, str], profile: Path, tmp_path: Path) -> None:
    """Submitted, run and gathered: the same bytes as without Slurm."""
    sweeps = {ranks: written(tmp_path, ranks, volumes) for ranks, volumes in ((1, ONE), (2, TWO))}
    submitted = []
    for ranks, path in sweeps.items():
        command = ["infusate", "sweep", str(path), "--out", str(tmp_path / f"there-{ranks}"), "--quiet"]
        submitted.append(subprocess.Popen([*command, "--profile", str(profile)], env=slurm))
    for (ranks, path), engine in zip(sweeps.items(), ("serial", "snakemake"), strict=True):
        here = ["--out", str(tmp_path / f"here-{ranks}"), "--quiet", "--engine", engine]
        assert main(["sweep", str(path), *here]) == ExitCode.DONE
    for ranks, process in zip(sweeps, submitted, strict=True):
        log = tmp_path / f"there-{ranks}" / "engine.log"
        assert process.wait(PATIENCE) == ExitCode.DONE, log.read_text("utf-8")
        assert "has been submitted with SLURM jobid" in log.read_text("utf-8")
        for name in ("table.csv", "columns.json"):
            there, here = tmp_path / f"there-{ranks}" / name, tmp_path / f"here-{ranks}" / name
            assert there.read_bytes() == here.read_bytes()
    assert sorted((tmp_path / "python-2.used").read_text("utf-8").split()) == ["0", "1"]
    asked = said(slurm, "scontrol", "show", "job")
    assert asked.count("JobState=COMPLETED") >= 3
    assert "NumCPUs=2 NumTasks=2" in asked


def test_a_case_outlives_its_time_limit(slurm: dict[str, str], tmp_path: Path) -> None:
    """Slurm asks ahead of the limit; the job leaves a checkpoint, queues again, and loses nothing."""
    case = tmp_path / "case.toml"
    text = (SHIPPED / "spill.toml").read_text("utf-8")
    case.write_text(f"{text}\n[outputs]\nfigures = false\n", encoding="utf-8")
    (tmp_path / "out").mkdir()
    assert main(["run", str(case), "--out", str(tmp_path / "calm"), "--quiet"]) == ExitCode.DONE
    log, out = tmp_path / "job.log", tmp_path / "out"
    job = said(
        slurm, "sbatch", "--parsable", "--time=60", "--signal=B:USR1@300", f"--output={log}",
        str(SLURM_PROFILE / "case.sbatch"), str(case), str(out),
    ).strip()  # fmt: skip
    history = out / "history.csv"
    wait_until(lambda: history.exists() and history.read_bytes().count(b"\n") > 3)
    # held until Slurm has asked, however fast this machine is
    held = workers(slurm, job, out)
    for process in held:
        os.kill(process, signal.SIGSTOP)
    assert not (out / "summary.json").exists(), "ended before it could be held"
    said(slurm, "scontrol", "update", f"JobId={job}", "TimeLimit=4")
    wait_until(lambda: "asked to stop" in log.read_text("utf-8"))
    for process in held:
        os.kill(process, signal.SIGCONT)
    wait_until(lambda: ended(slurm, job))
    assert "Restarts=1" in said(slurm, "scontrol", "show", "job", job)
    assert "stopped at" in log.read_text("utf-8") and "goes on from checkpoint" in log.read_text("utf-8")
    assert not differences(out, tmp_path / "calm")


def test_a_port_that_was_free_a_moment_ago(tmp_path: Path) -> None:
    """The first ports that are found are somebody else's when Slurm's daemons come; it starts on others."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports, asked = f"{one.getsockname()[1]} {other.getsockname()[1]}", tmp_path / "asked"
        python = tmp_path / "python3"
        found = f'cat >"{asked}"; echo {ports}; exit'
        python.write_text(
            f'#!/bin/sh\n[ -e "{asked}" ] || {{ {found}; }}\nexec {sys.executable} "$@"\n', "utf-8"
        )
        python.chmod(0o755)
        path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(
            [str(WITH_SLURM), "sinfo", "--noheader"], env=os.environ | path, capture_output=True, text=True
        )
    if done.returncode == ExitCode.UNAVAILABLE:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert asked.exists() and done.stderr.count("on other ports") == 1 and "idle" in done.stdout


def said(slurm: dict[str, str], *command: str) -> str:
    """What a program of Slurm prints."""
    return subprocess.run(command, env=slurm, check=True, capture_output=True, text=True).stdout


def ended(slurm: dict[str, str], job: str) -> bool:
    """Whether a job is done; one that was put back gets the time that it needs."""
    now = said(slurm, "scontrol", "show", "job", job)
    assert "JobState=FAILED" not in now and "JobState=TIMEOUT" not in now, now
    if "JobState=PENDING" in now:
        said(slurm, "scontrol", "update", f"JobId={job}", "TimeLimit=60")
        time.sleep(0.5)
    return "JobState=COMPLETED" in now


def workers(slurm: dict[str, str], job: str, out: Path) -> list[int]:
    """Processes of a job that run the case."""
    rows = said(slurm, "scontrol", "listpids", job).splitlines()[1:]
    found = []
    for process in (int(row.split()[0]) for row in rows):
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        if b"python" in words[0] and str(out).encode() in words:
            found.append(process)
    return found


def test_a_job_over_several_nodes_may_have_as_many_ranks_as_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = len(os.sched_getaffinity(0))
    monkeypatch.setenv("SLURM_NTASKS", str(8 * cores))
    require_ranks(8 * cores, oversubscribe=False)
    with pytest.raises(UserError, match="would be slower"):
        require_ranks(8 * cores + 1, oversubscribe=False)


def test_copies_that_srun_starts_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not what somebody types into a shell that srun has started, nor a step of one task."""
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "4")
    out = tmp_path / "out"
    assert main(["run", str(REFERENCE), "--out", str(out)]) == ExitCode.RANKS
    assert "one of 4 copies" in capsys.readouterr().err and not out.exists()
    with monkeypatch.context() as typed:
        typed.setattr(sys.stdin, "isatty", lambda: True)
        require_ranks(1, oversubscribe=False)
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "1")
    require_ranks(1, oversubscribe=False)


def test_srun_tells_its_copies_apart_and_sbatch_starts_one(slurm: dict[str, str], tmp_path: Path) -> None:
    """The real variables: `srun infusate` is refused, `sbatch` with as many tasks is not."""
    told = ["infusate", "run", str(REFERENCE), "--out", str(tmp_path / "out")]
    found = subprocess.run(["srun", "-n", "2", *told], env=slurm, capture_output=True, text=True)
    assert found.returncode == ExitCode.RANKS and "one of 2 copies" in found.stderr
    assert not (tmp_path / "out").exists()
    script, log = tmp_path / "job", tmp_path / "job.log"
    check = "from cases.running.launch import require_ranks; require_ranks(2, False); print('one')"
    script.write_text(f'#!/bin/sh\n{sys.executable} -c "{check}"\n', encoding="utf-8")
    said(slurm, "sbatch", "--wait", "--ntasks=2", f"--output={log}", str(script))
    assert log.read_text("utf-8") == "one\n"


def test_a_machine_without_slurm_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    told = ["sweep", str(written(tmp_path, 1, ONE)), "--out", str(tmp_path / "out"), "--slurm"]
    assert main(told) == ExitCode.UNAVAILABLE
    assert "sbatch is not on the PATH" in capsys.readouterr().err

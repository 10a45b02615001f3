# SPDX-License-Identifier: MIT
"""What the engine of a sweep is told; it is not run here, and needs neither solver nor MPI to be told."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from cases.cli import main
from cases.errors import ExitCode
from cases.sweeps import engine
from cases.sweeps.engine import SLURM_PROFILE
from tests.case_files import REFERENCE

pytestmark = pytest.mark.serial

ROOT = Path(__file__).parents[1]
SWEEP = """
name = "told"
case = "{case}"
set = ["geometry.kind=radial", "numerics.cells_per_front=2", "outputs.end=70 s"]
{more}
[[axis]]
key = "injection.0.volume"
values = ["0.2 mL", "0.4 mL"]
"""


class Engine:
    """In place of Snakemake's process: keeps what it was started with, and does nothing."""

    started: ClassVar[dict[str, Any]] = {}
    pid = os.getpid()

    def __init__(self, command: list[str], env: dict[str, str], **_: object) -> None:
        Engine.started = {"command": command, "env": env}

    def wait(self) -> int:
        return 0


IDLE = SimpleNamespace(Popen=Engine, STDOUT=subprocess.STDOUT)


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> type[Engine]:
    monkeypatch.setattr(engine, "subprocess", IDLE)
    monkeypatch.setattr(engine.shutil, "which", lambda name: f"/opt/my tools/{name}")
    return Engine


def written(folder: Path, more: str = "") -> Path:
    path = folder / "told.toml"
    path.write_text(SWEEP.format(case=REFERENCE, more=more), encoding="utf-8")
    return path


def told(folder: Path, more: str = "", *options: str) -> dict[str, Any]:
    """The engine's configuration."""
    out = folder / "out"
    assert main(["sweep", str(written(folder, more)), "--out", str(out), *options]) == ExitCode.STOPPED
    return dict(json.loads((out / "engine.json").read_text("utf-8")))


def test_programs_may_stand_in_folders_with_spaces(
    tmp_path: Path, idle: type[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/my tools/python3")
    assert told(tmp_path)["start"] == "'/opt/my tools/python3'"
    assert told(tmp_path, "ranks = 2")["start"] == "'/opt/my tools/mpirun' -n 2 '/opt/my tools/python3'"
    # words of a shell stay words
    image = '[cluster]\npython = "apptainer exec image.sif python3"\n'
    assert told(tmp_path, f"ranks = 2\n{image}", "--slurm")["start"] == (
        "srun --mpi=pmix -n 2 apptainer exec image.sif python3"
    )


def test_the_sources_of_this_python_are_not_forced_on_another(
    tmp_path: Path, idle: type[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/theirs")
    told(tmp_path, "", "--slurm")
    assert idle.started["env"]["PYTHONPATH"] == os.pathsep.join([str(ROOT), "/theirs"])
    told(tmp_path, '[cluster]\npython = "apptainer exec image.sif python3"\n', "--slurm")
    assert idle.started["env"]["PYTHONPATH"] == "/theirs"
    # installed: beside us stand all packages of this Python
    monkeypatch.setattr(engine, "ROOT", tmp_path)
    monkeypatch.delenv("PYTHONPATH")
    told(tmp_path, "", "--slurm")
    assert "PYTHONPATH" not in idle.started["env"]


@pytest.mark.parametrize("name", ["config.yaml", "profile.yaml", "config.v9+.yaml"])
def test_a_profile_is_one_of_snakemake(
    tmp_path: Path, idle: type[Engine], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "profile"
    command = ["sweep", str(written(tmp_path)), "--out", str(tmp_path / "out"), "--profile", str(profile)]
    assert main(command) == ExitCode.MISSING_INPUT
    assert f"{profile}: no profile of Snakemake" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    profile.mkdir()
    (profile / name).touch()
    assert main(command) == ExitCode.STOPPED
    assert str(profile) in idle.started["command"]


@pytest.mark.parametrize("option", [["--slurm"], ["--profile", str(SLURM_PROFILE)]])
def test_options_that_contradict_one_another_are_refused(
    tmp_path: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["sweep", str(written(tmp_path)), "--out", str(tmp_path / "out"), "--engine", "serial"]
    assert main([*command, *option]) == ExitCode.USAGE
    assert f"{option[0]} on a cluster" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


WITHOUT_SOLVER = """
import sys
for name in ("mpi4py", "petsc4py", "dolfinx", "h5py"):
    sys.modules[name] = None
from cases.cli import main
from cases.sweeps import engine
from tests.test_sweep_engine import IDLE
engine.subprocess = IDLE
engine.shutil.which = lambda name: "/usr/bin/" + name
sweep, out, done = sys.argv[1:]
print(main(["sweep", sweep, "--out", out, "--slurm", "--quiet"]), main(["sweep", "report", done]))
"""


def test_a_login_node_needs_no_solver(tmp_path: Path) -> None:
    """A sweep is submitted and its page written by a Python without MPI, DOLFINx, PETSc and h5py."""
    path, done = written(tmp_path), tmp_path / "done"
    assert main(["sweep", str(path), "--out", str(done), "--engine", "serial", "--quiet"]) == ExitCode.DONE
    script = [sys.executable, "-c", WITHOUT_SOLVER, str(path), str(tmp_path / "out"), str(done)]
    found = subprocess.run(script, capture_output=True, text=True, cwd=ROOT)
    assert found.stdout.splitlines()[-1:] == ["75 0"], found.stdout + found.stderr
    assert (tmp_path / "out" / "plan.json").exists() and (done / "report.html").exists()

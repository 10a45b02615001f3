# SPDX-License-Identifier: MIT
"""The command line: runs that stop, are killed, fail or lose their disk, and go on as if nothing had been."""

import errno
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import kill_trials
from benchmarks.kill_trials import descendants, differences
from cases.cli import main
from tests.case_files import SHIPPED

pytestmark = pytest.mark.serial

ROOT = Path(__file__).parents[1]
SPILL = [str(SHIPPED / "spill.toml"), "--set", "outputs.figures=false", "--quiet"]
LIMIT = 60_000
"""Bytes that no file may pass: more than a checkpoint has, less than the fields."""
LONGER = ["--set", "geometry.kind=axisymmetric", "--set", "numerics.cells_per_front=3"]


def run(folder: Path, *arguments: str) -> int:
    """Run the case in this process."""
    return main(["run", *SPILL, "--out", str(folder), *arguments])


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the case in a process of its own, which ends with the test."""
    command = [sys.executable, "-m", "cases.cli", "run", *SPILL, *LONGER, "--out", str(folder), *arguments]
    process = subprocess.Popen([*command, "--oversubscribe"], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(there: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until a run has got somewhere."""
    patience = time.monotonic() + 60.0
    while not there():
        assert process.poll() is None and time.monotonic() < patience, process.communicate()[1]
        time.sleep(0.02)


def stepping(folder: Path, steps: int = 5) -> Callable[[], bool]:
    """Whether a run has taken some steps."""

    def there() -> bool:
        path = folder / "history.csv"
        return path.exists() and path.read_bytes().count(b"\n") > steps

    return there


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "result"
    assert run(folder) == 0
    return folder


@pytest.mark.usefixtures("ticking")
def test_a_run_that_stops_again_and_again_is_the_run_that_never_did(whole: Path, tmp_path: Path) -> None:
    codes = [run(tmp_path, "--resume", "--stop-after", time) for time in ("0", "5", "5")]
    assert codes == [75, 75, 75] and not (tmp_path / "summary.json").exists()
    assert not (tmp_path / "fields.vtkhdf").exists()
    assert run(tmp_path, "--resume") == 0
    assert differences(whole, tmp_path) == []
    facts = json.loads((tmp_path / "summary.json").read_text())
    assert facts["timing"]["resumed"] == codes.count(75)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert run(tmp_path, "--resume") == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


@pytest.mark.usefixtures("ticking")
def test_a_damaged_checkpoint_is_passed_over_and_none_left_is_an_error(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--stop-after", "20", "--checkpoint-every", "0") == 75
    folders = sorted((tmp_path / "checkpoint").glob("0*"))
    assert len(folders) == 3
    (folders[-1] / "state.json").write_text("{}")
    assert run(tmp_path, "--resume", "--stop-after", "0") == 75
    assert f"checkpoint {folders[-1].name}: state.json has 2 bytes" in capsys.readouterr().err
    for folder in (tmp_path / "checkpoint").glob("0*"):
        (folder / "state.json").write_text("{}")
    assert run(tmp_path, "--resume") == 76
    assert "no checkpoint can be used; --overwrite starts the case again" in capsys.readouterr().err
    assert run(tmp_path, "--overwrite") == 0
    assert differences(whole, tmp_path) == []


def test_a_history_that_was_touched_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--stop-after", "0") == 75
    history = tmp_path / "history.csv"
    history.write_text(history.read_text().replace("0.0", "0.1", 1))
    assert run(tmp_path, "--resume") == 76
    assert "history.csv is not as it was written" in capsys.readouterr().err


def test_another_case_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--stop-after", "0") == 75
    assert run(tmp_path, "--resume", "--set", 'geometry.tumour.radius="7 mm"') == 76
    assert "geometry.semi_axes[0] is 0.007 now and was 0.006" in capsys.readouterr().err
    assert run(tmp_path) == 73
    assert "--resume goes on from its last checkpoint, --overwrite" in capsys.readouterr().err
    (tmp_path / "mine.txt").write_text("mine")
    assert run(tmp_path, "--resume") == 73


def test_when_checkpoints_are_kept_is_no_part_of_the_case(tmp_path: Path) -> None:
    assert run(tmp_path, "--stop-after", "0") == 75
    more = ("--set", 'checkpoint.interval="1 s"', "--set", 'checkpoint.at=["pulses", "outputs"]')
    assert run(tmp_path, "--resume", *more, "--stop-after", "1e9") == 0
    log = (tmp_path / "log.txt").read_text()
    assert len(re.findall(r"^checkpoint 00000\d at t = (0|60) s", log, re.MULTILINE)) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
@pytest.mark.parametrize("ranks", ["1", "2"])
def test_a_signal_stops_a_run_with_a_checkpoint(ranks: str, number: int, tmp_path: Path) -> None:
    with started(tmp_path, "--ranks", ranks) as process:
        wait_for(stepping(tmp_path), process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 75, errors
    asked = signal.SIGUSR1 if ranks == "2" else number
    assert f"by {signal.Signals(asked).name}; its state is kept, --resume goes on" in errors
    assert errors.count("\n") == 1
    assert (tmp_path / "checkpoint" / "000001" / "manifest.json").exists()


def test_a_run_that_is_killed_at_random_moments_is_the_run_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few of the trials that `benchmarks/kill_trials.py` makes by the dozen."""
    monkeypatch.setattr(kill_trials, "SETTINGS", (*LONGER[1::2], "outputs.figures=false"))
    monkeypatch.setattr(kill_trials, "MOST", 3)
    length = kill_trials.undisturbed(tmp_path / "reference", 1)
    outcome = kill_trials.trial(tmp_path / "trial", 1, random.Random(11), 0.9 * length)
    assert outcome.problems == [] and outcome.kills > 0
    assert differences(tmp_path / "reference", tmp_path / "trial") == []


def test_a_rank_that_is_killed_ends_all_and_nothing_looks_finished(tmp_path: Path) -> None:
    with started(tmp_path, "--ranks", "2", "--checkpoint-every", "0") as process:
        wait_for(lambda: (tmp_path / "checkpoint" / "000002").exists(), process)
        ranks = [pid for pid, kind in descendants(process.pid) if kind == "rank"]
        assert len(ranks) == 2
        os.kill(ranks[1], signal.SIGKILL)
        _, errors = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "Traceback" not in errors
    assert not {"summary.json", "fields.vtkhdf", "report.html"} & {path.name for path in tmp_path.iterdir()}
    assert main(["run", *SPILL, *LONGER, "--out", str(tmp_path), "--resume"]) == 0
    assert "goes on from checkpoint" in (tmp_path / "log.txt").read_text()


ONE_RANK_FAILS = """
import sys
from mpi4py import MPI
from solver.simulate import TimeLoop

advance = TimeLoop.advance

def fail(loop):
    if MPI.COMM_WORLD.rank == 1 and loop.snapshot.index == 3:
        raise OSError(5, "Input/output error", "a file system that has gone")
    return advance(loop)

TimeLoop.advance = fail
from cases.running.request import Request
from cases.running.worker import work
sys.exit(work(Request(case=sys.argv[1], out=sys.argv[2], ranks=2, quiet=True)))
"""


def test_a_rank_that_raises_ends_all_with_one_message(tmp_path: Path) -> None:
    command = ["mpirun", "-n", "2", sys.executable, "-c", ONE_RANK_FAILS, SPILL[0], str(tmp_path)]
    launcher = (
        "import sys\nfrom cases.running import launch\nsys.exit(launch.run_forwarding_signals(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", launcher, *command], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 74, done.stderr
    assert done.stderr == "error: a file system that has gone: Input/output error\n"
    assert not (tmp_path / "summary.json").exists() and not (tmp_path / "fields.vtkhdf").exists()


def test_numerics_that_fail_leave_a_checkpoint_and_say_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = ("--set", "numerics.newton_limit=2", "--set", 'numerics.smallest_step="0.05 s"')
    assert run(tmp_path, *limits) == 70
    error = capsys.readouterr().err
    assert re.search(
        r"is worst at \([0-9.]+\) mm in the tumour: .* try a smaller numerics\.first_step", error
    )
    found = json.loads((tmp_path / "summary.json").read_text())
    assert found["status"] == "incomplete" and found["reason"] in error
    assert found["trouble"]["field"] == "interstitial_fluid_pressure"
    assert found["trouble"]["region"] == "tumour" and len(found["trouble"]["position"]) == 1
    assert (tmp_path / "checkpoint" / "000001" / "manifest.json").exists()
    # the same again: nothing was worn out by the attempt
    assert run(tmp_path, *limits, "--resume") == 70
    assert json.loads((tmp_path / "summary.json").read_text())["reason"] == found["reason"]


def test_two_runs_do_not_write_into_one_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cases.running import resume

    monkeypatch.setattr(resume, "WAIT", 0.2)
    with resume.claimed(tmp_path):
        assert run(tmp_path, "--resume") == 73
    assert "another run is writing in it" in capsys.readouterr().err
    assert run(tmp_path, "--resume", "--stop-after", "0") == 75


@pytest.mark.usefixtures("ticking")
def test_a_checkpoint_that_finds_no_room_does_not_end_a_run(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("cases.running.keeper.save", full)
    assert run(tmp_path, "--checkpoint-every", "5") == 0
    assert "checkpoint not written: No space left on device; the run goes on" in capsys.readouterr().err
    assert differences(whole, tmp_path) == []
    assert run(tmp_path, "--overwrite", "--stop-after", "0") == 74
    assert not (tmp_path / "summary.json").exists()


@pytest.mark.usefixtures("ticking")
def test_a_limit_on_the_size_of_files_loses_nothing(whole: Path, tmp_path: Path) -> None:
    """What a full disk does to writers; the limit is between a checkpoint and the fields of the end."""
    assert run(tmp_path, "--stop-after", "20") == 75
    arguments = ["infusate", "run", *SPILL, "--out", str(tmp_path), "--resume"]
    code = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from cases.cli import program
from mpi4py import MPI
resource.setrlimit(resource.RLIMIT_FSIZE, ({LIMIT}, {LIMIT}))
sys.argv = {arguments!r}
sys.exit(program())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 74, done.stderr
    assert done.stderr.endswith(f"error: {tmp_path / 'fields.vtkhdf'}: File too large\n")
    assert not (tmp_path / "summary.json").exists()
    assert run(tmp_path, "--resume") == 0
    assert differences(whole, tmp_path) == []

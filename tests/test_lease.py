# SPDX-License-Identifier: MIT
"""Leases: held by one, taken over from the dead alone, by one of several; and a sweep has one controller."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cases.errors import ExitCode, UserError
from cases.sweeps import control, lease
from cases.sweeps.control import controlled
from cases.sweeps.folder import CONTROLLER, PLAN, SweepFolder
from cases.sweeps.lease import Lease, began, identity_of, lives, wait_for_one

pytestmark = pytest.mark.serial

HERE = socket.gethostname()


def left(path: Path, age: float = 0.0, **owner: object) -> Path:
    """The lease of somebody who last beat so long ago."""
    path.write_text(json.dumps(owner))
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def taken(path: Path) -> bool:
    with Lease(path) as mine:
        return mine.take()


def ended_child() -> int:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    return child.pid


def test_a_lease_is_held_by_one(tmp_path: Path) -> None:
    with Lease(tmp_path / "one") as mine:
        assert mine.take()
        assert not taken(tmp_path / "one")
        assert (tmp_path / "one").exists()
    assert not list(tmp_path.iterdir())


def test_a_lease_of_the_dead_is_taken_over(tmp_path: Path) -> None:
    assert taken(left(tmp_path / "left", host=HERE, process=ended_child()))
    assert not taken(left(tmp_path / "far", host="another", process=1))
    assert taken(left(tmp_path / "far", age=100.0, host="another", process=1))
    assert not list(tmp_path.iterdir())


def test_a_number_that_another_process_has_now_is_no_sign_of_life(tmp_path: Path) -> None:
    """After a reboot, say, when the number is that of a daemon for ever."""
    assert taken(left(tmp_path / "boot", host=HERE, process=os.getpid(), began="another boot:1"))
    # who does not say when it began is believed as one of another machine is
    assert not taken(left(tmp_path / "young", host=HERE, process=os.getpid()))
    assert taken(left(tmp_path / "old", age=100.0, host=HERE, process=1))
    assert taken(left(tmp_path / "damaged", age=100.0, host=HERE))


@pytest.mark.skipif(began(os.getpid()) is None, reason="this system does not say when processes began")
def test_a_process_that_was_suspended_keeps_its_lease(tmp_path: Path) -> None:
    assert not taken(left(tmp_path / "slept", age=1000.0, **identity_of(os.getpid())))


def test_two_that_find_one_lease_left_are_not_both_its_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second has judged when the first takes over: it must not take that away."""
    path = left(tmp_path / "left", host=HERE, process=ended_child())
    first, second = Lease(path), Lease(path)
    look = second._left
    won: list[bool] = []

    def judged() -> bytes | None:
        found = look()
        if not won:
            won.append(first.take())
        return found

    monkeypatch.setattr(second, "_left", judged)
    with first, second:
        assert not second.take()
        assert won == [True] and first._mine()
        assert list(tmp_path.iterdir()) == [path]
    assert not list(tmp_path.iterdir())


def test_of_many_one_takes_over(tmp_path: Path) -> None:
    for _ in range(20):
        path = left(tmp_path / "left", host="another", process=1, age=100.0)
        leases, winners = [Lease(path) for _ in range(6)], []
        start = threading.Barrier(len(leases))

        def run(one: Lease, start: threading.Barrier = start, winners: list[Lease] = winners) -> None:
            start.wait()
            if one.take():
                winners.append(one)

        threads = [threading.Thread(target=run, args=(one,)) for one in leases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(winners) == 1
        for one in leases:
            one.__exit__(None, None, None)
        assert not list(tmp_path.iterdir())


def test_whoever_was_killed_while_taking_over_is_followed(tmp_path: Path) -> None:
    path = left(tmp_path / "left", host="another", process=1, age=100.0)
    import hashlib

    turn = tmp_path / f"left.after-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    turn.touch()
    assert not taken(path) and turn.exists()
    os.utime(turn, (time.time() - 100, time.time() - 100))
    assert not taken(path) and not turn.exists()
    assert taken(path)


def test_an_owner_that_was_followed_lets_the_lease_be(tmp_path: Path) -> None:
    path = tmp_path / "one"
    with Lease(path) as mine:
        assert mine.take()
        left(path, host="another", process=1)
    assert path.exists()


def test_waiting_ends_where_a_lease_is_free_or_its_owner_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "BEAT", 0.05)
    monkeypatch.setattr(lease, "STALE", 0.5)
    assert wait_for_one([tmp_path / "nobody"])
    # silent until it counts as left
    assert wait_for_one([left(tmp_path / "far", host="another", process=1)])
    with Lease(tmp_path / "one") as mine:
        assert mine.take()
        assert not wait_for_one([tmp_path / "one"])


def test_a_process_that_has_ended_is_not_at_work() -> None:
    """Also while nobody has asked how it ended, as in a container whose first process asks about nobody."""
    assert lives(os.getpid()) and not lives(0)
    child = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.read() == b""
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    os.kill(child.pid, 0)
    assert not lives(child.pid)
    child.wait()
    assert not lives(child.pid)


def refused(folder: SweepFolder) -> str:
    with pytest.raises(UserError) as caught, controlled(folder):
        pass
    assert caught.value.code == ExitCode.OUTPUT
    return str(caught.value)


def test_a_sweep_has_one_controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also from another login node, which cannot see the process; a reused number does not hold it."""
    monkeypatch.setattr(control, "PATIENCE", 0.2)
    folder = SweepFolder(tmp_path / "sweep")
    path = folder.root / CONTROLLER
    with controlled(folder) as held:
        assert json.loads(path.read_text())["process"] == os.getpid()
        assert f"process {os.getpid()} on {HERE}" in refused(folder)
        held.tell(engine=identity_of(os.getpid()))
        assert json.loads(path.read_text())["engine"]["process"] == os.getpid()
    assert not path.exists()
    left(path, host="node-b", process=1)
    assert "process 1 on node-b" in refused(folder)
    left(path, host="node-b", process=1, age=100.0)
    with controlled(folder):
        pass
    left(path, host=HERE, process=os.getpid(), began="another boot:1")
    with controlled(folder):
        pass
    # killed, but its engine is still at work
    left(path, host=HERE, process=ended_child(), engine=identity_of(os.getpid()))
    assert f"process {os.getpid()}" in refused(folder)
    assert path.exists()


def test_a_folder_of_something_else_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    assert "holds no sweep" in refused(SweepFolder(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    (tmp_path / PLAN).write_text("{}")
    with controlled(SweepFolder(tmp_path)):
        assert (tmp_path / CONTROLLER).exists()

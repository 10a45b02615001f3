# SPDX-License-Identifier: MIT
"""What a run says of its way while it runs."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cases.reading.load import load_case
from cases.running import progress as module
from cases.running.progress import Progress
from tests.case_files import MINIMAL, written

pytestmark = pytest.mark.serial


def snapshot(time: float) -> Any:
    """As much of one as a line tells."""
    ledger = SimpleNamespace(agent_residual=lambda: 0.0)
    numbers = {"step": 1.0, "index": 1, "highest_pressure": 1e3, "lowest": 0.0, "highest": 1.0}
    return SimpleNamespace(time=time, flow_step=SimpleNamespace(iterations=1), ledger=ledger, **numbers)


def told(way: list[tuple[float, float]], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    """Seconds left as told at shares of the simulated time and their wall times; None where nothing is."""
    case = load_case(written(folder, MINIMAL))
    clock = [0.0]
    monkeypatch.setattr(module, "perf_counter", lambda: clock[0])
    progress = Progress(case, folder, 0, False)
    capsys.readouterr()
    for share, wall in way:
        clock[0] = wall
        progress.step(snapshot(share * case.model.schedule.end))
    progress.close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(way)
    found = [re.search(r"(\d+) s left$", line) for line in lines]
    return [int(match.group(1)) if match else None for match in found]


def test_no_time_left_before_some_per_cent_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Set-up and the short first steps say nothing of the rest."""
    way = [(0.0, 20.0), (1e-4, 23.0), (0.04, 26.0), (0.1, 30.0), (0.5, 40.0), (1.0, 50.0)]
    assert told(way, tmp_path, monkeypatch, capsys) == [None, None, None, 90, 20, 0]


def test_time_left_of_a_resumed_run_is_that_of_its_own_pace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    way = [(0.5, 5.0), (0.51, 10.0), (0.75, 25.0), (1.0, 45.0)]
    assert told(way, tmp_path, monkeypatch, capsys) == [None, None, 20, 0]

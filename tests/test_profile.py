# SPDX-License-Identifier: MIT
"""Stages add up to the whole, each without the stages within it."""

import time

import pytest

from solver.profile import STAGES, Profile

pytestmark = pytest.mark.serial


def test_a_stage_within_another_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    profile = Profile()
    now[0] += 1.0
    for _ in range(2):
        with profile.stage("transport"):
            now[0] += 2.0
            with profile.stage("limiter"):
                now[0] += 3.0
                with profile.stage("pressure"):
                    now[0] += 4.0
            now[0] += 5.0
    timing = profile.timing()
    expected = dict.fromkeys(STAGES, 0.0) | {"transport": 14.0, "limiter": 6.0, "pressure": 8.0, "other": 1.0}
    assert timing == {"total_s": 29.0, "stages": expected}


def test_a_stage_that_fails_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    profile = Profile()
    with pytest.raises(ValueError, match="no"), profile.stage("transport"), profile.stage("limiter"):
        now[0] += 1.0
        raise ValueError("no")
    with profile.stage("output"):
        now[0] += 2.0
    found = profile.timing()["stages"]
    assert isinstance(found, dict)
    assert {name: found[name] for name in ("transport", "limiter", "output", "other")} == {
        "transport": 0.0,
        "limiter": 1.0,
        "output": 2.0,
        "other": 0.0,
    }

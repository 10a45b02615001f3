# SPDX-License-Identifier: MIT
"""The suite runs on one rank and on several: ``pytest tests`` and ``mpirun -n 2 python3 -m pytest tests``.

Every rank runs every test, except those marked ``serial``. A failure on one rank would leave the others
waiting in a collective call, so it ends all of them.
"""

import gc
import io
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from types import SimpleNamespace

from mpi4py import MPI

import pytest

from cases.about import remind_once, state_folder
from tests.data_folder import SHARED

COMM = MPI.COMM_WORLD


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let rank 0 alone print."""
    config.addinivalue_line("markers", "serial: runs on one rank only")
    # what is kept about a user is not ours to write: no test is somebody's first run
    state = os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="infusate-state-")
    config.add_cleanup(lambda: shutil.rmtree(state, ignore_errors=True))
    with redirect_stderr(io.StringIO()):
        remind_once(state_folder())
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if COMM.rank > 0 and reporter is not None:
        reporter._tw._file = open(os.devnull, "w")  # noqa: SIM115


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave serial tests out on several ranks."""
    if COMM.size == 1:
        return
    chosen = [item for item in items if item.get_closest_marker("serial") is None]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Say on which rank a test failed, and end all ranks."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.failed and COMM.size > 1:
        print(
            f"rank {COMM.rank}: {item.nodeid} failed\n{report.longreprtext}", file=sys.__stderr__, flush=True
        )
        COMM.Abort(1)


@pytest.fixture(autouse=True)
def _meet() -> Iterator[None]:
    """Free collective objects at the same place on all ranks; on one it would cost a second a test."""
    yield
    if COMM.size > 1:
        gc.collect()
        COMM.barrier()


@pytest.fixture
def comm() -> MPI.Comm:
    """All ranks."""
    return COMM


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A temporary folder, the same on all ranks."""
    folder = tmp_path_factory.mktemp("case") if COMM.rank == 0 else None
    return COMM.bcast(folder)


@pytest.fixture
def shared() -> Path:
    """Segmentations and meshes that are not part of the repository."""
    if not SHARED.is_dir():
        pytest.skip("shared/data is not beside the repository")
    return SHARED


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wall time as the keeper of checkpoints sees it: a second more each time it looks, on any machine."""
    clock = SimpleNamespace(monotonic=itertools.count().__next__, time=time.time)
    monkeypatch.setattr("cases.running.keeper.time", clock)

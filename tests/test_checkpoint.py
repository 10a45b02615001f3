# SPDX-License-Identifier: MIT
"""Checkpoints on disk: whole or not there, damage noticed, the last three kept."""

import errno
import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import solver.results.checkpoint as checkpoint
from solver.results.checkpoint import KEPT, find, load, save
from solver.results.placement import Placement
from solver.tissue.discretisation import Discretisation
from tests.coarse import discretised, full_model, pulse

pytestmark = pytest.mark.serial


@pytest.fixture(scope="module")
def data() -> Discretisation:
    return discretised("radial", full_model((pulse(0.0, 10.0),)))


def kept(folder: Path, data: Discretisation, number: int) -> Path:
    arrays = {"field": np.full(data.volume.size, float(number)), "few": np.array([number])}
    return save(folder, ({"number": number}, arrays), Placement(data), {"number": number}, "1")


def newest(folder: Path) -> tuple[int | None, list[str]]:
    found, passed = find(folder, lambda _: None, "1")
    return (found.facts["number"] if found else None), passed


def test_the_last_three_stay(tmp_path: Path, data: Discretisation) -> None:
    for number in range(5):
        kept(tmp_path, data, number)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000003", "000004", "000005"]
    assert KEPT == 3
    assert newest(tmp_path) == (4, [])
    found, _ = find(tmp_path, lambda _: None, "1")
    assert found is not None
    tree, arrays = load(found, Placement(data))
    assert tree == {"number": 4}
    assert np.array_equal(arrays["field"], np.full(data.volume.size, 4.0)) and arrays["few"].tolist() == [4]


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def nested(path: Path) -> None:
    path.write_text("[" * 100_000)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "flipped": flipped,
    "shortened": shortened,
    "emptied": emptied,
    "gone": lambda path: path.unlink(),
    "nested": nested,
}


@pytest.mark.parametrize("name", ["rank-0.npz", "state.json", "manifest.json"])
@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_one_is_passed_over(how: str, name: str, tmp_path: Path, data: Discretisation) -> None:
    for number in range(2):
        last = kept(tmp_path, data, number)
    DAMAGE[how](last / name)
    found, passed = newest(tmp_path)
    assert found == 0
    assert len(passed) == 1 and passed[0].startswith("checkpoint 000002: ")


def test_nothing_is_opened_before_its_hash_was_right(
    tmp_path: Path, data: Discretisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    flipped(kept(tmp_path, data, 0) / "rank-0.npz")

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(np, "load", refuse)
    monkeypatch.setattr(zipfile, "ZipFile", refuse)
    assert newest(tmp_path)[0] is None


@pytest.mark.parametrize("name", ["rank-0.npz", "state.json", "manifest.json"])
def test_a_disk_that_is_full_leaves_those_before(
    name: str, tmp_path: Path, data: Discretisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(tmp_path, data, 0)
    real = os.fsync

    def full(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(name):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        kept(tmp_path, data, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["000001"]
    assert newest(tmp_path) == (0, [])


def test_what_a_killed_writer_left_is_no_checkpoint(tmp_path: Path, data: Discretisation) -> None:
    kept(tmp_path, data, 0)
    partial = tmp_path / ".000002.partial"
    partial.mkdir()
    (partial / "rank-0.npz").write_bytes(b"half")
    assert newest(tmp_path) == (0, [])
    kept(tmp_path, data, 1)
    assert not partial.exists() and newest(tmp_path) == (1, [])


def test_arrays_that_would_grow_are_not_read(tmp_path: Path, data: Discretisation) -> None:
    """A file that packs much into little, with the manifest to go with it."""
    folder = kept(tmp_path, data, 0)
    np.savez_compressed(folder / "rank-0.npz", array=np.zeros(10**6))
    manifest = json.loads((folder / "manifest.json").read_text())
    content = (folder / "rank-0.npz").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    manifest["files"]["rank-0.npz"] = {"bytes": len(content), "sha256": digest}
    del manifest["digest"]
    manifest["digest"] = checkpoint._digest(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    found, _ = find(tmp_path, lambda _: None, "1")
    assert found is not None
    with pytest.raises(checkpoint.CheckpointError, match="would grow"):
        load(found, Placement(data))


def test_another_version_is_refused(tmp_path: Path, data: Discretisation) -> None:
    kept(tmp_path, data, 0)
    found, passed = find(tmp_path, lambda _: None, "2")
    assert found is None and "written by Infusate 1, this is 2" in passed[0]

# SPDX-License-Identifier: MIT
"""Kept meshes: made once, a damaged file is noticed, and the cache never stops a run."""

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from meshes.build import build_mesh, key_material
from meshes.cache import ARRAYS, cached
from meshes.cache_room import ABANDONED, cache_folder, evict, used
from meshes.geometry import (
    GeometryError,
    LabelGeometry,
    Mask,
    MeshInputError,
    MeshSizes,
    ParametricGeometry,
    Site,
)
from meshes.plain import PlainMesh

pytestmark = pytest.mark.serial
"""Nothing here is parallel."""

SIZES = MeshSizes(tip=1e-4, front=5e-4, front_radius=9e-3, surface=1e-3, far=1e-2)
SITE = Site(tip=(0.0, 0.0, 0.0), direction=(0.0, 0.0, -1.0), needle_radius=0.359e-3)
RADIAL = ParametricGeometry(
    kind="radial",
    semi_axes=(0.01, 0.01, 0.01),
    centre=(0.0, 0.0, 0.0),
    domain_radius=0.06,
    necrotic_fraction=0.0,
    capsule_thickness=0.0,
    sites=(SITE,),
    sizes=SIZES,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "infusate" / "meshes"


def never() -> PlainMesh:
    raise AssertionError("the mesh was built again")


def same(first: PlainMesh, second: PlainMesh) -> bool:
    arrays = all(np.array_equal(getattr(first, name), getattr(second, name)) for name in ARRAYS)
    return arrays and first.info == second.info and first.geometry == second.geometry


def test_a_mesh_is_built_once(cache: Path) -> None:
    built = build_mesh(RADIAL)
    assert cache_folder() == cache
    assert len(list(cache.iterdir())) == 1
    assert same(built, cached(key_material(RADIAL), never))


def test_another_description_is_another_mesh() -> None:
    build_mesh(RADIAL)
    finer = build_mesh(replace(RADIAL, sizes=replace(SIZES, front=4e-4)))
    assert finer.info["cells"] > build_mesh(RADIAL).info["cells"]


@pytest.mark.parametrize("name", ARRAYS)
def test_a_flipped_bit_is_noticed_and_the_mesh_made_again(cache: Path, name: str) -> None:
    built = build_mesh(RADIAL)
    (file,) = cache.iterdir()
    content = bytearray(file.read_bytes())
    content[content.index(getattr(built, name).tobytes()) + 1] ^= 4
    file.write_bytes(content)
    with pytest.raises(AssertionError, match="built again"):
        cached(key_material(RADIAL), never)
    assert same(built, build_mesh(RADIAL))
    assert same(built, cached(key_material(RADIAL), never))


@pytest.mark.parametrize("length", [0, 10, 1000])
def test_a_truncated_file_is_noticed(cache: Path, length: int) -> None:
    built = build_mesh(RADIAL)
    (file,) = cache.iterdir()
    file.write_bytes(file.read_bytes()[:length])
    assert same(built, build_mesh(RADIAL))


def test_a_failed_build_leaves_nothing(cache: Path) -> None:
    with pytest.raises(GeometryError):
        build_mesh(replace(RADIAL, domain_radius=0.005))
    assert not cache.exists() or not list(cache.iterdir())


def test_a_cache_that_cannot_be_written_costs_only_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert build_mesh(RADIAL).info["cells"] > 10
    assert "could not be kept" in caplog.text


def test_the_least_recently_used_go_first(cache: Path) -> None:
    """A mesh that was read again outlives one that was made after it; the last one used always stays."""
    sizes = [replace(SIZES, front=front) for front in (5e-4, 4e-4, 3e-4)]
    files = []
    for number, wanted in enumerate(sizes):
        build_mesh(replace(RADIAL, sizes=wanted))
        (file,) = set(cache.iterdir()) - set(files)
        os.utime(file, (number, number))
        files.append(file)
    build_mesh(replace(RADIAL, sizes=sizes[0]))
    assert used() == sum(file.stat().st_size for file in files)
    evict(cache, limit=files[0].stat().st_size + files[2].stat().st_size)
    assert [file.exists() for file in files] == [True, False, True]
    evict(cache, limit=1)
    assert [file.exists() for file in files] == [True, False, False]


def test_the_rest_of_a_killed_run_goes_after_a_day(cache: Path) -> None:
    cache.mkdir(parents=True)
    old, new = cache / "old.part", cache / "new.part"
    old.touch()
    new.touch()
    before = time.time() - 2 * ABANDONED
    os.utime(old, (before, before))
    build_mesh(RADIAL)
    assert new.exists() and not old.exists()


def test_a_label_map_counts_by_content(tmp_path: Path) -> None:
    first, second = tmp_path / "a.nii", tmp_path / "b.nii"
    first.write_bytes(b"one")
    second.write_bytes(b"one")
    described = LabelGeometry(
        tumour=(Mask(path=first),),
        organ=(),
        necrotic_core=(),
        margin=0.03,
        smoothing=None,
        sites=(SITE,),
        sizes=SIZES,
    )
    key = key_material(described)
    assert key == key_material(replace(described, tumour=(Mask(path=second),)))
    first.write_bytes(b"two")
    assert key != key_material(described)
    first.unlink()
    with pytest.raises(MeshInputError, match=r"a\.nii: cannot be read: No such file"):
        key_material(described)

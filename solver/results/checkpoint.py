# SPDX-License-Identifier: MIT
"""Checkpoints on disk: whole or not there, hashed before anything opens them, the last few kept.

A checkpoint is a folder ``000012`` with one file of arrays per rank, the state of the run as JSON, and a
manifest with the size and SHA-256 of both. It is made under another name and given its own when everything
in it is on the disk. Arrays are NumPy's: unlike HDF5, it survives a disk that is full.
"""

import hashlib
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray

from solver.memory import Arrays
from solver.results.placement import WHOLE, Placement, Rows

FORMAT: Final = 1
KEPT: Final = 3
"""Checkpoints that stay; an older one goes when a newer one is safe."""
MANIFEST: Final = "manifest.json"
STATE: Final = "state.json"
LARGEST_TEXT: Final = 1 << 28
"""Size beyond which no manifest or state is read [bytes]."""
_NUMBER: Final = re.compile(r"\d{6}")


class CheckpointError(RuntimeError):
    """No checkpoint can be used, or the one asked for is of something else."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A checkpoint whose files are those that were written.

    Attributes:
        folder: where it is.
        facts: what its writer said of it.
        ranks: how many wrote it.
        kinds: what the rows of its arrays belong to.
    """

    folder: Path
    facts: dict[str, Any]
    ranks: int
    kinds: dict[str, str]


def save(
    parent: Path, contents: tuple[Any, Arrays], placement: Placement, facts: dict[str, Any], version: str
) -> Path:
    """Write a checkpoint and drop those that are too many. Collective.

    Args:
        parent: folder of checkpoints, which is made.
        contents: tree and arrays, from `solver.memory.pack`; the tree is rank 0's.
        placement: of the rows of the arrays.
        facts: on rank 0, JSON-ready, what a reader must know before it opens anything.
        version: of the program.

    Returns:
        Its folder.

    Raises:
        OSError: on all ranks, when one of them could not write; those before are untouched.
    """
    comm, (tree, arrays) = placement.comm, contents
    kinds = placement.kinds(arrays)
    number = None
    if comm.rank == 0:
        number = 1 + max((int(folder.name) for folder in _folders(parent)), default=0)
    final = parent / f"{comm.bcast(number):06d}"
    partial = parent / f".{final.name}.partial"
    agree(comm, lambda: partial.mkdir(parents=True, exist_ok=True) if comm.rank == 0 else None)
    try:
        mine = agree(comm, lambda: _write_arrays(partial, arrays, placement))
        files = comm.gather(mine)

        def finish() -> None:
            if files is None:
                return
            written = dict(files)
            written[STATE] = write_hashed(partial / STATE, json.dumps(tree).encode())
            manifest = {
                "format": FORMAT,
                "infusate": version,
                "ranks": comm.size,
                "kinds": kinds,
                "files": written,
                "facts": facts,
            }
            manifest["digest"] = _digest(manifest)
            write_hashed(partial / MANIFEST, json.dumps(manifest, indent=1).encode())
            sync_folder(partial)
            partial.rename(final)
            sync_folder(parent)
            _drop_old(parent)

        agree(comm, finish)
    except OSError:
        if comm.rank == 0:
            shutil.rmtree(partial, ignore_errors=True)
        raise
    return final


def find(
    parent: Path, usable: Callable[[Checkpoint], str | None], version: str
) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint that is whole; on one rank.

    Args:
        parent: folder of checkpoints.
        usable: says what else speaks against one, or None.
        version: of the program.

    Returns:
        The checkpoint if there is one, and why newer ones were passed over.
    """
    passed: list[str] = []
    for folder in sorted(_folders(parent), reverse=True):
        found = _examine(folder, version)
        reason = found if isinstance(found, str) else usable(found)
        if reason is None and isinstance(found, Checkpoint):
            return found, passed
        passed.append(f"checkpoint {folder.name}: {reason}")
    return None, passed


def load(checkpoint: Checkpoint, placement: Placement) -> tuple[Any, Arrays]:
    """Tree and arrays of a checkpoint, the latter as this rank holds them. Collective.

    Args:
        checkpoint: from `find`, the same on all ranks.
        placement: of the rows here.

    Raises:
        CheckpointError: it is of another mesh, or cannot be read after all.
    """
    comm = placement.comm
    try:
        tree = json.loads((checkpoint.folder / STATE).read_text())
        alike = False
        if checkpoint.ranks == comm.size:
            rows, arrays = _read_arrays(checkpoint.folder / _file_name(comm.rank))
            alike = placement.same({kind: part.name for kind, part in rows.items()})
        if comm.allreduce(alike, op=MPI.LAND):
            return tree, arrays
        files = [checkpoint.folder / _file_name(rank) for rank in range(checkpoint.ranks)]
        return tree, _gathered([_read_arrays(file) for file in files], checkpoint.kinds, placement)
    except KeyError as error:
        raise CheckpointError(f"{checkpoint.folder}: is of another mesh") from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{checkpoint.folder}: cannot be read: {error}") from error


def agree(comm: MPI.Comm, act: Callable[[], Any]) -> Any:
    """Do something on every rank; where it fails on one, it fails on all. Collective.

    Raises:
        OSError: that of the lowest rank that failed.
    """
    value, error = None, None
    try:
        value = act()
    except OSError as failed:
        error = failed
    first = next((one for one in comm.allgather(error) if one is not None), None)
    if first is not None:
        raise first
    return value


def write_hashed(path: Path, content: bytes) -> dict[str, Any]:
    """Write a file to the disk; returns its size and SHA-256."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def differs(path: Path, wanted: dict[str, Any]) -> str | None:
    """What speaks against a file's being the one that was written; None if nothing."""
    try:
        size = path.stat().st_size
        if size != wanted["bytes"]:
            return f"{path.name} has {size} bytes, expected {wanted['bytes']}"
        with path.open("rb") as stream:
            same = hashlib.file_digest(stream, "sha256").hexdigest() == wanted["sha256"]
    except OSError as error:
        return f"{path.name}: {error.strerror}"
    return None if same else f"{path.name} is not as it was written"


def sync_folder(folder: Path) -> None:
    """Have names of files reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return [folder for folder in parent.iterdir() if _NUMBER.fullmatch(folder.name) and folder.is_dir()]


def _drop_old(parent: Path) -> None:
    for folder in sorted(_folders(parent))[:-KEPT]:
        # the manifest first: what is left of a folder is then no checkpoint
        (folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
    for rest in parent.glob(".*.partial"):
        shutil.rmtree(rest, ignore_errors=True)


def _examine(folder: Path, version: str) -> Checkpoint | str:
    """A folder as a checkpoint, or why it is none."""
    try:
        if (folder / MANIFEST).stat().st_size > LARGEST_TEXT:
            return f"{MANIFEST} is too large"
        manifest = json.loads((folder / MANIFEST).read_text())
        if manifest.pop("digest") != _digest(manifest):
            return f"{MANIFEST} is not as it was written"
        if manifest["format"] != FORMAT or manifest["infusate"] != version:
            return f"written by Infusate {manifest['infusate']}, this is {version}"
        ranks = int(manifest["ranks"])
        names = [*(_file_name(rank) for rank in range(ranks)), STATE]
        for name in names:
            reason = differs(folder / name, manifest["files"][name])
            if reason:
                return reason
        kinds = {str(name): str(kind) for name, kind in manifest["kinds"].items()}
        return Checkpoint(folder=folder, facts=dict(manifest["facts"]), ranks=ranks, kinds=kinds)
    except OSError as error:
        return f"{Path(error.filename or MANIFEST).name}: {error.strerror}"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"{MANIFEST} is damaged"


def _digest(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


class _Hashing:
    """A stream that is written once from start to end, and hashed on the way."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.digest, self.size = stream, hashlib.sha256(), 0

    def write(self, data: Any) -> int:
        """Write bytes."""
        size = memoryview(data).nbytes
        self.digest.update(data)
        self._stream.write(data)
        self.size += size
        return size

    def flush(self) -> None:
        """Empty the stream's buffer."""
        self._stream.flush()


def _file_name(rank: int) -> str:
    return f"rank-{rank}.npz"


def _write_arrays(folder: Path, arrays: Arrays, placement: Placement) -> tuple[str, dict[str, Any]]:
    named = {f"array.{name}": array for name, array in arrays.items()}
    for kind, rows in placement.rows.items():
        named |= {f"name.{kind}": rows.name, f"complete.{kind}": rows.complete, f"sign.{kind}": rows.sign}
    path = folder / _file_name(placement.comm.rank)
    with path.open("wb") as file:
        stream = _Hashing(file)
        with zipfile.ZipFile(stream, "w") as archive:  # type: ignore[call-overload]
            for name, array in named.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    return path.name, {"bytes": stream.size, "sha256": stream.digest.hexdigest()}


def _read_arrays(path: Path) -> tuple[dict[str, Rows], Arrays]:
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > path.stat().st_size:
            raise ValueError(f"{path.name} would grow when read")
    with np.load(path, allow_pickle=False) as file:
        found = {name: file[name] for name in file.files}
    kinds = [name.removeprefix("name.") for name in found if name.startswith("name.")]
    rows = {
        kind: Rows(name=found[f"name.{kind}"], complete=found[f"complete.{kind}"], sign=found[f"sign.{kind}"])
        for kind in kinds
    }
    arrays = {name.removeprefix("array."): found[name] for name in found if name.startswith("array.")}
    return rows, arrays


def _gathered(
    parts: list[tuple[dict[str, Rows], Arrays]], kinds: dict[str, str], placement: Placement
) -> Arrays:
    found: dict[str, NDArray[Any]] = {}
    for name, first in parts[0][1].items():
        kind = kinds[name]
        if kind == WHOLE:
            found[name] = first
        else:
            found[name] = placement.placed(kind, [(rows[kind], arrays[name]) for rows, arrays in parts])
    return found

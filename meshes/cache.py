# SPDX-License-Identifier: MIT
"""Keeps meshes by the content of their description, so that the same geometry is meshed once per user."""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from meshes.cache_room import cache_folder, evict, mark_used
from meshes.plain import PlainMesh

MESH_CODE = 1
"""Raise it when a change of ``meshes`` makes other meshes of the same description."""

ARRAYS = ("points", "cells", "cell_tags", "facets", "facet_tags")

log = logging.getLogger(__name__)


def cached(description: Any, build: Callable[[], PlainMesh]) -> PlainMesh:
    """Read a mesh from the user's cache, or build it and keep it there.

    A cache that cannot be read or written costs time, never a run.

    Args:
        description: all that decides the mesh, JSON-ready; of input files, their checksums.
        build: makes the mesh.

    Returns:
        The mesh; equal whether it was built or read.
    """
    text = json.dumps([MESH_CODE, description], sort_keys=True, allow_nan=False)
    file = cache_folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"
    kept = read_kept(file)
    if kept is not None:
        log.info("mesh read from the cache: %s", file)
        mark_used(file)
        return kept
    built = build()
    mesh = replace(built, info=json.loads(json.dumps(built.info, allow_nan=False)))
    try:
        _write(file, mesh)
        evict(file.parent)
    except OSError as error:
        log.warning("the mesh could not be kept for the next run: %s: %s", file, error.strerror)
    return mesh


def checksum_of_file(path: Path) -> str:
    """Compute the SHA-256 of a file's content.

    Args:
        path: of the file.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _checksum(mesh: PlainMesh) -> str:
    digest = hashlib.sha256(json.dumps([mesh.geometry, mesh.info], sort_keys=True).encode())
    for name in ARRAYS:
        array = np.ascontiguousarray(getattr(mesh, name))
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def read_kept(file: Path) -> PlainMesh | None:
    """Read a kept mesh from its file; ``None`` if there is none or it is damaged."""
    if not file.is_file():
        return None
    try:
        with np.load(file, allow_pickle=False) as archive:
            header = json.loads(str(archive["header"]))
            arrays = {name: archive[name] for name in ARRAYS}
        mesh = PlainMesh(geometry=header["geometry"], info=header["info"], **arrays)
        if _checksum(mesh) == header["checksum"]:
            return mesh
        reason = "its checksum is wrong"
    except Exception as error:  # NumPy and zipfile raise a dozen kinds for archives that are damaged
        reason = str(error) or type(error).__name__
    log.warning("the mesh in the cache is damaged and is made again: %s: %s", file, reason)
    return None


def _write(file: Path, mesh: PlainMesh) -> None:
    """Write a mesh so that a reader sees all of it or nothing."""
    header = {"geometry": mesh.geometry, "info": mesh.info, "checksum": _checksum(mesh)}
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            arrays = {array: getattr(mesh, array) for array in ARRAYS}
            np.savez(stream, header=np.array(json.dumps(header)), **arrays)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

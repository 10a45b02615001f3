# SPDX-License-Identifier: MIT
"""Meshes of other programs with the names of their parts, read in a process that may fail, and checked."""

import json
import re
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.cells.simplices import kind_of
from meshes.files.apart import read_apart
from meshes.files.xdmf import SUFFIXES as XDMF
from meshes.files.xdmf import data_files
from meshes.geometry import MeshInputError

SUFFIXES: Final = (
    ".msh", ".vtu", ".vtk", ".xdmf", ".xmf", ".med", ".mesh", ".inp", ".bdf", ".nas", ".exo", ".e", ".ex2",
)  # fmt: skip
"""Gmsh, VTK, XDMF, MED, Medit, Abaqus, Nastran, Exodus II."""

LARGEST: Final = 1_000_000_000
"""Of a file with a mesh [bytes]."""

MOST_POINTS: Final = 20_000_000

PATIENCE: Final = 180.0
"""For reading one file [s]."""

INCLUDING: Final = {
    ".inp": rb"(?im)^\s*\*\s*include\b",
    ".bdf": rb"(?im)^\s*include\b",
    ".nas": rb"(?im)^\s*include\b",
}


@dataclass(frozen=True, kw_only=True)
class SolidMesh:
    """What a file holds.

    Attributes:
        points: in the unit of the file, shape ``(n, 3)``.
        blocks: kind as meshio calls it and numbers of points, shape ``(m, points of a cell)``, of cells.
        groups: name, number of a block, and which cells of it are in the group.
        numbers: names of whole numbers in the cells that may be chosen as groups.
    """

    points: NDArray[np.float64]
    blocks: tuple[tuple[str, NDArray[np.int64]], ...]
    groups: tuple[tuple[str, int, NDArray[np.int64]], ...]
    numbers: tuple[str, ...]


def read_solid(path: Path, tags: str | None = None) -> SolidMesh:
    """Reads a mesh with its groups (serial).

    Args:
        path: file of Gmsh, VTK, XDMF, MED, Medit, Abaqus, Nastran or Exodus II.
        tags: cell data of whole numbers that name the groups, in formats without names.

    Raises:
        MeshInputError: it is missing, of another kind, cannot be read, or its parts do not fit together.
    """
    _require_readable(path)
    with tempfile.TemporaryDirectory(prefix="infusate-mesh-") as folder:
        arrays, request = Path(folder, "arrays.npz"), Path(folder, "request.json")
        request.write_text(json.dumps({"path": str(path.resolve()), "tags": tags}), encoding="utf-8")
        read_apart(path, "meshes.files.solid_worker", request, arrays, PATIENCE)
        try:
            with np.load(arrays, allow_pickle=False) as archive:
                facts = json.loads(str(archive["facts"]))
                mesh = SolidMesh(
                    points=archive["points"],
                    blocks=tuple((n, archive[f"block{i}"]) for i, n in enumerate(facts["blocks"])),
                    groups=tuple((n, b, archive[f"group{i}"]) for i, (n, b) in enumerate(facts["groups"])),
                    numbers=tuple(facts["numbers"]),
                )
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise MeshInputError(f"{path}: cannot be read: its arrays do not arrive") from error
    if reason := _misfit(mesh):
        raise MeshInputError(f"{path}: cannot be read: {reason}")
    return mesh


def _require_readable(path: Path) -> None:
    suffix = path.suffix.lower()
    if not path.is_file():
        raise MeshInputError(f"{path}: no such file; a mesh is expected here")
    if suffix not in SUFFIXES:
        raise MeshInputError(
            f"{path}: a mesh must be one of {', '.join(SUFFIXES)}; export it as one of these"
        )
    if path.stat().st_size > LARGEST:
        raise MeshInputError(f"{path}: larger than {LARGEST / 1e9:g} GB")
    if suffix in XDMF:
        data_files(path)
    if suffix in INCLUDING and re.search(INCLUDING[suffix], path.read_bytes()):
        raise MeshInputError(f"{path}: includes other files; expected one that stands alone")


def _misfit(mesh: SolidMesh) -> str | None:
    """What is wrong with the arrays, or None."""
    points = mesh.points
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        return "its points are not places"
    if len(points) > MOST_POINTS:
        return f"it has {len(points)} points; at most {MOST_POINTS} are read"
    for name, cells in mesh.blocks:
        try:
            _, size = kind_of(name)
        except KeyError:
            return f"cells of the kind {name!r} are not known here"
        if cells.ndim != 2 or cells.shape[1] != size:
            return f"cells of the kind {name!r} have not as many points as such cells"
        if cells.size and (cells.min() < 0 or cells.max() >= len(points)):
            return "its cells name points that are not there"
    for name, block, rows in mesh.groups:
        if not 0 <= block < len(mesh.blocks):
            return f"its group {name[:60]!r} names cells that are not there"
        if rows.size and (rows.min() < 0 or rows.max() >= len(mesh.blocks[block][1])):
            return f"its group {name[:60]!r} names cells that are not there"
    return None

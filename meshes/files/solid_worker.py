# SPDX-License-Identifier: MIT
"""A process that reads mesh and groups: ``python -m meshes.files.solid_worker request.json arrays.npz``.

gmsh reads its own files, because cells may be in several of its groups; Exodus files are read here, because
meshio needs another library for them; meshio reads the rest.
"""

import json
import resource
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.files.foreign_worker import MEMORY

GMSH_TYPES: Final = {
    1: "line", 2: "triangle", 3: "quad", 4: "tetra", 5: "hexahedron", 6: "wedge", 7: "pyramid", 8: "line3",
    9: "triangle6", 10: "quad9", 11: "tetra10", 12: "hexahedron27", 13: "wedge18", 14: "pyramid14",
    15: "vertex", 16: "quad8", 17: "hexahedron20", 18: "wedge15", 19: "pyramid13",
}  # fmt: skip

EXODUS_TYPES: Final = {
    ("TET", 4): "tetra", ("TETRA", 4): "tetra", ("TETRA", 10): "tetra10", ("TET", 10): "tetra10",
    ("HEX", 8): "hexahedron", ("HEX", 20): "hexahedron20", ("HEX", 27): "hexahedron27", ("WEDGE", 6): "wedge",
    ("WEDGE", 15): "wedge15", ("PYRAMID", 5): "pyramid", ("TRI", 3): "triangle", ("TRI", 6): "triangle6",
    ("QUAD", 4): "quad", ("QUAD", 8): "quad8", ("QUAD", 9): "quad9", ("SHELL", 4): "quad",
}  # fmt: skip

KNOWN_TAGS: Final = ("gmsh:physical", "medit:ref", "nastran:ref", "cell_tags", "exodus:block")
"""Cell data that formats themselves use for regions."""

Block = tuple[str, NDArray[np.int64]]
Group = tuple[str, int, NDArray[np.int64]]
"""Name, number of the block of cells, and which of its cells."""


def main(request_file: str, target: str) -> int:
    """Read a mesh and write its arrays; 3 with the reason on standard output where it cannot be read."""
    _, allowed = resource.getrlimit(resource.RLIMIT_AS)
    least = MEMORY if allowed == resource.RLIM_INFINITY else min(MEMORY, allowed)
    resource.setrlimit(resource.RLIMIT_AS, (least, allowed))
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    path, tags = Path(request["path"]), request["tags"]
    try:
        with warnings.catch_warnings(action="ignore"):
            points, blocks, groups, numbers = _READERS.get(path.suffix.lower(), _by_meshio)(path, tags)
    except (Exception, SystemExit) as error:  # readers of foreign files raise whatever they like
        words = [] if isinstance(error, SystemExit) else str(error).splitlines()
        print((words or [f"its reader gives up ({type(error).__name__})"])[0][:300])
        return 3
    arrays: dict[str, Any] = {"points": np.asarray(points, dtype=np.float64)}
    arrays |= {f"block{i}": np.asarray(cells, dtype=np.int64) for i, (_, cells) in enumerate(blocks)}
    arrays |= {f"group{i}": np.asarray(rows, dtype=np.int64) for i, (_, _, rows) in enumerate(groups)}
    facts = {
        "blocks": [name for name, _ in blocks],
        "groups": [(name, block) for name, block, _ in groups],
        "numbers": numbers,
    }
    np.savez(target, facts=np.array(json.dumps(facts)), **arrays)
    return 0


def _by_gmsh(path: Path, tags: str | None) -> tuple[Any, list[Block], list[Group], list[str]]:
    import gmsh

    with path.open("rb") as stream:
        if not stream.read(200).lstrip().startswith((b"$MeshFormat", b"$Comments")):
            raise ValueError("does not begin as a mesh of Gmsh does ($MeshFormat); it may be a script")
    # beside FILE.opt Gmsh runs that as a script: it sees the mesh by another name, alone in a new folder
    alone = Path(tempfile.mkdtemp(dir=Path.cwd()), "mesh.msh")
    alone.symlink_to(path)
    gmsh.initialize(["gmsh", "-v", "0", "-nopopup"], readConfigFiles=False, interruptible=False)
    try:
        gmsh.option.setNumber("General.NumThreads", 1)
        gmsh.open(str(alone))
        nodes, coordinates, _ = gmsh.model.mesh.getNodes()
        place = np.zeros(int(nodes.max(initial=0)) + 1, dtype=np.int64)
        place[nodes.astype(np.int64)] = np.arange(len(nodes))
        blocks: list[Block] = []
        groups: list[Group] = []
        for dimension, entity in gmsh.model.getEntities():
            names = [
                gmsh.model.getPhysicalName(dimension, int(tag)) or str(int(tag))
                for tag in gmsh.model.getPhysicalGroupsForEntity(dimension, entity)
            ]
            kinds, _, connectivity = gmsh.model.mesh.getElements(dimension, entity)
            for kind, flat in zip(kinds, connectivity, strict=True):
                if int(kind) not in GMSH_TYPES:
                    raise ValueError(f"cells of Gmsh's type {int(kind)} are not known here")
                size = int(gmsh.model.mesh.getElementProperties(kind)[3])
                cells = place[np.asarray(flat, dtype=np.int64).reshape(-1, size)]
                if int(kind) == 11:
                    cells = cells[:, [0, 1, 2, 3, 4, 5, 6, 7, 9, 8]]
                groups += [(name, len(blocks), np.arange(len(cells))) for name in names]
                blocks.append((GMSH_TYPES[int(kind)], cells))
        return coordinates.reshape(-1, 3), blocks, groups, []
    finally:
        gmsh.finalize()


def _by_meshio(path: Path, tags: str | None) -> tuple[Any, list[Block], list[Group], list[str]]:
    import meshio

    if path.suffix.lower() == ".mesh":
        with path.open("rb") as stream:
            if stream.read(64).lstrip().startswith(b"MFEM"):
                raise ValueError("is a mesh of MFEM, not of Medit; save it as VTK or Gmsh from MFEM")
    mesh = meshio.read(path)
    blocks = [(block.type, np.asarray(block.data)) for block in mesh.cells]
    groups: list[Group] = []
    for name, per_block in mesh.cell_sets.items():
        groups += [(str(name), i, np.asarray(rows)) for i, rows in enumerate(per_block) if rows is not None]
    numbers = [name for name, data in mesh.cell_data.items() if _whole(data)]
    chosen = [tags] if tags is not None else [name for name in KNOWN_TAGS if name in numbers][:1]
    aliases = getattr(mesh, "cell_tags", {}) or {}
    for name in chosen:
        if name not in mesh.cell_data:
            raise ValueError(f"no data {name!r} in its cells; found {', '.join(numbers) or 'none'}")
        if name not in numbers:
            raise ValueError(f"the data {name!r} in its cells are not whole numbers")
        for i, values in enumerate(mesh.cell_data[name]):
            values = np.asarray(values).reshape(-1)
            for value in np.unique(values):
                names = [str(alias) for alias in aliases.get(int(value), [])] or [str(int(value))]
                groups += [(each, i, np.flatnonzero(values == value)) for each in names]
    return _in_space(mesh.points), blocks, groups, numbers


def _whole(data: list[Any]) -> bool:
    """Whether data are one whole number in each cell, few enough of them to be names."""
    flat = [np.asarray(values).reshape(-1) for values in data]
    sizes = all(len(a) == len(np.asarray(b)) for a, b in zip(flat, data, strict=True))
    values = np.concatenate(flat) if flat else np.zeros(0)
    if not sizes or values.dtype.kind not in "iuf" or not np.isfinite(values.astype(float)).all():
        return False
    return bool((values == np.rint(values)).all() and len(np.unique(values)) <= 1000)


def _exodus(path: Path, tags: str | None) -> tuple[Any, list[Block], list[Group], list[str]]:
    variables, attributes = _netcdf(path)
    if "coord" in variables:
        points = np.asarray(variables["coord"]).T
    else:
        points = np.column_stack([variables[f"coord{x}"] for x in "xyz" if f"coord{x}" in variables])
    names = [bytes(row).split(b"\0")[0].decode("ascii", "replace") for row in variables.get("eb_names", [])]
    numbers = variables.get("eb_prop1", range(1, 1 + sum(n.startswith("connect") for n in variables)))
    blocks: list[Block] = []
    groups: list[Group] = []
    for i, number in enumerate(numbers):
        cells = np.asarray(variables.get(f"connect{i + 1}", np.zeros((0, 1))), dtype=np.int64) - 1
        if not len(cells):
            continue
        said = attributes[f"connect{i + 1}"].upper().rstrip("0123456789")
        if (said, cells.shape[1]) not in EXODUS_TYPES:
            raise ValueError(f"cells {said[:20]!r} of {cells.shape[1]} points are not known here")
        own = names[i] if i < len(names) and names[i] else str(int(number))
        groups.append((own, len(blocks), np.arange(len(cells))))
        blocks.append((EXODUS_TYPES[said, cells.shape[1]], cells))
    return _in_space(points), blocks, groups, []


def _netcdf(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Variables of a netCDF file, old (by scipy) or new (by h5py), and the kinds of cells that they name."""
    with path.open("rb") as stream:
        new = stream.read(4) == b"\x89HDF"
    wanted = ("coord", "connect", "eb_")
    if new:
        import h5py

        with h5py.File(path, "r") as file:
            found = {n: v for n, v in file.items() if n.startswith(wanted) and isinstance(v, h5py.Dataset)}
            kinds = {n: v.attrs["elem_type"] for n, v in found.items() if "elem_type" in v.attrs}
            values = {n: v[()] for n, v in found.items()}
    else:
        from scipy.io import netcdf_file

        with netcdf_file(path, "r", mmap=False) as file:
            found = {n: v for n, v in file.variables.items() if n.startswith(wanted)}
            kinds = {n: v.elem_type for n, v in found.items() if hasattr(v, "elem_type")}
            values = {n: np.array(v[:]) for n, v in found.items()}
    return values, {n: k.decode() if isinstance(k, bytes) else str(k) for n, k in kinds.items()}


def _in_space(points: Any) -> NDArray[np.float64]:
    """Points with three coordinates; flat meshes lie in the plane z = 0."""
    places = np.asarray(points, dtype=np.float64)
    return np.pad(places, ((0, 0), (0, 3 - places.shape[1])))


_READERS: Final = {".msh": _by_gmsh, ".exo": _exodus, ".e": _exodus, ".ex2": _exodus}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

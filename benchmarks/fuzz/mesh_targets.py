# SPDX-License-Identifier: MIT
"""More of what is fuzzed: networks of vessels, data on meshes, and checkpoints, each damaged."""

from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.fuzz.case_inputs import mutilated
from benchmarks.fuzz.judge import REFUSED, RIGHT, require

HOSTILE_LINES = (
    (b"POINTS ", [b"99999999999", b"-1", b"0", b"nan"]),
    (b"LINES ", [b"99999999999 9", b"-1 -1", b"2 99999999999"]),
    (b"CELLS ", [b"99999999999 9", b"-1 -1"]),
    (b'NumberOfPoints="', [b'99999999999"', b'-1"', b'x"']),
    (b'NumberOfLines="', [b'99999999999"', b'-1"']),
    (b'NumberOfCells="', [b'99999999999"', b'-1"']),
    (b'offset="', [b'99999999999"', b'-5"']),
    (b"DATASET ", [b"POLYDATA", b"UNSTRUCTURED_GRID", b"STRUCTURED_POINTS"]),
)
"""Beginnings of what a reader believes, and what is put behind them."""


def networks(random: Random, folder: Path) -> str:
    """Networks of vessels in VTK's formats."""
    from meshes.files.centre_lines import read_network
    from meshes.geometry import GeometryError

    path = _damaged(random, folder, "network")
    try:
        found = read_network(path, 1e-3, "radius", None, (1.0, 0.0, 0.0))
    except GeometryError as error:
        _require_line(str(error), path)
        return REFUSED
    count = len(found.places)
    require(bool(np.isfinite(found.places).all()) and min(found.radii) > 0.0, "no network")
    require(all(0 <= node < count for edge in found.edges for node in edge), "an edge to nowhere")
    return RIGHT


def mesh_data(random: Random, folder: Path) -> str:
    """Numbers on meshes, in VTK's formats."""
    from meshes.files.mesh_data import read_mesh_data
    from meshes.geometry import GeometryError

    path = _damaged(random, folder, "mesh")
    try:
        found = read_mesh_data(path, "conductivity", 1e-3)
        found.at(np.zeros((2, 3)))
        found.nearest(np.zeros((2, 3)))
    except GeometryError as error:
        _require_line(str(error), path)
        return REFUSED
    require(bool(np.isfinite(found.values).any()), "no numbers")
    return RIGHT


def checkpoints(random: Random, folder: Path) -> str:
    """Checkpoints with one file damaged: never taken for whole."""
    from solver.results.checkpoint import find, load

    for name, data in _sound_checkpoint().items():
        path = folder / "000001" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    name = random.choice(sorted(_sound_checkpoint()))
    data = mutilated(random, _sound_checkpoint()[name])
    (folder / "000001" / name).write_bytes(data)
    found, passed = find(folder, lambda _: None, "1")
    if found is None:
        require(len(passed) == 1 and "\n" not in passed[0], "no reason told")
        return REFUSED
    tree, arrays = load(found, _placement())
    require(tree == {"number": 1} and arrays["few"].tolist() == [1], "another state")
    require(data == _sound_checkpoint()[name] or name == "manifest.json", "damage was not noticed")
    return RIGHT


def _require_line(text: str, path: Path) -> None:
    require(text.startswith(str(path)), f"no file in {text[:200]}")
    require(text.isprintable() and len(text) < 1500, f"no printable line: {text[:200]!r}")


@cache
def _placement() -> Any:
    from solver.results.placement import Placement
    from tests.coarse import discretised, full_model, pulse

    return Placement(discretised("radial", full_model((pulse(0.0, 10.0),))))


@cache
def _sound_checkpoint() -> dict[str, bytes]:
    from solver.results.checkpoint import save

    with TemporaryDirectory() as folder:
        whole = save(Path(folder), ({"number": 1}, {"few": np.array([1])}), _placement(), {}, "1")
        return {path.name: path.read_bytes() for path in whole.iterdir()}


@cache
def _sound(kind: str, name: str) -> bytes:
    import pyvista

    line = np.column_stack([np.linspace(0, 10, 9), np.sin(np.arange(9)), np.zeros(9)])
    grid = pyvista.PolyData(line, lines=np.hstack([[2, i, i + 1] for i in range(8)]))
    grid.point_data["radius"] = np.linspace(1.0, 0.2, 9)
    if kind == "mesh":
        grid = pyvista.ImageData(dimensions=(4, 4, 4)).cast_to_unstructured_grid()
        grid.point_data["conductivity"] = np.arange(64.0)
    with TemporaryDirectory() as folder:
        path = Path(folder) / name.removeprefix("text.")
        grid.save(path, binary=not name.startswith("text."))
        return path.read_bytes()


def _damaged(random: Random, folder: Path, kind: str) -> Path:
    own = ["a.vtp"] if kind == "network" else ["a.vtu"]
    name = random.choice([*own, *own, "a.vtk", "text.a.vtk"])
    data = _sound(kind, name)
    for _ in range(random.choice([0, 1, 1, 2])):
        start, values = random.choice(HOSTILE_LINES)
        if start in data:
            place = data.index(start) + len(start)
            end = place + len(data[place:].split(b'"' if b'"' in start else b"\n")[0]) + (b'"' in start)
            data = data[:place] + random.choice(values) + data[end:]
    if random.random() < 0.6:
        data = mutilated(random, data)
    path = folder / name.removeprefix("text.")
    path.write_bytes(data)
    return path

# SPDX-License-Identifier: MIT
"""Rules on lines in tissue: which geometry can hold them, and what they need."""

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from cases.errors import ExitCode, Key, Problem, shown
from cases.schema.case import CaseFile
from cases.schema.lines import VesselLineTable
from cases.schema.vessels import NetworkTable
from meshes.files.centre_lines import read_network
from meshes.geometry import MeshInputError
from meshes.lines import vector

SUFFIXES: Final = (".vtp", ".vtk")


def backflow_fits(case: CaseFile) -> Iterator[Problem]:
    """A track needs a needle with a direction."""
    if case.backflow is not None and case.geometry.kind == "radial":
        message = "a radial case has no needle's shaft that fluid could follow"
        yield Problem(key=("backflow",), message=message, hint='geometry.kind = "axisymmetric" or "3d"')


def vessel_lines_fit(case: CaseFile) -> Iterator[Problem]:
    """Vessels lie in 3d, and come either from points or from a file."""
    for i, table in enumerate(case.vessel_lines):
        key = ("vessel_lines", i)
        if case.geometry.kind != "3d":
            message = f"a {case.geometry.kind} case has no place for a single vessel"
            yield Problem(key=key, message=message, hint='geometry.kind = "3d"')
        if (table.points is None) == (table.file is None):
            yield Problem(key=key, message="give points and radius, or a file")
            continue
        needed = ("radius",) if table.points is not None else ("length_unit", "flow_direction")
        for name in needed:
            if getattr(table, name) is None:
                yield Problem(key=(*key, name), message="missing", hint=_hint(name))
        if table.points is not None:
            yield from _points_apart(table, i)
        elif table.flow_direction is not None and math.hypot(*table.flow_direction) == 0.0:
            yield Problem(key=(*key, "flow_direction"), message="is zero; expected a direction")


def vessel_files(case: CaseFile, folder: Path) -> Iterator[Problem]:
    """Files of centre lines exist and are of a known kind."""
    for i, table in enumerate(case.vessel_lines):
        if table.file is not None:
            yield from _centre_lines(table, folder, ("vessel_lines", i, "file"))
    if case.vessels is not None and case.vessels.network is not None:
        yield from _centre_lines(case.vessels.network, folder, ("vessels", "network", "file"))


def _centre_lines(table: VesselLineTable | NetworkTable, folder: Path, key: Key) -> Iterator[Problem]:
    assert table.file is not None
    path, direction = folder / table.file, table.flow_direction
    if not table.file.lower().endswith(SUFFIXES):
        message = f"found {shown(table.file)}; expected centre lines ({', '.join(SUFFIXES)})"
        yield Problem(key=key, message=message)
    elif not path.is_file():
        message = f"cannot read {shown(table.file, 200)}: looked from the case file's folder"
        yield Problem(key=key, message=message, code=ExitCode.MISSING_INPUT)
    elif table.length_unit is not None and direction is not None and any(direction):
        try:
            read_network(path, table.length_unit, table.radius_array, None, vector(direction))
        except MeshInputError as error:
            yield Problem(key=key, message=str(error), code=ExitCode.MISSING_INPUT)


def _points_apart(table: VesselLineTable, i: int) -> Iterator[Problem]:
    points = table.points or []
    for k, (first, second) in enumerate(pairwise(points)):
        if math.dist(first, second) < 1e-6:
            message = f"point {k + 1} lies at point {k}"
            yield Problem(key=("vessel_lines", i, "points"), message=message)


def _hint(name: str) -> str:
    return {
        "radius": "the lumen's, with a unit",
        "length_unit": 'the file does not say; such as "1 um"',
        "flow_direction": "such as [1, 0, 0]: free ends at that side are outlets",
    }[name]

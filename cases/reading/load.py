# SPDX-License-Identifier: MIT
"""A case file, in one pass, to a case ready to run or to every problem it has."""

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Final

from cases.build.model import build_case
from cases.case import Case
from cases.errors import CaseError, ExitCode, Problem
from cases.reading.kinds import require_kind
from cases.reading.places import geometry_problem
from cases.reading.read import Source, read_source
from cases.reading.resolve import RESOLVED_KEY, resolved_case
from cases.reading.validate import checked
from cases.rules.check import broken_rules
from meshes.generated.layout import require_sound_layout
from meshes.geometry import GeometryError, MeshGeometry, ParametricGeometry

MOST_PROBLEMS: Final = 100
"""That are told in one pass; each rule finds no more either."""


def load_case(path: str | PathLike[str], overrides: Sequence[str] = ()) -> Case:
    """Read, check and build a case; a ``resolved.toml`` is read back as well.

    Args:
        path: case file.
        overrides: ``key=value`` texts, applied before the check.

    Raises:
        CaseError: with every problem found, in the order of the file.
    """
    source = read_source(fspath(path), overrides)
    if RESOLVED_KEY in source.tables:
        return resolved_case(source, tuple(overrides))
    require_kind(source, "case")
    case, problems, suspects = checked(source.tables)
    if case is not None:
        problems += broken_rules(case, Path(source.file).parent, suspects)
    if problems or case is None:
        raise CaseError(_in_order(source, problems))
    built = build_case(case, Path(source.file), tuple(overrides))
    if isinstance(built.geometry, ParametricGeometry):
        _require_meshable(source, built.geometry)
    if isinstance(built.geometry, MeshGeometry):
        _require_sound_mesh(source, built.geometry)
    return built


def _require_meshable(source: Source, geometry: ParametricGeometry) -> None:
    try:
        require_sound_layout(geometry)
    except GeometryError as error:
        problem = Problem(key=("geometry",), message=str(error).removeprefix("geometry: "))
        raise CaseError([source.place(problem)]) from error


def _require_sound_mesh(source: Source, geometry: MeshGeometry) -> None:
    """Refuse what a run would refuse of a mesh, read as by a run, but not made finer."""
    from meshes.imported.survey import survey_mesh

    try:
        survey_mesh(geometry)
    except GeometryError as error:
        raise CaseError([geometry_problem(error, source, ("geometry", "mesh"))]) from error


def _in_order(source: Source, problems: list[Problem]) -> list[Problem]:
    """The problems with their places, each once, sorted by line."""
    placed = dict.fromkeys(source.place(problem) for problem in problems)
    told = sorted(placed, key=lambda p: (p.line is None, p.line or 0, p.code != ExitCode.INVALID))
    if len(told) > MOST_PROBLEMS:
        left = len(told) - MOST_PROBLEMS
        told[MOST_PROBLEMS:] = [Problem(file=source.file, message=f"and {left} or more other problems")]
    return told

# SPDX-License-Identifier: MIT
"""Where in a case file stands what a geometry was refused for: file, line and key of a mask or a tip."""

import math
from pathlib import Path

from cases.build.delivery import SAME_PLACE
from cases.errors import ExitCode, Key, Problem
from cases.reading.read import Source
from cases.reading.resolve import RESOLVED_KEY
from cases.reading.validate import checked
from cases.schema.case import CaseFile
from cases.schema.geometry import MaskTable
from meshes.geometry import STRUCTURES, GeometryError, Mask, MeshInputError, Site


def geometry_problem(error: GeometryError, source: Source, otherwise: Key = ("geometry",)) -> Problem:
    """What is wrong with a geometry, at its place in the case file.

    Args:
        error: that meshing, or reading what is meshed, has raised.
        source: the case file.
        otherwise: the key to name where the error is about no mask and no tip.
    """
    key: Key | None = None
    if RESOLVED_KEY not in source.tables:
        case, _, _ = checked(source.tables)
        about = error.about
        if case is not None and isinstance(about, Mask):
            key = _mask_key(case, Path(source.file).parent, about)
        elif case is not None and isinstance(about, Site):
            key = _tip_key(case, about)
    code = ExitCode.MISSING_INPUT if isinstance(error, MeshInputError) else ExitCode.INVALID
    return source.place(Problem(key=key or otherwise, message=str(error), code=code))


def _mask_key(case: CaseFile, folder: Path, mask: Mask) -> Key | None:
    """Of the first mask that reads those labels of that file."""
    for name in STRUCTURES if case.geometry.labels is not None else ():
        tables: list[MaskTable] = getattr(case.geometry.labels, name)
        for i, table in enumerate(tables):
            if folder / table.path == mask.path and tuple(table.labels) == mask.labels:
                return ("geometry", "labels", name, i, "labels" if mask.labels else "path")
    return None


def _tip_key(case: CaseFile, site: Site) -> Key:
    """Of the injection with that tip, or of all where it is a side hole."""
    for i, table in enumerate(case.injection):
        if math.dist(table.tip, site.tip) < SAME_PLACE:
            return ("injection", i, "tip")
    return ("injection",)

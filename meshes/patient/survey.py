# SPDX-License-Identifier: MIT
"""What the images of a geometry hold, and everything wrong with them that is known before a mesh is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np

from meshes.files.labels import LabelMap
from meshes.geometry import STRUCTURES, GeometryError, LabelGeometry, Mask, Vector
from meshes.patient.anatomy import read_anatomy
from meshes.patient.masks import Structure, label_map, present_values, select, unite
from meshes.patient.tips import tip_notes


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A file of a structure: its labels, and those that the structure takes; none stand for all above 0."""

    path: Path
    present: tuple[int, ...]
    taken: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StructureFacts:
    """A structure as its files have it.

    Attributes:
        name: as in ``STRUCTURES``.
        volume: of its voxels [m^3].
        centre: mean position of its voxels, RAS [m].
        files: that it comes from.
    """

    name: str
    volume: float
    centre: Vector
    files: tuple[Labelled, ...]


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What was found.

    Attributes:
        structures: those that could be read.
        notes: what a user should know.
        errors: everything that a run would refuse before it meshes.
    """

    structures: tuple[StructureFacts, ...]
    notes: tuple[str, ...]
    errors: tuple[GeometryError, ...]


def survey(geometry: LabelGeometry) -> Survey:
    """Reads the images of a geometry as a run does, up to its mesh, and goes on after an error (serial)."""
    errors: list[GeometryError] = []
    structures = []
    for name in STRUCTURES:
        masks: tuple[Mask, ...] = getattr(geometry, name)
        facts = _facts(name, masks, errors) if masks else None
        if facts is not None:
            structures.append(facts)
    notes: list[str] = []
    if not errors:
        try:
            anatomy = read_anatomy(geometry)
        except GeometryError as error:
            errors.append(error)
        else:
            notes += anatomy.notes
            for number, site in enumerate(geometry.sites, start=1):
                try:
                    notes += tip_notes(anatomy, number, site)
                except GeometryError as error:
                    errors.append(error)
    return Survey(structures=tuple(structures), notes=tuple(notes), errors=tuple(errors))


def _facts(name: str, masks: Sequence[Mask], errors: list[GeometryError]) -> StructureFacts | None:
    """Of one structure; None where a file is at fault, which is noted."""
    parts: list[Structure] = []
    files: list[Labelled] = []
    last: LabelMap | None = None
    for mask in masks:
        try:
            if last is None or last.path != mask.path:
                last = label_map(mask)
            parts.append(select(last, mask, name.replace("_", " ")))
        except GeometryError as error:
            error.about = mask
            errors.append(error)
            continue
        files.append(Labelled(path=mask.path, present=present_values(last.values), taken=mask.labels))
    if len(parts) < len(masks):
        return None
    whole = reduce(unite, sorted(parts, key=lambda part: float(np.prod(part.spacing))))
    x, y, z = (float(value) for value in whole.positions().mean(axis=0))
    return StructureFacts(name=name, volume=whole.volume, centre=(x, y, z), files=tuple(files))

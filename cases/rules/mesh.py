# SPDX-License-Identifier: MIT
"""Rules on a mesh of the user's own and on surfaces: file, unit, what goes with them."""

from collections.abc import Iterator
from pathlib import Path

from cases.errors import Key, Problem
from cases.rules.geometry import input_file
from cases.schema.case import CaseFile
from cases.schema.geometry import MaskTable
from meshes.files.solid_files import SUFFIXES
from meshes.files.surface_files import SUFFIXES as SURFACES
from meshes.geometry import STRUCTURES


def mesh_complete(case: CaseFile) -> Iterator[Problem]:
    """A mesh has its unit and a tumour, and nothing else says where."""
    geometry, mesh = case.geometry, case.geometry.mesh
    if mesh is None:
        return
    if geometry.kind != "3d":
        yield Problem(key=("geometry", "kind"), message=f'found "{geometry.kind}"; a mesh needs "3d"')
    for name in ("domain_radius", "tumour", "necrotic_core", "capsule", "labels"):
        if getattr(geometry, name) is not None:
            yield Problem(key=("geometry", name), message="says where, and so does [geometry.mesh]; give one")
    if mesh.unit is None:
        yield Problem(
            key=("geometry", "mesh", "unit"),
            message="missing; expected the unit of length of the file, which no format tells",
            hint='such as unit = "mm"',
        )
    if "tumour" not in mesh.regions.values():
        yield Problem(
            key=("geometry", "mesh", "regions"),
            message="no group of cells is the tumour",
            hint='such as regions = { lesion = "tumour", liver = "tissue" }',
        )


def mesh_file(case: CaseFile, folder: Path) -> Iterator[Problem]:
    """The mesh exists and is of a known kind."""
    if case.geometry.mesh is not None:
        yield from input_file(
            case.geometry.mesh.file, folder, ("geometry", "mesh", "file"), ("a mesh", SUFFIXES)
        )


def surface_units(case: CaseFile) -> Iterator[Problem]:
    """Surfaces state their unit; images have theirs, and labels."""
    labels = case.geometry.labels
    for name in STRUCTURES if labels is not None else ():
        masks: list[MaskTable] = getattr(labels, name)
        for i, mask in enumerate(masks):
            key: Key = ("geometry", "labels", name, i)
            if mask.path.lower().endswith(SURFACES):
                if mask.unit is None:
                    message = (
                        "missing; expected the unit of length of the surface, which its file does not tell"
                    )
                    yield Problem(key=(*key, "unit"), message=message, hint='such as unit = "mm"')
                if mask.labels:
                    yield Problem(key=(*key, "labels"), message="a surface has no labels; leave it out")
                continue
            for extra in ("unit", "voxel"):
                if getattr(mask, extra) is not None:
                    yield Problem(key=(*key, extra), message="is for surfaces; an image has its own")

# SPDX-License-Identifier: MIT
"""Large vessels from masks: cells of tissue that lie mostly in one become a region of their own.

No surface is cut for them: a region is as ragged as the cells are large. How well it stands for its voxels is
told.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.cells.cell_points import barycentric_points, levels_for
from meshes.cells.quality import volumes
from meshes.cells.remesh import TaggedMesh
from meshes.geometry import LabelGeometry, vessel_masks
from meshes.patient.masks import Structure, load_structure
from meshes.regions import REGION_NAMES, TISSUE

Floats = NDArray[np.float64]

MOSTLY: Final = 0.5
"""Share of a cell inside a vessel from which it belongs to it."""
POOR: Final = 0.7
"""Dice coefficient of cells and voxels below which a warning is given."""


@dataclass(frozen=True, kw_only=True)
class MarkedVessels:
    """A mesh with its large vessels, and what is told of them.

    Attributes:
        mesh: tagged.
        facts: by region, JSON-ready; empty without masks.
        warnings: for the user.
    """

    mesh: TaggedMesh
    facts: dict[str, Any]
    warnings: list[str]


def mark_vessels(mesh: TaggedMesh, geometry: LabelGeometry) -> MarkedVessels:
    """Tags cells of tissue that lie mostly inside a large vessel (serial); tumour and core keep theirs.

    Where two masks claim a cell, the one with the larger share has it.

    Raises:
        MeshInputError: a file cannot be read.
        GeometryError: a label is absent, or fills the image.
    """
    masks = vessel_masks(geometry)
    if not masks:
        return MarkedVessels(mesh=mesh, facts={}, warnings=[])
    tissue = np.flatnonzero(mesh.tags == TISSUE)
    corners = mesh.points[mesh.cells[tissue]]
    size = volumes(mesh.points, mesh.cells[tissue])
    shares = np.stack(
        [inside_shares(load_structure(given, REGION_NAMES[tag]), corners) for tag, given in masks.items()]
    )
    best = shares.argmax(axis=0)
    claimed = shares.max(axis=0) >= MOSTLY
    tags, facts, warnings = mesh.tags.copy(), {}, []
    for number, tag in enumerate(masks):
        here = claimed & (best == number)
        tags[tissue[here]] = tag
        in_mask, in_cells = float((shares[number] * size).sum()), float(size[here].sum())
        both = 2.0 * float((shares[number] * size)[here].sum())
        overlap = both / (in_mask + in_cells) if in_mask + in_cells > 0.0 else 1.0
        name = REGION_NAMES[tag]
        facts[name] = {"voxel_volume_m3": in_mask, "cell_volume_m3": in_cells, "dice": overlap}
        if overlap < POOR:
            warnings.append(
                f"the cells of the {name.replace('_', ' ')} match its voxels with a Dice coefficient of "
                f"{overlap:.2f} only; smaller edges in the tissue would help"
            )
    return MarkedVessels(mesh=replace(mesh, tags=tags), facts=facts, warnings=warnings)


def inside_shares(structure: Structure, corners: Floats) -> Floats:
    """Share of each cell that lies in the voxels of a structure, by points in it, shape ``(n,)``."""
    inverse = np.linalg.inv(structure.affine)
    levels = levels_for(corners, float(structure.spacing.min()))
    out = np.zeros(len(corners))
    for level in np.unique(levels):
        here = np.flatnonzero(levels == level)
        points = barycentric_points(corners[here], int(level))
        index = np.rint(points @ inverse[:3, :3].T + inverse[:3, 3]).astype(np.int64)
        within = ((index >= 0) & (index < structure.inside.shape)).all(axis=-1)
        index[~within] = 0
        out[here] = (structure.inside[tuple(np.moveaxis(index, -1, 0))] & within).mean(axis=1)
    return out

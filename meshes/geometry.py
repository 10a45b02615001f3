# SPDX-License-Identifier: MIT
"""What a geometry is made from: frozen descriptions in SI units, before any mesh exists."""

from dataclasses import dataclass
from pathlib import Path

from meshes.plain import Geometry
from meshes.regions import REGION_NAMES, VESSEL_REGIONS

Vector = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Site:
    """A place where fluid enters: a needle tip.

    Attributes:
        tip: position of the tip [m].
        direction: unit vector along the needle, from the entry towards the tip.
        needle_radius: outer radius of the needle [m]; the radius of a resolved cavity.
        source_radius: radius of a distributed source [m]; None where the cavity wall is resolved.
        shaft_length: length of the drawn needle [m], for pictures.
        allow_outside: whether the tip may lie outside a tumour from images or of a given mesh; None, which
            stands in no record, for no.
    """

    tip: Vector
    direction: Vector
    needle_radius: float
    source_radius: float | None = None
    shaft_length: float = 0.1
    allow_outside: bool | None = None


@dataclass(frozen=True, kw_only=True)
class MeshSizes:
    """How fine the mesh is; every length [m].

    Attributes:
        tip: edge length at a tip (cavity wall or distributed source).
        front: edge length in the shell where the agent's front ends up.
        front_start: distance from a tip at which that shell begins; edges nearer to the tip may be up to
            twice as long, because a front that travels outwards is stretched thinner as it goes.
        front_radius: distance from a tip at which the shell ends.
        surface: edge length on the tumour surface.
        far: largest edge length anywhere.
        growth: increase of edge length per length travelled away from a tip or surface.
        stretch: edge length across the radius from a tip over that along it, in ``3d``; the lengths above
            are those along it.
    """

    tip: float
    front: float
    front_radius: float
    surface: float
    far: float
    growth: float = 0.3
    front_start: float = 0.0
    stretch: float = 1.0


@dataclass(frozen=True, kw_only=True)
class ParametricGeometry:
    """An ellipsoidal tumour in a ball of tissue, with optional necrotic core and capsule.

    Attributes:
        kind: ``radial``, ``axisymmetric`` (axis z, through tip and centre) or ``3d``.
        semi_axes: of the tumour [m]; equal ones for ``radial``, the first two equal for ``axisymmetric``.
        centre: of the tumour [m].
        domain_radius: radius of the ball of tissue around the tumour's centre [m].
        necrotic_fraction: semi-axes of the core over those of the tumour; 0 for none.
        capsule_thickness: thickness of the capsule outside the tumour surface [m]; 0 for none.
        sites: injection sites.
        sizes: edge lengths.
    """

    kind: Geometry
    semi_axes: Vector
    centre: Vector
    domain_radius: float
    necrotic_fraction: float
    capsule_thickness: float
    sites: tuple[Site, ...]
    sizes: MeshSizes


@dataclass(frozen=True, kw_only=True)
class Mask:
    """One structure in a label map.

    Attributes:
        path: NIfTI, NRRD or MHA file, or a closed surface (STL, PLY, OBJ, VTP).
        labels: voxel values that belong to the structure; empty means every value above zero.
        length: metres per unit of length of a surface.
        voxel: edge of the voxels that a surface is taken to [m]; None for a share of its extent.
    """

    path: Path
    labels: tuple[int, ...] = ()
    length: float | None = None
    voxel: float | None = None


@dataclass(frozen=True, kw_only=True)
class LabelGeometry:
    """A tumour, and the organ around it if there is one, from label maps; coordinates RAS [m].

    Attributes:
        tumour: masks whose union is the tumour.
        organ: masks whose union, with the tumour, is the organ; empty means tissue everywhere.
        necrotic_core: masks whose union is the core; empty for none.
        large_artery: masks whose union is the lumen of large arteries; empty for none.
        large_vein: the same of veins.
        portal_vein: the same of the portal vein.
        margin: tissue kept around the tumour's bounding sphere [m].
        smoothing: standard deviation of the level-set smoothing of the tumour [m]; None for the rule
            min(slice thickness, 0.1 x volume-equivalent radius).
        sites: injection sites.
        sizes: edge lengths.
    """

    tumour: tuple[Mask, ...]
    organ: tuple[Mask, ...]
    necrotic_core: tuple[Mask, ...]
    margin: float
    smoothing: float | None
    sites: tuple[Site, ...]
    sizes: MeshSizes
    large_artery: tuple[Mask, ...] = ()
    large_vein: tuple[Mask, ...] = ()
    portal_vein: tuple[Mask, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MeshGeometry:
    """Somebody's mesh; coordinates as in its file, in metres.

    Attributes:
        path: of the file.
        length: metres per unit of length of the file.
        regions: name of a group of cells in the file, or ``*`` for all others, to the name of its region.
        boundaries: name of a group of facets in the file to the name of a surface.
        outside: name of the surface that all other facets on the outside belong to; None for none.
        tags: cell data of whole numbers that name the groups, in formats without names.
        refine: whether cells around the tips are made finer.
        sites: injection sites.
        sizes: edge lengths; those of the file are kept where they are shorter, or far from the tips.
    """

    path: Path
    length: float
    regions: dict[str, str]
    boundaries: dict[str, str]
    outside: str | None
    tags: str | None
    refine: bool
    sites: tuple[Site, ...]
    sizes: MeshSizes


STRUCTURES = ("tumour", "organ", "necrotic_core", "large_artery", "large_vein", "portal_vein")
"""Attributes of a ``LabelGeometry`` that are masks."""

GeometryDescription = ParametricGeometry | LabelGeometry | MeshGeometry


def vessel_masks(geometry: LabelGeometry) -> dict[int, tuple[Mask, ...]]:
    """The masks of each region of large vessels that has any, by tag."""
    named = {tag: getattr(geometry, REGION_NAMES[tag]) for tag in VESSEL_REGIONS}
    return {tag: masks for tag, masks in named.items() if masks}


class GeometryError(ValueError):
    """A geometry that cannot be meshed, with the reason a user can act on.

    Attributes:
        about: the mask or site that is at fault, where it is one.
    """

    def __init__(self, message: str, about: Mask | Site | None = None) -> None:
        super().__init__(message)
        self.about = about


class MeshInputError(GeometryError):
    """A file named by the geometry is missing or unreadable (exit code 66)."""

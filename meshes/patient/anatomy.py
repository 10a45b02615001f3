# SPDX-License-Identifier: MIT
"""From a description of label maps to the surfaces that a mesh must have."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.cells.tetrahedra import Points
from meshes.geometry import GeometryError, LabelGeometry, vessel_masks
from meshes.patient.levelset import Ball, LevelSet, level_set, smoothing_length
from meshes.patient.masks import (
    Structure,
    close_organ,
    fill_holes,
    largest_component,
    load_structure,
    overlap_around,
    reframe,
    unite,
)

ORGAN_SMOOTHING: Final = 3e-3
"""Standard deviation of the smoothing of the organ's surface [m] (mesh study on the liver patients)."""

SURFACE_SHARE: Final = 0.2
"""Largest edge on the surface of tumour or core over its volume-equivalent radius."""

LEAST_CONTACT: Final = 0.02
"""Share of organ among the voxels in and next to the tumour below which the two do not belong together."""

LEAST_IN_TUMOUR: Final = 0.5
"""Share of the core's voxels that must lie in the tumour."""

MARGIN: Final = 8e-3
"""Width of the level sets' grids around their structures [m]."""

THINNEST: Final = 3
"""Edges of the tumour's surface that must fit into the margin."""

FILM: Final = 1.1
"""Least distance of two surfaces over the edge length on the tumour's surface."""


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """Structures, their level sets and the ball around them.

    Attributes:
        tumour: voxels of the tumour, its core included.
        core: voxels of the necrotic core, or None.
        organ: voxels of the organ, tumour included, or None.
        tumour_level: negative in the tumour.
        core_level: negative in the core, or None.
        organ_level: negative in the organ and in the film around the tumour, or None.
        centre: of the ball [m].
        radius: of the ball [m].
        smoothing: standard deviation used for the tumour [m].
        surface_size: edge length on the tumour's surface [m].
        notes: what a user should know.
    """

    tumour: Structure
    core: Structure | None
    organ: Structure | None
    tumour_level: LevelSet
    core_level: LevelSet | None
    organ_level: LevelSet | None
    centre: Points
    radius: float
    smoothing: float
    surface_size: float
    notes: tuple[str, ...]

    @property
    def film(self) -> float:
        """Least distance kept between two surfaces [m]."""
        return FILM * self.surface_size

    @property
    def core_size(self) -> float:
        """Edge length on the surface of the core [m]."""
        assert self.core is not None
        return min(self.surface_size, SURFACE_SHARE * self.core.equivalent_radius)

    def domain(self, points: Points) -> NDArray[np.float64]:
        """Negative in the tissue that is meshed: the ball, within the organ if there is one [m]."""
        ball = np.linalg.norm(points - self.centre, axis=1) - self.radius
        return np.asarray(ball if self.organ_level is None else np.maximum(ball, self.organ_surface(points)))

    def organ_surface(self, points: Points) -> NDArray[np.float64]:
        """Level of the organ, which keeps a film of tissue around a tumour at its capsule [m]."""
        assert self.organ_level is not None
        return np.minimum(self.organ_level(points), self.tumour_level(points) - self.film)

    def tumour_surface(self, points: Points, shift: float) -> NDArray[np.float64]:
        """Level of the tumour moved outwards [m]."""
        return self.tumour_level(points) - shift

    def core_surface(self, points: Points, shift: float) -> NDArray[np.float64]:
        """Level of the core moved outwards, which keeps a film of living tumour around it [m]."""
        assert self.core_level is not None
        return np.maximum(self.core_level(points) - shift, self.tumour_level(points) + self.film)


def read_anatomy(geometry: LabelGeometry) -> Anatomy:
    """Reads the structures of a geometry and makes their smooth level sets (serial).

    Raises:
        MeshInputError: a file is missing or unreadable.
        GeometryError: a label is absent, empty, in pieces or cut by the image; the tumour is elsewhere than
            the organ; the margin is thin.
    """
    core = _core(geometry)
    tumour = _tumour(geometry, core)
    if core is not None:
        _require_within(core, tumour)
    positions = tumour.positions()
    centre = 0.5 * (positions.min(axis=0) + positions.max(axis=0))
    radius = float(np.linalg.norm(positions - centre, axis=1).max()) + geometry.margin
    smoothing = smoothing_length(tumour) if geometry.smoothing is None else geometry.smoothing
    surface = min(geometry.sizes.surface, SURFACE_SHARE * tumour.equivalent_radius)
    if geometry.margin < THINNEST * surface:
        raise GeometryError(
            f"the margin of {1e3 * geometry.margin:.3g} mm around the tumour is thinner than {THINNEST} "
            f"edges on its surface ({1e3 * surface:.3g} mm each)"
        )
    organ = _organ(geometry, tumour, centre, radius) if geometry.organ else None
    notes = [text for part in (tumour, core, organ) if part is not None for text in part.notes]
    if surface < 0.95 * geometry.sizes.surface:
        notes.append(f"edges on the small tumour's surface are shortened to {1e3 * surface:.2g} mm")
    return Anatomy(
        tumour=tumour,
        core=core,
        organ=organ,
        centre=centre,
        radius=radius,
        smoothing=smoothing,
        surface_size=surface,
        tumour_level=level_set(tumour, smoothing, MARGIN),
        core_level=None if core is None else level_set(core, min(smoothing, smoothing_length(core)), MARGIN),
        organ_level=None
        if organ is None
        else level_set(organ, ORGAN_SMOOTHING, MARGIN, Ball(centre=centre, radius=radius)),
        notes=tuple(dict.fromkeys(notes)),
    )


def _core(geometry: LabelGeometry) -> Structure | None:
    if not geometry.necrotic_core:
        return None
    return largest_component(load_structure(geometry.necrotic_core, "necrotic core"), "necrotic core")


def _tumour(geometry: LabelGeometry, core: Structure | None) -> Structure:
    """The tumour with its core, in one piece and without holes."""
    tumour = load_structure(geometry.tumour, "tumour")
    if core is not None:
        tumour = replace(unite(tumour, core), notes=tumour.notes)
    tumour = fill_holes(largest_component(tumour, "tumour"), "tumour")
    if tumour.cut_by_image():
        raise GeometryError(
            f"{tumour.files}: the tumour touches the border of the image, which cuts it; "
            "a whole tumour is needed"
        )
    return tumour


def _require_within(core: Structure, tumour: Structure) -> None:
    """Refuse a core that lies elsewhere than the one piece of tumour that is kept."""
    inverse = np.linalg.inv(tumour.affine)
    index = np.rint(core.positions() @ inverse[:3, :3].T + inverse[:3, 3]).astype(np.int64)
    held = ((index >= 0) & (index < tumour.inside.shape)).all(axis=1)
    index[~held] = 0
    share = float(np.mean(tumour.inside[tuple(index.T)] & held))
    if share < LEAST_IN_TUMOUR:
        raise GeometryError(
            f"{core.files}: the necrotic core lies outside the tumour ({100.0 * share:.1f} % of its voxels "
            "are in it); are the masks of one patient and scan?"
        )


def _organ(geometry: LabelGeometry, tumour: Structure, centre: Points, radius: float) -> Structure:
    """The part of the organ around the tumour, its vessels and gaps between masks closed, around the ball."""
    vessels = (mask for masks in vessel_masks(geometry).values() for mask in masks)
    given = load_structure((*geometry.organ, *vessels), "organ")
    inverse = np.linalg.inv(given.affine)
    middle = inverse[:3, :3] @ centre + inverse[:3, 3]
    reach = (radius + MARGIN + 3.0 * ORGAN_SMOOTHING) / given.spacing
    given = reframe(given, np.array([np.floor(middle - reach), np.ceil(middle + reach)]).astype(np.int64))
    share = overlap_around(given, tumour)
    if share < LEAST_CONTACT:
        raise GeometryError(
            f"{given.files}: the tumour lies neither in the organ nor at it ({100.0 * share:.1f} % of the "
            "voxels in and next to the tumour are organ); are the masks of one patient and scan?"
        )
    organ = replace(largest_component(close_organ(given, tumour), "organ"), notes=given.notes)
    if organ.cut_by_image(centre, radius):
        note = (
            "the organ is cut by the border of the image within the margin: closed there, as outer boundary"
        )
        return replace(organ, notes=(*organ.notes, note))
    return organ

# SPDX-License-Identifier: MIT
"""The edge length wanted at each place of a mesh made from labels."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.anatomy import Anatomy
from meshes.geometry import LabelGeometry
from meshes.sizing import SizeField, edge_length, hole_radius
from meshes.tetrahedra import Points

ORGAN_SHARE: Final = 2.0 / 3.0
"""Edge length on the organ's surface over the largest one; without this limit slivers survive there."""


@dataclass(frozen=True, kw_only=True)
class LabelSizes:
    """Wanted edge length [m] as a function of RAS points [m], shape ``(n, 3)``.

    Attributes:
        tips: the lengths that the tips ask for, and the largest one.
        anatomy: surfaces on which edges are shorter.
    """

    tips: SizeField
    anatomy: Anatomy

    def __call__(self, points: Points) -> NDArray[np.float64]:
        """Smallest of the lengths that tips, tumour, core and the organ's surface ask for."""
        sizes, anatomy = self.tips.sizes, self.anatomy
        wanted = edge_length(self.tips, points)
        for level in (anatomy.tumour_level, anatomy.core_level):
            if level is not None:
                wanted = np.minimum(wanted, self.tips.surface + sizes.growth * np.abs(level(points)))
        if anatomy.organ_level is not None:
            distance = np.abs(anatomy.organ_surface(points))
            wanted = np.minimum(wanted, ORGAN_SHARE * sizes.far + sizes.growth * distance)
        return wanted


def label_sizes(geometry: LabelGeometry, anatomy: Anatomy) -> LabelSizes:
    """Edge lengths for a geometry from labels, those of its description at the tips."""
    sites = geometry.sites
    tips = SizeField(
        sizes=geometry.sizes, tips=tuple(site.tip for site in sites), centre=(0.0, 0.0, 0.0), ellipsoids=(),
        radii=tuple(hole_radius(site.needle_radius, site.source_radius) for site in sites), surface=anatomy.surface_size,
    )
    return LabelSizes(tips=tips, anatomy=anatomy)

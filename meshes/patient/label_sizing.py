# SPDX-License-Identifier: MIT
"""The edge length wanted at each place of a mesh made from labels."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.cells.sizing import around_tip, hole_radius
from meshes.cells.tetrahedra import Points
from meshes.geometry import MeshSizes, Site
from meshes.patient.anatomy import Anatomy

ORGAN_SIZE: Final = 4e-3
"""Longest edge on the organ's surface [m]; without this limit slivers survive there."""


@dataclass(frozen=True, kw_only=True)
class LabelSizes:
    """Wanted edge length [m] as a function of RAS points [m], shape ``(n, 3)``.

    Attributes:
        sizes: the lengths and their growth.
        sites: injection sites.
        anatomy: surfaces on which edges are short.
    """

    sizes: MeshSizes
    sites: tuple[Site, ...]
    anatomy: Anatomy

    def __call__(self, points: Points) -> NDArray[np.float64]:
        """Smallest of the lengths that tips, tumour, core and the organ's surface ask for."""
        anatomy, growth = self.anatomy, self.sizes.growth
        wanted = np.full(len(points), self.sizes.far)
        wanted = np.minimum(wanted, anatomy.surface_size + growth * np.abs(anatomy.tumour_level(points)))
        if anatomy.core_level is not None:
            wanted = np.minimum(wanted, anatomy.core_size + growth * np.abs(anatomy.core_level(points)))
        if anatomy.organ_level is not None:
            wanted = np.minimum(wanted, ORGAN_SIZE + growth * np.abs(anatomy.organ_surface(points)))
        for site in self.sites:
            distance = np.linalg.norm(points - np.array(site.tip), axis=1)
            radius = hole_radius(site.needle_radius, site.source_radius)
            wanted = np.minimum(wanted, around_tip(self.sizes, distance, radius))
        return np.asarray(wanted)

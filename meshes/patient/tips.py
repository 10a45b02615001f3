# SPDX-License-Identifier: MIT
"""Whether the needle tips lie where a mesh from labels can have them."""

from collections.abc import Sequence

import numpy as np

from meshes.cells.sizing import hole_radius
from meshes.cells.tetrahedra import Points
from meshes.geometry import GeometryError, Site
from meshes.patient.anatomy import Anatomy

SAME_PLACE = 1e-6
"""Tips closer than this [m] are one vertex."""

ON_SURFACE = 0.5
"""Distance from the tumour's smooth surface that its image cannot tell, over the smallest edge of a voxel."""


def check_tips(anatomy: Anatomy, sites: Sequence[Site]) -> tuple[str, ...]:
    """Refuses tips outside the tissue, and outside the tumour unless their sites allow it.

    Args:
        anatomy: level sets and ball.
        sites: injection sites.

    Returns:
        Notes for the user.

    Raises:
        GeometryError: a tip, or part of the source around it, lies outside the tissue, or a tip outside the
            tumour.
    """
    return tuple(
        note for number, site in enumerate(sites, start=1) for note in tip_notes(anatomy, number, site)
    )


def tip_notes(anatomy: Anatomy, number: int, site: Site) -> tuple[str, ...]:
    """What a user should know of one tip; raises as ``check_tips``.

    Args:
        anatomy: level sets and ball.
        number: of the injection, for messages.
        site: of the tip.
    """
    tip = np.array(site.tip)
    held = hole_radius(site.needle_radius, site.source_radius)
    depth = -float(anatomy.domain(tip[None])[0])
    if depth < held:
        raise GeometryError(_outside_tissue(anatomy, number, (tip, depth, held)), site)
    outside = float(anatomy.tumour_level(tip[None])[0])
    if outside <= 0.0:
        return ()
    where = f"{1e3 * outside:.2g} mm outside the tumour"
    if site.allow_outside or outside <= ON_SURFACE * float(anatomy.tumour.spacing.min()):
        return (f"the tip of injection {number} lies {where}, in tissue",)
    raise GeometryError(
        f"the tip of injection {number} at RAS {_millimetres(tip)} lies {where}, whose centre is "
        f"RAS {_millimetres(_centre(anatomy))}; allow_outside = true accepts that",
        site,
    )


def distinct_tips(sites: Sequence[Site]) -> Points:
    """Positions of the tips [m], each place once, in the order of the sites, shape ``(n, 3)``."""
    tips: list[Points] = []
    for site in sites:
        tip = np.array(site.tip, dtype=np.float64)
        if all(np.linalg.norm(tip - other) > SAME_PLACE for other in tips):
            tips.append(tip)
    return np.array(tips).reshape(-1, 3)


def _outside_tissue(anatomy: Anatomy, number: int, place: tuple[Points, float, float]) -> str:
    """What is wrong with a tip at a depth below the tissue's surface that is less than that of its source."""
    tip, depth, held = place
    where = "the organ" if anatomy.organ_level is not None else "the ball of tissue around the tumour"
    state = (
        f"{-1e3 * depth:.1f} mm outside {where}"
        if depth < 0.0
        else (f"only {1e3 * depth:.2g} mm inside {where}, less than its source radius of {1e3 * held:.2g} mm")
    )
    return (
        f"the tip of injection {number} at RAS {_millimetres(tip)} lies {state}; "
        f"the tumour's centre is RAS {_millimetres(_centre(anatomy))}, "
        f"the nearest point inside is RAS {_millimetres(_nearest_inside(anatomy, tip, held))}"
    )


def _centre(anatomy: Anatomy) -> Points:
    """Centre of the tumour's voxels [m]."""
    return np.asarray(anatomy.tumour.positions().mean(axis=0))


def _nearest_inside(anatomy: Anatomy, tip: Points, depth: float) -> Points:
    """Nearest position [m] in the tissue, at least ``depth`` from its surface, to a millimetre or two."""
    level = anatomy.organ_level
    if level is None:
        ray = tip - anatomy.centre
        return np.asarray(anatomy.centre + ray * (anatomy.radius - depth) / np.linalg.norm(ray))
    inside = level.grid_points(level.values < -depth)
    inside = inside[anatomy.domain(inside) < -depth]
    return np.asarray(inside[((inside - tip) ** 2).sum(axis=1).argmin()])


def _millimetres(point: Points) -> str:
    return "(" + ", ".join(f"{1e3 * x:.1f}" for x in point) + ") mm"

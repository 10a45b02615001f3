# SPDX-License-Identifier: MIT
"""Whether the tips, surfaces and boundary of a parametric geometry fit into one another."""

from itertools import combinations

import numpy as np

from meshes.cells.sizing import ellipsoid_distance, ellipsoids
from meshes.geometry import GeometryError, ParametricGeometry, Site

ON_AXIS = 1e-9
"""Tolerance for a tip on the axis or in the centre [m]."""


def require_sound_layout(geometry: ParametricGeometry) -> None:
    """Check that a parametric geometry can be meshed.

    Args:
        geometry: what shall be meshed.

    Raises:
        GeometryError: at the first rule that is broken; it says what was found and what is expected.
    """
    _require_sizes(geometry)
    _require_symmetry(geometry)
    largest = max(ellipsoids(geometry)[-1][1])
    if geometry.domain_radius <= largest:
        raise GeometryError(
            f"geometry: the tissue has radius {_mm(geometry.domain_radius)}, the tumour (with capsule) "
            f"reaches {_mm(largest)}; expected more tissue around it"
        )
    for number, site in enumerate(geometry.sites):
        _require_clear_of_surfaces(geometry, number, site)
    for (i, first), (j, second) in combinations(enumerate(geometry.sites), 2):
        gap = float(np.linalg.norm(np.subtract(first.tip, second.tip))) - extent(first) - extent(second)
        if gap < geometry.sizes.tip:
            raise GeometryError(
                f"geometry: sites {i} and {j} are too close: {_mm(gap)} between their cavities, expected at "
                f"least one edge length at the tip, {_mm(geometry.sizes.tip)}"
            )


def extent(site: Site) -> float:
    """Give the radius around a tip that no surface may enter [m]: the cavity, or nothing."""
    return site.needle_radius if site.source_radius is None else 0.0


def _require_sizes(geometry: ParametricGeometry) -> None:
    sizes = geometry.sizes
    lengths = {
        "tip": sizes.tip,
        "front": sizes.front,
        "surface": sizes.surface,
        "far": sizes.far,
        "domain radius": geometry.domain_radius,
        "smallest semi-axis": min(geometry.semi_axes),
    }
    for name, length in lengths.items():
        if not (np.isfinite(length) and length > 0):
            raise GeometryError(f"geometry: {name} is {length} m; expected a positive length")
    if not 0 <= geometry.necrotic_fraction < 1 or geometry.capsule_thickness < 0:
        raise GeometryError(
            f"geometry: necrotic fraction {geometry.necrotic_fraction} and capsule thickness "
            f"{geometry.capsule_thickness} m; expected a fraction in [0, 1) and a thickness >= 0"
        )


def _require_symmetry(geometry: ParametricGeometry) -> None:
    offsets = [np.subtract(site.tip, geometry.centre) for site in geometry.sites]
    a, b, c = geometry.semi_axes
    if geometry.kind == "radial":
        if len(offsets) != 1 or np.linalg.norm(offsets[0]) > ON_AXIS:
            raise GeometryError("geometry: 'radial' needs exactly one tip, in the centre of the tumour")
        if not np.allclose([a, b], c, rtol=1e-12):
            raise GeometryError(
                f"geometry: 'radial' needs a sphere; found semi-axes {_mm(a)}, {_mm(b)}, {_mm(c)}"
            )
    if geometry.kind == "axisymmetric":
        if any(np.hypot(offset[0], offset[1]) > ON_AXIS for offset in offsets):
            raise GeometryError(
                "geometry: 'axisymmetric' needs every tip on the z axis through the tumour's centre"
            )
        if not np.isclose(a, b, rtol=1e-12):
            raise GeometryError(
                f"geometry: 'axisymmetric' needs two equal semi-axes across z; found {_mm(a)} and {_mm(b)}"
            )


def _require_clear_of_surfaces(geometry: ParametricGeometry, number: int, site: Site) -> None:
    offset = np.subtract(site.tip, geometry.centre)
    outside = geometry.domain_radius - float(np.linalg.norm(offset))
    needed = extent(site) + geometry.sizes.tip
    if outside < needed:
        raise GeometryError(
            f"geometry: site {number} lies {_mm(outside)} inside the outer boundary of the tissue; "
            f"expected at least {_mm(needed)}"
        )
    for name, axes in ellipsoids(geometry):
        distance = abs(float(ellipsoid_distance(axes, offset[None, :])[0]))
        if distance < needed:
            raise GeometryError(
                f"geometry: the tip of site {number} is {_mm(distance)} from the surface of the {name}; "
                f"expected at least {_mm(needed)} (cavity and one edge), so that it lies in one region"
            )


def _mm(length: float) -> str:
    return f"{1e3 * length:.4g} mm"

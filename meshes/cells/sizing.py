# SPDX-License-Identifier: MIT
"""How long edges shall be at a place: fine at the tips, held where the front travels, coarse far away."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from meshes.geometry import MeshSizes, ParametricGeometry, Vector


@dataclass(frozen=True, kw_only=True)
class SizeField:
    """Edge length as a function of position.

    Attributes:
        sizes: lengths asked for [m].
        tips: positions of the tips [m].
        radii: of the cavity or distributed source at each tip [m]; ``sizes.tip`` holds up to there.
        centre: of the ellipsoids [m].
        ellipsoids: semi-axes of the surfaces to resolve, from the inside out [m].
        surface: largest edge length on those surfaces [m].
    """

    sizes: MeshSizes
    tips: tuple[Vector, ...]
    radii: tuple[float, ...]
    centre: Vector
    ellipsoids: tuple[Vector, ...]
    surface: float


def size_field(geometry: ParametricGeometry) -> SizeField:
    """Choose the size field of a parametric geometry.

    Args:
        geometry: what shall be meshed.

    Returns:
        Its size field.
    """
    return SizeField(
        sizes=geometry.sizes,
        tips=tuple(site.tip for site in geometry.sites),
        radii=tuple(hole_radius(site.needle_radius, site.source_radius) for site in geometry.sites),
        centre=geometry.centre,
        ellipsoids=tuple(axes for _, axes in ellipsoids(geometry)),
        surface=geometry.sizes.surface,
    )


def resolved_surfaces(field: SizeField) -> list[tuple[Vector, float]]:
    """Pair each surface with its edge length: no longer than the layers on either side are thick.

    Args:
        field: the size field.

    Returns:
        Semi-axes and edge length [m] of each surface, from the inside out.
    """
    layers = [float(min(np.subtract(outer, inner))) for inner, outer in pairwise(field.ellipsoids)]
    beside = [layers[max(i - 1, 0) : i + 1] for i in range(len(field.ellipsoids))]
    return [(a, min([field.surface, *near])) for a, near in zip(field.ellipsoids, beside, strict=True)]


def hole_radius(needle_radius: float, source_radius: float | None) -> float:
    """Choose the radius around a tip within which edges are shortest [m]."""
    return needle_radius if source_radius is None else source_radius


def edge_length(field: SizeField, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evaluate the edge length asked for [m].

    Args:
        field: the size field.
        points: positions [m], shape ``(n, 3)``.

    Returns:
        Shape ``(n,)``.
    """
    sizes = field.sizes
    length = np.full(len(points), sizes.far)
    for tip, radius in zip(field.tips, field.radii, strict=True):
        distance = np.linalg.norm(points - np.asarray(tip), axis=1)
        length = np.minimum(length, around_tip(sizes, distance, radius))
    for axes, surface in resolved_surfaces(field):
        distance = np.abs(ellipsoid_distance(axes, points - np.asarray(field.centre)))
        length = np.minimum(length, surface + sizes.growth * distance)
    return length


def around_tip(sizes: MeshSizes, distance: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Evaluate the edge length that one tip asks for [m].

    Args:
        sizes: lengths asked for.
        distance: from the tip [m], shape ``(n,)``.
        radius: of the cavity or source, up to which ``sizes.tip`` holds [m].

    Returns:
        Shape ``(n,)``.
    """
    growth = sizes.growth
    grown = sizes.tip + growth * np.maximum(distance - radius, 0.0)
    inside = sizes.front + growth * np.maximum(sizes.front_start - distance, 0.0)
    held = np.minimum(np.minimum(grown, inside), 2.0 * sizes.front)
    return np.asarray(held + growth * np.maximum(distance - sizes.front_radius, 0.0))


def ellipsoid_distance(axes: Sequence[float], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimate the signed distance to an ellipsoid about the origin [m], negative inside.

    First order in the distance (Taubin, 1991); exact for a sphere.

    Args:
        axes: semi-axes [m].
        points: positions [m], shape ``(n, 3)``.

    Returns:
        Shape ``(n,)``.
    """
    scaled = np.linalg.norm(points / np.asarray(axes), axis=1)
    slope = np.linalg.norm(points / np.square(axes), axis=1)
    steepness = np.divide(slope, scaled, out=np.full_like(slope, 1 / min(axes)), where=scaled > 0)
    distance: NDArray[np.float64] = (scaled - 1.0) / steepness
    return distance


def ellipsoids(geometry: ParametricGeometry) -> list[tuple[str, Vector]]:
    """List the surfaces around the tumour's centre from the inside out: name and semi-axes [m].

    Args:
        geometry: what shall be meshed.

    Returns:
        The outer surfaces of ``necrotic_core`` (if any), ``tumour``, ``capsule`` (if any).
    """
    a, b, c = geometry.semi_axes
    surfaces: list[tuple[str, Vector]] = []
    f, t = geometry.necrotic_fraction, geometry.capsule_thickness
    if f > 0:
        surfaces.append(("necrotic_core", (f * a, f * b, f * c)))
    surfaces.append(("tumour", geometry.semi_axes))
    if t > 0:
        surfaces.append(("capsule", (a + t, b + t, c + t)))
    return surfaces


def size_expression(field: SizeField, coordinates: tuple[str, str, str]) -> str:
    """Write the same function as text for gmsh, in millimetres about the centre of the ellipsoids.

    Args:
        field: the size field.
        coordinates: what gmsh calls the three coordinates, such as ``("x", "0", "y")`` for a half-plane.

    Returns:
        A formula of gmsh's ``MathEval`` field.
    """
    sizes = field.sizes
    terms = [_mm(sizes.far)]
    for tip, radius in zip(field.tips, field.radii, strict=True):
        offsets = [_mm(t - c) for t, c in zip(tip, field.centre, strict=True)]
        distance = _norm([f"({x}-({offset}))" for x, offset in zip(coordinates, offsets, strict=True)])
        grown = f"{_mm(sizes.tip)}+{float(sizes.growth)!r}*max({distance}-{_mm(radius)},0)"
        beyond = f"{float(sizes.growth)!r}*max({distance}-{_mm(sizes.front_radius)},0)"
        inside = f"{_mm(sizes.front)}+{float(sizes.growth)!r}*max({_mm(sizes.front_start)}-{distance},0)"
        terms.append(f"min({grown},{inside},{_mm(2 * sizes.front)})+{beyond}")
    for axes, surface in resolved_surfaces(field):
        scaled = _norm([f"({x}/{_mm(a)})" for x, a in zip(coordinates, axes, strict=True)], "1e-12")
        slope = _norm([f"({x}/{_mm(a)}/{_mm(a)})" for x, a in zip(coordinates, axes, strict=True)], "1e-18")
        terms.append(f"{_mm(surface)}+{float(sizes.growth)!r}*abs({scaled}-1)*{scaled}/{slope}")
    return f"min({','.join(terms)})" if len(terms) > 1 else terms[0]


def _mm(length: float) -> str:
    return repr(1e3 * float(length))


def _norm(components: list[str], least: str = "0") -> str:
    return f"sqrt({'+'.join(f'{c}*{c}' for c in components)}+{least})"

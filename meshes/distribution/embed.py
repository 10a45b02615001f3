# SPDX-License-Identifier: MIT
"""Puts curves into a mesh: nodes along them, and weights by which they exchange with the vertices around.

Exchange with tissue is averaged over a circle of the kernel radius rho around the line, by interpolation of
P1 functions. What is spread over the circle has the field of the line outside of it and the pressure at rho
inside, so that the flow through the wall follows from the logarithmic profile between wall and rho, whatever
the mesh (Koeppl, Vidotto, Wohlmuth and Zunino, 2018, with the profile of Peaceman, 1978, in between).
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.cells.locate import Locator
from meshes.geometry import GeometryError, Site
from meshes.lines import Curve, EmbeddedLines
from meshes.plain import Geometry, PlainMesh
from meshes.regions import CAVITY

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

AROUND: Final = 16
"""Points on the circle around a line by which a wall is sampled, in ``3d``."""
ALONG: Final = 2
"""Such circles over half of the length between two nodes."""
KERNEL_CELLS: Final = 1.0
"""Least kernel radius over the longest edge of the cell that the line passes."""
KERNEL_RADII: Final = 2.0
"""Least kernel radius over the radius of the line, so that there is a profile in between."""
FEWEST: Final = 40
"""Pieces of a curve that is one edge, at least, unless they were shorter than its diameter."""
SEARCH: Final = 2000
"""Steps across the whole mesh by which the end of a needle is looked for."""


@dataclass
class _Laid:
    """Nodes and links while they are laid out, in space."""

    points: list[Floats] = field(default_factory=list)
    curve: list[int] = field(default_factory=list)
    radius: list[float] = field(default_factory=list)
    length: list[float] = field(default_factory=list)
    axial: list[tuple[int, int]] = field(default_factory=list)
    axial_size: list[tuple[float, float]] = field(default_factory=list)
    ends: list[tuple[int, int]] = field(default_factory=list)
    end_size: list[tuple[float, float]] = field(default_factory=list)
    stretches: list[tuple[int, Floats, Floats]] = field(default_factory=list)

    def node(self, point: Floats, curve: int, radius: float) -> int:
        """Add a node."""
        self.points.append(point)
        self.curve.append(curve)
        self.radius.append(radius)
        self.length.append(0.0)
        return len(self.points) - 1

    def stretch(self, node: int, begin: Floats, end: Floats) -> None:
        """Let a node stand for a stretch of its line."""
        self.stretches.append((node, begin, end))
        self.length[node] += float(np.linalg.norm(end - begin))


def embed(plain: PlainMesh, curves: tuple[Curve, ...], sites: tuple[Site, ...]) -> EmbeddedLines:
    """Put nodes along curves and find what they are linked to; on one process.

    Args:
        plain: ``axisymmetric``, with curves along the axis, or ``3d``.
        curves: to embed, at least one.
        sites: of injection.

    Raises:
        GeometryError: in a ``radial`` mesh, which has no place for a line.
    """
    if plain.geometry == "radial":
        raise GeometryError("a radial mesh has no place for needle tracks and vessels")
    locator, laid = Locator(plain), _Laid()
    joints = []
    for number, curve in enumerate(curves):
        first = len(laid.points)
        _lay(laid, number, _cut(curve, locator, plain.geometry), (locator, plain.geometry))
        joints += _joints(plain, laid.points[first:], first, [(site, sites[site]) for site in curve.sites])
    points = np.array(laid.points)
    kernel = _kernels(locator, in_mesh(points, plain.geometry), np.array(laid.radius))
    node, vertex, weight = _walls(locator, plain, laid, kernel)
    joined = np.array(joints, dtype=np.int64).reshape(-1, 3)
    axial, ends = (np.array(rows, dtype=np.int64).reshape(-1, 2) for rows in (laid.axial, laid.ends))
    axial_size, end_size = (np.array(rows).reshape(-1, 2) for rows in (laid.axial_size, laid.end_size))
    return EmbeddedLines(
        points=in_mesh(points, plain.geometry),
        curve=np.array(laid.curve, dtype=np.int64),
        radius=np.array(laid.radius),
        length=np.array(laid.length),
        kernel=kernel,
        axial=axial,
        axial_length=axial_size[:, 0],
        axial_radius=axial_size[:, 1],
        end_node=ends[:, 0],
        end_place=ends[:, 1],
        end_length=end_size[:, 0],
        end_radius=end_size[:, 1],
        wall_node=node,
        wall_vertex=vertex,
        wall_weight=weight,
        joint_node=joined[:, 0],
        joint_vertex=joined[:, 1],
        joint_site=joined[:, 2],
    )


def in_mesh(points: Floats, geometry: Geometry) -> Floats:
    """Points of space in the coordinates of a mesh: (r, z) in ``axisymmetric``."""
    if geometry == "3d":
        return points
    return np.column_stack([np.hypot(points[:, 0], points[:, 1]), points[:, 2]])


def _cut(curve: Curve, locator: Locator, geometry: Geometry) -> Curve:
    """A straight curve ended where it leaves the mesh for good."""
    if not curve.cut:
        return curve
    begin, end = np.array(curve.places)
    along = (end - begin) / np.linalg.norm(end - begin)
    grid = np.linspace(0.0, locator.extent, SEARCH + 1)[1:]
    inside = locator.locate(in_mesh(begin + grid[:, None] * along, geometry))[0] >= 0
    low = float(grid[np.flatnonzero(inside)[-1]]) if inside.any() else 0.0
    high = low + grid[0]
    while high - low > 1e-3 * curve.radii[0]:
        middle = 0.5 * (low + high)
        held = locator.locate(in_mesh((begin + middle * along)[None], geometry))[0][0] >= 0
        low, high = (middle, high) if held else (low, middle)
    x, y, z = map(float, begin + max(low, curve.radii[0]) * along)
    return Curve(places=(curve.places[0], (x, y, z)), edges=curve.edges, radii=curve.radii, sites=curve.sites)


def _lay(laid: _Laid, number: int, curve: Curve, where: tuple[Locator, Geometry]) -> None:
    """Put nodes at the places of a curve that are no free ends, and along its edges."""
    places = np.array(curve.places)
    degree = np.bincount(np.array(curve.edges).ravel(), minlength=len(places))
    free = degree == 1
    if curve.sites:
        free[0] = False
    node_of = {
        k: laid.node(places[k], number, curve.radii[k])
        for k in range(len(places))
        if degree[k] and not free[k]
    }
    for u, v in curve.edges:
        length = float(np.linalg.norm(places[v] - places[u]))
        pieces = _pieces(where, places[[u, v]], (curve.radii[u], curve.radii[v]), len(curve.edges))
        pieces = max(pieces, 2) if free[u] and free[v] else pieces
        at = np.linspace(0.0, 1.0, pieces + 1)
        chain = [node_of.get(u, -1)]
        for t in at[1:-1]:
            point, radius = places[u] + t * (places[v] - places[u]), _between(curve, (u, v), t)
            chain.append(laid.node(point, number, radius))
        chain.append(node_of.get(v, -1))
        for k in range(pieces):
            begin, end = (places[u] + t * (places[v] - places[u]) for t in at[k : k + 2])
            size = length / pieces, _between(curve, (u, v), 0.5 * (at[k] + at[k + 1]))
            _piece(laid, chain[k : k + 2], (begin, end), size, (u, v))


def _piece(
    laid: _Laid,
    nodes: list[int],
    ends: tuple[Floats, Floats],
    size: tuple[float, float],
    edge: tuple[int, int],
) -> None:
    """One piece of an edge: an axial link, or the way to a free end."""
    begin, end = ends
    if nodes[0] >= 0 and nodes[1] >= 0:
        laid.axial.append((nodes[0], nodes[1]))
        laid.axial_size.append(size)
        middle = 0.5 * (begin + end)
        laid.stretch(nodes[0], begin, middle)
        laid.stretch(nodes[1], middle, end)
    else:
        node, place = (nodes[1], edge[0]) if nodes[0] < 0 else (nodes[0], edge[1])
        laid.ends.append((node, place))
        laid.end_size.append(size)
        laid.stretch(node, begin, end)


def _between(curve: Curve, edge: tuple[int, int], t: float) -> float:
    return (1 - t) * curve.radii[edge[0]] + t * curve.radii[edge[1]]


def _pieces(where: tuple[Locator, Geometry], ends: Floats, radii: tuple[float, float], edges: int) -> int:
    """Pieces that an edge is divided into: by the cells that it passes, at least `FEWEST` for all edges."""
    locator, geometry = where
    length = float(np.linalg.norm(ends[1] - ends[0]))
    samples = ends[0] + np.linspace(0.0, 1.0, 33)[:, None] * (ends[1] - ends[0])
    cells = locator.locate(in_mesh(samples, geometry))[0]
    held = locator.longest[cells[cells >= 0]]
    wanted = min(float(np.median(held)) if held.size else length, length * edges / FEWEST)
    return max(round(length / max(wanted, 2.0 * max(radii))), 1)


def _kernels(locator: Locator, points: Floats, radius: Floats) -> Floats:
    """Kernel radius of each node [m]."""
    cells = locator.locate(points)[0]
    size = np.where(cells >= 0, locator.longest[cells], 0.0)
    return np.maximum(KERNEL_RADII * radius, KERNEL_CELLS * size)


def _walls(
    locator: Locator, plain: PlainMesh, laid: _Laid, kernel: Floats
) -> tuple[Integers, Integers, Floats]:
    """Which vertices each node sees around it, and by what share of its wall."""
    samples, nodes, shares = [], [], []
    lengths = np.array(laid.length)
    for node, begin, end in laid.stretches:
        share = float(np.linalg.norm(end - begin)) / lengths[node] / ALONG
        for t in (np.arange(ALONG) + 0.5) / ALONG:
            circle = _circle(begin + t * (end - begin), end - begin, kernel[node], plain.geometry)
            samples.append(circle)
            nodes.append(np.full(len(circle), node))
            shares.append(np.full(len(circle), share / len(circle)))
    cells, weights = locator.locate(np.concatenate(samples))
    held = cells >= 0
    vertices = plain.cells[cells[held]]
    origin = np.repeat(np.concatenate(nodes)[held], vertices.shape[1])
    weight = (np.concatenate(shares)[held, None] * weights[held]).ravel()
    key = origin * len(plain.points) + vertices.ravel()
    unique, place = np.unique(key, return_inverse=True)
    total: Floats = np.bincount(place, weights=weight, minlength=len(unique)).astype(np.float64, copy=False)
    kept = total > 1e-12
    return unique[kept] // len(plain.points), unique[kept] % len(plain.points), total[kept]


def _circle(centre: Floats, along: Floats, radius: float, geometry: Geometry) -> Floats:
    """Points around a line in the coordinates of the mesh; one alone where that is symmetric about it."""
    if geometry == "axisymmetric":
        return np.array([[radius, centre[2]]])
    along = along / np.linalg.norm(along)
    across = np.cross(along, np.eye(3)[np.argmin(np.abs(along))])
    across /= np.linalg.norm(across)
    angle = 2 * np.pi * (np.arange(AROUND) + 0.5) / AROUND
    third = np.cross(along, across)
    return centre + radius * (np.cos(angle)[:, None] * across + np.sin(angle)[:, None] * third)


def _joints(
    plain: PlainMesh, nodes: list[Floats], first: int, sites: list[tuple[int, Site]]
) -> list[tuple[int, int, int]]:
    """Node of a track, vertex and site of every joint: the tip's to the first node, others to the nearest."""
    out: dict[tuple[int, int], int] = {}
    for k, (number, site) in enumerate(sites):
        nearest = int(np.argmin(np.linalg.norm(np.array(nodes) - site.tip, axis=1))) if k else 0
        for vertex in _source_vertices(plain, site, number):
            out.setdefault((first + nearest, int(vertex)), number)
    return [(node, vertex, number) for (node, vertex), number in out.items()]


def _source_vertices(plain: PlainMesh, site: Site, number: int) -> Integers:
    """Vertices by which a site injects."""
    if site.source_radius is None:
        return np.unique(plain.facets[plain.facet_tags == CAVITY + number])
    tip = in_mesh(np.array([site.tip]), plain.geometry)[0]
    distance = np.linalg.norm(plain.points - tip, axis=1)
    return np.flatnonzero(distance < site.source_radius)

# SPDX-License-Identifier: MIT
"""One-dimensional lines inside a mesh: what they are, and how they look once they lie in it.

A line (the gap along a needle's shaft, a large vessel, a network of vessels) is a `Curve`: places in space
and straight edges between them, each place with a radius. `embed` turns curves into nodes beyond the
vertices of the mesh and three kinds of links: *axial* ones between nodes of a line, *wall* ones between a
node and the vertices around it, and *joints* between the first node of a needle's track and the vertices by
which its site injects. A free end of a curve is no node: its neighbour has an *end* instead, where fluid may
leave or come in.

`distribute` gives the last rank all of these nodes and tells every rank which links meet its own
(`LocalLines`); the solver numbers links among the edges of the mesh, so that flow, transport and limiter
treat them alike. Physics is not known here: `solver.tissue.lines` gives each link its law.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meshes.geometry import Site, Vector

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Centre lines with radii, in space.

    Attributes:
        places: coordinates [m].
        edges: pairs of numbers of places.
        radii: of the line at each place [m].
        sites: numbers of the injection sites that it is joined to: the tip's to place 0, those of side holes
            to the nearest nodes; none for a vessel.
        cut: whether the curve, one straight edge, ends where it leaves the mesh.
    """

    places: tuple[Vector, ...]
    edges: tuple[tuple[int, int], ...]
    radii: tuple[float, ...]
    sites: tuple[int, ...] = ()
    cut: bool = False


@dataclass(frozen=True, kw_only=True)
class EmbeddedLines:
    """All lines of a run, the same on every rank; nodes and links numbered from 0.

    Attributes:
        points: of the nodes in the coordinates of the mesh [m], shape ``(n, dimension)``.
        curve: number of the curve of each node.
        radius: of the line at each node [m].
        length: of the line that each node stands for [m].
        kernel: radius around each node over which exchange with tissue is averaged [m].
        axial: nodes of each axial link, shape ``(a, 2)``.
        axial_length: of each of them [m].
        axial_radius: of each of them [m].
        end_node: node next to each free end.
        end_place: number of the free end among the places of its curve.
        end_length: from the node to the end [m].
        end_radius: of the line in between [m].
        wall_node: node of each wall link.
        wall_vertex: vertex of the ``PlainMesh`` of each wall link.
        wall_weight: share of the node's wall that sees the vertex; the sum over a node is the part of its
            wall inside the mesh.
        joint_node: node of a track, for each joint.
        joint_vertex: vertex of the ``PlainMesh`` that it is joined to.
        joint_site: site that injects there.
    """

    points: Floats
    curve: Integers
    radius: Floats
    length: Floats
    kernel: Floats
    axial: Integers
    axial_length: Floats
    axial_radius: Floats
    end_node: Integers
    end_place: Integers
    end_length: Floats
    end_radius: Floats
    wall_node: Integers
    wall_vertex: Integers
    wall_weight: Floats
    joint_node: Integers
    joint_vertex: Integers
    joint_site: Integers

    def links(self, vertices: int) -> Integers:
        """Ends of all links, axial, wall and joints, shape ``(links, 2)``: a node of the lines first.

        Args:
            vertices: of the mesh; nodes of lines are numbered after them.
        """
        wall = np.column_stack([self.wall_node + vertices, self.wall_vertex])
        joints = np.column_stack([self.joint_node + vertices, self.joint_vertex])
        return np.concatenate([self.axial + vertices, wall, joints])

    def facts(self) -> dict[str, Any]:
        """For the summary: how many nodes lines have, and over how wide a circle they exchange."""
        kernel = {"smallest_kernel_m": float(self.kernel.min()), "largest_kernel_m": float(self.kernel.max())}
        return {"lines": {"nodes": len(self.points), "wall_links": len(self.wall_node), **kernel}}


@dataclass(frozen=True, kw_only=True)
class LocalLines:
    """Lines as one rank sees them.

    Attributes:
        whole: all of them.
        node: local number of each node of the lines, -1 where this rank has none.
        links: local numbers of both ends of the links that meet a node of this rank, shape ``(l, 2)``.
        number: which of ``whole.links`` each of these is, ascending.
    """

    whole: EmbeddedLines
    node: NDArray[np.int32]
    links: NDArray[np.int32]
    number: Integers


def track_curve(site: Site, numbers: tuple[int, ...], depth: float | None) -> Curve:
    """The gap between a needle's shaft and tissue, from the wall of the cavity back along the needle.

    Args:
        site: the needle.
        numbers: of the site and of those of its side holes.
        depth: of the tip below the surface, along the needle [m]; None for as far as the mesh reaches.
    """
    start = site.needle_radius if site.source_radius is None else 0.0
    tip, back = np.array(site.tip), -np.array(site.direction)
    far = 10.0 if depth is None else max(depth, start + site.needle_radius)
    return Curve(
        places=(vector(tip + start * back), vector(tip + far * back)),
        edges=((0, 1),),
        radii=(site.needle_radius,) * 2,
        sites=numbers,
        cut=depth is None,
    )


def vector(components: Sequence[float] | Floats) -> Vector:
    """Three numbers as a plain tuple."""
    x, y, z = (float(component) for component in components)
    return x, y, z

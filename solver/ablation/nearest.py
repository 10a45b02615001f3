# SPDX-License-Identifier: MIT
"""Exact distance from points to a surface of many primitives: a tree of flat discs, compiled.

Each disc encloses its share of the surface and so bounds the distance to it from below. Discs follow a smooth
surface, so few survive even for a point at one distance from all of it. Branches are taken nearest first, and
left where they cannot improve on what was found. Nothing here is collective.
"""

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAF: Final = 4
"""Primitives in a disc of the last level."""
STACK: Final = 64
"""Room for what is still to be visited: one for each level of the tree, and one."""


class DiscTree(NamedTuple):
    """Primitives in the order of the tree, and its discs, level after level.

    Disc ``k`` encloses discs ``2 k + 1`` and ``2 k + 2``; those of the last level ``LEAF`` primitives each.
    ``ordered``: corners [m], shape ``(2^L LEAF, dimension, dimension)``; ``centre``, ``normal``: shape
    ``(discs, dimension)``; ``thickness``: half of it [m]; ``radius``: [m].
    """

    ordered: Floats
    centre: Floats
    normal: Floats
    thickness: Floats
    radius: Floats


def disc_tree(surface: Floats) -> DiscTree:
    """Build the tree of a surface, corners of shape ``(n, dimension, dimension)``, n at least 1."""
    ordered = _spatially_ordered(surface)
    levels = (len(ordered) // LEAF).bit_length()
    discs = [_enclosing_discs(ordered, 2**level) for level in range(levels)]
    return DiscTree(ordered, *(np.concatenate(part) for part in zip(*discs, strict=True)))


@njit(cache=True)
def distances(points: Floats, tree: DiscTree) -> Floats:
    """Distance from each point to the nearest primitive [m], shape ``(n,)``."""
    found = np.empty(points.shape[0])
    waiting, bounds = np.empty(STACK, np.int64), np.empty(STACK)
    discs = tree.radius.size
    leaves = discs // 2
    for k in range(points.shape[0]):
        best, count = np.inf, 1
        waiting[0], bounds[0] = 0, 0.0
        while count > 0:
            count -= 1
            if bounds[count] >= best:
                continue
            disc = waiting[count]
            if disc >= leaves:
                start = LEAF * (disc - leaves)
                for at in range(start, start + LEAF):
                    best = min(best, _to_primitive(points, k, tree.ordered, at))
                continue
            left, right = _to_disc(points, k, tree, 2 * disc + 1), _to_disc(points, k, tree, 2 * disc + 2)
            # The nearer one is visited first: it lies on top.
            for side in (1, 2) if left > right else (2, 1):
                bound = left if side == 1 else right
                if bound < best:
                    waiting[count], bounds[count] = 2 * disc + side, bound
                    count += 1
        found[k] = best
    return found


@njit(cache=True)
def _to_disc(points: Floats, k: int, tree: DiscTree, disc: int) -> float:
    """Distance of point ``k`` to a disc: a lower bound of that to what it encloses."""
    square, height = 0.0, 0.0
    for d in range(points.shape[1]):
        offset = points[k, d] - tree.centre[disc, d]
        square += offset * offset
        height += offset * tree.normal[disc, d]
    aside = np.sqrt(max(square - height * height, 0.0)) - tree.radius[disc]
    above = abs(height) - tree.thickness[disc]
    return float(np.sqrt(max(above, 0.0) ** 2 + max(aside, 0.0) ** 2))


@njit(cache=True)
def _to_primitive(points: Floats, k: int, ordered: Floats, at: int) -> float:
    """Distance of point ``k`` to primitive ``at``: a point, a segment or a triangle."""
    if points.shape[1] == 1:
        return abs(points[k, 0] - ordered[at, 0, 0])
    if points.shape[1] == 2:
        return _to_segment(points, k, ordered, at, (0, 1))
    # Products of the sides u, v and of the way w from their corner to the point.
    uu, uv, vv, uw, vw = 0.0, 0.0, 0.0, 0.0, 0.0
    for d in range(3):
        u, v = ordered[at, 1, d] - ordered[at, 0, d], ordered[at, 2, d] - ordered[at, 0, d]
        w = points[k, d] - ordered[at, 0, d]
        uu, uv, vv, uw, vw = uu + u * u, uv + u * v, vv + v * v, uw + u * w, vw + v * w
    square = uu * vv - uv * uv
    second, third = vv * uw - uv * vw, uu * vw - uv * uw
    if square > 0.0 and second >= 0.0 and third >= 0.0 and second + third <= square:
        return _to_plane(points, k, ordered, at)
    best = _to_segment(points, k, ordered, at, (0, 1))
    best = min(best, _to_segment(points, k, ordered, at, (1, 2)))
    return min(best, _to_segment(points, k, ordered, at, (2, 0)))


@njit(cache=True)
def _to_plane(points: Floats, k: int, ordered: Floats, at: int) -> float:
    """Distance of point ``k`` to the plane of triangle ``at``."""
    height, square = 0.0, 0.0
    for d in range(3):
        e, f = (d + 1) % 3, (d + 2) % 3
        normal = (ordered[at, 1, e] - ordered[at, 0, e]) * (ordered[at, 2, f] - ordered[at, 0, f])
        normal -= (ordered[at, 1, f] - ordered[at, 0, f]) * (ordered[at, 2, e] - ordered[at, 0, e])
        height += (points[k, d] - ordered[at, 0, d]) * normal
        square += normal * normal
    return float(abs(height) / np.sqrt(square)) if square > 0.0 else np.inf


@njit(cache=True)
def _to_segment(points: Floats, k: int, ordered: Floats, at: int, ends: tuple[int, int]) -> float:
    """Distance of point ``k`` to a side of primitive ``at``, in any dimension; a side may be a point."""
    start, end = ends
    length, share = 0.0, 0.0
    for d in range(points.shape[1]):
        along = ordered[at, end, d] - ordered[at, start, d]
        length += along * along
        share += (points[k, d] - ordered[at, start, d]) * along
    share = min(max(share / length, 0.0), 1.0) if length > 0.0 else 0.0
    square = 0.0
    for d in range(points.shape[1]):
        along = ordered[at, end, d] - ordered[at, start, d]
        square += (points[k, d] - ordered[at, start, d] - share * along) ** 2
    return float(np.sqrt(square))


def _spatially_ordered(surface: Floats) -> Floats:
    """Primitives in the order of a balanced k-d tree, ``LEAF`` in a group, padded with the last one."""
    total = LEAF
    while total < len(surface):
        total *= 2
    centres = surface.mean(axis=1)
    order = np.minimum(np.arange(total), len(surface) - 1)[None]
    while order.shape[1] > LEAF:
        groups = centres[order]
        axis = np.argmax(np.ptp(groups, axis=1), axis=1)
        along = np.take_along_axis(groups, axis[:, None, None], axis=2)[:, :, 0]
        half = order.shape[1] // 2
        order = np.take_along_axis(order, np.argpartition(along, half, axis=1), axis=1)
        order = order.reshape(2 * len(order), -1)
    return np.asarray(surface[order.ravel()])


def _enclosing_discs(ordered: Floats, number: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Discs around ``number`` successive shares of the primitives, normal to their flattest direction."""
    corners = ordered.reshape(number, -1, ordered.shape[2])
    centre = corners.mean(axis=1)
    offset = corners - centre[:, None]
    normal = np.linalg.eigh(offset.transpose(0, 2, 1) @ offset)[1][:, :, 0]
    height = (offset @ normal[:, :, None])[:, :, 0]
    square = np.square(offset).sum(axis=2)
    aside = np.sqrt(np.maximum(square - height**2, 0.0)).max(axis=1)
    return centre, normal, np.abs(height).max(axis=1), aside

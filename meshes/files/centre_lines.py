# SPDX-License-Identifier: MIT
"""Centre lines of vessels with radii, from a VTK PolyData file: a graph without doubles, and its ends."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.files.foreign import read_foreign
from meshes.geometry import MeshInputError, Vector
from meshes.lines import vector

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

END_ZONE: Final = 0.05
"""Part of a network's extent along the flow in which free ends are inlets, or outlets at the other side."""
SAME_PLACE: Final = 1e-6
"""Points nearer than this share of the network's diagonal are one."""
SMALLEST_RADIUS: Final = 0.05
"""Radii below this share of the median are missing: files end blind vessels with next to nothing."""
LARGEST: Final = 200_000
"""Points of a network, at most."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A graph of vessels.

    Attributes:
        places: coordinates [m].
        edges: pairs of numbers of places.
        radii: at each place [m].
        inlets: places by which blood enters.
        outlets: places by which it leaves.
    """

    places: tuple[Vector, ...]
    edges: tuple[tuple[int, int], ...]
    radii: tuple[float, ...]
    inlets: tuple[int, ...]
    outlets: tuple[int, ...]


def read_network(
    path: Path, unit: float, radius_array: str, centre: Vector | None, direction: Vector
) -> Network:
    """Read a network of vessels.

    Points at one place are merged, edges counted once, points without a radius take the mean of their
    neighbours, and pieces that no inlet and no outlet belongs to are left out: nothing flows there.

    Args:
        path: of the file.
        unit: length that 1 stands for in it [m].
        radius_array: name of the point data with the radii.
        centre: where the middle of its box is put [m]; None for where it is.
        direction: of the flow.

    Raises:
        MeshInputError: when it cannot be read, has no such radii or nothing that blood can flow through.
    """
    points, edges, radii = _content(path, radius_array)
    points, edges, radii = _merged(points, edges, radii)
    radii = _filled(radii, edges, path)
    points, radii = points * unit, radii * unit
    if centre is not None:
        points = points + np.array(centre) - 0.5 * (points.min(axis=0) + points.max(axis=0))
    inlets, outlets = _ends(points, edges, np.array(direction))
    kept = _connected(len(points), edges, np.concatenate([inlets, outlets]))
    if not len(inlets) or not len(outlets):
        missing = "inlet" if not len(inlets) else "outlet"
        raise MeshInputError(f"{path}: no {missing}: no free end lies at that side along flow_direction")
    number = np.cumsum(kept) - 1
    return Network(
        places=tuple(vector(point) for point in points[kept]),
        edges=tuple((int(number[u]), int(number[v])) for u, v in edges if kept[u]),
        radii=tuple(map(float, radii[kept])),
        inlets=tuple(int(number[place]) for place in inlets),
        outlets=tuple(int(number[place]) for place in outlets),
    )


def _content(path: Path, radius_array: str) -> tuple[Floats, Integers, Floats]:
    """Points, edges and radii as the file has them."""
    found = read_foreign(path)
    points, edges = found.points, found.edges()
    arrays = {name: values.astype(np.float64) for name, values in found.point_data.items()}
    if radius_array not in arrays:
        known = ", ".join(sorted(arrays)) or "none"
        raise MeshInputError(f"{path}: no point data {radius_array!r}; found {known}")
    if not 2 <= len(points) <= LARGEST or not len(edges):
        raise MeshInputError(f"{path}: {len(points)} points and no network of lines between them")
    radii = arrays[radius_array]
    if radii.shape != (len(points),) or not (np.isfinite(points).all() and np.isfinite(radii).all()):
        raise MeshInputError(f"{path}: points or radii are no finite numbers")
    return points, edges, radii


def _merged(points: Floats, edges: Integers, radii: Floats) -> tuple[Floats, Integers, Floats]:
    """Points at one place as one, with the larger radius; every edge once."""
    scale = SAME_PLACE * float(np.linalg.norm(np.ptp(points, axis=0)))
    _, first, number = np.unique(np.round(points / scale), axis=0, return_index=True, return_inverse=True)
    number = number.ravel()
    largest = np.zeros(len(first))
    np.maximum.at(largest, number, radii)
    moved = np.sort(number[edges], axis=1)
    moved = moved[moved[:, 0] != moved[:, 1]]
    return points[first], np.unique(moved, axis=0), largest


def _filled(radii: Floats, edges: Integers, path: Path) -> Floats:
    """Radii with those that are missing taken from neighbours, as often as that takes."""
    if not np.any(radii > 0):
        raise MeshInputError(f"{path}: all radii are zero")
    radii = np.where(radii < SMALLEST_RADIUS * np.median(radii[radii > 0]), 0.0, radii)
    while np.any(radii <= 0):
        known = (radii > 0).astype(np.float64)
        total, count = np.zeros((2, len(radii)))
        for u, v in (edges.T, edges.T[::-1]):
            np.add.at(total, u, radii[v] * known[v])
            np.add.at(count, u, known[v])
        found = (radii <= 0) & (count > 0)
        if not found.any():
            radii[radii <= 0] = np.median(radii[radii > 0])
        radii[found] = total[found] / count[found]
    return radii


def _ends(points: Floats, edges: Integers, direction: Floats) -> tuple[Integers, Integers]:
    """Free ends at either side along the flow."""
    free = np.flatnonzero(np.bincount(edges.ravel(), minlength=len(points)) == 1)
    along = points @ direction
    low, high = along.min(), along.max()
    share = (along[free] - low) / max(high - low, 1e-300)
    return free[share <= END_ZONE], free[share >= 1 - END_ZONE]


def _connected(count: int, edges: Integers, ends: Integers) -> NDArray[np.bool_]:
    """Places that belong to a piece with an open end."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    piece = connected_components(graph, directed=False)[1]
    held: NDArray[np.bool_] = np.isin(piece, piece[ends])
    return held

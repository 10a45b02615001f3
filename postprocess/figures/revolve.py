# SPDX-License-Identifier: MIT
"""The radial geometry as half a disc in the meridian plane, so that every figure exists for it too."""

import numpy as np
import pyvista as pv
from numpy.typing import NDArray

RAYS = 96
"""Angles between the two poles."""

LEAST_RADIUS = 1e-7
"""A mesh that reaches the centre is left open there by so much [m], lest triangles have no area."""

_TRIANGLE = 5


def half_disc(line: pv.UnstructuredGrid) -> pv.UnstructuredGrid:
    """Half a disc of triangles (x = r, y = 0, z) with the fields of a radial mesh, vectors turned along.

    Args:
        line: radial mesh, cells along x; coordinates in metres.
    """
    order = np.argsort(np.asarray(line.points)[:, 0])
    radii = np.maximum(np.asarray(line.points, dtype=np.float64)[order, 0], LEAST_RADIUS)
    angles = np.linspace(0.0, np.pi, RAYS + 1)
    across = np.outer(radii, np.sin(angles))
    across[:, [0, -1]] = 0.0
    points = np.stack([across, np.zeros_like(across), np.outer(radii, np.cos(angles))], axis=-1)
    numbers = np.arange(across.size).reshape(across.shape)
    corners = (numbers[:-1, :-1], numbers[1:, :-1], numbers[1:, 1:], numbers[:-1, 1:])
    inner, outer, outer_next, inner_next = (corner.ravel() for corner in corners)
    cells = np.concatenate(
        [np.stack([inner, outer, outer_next], axis=1), np.stack([inner, outer_next, inner_next], axis=1)]
    )
    disc = pv.UnstructuredGrid({_TRIANGLE: cells}, points.reshape(-1, 3))
    for key in line.point_data:
        disc.point_data[key] = np.repeat(np.asarray(line.point_data[key])[order], RAYS + 1, axis=0)
    outwards = np.argsort(np.asarray(line.cell_centers().points)[:, 0])
    middles = np.tile((angles[1:] + angles[:-1]) / 2, 2 * len(outwards))
    for key in line.cell_data:
        values = np.repeat(np.asarray(line.cell_data[key])[outwards], RAYS, axis=0)
        both = np.concatenate([values, values])
        disc.cell_data[key] = both if both.ndim == 1 else _turned(both, middles)
    return disc


def _turned(vectors: NDArray[np.float64], angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors along x turned to point outwards at each angle from the upper pole."""
    outwards = np.stack([np.sin(angles), np.zeros_like(angles), np.cos(angles)], axis=1)
    return vectors[:, :1] * outwards

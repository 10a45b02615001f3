# SPDX-License-Identifier: MIT
"""Points spread over cells, at which what is finer than the cells is looked up."""

from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_LEVELS: Final = 6
"""Points along an edge of a cell at most."""


def barycentric_points(corners: Floats, level: int) -> Floats:
    """Evenly spread points inside simplices, ``level`` of them along an edge.

    Args:
        corners: of the simplices [m], shape ``(n, vertices, dimension)``.
        level: 1 for the centroid; a tetrahedron has 4 points for 2, 10 for 3, 56 for 6.

    Returns:
        Shape ``(n, points, dimension)``.
    """
    vertices = corners.shape[1]
    steps = [s for s in product(range(level), repeat=vertices) if sum(s) == level - 1]
    weights = (np.array(steps, dtype=np.float64) + 1.0 / vertices) / level
    return np.asarray(np.einsum("pv,nvd->npd", weights, corners))


def levels_for(corners: Floats, spacing: float) -> Ints:
    """How many points along an edge see every length ``spacing`` [m] of cells, within limits."""
    sizes = np.ptp(corners, axis=1).max(axis=1, initial=0.0)
    return np.clip(np.ceil(sizes / spacing), 1, MOST_LEVELS).astype(np.int64)

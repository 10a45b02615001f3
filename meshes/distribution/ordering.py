# SPDX-License-Identifier: MIT
"""The order of vertices and cells in memory: neighbours in space lie near one another, so that caches serve.

Loops over the tetrahedra of a generator's mesh took twice the time of the same loops in this order.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

BITS = 20
"""Places of a grid coordinate; three of them fit into 64 bits."""


def locality_order(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Order points along Morton's (1966) space-filling curve; ties by number.

    Args:
        points: coordinates [m], shape ``(n, dimension)``.

    Returns:
        Numbers of the points in their new order, shape ``(n,)``.
    """
    offset = points - points.min(axis=0)
    scale = float(offset.max(initial=0.0)) or 1.0
    grid = (offset * ((2**BITS - 1) / scale)).astype(np.uint64)
    keys = np.zeros(len(points), dtype=np.uint64)
    dimension = points.shape[1]
    for bit in range(BITS):
        for axis in range(dimension):
            place = np.uint64(dimension * bit + axis)
            keys |= ((grid[:, axis] >> np.uint64(bit)) & np.uint64(1)) << place
    return np.argsort(keys, kind="stable")


@njit(cache=True)
def order_by_key(keys: NDArray[np.int64], largest: int) -> NDArray[np.int64]:
    """Order by small whole numbers, by counting; ties by number.

    Args:
        keys: from 0 to below ``largest``, shape ``(n,)``.
        largest: bound of the keys.

    Returns:
        Positions of the keys in ascending order, shape ``(n,)``.
    """
    place = np.zeros(largest + 1, np.int64)
    for key in keys:
        place[key + 1] += 1
    for i in range(largest):
        place[i + 1] += place[i]
    order = np.empty(keys.size, np.int64)
    for c in range(keys.size):
        order[place[keys[c]]] = c
        place[keys[c]] += 1
    return order

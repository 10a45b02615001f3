# SPDX-License-Identifier: MIT
"""Who owns which vertex: a deterministic bisection of a mesh.

Graph partitioners gave another partition on every run (measured with DOLFINx 0.9); runs that shall repeat
bit by bit need one that depends on the mesh alone.
"""

import numpy as np
from numpy.typing import NDArray


def bisect(points: NDArray[np.float64], parts: int) -> NDArray[np.int32]:
    """Divide points among ranks by recursive coordinate bisection.

    Each set of points is cut across the longest axis of its bounding box, in proportion to the number of
    ranks on either side, so any number of parts is balanced to one point. Ties are broken by number.
    Source: Berger and Bokhari (1987).

    Args:
        points: coordinates [m], shape ``(n, dimension)``.
        parts: number of ranks.

    Returns:
        Rank of each point, shape ``(n,)``.

    Raises:
        ValueError: if there are fewer points than ranks.
    """
    if len(points) < parts:
        raise ValueError(f"a mesh of {len(points)} vertices cannot be divided among {parts} ranks")
    ranks = np.zeros(len(points), dtype=np.int32)
    pending = [(np.arange(len(points)), 0, parts)]
    while pending:
        chosen, first, count = pending.pop()
        if count == 1:
            ranks[chosen] = first
            continue
        here = points[chosen]
        axis = int(np.argmax(np.ptp(here, axis=0)))
        order = chosen[np.argsort(here[:, axis], kind="stable")]
        left = count // 2
        cut = len(chosen) * left // count
        # Sorted again so that ties are broken by number at the next cut too.
        pending.append((np.sort(order[:cut]), first, left))
        pending.append((np.sort(order[cut:]), first + left, count - left))
    return ranks

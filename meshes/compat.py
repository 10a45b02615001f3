# SPDX-License-Identifier: MIT
"""The one place of ``meshes`` that knows how DOLFINx 0.9 to 0.11 differ."""

from mpi4py import MPI

import numpy as np
from dolfinx.common import IndexMap
from numpy.typing import NDArray

TAG = 1202
"""Of the messages in which ranks find their neighbours; later versions of DOLFINx ask for one."""


def index_map(comm: MPI.Comm, owned: int, ghosts: NDArray[np.int64], owners: NDArray[np.int32]) -> IndexMap:
    """Tell DOLFINx who owns which node, and where copies of it are. Collective.

    Args:
        comm: of the ranks; they own consecutive global numbers.
        owned: number of nodes that this rank owns.
        ghosts: global numbers of the copies that it holds.
        owners: rank of each of them.
    """
    try:
        return IndexMap(comm, owned, ghosts, owners)
    except TypeError:
        return IndexMap(comm, owned, ghosts, owners, TAG)

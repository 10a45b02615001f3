# SPDX-License-Identifier: MIT
"""Anderson's mixing for a fixed-point iteration (Walker and Ni, 2011), on vectors shared by all ranks."""

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Mixing:
    """Combines the last iterates of x = g(x) so that what is left of x - g(x) is least.

    Attributes:
        depth: differences that are kept.
    """

    def __init__(self, comm: MPI.Comm, weight: Floats, depth: int) -> None:
        """Start an iteration.

        Args:
            comm: of the ranks.
            weight: of each entry in the norm; 0 where another rank counts it.
            depth: differences that are kept.
        """
        self.depth = depth
        self._comm, self._weight = comm, weight
        self._last: tuple[Floats, Floats] | None = None
        self._inputs: list[Floats] = []
        self._defects: list[Floats] = []

    def next(self, given: Floats, found: Floats) -> Floats:
        """The next x, from the last one and g of it. Collective."""
        defect = found - given
        if self._last is not None:
            self._inputs = [*self._inputs, found - self._last[0]][-self.depth :]
            self._defects = [*self._defects, defect - self._last[1]][-self.depth :]
        self._last = found, defect
        if not self._defects:
            return found
        rows = np.array([*self._defects, defect])
        products: Floats = self._comm.allreduce(np.einsum("ik,jk,k->ij", rows, rows, self._weight))
        # Differences may depend on one another once little is left to gain.
        shares = np.linalg.lstsq(products[:-1, :-1], products[:-1, -1], rcond=1e-12)[0]
        out = found.copy()
        for share, change in zip(shares, self._inputs, strict=True):
            out -= share * change
        return out

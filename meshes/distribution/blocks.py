# SPDX-License-Identifier: MIT
"""Rows of a whole mesh in equal blocks, one on each rank: how fields go to a file in its own order."""

from typing import Any

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray


class RowBlocks:
    """Moves rows from the ranks that own them to the ranks whose block of the whole array they lie in.

    Attributes:
        total: number of rows on all ranks.
        start: first row of this rank's block.
        stop: row after its last.
    """

    def __init__(self, origin: NDArray[np.int64], comm: MPI.Comm) -> None:
        """Plan the exchange. Collective.

        Args:
            origin: number in the whole array of each row that this rank owns; every row has one owner.
            comm: of the ranks.
        """
        self.comm = comm
        self.total: int = comm.allreduce(len(origin))
        bounds = self.total * np.arange(comm.size + 1) // comm.size
        self.start, self.stop = int(bounds[comm.rank]), int(bounds[comm.rank + 1])
        destination = np.searchsorted(bounds, origin, side="right") - 1
        self._order = np.argsort(destination, kind="stable")
        self._sent = np.bincount(destination, minlength=comm.size)
        self._received = np.empty_like(self._sent)
        comm.Alltoall(self._sent, self._received)
        self._place = self._exchange(origin) - self.start

    def collect(self, values: NDArray[Any]) -> NDArray[Any]:
        """This rank's block of an array. Collective.

        Args:
            values: rows in the order of ``origin``; further rows, those of ghosts say, are not used.

        Returns:
            Shape ``(stop - start, ...)``.
        """
        received = self._exchange(np.asarray(values)[: len(self._order)])
        block: NDArray[Any] = np.empty_like(received)
        block[self._place] = received
        return block

    def _exchange(self, rows: NDArray[Any]) -> NDArray[Any]:
        if self.comm.size == 1:
            return rows
        width = int(np.prod(rows.shape[1:]))
        received = np.empty((int(self._received.sum()), *rows.shape[1:]), dtype=rows.dtype)
        self.comm.Alltoallv(
            [np.ascontiguousarray(rows[self._order]), (self._sent * width, None)],
            [received, (self._received * width, None)],
        )
        return received

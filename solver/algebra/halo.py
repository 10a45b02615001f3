# SPDX-License-Identifier: MIT
"""Nodal arrays across ranks: ghost updates with neighbours only, and sums over owned nodes."""

from mpi4py import MPI

import numpy as np
from dolfinx import la
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Halo:
    """Ghost exchange for nodal arrays laid out as owned nodes first, ghosts after.

    Attributes:
        comm: communicator.
        owned: number of owned nodes.
        size: number of local nodes, ghosts included.
    """

    def __init__(self, index_map: object, comm: MPI.Comm) -> None:
        self.comm = comm
        self._vector = la.vector(index_map, dtype=np.float64)
        self.owned: int = index_map.size_local  # type: ignore[attr-defined]
        self.size: int = self._vector.array.size

    def update(self, values: Floats) -> Floats:
        """Overwrite the ghosts of ``values`` with their owners' values; returns ``values``. Collective."""
        if self.comm.size > 1:
            self._vector.array[:] = values
            self._vector.scatter_forward()
            values[self.owned :] = self._vector.array[self.owned :]
        return values

    def sum(self, values: Floats) -> float:
        """Sum over the owned nodes of all ranks. Collective."""
        return float(self.comm.allreduce(float(np.sum(values[: self.owned]))))

    def max(self, values: Floats) -> float:
        """Largest value over the owned nodes of all ranks. Collective."""
        local = float(np.max(values[: self.owned])) if self.owned else -np.inf
        return float(self.comm.allreduce(local, op=MPI.MAX))

    def min(self, values: Floats) -> float:
        """Smallest value over the owned nodes of all ranks. Collective."""
        local = float(np.min(values[: self.owned])) if self.owned else np.inf
        return float(self.comm.allreduce(local, op=MPI.MIN))

    def maxima(self, *local: float) -> tuple[float, ...]:
        """Largest of each number over all ranks. Collective."""
        if self.comm.size == 1:
            return local
        out = np.array(local)
        self.comm.Allreduce(MPI.IN_PLACE, out, op=MPI.MAX)
        return tuple(out.tolist())

# SPDX-License-Identifier: MIT
"""The one place of ``meshes`` that knows how DOLFINx 0.9 to 0.11 differ."""

from typing import Any

from mpi4py import MPI

import basix.ufl
import numpy as np
import ufl
from dolfinx import cpp, mesh
from numpy.typing import NDArray


def create_simplex_mesh(
    comm: MPI.Comm,
    cells: NDArray[np.int64],
    points: NDArray[np.float64],
    destinations: tuple[NDArray[np.int32], NDArray[np.int32]],
) -> mesh.Mesh:
    """Distribute a mesh of straight simplices, cell by cell to given ranks. Collective.

    Args:
        comm: of the mesh.
        cells: vertex numbers, shape ``(n, dimension + 1)``; the rows that this rank contributes.
        points: vertex coordinates [m], shape ``(m, dimension)``; the rows that this rank contributes.
        destinations: owner and ghost ranks of this rank's ``cells``, flat, and offsets into them.

    Returns:
        The distributed mesh with affine geometry.
    """
    dimension = points.shape[1]
    cell_name = {1: "interval", 2: "triangle", 3: "tetrahedron"}[dimension]
    element = basix.ufl.element("Lagrange", cell_name, 1, shape=(dimension,), dtype=np.float64)

    # The signature of this callback has changed between versions (a dimension or a list of cell types);
    # what it answers has not.
    def partitioner(*_: Any) -> Any:
        return cpp.graph.AdjacencyList_int32(*destinations)

    # Positional arguments changed their order after 0.9; the keywords did not.
    return mesh.create_mesh(comm=comm, cells=cells, x=points, e=ufl.Mesh(element), partitioner=partitioner)

# SPDX-License-Identifier: MIT
"""A tagged mesh as plain arrays: what generators make, caches keep and ``distribute`` hands out."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Geometry = Literal["radial", "axisymmetric", "3d"]


@dataclass(frozen=True, kw_only=True)
class PlainMesh:
    """A conforming simplicial mesh on one process, lengths in metres.

    ``radial``: points ``(n, 1)`` are radii, cells are intervals; one cell stands for a spherical shell.
    ``axisymmetric``: points ``(n, 2)`` are ``(r, z)`` with ``r >= 0``, cells are triangles.
    ``3d``: points ``(n, 3)``, cells are tetrahedra of positive orientation.

    Attributes:
        geometry: which of the three.
        points: vertex coordinates [m], shape ``(n, dimension)``.
        cells: vertex numbers, shape ``(n_cells, dimension + 1)``, int64.
        cell_tags: region of each cell (``meshes.regions``), shape ``(n_cells,)``, int32.
        facets: vertex numbers of the tagged exterior facets, shape ``(n_facets, dimension)``, int64.
        facet_tags: surface of each facet (``meshes.regions``), shape ``(n_facets,)``, int32.
        info: what a summary reports of the mesh (quality, volumes, source); JSON-ready.
    """

    geometry: Geometry
    points: NDArray[np.float64]
    cells: NDArray[np.int64]
    cell_tags: NDArray[np.int32]
    facets: NDArray[np.int64]
    facet_tags: NDArray[np.int32]
    info: dict[str, Any] = field(default_factory=dict)

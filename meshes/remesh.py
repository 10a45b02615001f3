# SPDX-License-Identifier: MIT
"""The one place that talks to MMG (Dapogny, Dobrzynski and Frey 2014), through mmgpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.geometry import GeometryError
from meshes.tetrahedra import Cells, Points


@dataclass(frozen=True, kw_only=True)
class TaggedMesh:
    """Tetrahedra with a tag each, and tagged triangles on their boundary and interfaces.

    Attributes:
        points: vertices [m], shape ``(n, 3)``.
        cells: tetrahedra, shape ``(m, 4)``.
        tags: region of each cell, shape ``(m,)``.
        triangles: vertex numbers, shape ``(k, 3)``.
        triangle_tags: reference of each triangle, shape ``(k,)``; 10 is taken by MMG.
    """

    points: Points
    cells: Cells
    tags: NDArray[np.int32]
    triangles: Cells
    triangle_tags: NDArray[np.int32]


def remesh(
    mesh: TaggedMesh, size: NDArray[np.float64], deviation: float, required: NDArray[np.int64], stage: str
) -> TaggedMesh:
    """Adapts a tagged mesh to wanted edge lengths, keeping its surfaces (serial, deterministic).

    Args:
        mesh: what to adapt.
        size: edge length wanted at each vertex [m], shape ``(n,)``.
        deviation: distance by which the new triangles may leave the given surfaces [m].
        required: vertices that must survive where they are.
        stage: what is being made, for the message.

    Raises:
        GeometryError: MMG failed.
    """
    from mmgpy import MmgMesh3D

    mmg = MmgMesh3D()
    mmg.set_mesh_size(vertices=len(mesh.points), tetrahedra=len(mesh.cells), triangles=len(mesh.triangles))
    mmg.set_vertices(mesh.points)
    mmg.set_tetrahedra(mesh.cells.astype(np.int32), mesh.tags.astype(np.int64))
    mmg.set_triangles(mesh.triangles.astype(np.int32), mesh.triangle_tags.astype(np.int64))
    if len(required):
        mmg.set_required_vertices(required.astype(np.int32))
    mmg.set_field("metric", size.reshape(-1, 1))
    smallest, largest = 0.3 * float(size.min()), 2.0 * float(size.max())
    try:
        mmg.remesh(hmin=smallest, hmax=largest, hausd=deviation, hgrad=1.3, angle=0, nosizreq=1,
                   verbose=-1)
    except (RuntimeError, ValueError) as error:
        raise GeometryError(f"the mesher MMG failed while {stage}: {str(error).strip() or 'no reason given'}") from error
    cells, tags = mmg.get_tetrahedra_with_refs()
    triangles, triangle_tags = mmg.get_triangles_with_refs()
    if len(cells) == 0:
        raise GeometryError(f"the mesher MMG returned no cells while {stage}")
    return TaggedMesh(
        points=np.asarray(mmg.get_vertices(), dtype=np.float64), cells=np.asarray(cells, dtype=np.int64),
        tags=np.asarray(tags, dtype=np.int32), triangles=np.asarray(triangles, dtype=np.int64),
        triangle_tags=np.asarray(triangle_tags, dtype=np.int32),
    )

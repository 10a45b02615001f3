# SPDX-License-Identifier: MIT
"""The one place that talks to MMG (Dapogny, Dobrzynski and Frey 2014), through mmgpy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.cells.tetrahedra import Cells, Points
from meshes.geometry import GeometryError

ROUNDING: Final = 1e-9
"""MMG scales coordinates to and fro; vertices that must stay come back within this distance [m]."""

SHARP: Final = 40.0
"""Angle between triangles from which an edge of a given mesh is kept as an edge [degrees]."""


@dataclass(frozen=True, kw_only=True)
class TaggedMesh:
    """Tetrahedra with a tag each, and tagged triangles on their boundary and interfaces.

    Attributes:
        points: vertices [m], shape ``(n, 3)``.
        cells: tetrahedra, shape ``(m, 4)``.
        tags: region of each cell, shape ``(m,)``.
        triangles: vertex numbers, shape ``(k, 3)``.
        triangle_tags: reference of each triangle, shape ``(k,)``; 10 is taken by MMG.
        required: vertices that stay where they are.
    """

    points: Points
    cells: Cells
    tags: NDArray[np.int32]
    triangles: Cells
    triangle_tags: NDArray[np.int32]
    required: NDArray[np.int64]


def remesh(
    mesh: TaggedMesh,
    size: NDArray[np.float64],
    deviation: float,
    stage: str,
    deviations: Mapping[int, float] | None = None,
    frozen: NDArray[np.int64] | None = None,
) -> TaggedMesh:
    """Adapts a tagged mesh to wanted edge lengths, keeping its surfaces (serial, deterministic).

    Args:
        mesh: what to adapt.
        size: edge length wanted at each vertex [m], shape ``(n,)``; or the metric in which edges are as long
            as 1, ``xx, xy, xz, yy, yz, zz`` [1/m2], shape ``(n, 6)``.
        deviation: distance by which the new triangles may leave the given surfaces [m].
        stage: what is being made, for the message.
        deviations: those of triangles of single references [m].
        frozen: numbers of triangles that stay as they are; where they are given, sharp edges stay sharp.

    Raises:
        GeometryError: MMG failed.
    """
    from mmgpy import MmgMesh3D

    mmg = MmgMesh3D()
    mmg.set_mesh_size(vertices=len(mesh.points), tetrahedra=len(mesh.cells), triangles=len(mesh.triangles))
    mmg.set_vertices(mesh.points)
    mmg.set_tetrahedra(mesh.cells.astype(np.int32), mesh.tags.astype(np.int64))
    mmg.set_triangles(mesh.triangles.astype(np.int32), mesh.triangle_tags.astype(np.int64))
    if len(mesh.required):
        mmg.set_required_vertices(mesh.required.astype(np.int32))
    if size.ndim == 2:
        # the trace is at least the largest eigenvalue and at most three times it
        trace, gradation = size[:, [0, 3, 5]].sum(axis=1), 2.0
        mmg.set_field("tensor", np.ascontiguousarray(size))
        smallest, largest = 0.3 * float(trace.max()) ** -0.5, 4.0 * float(trace.min()) ** -0.5
    else:
        gradation = 1.3
        mmg.set_field("metric", size.reshape(-1, 1))
        smallest, largest = 0.3 * float(size.min()), 2.0 * float(size.max())
    if frozen is not None and len(frozen):
        mmg.set_required_triangles(frozen.astype(np.int32))
    local: list[Any] = [
        {"type": "triangle", "ref": ref, "hmin": smallest, "hmax": largest, "hausd": own}
        for ref, own in (deviations or {}).items()
    ]
    if local:
        mmg.set_local_parameters(local)
    bounds = {"hmin": smallest, "hmax": largest, "hausd": deviation, "hgrad": gradation}
    edges = {"angle": 0} if frozen is None else {"ar": SHARP}
    try:
        mmg.remesh(**bounds, **edges, nosizreq=1, verbose=-1)
    except (RuntimeError, ValueError) as error:
        raise GeometryError(
            f"the mesher MMG failed while {stage}: {str(error).strip() or 'no reason given'}"
        ) from error
    cells, tags = mmg.get_tetrahedra_with_refs()
    triangles, triangle_tags = mmg.get_triangles_with_refs()
    points = np.asarray(mmg.get_vertices(), dtype=np.float64)
    if len(cells) == 0:
        raise GeometryError(f"the mesher MMG returned no cells while {stage}")
    required = _find(points, mesh.points[mesh.required], stage)
    points[required] = mesh.points[mesh.required]
    return TaggedMesh(
        points=points,
        cells=np.asarray(cells, dtype=np.int64),
        tags=np.asarray(tags, dtype=np.int32),
        triangles=np.asarray(triangles, dtype=np.int64),
        triangle_tags=np.asarray(triangle_tags, dtype=np.int32),
        required=required,
    )


def _find(points: Points, wanted: Points, stage: str) -> NDArray[np.int64]:
    """Numbers of the vertices at wanted places; MMG renumbers."""
    found = [int(((points - place) ** 2).sum(axis=1).argmin()) for place in wanted]
    if np.abs(points[found] - wanted).max(initial=0.0) > ROUNDING:
        raise GeometryError(f"the mesher MMG moved a needle tip while {stage}")
    return np.array(found, dtype=np.int64)

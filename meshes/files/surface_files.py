# SPDX-License-Identifier: MIT
"""Closed surfaces (STL, PLY, OBJ, VTP) as label maps, so that they go the way of all structures."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.files.foreign import CORNERS, ForeignMesh, read_foreign
from meshes.files.winding import winding_numbers
from meshes.geometry import GeometryError, Mask

SUFFIXES: Final = (".stl", ".ply", ".obj", ".vtp")

Floats = NDArray[np.float64]
Triangles = NDArray[np.int64]

SAME: Final = 1e-6
"""Corners of triangles nearer than this share of the extent are one: STL gives each triangle its own."""

SHARE: Final = 1.0 / 50.0
VOXELS: Final = (5e-4, 2e-3)
"""Edge of the voxels by default: a share of the shortest extent, within limits [m]."""

MOST_VOXELS: Final = 200_000_000

EXTENT: Final = (1e-4, 3.0)
"""Of a structure of the body [m]; beyond it the unit is wrong."""

OVERLAP: Final = 1e-3
"""Share of the volume that is wound around twice from which the surface is said to overlap itself."""

PAD: Final = 3
"""Empty voxels around a structure."""


def read_surface(mask: Mask) -> tuple[NDArray[np.uint8], Floats, tuple[str, ...]]:
    """Voxels inside a closed surface (serial).

    Args:
        mask: file and unit.

    Returns:
        1 inside and 0 outside, shape ``(ni, nj, nk)``; affine from voxel index to position [m]; notes.

    Raises:
        MeshInputError: the file is missing or cannot be read.
        GeometryError: it holds no triangles, is open, of an unlikely size, or needs too many voxels.
    """
    path = mask.path
    if mask.length is None:
        raise GeometryError(f'{path}: a surface needs its unit of length, such as unit = "mm"')
    points, triangles = _triangles(path, read_foreign(path))
    points = points * mask.length
    extent = np.ptp(points, axis=0)
    if not EXTENT[0] <= extent.max() <= EXTENT[1] or extent.min() <= 0.0:
        text = " x ".join(f"{1e3 * x:.3g}" for x in extent)
        raise GeometryError(
            f"{path}: measures {text} mm in the unit of {mask.length:g} m: is the unit right?"
        )
    points, triangles = _merged(points, triangles, SAME * float(extent.max()))
    _require_closed(path, triangles)
    corners = points[triangles]
    notes: list[str] = []
    if _signed_volume(corners) < 0.0:
        corners = corners[:, ::-1]
        notes.append(f"the normals of {path.name} point inwards; they are turned")
    voxel = mask.voxel or float(np.clip(SHARE * extent.min(), *VOXELS))
    low = points.min(axis=0) - (PAD - 0.5) * voxel
    shape = tuple(int(n) for n in np.ceil(extent / voxel) + 2 * PAD)
    if np.prod([float(n) for n in shape]) > MOST_VOXELS:
        text = f"{' x '.join(map(str, shape))} voxels of {1e3 * voxel:.3g} mm"
        raise GeometryError(f"{path}: needs {text}; choose larger voxels")
    try:
        winding = winding_numbers((corners - low) / voxel, shape)
    except GeometryError as error:
        raise GeometryError(f"{path}: {error}") from error
    notes += _self_overlap(path, winding, voxel)
    affine = np.diag([voxel, voxel, voxel, 1.0])
    affine[:3, 3] = low
    notes.append(
        f"{path.name}: {len(triangles)} triangles around {1e6 * abs(_signed_volume(corners)):.4g} mL are "
        "taken to "
        f"voxels of {1e3 * voxel:.3g} mm"
    )
    return (winding != 0).astype(np.uint8), affine, tuple(notes)


def _triangles(path: Path, mesh: ForeignMesh) -> tuple[Floats, Triangles]:
    """Triangles of a surface; quadrilaterals, polygons and strips as fans or pairs of them."""
    found: list[Triangles] = []
    counts = np.diff(mesh.offsets)
    for kind in np.unique(mesh.types):
        for count in np.unique(counts[mesh.types == kind]):
            cells = np.flatnonzero((mesh.types == kind) & (counts == count))
            ids = mesh.connectivity[mesh.offsets[cells][:, None] + np.arange(count)]
            if kind in (5, 7, 9):
                fans = [ids[:, [0, n, n + 1]] for n in range(1, int(count) - 1)]
                found += fans
            elif kind not in (1, 2, 3, 4):
                what = "curved or solid cells" if kind in CORNERS else "strips"
                raise GeometryError(f"{path}: holds {what}; expected a surface of triangles")
    triangles = np.concatenate(found) if found else np.zeros((0, 3), dtype=np.int64)
    if not len(triangles):
        raise GeometryError(f"{path}: holds no triangles; expected a closed surface")
    return mesh.points, triangles


def _merged(points: Floats, triangles: Triangles, distance: float) -> tuple[Floats, Triangles]:
    """Corners in the same place taken together; triangles that shrink to a line or point dropped."""
    keys = np.rint((points - points.min(axis=0)) / distance).astype(np.int64)
    _, first, number = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    triangles = number.reshape(-1)[triangles]
    a, b, c = triangles.T
    return points[first], triangles[(a != b) & (b != c) & (c != a)]


def _require_closed(path: Path, triangles: Triangles) -> None:
    """Every edge is run through as often one way as the other."""
    edges = triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    _, number = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True)
    sense = np.where(edges[:, 0] < edges[:, 1], 1, -1)
    balance = np.bincount(number.reshape(-1), weights=sense)
    uses = np.bincount(number.reshape(-1))
    odd = int(np.count_nonzero(uses % 2))
    if odd:
        raise GeometryError(
            f"{path}: the surface is open: {odd} of {len(uses)} edges lack a triangle on one side; close "
            "it where "
            "it was made (fill holes), or give a label map"
        )
    if (balance != 0).any():
        wrong = int(np.count_nonzero(balance))
        raise GeometryError(
            f"{path}: {wrong} of {len(uses)} edges join triangles that face opposite ways; make their "
            "normals "
            "consistent where the surface was made"
        )


def _signed_volume(corners: Floats) -> float:
    a, b, c = (corners[:, n] - corners[0, 0] for n in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0)


def _self_overlap(path: Path, winding: NDArray[Any], voxel: float) -> list[str]:
    """Notes on parts that are wound around twice, or the wrong way."""
    inside = int(np.count_nonzero(winding))
    notes = []
    for what, voxels in (
        ("overlaps itself", int(np.count_nonzero(winding > 1))),
        ("is turned inside out", int(np.count_nonzero(winding < 0))),
    ):
        if voxels > OVERLAP * inside:
            notes.append(
                f"{path.name} {what} in {1e6 * voxels * voxel**3:.3g} mL (it intersects itself); that "
                "counts once, "
                "as inside"
            )
    return notes

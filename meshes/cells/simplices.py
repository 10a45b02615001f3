# SPDX-License-Identifier: MIT
"""Cells of any kind as simplices: faces of four corners cut alike on both sides, curved cells refined."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.int64]

FACES: Final[dict[str, tuple[tuple[int, ...], ...]]] = {
    "hexahedron": ((0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)),
    "wedge": ((0, 1, 2), (3, 4, 5), (0, 1, 4, 3), (1, 2, 5, 4), (2, 0, 3, 5)),
    "pyramid": ((0, 1, 2, 3), (0, 1, 4), (1, 2, 4), (2, 3, 4), (3, 0, 4)),
}
"""Corners of the faces of each cell that is no simplex, in order around each face."""

CORNERS: Final = {
    "tetra": 4, "hexahedron": 8, "wedge": 6, "pyramid": 5, "triangle": 3, "quad": 4, "line": 2, "vertex": 1,
}  # fmt: skip
"""Number of corners by kind of cell; these are its first points."""

DIMENSION: Final = {
    "tetra": 3, "hexahedron": 3, "wedge": 3, "pyramid": 3, "triangle": 2, "quad": 2, "line": 1, "vertex": 0,
}  # fmt: skip

EIGHT: Final = (
    (0, 4, 6, 7), (4, 1, 5, 8), (6, 5, 2, 9), (7, 8, 9, 3),
    (4, 9, 7, 8), (4, 9, 8, 5), (4, 9, 5, 6), (4, 9, 6, 7),
)  # fmt: skip
"""A tetrahedron of ten points (mid-edges 01, 12, 20, 03, 13, 23) as eight of four."""

FOUR: Final = ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5))
"""A triangle of six points (mid-edges 01, 12, 20) as four of three."""


def kind_of(name: str) -> tuple[str, int]:
    """The kind of a cell named as by meshio, such as ``tetra10``, and its number of points.

    Raises:
        KeyError: with the name, where cells of that name are not known here.
    """
    kind = name.rstrip("0123456789")
    if kind not in CORNERS:
        raise KeyError(name)
    digits = name[len(kind) :]
    return kind, int(digits) if digits else CORNERS[kind]


def as_simplices(name: str, cells: Cells) -> tuple[Cells, NDArray[np.int64]]:
    """Cells as tetrahedra, triangles, lines or vertices.

    A face of four corners is cut from its corner of the smallest number, so that the cells on both sides
    agree. Tetrahedra of ten and triangles of six points become eight and four; of other cells of higher
    order the corners are taken.

    Args:
        name: of the kind of cells as by meshio.
        cells: numbers of their points, shape ``(n, points of a cell)``.

    Returns:
        The simplices, shape ``(m, dimension + 1)``, and the cell that each comes from, shape ``(m,)``.
    """
    kind, _ = kind_of(name)
    if name in ("tetra10", "triangle6"):
        pattern = np.array(EIGHT if name == "tetra10" else FOUR)
        parts = cells[:, pattern]
        return parts.reshape(-1, pattern.shape[1]), np.repeat(np.arange(len(cells)), len(pattern))
    corners = cells[:, : CORNERS[kind]]
    if kind == "quad":
        return _fans(corners)
    if kind not in FACES:
        return corners, np.arange(len(cells))
    first = corners.argmin(axis=1)
    pieces: list[Cells] = []
    parents: list[NDArray[np.int64]] = []
    for apex in range(CORNERS[kind]):
        chosen = np.flatnonzero(first == apex)
        for face in FACES[kind]:
            if apex in face or not len(chosen):
                continue
            triangles, owner = _fans(corners[np.ix_(chosen, np.array(face))])
            pieces.append(np.column_stack((corners[chosen[owner], apex], triangles)))
            parents.append(chosen[owner])
    if not pieces:
        return np.zeros((0, 4), dtype=np.int64), np.zeros(0, dtype=np.int64)
    together = np.concatenate(parents)
    order = np.argsort(together, kind="stable")
    return np.concatenate(pieces)[order], together[order]


def _fans(faces: Cells) -> tuple[Cells, NDArray[np.int64]]:
    """Triangles of faces with three or four corners, the latter cut from their smallest corner."""
    if faces.shape[1] == 3:
        return faces, np.arange(len(faces))
    turn = (faces.argmin(axis=1)[:, None] + np.arange(4)) % 4
    a, b, c, d = np.take_along_axis(faces, turn, axis=1).T
    triangles = np.stack((np.column_stack((a, b, c)), np.column_stack((a, c, d))), axis=1)
    return triangles.reshape(-1, 3), np.repeat(np.arange(len(faces)), 2)

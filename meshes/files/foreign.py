# SPDX-License-Identifier: MIT
"""Meshes of other programs (VTK, XDMF) as plain arrays, read in a process that may fail, and checked."""

import json
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.files.apart import read_apart
from meshes.files.xdmf import SUFFIXES, data_files
from meshes.geometry import MeshInputError

PATIENCE: Final = 120.0
"""For reading one file [s]."""

LINE, POLY_LINE = 3, 4

CORNERS: Final = {
    1: 1, 3: 2, 5: 3, 8: 4, 9: 4, 10: 4, 11: 8, 12: 8, 13: 6, 14: 5,
    21: 3, 22: 6, 23: 8, 24: 10, 25: 20, 26: 15, 27: 13,
}  # fmt: skip
"""VTK's number of a cell type to the number of its points."""
ANY_NUMBER: Final = {2: 1, POLY_LINE: 2, 6: 3, 7: 3}
"""The same for types of cells with that many points at least."""


@dataclass(frozen=True, kw_only=True)
class ForeignMesh:
    """A mesh whose parts fit together.

    Attributes:
        points: in the unit of the file, finite, shape ``(n, 3)``.
        connectivity: numbers of points, cell after cell.
        offsets: where in ``connectivity`` each cell begins, and the end of the last one.
        types: VTK's number of each cell's type.
        point_data: name to numbers at the points.
        cell_data: name to numbers in the cells.
    """

    points: NDArray[np.float64]
    connectivity: NDArray[np.int64]
    offsets: NDArray[np.int64]
    types: NDArray[np.int64]
    point_data: dict[str, NDArray[Any]]
    cell_data: dict[str, NDArray[Any]]

    def edges(self) -> NDArray[np.int64]:
        """Pairs of points that follow one another on lines, shape ``(n, 2)``."""
        cell = np.repeat(np.arange(len(self.types)), np.diff(self.offsets))
        joined = (cell[:-1] == cell[1:]) & np.isin(self.types[cell[:-1]], (LINE, POLY_LINE))
        return np.column_stack([self.connectivity[:-1][joined], self.connectivity[1:][joined]])

    def flat_cells(self) -> NDArray[np.int64]:
        """Each cell as the number of its points and these points, as VTK's classes take them."""
        return np.insert(self.connectivity, self.offsets[:-1], np.diff(self.offsets))


def read_foreign(path: Path) -> ForeignMesh:
    """Reads a mesh (serial).

    Args:
        path: file in a format of VTK, or XDMF.

    Raises:
        MeshInputError: it is missing, cannot be read, or its parts do not fit together.
    """
    if not path.is_file():
        raise MeshInputError(f"{path}: no such file")
    if path.suffix.lower() in SUFFIXES:
        data_files(path)
    with tempfile.TemporaryDirectory(prefix="infusate-mesh-") as folder:
        arrays = Path(folder, "arrays.npz")
        read_apart(path, "meshes.files.foreign_worker", path, arrays, PATIENCE)
        try:
            with np.load(arrays, allow_pickle=False) as archive:
                names = json.loads(str(archive["names"]))
                data = [archive[f"data{i}"] for i in range(len(names))]
                mesh = ForeignMesh(
                    **{name: archive[name] for name in ("points", "connectivity", "offsets", "types")},
                    point_data={n: v for (place, n), v in zip(names, data, strict=True) if place == "point"},
                    cell_data={n: v for (place, n), v in zip(names, data, strict=True) if place == "cell"},
                )
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise MeshInputError(f"{path}: cannot be read: its arrays do not arrive") from error
    if reason := _misfit(mesh):
        raise MeshInputError(f"{path}: cannot be read: {reason}")
    return mesh


def _misfit(mesh: ForeignMesh) -> str | None:
    """What is wrong with the arrays, or None."""
    points, ids, offsets, types = mesh.points, mesh.connectivity, mesh.offsets, mesh.types
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        return "its points are not places"
    if offsets.shape != (len(types) + 1,) or offsets[0] != 0 or offsets[-1] != len(ids):
        return "its cells do not follow one another"
    counts = np.diff(offsets)
    if len(ids) == 0 or (counts < 1).any() or ids.min() < 0 or ids.max() >= len(points):
        return "its cells name points that are not there"
    for kind in np.unique(types):
        found = counts[types == kind]
        wanted = CORNERS.get(int(kind))
        if kind not in CORNERS and kind not in ANY_NUMBER:
            return f"cells of VTK's type {kind} are not known here"
        if (found != wanted).any() if wanted else (found < ANY_NUMBER[int(kind)]).any():
            return f"cells of VTK's type {kind} have not as many points as such cells"
    sizes = ((mesh.point_data, len(points)), (mesh.cell_data, len(types)))
    if any(len(values) != size for data, size in sizes for values in data.values()):
        return "its data are not as many as its points or cells"
    return None

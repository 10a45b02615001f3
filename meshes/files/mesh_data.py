# SPDX-License-Identifier: MIT
"""Data on the points or cells of somebody's mesh (VTK, VTU, XDMF and others) looked up at points in space."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from meshes.files.foreign import read_foreign
from meshes.geometry import GeometryError, MeshInputError

Floats = NDArray[np.float64]

BY_VTK: Final = (".vtk", ".vtu", ".vti", ".vtr", ".vts", ".vtkhdf")
BY_MESHIO: Final = (".xdmf", ".xmf")
SUFFIXES: Final = BY_VTK + BY_MESHIO


@dataclass(frozen=True, kw_only=True)
class MeshData:
    """Numbers on a mesh in space.

    Attributes:
        path: the file.
        name: of the data.
        grid: the mesh, of lengths in metres, with these data alone.
        places: where the numbers stand, vertices or centres of cells [m], shape ``(n, 3)``.
        values: there, shape ``(n,)``; NaN where there is no number.
        notes: what a user should know about how the file was read.
    """

    path: Path
    name: str
    grid: Any
    places: Floats
    values: Floats
    notes: tuple[str, ...] = ()

    @property
    def spacing(self) -> float:
        """Edge of a cube as large as the mean cell, or of a square where the mesh is flat [m]."""
        sizes = self.grid.compute_cell_sizes(length=False)
        volume, area = sizes.cell_data["Volume"], sizes.cell_data["Area"]
        if np.any(volume > 0):
            return float(np.mean(volume[volume > 0]) ** (1 / 3))
        return float(np.sqrt(np.mean(area[area > 0]))) if np.any(area > 0) else np.inf

    def at(self, points: Floats) -> Floats:
        """Values at points [m]; NaN outside the mesh and in cells without a number, shape ``(n,)``.

        Data on points are linear within a cell; data on cells hold all over it.
        """
        import pyvista

        found = pyvista.PolyData(np.ascontiguousarray(points)).sample(self.grid)
        inside = np.asarray(found["vtkValidPointMask"], dtype=bool)
        return np.where(inside, np.asarray(found[self.name], dtype=np.float64), np.nan)

    def nearest(self, points: Floats) -> Floats:
        """The number that stands nearest to each point [m], shape ``(n,)``."""
        known = np.isfinite(self.values)
        return np.asarray(self.values[known][cKDTree(self.places[known]).query(points)[1]])


def read_mesh_data(path: Path, name: str, length: float) -> MeshData:
    """Reads one set of numbers on the points or cells of a mesh (serial).

    Args:
        path: of the file.
        name: of the data; points are looked at before cells.
        length: metres per unit of length of the file.

    Raises:
        MeshInputError: the file is missing, of another kind or unreadable.
        GeometryError: it has no such data, or they are no numbers.
    """
    import pyvista

    grid = _read(path)
    on_points = name in grid.point_data
    if not on_points and name not in grid.cell_data:
        names = ", ".join([*grid.point_data.keys(), *grid.cell_data.keys()]) or "none"
        raise GeometryError(f'{path}: no data "{name}" on points or cells; found: {names}')
    values = np.asarray((grid.point_data if on_points else grid.cell_data)[name])
    if values.ndim != 1 or not np.issubdtype(values.dtype, np.number) or np.iscomplexobj(values):
        raise GeometryError(f'{path}: the data "{name}" are not one real number in each place')
    numbers = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    if not np.isfinite(numbers).any():
        raise GeometryError(f'{path}: no value of "{name}" is a number')
    bare = pyvista.UnstructuredGrid(grid.cast_to_unstructured_grid())
    bare.points = np.asarray(bare.points, dtype=np.float64) * length
    bare.clear_data()
    (bare.point_data if on_points else bare.cell_data)[name] = numbers
    places = bare.points if on_points else bare.cell_centers().points
    where = "points, linear within cells" if on_points else "cells, constant in each"
    note = f"{path.name}: {name} on {where}"
    return MeshData(path=path, name=name, grid=bare, places=np.array(places), values=numbers, notes=(note,))


def _read(path: Path) -> Any:
    import pyvista

    if not path.is_file():
        raise MeshInputError(f"{path}: no such file; mesh data are expected here")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise MeshInputError(f"{path}: mesh data must be one of {', '.join(SUFFIXES)}")
    found = read_foreign(path)
    grid = pyvista.UnstructuredGrid(found.flat_cells(), found.types, found.points)
    for name, values in found.point_data.items():
        grid.point_data[name] = values
    for name, values in found.cell_data.items():
        grid.cell_data[name] = values
    return grid

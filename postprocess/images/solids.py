# SPDX-License-Identifier: MIT
"""Ablation zone and tumour as closed surfaces, for programs that read STL."""

from pathlib import Path
from typing import Final

import numpy as np
import pyvista as pv
from vtkmodules.vtkFiltersGeometry import vtkDataSetSurfaceFilter
from vtkmodules.vtkIOGeometry import vtkSTLWriter

from postprocess.results.ablation import ablated, in_tumour, part
from postprocess.results.level import Level
from postprocess.results.result import Result, ResultError
from solver.results.fields import REGION

MILLIMETRES: Final = 1e3
HEADER: Final = "Infusate, millimetres, SPACE=RAS"
"""3D Slicer takes the axes from the last word; without it, it would take x and y the other way round."""


def surface(grid: pv.UnstructuredGrid) -> pv.PolyData:
    """Triangles around a part of a mesh [m], all facing outwards, without its point data."""
    skin = vtkDataSetSurfaceFilter()
    skin.SetInputData(grid)
    skin.Update()
    found = pv.wrap(skin.GetOutput()).triangulate()
    bare = pv.PolyData(np.asarray(found.points), faces=found.faces)
    turned = bare.compute_normals(cell_normals=False, auto_orient_normals=True, split_vertices=False)
    return pv.PolyData(np.asarray(turned.points), faces=turned.faces)


def zone_and_tumour(result: Result, level: Level) -> tuple[pv.PolyData, pv.PolyData]:
    """Surfaces [m] of what a level ablates by the end of a run, and of the tumour; the first may be empty.

    Args:
        result: of the 3-D geometry.
        level: of the zone.

    Raises:
        ResultError: of another geometry.
    """
    if result.geometry != "3d":
        raise ResultError(f"{result.folder}: a {result.geometry} result has no surfaces in space")
    grid = next(result.grids({level.key, REGION.key}, result.times[-1:]))
    found = ablated(grid, level.key, level.threshold)
    zone = surface(found) if found.n_cells else pv.PolyData()
    return zone, surface(part(grid, in_tumour(grid)))


def export_stl(result: Result, out: Path, level: Level) -> list[Path]:
    """Writes ``zone.stl`` and ``tumour.stl``: binary, millimetres, RAS.

    Args:
        result: of the 3-D geometry.
        out: existing folder.
        level: of the zone.

    Returns:
        The files; ``zone.stl`` is left out where nothing is ablated.
    """
    written = []
    for name, skin in zip(("zone", "tumour"), zone_and_tumour(result, level), strict=True):
        if skin.n_cells == 0:
            continue
        writer = vtkSTLWriter()
        writer.SetFileName(str(out / f"{name}.stl"))
        writer.SetFileTypeToBinary()
        writer.SetHeader(HEADER)
        writer.SetInputData(skin.scale(MILLIMETRES))
        if not writer.Write():
            raise OSError(f"{out / name}.stl cannot be written")
        written.append(out / f"{name}.stl")
    return written

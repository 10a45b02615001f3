# SPDX-License-Identifier: MIT
"""Surfaces for the scene in space: what is ablated in the tumour, what outside it, what is left."""

from dataclasses import dataclass

import numpy as np
import pyvista as pv
from vtkmodules.vtkFiltersGeometry import vtkDataSetSurfaceFilter

from meshes.plain import Geometry
from postprocess.ablation import ablated, in_tumour, part

SECTORS = 96
"""Sectors in which the axisymmetric geometry is turned around its axis."""


@dataclass(frozen=True, kw_only=True)
class Skins:
    """Surfaces of a scene [m]; each may be empty.

    Attributes:
        hit: of the ablated part of the tumour.
        escaped: of ablated tissue outside the tumour, without what lies on the tumour.
        left: the part of the tumour's surface that is not ablated.
        tumour: the tumour's whole surface.
    """

    hit: pv.PolyData
    escaped: pv.PolyData
    left: pv.PolyData
    tumour: pv.PolyData


def _turned(outline: pv.PolyData) -> pv.PolyData:
    """The surface of an outline in the meridian plane turned once around the axis z."""
    if outline.n_cells == 0:
        return outline
    off_axis = np.asarray(outline.cell_centers().points)[:, 0] > 1e-9
    lines = _surface(outline.extract_cells(np.nonzero(off_axis)[0]))
    bare = pv.PolyData(lines.points, lines=lines.lines).clean().strip()
    return bare.extrude_rotate(resolution=SECTORS, capping=False).clean().triangulate()


def _surface(grid: pv.UnstructuredGrid) -> pv.PolyData:
    """Outer faces of cells; faces and lines as they are. By VTK: PyVista's call changes between versions."""
    surface = vtkDataSetSurfaceFilter()
    surface.SetInputData(grid)
    surface.Update()
    return pv.wrap(surface.GetOutput())


def _skin(grid: pv.UnstructuredGrid, geometry: Geometry) -> pv.PolyData:
    """Closed surface of a part of the mesh, or in the meridian plane its outline; point data are kept."""
    if grid.n_cells == 0:
        return pv.PolyData()
    if geometry == "3d":
        return _surface(grid)
    return grid.extract_feature_edges(boundary_edges=True, feature_edges=False, manifold_edges=False)


def _apart(skin: pv.PolyData, other: pv.PolyData) -> pv.PolyData:
    """The cells of a skin that do not lie on another one; two coloured faces in one place would flicker."""
    if skin.n_cells == 0 or other.n_cells == 0:
        return skin
    centres = np.asarray(skin.cell_centers().points, dtype=np.float64)
    _, nearest = other.find_closest_cell(centres, return_closest_point=True)
    free = np.linalg.norm(nearest - centres, axis=1) > 1e-5 * skin.length
    return _surface(skin.extract_cells(np.nonzero(free)[0]))


def skins(grid: pv.UnstructuredGrid, geometry: Geometry, key: str, threshold: float) -> Skins:
    """Surfaces of what a threshold ablates and leaves.

    Args:
        grid: of the 3-D or the axisymmetric geometry; the latter is turned around its axis.
        geometry: which of the two.
        key: point field compared with the threshold.
        threshold: in the field's unit.
    """
    inside = in_tumour(grid)
    tumour = _skin(part(grid, inside), geometry)
    found = {
        "hit": _skin(ablated(part(grid, inside), key, threshold), geometry),
        "escaped": _apart(_skin(ablated(part(grid, ~inside), key, threshold), geometry), tumour),
        "left": tumour.clip_scalar(scalars=key, value=threshold, invert=True),
        "tumour": tumour,
    }
    if geometry == "3d":
        return Skins(**found)
    return Skins(**{name: _turned(skin) for name, skin in found.items()})

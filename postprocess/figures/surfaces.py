# SPDX-License-Identifier: MIT
"""Surfaces for the scene in space: what is ablated in the tumour, what outside it, what is left."""

from dataclasses import dataclass

import numpy as np
import pyvista as pv
from numpy.typing import NDArray
from vtkmodules.vtkFiltersGeometry import vtkDataSetSurfaceFilter

from meshes.plain import Geometry
from postprocess.figures.section import Plane, sliced_by
from postprocess.results.ablation import ablated, in_tumour, part

ON_AXIS = 1e-9
"""Nearer to the axis than this [m], a line is a part of it."""

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
    off_axis = np.asarray(outline.cell_centers().points)[:, 0] > ON_AXIS
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


@dataclass(frozen=True, kw_only=True)
class Faces:
    """A cut through the mesh in space [m], point data kept.

    Attributes:
        inside: its part in the tumour.
        outside: its part in other tissue.
        outline: the tumour's boundary on it.
    """

    inside: pv.PolyData
    outside: pv.PolyData
    outline: pv.PolyData


def cut_faces(grid: pv.UnstructuredGrid, geometry: Geometry, plane: Plane) -> Faces:
    """Where a plane cuts tumour and tissue; the axisymmetric geometry is cut in its own plane.

    Args:
        grid: of the 3-D or the axisymmetric geometry.
        geometry: which of the two.
        plane: of the cut.
    """
    inside = in_tumour(grid)
    pieces = [_cut(part(grid, chosen), geometry, plane) for chosen in (inside, ~inside)]
    rim = pieces[0].extract_feature_edges(boundary_edges=True, feature_edges=False, manifold_edges=False)
    if geometry != "3d":
        rim = rim.extract_cells(np.abs(np.asarray(rim.cell_centers().points)[:, 0]) > ON_AXIS)
        rim = _surface(rim)
    return Faces(inside=pieces[0], outside=pieces[1], outline=rim)


def _cut(grid: pv.UnstructuredGrid, geometry: Geometry, plane: Plane) -> pv.PolyData:
    if geometry == "3d":
        return sliced_by(grid, plane)
    half = _surface(grid)
    other = half.copy()
    other.points = np.asarray(half.points) * [-1.0, 1.0, 1.0]
    return half.append_polydata(other)


def turned_mesh(
    points: NDArray[np.float64], lines: NDArray[np.int64], values: NDArray[np.float64], name: str
) -> pv.PolyData:
    """The surface that lines in the meridian plane sweep around the axis z, with a value at each point.

    Args:
        points: [m], shape ``(n, 3)``, in the plane y = 0.
        lines: point numbers, shape ``(m, 2)``.
        values: at the points.
        name: of the values on the surface.
    """
    angles = np.linspace(0.0, 2 * np.pi, SECTORS, endpoint=False)
    ring = np.stack(
        [
            np.outer(np.cos(angles), points[:, 0]),
            np.outer(np.sin(angles), points[:, 0]),
            np.tile(points[:, 2], (SECTORS, 1)),
        ],
        axis=-1,
    )
    here = np.arange(SECTORS)[:, None, None] * len(points) + lines
    there = np.roll(here, -1, axis=0)
    quads = np.stack([here[..., 0], here[..., 1], there[..., 1], there[..., 0]], axis=-1).reshape(-1, 4)
    faces = np.column_stack([np.full(len(quads), 4), quads])
    surface = pv.PolyData(ring.reshape(-1, 3), faces=faces.ravel())
    surface.point_data[name] = np.tile(values, SECTORS)
    return surface.triangulate().clean()

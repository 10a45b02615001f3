# SPDX-License-Identifier: MIT
"""The cut through the needle: triangles, tumour outline and needles in the coordinates of the picture."""

from dataclasses import dataclass

import numpy as np
import pyvista as pv
from numpy.typing import NDArray

from meshes.plain import Geometry
from postprocess.results.ablation import tumour_surface
from postprocess.results.result import Needle
from solver.results.fields import DARCY_FLUX

MILLIMETRES = 1e3

LEAST_HEIGHT = 1e-3
"""Height of the thinnest triangle kept in a cut [mm]."""


@dataclass(frozen=True, kw_only=True)
class Plane:
    """A plane with axes.

    Attributes:
        origin: [m], shape ``(3,)``.
        across: unit vector to the right in the picture.
        up: unit vector to the top of the picture, along the first needle and out of the body.
    """

    origin: NDArray[np.float64]
    across: NDArray[np.float64]
    up: NDArray[np.float64]

    def picture(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coordinates in the picture [mm], shape ``(..., 2)``, of points [m], shape ``(..., 3)``."""
        relative = points - self.origin
        return MILLIMETRES * np.stack([relative @ self.across, relative @ self.up], axis=-1)


@dataclass(frozen=True, kw_only=True)
class Section:
    """What a cut shows; lengths in mm.

    Attributes:
        points: of the triangulation, shape ``(n, 2)``.
        triangles: shape ``(m, 3)``.
        fields: point data by key, SI units.
        outline: segments of the tumour's boundary, shape ``(k, 2, 2)``.
        flux: Darcy flux in the plane [m/s], one per triangle, shape ``(m, 2)``.
        plane: where the cut lies.
    """

    points: NDArray[np.float64]
    triangles: NDArray[np.int64]
    fields: dict[str, NDArray[np.float64]]
    outline: NDArray[np.float64]
    flux: NDArray[np.float64]
    plane: Plane


def choose_plane(needles: tuple[Needle, ...], centre: NDArray[np.float64]) -> Plane:
    """The plane of the first needle that comes nearest to the other tips, or else to the tumour's centre.

    Args:
        needles: at least one.
        centre: of the tumour [m].
    """
    first = needles[0]
    up = -first.direction / np.linalg.norm(first.direction)
    others = np.array([needle.tip for needle in needles[1:]] or [centre]) - first.tip
    beside = others - np.outer(others @ up, up)
    _, strength, axes = np.linalg.svd(beside, full_matrices=False)
    if strength[0] < 1e-6:
        helper = np.eye(3)[int(np.argmin(np.abs(up)))]
        across = np.cross(np.cross(up, helper), up)
    else:
        across = axes[0]
    across = across / np.linalg.norm(across)
    return Plane(origin=first.tip, across=across if across[np.argmax(np.abs(across))] > 0 else -across, up=up)


def _interface(grid: pv.UnstructuredGrid) -> pv.PolyData:
    facets = tumour_surface(grid)
    faces = np.column_stack([np.full(len(facets), 3), facets]) if len(facets) else np.zeros((0, 4), dtype=int)
    return pv.PolyData(np.asarray(grid.points), faces=faces.ravel())


def line_segments(lines: pv.PolyData) -> NDArray[np.float64]:
    """Ends of the segments of lines [m], shape ``(n, 2, 3)``."""
    if lines.n_points == 0:
        return np.zeros((0, 2, 3))
    ends = lines.lines.reshape(-1, 3)[:, 1:]
    return np.asarray(lines.points, dtype=np.float64)[ends]


def tumour_centre(grid: pv.UnstructuredGrid) -> NDArray[np.float64]:
    """Middle of the box around the tumour's surface [m], shape ``(3,)``; the mesh's if there is none."""
    facets = tumour_surface(grid)
    points = np.asarray(grid.points, dtype=np.float64)
    chosen = points[np.unique(facets)] if len(facets) else points
    return (chosen.min(axis=0) + chosen.max(axis=0)) / 2


def cut(grid: pv.UnstructuredGrid, geometry: Geometry, needles: tuple[Needle, ...]) -> Section:
    """The cut through the first needle.

    Args:
        grid: of the 3-D or the axisymmetric geometry; the latter is mirrored to a full cut.
        geometry: which of the two.
        needles: at least one.
    """
    if geometry == "axisymmetric":
        return _mirrored(grid, needles)
    plane = choose_plane(needles, tumour_centre(grid))
    normal = np.cross(plane.across, plane.up)
    sliced = sliced_by(grid, plane)
    segments = line_segments(_interface(grid).slice(normal=normal, origin=plane.origin))
    points = plane.picture(np.asarray(sliced.points, dtype=np.float64))
    triangles = sliced.faces.reshape(-1, 4)[:, 1:].astype(np.int64)
    kept = _with_height(points, triangles)
    return Section(
        points=points,
        triangles=triangles[kept],
        fields={key: np.asarray(sliced.point_data[key]) for key in sliced.point_data},
        outline=plane.picture(segments),
        flux=_in_plane(sliced, plane)[kept],
        plane=plane,
    )


def sliced_by(grid: pv.UnstructuredGrid, plane: Plane) -> pv.PolyData:
    """Triangles in which a plane cuts a 3-D mesh, points in one place merged, fields kept."""
    sliced = grid.slice(normal=np.cross(plane.across, plane.up), origin=plane.origin, generate_triangles=True)
    return sliced.clean(lines_to_points=False, polys_to_lines=False, strips_to_polys=False)


def _in_plane(surface: pv.DataSet, plane: Plane) -> NDArray[np.float64]:
    """Darcy flux of each cell in the plane."""
    if DARCY_FLUX.key not in surface.cell_data:
        return np.zeros((surface.n_cells, 2))
    vectors = np.asarray(surface.cell_data[DARCY_FLUX.key], dtype=np.float64)
    return np.stack([vectors @ plane.across, vectors @ plane.up], axis=1)


def _with_height(points: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which triangles have a height; where a cut grazes a vertex, the others draw as hairlines."""
    corners = points[triangles]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    twice_area = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    return twice_area > LEAST_HEIGHT * longest


def _mirrored(grid: pv.UnstructuredGrid, needles: tuple[Needle, ...]) -> Section:
    up = np.array([0.0, 0.0, -1.0 if needles and needles[0].direction[2] > 0 else 1.0])
    plane = Plane(origin=needles[0].tip * [0, 0, 1], across=np.array([1.0, 0.0, 0.0]), up=up)
    points = plane.picture(np.asarray(grid.points, dtype=np.float64))
    ((_, cells),) = grid.cells_dict.items()
    outline = points[tumour_surface(grid)]
    flip = np.array([-1.0, 1.0])
    flux = _in_plane(grid, plane)
    return Section(
        points=np.concatenate([points, points * flip]),
        triangles=np.concatenate([cells, cells[:, ::-1] + len(points)]).astype(np.int64),
        fields={key: np.tile(np.asarray(grid.point_data[key]), 2) for key in _scalars(grid)},
        outline=np.concatenate([outline, outline * flip]),
        flux=np.concatenate([flux, flux * flip]),
        plane=plane,
    )


def _scalars(grid: pv.UnstructuredGrid) -> list[str]:
    return [key for key in grid.point_data if np.asarray(grid.point_data[key]).ndim == 1]


def at_places(
    section: Section, values: NDArray[np.float64], places: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Values of the points of a cut, interpolated at places on it; nan outside.

    Args:
        section: the cut.
        values: shape ``(n,)`` or ``(n, k)``.
        places: [mm], shape ``(..., 2)``.
    """
    flat = places.reshape(-1, 2)
    faces = np.column_stack([np.full(len(section.triangles), 3), section.triangles])
    surface = pv.PolyData(
        np.column_stack([section.points, np.zeros(len(section.points))]), faces=faces.ravel()
    )
    surface.point_data["values"] = values
    found = pv.PolyData(np.column_stack([flat, np.zeros(len(flat))])).sample(surface)
    sampled = np.array(found.point_data["values"], dtype=np.float64)
    sampled[np.asarray(found.point_data["vtkValidPointMask"]) == 0] = np.nan
    return sampled.reshape(*places.shape[:-1], *values.shape[1:])

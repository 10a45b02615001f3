# SPDX-License-Identifier: MIT
"""Ablation volume, coverage and margins by geometric clipping of the stored fields.

Independent of the integrals that the solver takes during a run: VTK clips the cells, and the weights of the
radial and axisymmetric geometries are applied to the clipped pieces. Linear fields are clipped exactly.
"""

from dataclasses import dataclass

import numpy as np
import pyvista as pv
from numpy.typing import NDArray

from meshes.plain import Geometry
from meshes.regions import TUMOUR_REGIONS
from solver.results.fields import REGION


@dataclass(frozen=True, kw_only=True)
class Margin:
    """Signed distance from the tumour surface to the ablation surface, positive where the surface is ablated.

    Attributes:
        minimum: smallest over the tumour surface [m].
        percentile_5: value that 5 % of the tumour surface's area stays below [m].
        median: value that half of it stays below [m].
    """

    minimum: float
    percentile_5: float
    median: float


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """What one threshold destroys.

    Attributes:
        volume: tissue at or above the threshold [m3].
        in_tumour: its part inside the tumour [m3].
        tumour: volume of the tumour [m3].
        margin: None where no surface separates ablated from untreated tissue, or no tumour from tissue.
    """

    volume: float
    in_tumour: float
    tumour: float
    margin: Margin | None

    @property
    def outside(self) -> float:
        """Ablated tissue outside the tumour [m3]."""
        return max(self.volume - self.in_tumour, 0.0)

    @property
    def coverage(self) -> float:
        """Share of the tumour that is ablated."""
        return self.in_tumour / self.tumour if self.tumour > 0 else 0.0


def in_tumour(grid: pv.UnstructuredGrid) -> NDArray[np.bool_]:
    """Which cells lie inside the tumour boundary, shape ``(n_cells,)``."""
    return np.isin(grid.cell_data[REGION.key], sorted(TUMOUR_REGIONS))


def part(grid: pv.UnstructuredGrid, chosen: NDArray[np.bool_]) -> pv.UnstructuredGrid:
    """The chosen cells as a grid of their own."""
    return grid.extract_cells(np.nonzero(chosen)[0])


def ablated(grid: pv.UnstructuredGrid, key: str, threshold: float) -> pv.UnstructuredGrid:
    """The part of a grid where a point field is at or above a threshold, cells clipped linearly."""
    if grid.n_cells == 0:
        return grid
    return grid.clip_scalar(scalars=key, value=threshold, invert=False)


def volume(grid: pv.UnstructuredGrid, geometry: Geometry) -> float:
    """Volume of tissue that a grid stands for [m3]: shells, rings (weight 2 pi r) or the cells themselves."""
    if grid.n_cells == 0:
        return 0.0
    if geometry == "3d":
        return float(grid.compute_cell_sizes(length=False, area=False)["Volume"].sum())
    pieces = grid.triangulate()
    dimension = {"radial": 1, "axisymmetric": 2}[geometry]
    cells = pieces.cells_dict.get(3 if dimension == 1 else 5)
    if cells is None:
        return 0.0
    corners = np.asarray(pieces.points, dtype=np.float64)[cells]
    if geometry == "radial":
        radii = corners[:, :, 0]
        return float(4 / 3 * np.pi * np.abs(radii[:, 1] ** 3 - radii[:, 0] ** 3).sum())
    (r0, z0), (r1, z1), (r2, z2) = (corners[:, i][:, [0, 2]].T for i in range(3))
    area = np.abs((r1 - r0) * (z2 - z0) - (r2 - r0) * (z1 - z0)) / 2
    return float((2 * np.pi * (r0 + r1 + r2) / 3 * area).sum())


def tumour_surface(grid: pv.UnstructuredGrid) -> NDArray[np.int64]:
    """Facets shared by a cell of the tumour and one outside it.

    Returns:
        Point numbers, shape ``(n, 1)``, ``(n, 2)`` or ``(n, 3)`` for lines, triangles and tetrahedra.
    """
    ((_, cells),) = grid.cells_dict.items()
    inside = in_tumour(grid)
    touched = [np.zeros(grid.n_points, dtype=bool) for _ in range(2)]
    for mask, side in zip(touched, (inside, ~inside), strict=True):
        mask[cells[side]] = True
    shared = touched[0] & touched[1]
    corners = cells.shape[1]
    near = shared[cells].sum(axis=1) >= corners - 1
    sides = []
    for chosen in (cells[near & inside], cells[near & ~inside]):
        facets = np.concatenate([np.delete(chosen, i, axis=1) for i in range(corners)])
        facets = np.sort(facets[shared[facets].all(axis=1)], axis=1)
        sides.append(np.unique(facets, axis=0))
    both, counts = np.unique(np.concatenate(sides), axis=0, return_counts=True)
    return both[counts == 2].astype(np.int64)


def _weights(
    points: NDArray[np.float64], facets: NDArray[np.int64], geometry: Geometry
) -> NDArray[np.float64]:
    """Area of tumour surface around each point [m2]."""
    corners = points[facets]
    if geometry == "radial":
        areas = np.ones(len(facets))
    elif geometry == "axisymmetric":
        length = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
        areas = 2 * np.pi * corners[:, :, 0].mean(axis=1) * length
    else:
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        areas = np.linalg.norm(normal, axis=1) / 2
    weights = np.zeros(len(points))
    np.add.at(weights, facets, (areas / facets.shape[1])[:, None])
    return weights


@dataclass(frozen=True, kw_only=True)
class Clearance:
    """Signed distances to the ablation surface, at the vertices of the tumour surface.

    Attributes:
        facets: of the tumour surface, numbers of ``points``, shape ``(m, k)``, k = 1, 2 or 3 by geometry.
        points: its vertices [m], shape ``(n, 3)``.
        signed: [m], positive where the vertex is ablated, shape ``(n,)``.
        weights: area of tumour surface around each vertex [m2], up to a factor, shape ``(n,)``.
    """

    facets: NDArray[np.int64]
    points: NDArray[np.float64]
    signed: NDArray[np.float64]
    weights: NDArray[np.float64]


def clearance(grid: pv.UnstructuredGrid, geometry: Geometry, key: str, threshold: float) -> Clearance | None:
    """Signed distance between tumour surface and ablation surface, taken at the tumour surface's vertices.

    Args:
        grid: mesh with the field.
        geometry: which of the three.
        key: point field compared with the threshold.
        threshold: in the field's unit.

    Returns:
        None where no surface separates ablated from untreated tissue, or no tumour from tissue.
    """
    facets = tumour_surface(grid)
    values = np.asarray(grid.point_data[key])
    surface = grid.contour([threshold], scalars=key)
    if len(facets) == 0 or surface.n_points == 0:
        return None
    everywhere = np.asarray(grid.points, dtype=np.float64)
    chosen, numbers = np.unique(facets, return_inverse=True)
    points = everywhere[chosen]
    if geometry == "radial":
        distance = np.abs(points[:, :1] - np.asarray(surface.points)[:, 0]).min(axis=1)
    else:
        _, nearest = surface.find_closest_cell(points, return_closest_point=True)
        distance = np.linalg.norm(nearest - points, axis=1)
    return Clearance(
        facets=numbers.reshape(facets.shape).astype(np.int64),
        points=points,
        signed=np.where(values[chosen] >= threshold, distance, -distance),
        weights=_weights(everywhere, facets, geometry)[chosen],
    )


def margin(grid: pv.UnstructuredGrid, geometry: Geometry, key: str, threshold: float) -> Margin | None:
    """Least, 5 % and median of ``clearance`` over the tumour surface's area; same arguments."""
    found = clearance(grid, geometry, key, threshold)
    if found is None:
        return None
    order = np.argsort(found.signed)
    share = np.cumsum(found.weights[order]) / found.weights.sum()
    at = [
        found.signed[order][min(int(np.searchsorted(share, level)), len(order) - 1)] for level in (0.05, 0.5)
    ]
    return Margin(minimum=float(found.signed.min()), percentile_5=float(at[0]), median=float(at[1]))


def ablation(grid: pv.UnstructuredGrid, geometry: Geometry, key: str, threshold: float) -> Ablation:
    """What a threshold on a point field destroys, inside the tumour and outside it.

    Args:
        grid: mesh with the field and the regions, vertices and cells as stored.
        geometry: which of the three.
        key: point field (``ct_dose`` or ``peak_concentration``).
        threshold: in the field's unit.
    """
    tumour = part(grid, in_tumour(grid))
    return Ablation(
        volume=volume(ablated(grid, key, threshold), geometry),
        in_tumour=volume(ablated(tumour, key, threshold), geometry),
        tumour=volume(tumour, geometry),
        margin=margin(grid, geometry, key, threshold),
    )

# SPDX-License-Identifier: MIT
"""How far the numbers of a run may be from those of a finer mesh: recovered gradients, and the step control.

A linear field loses what bends between its nodes. Gradients averaged at the nodes (Zienkiewicz and Zhu 1987)
know the bend: along an edge from i to j the curve through both nodes with both slopes leaves the straight
line by (x_j - x_i).(G_i - G_j)/8 in the middle. Where a dose passes a threshold, that error moves the surface
and changes the volume. Serial, on the whole mesh (rank 0), like the other metrics.

What the estimate cannot see is the error of the nodal values themselves, such as a front that the scheme has
smeared; docs/numerics.md says how far it was from the truth where the truth is known.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from meshes.cells.measures import cell_volumes
from meshes.plain import Geometry, PlainMesh
from solver.ablation.clip import volume_above
from solver.ablation.metrics import Level, equivalent_radius
from solver.kernels.cells import cell_gradients
from solver.parameters.model import Numerics

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

TINY: Final = np.finfo(float).tiny

TIME_SHARE: Final = 0.1
"""Error of the volumes by the steps over `flow_tolerance`; measured, radial reference and spill case [-]."""


def recovered_gradient(mesh: PlainMesh, values: Floats, volumes: Floats) -> Floats:
    """Gradient at the vertices: the mean over their cells, weighted with volumes.

    Args:
        mesh: whole mesh.
        values: linear field at its vertices, shape ``(n,)``.
        volumes: of the cells [m3].

    Returns:
        In the unit of the field over m, shape ``(n, dimension)``.
    """
    gradients = cell_gradients(mesh.points, mesh.cells.astype(np.int32), values)
    return np.asarray(_nodal_means(mesh.cells, gradients, volumes, len(mesh.points)))


@njit(cache=True)
def _nodal_means(cells: Ints, per_cell: Floats, weights: Floats, nodes: int) -> Floats:
    """Mean of what cells have over those of each vertex, weighted; 0 at vertices without cells."""
    out, total = np.zeros((nodes, per_cell.shape[1])), np.zeros(nodes)
    for c in range(cells.shape[0]):
        for a in range(cells.shape[1]):
            total[cells[c, a]] += weights[c]
            for d in range(per_cell.shape[1]):
                out[cells[c, a], d] += weights[c] * per_cell[c, d]
    for i in range(nodes):
        for d in range(per_cell.shape[1]):
            out[i, d] /= max(total[i], TINY)
    return out


def cell_errors(mesh: PlainMesh, values: Floats, volumes: Floats) -> Floats:
    """Mean over each cell of the amount by which a linear field misses the curved one, without sign.

    Exact for a quadratic field away from the boundary of a uniform mesh, and where all edges of a cell bend
    the same way.

    Args:
        mesh: whole mesh.
        values: at its vertices, shape ``(n,)``.
        volumes: of the cells [m3].

    Returns:
        In the unit of the field, shape ``(n_cells,)``.
    """
    gradient = recovered_gradient(mesh, values, volumes)
    vertices = mesh.cells.shape[1]
    # each edge adds 4 l_a l_b times its error in the middle; the mean of l_a l_b over a cell is known
    return np.asarray(_bends(mesh.points, mesh.cells, gradient)) / (vertices * (vertices + 1))


@njit(cache=True)
def _bends(points: Floats, cells: Ints, gradient: Floats) -> Floats:
    """Half the change of slope along each edge, without sign, summed over the edges of each cell."""
    out = np.zeros(cells.shape[0])
    for c in range(cells.shape[0]):
        for a in range(cells.shape[1]):
            for b in range(a + 1, cells.shape[1]):
                i, j = cells[c, a], cells[c, b]
                change = 0.0
                for d in range(points.shape[1]):
                    change += (points[j, d] - points[i, d]) * (gradient[i, d] - gradient[j, d])
                out[c] += 0.5 * abs(change)
    return out


def volume_errors(
    mesh: PlainMesh, values: Floats, errors: Floats, thresholds: Sequence[float]
) -> list[tuple[float, float]]:
    """Volume at or above each threshold, and how much of it the errors of the field make uncertain.

    The half of the difference between the volumes of the field raised and lowered by its error: the integral
    of error / |gradient| over the surface, with nothing to divide by where the field is flat.

    Args:
        mesh: whole mesh.
        values: at its vertices, shape ``(n,)``.
        errors: of the field in each cell, shape ``(n_cells,)``.
        thresholds: in the unit of the field.

    Returns:
        Pairs of volume and its uncertainty [m3].
    """
    corners = values[mesh.cells]
    low, high = corners.min(axis=1) - errors, corners.max(axis=1) + errors
    whole = cell_volumes(mesh.points, mesh.cells, mesh.geometry)
    found = []
    for threshold in thresholds:
        cut = (low < threshold) & (high >= threshold)
        full = float(whole[low >= threshold].sum())
        shifted = [
            _volume(
                mesh.points,
                mesh.cells[cut],
                corners[cut] + sign * errors[cut, None],
                threshold,
                mesh.geometry,
            )
            for sign in (0.0, 1.0, -1.0)
        ]
        found.append((full + shifted[0], 0.5 * (shifted[1] - shifted[2])))
    return found


def _volume(points: Floats, cells: Ints, corners: Floats, threshold: float, geometry: Geometry) -> float:
    """Volume above of a field that jumps between cells [m3]; ``corners`` as ``cells``."""
    apart = np.arange(cells.size).reshape(cells.shape)
    return float(volume_above(points[cells.ravel()], apart, corners.ravel(), threshold, geometry).sum())


def error_estimate(
    mesh: PlainMesh, fields: dict[str, Floats], front: Floats, levels: Sequence[Level], numerics: Numerics
) -> dict[str, Any]:
    """Estimated errors of a run, JSON-ready.

    Args:
        mesh: whole mesh.
        fields: ``ct`` [kg s/m3] and ``peak`` [kg/m3] at its vertices.
        front: concentration at the end of the last pulse [kg/m3].
        levels: thresholds that volumes are reported for.
        numerics: tolerances of the steps.

    Returns:
        For each level the relative error of its volume and the shift of its surface; errors of dose and
        concentration in space (L1, relative); the error by the steps.
    """
    volumes = cell_volumes(mesh.points, mesh.cells, mesh.geometry)
    wanted = {"ct", *(level.measure for level in levels)}
    errors = {name: cell_errors(mesh, fields[name], volumes) for name in wanted}
    time = 0.0 if numerics.fixed_step else TIME_SHARE * numerics.flow_tolerance
    rows = []
    for level in levels:
        values = fields[level.measure]
        ((volume, change),) = volume_errors(mesh, values, errors[level.measure], [level.threshold])
        radius = equivalent_radius(volume)
        rows.append(
            {
                "measure": level.measure,
                "threshold": level.threshold,
                "label": level.label,
                "volume_relative": change / volume + time if volume > 0 else None,
                "shift_m": change / (4 * np.pi * radius**2) if volume > 0 else None,
            }
        )
    return {
        "method": "recovered gradients",
        "ablation": rows,
        "ct_relative": _relative(mesh, fields["ct"], errors["ct"], volumes),
        "concentration_relative": _relative(mesh, front, cell_errors(mesh, front, volumes), volumes),
        "time_relative": time,
    }


def _relative(mesh: PlainMesh, values: Floats, errors: Floats, volumes: Floats) -> float:
    """Integral of the error over that of the field; 0 for a field that vanishes."""
    total = float((volumes * np.abs(values[mesh.cells]).mean(axis=1)).sum())
    return float((volumes * errors).sum()) / total if total > 0 else 0.0

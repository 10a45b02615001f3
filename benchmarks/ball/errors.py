# SPDX-License-Identifier: MIT
"""How far a run of BALL is from the reference, computed the same way for every program."""

import argparse
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from benchmarks.ball.definition import BALLS, CAVITY_RADIUS, DOSE
from benchmarks.ball.mesh import ball_mesh
from benchmarks.ball.outcome import Outcome, read_outcome
from benchmarks.ball.reference import Reference, reference
from meshes.cells.measures import cell_volumes
from meshes.plain import PlainMesh
from solver.ablation.clip import volume_above

Floats = NDArray[np.float64]

SAME_POINT: Final = 1e-9
"""Nodes of a program may be off by rounding in its file of the mesh [m]."""
CELLS_AT_ONCE: Final = 50_000
POINTS_PER_AXIS: Final = 4


def figures_of_merit(mesh: PlainMesh, outcome: Outcome, exact: Reference) -> dict[str, float]:
    """Compare a run with the reference.

    Args:
        mesh: the mesh that it was computed on.
        outcome: what it left.
        exact: reference of the same case.

    Returns:
        In percent of the reference: ``l1`` of C when the injection ends, ``l1_cell_mean`` of its means over
        cells, ``ct`` of the dose (L1 too), and signed ``mass``, ``reacted``, ``vessels`` and ``volume``.

    Raises:
        ValueError: if the nodes of the program are not those of the mesh.
    """
    order = _order(mesh, outcome.points)
    l1, cell_mean = _l1(mesh, outcome.concentration[order], (exact.radius, exact.concentration))
    ct, _ = _l1(mesh, outcome.ct[order], (exact.radius, exact.ct))
    volume = float(volume_above(mesh.points, mesh.cells, outcome.ct[order], DOSE, "3d").sum())
    facts = outcome.facts
    return {
        "l1_percent": l1,
        "l1_cell_mean_percent": cell_mean,
        "ct_percent": ct,
        "mass_percent": 100 * (facts["mass"] / exact.mass - 1),
        "reacted_percent": 100 * (facts["reacted"] / exact.reacted - 1),
        "vessels_percent": 100 * (facts["vessels"] / exact.vessels - 1),
        "volume_percent": 100 * (volume / exact.volume - 1),
    }


def _order(mesh: PlainMesh, points: Floats) -> NDArray[np.intp]:
    """Row of the program for each vertex of the mesh."""
    if len(points) == len(mesh.points) and np.abs(points - mesh.points).max() < SAME_POINT:
        return np.arange(len(points))
    distance, order = cKDTree(points).query(mesh.points)
    if distance.max() > SAME_POINT:
        raise ValueError(
            f"a vertex of the mesh is {distance.max():.2g} m from the nearest node of the program"
        )
    return np.asarray(order)


def _l1(mesh: PlainMesh, values: Floats, profile: tuple[Floats, Floats]) -> tuple[float, float]:
    """Integrals of |field - reference| and of that of their means over cells, in percent of the reference."""
    barycentric, weights = _quadrature(POINTS_PER_AXIS)
    radius, expected = profile
    volumes = cell_volumes(mesh.points, mesh.cells, "3d")
    pointwise = means = 0.0
    for first in range(0, len(mesh.cells), CELLS_AT_ONCE):
        cells = mesh.cells[first : first + CELLS_AT_ONCE]
        inside = np.linalg.norm(np.einsum("qv,cvx->cqx", barycentric, mesh.points[cells]), axis=2)
        difference = values[cells] @ barycentric.T - np.interp(inside, radius, expected)
        volume = volumes[first : first + CELLS_AT_ONCE]
        pointwise += float(volume @ np.abs(difference) @ weights)
        means += float(volume @ np.abs(difference @ weights))
    faces = np.concatenate([[CAVITY_RADIUS], (radius[1:] + radius[:-1]) / 2, [2 * radius[-1] - radius[-2]]])
    whole = float(4 / 3 * np.pi * np.diff(faces**3) @ expected)
    return 100 * pointwise / whole, 100 * means / whole


def _quadrature(count: int) -> tuple[Floats, Floats]:
    """Conical product rule on a tetrahedron (Stroud, 1971): barycentric coordinates, weights of sum 1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    x, w = (nodes + 1) / 2, weights / 2
    a, b, c = (grid.ravel() for grid in np.meshgrid(x, x, x, indexing="ij"))
    measure = np.einsum("i,j,k->ijk", w, w, w).ravel() * (1 - a) ** 2 * (1 - b) * 6
    first, second, third = a, (1 - a) * b, (1 - a) * (1 - b) * c
    return np.stack([1 - first - second - third, first, second, third], axis=1), measure


def main() -> None:
    """Print the figures of merit of a run that a program left in a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mesh", default="200k", help="size of its mesh")
    parser.add_argument("--case", default="BALL", choices=list(BALLS))
    arguments = parser.parse_args()
    outcome = read_outcome(arguments.folder)
    found = figures_of_merit(ball_mesh(arguments.mesh), outcome, reference(BALLS[arguments.case]))
    for name, value in found.items():
        print(f"{name}: {value:.3f}")


if __name__ == "__main__":
    main()

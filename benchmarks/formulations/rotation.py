# SPDX-License-Identifier: MIT
"""Three bodies in rotation (LeVeque, 1996): slotted cylinder, cone and hump, once around a square."""

import numpy as np

from benchmarks.formulations.problem import (
    Floats,
    Grid,
    Interval,
    Problem,
    grid_of,
    on_edges,
    shape_gradients,
)
from solver.algebra.stencil import CellIntegrals, build_stencil, local_edges

SQUARES = 100
STEPS = 800
TURN = 2 * np.pi


def square(count: int) -> tuple[Floats, np.ndarray]:
    """Points and triangles of the unit square, each of ``count`` squared squares cut in two."""
    line = np.linspace(0.0, 1.0, count + 1)
    points = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    first = (np.arange(count)[:, None] * (count + 1) + np.arange(count)).ravel()
    lower = np.stack([first, first + count + 1, first + count + 2], axis=1)
    upper = np.stack([first, first + count + 2, first + 1], axis=1)
    return points, np.concatenate([lower, upper])


def plane_integrals(points: Floats, cells: np.ndarray) -> CellIntegrals:
    """Integrals of P1 shape functions over triangles of unit thickness."""
    x = points[cells]
    gradients = shape_gradients(points, cells)
    area = 0.5 * np.abs(np.linalg.det(x[:, 1:, :] - x[:, :1, :]))
    edges = local_edges(3)
    products = np.einsum("ced,ced->ce", gradients[:, edges[:, 0]], gradients[:, edges[:, 1]])
    return CellIntegrals(
        volume=area,
        nodal=np.repeat(area[:, None] / 3, 3, axis=1),
        conductance=-area[:, None] * products,
        mass=np.repeat(area[:, None] / 12, 3, axis=1),
    )


def bodies(points: Floats) -> Floats:
    """C at the start, and after a whole turn."""
    x, y = points[:, 0], points[:, 1]

    def distance(centre: tuple[float, float]) -> Floats:
        return np.asarray(np.hypot(x - centre[0], y - centre[1]) / 0.15)

    disc, cone, hump = distance((0.5, 0.75)), distance((0.5, 0.25)), distance((0.25, 0.5))
    slot = (np.abs(x - 0.5) < 0.025) & (y < 0.85)
    out = np.where((disc <= 1) & ~slot, 1.0, 0.0)
    out = np.where(cone <= 1, 1 - cone, out)
    return np.where(hump <= 1, 0.25 * (1 + np.cos(np.pi * np.minimum(hump, 1.0))), out)


def rotation(count: int = SQUARES, steps: int = STEPS) -> Problem:
    """The case; the velocity is the curl of a stream function in the P1 space, so it keeps constants."""
    points, cells = square(count)
    integrals = plane_integrals(points, cells)
    nodes = len(points)
    stencil = build_stencil(cells.astype(np.int32), nodes, nodes)
    grid = grid_of(points, integrals, stencil, np.zeros(len(cells)))
    stream = 0.5 * np.square(points - 0.5).sum(axis=1)
    slope = np.einsum("cad,ca->cd", grid.gradients, stream[cells])
    velocity = np.stack([-slope[:, 1], slope[:, 0]], axis=1)
    flux, symmetric = edge_convection(grid, velocity)
    leaving = np.bincount(stencil.tail, weights=flux, minlength=nodes)
    leaving -= np.bincount(stencil.head, weights=flux, minlength=nodes)
    start = bodies(points)
    interval = Interval(
        flux=flux,
        symmetric=symmetric,
        velocity=velocity,
        lost=np.maximum(-leaving, 0.0),
        cleared=np.zeros(nodes),
        injected=np.zeros(nodes),
        concentration=0.0,
        fluid=(grid.volume, grid.volume),
        duration=TURN,
        steps=steps,
    )

    def judge(ends: list[Floats], _dose: Floats) -> float:
        """L1 error after the turn, in percent of what there is."""
        return float(100 * grid.volume @ np.abs(ends[-1] - start) / (grid.volume @ start))

    return Problem(name="rotation", grid=grid, start=start, intervals=(interval,), judge=judge)


def edge_convection(grid: Grid, velocity: Floats) -> tuple[Floats, Floats]:
    """Galerkin convection by a velocity per cell, split by edges as ``solver.kernels.flow`` splits it."""
    cells, integrals = grid.stencil.cells, grid.integrals
    row = -integrals.volume[:, None] * np.einsum("cd,cad->ca", velocity, grid.gradients)
    shares = integrals.nodal / integrals.volume[:, None]
    edges = local_edges(cells.shape[1])
    a, b = edges[:, 0], edges[:, 1]
    out, back = row[:, a] * shares[:, b], row[:, b] * shares[:, a]
    flux = np.where(cells[:, a] < cells[:, b], out - back, back - out)
    return on_edges(grid.stencil, flux), on_edges(grid.stencil, 0.5 * (out + back))

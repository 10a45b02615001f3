# SPDX-License-Identifier: MIT
"""What every formulation is given: a mesh of simplices, what carries the agent over it, how to judge."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from solver.algebra.stencil import CellIntegrals, Stencil
from solver.kernels.edges import Graph

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A mesh.

    Attributes:
        integrals: of the shape functions over the cells.
        stencil: edges and cells.
        graph: the edges as the compiled kernels take them.
        volume: of the nodes [m3], shape ``(n,)``.
        mass: off-diagonal entries of the consistent mass matrix, on edges [m3].
        spread: D G, diffusive conductance of the edges per porosity [m3/s].
        gradients: of the shape functions [1/m], shape ``(n_cells, vertices, dimension)``.
    """

    integrals: CellIntegrals
    stencil: Stencil
    graph: Graph
    volume: Floats
    mass: Floats
    spread: Floats
    gradients: Floats


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A time during which nothing but the fluid volumes changes, nodal arrays of shape ``(n,)``.

    Attributes:
        flux: Darcy flow along edges [m3/s].
        symmetric: symmetric part of its Galerkin convection on edges [m3/s].
        velocity: of the cells [m/s], shape ``(n_cells, dimension)``.
        lost: fluid that leaves with the agent in it [m3/s].
        cleared: fluid cleared of the agent by blood and reaction [m3/s].
        injected: agent brought in [kg/s].
        concentration: of what is injected [kg/m3].
        fluid: its volume at the start and at the end [m3].
        duration: [s].
        steps: number of equal steps.
    """

    flux: Floats
    symmetric: Floats
    velocity: Floats
    lost: Floats
    cleared: Floats
    injected: Floats
    concentration: float
    fluid: tuple[Floats, Floats]
    duration: float
    steps: int


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A case.

    Attributes:
        name: of the case.
        grid: mesh.
        start: C at the start [kg/m3].
        intervals: in order of time; read anew by every formulation.
        judge: error in percent of nodal fields: C at the end of each interval, and its integral over time.
    """

    name: str
    grid: Grid
    start: Floats
    intervals: tuple[Interval, ...]
    judge: Callable[[list[Floats], Floats], float]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a formulation.

    Attributes:
        after: C at the end [kg/m3].
        mean: C over the step, as far as the formulation knows [kg/m3].
        taken: agent that left during the step [kg].
    """

    after: Floats
    mean: Floats
    taken: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """One step's share of an interval: fluid at its start and end [m3], and length [s]."""

    fluid: tuple[Floats, Floats]
    length: float


Stepper = Callable[[Floats, Interval, Part], Step]


def grid_of(points: Floats, integrals: CellIntegrals, stencil: Stencil, diffusivity: Floats) -> Grid:
    """Sum the integrals of cells over nodes and edges.

    Args:
        points: of the nodes [m], shape ``(n, dimension)``.
        integrals: of the cells.
        stencil: edges.
        diffusivity: of the cells [m2/s].
    """
    nodes = int(stencil.cells.max()) + 1
    none = np.full(stencil.tail.size, -1, dtype=np.int32)
    return Grid(
        integrals=integrals,
        stencil=stencil,
        graph=Graph(tail=stencil.tail, head=stencil.head, tail_row=none, head_row=none),
        volume=np.bincount(stencil.cells.ravel(), weights=integrals.nodal.ravel(), minlength=nodes),
        mass=on_edges(stencil, integrals.mass),
        spread=on_edges(stencil, integrals.conductance * diffusivity[:, None]),
        gradients=shape_gradients(points, stencil.cells),
    )


def shape_gradients(points: Floats, cells: NDArray[np.int32]) -> Floats:
    """Gradients of the shape functions [1/m], shape ``(n_cells, vertices, dimension)``."""
    x = points[cells]
    inverse = np.linalg.inv(x[:, 1:, :] - x[:, :1, :])
    first = -inverse.sum(axis=2)[:, None, :]
    return np.concatenate([first, inverse.transpose(0, 2, 1)], axis=1)


def on_edges(stencil: Stencil, per_cell: Floats) -> Floats:
    """Sum what is given on the edges of cells."""
    sums = np.bincount(stencil.cell_edges.ravel(), weights=per_cell.ravel(), minlength=stencil.tail.size)
    return np.asarray(sums, dtype=np.float64)


def parts(interval: Interval) -> list[Part]:
    """Equal steps of an interval, fluid volumes linear in time."""
    first, last = interval.fluid
    shares = np.linspace(0.0, 1.0, interval.steps + 1)
    fluid = [first + share * (last - first) for share in shares]
    length = interval.duration / interval.steps
    return [Part(fluid=(a, b), length=length) for a, b in pairwise(fluid)]

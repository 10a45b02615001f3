# SPDX-License-Identifier: MIT
"""Gauss-Seidel sweeps along the flow for the monotone transport step.

The low-order matrix is an M-matrix whose rows, taken downwind from the needle, are nearly lower triangular:
one sweep carries the agent across the whole front, whatever the Courant number, and a few sweeps solve the
system without any set-up. Every sweep is a regular splitting (Varga, 1962), so a nonnegative right-hand side
and guess stay nonnegative at each of them. A row is visited again only after one of its neighbours has moved,
so most of a sweep costs nothing. Where diffusion rules and sweeps stall, a Krylov method takes over.
"""

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from solver.algebra.linear import LinearSolver, RowMatrix, Tolerances
from solver.algebra.stencil import Stencil
from solver.kernels.edges import Graph
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

WORTHWHILE: Final = 24
"""Sweeps beyond which a Krylov method is faster, and is asked instead."""
QUIET: Final = 0.25
"""Share of the tolerance below which a change does not wake the neighbours."""
PATIENCE: Final = 8
"""Sweeps after which the rate begins to decide whether that many more would do."""
RATE_OVER: Final = 4
"""Sweeps that the rate is taken over, and that pass between two decisions: the first sweeps carry the agent
along the flow and fall fast whatever diffusion leaves for later."""


class DownwindSolver:
    """Solves with the matrix of the monotone step, rows ordered from the injection sites outwards.

    Attributes:
        graph: the edges and where their entries stand in ``values``.
        values: off-diagonal entries of the owned rows.
        diagonal: of the rows, shape ``(n,)``; entries of ghosts have no meaning.
        iterations: sweeps, or Krylov iterations, of the last solve.
        krylov: takes over where sweeps stall; None until they did.
    """

    def __init__(self, data: Discretisation, global_numbers: NDArray[np.int64], relative: float) -> None:
        stencil = data.stencil
        self._data = data
        self._numbers = global_numbers
        self._relative = relative
        order = np.argsort(_distance_from_sites(data)[: stencil.owned], kind="stable").astype(np.int32)
        indptr, columns, position = _row_layout(stencil.indptr, stencil.columns, stencil.diagonal, order)
        # While sweeps work on them vectors lie in the order of the rows: most is read in sequence.
        self._order = np.concatenate([order, np.arange(stencil.owned, data.volume.size, dtype=np.int32)])
        place = np.empty_like(self._order)
        place[self._order] = np.arange(place.size, dtype=np.int32)
        self._indptr, self._columns = indptr, place[columns]
        self.graph = Graph(
            tail=stencil.tail,
            head=stencil.head,
            tail_row=_place(position, stencil.tail_row),
            head_row=_place(position, stencil.head_row),
        )
        self._at_ghosts = place[_beside_ghosts(stencil)]
        self.values = np.zeros(columns.size)
        self.diagonal = np.zeros(data.volume.size)
        self.iterations = 0
        self._matrix: RowMatrix | None = None
        self.krylov: LinearSolver | None = None
        self._filled = self._stalled = False

    def changed(self) -> None:
        """Note that the entries are new."""
        self._filled = self._stalled = False

    def approximate(self, right: Floats, tolerance: float) -> Floats:
        """Solve from zero for all local nodes, of either sign; ghosts are up to date. Collective.

        Args:
            right: right-hand side, shape ``(n,)``.
            tolerance: largest change of the last sweep over the largest magnitude of the solution.

        Raises:
            LinearSolverError: when neither sweeps nor the Krylov method converge.
        """
        x, even = np.zeros(right.size), np.ones(right.size)
        self.iterations = 0
        if self._stalled or not self._sweep(right, x, even, tolerance, WORTHWHILE):
            self._stalled = True
            self._by_krylov(right, x, 0.1 * tolerance)
        return x

    def solve(self, right: Floats, guess: Floats, weight: Floats, tolerance: float) -> Floats:
        """Solve for all local nodes; ghosts of the solution are up to date. Collective.

        Args:
            right: right-hand side, shape ``(n,)``.
            guess: nonnegative where the solution shall be, ghosts up to date, shape ``(n,)``.
            weight: what a change of each unknown in the last sweep counts, shape ``(n,)``.
            tolerance: largest weighted change over the largest magnitude of the solution.

        Raises:
            LinearSolverError: when neither sweeps nor the Krylov method converge.
        """
        x = guess.copy()
        self.iterations = 0
        if self._stalled or not self._sweep(right, x, weight, tolerance, WORTHWHILE):
            self._stalled = True
            self._by_krylov(right, x, 0.01 * tolerance)
            # Where its remainder is negative, sweeps make it positive again.
            self._sweep(right, x, weight, tolerance, PATIENCE)
        return x

    def _sweep(self, right: Floats, x: Floats, weight: Floats, tolerance: float, limit: int) -> bool:
        """Sweep until the goal is reached; False where ``limit`` sweeps will not do."""
        halo, order = self._data.halo, self._order
        rows = _Rows(self._indptr, self._columns, self.values, 1 / self.diagonal[order], weight[order])
        swept, given = x[order], right[order]
        awake = np.ones(x.size, dtype=np.bool_)
        earlier = before = np.inf
        largest = halo.maxima(float(np.max(x, initial=0.0)))[0]
        enough = False
        for count in range(1, limit + 1):
            local = _visit(rows, given, swept, awake, QUIET * tolerance * largest)
            self._update(swept, x)
            awake[self._at_ghosts] = True
            change, reached = halo.maxima(*local)
            largest = max(largest, reached)
            self.iterations += 1
            enough = change <= tolerance * largest or change == 0.0 or _stands(change, before, largest)
            if enough:
                break
            if count % RATE_OVER == 0:
                if count >= PATIENCE and not _in_time(earlier, change, tolerance * largest, count):
                    break
                earlier = change
            before = change
        x[order] = swept
        return enough

    def _update(self, swept: Floats, x: Floats) -> None:
        """Bring the ghosts of what is swept up to date; ``x`` is room for it. Collective."""
        halo = self._data.halo
        if halo.comm.size > 1:
            x[self._order] = swept
            swept[halo.owned :] = halo.update(x)[halo.owned :]

    def _by_krylov(self, right: Floats, x: Floats, tolerance: float) -> None:
        data = self._data
        if self._matrix is None or self.krylov is None:
            self._matrix = RowMatrix(data.stencil, self._numbers, data.halo)
            preset = "transport" if data.halo.comm.size == 1 else "transport_parallel"
            self.krylov = LinearSolver(self._matrix, "agent_", preset, Tolerances(relative=self._relative))
        rebuild = not self._filled
        if rebuild:
            self._fill(self._matrix)
        owned, relative = data.halo.owned, max(self._relative, tolerance)
        x[:owned] = self.krylov.solve(right[:owned], x[:owned], rebuild=rebuild, relative=relative)
        self.iterations += self.krylov.iterations
        data.halo.update(x)

    def _fill(self, matrix: RowMatrix) -> None:
        stencil, graph = self._data.stencil, self.graph
        matrix.values[stencil.diagonal] = self.diagonal[: stencil.owned]
        copy_entries(stencil.tail_row, graph.tail_row, self.values, matrix.values)
        copy_entries(stencil.head_row, graph.head_row, self.values, matrix.values)
        matrix.assemble()
        self._filled = True


def _stands(change: float, before: float, largest: float) -> bool:
    """Whether only round-off still moves the solution."""
    return change >= 0.5 * before and change <= 1e-11 * largest


def _in_time(earlier: float, change: float, wanted: float, count: int) -> bool:
    """Whether the rate of the last sweeps reaches the goal soon enough."""
    rate = (change / earlier) ** (1 / RATE_OVER)
    return rate < 1 and change * rate ** (WORTHWHILE - count) <= wanted


def _distance_from_sites(data: Discretisation) -> Floats:
    """Distance of each node from the nearest node that fluid enters by [m], shape ``(n,)``."""
    centres = _source_centres(data)
    if not len(centres):
        return np.zeros(data.volume.size)
    apart = [np.linalg.norm(data.mesh.points - centre, axis=1) for centre in centres]
    return np.min(apart, axis=0)


def _source_centres(data: Discretisation) -> list[Floats]:
    halo, points = data.halo, data.mesh.points
    return [
        np.array([halo.sum(share * points[:, axis]) for axis in range(points.shape[1])])
        for share in data.sources
    ]


@njit(cache=True)
def _row_layout(indptr: Ints, columns: Ints, diagonal: Ints, order: Ints) -> tuple[Ints, Ints, Ints]:
    """Rows in the given order without their diagonals, and where each old entry has gone (-1: dropped)."""
    starts = np.zeros(order.size + 1, np.int32)
    out = np.empty(columns.size - diagonal.size, np.int32)
    position = np.full(columns.size, -1, np.int32)
    filled = 0
    for k in range(order.size):
        i = order[k]
        for at in range(indptr[i], indptr[i + 1]):
            if at != diagonal[i]:
                out[filled] = columns[at]
                position[at] = filled
                filled += 1
        starts[k + 1] = filled
    return starts, out, position


@njit(cache=True)
def _place(position: Ints, rows: Ints) -> Ints:
    """Where entries of rows have gone; -1 for those that are nowhere."""
    out = np.full(rows.size, -1, np.int32)
    for e in range(rows.size):
        if rows[e] >= 0:
            out[e] = position[rows[e]]
    return out


def _beside_ghosts(stencil: Stencil) -> NDArray[np.int64]:
    """Owned nodes with a ghost among their neighbours."""
    if not np.any(stencil.columns >= stencil.owned):
        return np.zeros(0, dtype=np.int64)
    row = np.repeat(np.arange(stencil.owned), np.diff(stencil.indptr))
    return np.unique(row[stencil.columns >= stencil.owned])


class _Rows(NamedTuple):
    """The matrix as sweeps read it, without its diagonal; rows and columns in the order of the sweep."""

    indptr: Ints
    columns: Ints
    values: Floats
    inverse: Floats
    weight: Floats


@njit(cache=True)
def copy_entries(to: Ints, where: Ints, values: Floats, out: Floats) -> None:
    """Copy entries from places to others; negative places are left out."""
    for e in range(to.size):
        if to[e] >= 0:
            out[to[e]] = values[where[e]]


@njit(cache=True)
def _visit(
    rows: _Rows, right: Floats, x: Floats, awake: NDArray[np.bool_], quiet: float
) -> tuple[float, float]:
    """One Gauss-Seidel sweep in place over the rows that are awake.

    A change beyond ``quiet`` wakes the neighbours: those downwind for this sweep, the others for the next.

    Returns:
        The largest weighted change and the largest magnitude among the rows visited.
    """
    change, largest = 0.0, 0.0
    for i in range(rows.indptr.size - 1):
        if not awake[i]:
            continue
        awake[i] = False
        rest = right[i]
        for at in range(rows.indptr[i], rows.indptr[i + 1]):
            rest -= rows.values[at] * x[rows.columns[at]]
        new = rest * rows.inverse[i]
        moved = abs(new - x[i]) * rows.weight[i]
        if moved > quiet:
            for at in range(rows.indptr[i], rows.indptr[i + 1]):
                awake[rows.columns[at]] = True
        change = max(change, moved)
        largest = max(largest, abs(new))
        x[i] = new
    return change, largest

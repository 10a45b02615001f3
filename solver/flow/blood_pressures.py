# SPDX-License-Identifier: MIT
"""Arterial and venous pressure of a tissue at given vessels, by P1 elements.

    -div(k_a grad p_a) = s_a (P_A - p_a) - n g (p_a - p_b) - taken
    -div(k_b grad p_b) = n g (p_a - p_b) - s_b (p_b - P_V) - taken

k_a and k_b lead along arterioles and venules, n g through the capillaries between them, s to the arteries
that feed the tissue and the veins that drain it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.algebra.linear import LinearSolver, RowMatrix, Tolerances, elliptic_preset
from solver.flow.step import global_numbers
from solver.parameters.vessels import TwoPressures
from solver.tissue.discretisation import Discretisation, edge_sums

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOLERANCE: Final = 1e-12
"""Of the linear solver, relative."""
LEAST_LATERAL: Final = 1e-6
"""Of arterioles and venules stays open, so that no place is cut off from all pressures."""


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Rows of two unknowns at each node, as ``solver.algebra.linear.RowMatrix`` reads them."""

    indptr: Ints
    columns: Ints
    diagonal: Ints
    lines: int = 0


@dataclass(frozen=True, kw_only=True)
class _Ranks:
    """How many of the unknowns each rank owns."""

    comm: object
    owned: int


@dataclass(frozen=True, kw_only=True)
class Feeders:
    """Where blood comes from and goes to.

    Attributes:
        arterial: s_a times volume [m3/(Pa s)], shape ``(n,)``.
        venous: s_b times volume [m3/(Pa s)], shape ``(n,)``.
        fixed: nodes that have P_A and P_V themselves, shape ``(n,)``.
        along: share of the arterioles there are in the cells [-].
    """

    arterial: Floats
    venous: Floats
    fixed: NDArray[np.bool_]
    along: Floats


class PairOfPressures:
    """Solves for p_a and p_b with the P1 elements of the mesh, both unknowns of a node side by side."""

    def __init__(self, data: Discretisation, law: TwoPressures, feeders: Feeders) -> None:
        self._data, self._law, self._feeders = data, law, feeders
        stencil, owned = data.stencil, data.halo.owned
        rows, places = _doubled(stencil.indptr, stencil.columns, owned)
        self._places = places
        numbers = global_numbers(data)
        both = (2 * numbers[:, None] + np.arange(2)).ravel()
        self._matrix = RowMatrix(rows, both, _Ranks(comm=data.halo.comm, owned=2 * owned))  # type: ignore[arg-type]
        preset = elliptic_preset(data.mesh.geometry, data.halo)
        preset = "direct_pairs" if preset.startswith("direct") else preset
        tolerances = Tolerances(relative=TOLERANCE)
        self.solver = LinearSolver(self._matrix, "blood_", preset, tolerances)

    def solve(
        self, capillaries: Floats, lateral: Floats, taken: tuple[Floats, Floats]
    ) -> tuple[Floats, Floats]:
        """Arterial and venous pressure. Collective.

        Args:
            capillaries: n g times volume [m3/(Pa s)], shape ``(n,)``.
            lateral: open share of arterioles and venules in the cells [-].
            taken: blood that leaves arteries and veins by other ways [m3/s], shape ``(n,)`` each.

        Returns:
            p_a and p_b [Pa], shape ``(n,)``.
        """
        data, law, feeders = self._data, self._law, self._feeders
        owned, values = data.halo.owned, self._matrix.values
        values[:] = 0.0
        fixed = feeders.fixed[:owned]
        right = np.zeros((owned, 2))
        sides = (
            (law.arterial_conductivity, feeders.arterial, law.arterial_pressure, taken[0]),
            (law.venous_conductivity, feeders.venous, law.venous_pressure, taken[1]),
        )
        for side, (conductivity, feeding, pressure, lost) in enumerate(sides):
            flow = self._edges(conductivity * self._along(side, lateral))
            self._fill(side, flow, feeding + capillaries)
            diagonal = values[self._places[side][data.stencil.diagonal]]
            values[self._places[2][np.arange(owned) * 2 + side]] = np.where(fixed, 0.0, -capillaries[:owned])
            known = (feeding * pressure - lost)[:owned]
            right[:, side] = np.where(fixed, diagonal * pressure, known)
        self._matrix.assemble()
        found = self.solver.solve(right.ravel(), np.zeros(2 * owned)).reshape(owned, 2)
        out = np.zeros((2, data.volume.size))
        out[:, :owned] = found.T
        return data.halo.update(out[0]), data.halo.update(out[1])

    def outflow(self, side: int, pressure: Floats, lateral: Floats) -> Floats:
        """What flows from each node along arterioles (0) or venules (1) [m3/s], shape ``(n,)``."""
        conductivity = (self._law.arterial_conductivity, self._law.venous_conductivity)[side]
        stencil = self._data.stencil
        flow = self._edges(conductivity * self._along(side, lateral))
        flow *= pressure[stencil.tail] - pressure[stencil.head]
        nodes = pressure.size
        leaving = np.bincount(stencil.tail, flow, nodes) - np.bincount(stencil.head, flow, nodes)
        return np.asarray(leaving, dtype=np.float64)

    def _along(self, side: int, lateral: Floats) -> Floats:
        return np.maximum(lateral * self._feeders.along, LEAST_LATERAL) if side == 0 else lateral

    def _edges(self, conductivity: Floats) -> Floats:
        """Transmissibility of the edges for a conductivity of the cells [m3/(Pa s)]."""
        return edge_sums(self._data, self._data.integrals.conductance * conductivity[:, None])

    def _fill(self, side: int, flow: Floats, diagonal: Floats) -> None:
        """Write the rows of one of the unknowns; those of fixed nodes hold their diagonal alone."""
        stencil, values, places = self._data.stencil, self._matrix.values, self._places[side]
        fixed = self._feeders.fixed
        total = diagonal + np.bincount(stencil.tail, flow, diagonal.size)
        total += np.bincount(stencil.head, flow, diagonal.size)
        for row, node in ((stencil.tail_row, stencil.tail), (stencil.head_row, stencil.head)):
            mine = row >= 0
            values[places[row[mine]]] = np.where(fixed[node[mine]], 0.0, -flow[mine])
        # Nodes of large vessels hold no tissue, and so no blood of tissue.
        values[places[stencil.diagonal]] = np.where(total > 0.0, total, 1.0)[: stencil.owned]


def _doubled(
    indptr: NDArray[np.int32], columns: NDArray[np.int32], owned: int
) -> tuple[_Rows, tuple[Ints, ...]]:
    """Rows with two unknowns at each node, coupled at the node alone.

    Returns:
        The rows; for each unknown, where each entry of the single rows stands; and where the entry that
        couples each unknown to the other one stands.
    """
    lengths = np.diff(indptr).astype(np.int64)
    row = np.repeat(np.arange(owned), lengths)
    entries, crossings = np.arange(row.size), np.arange(owned)
    rows = np.concatenate([2 * row, 2 * row + 1, 2 * crossings, 2 * crossings + 1])
    wide = columns.astype(np.int64)
    all_columns = np.concatenate([2 * wide, 2 * wide + 1, 2 * crossings + 1, 2 * crossings])
    order = np.lexsort((all_columns, rows))
    places = np.empty(order.size, dtype=np.int64)
    places[order] = np.arange(order.size)
    starts = np.concatenate([[0], np.cumsum(np.repeat(lengths + 1, 2))])
    count = entries.size
    cross = np.empty(2 * owned, dtype=np.int64)
    cross[0::2], cross[1::2] = places[2 * count : 2 * count + owned], places[2 * count + owned :]
    on_diagonal = rows == all_columns
    rows_out = _Rows(indptr=starts, columns=all_columns[order], diagonal=np.sort(places[on_diagonal]))
    return rows_out, (places[:count], places[count : 2 * count], cross)

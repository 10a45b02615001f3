# SPDX-License-Identifier: MIT
"""Rows of the elastic system of the owned nodes and pairs, from the integrals of the cells."""

from dataclasses import dataclass

from mpi4py import MPI

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from solver.algebra.saddle import Blocks
from solver.flow.step import global_numbers
from solver.solid.elasticity import CellBlocks, cell_blocks, unprojected_mass
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Elasticity:
    """Moduli and supports of a solid.

    Attributes:
        shear: mu of the cells [Pa].
        first: lambda of the pairs [Pa].
        scale: a shear modulus by which the system is divided [Pa].
        stiffness: force per displacement that holds the nodes [N/m], shape ``(n,)``.
        fixed: components that cannot move, shape ``(n, d)``.
    """

    shear: Floats
    first: Floats
    scale: float
    stiffness: Floats
    fixed: NDArray[np.bool_]


class _Pattern:
    """Rows below a bound that pairs of local numbers make, and sums of what stands in them."""

    def __init__(self, rows: Ints, columns: Ints, shape: tuple[int, int]) -> None:
        first, second = np.broadcast_arrays(rows[:, :, None], columns[:, None, :])
        self._kept = np.flatnonzero(first.ravel() < shape[0])
        key = first.ravel()[self._kept].astype(np.int64) * shape[1] + second.ravel()[self._kept]
        unique, self._place = np.unique(key, return_inverse=True)
        self.columns = unique % shape[1]
        self.pointers = np.concatenate([[0], np.cumsum(np.bincount(unique // shape[1], minlength=shape[0]))])
        self.rows = unique // shape[1]

    def sum(self, values: Floats) -> Floats:
        """Entries of the matrix from those of the cells, shape ``(c, v, v)``."""
        return np.bincount(self._place, values.ravel()[self._kept], self.columns.size).astype(np.float64)


def elastic_blocks(data: Discretisation, solid: Elasticity) -> Blocks:
    """Assemble the rows that this rank owns. Collective.

    Args:
        data: static data of the run.
        solid: its moduli and supports.
    """
    cells = cell_blocks(data.mesh, data.integrals)
    nodes = data.stencil.cells.astype(np.int64)
    of_cell = data.pairs.of_cell.astype(np.int64)
    owned, count = data.mesh.owned, data.mesh.points.shape[0]
    pairs, own_pairs = data.pairs.node.size, int(np.count_nonzero(data.pairs.node < owned))
    numbers = pair_numbers(data)
    dimension = data.mesh.points.shape[1]
    node_dofs = (dimension * global_numbers(data)[:, None] + np.arange(dimension)).ravel()
    free = ~solid.fixed
    coupling = _Pattern(of_cell, nodes, (own_pairs, count))
    rising = _Pattern(nodes, of_cell, (owned, pairs))
    by_pair = [coupling.sum(cells.divergence(i)) * free[coupling.columns, i] for i in range(dimension)]
    by_node = [
        rising.sum(cells.divergence(i).transpose(0, 2, 1)) * free[rising.rows, i] for i in range(dimension)
    ]
    compliance = _compliance(data, solid, (own_pairs, pairs))
    half = np.bincount(of_cell.ravel(), (data.integrals.nodal / (2 * solid.shear[:, None])).ravel(), pairs)
    return Blocks(
        stiffness=_renumbered(_stiffness(data, cells, solid), node_dofs),
        divergence=_renumbered(_blocked(by_pair, coupling, (own_pairs, count), (1, dimension)), node_dofs),
        gradient=_renumbered(_blocked(by_node, rising, (owned, pairs), (dimension, 1)), numbers),
        compliance=_renumbered(compliance, numbers),
        schur=solid.scale * (half + data.pairs.volume / solid.first)[:own_pairs],
        dimension=dimension,
    )


def pair_numbers(data: Discretisation) -> Ints:
    """Global number of every pair; those of one rank follow one another. Collective."""
    owned = int(np.count_nonzero(data.pairs.node < data.mesh.owned))
    before = sum(data.halo.comm.allgather(owned)[: data.halo.comm.rank])
    numbers = np.zeros(data.pairs.node.size)
    numbers[:owned] = before + np.arange(owned)
    return spread_pairs(data, numbers).astype(np.int64)


def spread_pairs(data: Discretisation, values: Floats) -> Floats:
    """Overwrite what pairs of ghost nodes hold by what their owners hold; returns ``values``. Collective."""
    if data.halo.comm.size == 1:
        return values
    node, region = data.pairs.node, data.pairs.region
    ghost = node >= data.mesh.owned
    largest = int(data.halo.comm.allreduce(int(region.max(initial=0)), op=MPI.MAX))
    for tag in range(largest + 1):
        here = region == tag
        nodal = np.zeros(data.halo.size)
        nodal[node[here]] = values[here]
        data.halo.update(nodal)
        values[here & ghost] = nodal[node[here & ghost]]
    return values


def _stiffness(data: Discretisation, cells: CellBlocks, solid: Elasticity) -> sp.csr_matrix:
    """A over the scale, with supports; fixed components are uncoupled."""
    nodes, owned = data.stencil.cells.astype(np.int64), data.mesh.owned
    count, dimension = data.mesh.points.shape
    pattern = _Pattern(nodes, nodes, (owned, count))
    diagonal = pattern.rows == pattern.columns
    shear = (solid.shear / solid.scale)[:, None, None]
    values = np.zeros((pattern.columns.size, dimension, dimension))
    for i in range(dimension):
        for j in range(dimension):
            entries = pattern.sum(shear * cells.stiffness(i, j))
            if i == j:
                entries[diagonal] += solid.stiffness[:owned] / solid.scale
            fixed = solid.fixed[pattern.rows, i] | solid.fixed[pattern.columns, j]
            kept = diagonal & solid.fixed[pattern.rows, i] if i == j else np.zeros_like(fixed)
            values[:, i, j] = np.where(fixed & ~kept, 0.0, entries)
    shape = (owned * dimension, count * dimension)
    return sp.bsr_matrix((values, pattern.columns, pattern.pointers), shape=shape).tocsr()


def _compliance(data: Discretisation, solid: Elasticity, shape: tuple[int, int]) -> sp.csr_matrix:
    """C times the scale: what pairs store by lambda, and the stabilisation."""
    of_cell = data.pairs.of_cell.astype(np.int64)
    pattern = _Pattern(of_cell, of_cell, shape)
    entries = pattern.sum(unprojected_mass(data.integrals) / (2 * solid.shear)[:, None, None])
    entries[pattern.rows == pattern.columns] += (data.pairs.volume / solid.first)[: shape[0]]
    return sp.csr_matrix((solid.scale * entries, pattern.columns, pattern.pointers), shape=shape)


def _blocked(
    parts: list[Floats], pattern: _Pattern, shape: tuple[int, int], block: tuple[int, int]
) -> sp.csr_matrix:
    values = np.stack(parts, axis=-1).reshape(-1, *block)
    full = (shape[0] * block[0], shape[1] * block[1])
    return sp.bsr_matrix((values, pattern.columns, pattern.pointers), shape=full).tocsr()


def _renumbered(rows: sp.csr_matrix, numbers: Ints) -> sp.csr_matrix:
    """Columns by global number, ascending in each row."""
    columns = numbers[rows.indices]
    width = int(numbers.max(initial=0)) + 1
    out = sp.csr_matrix((rows.data, columns, rows.indptr), shape=(rows.shape[0], width))
    out.sort_indices()
    return out

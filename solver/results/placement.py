# SPDX-License-Identifier: MIT
"""Where the rows of arrays belong in a mesh, whatever the number of ranks that share it.

A row belongs to a vertex, to a vertex and a region that meets it, to an edge or to a cell. Each is named by
numbers of the whole mesh, so rows that one set of ranks has written are found again by another.
"""

from dataclasses import dataclass
from typing import Any, Final

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray

from solver.tissue.discretisation import Discretisation

Ints = NDArray[np.int64]

NODE, PAIR, EDGE, DIRECTED, CELL, WHOLE = "node", "pair", "edge", "directed edge", "cell", "whole"

ON_EDGES: Final = {"flux": DIRECTED, "symmetric": EDGE}
ON_CELLS: Final = frozenset({"conductivity"})
"""Arrays that a step of the flow keeps elsewhere than on nodes and pairs, by their names."""

HANDFUL: Final = 64
"""Numbers that an array may hold to belong to no part of the mesh."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of one kind that a rank holds.

    Attributes:
        name: of each row, the same on any number of ranks.
        complete: where this rank's row holds all that belongs to it; rows beside ghosts may not.
        sign: -1 where an edge points from the higher vertex to the lower.
    """

    name: Ints
    complete: NDArray[np.bool_]
    sign: NDArray[np.int8]


class Placement:
    """Names of all rows of a rank.

    Attributes:
        rows: by kind.
        comm: ranks that share the mesh.
    """

    def __init__(self, data: Discretisation) -> None:
        mesh, pairs, stencil = data.mesh, data.pairs, data.stencil
        origin, owned = mesh.vertex_origin.astype(np.int64), data.halo.owned
        self.comm: MPI.Comm = mesh.comm
        total = int(self.comm.allreduce(int(origin.max(initial=-1)), op=MPI.MAX)) + 1
        tail, head = origin[stencil.tail], origin[stencil.head]
        edge = np.minimum(tail, head) * total + np.maximum(tail, head)
        beside = (stencil.tail < owned) | (stencil.head < owned)
        sign = np.where(tail < head, 1, -1).astype(np.int8)
        self.rows = {
            NODE: _rows(origin, np.arange(origin.size) < owned),
            PAIR: _rows(pairs.region * total + origin[pairs.node], pairs.node < owned),
            EDGE: _rows(edge, beside),
            DIRECTED: Rows(name=edge, complete=beside, sign=sign),
            CELL: _rows(mesh.cell_origin.astype(np.int64), np.ones(len(mesh.cell_origin), dtype=bool)),
        }

    def kinds(self, arrays: dict[str, NDArray[Any]]) -> dict[str, str]:
        """What the rows of each array belong to. Collective.

        Args:
            arrays: by name; the last part of it tells those on edges and cells.

        Raises:
            ValueError: rows of an array fit nothing that all ranks agree on.
        """
        possible = [self._possible(name, array) for name, array in arrays.items()]
        every = self.comm.allgather(possible)
        found = {}
        for number, name in enumerate(arrays):
            common = [kind for kind in every[0][number] if all(kind in rank[number] for rank in every)]
            if not common:
                raise ValueError(f"{name}: shape {arrays[name].shape} belongs to no part of the mesh")
            found[name] = common[0]
        return found

    def _possible(self, name: str, array: NDArray[Any]) -> list[str]:
        last = name.rpartition(".")[2]
        named = ON_EDGES.get(last) or (CELL if last in ON_CELLS else None)
        size = array.shape[0] if array.ndim else -1
        kinds = (named,) if named else (NODE, PAIR)
        fitting = [kind for kind in kinds if self.rows[kind].name.size == size]
        # a handful of numbers may be the same on all ranks
        return [*fitting, WHOLE] if size <= HANDFUL else fitting

    def same(self, names: dict[str, Ints]) -> bool:
        """Whether rows with these names are those of this rank, in their order."""
        return all(np.array_equal(names[kind], rows.name) for kind, rows in self.rows.items())

    def placed(self, kind: str, parts: list[tuple[Rows, NDArray[Any]]]) -> NDArray[Any]:
        """This rank's rows of an array that other ranks have written.

        Args:
            kind: of the rows.
            parts: names and values of the rows, of all ranks that wrote.

        Raises:
            KeyError: a row is missing: they are of another mesh.
        """
        names = np.concatenate([rows.name[rows.complete] for rows, _ in parts])
        values = np.concatenate([_signed(rows.sign, array)[rows.complete] for rows, array in parts])
        order = np.argsort(names, kind="stable")
        own = self.rows[kind]
        place = np.searchsorted(names[order], own.name)
        if place.max(initial=-1) >= names.size or np.any(names[order][place] != own.name):
            raise KeyError(kind)
        found: NDArray[Any] = _signed(own.sign, values[order][place])
        return found


def _rows(name: Ints, complete: NDArray[np.bool_]) -> Rows:
    return Rows(name=name, complete=complete, sign=np.ones(name.size, dtype=np.int8))


def _signed(sign: NDArray[np.int8], values: NDArray[Any]) -> NDArray[Any]:
    if np.all(sign == 1):
        return values
    shape = (-1, *[1] * (values.ndim - 1))
    return np.where(sign.reshape(shape) < 0, -values, values)

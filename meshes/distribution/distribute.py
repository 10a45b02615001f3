# SPDX-License-Identifier: MIT
"""From a mesh on one process to one that all ranks share, with complete rows on every rank.

Ghosts are laid out by DOLFINx's index maps. Its meshes and function spaces are not made: the operators are
loops over cells and edges, and neither was needed to build them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from mpi4py import MPI

import numpy as np
from dolfinx.common import IndexMap
from numpy.typing import NDArray

from meshes.cells.facets import cells_behind
from meshes.compat import index_map
from meshes.distribution.embed import embed
from meshes.distribution.ordering import locality_order, order_by_key
from meshes.distribution.partition import bisect
from meshes.geometry import GeometryError, Site
from meshes.lines import Curve, EmbeddedLines, LocalLines
from meshes.plain import Geometry, PlainMesh

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class DistributedMesh:
    """The part of a tagged mesh that one rank sees, numbered by the nodes of P1 elements.

    Every rank holds all cells that touch any node it owns, so it can assemble the rows of its nodes alone.

    Attributes:
        geometry: ``radial``, ``axisymmetric`` or ``3d``.
        comm: the ranks that share it.
        index_map: DOLFINx's map of owned and ghost nodes.
        points: coordinates of the nodes [m], owned ones first, shape ``(n_local, dimension)``.
        owned: number of vertices of the mesh that this rank owns; nodes of lines follow on the last rank.
        cells: local node numbers, cells that this rank owns first, shape ``(n_cells, dimension + 1)``.
        owned_cells: number of cells that this rank owns.
        cell_tags: region of each cell, shape ``(n_cells,)``.
        facets: local node numbers of tagged exterior facets, those of owned cells first, shape
            ``(n_facets, dimension)``.
        owned_facets: number of facets that belong to owned cells.
        facet_tags: surface of each facet, shape ``(n_facets,)``.
        vertex_origin: number of each node's vertex in the ``PlainMesh``, shape ``(n_local,)``.
        cell_origin: number of each cell in the ``PlainMesh``, shape ``(n_cells,)``.
        info: that of the ``PlainMesh``, and ``partition``.
        lines: what lies in it beside cells; None for nothing.
    """

    geometry: Geometry
    comm: MPI.Comm
    index_map: IndexMap
    points: NDArray[np.float64]
    owned: int
    cells: NDArray[np.int32]
    owned_cells: int
    cell_tags: NDArray[np.int32]
    facets: NDArray[np.int32]
    owned_facets: int
    facet_tags: NDArray[np.int32]
    vertex_origin: NDArray[np.int64]
    cell_origin: NDArray[np.int64]
    info: dict[str, Any]
    lines: LocalLines | None = None


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one rank is given; nodes by their global numbers, its own first and ghosts after, ascending."""

    geometry: Geometry
    first: NDArray[np.int64]
    nodes: NDArray[np.int64]
    points: NDArray[np.float64]
    vertex_origin: NDArray[np.int64]
    cells: NDArray[np.int64]
    owned_cells: int
    cell_tags: NDArray[np.int32]
    cell_origin: NDArray[np.int64]
    facets: NDArray[np.int64]
    owned_facets: int
    facet_tags: NDArray[np.int32]
    info: dict[str, Any]
    lines: EmbeddedLines | None
    links: NDArray[np.int64]
    link_number: NDArray[np.int64]


def on_root(comm: MPI.Comm, compute: Callable[[], Result]) -> Result | None:
    """Compute on rank 0; if that raises ``GeometryError``, raise it on every rank. Collective.

    Args:
        comm: of the ranks.
        compute: called on rank 0 only.

    Returns:
        The result on rank 0, ``None`` elsewhere.

    Raises:
        GeometryError: on all ranks, of the type raised on rank 0.
    """
    result: Result | None = None
    error: GeometryError | None = None
    if comm.rank == 0:
        try:
            result = compute()
        except GeometryError as raised:
            error = raised
    error = comm.bcast(error)
    if error is not None:
        raise error
    return result


def distribute(
    plain: PlainMesh | None, comm: MPI.Comm, curves: tuple[Curve, ...] = (), sites: tuple[Site, ...] = ()
) -> DistributedMesh:
    """Hand out a mesh on rank 0 to all ranks of a communicator. Collective.

    The partition depends on the mesh and the number of ranks only, so that a run repeats bit by bit.

    Args:
        plain: the mesh on rank 0, ``None`` elsewhere.
        comm: to share it.
        curves: lines to embed in it.
        sites: of injection, as tracks number them.

    Returns:
        This rank's part.

    Raises:
        GeometryError: if a tagged facet is not on the outside, a vertex has no cell, or there are fewer
            vertices than ranks.
    """

    def prepare() -> Divided:
        assert plain is not None
        return divide(plain, comm.size, embed(plain, curves, sites) if curves else None)

    divided = on_root(comm, prepare)
    if divided is None:
        return _localise(comm.recv(source=0), comm)
    for rank in range(1, comm.size):
        comm.send(divided.part(rank), dest=rank)
    return _localise(divided.part(0), comm)


def gather_to_root(
    mesh: DistributedMesh,
    values: NDArray[Any],
    comm: MPI.Comm,
    kind: Literal["point", "cell"] = "point",
) -> NDArray[Any] | None:
    """Collect a field in the order of the ``PlainMesh``, whatever the number of ranks. Collective.

    Args:
        mesh: the distributed mesh.
        values: one row per local node or cell; rows of ghosts may be missing and are not used.
        comm: of the mesh.
        kind: whether rows belong to nodes or to cells.

    Returns:
        On rank 0 all values, one row per vertex or cell; ``None`` elsewhere.
    """
    by_point = kind == "point"
    origin, owned = (mesh.vertex_origin, mesh.owned) if by_point else (mesh.cell_origin, mesh.owned_cells)
    parts = comm.gather((origin[:owned], np.asarray(values)[:owned]))
    if parts is None:
        return None
    rows = np.concatenate([numbers for numbers, _ in parts])
    stacked = np.concatenate([part for _, part in parts])
    gathered: NDArray[Any] = np.empty_like(stacked)
    gathered[rows] = stacked
    return gathered


@dataclass(frozen=True, kw_only=True)
class Divided:
    """A whole mesh in the order and numbers of its distribution; on rank 0.

    Attributes:
        plain: the mesh.
        points: its vertices and the nodes of lines [m].
        first: first global node of each rank, and their number, shape ``(ranks + 1,)``.
        vertices: vertex of each global node.
        cells: global nodes of each cell, cells in the order of their lowest node.
        lowest: that node, ascending.
        cell_origin: number of each of these cells in the mesh.
        lines: embedded; their nodes are the last ones of the last rank.
        links: global nodes of the links of lines, shape ``(l, 2)``.
        facets: global nodes of the tagged facets.
        behind: position among ``cells`` of the cell that each facet belongs to.
    """

    plain: PlainMesh
    points: NDArray[np.float64]
    first: NDArray[np.int64]
    vertices: NDArray[np.int64]
    cells: NDArray[np.int64]
    lowest: NDArray[np.int64]
    cell_origin: NDArray[np.int64]
    facets: NDArray[np.int64]
    behind: NDArray[np.int64]
    lines: EmbeddedLines | None
    links: NDArray[np.int64]

    def part(self, rank: int) -> Part:
        """What a rank is given: its nodes, and every cell that meets one of them."""
        low, high = self.first[rank], self.first[rank + 1]
        # a cell belongs to the rank of its lowest node, so whatever else meets this rank's nodes comes before
        start, stop = np.searchsorted(self.lowest, [low, high])
        ghosts = np.flatnonzero(((self.cells[:start] >= low) & (self.cells[:start] < high)).any(axis=1))
        chosen = np.concatenate([np.arange(start, stop), ghosts])
        cells = self.cells[chosen]
        met = np.flatnonzero(((self.links >= low) & (self.links < high)).any(axis=1))
        links = self.links[met]
        around = np.concatenate([cells.ravel(), links.ravel()]) if met.size else cells
        beyond = np.unique(around[(around < low) | (around >= high)])
        nodes = np.concatenate([np.arange(low, high), beyond])
        origin = self.vertices[nodes]
        place = np.full(len(self.cells), -1, dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        behind = place[self.behind]
        owned = behind < stop - start
        facets = np.concatenate([np.flatnonzero((behind >= 0) & owned), np.flatnonzero(~owned)])
        return Part(
            geometry=self.plain.geometry,
            first=self.first,
            nodes=nodes,
            points=self.points[origin],
            vertex_origin=origin,
            cells=cells,
            owned_cells=int(stop - start),
            cell_tags=self.plain.cell_tags[self.cell_origin[chosen]],
            cell_origin=self.cell_origin[chosen],
            facets=self.facets[facets],
            owned_facets=int(np.sum((behind >= 0) & owned)),
            facet_tags=self.plain.facet_tags[facets],
            info=self.plain.info | {"partition": self._facts()} | (self.lines.facts() if self.lines else {}),
            lines=self.lines,
            links=links,
            link_number=met,
        )

    def _facts(self) -> dict[str, Any]:
        """For the summary: how the work is divided."""
        counts = np.diff(np.searchsorted(self.lowest, self.first))
        return {"ranks": len(counts), "cells_per_rank": counts.tolist()}


def divide(plain: PlainMesh, parts: int, lines: EmbeddedLines | None = None) -> Divided:
    """Decide who owns which vertex, and number vertices and cells; on rank 0.

    Args:
        plain: the mesh.
        parts: number of ranks.
        lines: embedded in it.

    Raises:
        GeometryError: as `distribute`.
    """
    try:
        ranks = bisect(plain.points, parts)
    except ValueError as error:
        raise GeometryError(f"mesh: {error}; use fewer ranks") from error
    alone = len(plain.points) - np.count_nonzero(np.bincount(plain.cells.ravel()))
    if alone:
        raise GeometryError(f"mesh: {alone} vertices belong to no cell")
    order = locality_order(plain.points)
    vertices = order[np.argsort(ranks[order], kind="stable")]
    number = np.empty_like(vertices)
    number[vertices] = np.arange(len(vertices))
    cells = number[plain.cells]
    lowest = cells.min(axis=1)
    cell_order = order_by_key(lowest, len(vertices))
    position = np.empty_like(cell_order)
    position[cell_order] = np.arange(len(cell_order))
    first = np.concatenate([[0], np.cumsum(np.bincount(ranks, minlength=parts))])
    points, links = plain.points, np.zeros((0, 2), dtype=np.int64)
    if lines is not None:
        beyond = len(points) + np.arange(len(lines.points))
        vertices, number = np.concatenate([vertices, beyond]), np.concatenate([number, beyond])
        links = number[lines.links(len(points))]
        points = np.concatenate([points, lines.points])
        first[-1] += len(beyond)
    return Divided(
        plain=plain,
        points=points,
        first=first,
        vertices=vertices,
        cells=cells[cell_order],
        lowest=lowest[cell_order],
        cell_origin=cell_order,
        facets=number[plain.facets],
        behind=position[cells_behind(plain)],
        lines=lines,
        links=links,
    )


def _localise(part: Part, comm: MPI.Comm) -> DistributedMesh:
    """Number a rank's nodes from 0, its own first. Collective."""
    low, high = part.first[comm.rank : comm.rank + 2]
    owned = int(high - low)
    last = comm.rank == comm.size - 1
    ghosts = part.nodes[owned:]
    owners = np.searchsorted(part.first, ghosts, side="right") - 1

    def local(numbers: NDArray[np.int64]) -> NDArray[np.int32]:
        found = (numbers - low).astype(np.int32)
        beyond = (numbers < low) | (numbers >= high)
        found[beyond] = owned + np.searchsorted(ghosts, numbers[beyond])
        return found

    return DistributedMesh(
        geometry=part.geometry,
        comm=comm,
        index_map=index_map(comm, owned, ghosts, owners.astype(np.int32)),
        points=part.points,
        owned=owned - len(part.lines.points) if part.lines is not None and last else owned,
        cells=local(part.cells),
        owned_cells=part.owned_cells,
        cell_tags=part.cell_tags,
        facets=local(part.facets),
        owned_facets=part.owned_facets,
        facet_tags=part.facet_tags,
        vertex_origin=part.vertex_origin,
        cell_origin=part.cell_origin,
        info=part.info,
        lines=None if part.lines is None else _local_lines(part, part.lines, local),
    )


def _local_lines(
    part: Part, lines: EmbeddedLines, local: Callable[[NDArray[np.int64]], NDArray[np.int32]]
) -> LocalLines:
    """What a rank knows of lines; their nodes have the last global numbers."""
    numbers = part.first[-1] - len(lines.points) + np.arange(len(lines.points))
    here = np.isin(numbers, part.nodes)
    node = np.full(len(numbers), -1, dtype=np.int32)
    node[here] = local(numbers[here])
    return LocalLines(whole=lines, node=node, links=local(part.links), number=part.link_number)

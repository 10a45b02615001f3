# SPDX-License-Identifier: MIT
"""Streamline-upwind Petrov-Galerkin on linear elements (Brooks and Hughes, 1982; Tezduyar, 1992)."""

from itertools import combinations

import numpy as np
from scipy.sparse import csr_matrix, diags

from benchmarks.formulations.problem import Floats, Grid, Interval, Part, Step, on_edges
from benchmarks.formulations.system import System, from_edges


class Supg:
    """Steps by SUPG with the parameter of Shakib (1991), weight ``implicit`` at the end of the step."""

    def __init__(self, grid: Grid, diffusivity: Floats, implicit: float) -> None:
        self._grid, self._diffusivity, self._implicit = grid, diffusivity, implicit
        self._system = System()
        self._key: object = None

    def step(self, before: Floats, interval: Interval, part: Part) -> Step:
        """Advance by one step."""
        earlier, rest, sink = self._operators(interval, part)
        right = earlier @ before / part.length + interval.injected
        right -= (1 - self._implicit) * (rest @ before)
        after = self._system.solve(right, before)
        mean = (1 - self._implicit) * before + self._implicit * after
        taken = float(interval.lost @ mean + (sink @ mean).sum())
        return Step(after=after, mean=mean, taken=taken * part.length)

    def _operators(self, interval: Interval, part: Part) -> tuple[csr_matrix, csr_matrix, csr_matrix]:
        """Storage at the start, all else, and the part of it which is cleared; kept while they last."""
        key = id(interval), part.length, id(part.fluid[0])
        if self._key == key or (self._system.holds(key[:2]) and interval.fluid[0] is interval.fluid[1]):
            return self._kept
        grid, graph = self._grid, self._grid.graph
        middle = 0.5 * (part.fluid[0] + part.fluid[1])
        porosity, clearing = middle / grid.volume, interval.cleared / grid.volume
        consistent = self._mass()
        galerkin = 0.5 * grid.spread * (porosity[graph.tail] + porosity[graph.head]) - interval.symmetric
        half = 0.5 * interval.flux
        diagonal = interval.lost + np.bincount(graph.tail, weights=galerkin + half, minlength=middle.size)
        diagonal += np.bincount(graph.head, weights=galerkin - half, minlength=middle.size)
        carried = from_edges(graph.tail, graph.head, (diagonal, half - galerkin, -half - galerkin))
        extra_storage, extra_rest = self._streamline(interval, part, porosity, clearing)
        sink = consistent @ diags(clearing)
        earlier, later = (
            (consistent @ diags(fluid / grid.volume) + extra_storage).tocsr() for fluid in part.fluid
        )
        rest = (carried + sink + extra_rest).tocsr()
        self._system.set(key[:2], (later / part.length + self._implicit * rest).tocsr())
        self._kept, self._key = (earlier, rest, sink.tocsr()), key
        return self._kept

    def _mass(self) -> csr_matrix:
        grid, graph = self._grid, self._grid.graph
        rows = np.bincount(graph.tail, weights=grid.mass, minlength=grid.volume.size)
        rows += np.bincount(graph.head, weights=grid.mass, minlength=grid.volume.size)
        return from_edges(graph.tail, graph.head, (grid.volume - rows, grid.mass, grid.mass))

    def _streamline(
        self, interval: Interval, part: Part, porosity: Floats, clearing: Floats
    ) -> tuple[csr_matrix, csr_matrix]:
        """Residual of phi dC/dt + u.grad C + clearing C, weighted with tau u.grad of the shape functions."""
        grid = self._grid
        cells, integrals = grid.stencil.cells, grid.integrals
        along = np.einsum("cd,cad->ca", interval.velocity, grid.gradients)
        phi, clears = porosity[cells].mean(axis=1), clearing[cells].mean(axis=1)
        stiff = 2 * np.abs(along).max(axis=1)
        steep = 4 * np.square(grid.gradients).sum(axis=2).max(axis=1) * phi * self._diffusivity
        tau = 1 / np.sqrt((2 * phi / part.length) ** 2 + stiff**2 + steep**2 + clears**2)
        weight = tau[:, None] * along
        storage = np.einsum("ca,cb,c->cab", weight, integrals.nodal, phi)
        rest = np.einsum("ca,cb,c->cab", weight, integrals.nodal, clears)
        rest += np.einsum("ca,cb,c->cab", weight, along, integrals.volume)
        return self._matrix(storage), self._matrix(rest)

    def _matrix(self, local: Floats) -> csr_matrix:
        """Sum matrices of cells, shape ``(n_cells, vertices, vertices)``."""
        stencil = self._grid.stencil
        cells = stencil.cells
        pairs = list(combinations(range(cells.shape[1]), 2))
        forward, backward = np.empty((2, len(cells), len(pairs)))
        for k, (a, b) in enumerate(pairs):
            rising = cells[:, a] < cells[:, b]
            forward[:, k] = np.where(rising, local[:, a, b], local[:, b, a])
            backward[:, k] = np.where(rising, local[:, b, a], local[:, a, b])
        corners = np.einsum("caa->ca", local)
        diagonal = np.bincount(cells.ravel(), weights=corners.ravel(), minlength=self._grid.volume.size)
        entries = diagonal, on_edges(stencil, forward), on_edges(stencil, backward)
        return from_edges(stencil.tail, stencil.head, entries)

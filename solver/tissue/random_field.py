# SPDX-License-Identifier: MIT
"""Gaussian random fields of Matern covariance, sampled on the mesh itself.

    (kappa^2 - Laplace)^(alpha/2) u = white noise,   alpha = nu + 3/2

by P1 elements with lumped mass (Lindgren, Rue and Lindstroem, 2011): one elliptic solve for nu = 0.5, the
exponential covariance, two for 2.5. Variance comes out within 6 % (9 %) where edges are below 0.75/kappa.
The noise is drawn by the number of the vertex in the whole mesh, so a sample does not depend on the number of
ranks. On the outer boundary a Robin condition keeps most of the excess variance away that no flux would bring
(Roininen, Huttunen and Lasanen, 2014). Where cells are longer than the correlation length a nodal value is
the mean over its surroundings, with less variance than a point's.
"""

from dataclasses import dataclass
from math import pi, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.distribution.distribute import DistributedMesh
from meshes.geometry import GeometryError
from meshes.regions import ORGAN_SURFACE, OUTER
from solver.algebra.halo import Halo
from solver.algebra.linear import LinearSolver, RowMatrix, Tolerances
from solver.algebra.stencil import CellIntegrals, Stencil
from solver.kernels.cells import sum_on_edges
from solver.kernels.flow import Rows, fill_tangent
from solver.tissue.boundary import nodal_areas

Floats = NDArray[np.float64]

SOLVES: Final = {0.5: 1, 2.5: 2}
"""Smoothness nu to the number of elliptic solves."""
ROBIN: Final = 1.42
"""Outflow at the boundary is kappa u over this (Roininen, Huttunen and Lasanen, 2014)."""
TOLERANCE: Final = 1e-13
"""Of the linear solves, relative."""


@dataclass(frozen=True, kw_only=True)
class Medium:
    """Where fields are sampled.

    Attributes:
        mesh: distributed mesh, ``3d``.
        halo: ghost exchange.
        integrals: P1 integrals of the cells.
        stencil: edges and rows.
    """

    mesh: DistributedMesh
    halo: Halo
    integrals: CellIntegrals
    stencil: Stencil


@dataclass(frozen=True, kw_only=True)
class Covariance:
    """A Matern covariance of unit variance in space.

    Attributes:
        length: distance at which correlation has fallen to about 0.13 [m].
        smoothness: nu, 0.5 or 2.5 [-].
    """

    length: float
    smoothness: float

    @property
    def kappa(self) -> float:
        """Inverse length of the differential operator [1/m]."""
        return sqrt(8.0 * self.smoothness) / self.length

    @property
    def amplitude(self) -> float:
        """What scales to unit variance: the root of Gamma(alpha)/Gamma(nu) (4 pi)^(3/2) kappa^(2 nu)."""
        factor = {0.5: 8.0 * pi, 2.5: 64.0 * pi}[self.smoothness]
        return sqrt(factor) * self.kappa**self.smoothness


class Sampler:
    """Draws samples of one covariance on one mesh. Collective."""

    def __init__(self, medium: Medium, covariance: Covariance) -> None:
        mesh, stencil, halo = medium.mesh, medium.stencil, medium.halo
        if mesh.geometry != "3d":
            raise GeometryError(
                f"a random field needs a 3d geometry, not {mesh.geometry}: there it would be rings"
            )
        self._medium, self._covariance = medium, covariance
        nodes = mesh.points.shape[0]
        volume = np.bincount(mesh.cells.ravel(), medium.integrals.nodal.ravel(), nodes)
        self._volume: Floats = halo.update(volume.astype(np.float64, copy=False))
        outer = mesh.facets[np.isin(mesh.facet_tags, [OUTER, ORGAN_SURFACE])]
        kappa = covariance.kappa
        diagonal = kappa**2 * self._volume + kappa / ROBIN * nodal_areas(mesh.points, outer, "3d")
        # Nodes of lines have no cells; nothing is asked of them.
        diagonal[self._volume == 0.0] = 1.0
        edges = sum_on_edges(stencil.cell_edges, medium.integrals.conductance, stencil.tail.size)
        numbers = np.asarray(mesh.index_map.local_to_global(np.arange(nodes, dtype=np.int32)))
        self._matrix = RowMatrix(stencil, numbers, halo)
        rows = Rows(stencil.tail, stencil.head, stencil.diagonal, stencil.tail_row, stencil.head_row)
        free = np.zeros(nodes, dtype=bool)
        fill_tangent(rows, free, (edges, np.zeros((edges.size, 2))), diagonal, self._matrix.values)
        self._matrix.assemble()
        self._solver = LinearSolver(self._matrix, "field_", "multigrid", Tolerances(relative=TOLERANCE))

    def sample(self, seed: int) -> Floats:
        """One sample of zero mean and unit variance on the nodes, shape ``(n,)``. Collective."""
        mesh, halo = self._medium.mesh, self._medium.halo
        total = max(halo.comm.allgather(int(mesh.vertex_origin.max()) + 1))
        noise = np.random.Generator(np.random.Philox(seed)).standard_normal(total)[mesh.vertex_origin]
        right = np.sqrt(self._volume) * noise
        out = np.zeros(right.size)
        for number in range(SOLVES[self._covariance.smoothness]):
            right = self._volume * out if number else right
            none = np.zeros(halo.owned)
            out[: halo.owned] = self._solver.solve(
                right[: halo.owned], none, rebuild=self._solver.setups == 0
            )
            halo.update(out)
        return self._covariance.amplitude * out

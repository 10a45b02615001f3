# SPDX-License-Identifier: MIT
"""Displacement under a pressure about an axis and in space: what holds the solid, and its solution."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.regions import ORGAN_SURFACE, OUTER, TISSUE
from solver.algebra.saddle import SaddleSolver
from solver.parameters.model import Model
from solver.solid.elastic_blocks import Elasticity, elastic_blocks, spread_pairs
from solver.solid.elasticity import wall_normals
from solver.solid.radial import Deformation
from solver.tissue.boundary import nodal_areas
from solver.tissue.discretisation import Discretisation, cell_values

Floats = NDArray[np.float64]

SLIGHT: Final = 1e-6
"""Stiffness of a free surface over that of infinite tissue: it keeps the body from drifting, and no more."""
SOLID_TOLERANCE: Final = 1e-6
"""Of a solve for the displacement, relative."""


@dataclass(frozen=True, kw_only=True)
class Supports:
    """What holds and loads the solid at its nodes.

    Attributes:
        stiffness: force per displacement [N/m], shape ``(n,)``.
        fixed: components that cannot move, shape ``(n, d)``.
        load: force other than that of the fluid [N], shape ``(n, d)``.
    """

    stiffness: Floats
    fixed: NDArray[np.bool_]
    load: Floats


class ElasticSolid:
    """Solves for displacement and total pressure; the matrix does not change while a run lasts.

    Attributes:
        solver: of the linear system.
        wall: force of a unit of pressure in the cavities on their walls, turned round [m2], shape ``(n, d)``.
    """

    def __init__(self, data: Discretisation, model: Model, supports: Supports, tolerance: float) -> None:
        self._data, self._supports = data, supports
        pairs, tissues = data.pairs, model.tissues
        self._first = np.array(
            [tissues[tag].confined_modulus - 2 * tissues[tag].shear_modulus for tag in pairs.region]
        )
        self._scale = max(tissue.shear_modulus for tissue in tissues.values())
        solid = Elasticity(
            shear=cell_values(data.mesh.cell_tags, model, "shear_modulus"),
            first=self._first,
            scale=self._scale,
            stiffness=supports.stiffness,
            fixed=supports.fixed,
        )
        self.solver = SaddleSolver(data.halo.comm, elastic_blocks(data, solid), tolerance)
        # In a cavity fluid presses on the wall; there is no solid to do so.
        self.wall = wall_normals(data.mesh)
        self._owned = int(np.count_nonzero(pairs.node < data.mesh.owned))
        self._moved: Floats = np.zeros_like(data.mesh.points)
        self._total: Floats = np.zeros(pairs.node.size)

    def solve(self, excess: Floats) -> Deformation:
        """Deformation under a pressure. Collective.

        Args:
            excess: pressure above rest at the nodes [Pa], shape ``(n,)``.

        Raises:
            LinearSolverError: when the linear solver fails.
        """
        data, own, owned, nodes = self._data, self._supports, self._owned, self._data.mesh.owned
        force = (own.load - self.wall * excess[:, None])[:nodes]
        force = np.where(own.fixed[:nodes], 0.0, force).ravel() / self._scale
        node = data.pairs.node
        volume = -(data.pairs.volume / self._first * excess[node])[:owned]
        guess = self._moved[:nodes].ravel(), self._total[:owned]
        moved, total = self.solver.solve(force, volume, guess)
        self._moved, self._total = np.zeros_like(data.mesh.points), np.zeros(node.size)
        self._moved[:nodes], self._total[:owned] = moved.reshape(nodes, -1), total
        spread_pairs(data, self._total)
        for component in range(self._moved.shape[1]):
            self._moved[:, component] = data.halo.update(self._moved[:, component].copy())
        return Deformation(
            dilatation=(excess[node] - self._scale * self._total) / self._first,
            displacement=self._moved,
            iterations=self.solver.iterations,
        )

    def memory(self) -> dict[str, Any]:
        """The last solution, from which the next iteration starts; see `solver.memory`."""
        return {"moved": self._moved, "total": self._total}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Take back what `memory` gave."""
        self._moved, self._total = memory["moved"], memory["total"]


def held(data: Discretisation, model: Model) -> Supports:
    """What the case says of the surfaces. Collective.

    Infinite tissue around a sphere that swells resists with 4 mu u/R per area, exactly so where the
    displacement is radial; nodes on the axis stay there.
    """
    mesh, shear = data.mesh, model.tissues[TISSUE].shear_modulus
    distance = np.linalg.norm(mesh.points - _centre(data), axis=1)
    stiffness, fixed = np.zeros(distance.size), np.zeros_like(mesh.points)
    kinds = (OUTER, model.physics.far_support), (ORGAN_SURFACE, model.physics.organ_support)
    for tag, kind in kinds:
        facets = mesh.facets[mesh.facet_tags == tag]
        if kind == "fixed":
            fixed[facets.ravel()] = 1.0
            continue
        share = 1.0 if kind == "elastic" else SLIGHT
        areas = nodal_areas(mesh.points, facets, mesh.geometry)
        stiffness += share * 4 * shear * np.divide(areas, distance, out=np.zeros_like(areas), where=areas > 0)
    if mesh.geometry == "axisymmetric":
        fixed[mesh.points[:, 0] < 1e-12 * distance.max(), 0] = 1.0
    for component in range(fixed.shape[1]):
        fixed[:, component] = data.halo.update(fixed[:, component].copy())
    return Supports(
        stiffness=data.halo.update(stiffness), fixed=fixed > 0.0, load=np.zeros(mesh.points.shape)
    )


def _centre(data: Discretisation) -> Floats:
    """Centroid of the domain; on the axis in ``axisymmetric``."""
    mesh, weight = data.mesh, data.pairs.to_nodes(data.pairs.volume)
    moments = [data.halo.sum(weight * mesh.points[:, i]) for i in range(mesh.points.shape[1])]
    centre = np.array(moments) / data.halo.sum(weight)
    if mesh.geometry == "axisymmetric":
        centre[0] = 0.0
    return centre

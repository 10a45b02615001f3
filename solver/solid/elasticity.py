# SPDX-License-Identifier: MIT
"""Blocks of quasi-static elasticity in displacement and total pressure, on P1 elements, cell by cell.

    2 mu eps(u) : eps(v) - xi div v,    -eta div u - eta xi/lambda - S(eta, xi)

with the total pressure xi = p - lambda div u of node-region pairs, so that it may jump where tissues meet
(Oyarzua and Ruiz-Baier, 2016), and the projection stabilisation of Dohrmann and Bochev (2004) weighted
with 1/(2 mu): a pressure that displacement cannot see then stores as much as with H = lambda + 2 mu. Nothing
locks as nu goes to 1/2. The weight of the geometry is that of ``solver.algebra.stencil``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.cells.facets import cells_behind
from meshes.distribution.distribute import DistributedMesh
from meshes.plain import PlainMesh
from meshes.regions import CAVITY
from solver.algebra.stencil import CellIntegrals, local_edges

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class CellBlocks:
    """Integrals over every cell; ``c`` cells of ``v`` vertices, by components of the displacement.

    Attributes:
        gradient: of the shape functions [1/m], shape ``(c, v, d)``.
        volume: of the cells [m3].
        about_axis: in ``axisymmetric``, which has a hoop strain: ``stiffness`` and ``divergence`` of all
            components, shapes ``(c, v, d, v, d)`` and ``(c, v, v, d)``.
    """

    gradient: Floats
    volume: Floats
    about_axis: tuple[Floats, Floats] | None

    def stiffness(self, i: int, j: int) -> Floats:
        """Integral of 2 eps(l_a e_i) : eps(l_b e_j) [m], shape ``(c, v, v)``."""
        if self.about_axis is not None:
            return self.about_axis[0][:, :, i, :, j]
        gradient = self.gradient
        out: Floats = gradient[:, :, None, j] * gradient[:, None, :, i]
        if i == j:
            out = out + np.einsum("cak,cbk->cab", gradient, gradient)
        return out * self.volume[:, None, None]

    def divergence(self, i: int) -> Floats:
        """Integral of l_k div(l_a e_i) [m2], shape ``(c, v, v)``, k before a."""
        if self.about_axis is not None:
            return self.about_axis[1][..., i]
        vertices = self.gradient.shape[1]
        each = self.gradient[:, :, i] * (self.volume / vertices)[:, None]
        return np.repeat(each[:, None, :], vertices, axis=1)


def cell_blocks(mesh: DistributedMesh, integrals: CellIntegrals) -> CellBlocks:
    """Integrate over every local cell of a planar or spatial mesh.

    Args:
        mesh: ``axisymmetric`` or ``3d``.
        integrals: of the same cells.
    """
    gradient = shape_gradients(mesh.points[mesh.cells])
    about_axis = None
    if mesh.geometry == "axisymmetric":
        about_axis = _about_axis(gradient, mesh.points[mesh.cells, 0], integrals.nodal)
    return CellBlocks(gradient=gradient, volume=integrals.nodal.sum(axis=1), about_axis=about_axis)


def shape_gradients(corners: Floats) -> Floats:
    """Gradients of the shape functions of simplices [1/m].

    Args:
        corners: of each cell, shape ``(c, v, d)``.

    Returns:
        Shape ``(c, v, d)``.
    """
    edges = corners[:, 1:] - corners[:, :1]
    inner = np.asarray(np.linalg.inv(edges), dtype=np.float64).transpose(0, 2, 1)
    return np.concatenate([-inner.sum(axis=1, keepdims=True), inner], axis=1)


def _about_axis(gradient: Floats, radius: Floats, nodal: Floats) -> tuple[Floats, Floats]:
    """With the hoop strain u_r/r; three points inside the triangle, exact for all but that strain squared."""
    cells = gradient.shape[0]
    area = 6 * nodal.sum(axis=1) / (4 * np.pi * radius.sum(axis=1))
    stiffness, divergence = np.zeros((cells, 6, 6)), np.zeros((cells, 3, 6))
    for point in range(3):
        shape = np.full(3, 1 / 6)
        shape[point] = 2 / 3
        r = radius @ shape
        weight = 2 * np.pi * r * area / 3
        strain = np.zeros((cells, 4, 6))
        strain[:, 0, 0::2] = gradient[:, :, 0]
        strain[:, 1, 1::2] = gradient[:, :, 1]
        strain[:, 2, 0::2] = shape / r[:, None]
        # eps_rz stands twice in eps : eps, so by the root of 2.
        strain[:, 3, 0::2] = gradient[:, :, 1] / np.sqrt(2)
        strain[:, 3, 1::2] = gradient[:, :, 0] / np.sqrt(2)
        stiffness += 2 * np.einsum("c,csi,csj->cij", weight, strain, strain)
        divergence += np.einsum("c,k,ci->cki", weight, shape, strain[:, :3].sum(axis=1))
    return stiffness.reshape(cells, 3, 2, 3, 2), divergence.reshape(cells, 3, 3, 2)


def unprojected_mass(integrals: CellIntegrals) -> Floats:
    """What the projection onto constants leaves of the mass matrix of each cell [m3], shape ``(c, v, v)``."""
    nodal = integrals.nodal
    cells, vertices = nodal.shape
    mass = np.zeros((cells, vertices, vertices))
    for k, (a, b) in enumerate(local_edges(vertices)):
        mass[:, a, b] = mass[:, b, a] = integrals.mass[:, k]
    corner = np.arange(vertices)
    mass[:, corner, corner] = nodal - mass.sum(axis=2)
    return mass - nodal[:, :, None] * nodal[:, None, :] / nodal.sum(axis=1)[:, None, None]


def wall_normals(mesh: DistributedMesh) -> Floats:
    """Outward normals of all cavity walls, weighted with the shape functions [m2], shape ``(n, d)``."""
    out = np.zeros_like(mesh.points)
    walls = mesh.facet_tags >= CAVITY
    if not walls.any():
        return out
    facets = mesh.facets[walls]
    local = PlainMesh(
        geometry=mesh.geometry,
        points=mesh.points,
        cells=mesh.cells.astype(np.int64),
        cell_tags=mesh.cell_tags,
        facets=facets.astype(np.int64),
        facet_tags=mesh.facet_tags[walls],
    )
    x = mesh.points[facets]
    inwards = mesh.points[mesh.cells[cells_behind(local)]].mean(axis=1) - x.mean(axis=1)
    if mesh.geometry == "axisymmetric":
        along = x[:, 1] - x[:, 0]
        normal = np.column_stack([along[:, 1], -along[:, 0]])
        r = x[:, :, 0]
        shares = 2 * np.pi * (r + r.sum(axis=1, keepdims=True)) / 6
    else:
        normal = np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0])
        shares = np.full(facets.shape, 1 / 6)
    normal *= -np.sign(np.einsum("fi,fi->f", normal, inwards))[:, None]
    for corner in range(facets.shape[1]):
        np.add.at(out, facets[:, corner], shares[:, corner, None] * normal)
    return out

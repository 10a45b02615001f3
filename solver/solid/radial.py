# SPDX-License-Identifier: MIT
"""Displacement of a sphere about the source: quasi-static linear elasticity on the volumes that nodes hold.

    d/dr (H e - p) - 4 (dmu/dr) u/r = 0,    e = (1/r^2) d(r^2 u)/dr

The dilatation lives on node-region pairs, the displacement on the spheres between them, on surfaces between
tissues too. With uniform moduli H e - p is then the same everywhere, to round-off: what storage assumes. Such
a staggered grid has no pressure that displacement cannot see, and does not lock.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_banded

from meshes.distribution.distribute import DistributedMesh
from solver.parameters.model import Physics, Tissue
from solver.tissue.materials import Pairs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Shells:
    """The volumes of all pairs of a radial mesh from the centre outwards, the same on every rank.

    Attributes:
        node: global number of the node of each shell, shape ``(s,)``.
        region: cell tag of each shell.
        faces: radii between shells [m], the two boundaries included, shape ``(s + 1,)``.
        radius: of each shell's node [m].
    """

    node: Ints
    region: Ints
    faces: Floats
    radius: Floats

    @property
    def volume(self) -> Floats:
        """Of the shells [m3]."""
        volume: Floats = 4 * np.pi / 3 * np.diff(self.faces**3)
        return volume


@dataclass(frozen=True, kw_only=True)
class Deformation:
    """What the solid does under a pressure.

    Attributes:
        dilatation: e of the pairs [-], shape ``(k,)``.
        displacement: u of the nodes [m], shape ``(n, dimension)``.
        iterations: of a linear solver; 0 for a direct one.
    """

    dilatation: Floats
    displacement: Floats
    iterations: int = 0


class RadialSolid:
    """Solves for the radial displacement; every rank solves the whole, which is a tridiagonal system."""

    def __init__(
        self, mesh: DistributedMesh, pairs: Pairs, tissues: dict[int, Tissue], physics: Physics
    ) -> None:
        self._comm, self._owned = mesh.comm, mesh.owned
        self._numbers = np.asarray(
            mesh.index_map.local_to_global(np.arange(mesh.points.shape[0], dtype=np.int32))
        )
        self.shells = _shells(mesh, self._numbers)
        self._total = int(self.shells.node.max()) + 1
        self._moduli = np.array([tissues[tag].confined_modulus for tag in self.shells.region])
        self._shear = np.array([tissues[tag].shear_modulus for tag in self.shells.region])
        self._support = physics.far_support
        self._matrix = self._rows()
        key = self.shells.node * 1000 + self.shells.region
        order = np.argsort(key)
        wanted = self._numbers[pairs.node] * 1000 + pairs.region
        self._shell_of_pair = order[np.searchsorted(key, wanted, sorter=order)]
        first = np.zeros(self._total, dtype=np.int64)
        first[self.shells.node[::-1]] = np.arange(self.shells.node.size)[::-1]
        self._shell_of_node = first[self._numbers]

    def solve(self, excess: Floats) -> Deformation:
        """Deformation under a pressure. Collective.

        Args:
            excess: pressure above rest at the nodes [Pa], shape ``(n,)``.
        """
        shells = self.shells
        pressure = self._everywhere(excess)[shells.node]
        right = np.zeros(shells.faces.size)
        right[1:-1] = np.diff(pressure)
        if self._support != "fixed":
            right[-1] = pressure[-1]
        moved = solve_banded((1, 1), self._matrix, right)
        area = 4 * np.pi * shells.faces**2
        swept = area * moved
        dilatation = np.diff(swept) / shells.volume
        # Within a shell the dilatation is uniform, which gives the displacement of its node.
        within = swept[:-1] + dilatation * 4 * np.pi / 3 * (shells.radius**3 - shells.faces[:-1] ** 3)
        node_area = 4 * np.pi * shells.radius**2
        at_node = np.divide(within, node_area, out=np.zeros_like(within), where=node_area > 0)
        return Deformation(
            dilatation=dilatation[self._shell_of_pair], displacement=at_node[self._shell_of_node][:, None]
        )

    def _everywhere(self, values: Floats) -> Floats:
        """A nodal field by global number, on every rank."""
        out = np.zeros(self._total)
        for numbers, part in self._comm.allgather((self._numbers[: self._owned], values[: self._owned])):
            out[numbers] = part
        return out

    def _rows(self) -> Floats:
        """The tridiagonal matrix of the faces, as bands."""
        shells, high, shear = self.shells, self._moduli, self._shear
        area, volume, last = 4 * np.pi * shells.faces**2, shells.volume, shells.faces.size - 1
        lower, diagonal, upper = np.zeros(last + 1), np.zeros(last + 1), np.zeros(last + 1)
        inner, outer = high[:-1] / volume[:-1], high[1:] / volume[1:]
        lower[:-2] = inner * area[:-2]
        diagonal[1:-1] = -(inner + outer) * area[1:-1] - 4 * np.diff(shear) / shells.faces[1:-1]
        upper[2:] = outer * area[2:]
        if shells.faces[0] == 0.0:
            diagonal[0] = 1.0
        else:
            # The fluid presses on the wall with the pressure that it has there: no effective stress.
            diagonal[0] = -high[0] / volume[0] * area[0] - 4 * shear[0] / shells.faces[0]
            upper[1] = high[0] / volume[0] * area[1]
        if self._support == "fixed":
            diagonal[last] = 1.0
        else:
            # Infinite tissue around a sphere gives way by u = -R t/(4 mu).
            held = 4 * shear[-1] / shells.faces[-1] if self._support == "elastic" else 0.0
            lower[last - 1] = -high[-1] / volume[-1] * area[-2]
            diagonal[last] = high[-1] / volume[-1] * area[-1] - 4 * shear[-1] / shells.faces[-1] + held
        return np.array([upper, diagonal, lower])


def _shells(mesh: DistributedMesh, numbers: Ints) -> Shells:
    """Shells of the whole mesh. Collective."""
    cells = mesh.cells[: mesh.owned_cells]
    local = (numbers[cells], mesh.points[cells, 0], mesh.cell_tags[: mesh.owned_cells])
    gathered = mesh.comm.allgather(local)
    nodes, radii, tags = (np.concatenate([part[i] for part in gathered]) for i in range(3))
    order = np.argsort(radii.mean(axis=1))
    nodes, radii, tags = nodes[order], radii[order], tags[order]
    turned = radii[:, 0] > radii[:, 1]
    nodes[turned], radii[turned] = nodes[turned, ::-1], radii[turned, ::-1]
    r0, r1 = radii.T
    # The inner node's part of the cell's volume ends at this radius.
    part = (r1 - r0) * (3 * r0**2 + 2 * r0 * r1 + r1**2) / 12
    middle = np.cbrt(r0**3 + 3 * part)
    node, region, faces, radius = [nodes[0, 0]], [tags[0]], [r0[0]], [r0[0]]
    for c in range(tags.size):
        if c and tags[c] != tags[c - 1]:
            node.append(nodes[c, 0])
            region.append(tags[c])
            faces.append(r0[c])
            radius.append(r0[c])
        node.append(nodes[c, 1])
        region.append(tags[c])
        faces.append(middle[c])
        radius.append(r1[c])
    faces.append(r1[-1])
    return Shells(
        node=np.array(node, dtype=np.int64),
        region=np.array(region, dtype=np.int64),
        faces=np.array(faces),
        radius=np.array(radius),
    )

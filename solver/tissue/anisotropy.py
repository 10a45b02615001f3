# SPDX-License-Identifier: MIT
"""Tissue with fibres: K and D along them over those across, as a constant tensor in each region.

    K = K0 [I + (ratio - 1) d d^T],    d the direction of the fibres, K0 across them

A fibrous medium is an isotropic one in coordinates that are shortened along the fibres,
x' = x + (1/sqrt(ratio) - 1) d (d.x), as far as gradients go: so P1 conductances come from the same closed
form, and no loop over cells changes.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from meshes.distribution.distribute import DistributedMesh
from meshes.geometry import GeometryError
from meshes.plain import Geometry
from solver.algebra.stencil import CellIntegrals
from solver.kernels.cells import gradient_products
from solver.parameters.model import Tissue

Floats = NDArray[np.float64]
Ratio = Literal["fibre_ratio", "fibre_diffusion_ratio"]


def cell_conductance(
    mesh: DistributedMesh, integrals: CellIntegrals, tissues: dict[int, Tissue], name: Ratio
) -> Floats:
    """-(integral of grad l_a . T grad l_b) [m] per edge of each cell, T = I + (ratio - 1) d d^T.

    Args:
        mesh: whose cell tags are keys of ``tissues``.
        integrals: of its cells; their own conductances are returned where no tissue has fibres.
        tissues: materials.
        name: which ratio.

    Raises:
        GeometryError: in ``radial``, or in ``axisymmetric`` for fibres that are not along the axis.
    """
    out = integrals.conductance
    for tag, tissue in tissues.items():
        ratio = getattr(tissue, name)
        if ratio == 1.0:
            continue
        axis = fibre_axis(tissue, mesh.geometry)
        out = out.copy() if out is integrals.conductance else out
        chosen = np.flatnonzero(mesh.cell_tags == tag)
        products = gradient_products(shortened(mesh.points, axis, ratio), mesh.cells[chosen])[1]
        out[chosen] = -products * integrals.volume[chosen, None]
    return out


def fibre_axis(tissue: Tissue, geometry: Geometry) -> Floats:
    """Direction of the fibres in the coordinates of a geometry, shape ``(dimension,)``.

    Raises:
        GeometryError: a geometry of that symmetry cannot hold them.
    """
    direction = np.array(tissue.fibre_direction)
    if geometry == "3d":
        return direction
    if geometry == "axisymmetric" and abs(abs(direction[2]) - 1.0) < 1e-6:
        return np.array([0.0, 1.0])
    wanted = "fibres along z" if geometry == "axisymmetric" else "no fibres"
    raise GeometryError(
        f"{tissue.name}: a {geometry} geometry can hold {wanted}; found {tissue.fibre_direction}"
    )


def shortened(points: Floats, axis: Floats, ratio: float) -> Floats:
    """Coordinates in which tissue with fibres conducts alike in all directions [m], shape of ``points``."""
    return points + (1.0 / np.sqrt(ratio) - 1.0) * np.outer(points @ axis, axis)


class Fibres(NamedTuple):
    """Those of a region: a unit vector in the coordinates of the mesh, and K along it over K across [-]."""

    axis: Floats
    ratio: float


def conducting_fibres(tissues: dict[int, Tissue], geometry: Geometry) -> dict[int, Fibres]:
    """The regions in which K has a direction, by cell tag."""
    return {
        tag: Fibres(fibre_axis(tissue, geometry), tissue.fibre_ratio)
        for tag, tissue in tissues.items()
        if tissue.fibre_ratio != 1.0
    }


def along_fibres(cell_tags: NDArray[np.int32], fibres: dict[int, Fibres], gradient: Floats) -> Floats:
    """T grad p of every cell, from grad p [Pa/m], shape ``(n_cells, dimension)``."""
    out = gradient
    for tag, (axis, ratio) in fibres.items():
        turned = out + (ratio - 1.0) * np.outer(out @ axis, axis)
        out = np.where((cell_tags == tag)[:, None], turned, out)
    return out


def far_coefficient(offset: Floats, tissue: Tissue, geometry: Geometry, sinks: float) -> Floats:
    """Outflow per area and pressure over a sphere in infinite tissue with fibres [m/(Pa s)].

    The pressure of a point source is exp(-s sqrt(c))/s with s^2 = x.K^-1 x and c what vessels and lymph take
    per pressure, so n.q = p (1/s + sqrt(c)) R/s; with ratio 1 that is K (1/l + 1/R).

    Args:
        offset: from the centre of the sphere [m], shape ``(n, dimension)``.
        tissue: around it.
        geometry: of the mesh.
        sinks: L_p S/V + L_pL S_L/V where they act [1/(Pa s)].
    """
    axis = fibre_axis(tissue, geometry)
    distance = np.linalg.norm(offset, axis=1)
    travel = np.linalg.norm(shortened(offset, axis, tissue.fibre_ratio), axis=1)
    travel /= np.sqrt(tissue.hydraulic_conductivity)
    inverse = np.divide(1.0, travel, out=np.zeros(travel.size), where=travel > 0)
    return (inverse + np.sqrt(sinks)) * distance * inverse

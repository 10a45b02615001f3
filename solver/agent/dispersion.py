# SPDX-License-Identifier: MIT
"""Mechanical dispersion of the agent by the flow, as a tensor in every cell.

    phi D = phi D_m I + alpha_T |q| I + (alpha_L - alpha_T) q q/|q|

(Scheidegger, 1961; Bear, 1961): with the pore velocity q/phi the porosity cancels. A tensor makes entries off
the diagonal positive on edges across the flow; the monotone step takes them up as graph viscosity, like those
of convection, and the limiter gives back as much as keeps the bounds.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.algebra.stencil import local_edges
from solver.flow.state import FlowStep
from solver.kernels.cells import cell_gradients, directed_slopes
from solver.parameters.model import Model
from solver.tissue.anisotropy import along_fibres
from solver.tissue.discretisation import Discretisation, cell_values, edge_sums

Floats = NDArray[np.float64]

STILL: Final = 1e-300
"""Speed below which fluid has no direction [m/s]."""


class Dispersion:
    """Dispersion of one discretisation; keeps that of the flow that it saw last."""

    def __init__(self, data: Discretisation, model: Model) -> None:
        self._data = data
        tags = data.mesh.cell_tags
        self._along = cell_values(tags, model, "longitudinal_dispersivity")
        self._across = cell_values(tags, model, "transverse_dispersivity")
        self._last: tuple[Floats, Floats] | None = None

    def on_edges(self, flow: FlowStep) -> Floats:
        """Coefficient of C_tail - C_head by dispersion on each edge [m3/s].

        Args:
            flow: the flow during a step.
        """
        pressure = flow.state.pressure
        if self._last is None or self._last[0] is not pressure:
            data = self._data
            gradient = cell_gradients(data.mesh.points, data.mesh.cells, pressure)
            flux = -flow.conductivity[:, None] * along_fibres(data.mesh.cell_tags, data.fibres, gradient)
            self._last = pressure, edge_dispersion(data, flux, self._along, self._across)
        return self._last[1]


def dispersion(data: Discretisation, model: Model) -> Dispersion | None:
    """The dispersion of a model; None with the effect off."""
    return Dispersion(data, model) if model.physics.dispersion else None


def edge_dispersion(data: Discretisation, flux: Floats, along: Floats, across: Floats) -> Floats:
    """-(integral of grad l_a . T grad l_b) summed over the cells of each edge [m3/s], shape ``(m,)``.

    Args:
        data: static data.
        flux: Darcy flux q of the cells [m/s], shape ``(n_cells, dimension)``.
        along: alpha_L of the cells [m].
        across: alpha_T of the cells [m].
    """
    stencil = data.stencil
    speed = np.sqrt((flux**2).sum(axis=1))
    direction = flux / np.maximum(speed, STILL)[:, None]
    isotropic = across * speed
    directed = (along - across) * speed * data.integrals.volume
    slopes = directed_slopes(data.mesh.points, stencil.cells, direction)
    a, b = local_edges(stencil.cells.shape[1]).T
    tensor = isotropic[:, None] * data.integrals.conductance - directed[:, None] * slopes[:, a] * slopes[:, b]
    return edge_sums(data, tensor)

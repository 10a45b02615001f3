# SPDX-License-Identifier: MIT
"""The nodal balance of interstitial fluid at a trial pressure, and its tangent. No PETSc here."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.plain import Geometry
from solver.flow.cavity import CavityStore
from solver.flow.exchange import BloodSupply, FluidExchange, Vessels, exchange_fluid
from solver.flow.injection import Inlet
from solver.flow.lines import (
    LineBalance,
    LineFlow,
    add_growth,
    add_to_balance,
    add_to_tangent,
    balanced,
    edge_flux,
    stop_at_opening,
)
from solver.kernels.flow import (
    Darcy,
    Rows,
    cell_conductivity,
    conductivity_tangent,
    fill_tangent,
    galerkin_convection,
    growth_rate,
    nodal_balance,
    pair_pressures,
)
from solver.tissue.conductivity import Law, LawInput, LawParameters
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]

NEGLIGIBLE: Final[dict[Geometry, float]] = {"radial": 1e-5, "axisymmetric": 1e-4, "3d": 1e-3}
"""What all cells in a row leave out of the tangent adds up, so it goes with how many there can be."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a solve is for: rest (no step) or one implicit step.

    Attributes:
        largest: p_max of the last step [Pa].
        reference: p0, pressure at rest [Pa].
        known: what enters the balance whatever the pressure: injection and the past [m3/s].
        compliance: nodal storage over the step [m3/(Pa s)].
        law: constants of the conductivity law.
        links: weight of the flow of lines, against that of all else.
        rate: what turns fluid in cavities into a flow, as ``compliance`` does with that in tissue [1/s].
    """

    largest: Floats
    reference: Floats
    known: Floats
    compliance: Floats
    law: LawParameters
    links: float = 1.0
    rate: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Balance:
    """The nodal balance at a trial pressure and what its tangent needs.

    Arrays of cells and edges belong to the ``FlowBalance`` that made it and last until its next evaluation.

    Attributes:
        residual: what each node keeps too much of [m3/s], shape ``(n,)``.
        norm: sum of its magnitudes over all ranks [m3/s].
        transmissibility: T_ij on edges [m3/(Pa s)].
        conductivity: K of the cells [m2/(Pa s)].
        factor: f of the conductivity law on the pairs [-].
        slope: df/dp of the same [1/Pa].
        exchange: with vessels and lymph.
        lines: flow along needle tracks and vessels.
    """

    residual: Floats
    norm: float
    transmissibility: Floats
    conductivity: Floats
    factor: Floats
    slope: Floats
    exchange: FluidExchange
    lines: LineBalance | None = None


@dataclass(frozen=True, kw_only=True)
class Shift:
    """By how much more or less than storage tissue swells, as the pressure that would make it do so [Pa].

    Attributes:
        nodes: for what a node stores, shape ``(n,)``.
        pairs: for the dilatation in the law of the conductivity, shape ``(k,)``.
    """

    nodes: Floats
    pairs: Floats


class FlowBalance:
    """Evaluates balances of one discretisation with one conductivity law.

    Attributes:
        shift: of swelling against storage, where displacement is solved for.
        inlets: pulses whose rate depends on the pressure.
        cavities: that take up fluid as they open.
        mobility: factor of K at the nodes by what fills their pores [-], where that is not all the same.
        vessels: as they are now.
        supply: what reaches them, where it is not the tissues' own.
    """

    def __init__(self, data: Discretisation, law: Law) -> None:
        self._data, self._law = data, law
        self._lines = None if data.lines is None else LineFlow(data, data.lines)
        self.shift: Shift | None = None
        self.inlets: tuple[Inlet, ...] = ()
        self.cavities: CavityStore | None = None
        self.mobility: Floats | None = None
        stencil, pairs = data.stencil, data.pairs
        self._darcy = darcy_geometry(data)
        self._rows = Rows(
            tail=stencil.tail,
            head=stencil.head,
            diagonal=stencil.diagonal,
            tail_row=stencil.tail_row,
            head_row=stencil.head_row,
        )
        self.vessels = resting_vessels(data)
        self.supply: BloodSupply | None = None
        self._conductivity = np.empty(data.conductivity.size)
        self._transmissibility = np.empty(stencil.tail.size)
        self._at_pairs = np.empty((3, pairs.node.size))
        self._both = np.zeros((stencil.tail.size, 2))

    def evaluate(self, target: Target, pressure: Floats) -> Balance:
        """Evaluate laws, fluxes and the nodal balance at a trial pressure. Collective.

        Args:
            target: what is solved for.
            pressure: trial [Pa], ghosts up to date.
        """
        data, pairs, far = self._data, self._data.pairs, self._data.far
        excess, largest, rising = self._at_pairs
        pair_pressures(pairs.node, (pressure, target.reference, target.largest), (excess, largest, rising))
        if self.shift is not None:
            excess += self.shift.pairs
        factor, slope = self._law(LawInput(target.law, excess, largest, rising))
        if self.mobility is not None:
            factor, slope = self.mobility[pairs.node] * factor, self.mobility[pairs.node] * slope
        cell_conductivity(self._darcy, factor, self._conductivity, self._transmissibility)
        exchange = exchange_fluid(pairs.node, self.vessels, pressure)
        residual = target.compliance * (pressure - target.reference) - target.known
        residual += exchange.lymph - exchange.vessels
        for inlet in self.inlets:
            residual -= inlet.flow(pressure)
        if self.cavities is not None:
            residual += target.rate * self.cavities.volume(pressure)
        if self.shift is not None:
            residual += target.compliance * self.shift.nodes
        along = None
        if self._lines is not None:
            nodal = pressure, target.reference, target.largest
            along = self._lines.at(nodal, (factor, slope), target.links)
            change = target.compliance * (pressure - target.reference)
            add_to_balance(self._lines.lines, along, target.compliance, change, residual)
        norm = nodal_balance(
            self._rows, self._transmissibility, pressure, (far.conductance, far.pressure, far.fixed), residual
        )
        return Balance(
            residual=residual,
            norm=data.halo.comm.allreduce(norm),
            transmissibility=self._transmissibility,
            conductivity=self._conductivity,
            factor=factor,
            slope=slope,
            exchange=exchange,
            lines=along,
        )

    def tangent(self, target: Target, balance: Balance, pressure: Floats, values: Floats) -> None:
        """Write the derivative of the balance by the pressure into the rows of the owned nodes.

        Rows and columns of fixed nodes are those of the identity, scaled like their neighbours.

        Args:
            target: what is solved for.
            balance: evaluated last, at ``pressure``.
            pressure: where the derivative is taken [Pa].
            values: of the matrix, in the order of the stencil, written.
        """
        far = self._data.far
        diagonal = target.compliance + far.conductance - balance.exchange.slope
        for inlet in self.inlets:
            diagonal += inlet.slope(pressure)
        if self.cavities is not None:
            diagonal += target.rate * self.cavities.slope(pressure)
        state = (balance.slope, balance.conductivity, pressure)
        conductivity_tangent(self._darcy, state, self._both, diagonal)
        if self._lines is not None and balance.lines is not None:
            add_to_tangent(self._lines.lines, balance.lines, target.compliance, self._both, diagonal)
        fill_tangent(self._rows, far.fixed, (balance.transmissibility, self._both), diagonal, values)

    def growth(self, balance: Balance) -> Floats:
        """Steepest d ln K/dp at each node [1/Pa]. Collective."""
        nodes = balance.residual.size
        rate = growth_rate(self._data.pairs.node, balance.factor, balance.slope, nodes)
        if self._lines is not None and balance.lines is not None:
            add_growth(self._lines.lines, balance.lines, rate, self._data.halo)
        return self._data.halo.update(rate)

    def convection(self, balance: Balance, pressure: Floats) -> tuple[Floats, Floats]:
        """Galerkin convection of the Darcy flow, and flow of lines, on edges: flux, symmetric part [m3/s]."""
        flux, symmetric = galerkin_convection(self._darcy, balance.conductivity, pressure)
        if self._lines is not None and balance.lines is not None:
            lines = self._lines.lines
            balanced(lines, balance.lines, balance.residual, self._data.halo)
            edge_flux(lines, balance.lines, flux, symmetric)
        return flux, symmetric

    def moved(self, balance: Balance, pressure: Floats, change: Floats) -> Floats:
        """A pressure after a change from that of the balance; gaps open bit by bit. Collective."""
        if self._lines is not None and balance.lines is not None:
            change = stop_at_opening(self._lines.lines, balance.lines, change, self._data.halo)
        return pressure + change

    def add_outflow(self, balance: Balance, outflow: Floats) -> Floats:
        """Outflow of the nodes [m3/s] with what leaves by the ends of lines."""
        if self._lines is not None and balance.lines is not None:
            np.add.at(outflow, self._lines.lines.ends.node, balance.lines.out / balance.lines.weight)
        return outflow


def resting_vessels(data: Discretisation) -> Vessels:
    """Vessels that nothing has happened to."""
    pairs, m = data.pairs, data.materials
    return Vessels(
        volume=pairs.volume,
        vessel_conductance=m.vessel_conductance,
        effective_vessel_pressure=m.effective_vessel_pressure,
        half_closed=m.half_closed,
        closure_width=m.closure_width,
        supply=m.supply,
        lymph_conductance=m.lymph_conductance,
        lymph_pressure=m.lymph_pressure,
        intact=np.ones(pairs.node.size),
        held=np.full(pairs.node.size, -np.inf),
        gap=0.0,
    )


def darcy_geometry(data: Discretisation) -> Darcy:
    """What the compiled loops over cells need of a discretisation."""
    return Darcy(
        corners=tuple(range(data.stencil.cells.shape[1])),
        edges=data.stencil.tail.size,
        cells=data.stencil.cells,
        cell_edges=data.stencil.cell_edges,
        conductance=data.flow_conductance,
        shares=data.integrals.nodal / data.integrals.volume[:, None],
        pairs=data.pairs.of_cell,
        at_rest=data.conductivity,
        negligible=NEGLIGIBLE[data.mesh.geometry],
    )

# SPDX-License-Identifier: MIT
"""Convection, diffusion, reaction and exchange of the agent: one implicit step, limited and conservative.

    d(phi C)/dt + div(q C - phi D grad C) = -phi k C + J_s - J_l C + max(s, 0) C_in

Reaction and exchange with blood are integrated exactly in two halves around the rest (Strang, 1968). The
rest is a monotone low-order step (backward Euler, graph viscosity on the edges), to which the difference to
the Galerkin fluxes, to the consistent mass matrix and to the trapezoidal rule is given back as far as no new
extremum appears (Zalesak, 1979; Kuzmin, 2009): second order in space and time where C is smooth, monotone
everywhere. Amounts are computed from the fluxes, so the ledger closes to round-off whatever the tolerance of
the linear solver, and the flux of a constant state is that constant times the flow.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.discretisation import Discretisation, edge_sums, pair_fluid
from solver.exchange import agent_clearance
from solver.flow import FlowStep, global_numbers
from solver.kernels import edge_extrema, fill_rows, limit, nodal_outflow, zalesak_ratios
from solver.linear import LinearSolver, RowMatrix, Tolerances
from solver.parameters import Agent, Numerics, Physics

Floats = NDArray[np.float64]

TARGET_TOLERANCE: Final = 1e-10
"""Of the second-order target; it shapes the limited fluxes, which conserve mass whatever it is."""


@dataclass(frozen=True, kw_only=True)
class AgentState:
    """What transport remembers between steps, all shape ``(n,)``.

    Attributes:
        concentration: C per volume of interstitial fluid [kg/m3].
        amount: of agent at the node [kg].
    """

    concentration: Floats
    amount: Floats


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Fluid that leaves with the agent in it [m3/s].

    Attributes:
        blood: absorbed by open vessels, on pairs, shape ``(k,)``.
        lymph: carried off by lymph, on pairs, shape ``(k,)``.
        boundary: carried out through the outer boundary, on nodes, shape ``(n,)``.
    """

    blood: Floats
    lymph: Floats
    boundary: Floats


@dataclass(frozen=True, kw_only=True)
class AgentStep:
    """One step of transport.

    Attributes:
        state: at the end.
        ct: integral of C over the step [kg s/m3].
        reacted: agent that reacted during the step, on pairs [kg].
        exchanged: agent lost to blood beside absorbed fluid during the step, on pairs [kg].
        low: the monotone solution, by which what fluid carries off is counted [kg/m3].
        losses: rates per concentration.
        injected: agent brought by injection, on nodes [kg/s].
        from_blood: agent brought with fluid that vessels filter, on pairs [kg/s].
        flux: agent along each edge, tail to head [kg/s].
        krylov: iterations.
    """

    state: AgentState
    ct: Floats
    reacted: Floats
    exchanged: Floats
    low: Floats
    losses: Losses
    injected: Floats
    from_blood: Floats
    flux: Floats
    krylov: int


@dataclass(frozen=True, kw_only=True)
class _Decayed:
    """Reaction and exchange over a while."""

    concentration: Floats
    ct: Floats
    reacted: Floats
    exchanged: Floats


@dataclass(frozen=True, kw_only=True)
class _Moved:
    """A step without reaction and exchange."""

    amount: Floats
    low: Floats
    losses: Losses
    from_blood: Floats
    flux: Floats


class Transport:
    """Steps the agent forward, keeping its matrix between steps.

    Attributes:
        reaction_rate: k, or 0 with the reaction off [1/s].
        solver: linear solver of the monotone step.
    """

    def __init__(self, data: Discretisation, agent: Agent, physics: Physics, numerics: Numerics) -> None:
        self._data = data
        self.reaction_rate = agent.reaction_rate if physics.reaction else 0.0
        self._plasma = agent.plasma_concentration
        self._limiter = numerics.limiter
        self._mass = edge_sums(data, data.integrals.mass)
        self._diffusion = edge_sums(data, data.integrals.conductance * data.diffusivity[:, None])
        self._matrix = RowMatrix(data.stencil, global_numbers(data), data.halo)
        preset = "transport" if data.halo.comm.size == 1 else "transport_parallel"
        self.solver = LinearSolver(
            self._matrix, "agent_", preset, Tolerances(relative=numerics.krylov_tolerance_agent)
        )

    def initial_state(self) -> AgentState:
        """Tissue without agent."""
        none = np.zeros(self._data.volume.size)
        return AgentState(concentration=none, amount=none)

    def step(
        self, state: AgentState, stored: tuple[Floats, Floats], flow: FlowStep, injected: Floats, step: float
    ) -> AgentStep:
        """Advance the agent by one implicit step, or by a part of a step of the flow. Collective.

        Args:
            state: at the start.
            stored: fluid taken up by swelling at the start and at the end [m3].
            flow: the flow during the step.
            injected: agent that injection brings per node [kg/s].
            step: its length [s].

        Raises:
            LinearSolverError: when the linear solver fails.
        """
        before, after = stored
        clearing = self._relaxing(flow)
        first = self._decay(state.concentration, before, clearing, step / 2)
        fluid = self._data.rest_fluid + after
        start = AgentState(
            concentration=first.concentration,
            amount=first.concentration * (self._data.rest_fluid + before),
        )
        moved = self._move(start, fluid, flow, injected, step)
        second = self._decay(moved.amount / fluid, after, clearing, step / 2)
        return AgentStep(
            state=AgentState(concentration=second.concentration, amount=second.concentration * fluid),
            ct=first.ct + second.ct,
            reacted=first.reacted + second.reacted,
            exchanged=first.exchanged + second.exchanged,
            low=moved.low,
            losses=moved.losses,
            injected=injected,
            from_blood=moved.from_blood,
            flux=moved.flux,
            krylov=self.solver.iterations,
        )

    def _relaxing(self, flow: FlowStep) -> Floats:
        """Exchange with blood that no net flow of fluid carries, on pairs [m3/s].

        Of the clearance b, the part -J is fluid that the vessel absorbs with the agent in it, where J < 0;
        the rest b + min(J, 0) draws C towards C_p.
        """
        m = self._data.materials
        cleared = agent_clearance(flow.filtration, m.perfusion, m.permeability_surface)
        return self._data.pairs.volume * flow.open_fraction * (cleared + np.minimum(flow.filtration, 0.0))

    def _decay(self, concentration: Floats, stored: Floats, clearing: Floats, time: float) -> _Decayed:
        """Reaction and exchange with blood at each node for a while, solved exactly.

        dC/dt = -k C - b (C - C_p): an exponential approach to its equilibrium.
        """
        data, node, k = self._data, self._data.pairs.node, self.reaction_rate
        fluid = data.rest_fluid + stored
        exchange = data.halo.update(data.pairs.to_nodes(clearing)) / fluid
        rate = k + exchange
        still = rate == 0.0
        equilibrium = np.divide(exchange * self._plasma, rate, out=np.zeros_like(rate), where=~still)
        gone = -np.expm1(-rate * time)
        mean_life = np.divide(gone, rate, out=np.full_like(rate, time), where=~still)
        ct = equilibrium * time + (concentration - equilibrium) * mean_life
        return _Decayed(
            concentration=equilibrium + (concentration - equilibrium) * (1 - gone),
            ct=ct,
            reacted=k * pair_fluid(data, stored) * ct[node],
            exchanged=clearing * (ct[node] - self._plasma * time),
        )

    def _move(
        self, state: AgentState, fluid: Floats, flow: FlowStep, injected: Floats, step: float
    ) -> _Moved:
        """Convection, diffusion, injection and what fluid carries off. Collective."""
        data = self._data
        losses, from_blood = self._losses(flow)
        to_nodes = data.pairs.to_nodes
        supply = injected + to_nodes(from_blood)
        lost = to_nodes(losses.blood + losses.lymph) + losses.boundary
        porosity = fluid / data.volume
        tail, head = data.stencil.tail, data.stencil.head
        conductance = 0.5 * self._diffusion * (porosity[tail] + porosity[head]) - flow.symmetric
        viscosity = np.maximum(0.5 * np.abs(flow.flux) - conductance, 0.0)
        self._fill(fluid / step + lost, flow.flux, conductance + viscosity)
        owned = data.halo.owned
        low = np.empty(fluid.size)
        low[:owned] = self.solver.solve((state.amount / step + supply)[:owned], state.concentration[:owned])
        data.halo.update(low)
        galerkin = _edge_flux(flow.flux, conductance, low[tail], low[head])
        flux = galerkin + viscosity * (low[tail] - low[head])
        if self._limiter:
            before = state.concentration
            rate = porosity * (low - before) / step + lost / data.volume * low
            data.halo.update(rate)
            earlier = _edge_flux(flow.flux, conductance, before[tail], before[head])
            raw = (
                self._mass * (rate[tail] - rate[head])
                + viscosity * (low[tail] - low[head])
                + 0.5 * (galerkin - earlier)
            )
            raw -= self._response(raw, flow.flux, conductance + viscosity)
            flux -= self._limited(raw, low, before, np.divide(fluid, step))
        leaving = nodal_outflow(tail, head, flux, fluid.size)
        amount = data.halo.update(state.amount + step * (supply - lost * low - leaving))
        return _Moved(amount=amount, low=low, losses=losses, from_blood=from_blood, flux=flux)

    def _losses(self, flow: FlowStep) -> tuple[Losses, Floats]:
        """Loss rates per concentration, and what filtered fluid brings to the pairs [kg/s]."""
        pairs = self._data.pairs
        filtered = pairs.volume * flow.open_fraction * flow.filtration
        losses = Losses(
            blood=np.maximum(-filtered, 0.0),
            lymph=pairs.volume * flow.drained,
            boundary=np.maximum(flow.outflow, 0.0),
        )
        return losses, np.maximum(filtered, 0.0) * self._plasma

    def _fill(self, diagonal: Floats, flux: Floats, exchange: Floats) -> None:
        stencil = self._data.stencil
        ends = np.concatenate([stencil.tail, stencil.head])
        outgoing = np.concatenate([exchange + 0.5 * flux, exchange - 0.5 * flux])
        fill_rows(
            stencil.diagonal,
            stencil.tail_row,
            stencil.head_row,
            diagonal + np.bincount(ends, weights=outgoing, minlength=diagonal.size),
            0.5 * flux - exchange,
            -0.5 * flux - exchange,
            self._matrix.values,
        )
        self._matrix.assemble()

    def _response(self, raw: Floats, flux: Floats, exchange: Floats) -> Floats:
        """How the monotone fluxes answer to the antidiffusive ones. Collective.

        Solving for the change that ``raw`` causes makes the second-order target implicit; an explicit one
        grows a sawtooth where a step passes many cells.
        """
        data, tail, head = self._data, self._data.stencil.tail, self._data.stencil.head
        owned = data.halo.owned
        gained = nodal_outflow(tail, head, raw, data.volume.size)[:owned]
        change = np.empty(data.volume.size)
        change[:owned] = self.solver.solve(gained, np.zeros(owned), rebuild=False, relative=TARGET_TOLERANCE)
        data.halo.update(change)
        return _edge_flux(flux, exchange, change[tail], change[head])

    def _limited(self, raw: Floats, low: Floats, before: Floats, capacity: Floats) -> Floats:
        """Antidiffusive flux on edges, head to tail, that makes no new extremum. Collective.

        Bounds are those of the monotone solution and of the start of the step, over each node's neighbours.
        """
        stencil, halo = self._data.stencil, self._data.halo
        lowest = edge_extrema(stencil.tail, stencil.head, np.minimum(low, before))[0]
        highest = edge_extrema(stencil.tail, stencil.head, np.maximum(low, before))[1]
        gain, loss = zalesak_ratios(
            stencil.tail, stencil.head, raw, capacity * (low - lowest), capacity * (highest - low)
        )
        halo.update(gain)
        halo.update(loss)
        return limit(stencil.tail, stencil.head, raw, gain, loss)


def _edge_flux(flux: Floats, conductance: Floats, tail: Floats, head: Floats) -> Floats:
    """Galerkin flux of the agent along edges [kg/s], given C at their ends."""
    return 0.5 * flux * (tail + head) + conductance * (tail - head)

# SPDX-License-Identifier: MIT
"""Convection, diffusion, reaction and exchange of the agent: one implicit step, limited and conservative.

    d(phi C)/dt + div(q C - phi D grad C) = -phi k C + J_s - J_l C + max(s, 0) C_in

A monotone low-order step (backward Euler, graph viscosity on the edges) is corrected by the difference to the
Galerkin fluxes, to the consistent mass matrix, to the trapezoidal rule along edges and to the exponential
decay at nodes, as far as no new extremum appears: second order in space and time where C is smooth, however
many cells a step passes, monotone everywhere. What fluid carries off is lumped, as the flow lumps its
sinks: so a constant state stays before anything is limited. Amounts are computed from the fluxes, so the
ledger closes to round-off whatever the tolerance of the linear solver.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.agent.bounds import reachable
from solver.agent.dispersion import Dispersion
from solver.agent.limiter import SLACK, TRACE, CutBack, Room, antidiffusive
from solver.agent.line_supply import brought_by_blood
from solver.agent.losses import Losses, agent_losses, start_weight
from solver.agent.sweeps import DownwindSolver
from solver.flow.state import FlowStep
from solver.flow.step import global_numbers
from solver.kernels.edges import (
    Carrier,
    Spread,
    answer,
    monotone_flux,
    monotone_rows,
    nodal_outflow,
    target_flux,
)
from solver.parameters.model import Agent, Numerics, Physics
from solver.profile import Profile
from solver.tissue.discretisation import Discretisation, edge_sums

Floats = NDArray[np.float64]

MONOTONE_TOLERANCE: Final = 1e-13
"""Of the monotone solution, as the change of a node's concentration by what its balance lacks."""
CORRECTIONS: Final = 2
"""Of the defect of the second-order target; one is of second order too, with a larger error."""
TARGET_TOLERANCE: Final = 1e-6
"""Of its change, or a hundred times Newton's if smaller; it shapes the limited fluxes, which conserve mass
whatever it is."""


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
class AgentStep:
    """One step of transport.

    Attributes:
        state: at the end.
        mean: C averaged over the step, by which all losses are counted [kg/m3], shape ``(n,)``.
        losses: rates per concentration.
        injected: agent brought by injection, on nodes [kg/s].
        from_blood: agent brought by blood, on pairs [kg/s].
        flux: agent along each edge, tail to head [kg/s].
        krylov: iterations.
        from_lines: agent brought by blood in large vessels, on nodes [kg/s]; None where there is none.
    """

    state: AgentState
    mean: Floats
    losses: Losses
    injected: Floats
    from_blood: Floats
    flux: Floats
    krylov: int
    from_lines: Floats | None = None


@dataclass(frozen=True, kw_only=True)
class _Lot:
    """One step as the monotone solution and its correction see it; nodal arrays of shape ``(n,)``.

    Attributes:
        flow: during the step.
        losses: during the step.
        before: C at the start [kg/m3].
        supply: agent that injection and blood bring [kg/s].
        from_blood: the part that blood brings [kg/s].
        exchanged: the part of that which no fluid carries [kg/s].
        mean_fluid: fluid volume, mean over the step [m3].
        capacity: fluid volume at the end over the step [m3/s].
        given: amount at the start over the step [kg/s].
        step: length [s].
    """

    flow: FlowStep
    losses: Losses
    before: Floats
    supply: Floats
    from_blood: Floats
    exchanged: Floats
    mean_fluid: Floats
    capacity: Floats
    given: Floats
    step: float

    @property
    def settled(self) -> Floats:
        """C of the blood that a node would turn into if nothing but vessels acted on it [kg/m3]."""
        fading = self.losses.fading
        return np.divide(self.from_blood, fading, out=np.zeros(fading.size), where=fading > 0.0)


class Transport:
    """Steps the agent forward, keeping its matrix between steps.

    Attributes:
        reaction_rate: k, or 0 with the reaction off [1/s].
        plasma: C_p in arriving blood, everywhere or on the pairs [kg/m3]; a route changes it between steps.
        solver: of the monotone step.
        dispersion: of the agent by the flow, where it is on.
    """

    def __init__(
        self,
        data: Discretisation,
        agent: Agent,
        physics: Physics,
        numerics: Numerics,
        profile: Profile | None = None,
    ) -> None:
        self._data = data
        self._profile = profile or Profile()
        self.reaction_rate = agent.reaction_rate if physics.reaction else 0.0
        self.plasma: float | Floats = agent.plasma_concentration
        self.dispersion: Dispersion | None = None
        self._limiter = numerics.limiter
        usual = min(TARGET_TOLERANCE, 100 * numerics.newton_tolerance)
        self._enough = numerics.target_tolerance or usual
        self._mass = edge_sums(data, data.integrals.mass)
        self._diffusion = edge_sums(data, data.diffusion_conductance * data.diffusivity[:, None])
        self.solver = DownwindSolver(data, global_numbers(data), numerics.krylov_tolerance_agent)
        edges = data.stencil.tail.size
        self._spread = Spread(exchange=np.empty(edges), viscosity=np.empty(edges))
        self.cut = CutBack(data.stencil.tail, data.stencil.head, data.halo)

    def initial_state(self) -> AgentState:
        """Tissue without agent."""
        none = np.zeros(self._data.volume.size)
        return AgentState(concentration=none, amount=none)

    def step(
        self,
        state: AgentState,
        stored: tuple[Floats, Floats],
        flow: FlowStep,
        injected: Floats,
        step: float,
        along: Floats | None = None,
    ) -> AgentStep:
        """Advance the agent by one implicit step, or by a part of a step of the flow. Collective.

        Args:
            state: at the start.
            stored: fluid taken up by swelling at the start and at the end [m3].
            flow: the flow during the step.
            injected: agent that injection brings per node [kg/s].
            step: its length [s].
            along: fluid that reactions beside the first-order one clear of agent, on pairs [m3/s].

        Raises:
            LinearSolverError: when the linear solver fails.
        """
        data, graph = self._data, self.solver.graph
        losses, from_blood = agent_losses(
            data, flow, 0.5 * (stored[0] + stored[1]), self.reaction_rate, self.plasma, along
        )
        fluid = data.rest_fluid + stored[1]
        from_lines = brought_by_blood(data, flow, self.plasma)
        brought = injected if from_lines is None else injected + from_lines
        lot = _Lot(
            flow=flow,
            losses=losses,
            before=state.concentration,
            supply=brought + data.pairs.to_nodes(from_blood),
            from_blood=data.pairs.to_nodes(from_blood),
            exchanged=data.pairs.to_nodes(losses.exchange * self.plasma),
            mean_fluid=data.rest_fluid + 0.5 * (stored[0] + stored[1]),
            capacity=np.divide(fluid, step),
            given=np.divide(state.amount, step),
            step=step,
        )
        self._fill(flow, lot)
        weight = self.solver.diagonal / lot.capacity
        low = self.solver.solve(lot.given + lot.supply, lot.before, weight, MONOTONE_TOLERANCE)
        krylov = self.solver.iterations
        flux, mean = monotone_flux(graph, flow.flux, self._spread.exchange, low), low
        if self._limiter:
            with self._profile.stage("limiter"):
                flux, mean = self._corrected(lot, low, flux)
        leaving = nodal_outflow(graph.tail, graph.head, flux, fluid.size)
        amount = state.amount + step * (lot.supply - losses.nodes * mean - leaving)
        data.halo.update(amount)
        return AgentStep(
            state=AgentState(concentration=amount / fluid, amount=amount),
            mean=mean,
            losses=losses,
            injected=injected,
            from_blood=from_blood,
            flux=flux,
            krylov=krylov,
            from_lines=from_lines,
        )

    def _corrected(self, lot: _Lot, low: Floats, flux: Floats) -> tuple[Floats, Floats]:
        """Bring fluxes and losses to second order as far as no new extremum appears. Collective."""
        lowest, highest = self._bounds(lot, low)
        target, mean = self._target(lot, low, (lowest, highest))
        mean = np.clip(mean, lowest, highest)
        largest = self._data.halo.maxima(float(np.max(highest, initial=0.0)))[0]
        graph, spared = self.solver.graph, lot.losses.nodes * (low - mean)
        raw = antidiffusive(graph.tail, graph.head, flux, target, highest, TRACE * largest)
        room = Room(
            down=lot.capacity * np.maximum(low - lowest, 0.0),
            up=lot.capacity * np.maximum(highest - low, 0.0),
            slack=SLACK * largest * lot.capacity,
        )
        own = spared.copy()
        self.cut.limit(raw, own, room)
        share = np.divide(own, spared, out=np.ones_like(own), where=spared != 0.0)
        return flux - raw, self._data.halo.update(low + share * (mean - low))

    def _target(self, lot: _Lot, low: Floats, bounds: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Fluxes and mean concentration of the second-order target, unlimited. Collective.

        Its defect is corrected with the matrix of the monotone step, so it needs no matrix of its own and is
        implicit: an explicit one grows a sawtooth where a step passes many cells.
        """
        data, graph, spread = self._data, self.solver.graph, self._spread
        lost = lot.losses.nodes
        weight = start_weight(lost * lot.step / lot.mean_fluid)
        # Where agent only fades the target is reached at once.
        faded = lot.losses.fading * lot.step / lot.mean_fluid
        target = low + (lot.before - lot.settled) * (np.exp(-faded) - 1 / (1 + faded))
        for _ in range(CORRECTIONS):
            target = data.halo.update(np.clip(target, *bounds))
            mean = target - weight * (target - lot.before)
            rate = lot.mean_fluid / lot.step * (target - lot.before) + lot.losses.bound * mean - lot.exchanged
            rate = data.halo.update(rate / data.volume)
            flux, leaving = target_flux(graph, lot.flow.flux, spread, self._mass, (lot.before, target, rate))
            missing = lot.given + lot.supply - lot.capacity * target - lost * mean - leaving
            change = self.solver.approximate(missing, self._enough)
            answer(graph, lot.flow.flux, spread.exchange, change, flux)
            target, mean = target + change, mean + change
        return flux, mean

    def _bounds(self, lot: _Lot, low: Floats) -> tuple[Floats, Floats]:
        """Between what each node may end: the monotone state, the start and what it fades to. Collective."""
        data, before = self._data, lot.before
        faded = lot.settled + (before - lot.settled) * np.exp(-lot.losses.fading * lot.step / lot.mean_fluid)
        lowest = np.maximum(np.minimum(np.minimum(low, before), faded), 0.0)
        highest = np.maximum(np.maximum(low, before), faded)
        courant = self.solver.diagonal / lot.capacity - 1.0
        for values in (lowest, highest, courant):
            data.halo.update(values)
        return reachable(self.solver.graph, lot.flow.flux, courant, (lowest, highest), data.halo)

    def _fill(self, flow: FlowStep, lot: _Lot) -> None:
        """Matrix of the monotone step."""
        symmetric = flow.symmetric
        if self.dispersion is not None:
            symmetric = symmetric - self.dispersion.on_edges(flow)
        carrier = Carrier(flux=flow.flux, symmetric=symmetric, diffusion=self._diffusion)
        solver = self.solver
        solver.diagonal[:] = lot.capacity + lot.losses.nodes
        porosity = lot.mean_fluid / self._data.volume
        monotone_rows(solver.graph, carrier, porosity, self._spread, solver.values, solver.diagonal)
        solver.changed()

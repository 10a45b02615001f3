# SPDX-License-Identifier: MIT
"""Interstitial flow: one implicit step of the nonlinear pressure equation, and the fluxes that balance it.

    S dp/dt - div(K(p, p_max) grad p) = J_v(p) - J_l(p) + source

Newton with the exact tangent, p_max of the same step included, and a line search on the L1 norm of the
nodal balance. Whatever remainder Newton leaves is carried by the stored volume, which is computed from
the fluxes, so the fluid ledger closes to round-off.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.balance import Balance, FlowBalance, Target
from solver.conductivity import LAWS
from solver.discretisation import Discretisation
from solver.flow_kernels import damped, extrapolated, mean
from solver.kernels import nodal_outflow
from solver.linear import LinearSolver, LinearSolverError, RowMatrix, Tolerances
from solver.parameters import Numerics, Physics

Floats = NDArray[np.float64]

LOOSEST: Final = 0.03
"""Largest relative tolerance of a linear solve."""
STEADY: Final = 1e-7
"""Newton's tolerance of a steady flow, unless a smaller one is asked for."""
ENOUGH: Final = 0.1
"""Share of Newton's tolerance that a linear solve need not fall below."""
KEEP_BELOW: Final = 0.1
"""The preconditioner is kept where the last Newton iteration left less than this of the balance: by then the
tangent hardly changes. Before, building it anew costs less than the iterations that it saves."""
LARGEST_RATIO: Final = 2.4
"""Of successive steps for BDF2, which is unstable from 1 + sqrt(2) on; backward Euler beyond."""
SMALLEST_DAMPING: Final = 1 / 64
DIRECT_BELOW: Final = 20_000
"""Nodes up to which a planar or radial mesh is solved by a direct factor."""


class FlowError(RuntimeError):
    """Newton or its linear solver failed; the step should be cut."""


@dataclass(frozen=True, kw_only=True)
class FlowState:
    """What flow remembers between steps, all shape ``(n,)``.

    Attributes:
        pressure: interstitial fluid pressure p [Pa].
        largest: largest pressure seen, p_max [Pa].
        stored: fluid taken up by swelling since rest, e m [m3].
    """

    pressure: Floats
    largest: Floats
    stored: Floats


@dataclass(frozen=True, kw_only=True)
class FlowStep:
    """The flow of one step: its end state, and the rates that hold during it.

    Attributes:
        state: at the end of the step.
        flux: Darcy flow along each edge, tail to head [m3/s].
        symmetric: symmetric part of Galerkin convection on each edge [m3/s].
        conductivity: K of the cells [m2/(Pa s)].
        filtration: J per open vessel on the pairs [1/s].
        open_fraction: n on the pairs [-].
        vessels: fluid from blood per node [m3/s].
        lymph: fluid to lymph per node [m3/s].
        drained: fluid to lymph on the pairs, per volume of tissue [1/s].
        outflow: fluid leaving through the outer boundary per node [m3/s].
        net: what each node stores [m3/s].
        iterations: Newton.
        krylov: all linear iterations.
    """

    state: FlowState
    flux: Floats
    symmetric: Floats
    conductivity: Floats
    filtration: Floats
    open_fraction: Floats
    vessels: Floats
    lymph: Floats
    drained: Floats
    outflow: Floats
    net: Floats
    iterations: int
    krylov: int


class FlowSolver:
    """Solves for the pressure, keeping its matrix and preconditioner between steps.

    Attributes:
        rest: pressure without injection [Pa], shape ``(n,)``.
        scale: flow rate that residuals are measured by [m3/s].
        solver: linear solver of the tangent.
    """

    def __init__(self, data: Discretisation, physics: Physics, numerics: Numerics, scale: float) -> None:
        self._data = data
        self._balance = FlowBalance(data, LAWS[physics.conductivity])
        self._numerics = numerics
        self._matrix = RowMatrix(data.stencil, global_numbers(data), data.halo)
        self.solver = LinearSolver(
            self._matrix, "flow_", _preset(data), Tolerances(relative=numerics.krylov_tolerance_pressure)
        )
        self._direct = _preset(data) != "multigrid"
        exchange = data.pairs.to_nodes(
            data.pairs.volume * data.materials.vessel_conductance * data.materials.effective_vessel_pressure
        )
        self.scale = scale or max(data.halo.sum(np.abs(exchange)), 1e-300)
        self._fixed = data.far.fixed
        self._stores = bool(data.halo.max(data.compliance) > 0)
        # What Newton leaves of a steady flow is not made good in the next step.
        tolerance = numerics.newton_tolerance if self._stores else min(numerics.newton_tolerance, STEADY)
        self._enough = tolerance * self.scale
        self.rest = self._rest()

    def initial_state(self) -> FlowState:
        """The state at rest: nothing stored, no pressure seen beyond that of rest."""
        return FlowState(pressure=self.rest, largest=self.rest, stored=np.zeros_like(self.rest))

    def step(
        self,
        state: FlowState,
        source: Floats,
        step: float,
        guess: Floats,
        past: tuple[FlowStep, float] | None = None,
    ) -> FlowStep:
        """Advance the pressure by one step. Collective.

        Args:
            state: at the start.
            source: injected flow per node [m3/s].
            step: its length [s].
            guess: pressure to start Newton from [Pa].
            past: the last step and its length [s], if the source has not changed since: BDF2; else backward
                Euler.

        Raises:
            FlowError: when Newton does not converge.
        """
        data = self._data
        if past is not None and not self._stores and past[0].iterations == 0:
            return _again(past[0], state, step)
        share = 1.0
        known = source + state.stored / step
        if past is not None and self._stores and step < LARGEST_RATIO * past[1]:
            ratio = step / past[1]
            share = (1 + ratio) / (1 + 2 * ratio)
            known = source + state.stored / (share * step) + (1 - share) / share * past[0].net
        target = Target(
            largest=state.largest,
            reference=self.rest,
            known=known,
            compliance=np.divide(data.compliance, share * step),
            law=data.materials.law,
        )
        pressure, balance, iterations, krylov = self._newton(target, guess)
        flux, symmetric = self._balance.convection(balance, pressure)
        exchange = balance.exchange
        leaving = nodal_outflow(data.stencil.tail, data.stencil.head, flux, pressure.size)
        kept = source + exchange.vessels - exchange.lymph - leaving
        outflow = np.where(self._fixed, kept, data.far.conductance * (pressure - data.far.pressure))
        found = FlowStep(
            state=FlowState(
                pressure=pressure, largest=np.maximum(state.largest, pressure), stored=np.empty_like(pressure)
            ),
            flux=flux,
            symmetric=symmetric,
            conductivity=balance.conductivity.copy(),
            filtration=exchange.filtration,
            open_fraction=exchange.open_fraction,
            vessels=exchange.vessels,
            lymph=exchange.lymph,
            drained=exchange.drained,
            outflow=outflow,
            net=data.halo.update(kept - outflow),
            iterations=iterations,
            krylov=krylov,
        )
        if past is not None and share < 1:
            average_rates(found, past[0], share)
        found.state.stored[:] = state.stored + step * found.net
        return found

    def guess(self, state: FlowState, change: Floats, ratio: float) -> Floats:
        """Where Newton may start: the pressure ahead by its last change.

        No node is put above its neighbours: where a front arrives, K would be overshot by orders.
        Collective.

        Args:
            state: at the start of the step.
            change: of the pressure in the last step [Pa].
            ratio: of this step to the last.
        """
        if not self._stores:
            return state.pressure
        stencil = self._data.stencil
        ahead = extrapolated(stencil.tail, stencil.head, state.pressure, change, ratio)
        return self._data.halo.update(ahead)

    def _rest(self) -> Floats:
        """Pressure that balances vessels, lymph and boundary without injection."""
        data = self._data
        start = np.full(data.volume.size, data.far.pressure)
        none = np.zeros_like(start)
        law = data.materials.law
        target = Target(
            largest=np.full_like(start, -np.inf),
            reference=start,
            known=none,
            compliance=none,
            law=law._replace(exponent=np.zeros_like(law.exponent)),
        )
        return self._newton(target, start)[0]

    def _newton(self, target: Target, guess: Floats) -> tuple[Floats, Balance, int, int]:
        numerics = self._numerics
        pressure = guess.copy()
        pressure[self._fixed] = self._data.far.pressure
        balance = self._balance.evaluate(target, pressure)
        krylov, forcing, fell = 0, LOOSEST, 1.0
        for iteration in range(numerics.newton_limit + 1):
            if not np.isfinite(balance.norm):
                raise FlowError("the pressure became infinite or not a number")
            if balance.norm <= self._enough:
                return pressure, balance, iteration, krylov
            if iteration == numerics.newton_limit:
                break
            enough = ENOUGH * self._enough / balance.norm
            forcing = max(forcing, enough, numerics.krylov_tolerance_pressure)
            correction = self._correction(
                target, balance, pressure, (min(forcing, LOOSEST), fell > KEEP_BELOW)
            )
            krylov += self.solver.iterations
            trial = self._line_search(target, pressure, balance, correction)
            if trial is None:
                break
            fell = trial[1].norm / balance.norm
            forcing = 0.5 * fell**2
            pressure, balance = trial
        left = balance.norm / self.scale
        raise FlowError(f"Newton left {left:.1e} of the injection rate after {iteration} iterations")

    def _line_search(
        self, target: Target, pressure: Floats, before: Balance, correction: Floats
    ) -> tuple[Floats, Balance] | None:
        """Halve the correction until the L1 norm of the balance falls; None where it never does."""
        growth = self._balance.growth(before)
        damping, best, least = 1.0, 1.0, np.inf
        while damping >= SMALLEST_DAMPING:
            trial = pressure + damped(correction, growth, damping)
            after = self._balance.evaluate(target, trial)
            if after.norm < (1 - 1e-4 * damping) * before.norm:
                return trial, after
            if after.norm < least:
                best, least = damping, after.norm
            damping /= 2
        if not np.isfinite(least):
            return None
        trial = pressure + damped(correction, growth, best)
        return trial, self._balance.evaluate(target, trial)

    def _correction(
        self, target: Target, balance: Balance, pressure: Floats, how: tuple[float, bool]
    ) -> Floats:
        """Solve the tangent for the Newton correction.

        Args:
            target: what is solved for.
            balance: evaluated last, at ``pressure``.
            pressure: where it is taken [Pa].
            how: relative tolerance, and whether to build the preconditioner anew.
        """
        relative, rebuild = how
        self._balance.tangent(target, balance, pressure, self._matrix.values)
        self._matrix.assemble()
        owned = self._data.halo.owned
        rebuild = rebuild or self._direct or self.solver.setups == 0
        right = -balance.residual[:owned]
        try:
            local = self.solver.solve(right, np.zeros(owned), rebuild=rebuild, relative=relative)
        except LinearSolverError:
            try:
                local = self.solver.solve(right, np.zeros(owned), rebuild=True, relative=relative)
            except LinearSolverError as error:
                raise FlowError(str(error)) from error
        out = np.zeros(pressure.size)
        out[:owned] = local
        return self._data.halo.update(out)


def _again(flow: FlowStep, state: FlowState, step: float) -> FlowStep:
    """A steady flow that its last step did not change any more, for one more step."""
    return replace(
        flow, state=replace(flow.state, stored=state.stored + step * flow.net), iterations=0, krylov=0
    )


def average_rates(flow: FlowStep, past: FlowStep, share: float) -> None:
    """Turn rates at the end of a step into mean rates over it, in place.

    A vessel's filtration is averaged with its open fraction as weight, so that their product is the mean of
    the products, and stays within what blood flow allows.

    Args:
        flow: rates at the end, changed.
        past: mean rates of the last step.
        share: theta, the weight of the end [-].
    """
    product = mean(flow.open_fraction * flow.filtration, past.open_fraction * past.filtration, share)
    for now, before in (
        (flow.flux, past.flux),
        (flow.symmetric, past.symmetric),
        (flow.vessels, past.vessels),
        (flow.lymph, past.lymph),
        (flow.drained, past.drained),
        (flow.outflow, past.outflow),
        (flow.net, past.net),
        (flow.open_fraction, past.open_fraction),
    ):
        mean(now, before, share)
    np.divide(product, flow.open_fraction, out=flow.filtration, where=flow.open_fraction > 0)


def global_numbers(data: Discretisation) -> NDArray[np.int64]:
    """Global number of every local node, shape ``(n,)``."""
    index_map = data.mesh.index_map
    return np.asarray(index_map.local_to_global(np.arange(data.volume.size, dtype=np.int32)))


def _preset(data: Discretisation) -> str:
    total = data.halo.comm.allreduce(data.halo.owned)
    if data.mesh.geometry == "3d" or total > DIRECT_BELOW:
        return "multigrid"
    return "direct" if data.halo.comm.size == 1 else "direct_parallel"

# SPDX-License-Identifier: MIT
"""Interstitial flow: one implicit step of the nonlinear pressure equation, and the fluxes that balance it.

    S dp/dt - div(K(p, p_max) grad p) = J_v(p) - J_l(p) + source

Newton with the exact tangent, p_max of the same step included, and a line search on the L1 norm of the
nodal balance. Whatever remainder Newton leaves is carried by the stored volume, which is computed from
the fluxes, so the fluid ledger closes to round-off.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.algebra.linear import LinearSolver, LinearSolverError, RowMatrix, Tolerances, elliptic_preset
from solver.flow.balance import Balance, FlowBalance, Target
from solver.flow.lines import gained
from solver.flow.rest import march_to_rest, rest_target
from solver.flow.state import FlowState, FlowStep, average, repeated
from solver.kernels.edges import nodal_outflow
from solver.kernels.flow import damped, extrapolated
from solver.parameters.model import Numerics, Physics
from solver.tissue.conductivity import LAWS
from solver.tissue.discretisation import Discretisation
from solver.trouble import Amiss, imbalance

Floats = NDArray[np.float64]

LOOSEST: Final = 0.03
"""Largest relative tolerance of a linear solve."""
LOOSEST_STEADY: Final = 1e-3
"""The same in steady flow: vessels or the boundary alone hold the pressure there, and what a loose solve
leaves is rough enough to raise the balance, so Newton would only creep."""
STEADY: Final = 1e-7
"""Newton's tolerance of a steady flow, unless a smaller one is asked for."""
COARSE: Final = 100.0
"""Balance over what is enough at which a step counts as solved when its effort is judged: what the last,
quadratic iterations do says nothing of how hard it was."""
ENOUGH: Final = 0.1
"""Share of Newton's tolerance that a linear solve need not fall below."""
KEEP_BELOW: Final = 0.1
"""The preconditioner is kept where the last Newton iteration left less than this of the balance: by then the
tangent hardly changes. Before, building it anew costs less than the iterations that it saves."""
LARGEST_RATIO: Final = 2.4
"""Of successive steps for BDF2, which is unstable from 1 + sqrt(2) on; backward Euler beyond."""
SMALLEST_DAMPING: Final = 1 / 64


class FlowError(RuntimeError):
    """Newton or its linear solver failed; the step should be cut.

    Attributes:
        amiss: what was wrong and where, if that is known.
    """

    def __init__(self, message: str, amiss: Amiss | None = None) -> None:
        super().__init__(message)
        self.amiss = amiss


class FlowSolver:
    """Solves for the pressure, keeping its matrix and preconditioner between steps.

    Attributes:
        rest: pressure without injection [Pa], shape ``(n,)``.
        balance: what it solves.
        scale: flow rate that residuals are measured by [m3/s].
        solver: linear solver of the tangent.
    """

    def __init__(self, data: Discretisation, physics: Physics, numerics: Numerics, scale: float) -> None:
        self._data = data
        self._balance = self.balance = FlowBalance(data, LAWS[physics.conductivity])
        self._numerics = numerics
        self._matrix = RowMatrix(data.stencil, global_numbers(data), data.halo)
        preset = elliptic_preset(data.mesh.geometry, data.halo)
        self.solver = LinearSolver(
            self._matrix, "flow_", preset, Tolerances(relative=numerics.krylov_tolerance_pressure)
        )
        self._direct = preset != "multigrid"
        self._built: Floats | None = None
        self._effort = 0
        exchange = data.pairs.to_nodes(
            data.pairs.volume * data.materials.vessel_conductance * data.materials.effective_vessel_pressure
        )
        self.scale = scale or max(data.halo.sum(np.abs(exchange)), 1e-300)
        self._fixed = data.far.fixed
        self._stores = bool(data.halo.max(data.compliance) > 0)
        # What Newton leaves of a steady flow is not made good in the next step.
        tolerance = numerics.newton_tolerance if self._stores else min(numerics.newton_tolerance, STEADY)
        self._enough = tolerance * self.scale
        self._loosest = LOOSEST if self._stores else LOOSEST_STEADY
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
        held = not self._stores and self._balance.supply is None and not self._balance.inlets
        held = held and self._balance.mobility is None
        if past is not None and held and past[0].iterations == 0:
            return repeated(past[0], state, step)
        target, share = self._target(state, source, step, past)
        if held and data.halo.max(np.abs(source)) == 0:
            guess = self.rest
        pressure, balance, iterations, krylov = self._newton(target, guess)
        effort = self._effort
        flux, symmetric = self._balance.convection(balance, pressure)
        exchange = balance.exchange
        leaving = nodal_outflow(data.stencil.tail, data.stencil.head, flux, pressure.size)
        driven = tuple(inlet.flow(pressure) for inlet in self._balance.inlets)
        kept = sum(driven, source) + exchange.vessels - exchange.lymph - leaving
        outflow = np.where(self._fixed, kept, data.far.conductance * (pressure - data.far.pressure))
        outflow = self._balance.add_outflow(balance, outflow)
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
            effort=effort,
            krylov=krylov,
            supply=self._balance.supply,
            driven=driven,
            pulses=tuple(inlet.pulse for inlet in self._balance.inlets),
            pumped=source,
        )
        return self._settled(found, state, past, (share, step))

    def _target(
        self, state: FlowState, source: Floats, step: float, past: tuple[FlowStep, float] | None
    ) -> tuple[Target, float]:
        """What a step is solved for, and the weight of its end: 1 for backward Euler, less for BDF2."""
        data = self._data
        share = 1.0
        known = source + state.stored / step
        if past is not None and self._stores and step < LARGEST_RATIO * past[1]:
            ratio = step / past[1]
            share = (1 + ratio) / (1 + 2 * ratio)
            known = source + state.stored / (share * step) + (1 - share) / share * past[0].net
            if past[0].along is not None:
                known -= (1 - share) / share * past[0].along
        cavities = self._balance.cavities
        if cavities is not None:
            known += cavities.known(state.pressure, past[0].filling if past else None, (share, step))
        target = Target(
            largest=state.largest,
            reference=self.rest,
            known=known,
            compliance=np.divide(data.compliance, share * step),
            law=data.materials.law,
            links=1 / share,
            rate=1 / (share * step),
        )
        return target, share

    def _settled(
        self,
        found: FlowStep,
        state: FlowState,
        past: tuple[FlowStep, float] | None,
        how: tuple[float, float],
    ) -> FlowStep:
        """Rates at the end of a step as means over it, and what is stored by them. Collective.

        Args:
            found: with rates at the end.
            state: at the start.
            past: the last step and its length [s].
            how: weight of the end, and the length of the step [s].
        """
        (share, step), data, cavities = how, self._data, self._balance.cavities
        before = past[0] if past is not None and share < 1 else None
        if data.lines is not None:
            found = replace(found, along=gained(data.lines, found.flux, found.outflow, data.halo))
        if before is not None:
            average(found, before, share, (data.lines, self._fixed))
        if cavities is not None:
            filling = cavities.filled(state.pressure, found.state.pressure, step)
            earlier = before.filling if before is not None and before.filling is not None else 0.0
            found = replace(found, net=found.net - filling + (1 - share) * earlier, filling=filling)
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
        target = rest_target(self._data)

        def solve(target: Target, guess: Floats) -> Floats:
            return self._newton(target, guess)[0]

        try:
            return solve(target, target.reference)
        except FlowError:
            return march_to_rest(self._data, target, solve, FlowError)

    def _newton(self, target: Target, guess: Floats) -> tuple[Floats, Balance, int, int]:
        numerics = self._numerics
        pressure = guess.copy()
        pressure[self._fixed] = self._data.far.pressure
        balance = self._balance.evaluate(target, pressure)
        krylov, forcing, fell = 0, self._loosest, 1.0
        self._effort = numerics.newton_limit
        for iteration in range(numerics.newton_limit + 1):
            if not np.isfinite(balance.norm):
                raise FlowError("the pressure became infinite or not a number", imbalance(balance.residual))
            if balance.norm <= COARSE * self._enough:
                self._effort = min(self._effort, iteration)
            if balance.norm <= self._enough:
                return pressure, balance, iteration, krylov
            if iteration == numerics.newton_limit:
                break
            enough = ENOUGH * self._enough / balance.norm
            forcing = max(forcing, enough, numerics.krylov_tolerance_pressure)
            correction = self._correction(
                target, balance, pressure, (min(forcing, self._loosest), fell > KEEP_BELOW)
            )
            krylov += self.solver.iterations
            trial = self._line_search(target, pressure, balance, correction)
            if trial is None:
                break
            fell = trial[1].norm / balance.norm
            forcing = 0.5 * fell**2
            pressure, balance = trial
        left = balance.norm / self.scale
        message = f"Newton left {left:.1e} of the injection rate after {iteration} iterations"
        raise FlowError(message, imbalance(balance.residual))

    def _line_search(
        self, target: Target, pressure: Floats, before: Balance, correction: Floats
    ) -> tuple[Floats, Balance] | None:
        """Halve the correction until the L1 norm of the balance falls; None where it never does."""
        growth = self._balance.growth(before)
        damping, best, least = 1.0, 1.0, np.inf
        while damping >= SMALLEST_DAMPING:
            trial = self._balance.moved(before, pressure, damped(correction, growth, damping))
            after = self._balance.evaluate(target, trial)
            if after.norm < (1 - 1e-4 * damping) * before.norm:
                return trial, after
            if after.norm < least:
                best, least = damping, after.norm
            damping /= 2
        if not np.isfinite(least):
            return None
        trial = self._balance.moved(before, pressure, damped(correction, growth, best))
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
        rebuild = self._outdated(rebuild or self._direct or self.solver.setups == 0)
        right = -balance.residual[:owned]
        try:
            local = self.solver.solve(right, np.zeros(owned), rebuild=rebuild, relative=relative)
        except LinearSolverError:
            self._built = None
            try:
                local = self.solver.solve(right, np.zeros(owned), rebuild=True, relative=relative)
            except LinearSolverError as error:
                raise FlowError(str(error), imbalance(balance.residual)) from error
        out = np.zeros(pressure.size)
        out[:owned] = local
        return self._data.halo.update(out)

    def _outdated(self, asked: bool) -> bool:
        """Whether to build a preconditioner that is asked for: in steady flow the tangent may be the same."""
        if self._stores or not asked:
            return asked
        same = self._built is not None and np.array_equal(self._built, self._matrix.values)
        if self._data.halo.maxima(float(not same))[0] == 0.0:
            return False
        self._built = self._matrix.values.copy()
        return True


def global_numbers(data: Discretisation) -> NDArray[np.int64]:
    """Global number of every local node, shape ``(n,)``."""
    index_map = data.mesh.index_map
    return np.asarray(index_map.local_to_global(np.arange(data.volume.size, dtype=np.int32)))

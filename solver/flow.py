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

from solver.balance import Balance, Target, evaluate_balance
from solver.conductivity import LAWS
from solver.discretisation import Discretisation
from solver.kernels import conductivity_tangent, fill_rows, galerkin_convection, nodal_outflow
from solver.linear import LinearSolver, LinearSolverError, RowMatrix, Tolerances
from solver.parameters import Numerics, Physics

Floats = NDArray[np.float64]

REBUILD_AFTER: Final = 10
"""Krylov iterations beyond which the preconditioner is built anew."""
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
        self._law = LAWS[physics.conductivity]
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
        self.rest = self._rest()

    def initial_state(self) -> FlowState:
        """The state at rest: nothing stored, no pressure seen beyond that of rest."""
        return FlowState(pressure=self.rest, largest=self.rest, stored=np.zeros_like(self.rest))

    def step(self, state: FlowState, source: Floats, step: float, guess: Floats) -> FlowStep:
        """Advance the pressure by one backward-Euler step. Collective.

        Args:
            state: at the start.
            source: injected flow per node [m3/s].
            step: its length [s].
            guess: pressure to start Newton from [Pa].

        Raises:
            FlowError: when Newton does not converge.
        """
        data = self._data
        target = Target(
            largest=state.largest,
            reference=self.rest,
            history=np.divide(state.stored, step),
            compliance=np.divide(data.compliance, step),
            source=source,
            law=data.materials.law,
        )
        pressure, balance, iterations, krylov = self._newton(target, guess)
        flux, symmetric = self._convection(balance, pressure)
        leaving = nodal_outflow(data.stencil.tail, data.stencil.head, flux, pressure.size)
        known = source + balance.vessels - balance.lymph - leaving
        outflow = np.where(self._fixed, known, data.far.conductance * (pressure - data.far.pressure))
        stored = data.halo.update(state.stored + step * (known - outflow))
        return FlowStep(
            state=FlowState(pressure=pressure, largest=np.maximum(state.largest, pressure), stored=stored),
            flux=flux,
            symmetric=symmetric,
            conductivity=balance.conductivity,
            filtration=balance.filtration,
            open_fraction=balance.open_fraction,
            vessels=balance.vessels,
            lymph=balance.lymph,
            drained=balance.drained,
            outflow=outflow,
            iterations=iterations,
            krylov=krylov,
        )

    def _rest(self) -> Floats:
        """Pressure that balances vessels, lymph and boundary without injection."""
        data = self._data
        start = np.full(data.volume.size, data.far.pressure)
        none = np.zeros_like(start)
        law = data.materials.law
        target = Target(
            largest=np.full_like(start, -np.inf),
            reference=start,
            history=none,
            compliance=none,
            source=none,
            law=replace(law, exponent=np.zeros_like(law.exponent)),
        )
        return self._newton(target, start)[0]

    def _newton(self, target: Target, guess: Floats) -> tuple[Floats, Balance, int, int]:
        pressure = guess.copy()
        pressure[self._fixed] = self._data.far.pressure
        balance = evaluate_balance(self._data, self._law, target, pressure)
        krylov = 0
        for iteration in range(self._numerics.newton_limit + 1):
            if not np.isfinite(balance.norm):
                raise FlowError("the pressure became infinite or not a number")
            if balance.norm <= self._numerics.newton_tolerance * self.scale:
                return pressure, balance, iteration, krylov
            if iteration == self._numerics.newton_limit:
                break
            correction = self._correction(balance, pressure)
            krylov += self.solver.iterations
            trial = self._line_search(target, pressure, balance, correction)
            if trial is None:
                break
            pressure, balance = trial
        left = balance.norm / self.scale
        raise FlowError(f"Newton left {left:.1e} of the injection rate after {iteration} iterations")

    def _line_search(
        self, target: Target, pressure: Floats, before: Balance, correction: Floats
    ) -> tuple[Floats, Balance] | None:
        """Halve the correction until the L1 norm of the balance falls; None where it never does."""
        damping, best = 1.0, None
        while damping >= SMALLEST_DAMPING:
            trial = pressure + damping * correction
            after = evaluate_balance(self._data, self._law, target, trial)
            if after.norm < (1 - 1e-4 * damping) * before.norm:
                return trial, after
            if best is None or after.norm < best[1].norm:
                best = (trial, after)
            damping /= 2
        return best if best is not None and np.isfinite(best[1].norm) else None

    def _correction(self, balance: Balance, pressure: Floats) -> Floats:
        """Solve the tangent for the Newton correction."""
        self._fill(balance, pressure)
        owned = self._data.halo.owned
        rebuild = self._direct or self.solver.iterations > REBUILD_AFTER or self.solver.setups == 0
        right = -balance.residual[:owned]
        try:
            local = self.solver.solve(right, np.zeros(owned), rebuild=rebuild)
        except LinearSolverError:
            try:
                local = self.solver.solve(right, np.zeros(owned), rebuild=True)
            except LinearSolverError as error:
                raise FlowError(str(error)) from error
        out = np.zeros(pressure.size)
        out[:owned] = local
        return self._data.halo.update(out)

    def _fill(self, balance: Balance, pressure: Floats) -> None:
        stencil, data = self._data.stencil, self._data
        forward, backward = -balance.transmissibility, -balance.transmissibility
        diagonal = balance.diagonal + np.bincount(
            np.concatenate([stencil.tail, stencil.head]),
            weights=np.tile(balance.transmissibility, 2),
            minlength=pressure.size,
        )
        conductivity_tangent(
            stencil.cells,
            stencil.cell_edges,
            data.integrals.conductance,
            data.pairs.of_cell,
            data.conductivity,
            balance.slope,
            pressure,
            forward,
            backward,
            diagonal,
        )
        if self._fixed.any():
            diagonal[self._fixed] = np.abs(diagonal[self._fixed])
            forward[self._fixed[stencil.tail]] = 0.0
            backward[self._fixed[stencil.head]] = 0.0
        fill_rows(
            stencil.diagonal,
            stencil.tail_row,
            stencil.head_row,
            diagonal,
            forward,
            backward,
            self._matrix.values,
        )
        self._matrix.assemble()

    def _convection(self, balance: Balance, pressure: Floats) -> tuple[Floats, Floats]:
        stencil, integrals = self._data.stencil, self._data.integrals
        flux, symmetric = np.zeros(stencil.tail.size), np.zeros(stencil.tail.size)
        galerkin_convection(
            stencil.cells,
            stencil.cell_edges,
            integrals.conductance,
            integrals.nodal / integrals.volume[:, None],
            balance.conductivity,
            pressure,
            flux,
            symmetric,
        )
        return flux, symmetric


def global_numbers(data: Discretisation) -> NDArray[np.int64]:
    """Global number of every local node, shape ``(n,)``."""
    index_map = data.mesh.space.dofmap.index_map
    return np.asarray(index_map.local_to_global(np.arange(data.volume.size, dtype=np.int32)))


def _preset(data: Discretisation) -> str:
    total = data.halo.comm.allreduce(data.halo.owned)
    if data.mesh.geometry == "3d" or total > DIRECT_BELOW:
        return "multigrid"
    return "direct" if data.halo.comm.size == 1 else "direct_parallel"

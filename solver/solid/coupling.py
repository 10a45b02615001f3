# SPDX-License-Identifier: MIT
"""Flow and displacement together (Biot 1941, incompressible constituents): fixed-stress iteration.

    d(div u)/dt + div q = J_v - J_l + s,    div(2 mu eps(u) + lambda div u I) = grad(p - p0)

Flow is solved as with storage, e = (p - p0)/H, plus what the last displacement says beyond that; then the
displacement follows from the pressure, until the two agree. Where storage is exact they agree at once. What
is left is carried by the stored volume, as with Newton's remainder, so the fluid ledger closes.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from solver.algebra.anderson import Mixing
from solver.flow.balance import FlowBalance, Shift
from solver.flow.state import FlowState, FlowStep
from solver.flow.step import FlowError, FlowSolver
from solver.memory import remembered, remind
from solver.parameters.model import Model
from solver.solid.radial import Deformation, RadialSolid
from solver.solid.solve import SOLID_TOLERANCE, ElasticSolid, held
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]

COUPLING_LIMIT: Final = 40
"""Iterations between flow and displacement before the step is cut."""
DEPTH: Final = 4
"""Of the mixing: few modes are slow, such as a soft tumour in stiff tissue swelling as a whole."""


class Solid(Protocol):
    """Quasi-static elasticity on a mesh."""

    def solve(self, excess: Floats) -> Deformation:
        """Deformation under a pressure above rest [Pa]. Collective."""


def build_solid(data: Discretisation, model: Model) -> Solid:
    """The solid of a mesh. Collective."""
    if data.mesh.geometry == "radial":
        return RadialSolid(data.mesh, data.pairs, model.tissues, model.physics)
    return ElasticSolid(data, model, held(data, model), SOLID_TOLERANCE)


class PoroelasticFlow:
    """Solves for pressure and displacement, with the interface of ``FlowSolver``.

    Attributes:
        flow: solver of the pressure.
        solid: solver of the displacement.
        iterations: between the two, of the last step.
        linear: most that the solver of the displacement took in it.
    """

    def __init__(self, data: Discretisation, model: Model, scale: float) -> None:
        self._data = data
        self.flow = FlowSolver(data, model.physics, model.numerics, scale)
        self.solid = build_solid(data, model)
        self._tolerance = model.numerics.coupling_tolerance
        self._modulus = data.materials.law.confined_modulus
        owned = data.pairs.node < data.mesh.owned
        self._weight = np.where(owned, data.pairs.volume / self._modulus, 0.0)
        self._known: list[tuple[Floats, Shift]] = []
        self.iterations = self.linear = 0

    @property
    def rest(self) -> Floats:
        """Pressure without injection [Pa], shape ``(n,)``."""
        return self.flow.rest

    @property
    def balance(self) -> FlowBalance:
        """What the solver of the pressure solves."""
        return self.flow.balance

    @property
    def scale(self) -> float:
        """Flow rate that residuals are measured by [m3/s]."""
        return self.flow.scale

    def memory(self) -> dict[str, Any]:
        """What it remembers between steps, for a checkpoint; see `solver.memory`."""
        return {"known": self._known, "flow": remembered(self.flow), "solid": remembered(self.solid)}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Take back what `memory` gave."""
        self._known = [(pressure, Shift(**shift)) for pressure, shift in memory["known"]]
        remind(self.flow, memory["flow"])
        remind(self.solid, memory["solid"])

    def initial_state(self) -> FlowState:
        """The state at rest, from which displacement is counted."""
        return self.flow.initial_state()

    def guess(self, state: FlowState, change: Floats, ratio: float) -> Floats:
        """Where Newton may start; see ``FlowSolver.guess``. Collective."""
        return self.flow.guess(state, change, ratio)

    def step(
        self,
        state: FlowState,
        source: Floats,
        step: float,
        guess: Floats,
        past: tuple[FlowStep, float] | None = None,
    ) -> FlowStep:
        """Advance pressure and displacement by one step; see ``FlowSolver.step``. Collective.

        Raises:
            FlowError: when Newton does not converge, or flow and displacement do not agree.
        """
        shift = self._start(state.pressure)
        enough = self._tolerance * self.flow.scale * step
        mixing = Mixing(self._data.halo.comm, self._weight, DEPTH)
        newton = effort = krylov = linear = 0
        for iteration in range(1, COUPLING_LIMIT + 1):
            self.flow.balance.shift = shift
            found = self.flow.step(state, source, step, guess, past)
            if iteration == 1:
                # how hard a step was is told by its first pass: the others start where that ended
                newton, effort = found.iterations, found.effort
            krylov += found.krylov
            solid, new = self._deformed(found.state.pressure)
            linear = max(linear, solid.iterations)
            change = self._data.halo.sum(self._data.compliance * np.abs(new.nodes - shift.nodes))
            if change <= enough:
                self.iterations, self.linear = iteration, linear
                self._known = [*self._known[-1:], (found.state.pressure, new)]
                found = replace(found, iterations=newton, effort=effort, krylov=krylov)
                return replace(found, displacement=solid.displacement)
            shift, guess = self._shift(mixing.next(shift.pairs, new.pairs)), found.state.pressure
        left = change / (self.flow.scale * step)
        raise FlowError(f"pressure and displacement differ by {left:.1e} of the injected volume")

    def _start(self, pressure: Floats) -> Shift:
        """The shift that belongs to a pressure: of a step before, or computed."""
        for known, shift in self._known:
            if known is pressure:
                self._known = [(known, shift)]
                return shift
        shift = self._deformed(pressure)[1]
        self._known = [(pressure, shift)]
        return shift

    def _deformed(self, pressure: Floats) -> tuple[Deformation, Shift]:
        """Deformation under a pressure, and by how much it swells beyond storage. Collective."""
        pairs = self._data.pairs
        excess = pressure - self.flow.rest
        solid = self.solid.solve(excess)
        beyond = self._modulus * solid.dilatation - excess[pairs.node]
        return solid, self._shift(beyond)

    def _shift(self, beyond: Floats) -> Shift:
        """What pairs swell beyond storage, and what that is for their nodes. Collective."""
        data, pairs = self._data, self._data.pairs
        volume = pairs.to_nodes(pairs.volume * beyond / self._modulus)
        nodes = np.divide(volume, data.compliance, out=np.zeros_like(volume), where=volume != 0.0)
        return Shift(nodes=data.halo.update(nodes), pairs=beyond)

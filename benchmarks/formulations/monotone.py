# SPDX-License-Identifier: MIT
"""The low-order step, and what brings it to second order: nothing, all of it, Zalesak's share, ours.

low        backward Euler with graph viscosity
galerkin   trapezoidal rule, consistent mass, no viscosity: the target, unlimited
zalesak    linearised flux correction (Zalesak, 1979; Kuzmin, 2009): the target is corrected once
infusate   that of ``solver.agent.transport``: cut back by net effect
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.formulations.problem import Floats, Grid, Interval, Part, Step
from benchmarks.formulations.system import System, from_edges
from solver.agent.bounds import reachable
from solver.agent.limiter import SLACK, CutBack, Gains, Room, neighbours, net_gain, scale, worst_case_shares
from solver.agent.losses import start_weight
from solver.kernels.edges import Spread, answer, edge_extrema, monotone_flux, nodal_outflow, target_flux


@dataclass(frozen=True)
class OneRank:
    """A halo without neighbours."""

    size: int

    @property
    def owned(self) -> int:
        """All nodes."""
        return self.size

    def update(self, values: Floats) -> Floats:
        """Nothing to do."""
        return values

    def maxima(self, *local: float) -> tuple[float, ...]:
        """Nobody to ask."""
        return local


@dataclass(frozen=True, kw_only=True)
class Low:
    """The monotone solution of a step.

    Attributes:
        value: C [kg/m3].
        flux: along edges [kg/s].
        spread: coefficients on edges [m3/s].
        diagonal: of the matrix [m3/s].
        sink: fluid lost or cleared per time [m3/s].
        middle: fluid volume in the middle of the step [m3].
    """

    value: Floats
    flux: Floats
    spread: Spread
    diagonal: Floats
    sink: Floats
    middle: Floats


class Monotone:
    """Steps by one of the four formulations.

    Attributes:
        system: linear system of the monotone step.
    """

    def __init__(self, grid: Grid, kind: str) -> None:
        self._grid, self._kind = grid, kind
        self.system = System()
        self._halo = OneRank(grid.volume.size)
        graph = grid.graph
        self._cut = CutBack(graph.tail, graph.head, self._halo)  # type: ignore[arg-type]
        self._neighbours = neighbours(graph.tail, graph.head, grid.volume.size)

    def step(self, before: Floats, interval: Interval, part: Part) -> Step:
        """Advance by one step."""
        graph, nodes = self._grid.graph, before.size
        low = self.low(before, interval, part)
        flux, mean = low.flux, low.value
        if self._kind != "low":
            ours = self._kind == "infusate"
            bounds = self._bounds(low, before, interval, part) if ours else None
            wanted, mean = self._target(low, before, interval, part, bounds)
            if bounds is not None:
                mean = np.clip(mean, *bounds)
            raw, own = flux - wanted, low.sink * (low.value - mean)
            if bounds is not None:
                self._cut.limit(raw, own, _room(low, part, *bounds))
            elif self._kind == "zalesak":
                self._zalesak(low, before, part, raw, own)
            flux = flux - raw
            mean = low.value - np.divide(own, low.sink, out=low.value - mean, where=low.sink > 0)
        taken = low.sink * mean
        leaving = nodal_outflow(graph.tail, graph.head, flux, nodes)
        amount = before * part.fluid[0] + part.length * (interval.injected - taken - leaving)
        return Step(after=amount / part.fluid[1], mean=mean, taken=float(taken.sum()) * part.length)

    def low(self, before: Floats, interval: Interval, part: Part) -> Low:
        """Solve the monotone step."""
        grid, graph = self._grid, self._grid.graph
        middle = 0.5 * (part.fluid[0] + part.fluid[1])
        porosity = middle / grid.volume
        half = 0.5 * interval.flux
        galerkin = 0.5 * grid.spread * (porosity[graph.tail] + porosity[graph.head]) - interval.symmetric
        viscosity = np.maximum(np.abs(half) - galerkin, 0.0)
        spread = Spread(exchange=galerkin + viscosity, viscosity=viscosity)
        sink = interval.lost + interval.cleared
        diagonal = part.fluid[1] / part.length + sink
        diagonal += np.bincount(graph.tail, weights=spread.exchange + half, minlength=diagonal.size)
        diagonal += np.bincount(graph.head, weights=spread.exchange - half, minlength=diagonal.size)
        owner = (id(interval), part.length)
        if not self.system.holds(owner) or interval.fluid[0] is not interval.fluid[1]:
            entries = diagonal, half - spread.exchange, -half - spread.exchange
            self.system.set(owner, from_edges(graph.tail, graph.head, entries))
        right = before * part.fluid[0] / part.length + interval.injected
        value = self.system.solve(right, before, 1e-13)
        return Low(
            value=value,
            flux=monotone_flux(graph, interval.flux, spread.exchange, value),
            spread=spread,
            diagonal=diagonal,
            sink=sink,
            middle=middle,
        )

    def _target(
        self,
        low: Low,
        before: Floats,
        interval: Interval,
        part: Part,
        bounds: tuple[Floats, Floats] | None,
    ) -> tuple[Floats, Floats]:
        """Second-order fluxes, and the mean of C over the step; bounds hold between corrections."""
        grid, graph = self._grid, self._grid.graph
        weight = start_weight(low.sink * part.length / low.middle)
        given = before * part.fluid[0] / part.length + interval.injected
        target, none = low.value, np.zeros(before.size)
        if bounds is not None:
            faded = interval.cleared * part.length / low.middle
            target = target + before * (np.exp(-faded) - 1 / (1 + faded))
        for _ in range(1 if self._kind == "zalesak" else 2):
            target = target if bounds is None else np.clip(target, *bounds)
            mean = target - weight * (target - before)
            rate = low.middle / part.length * (target - before) + interval.cleared * mean
            states = before, target, rate / grid.volume
            flux, leaving = target_flux(graph, interval.flux, low.spread, grid.mass, states)
            missing = given - part.fluid[1] / part.length * target - low.sink * mean - leaving
            change = self.system.solve(missing, none, 1e-4)
            answer(graph, interval.flux, low.spread.exchange, change, flux)
            target, mean = target + change, mean + change
        return flux, mean

    def _bounds(self, low: Low, before: Floats, interval: Interval, part: Part) -> tuple[Floats, Floats]:
        faded = before * np.exp(-interval.cleared * part.length / low.middle)
        lowest = np.maximum(np.minimum(np.minimum(low.value, before), faded), 0.0)
        courant = low.diagonal * part.length / part.fluid[1] - 1.0
        extremes = lowest, np.maximum(low.value, before)
        return reachable(self._grid.graph, interval.flux, courant, extremes, self._halo)  # type: ignore[arg-type]

    def _zalesak(self, low: Low, before: Floats, part: Part, raw: Floats, own: Floats) -> None:
        graph = self._grid.graph
        lowest, highest = edge_extrema(
            graph.tail, graph.head, np.minimum(low.value, before), np.maximum(low.value, before)
        )
        gains = Gains(raw, own, net_gain(graph.tail, graph.head, raw, own))
        gain, loss = worst_case_shares(self._neighbours, gains, _room(low, part, lowest, highest))
        scale(self._neighbours, gains, gain, loss)


def _room(low: Low, part: Part, lowest: Floats, highest: Floats) -> Room:
    capacity: NDArray[np.float64] = part.fluid[1] / part.length
    return Room(
        down=capacity * np.maximum(low.value - lowest, 0.0),
        up=capacity * np.maximum(highest - low.value, 0.0),
        slack=SLACK * float(highest.max()) * capacity,
    )

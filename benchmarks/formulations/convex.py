# SPDX-License-Identifier: MIT
"""Monolithic convex limiting (Kuzmin, 2020): the limited fluxes are part of the implicit equation.

With the low-order flux as sum_j 2 d (bar C_ij - C_i), bar C between C_i and C_j, an antidiffusive flux is
limited so that no bar state with its part of it leaves the bounds of the node. Backward Euler, for which that
bounds C at any step, or the trapezoidal rule, for which it does at Courant numbers up to about 1.
"""

import numpy as np
from numba import njit

from benchmarks.formulations.monotone import Monotone
from benchmarks.formulations.problem import Floats, Grid, Interval, Part, Step
from benchmarks.formulations.system import System, from_edges
from solver.kernels.edges import Graph, edge_extrema, nodal_outflow

ITERATIONS = 40
ENOUGH = 1e-5
"""Largest change of C in an iteration, over the largest C."""


class Convex:
    """Steps with weight ``implicit`` at the end: 1 for backward Euler, 1/2 for the trapezoidal rule.

    Attributes:
        iterations: so far.
    """

    def __init__(self, grid: Grid, implicit: float) -> None:
        self._grid, self._implicit = grid, implicit
        self._low = Monotone(grid, "low")
        self._system = System()
        self.iterations = 0

    def step(self, before: Floats, interval: Interval, part: Part) -> Step:
        """Advance by one step."""
        graph, weight = self._grid.graph, self._implicit
        low = self._low.low(before, interval, part)
        earlier = _flux(graph, interval.flux, low.spread.exchange, before)
        capacity = part.fluid[1] / part.length
        if weight < 1.0:
            self._fill(interval, part, low.spread.exchange, low.sink)
        value = low.value
        given = before * part.fluid[0] / part.length + interval.injected
        viscosity = low.spread.viscosity
        for _ in range(ITERATIONS):
            self.iterations += 1
            rate = (low.middle / part.length * (value - before)) / self._grid.volume
            rate = rate + interval.cleared / self._grid.volume * value
            raw = self._limited(interval.flux, low.spread.exchange, viscosity, rate, value)
            if weight < 1.0:
                raw = weight * raw + (1 - weight) * self._limited(
                    interval.flux, low.spread.exchange, viscosity, rate, before
                )
            flux = (1 - weight) * earlier - raw
            mean_before = (1 - weight) * before
            right = given - low.sink * mean_before - nodal_outflow(graph.tail, graph.head, flux, before.size)
            system = self._system if weight < 1.0 else self._low.system
            new = system.solve(right, value, 1e-8)
            change = float(np.abs(new - value).max())
            value = new
            if change <= ENOUGH * max(float(np.abs(value).max()), 1e-300):
                break
        flux = flux + weight * _flux(graph, interval.flux, low.spread.exchange, value)
        mean = mean_before + weight * value
        leaving = nodal_outflow(graph.tail, graph.head, flux, before.size)
        after = (given - low.sink * mean - leaving) / capacity
        return Step(after=after, mean=mean, taken=float((low.sink * mean).sum()) * part.length)

    def _fill(self, interval: Interval, part: Part, exchange: Floats, sink: Floats) -> None:
        graph, weight, half = self._grid.graph, self._implicit, 0.5 * interval.flux
        owner = (id(interval), part.length)
        if self._system.holds(owner) and interval.fluid[0] is interval.fluid[1]:
            return
        diagonal = part.fluid[1] / part.length + weight * sink
        diagonal += weight * np.bincount(graph.tail, weights=exchange + half, minlength=diagonal.size)
        diagonal += weight * np.bincount(graph.head, weights=exchange - half, minlength=diagonal.size)
        entries = diagonal, weight * (half - exchange), weight * (-half - exchange)
        self._system.set(owner, from_edges(graph.tail, graph.head, entries))

    def _limited(
        self, flux: Floats, exchange: Floats, viscosity: Floats, rate: Floats, value: Floats
    ) -> Floats:
        graph = self._grid.graph
        lowest, highest = edge_extrema(graph.tail, graph.head, value, value)
        return limited(graph, (flux, exchange, viscosity, self._grid.mass), rate, value, (lowest, highest))


def _flux(graph: Graph, flux: Floats, exchange: Floats, value: Floats) -> Floats:
    tail, head = value[graph.tail], value[graph.head]
    return np.asarray(0.5 * flux * (tail + head) + exchange * (tail - head))


@njit(cache=True)
def limited(
    graph: Graph,
    edges: tuple[Floats, Floats, Floats, Floats],
    rate: Floats,
    value: Floats,
    bounds: tuple[Floats, Floats],
) -> Floats:
    """Antidiffusive fluxes into the tails that keep the bar states of both ends within bounds.

    Args:
        graph: edges.
        edges: Darcy flow, exchange, viscosity [m3/s] and consistent mass [m3].
        rate: d(phi C)/dt at the nodes [kg/(m3 s)].
        value: C [kg/m3].
        bounds: of the nodes [kg/m3].
    """
    flux, exchange, viscosity, mass = edges
    lowest, highest = bounds
    out = np.zeros(flux.size)
    for e in range(flux.size):
        i, j = graph.tail[e], graph.head[e]
        if exchange[e] <= 0.0:
            continue
        raw = mass[e] * (rate[i] - rate[j]) + viscosity[e] * (value[i] - value[j])
        step = value[j] - value[i]
        bar_i = value[i] + (exchange[e] - 0.5 * flux[e]) / (2.0 * exchange[e]) * step
        bar_j = value[j] - (exchange[e] + 0.5 * flux[e]) / (2.0 * exchange[e]) * step
        if raw > 0.0:
            room = min(highest[i] - bar_i, bar_j - lowest[j])
            out[e] = min(raw, 2.0 * exchange[e] * max(room, 0.0))
        else:
            room = min(bar_i - lowest[i], highest[j] - bar_j)
            out[e] = max(raw, -2.0 * exchange[e] * max(room, 0.0))
    return out

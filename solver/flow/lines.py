# SPDX-License-Identifier: MIT
"""Flow along lines and through their walls at a trial pressure: for the balance, its tangent and fluxes.

Signs: a link's flow is positive from its first node, the line's, to its second; what an end lets out is
positive.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.algebra.halo import Halo
from solver.tissue.discretisation import Discretisation
from solver.tissue.lines import Lines
from solver.tissue.track import ROUNDING, Gap, flow_potential, opened

Floats = NDArray[np.float64]

OPENING: Final = 300.0
"""Excess over the opening pressure below which Newton's method steps as if it were this [Pa]."""
BESIDE: Final = 0.7
"""Of the excess beside it, to which a gap may open at once: a front passes one node per iteration."""
STEEPNESS: Final = 6.0
"""Of a gap, d ln(conductance)/d ln(excess), twice its exponent: Newton's method comes from above."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Where lines are evaluated, on the nodes of the mesh and of lines.

    Attributes:
        pressure: [Pa].
        reference: pressure at rest [Pa].
        largest: p_max of the last step [Pa]; minus infinity while rest is sought, when no gap opens.
        factor: f of the conductivity law [-], ghosts up to date.
        slope: df/dp of the same [1/Pa].
    """

    pressure: Floats
    reference: Floats
    largest: Floats
    factor: Floats
    slope: Floats


@dataclass(frozen=True, kw_only=True)
class LineBalance:
    """Flows of lines at a trial pressure and their derivatives.

    Attributes:
        flow: of the links [m3/s], shape ``(l,)``.
        by_first: its derivative by the pressure of the first node [m3/(Pa s)].
        by_second: by that of the second.
        out: flow out of the ends [m3/s], shape ``(e,)``.
        by_out: its derivative.
        held: what open gaps hold more than at rest, over storage [Pa], shape ``(h,)``.
        by_held: its derivative, 1 where a gap is open.
        excess: pressure above that at which gaps open [Pa], nan in vessels and while rest is sought.
        growth: how steeply the conductance of an open gap rises with the pressure [1/Pa].
        weight: by which flows and their derivatives are multiplied.
    """

    flow: Floats
    by_first: Floats
    by_second: Floats
    out: Floats
    by_out: Floats
    held: Floats
    by_held: Floats
    excess: Floats
    growth: Floats
    weight: float = 1.0


class LineFlow:
    """Evaluates the flow of the lines of one discretisation."""

    def __init__(self, data: Discretisation, lines: Lines) -> None:
        self.lines = lines
        self._data = data

    def at(
        self, nodal: tuple[Floats, Floats, Floats], on_pairs: tuple[Floats, Floats], weight: float
    ) -> LineBalance:
        """Flows at a trial pressure, times their weight in the balance. Collective.

        Args:
            nodal: trial pressure, pressure at rest and largest pressure before [Pa].
            on_pairs: f of the conductivity law [-] and df/dp [1/Pa].
            weight: of them [-].
        """
        data, pairs = self._data, self._data.pairs
        factor, slope = (
            data.halo.update(pairs.to_nodes(pairs.volume * values) / data.volume) for values in on_pairs
        )
        pressure, reference, largest = nodal
        found = self.evaluate(
            Trial(pressure=pressure, reference=reference, largest=largest, factor=factor, slope=slope)
        )
        for rate in (found.flow, found.by_first, found.by_second, found.out, found.by_out):
            rate *= weight
        return replace(found, weight=weight)

    def evaluate(self, trial: Trial) -> LineBalance:
        """Flows and derivatives at a trial pressure."""
        lines, p = self.lines, trial.pressure
        count = len(lines.edges)
        flow, by_first, by_second = np.zeros((3, count))
        opening = self._opening(trial)
        for link, found in (
            (lines.axial.link, self._axial(trial, opening)),
            (lines.walls.link, self._walls(trial)),
            (lines.joints.link, self._joints(p)),
        ):
            flow[link], by_first[link], by_second[link] = found
        out, by_out = self._ends(trial, opening)
        excess = p[lines.node] - opening[lines.node]
        before = trial.reference[lines.node] - opening[lines.node]
        held, by_held = opened(excess)
        return LineBalance(
            flow=flow,
            by_first=by_first,
            by_second=by_second,
            out=out,
            by_out=by_out,
            held=held - opened(before)[0],
            by_held=by_held,
            excess=np.where(lines.track & np.isfinite(trial.largest[lines.node]), excess, np.nan),
            growth=np.where(lines.track & (excess > -ROUNDING), STEEPNESS / np.maximum(excess, OPENING), 0.0),
        )

    def _opening(self, trial: Trial) -> Floats:
        """Pressure at which gaps open [Pa], on all nodes."""
        return trial.reference + self.lines.prestress

    def _gap(self, trial: Trial, gap: Gap) -> Gap:
        """A gap, which does not open while rest is sought."""
        return gap._replace(give=np.zeros_like(gap.give)) if np.isneginf(trial.largest).all() else gap

    def _axial(self, trial: Trial, opening: Floats) -> tuple[Floats, Floats, Floats]:
        axial, p = self.lines.axial, trial.pressure
        first, second = p[axial.first], p[axial.second]
        opens = 0.5 * (opening[axial.first] + opening[axial.second])
        flow, forward, backward = gap_flow(self._gap(trial, axial.gap), (first, second), opens, axial.length)
        conductance = axial.conductance
        return (
            np.where(axial.track, flow, conductance * (first - second)),
            np.where(axial.track, forward, conductance),
            np.where(axial.track, backward, -conductance),
        )

    def _ends(self, trial: Trial, opening: Floats) -> tuple[Floats, Floats]:
        ends = self.lines.ends
        inside = trial.pressure[ends.node]
        gap = self._gap(trial, ends.gap)
        flow, forward, _ = gap_flow(gap, (inside, ends.pressure), opening[ends.node], ends.length)
        pipe = ends.conductance * (inside - ends.pressure)
        return np.where(ends.track, flow, pipe), np.where(ends.track, forward, ends.conductance)

    def _joints(self, p: Floats) -> tuple[Floats, Floats, Floats]:
        joints = self.lines.joints
        conductance = joints.conductance
        return conductance * (p[joints.line] - p[joints.tissue]), conductance, -conductance

    def _walls(self, trial: Trial) -> tuple[Floats, Floats, Floats]:
        """Through walls and the tissue around them, with K where the circle is."""
        walls, p = self.lines.walls, trial.pressure
        conductivity = walls.conductivity * trial.factor[walls.tissue]
        resistance = walls.wall_resistance + walls.tissue_resistance / conductivity
        through = walls.weight / resistance
        drop = p[walls.line] - walls.offset - p[walls.tissue]
        by_factor = through / resistance * walls.tissue_resistance / conductivity * drop
        return (
            through * drop,
            through,
            by_factor * trial.slope[walls.tissue] / trial.factor[walls.tissue] - through,
        )


def gap_flow(
    gap: Gap, pressures: tuple[Floats, Floats], opening: Floats, length: Floats
) -> tuple[Floats, Floats, Floats]:
    """Flow along a gap from one place to another [m3/s], and its derivatives by both pressures.

    Args:
        gap: between the places.
        pressures: at both [Pa].
        opening: pressure at which it opens [Pa].
        length: between them [m].
    """
    first, by_first = flow_potential(gap, pressures[0] - opening)
    second, by_second = flow_potential(gap, pressures[1] - opening)
    return (first - second) / length, by_first / length, -by_second / length


def add_to_balance(
    lines: Lines, found: LineBalance, compliance: Floats, change: Floats, residual: Floats
) -> None:
    """Add what lines take from and give to the nodes, and what gaps hold, to the nodal balance.

    Args:
        lines: on this rank.
        found: at the trial pressure.
        compliance: nodal storage over the step, which the balance counts as linear [m3/(Pa s)].
        change: what that linear storage takes [m3/s].
        residual: added to [m3/s].
    """
    links = link_nodes(lines)
    np.add.at(residual, links[0], found.flow)
    np.add.at(residual, links[1], -found.flow)
    np.add.at(residual, lines.ends.node, found.out)
    residual[lines.node] += compliance[lines.node] * found.held - change[lines.node]


def add_to_tangent(
    lines: Lines, found: LineBalance, compliance: Floats, both: Floats, diagonal: Floats
) -> None:
    """Add the derivatives of `add_to_balance`.

    Args:
        lines: on this rank.
        found: at the trial pressure.
        compliance: nodal storage over the step, which the diagonal counts as linear [m3/(Pa s)].
        both: entries (tail, head) and (head, tail) of all edges, added to.
        diagonal: added to.
    """
    first, second = link_nodes(lines)
    np.add.at(diagonal, first, found.by_first)
    np.add.at(diagonal, second, -found.by_second)
    np.add.at(diagonal, lines.ends.node, found.by_out)
    diagonal[lines.node] += compliance[lines.node] * (found.by_held - 1.0)
    forward = lines.sign > 0
    row_first, row_second = np.where(forward, 0, 1), np.where(forward, 1, 0)
    both[lines.edges, row_first] += found.by_second
    both[lines.edges, row_second] -= found.by_first


def add_growth(lines: Lines, found: LineBalance, rate: Floats, halo: Halo) -> None:
    """Let pressures in tracks not rise too far, and in a cavity together with that of its track. Collective.

    Args:
        lines: on this rank.
        found: at the last pressure.
        rate: d ln K/dp of the nodes [1/Pa], raised.
        halo: ghost exchange.
    """
    rate[lines.node] = np.maximum(rate[lines.node], found.growth)
    halo.update(rate)
    np.maximum.at(rate, lines.joints.line, rate[lines.joints.tissue])
    halo.update(rate)
    np.maximum.at(rate, lines.joints.tissue, rate[lines.joints.line])


def stop_at_opening(lines: Lines, found: LineBalance, change: Floats, halo: Halo) -> Floats:
    """Let a change of the pressure not carry a gap from closed to far open, or back, at once. Collective.

    What a gap takes up appears there all at once, and the tangent at either side does not know of the other.

    Args:
        lines: on this rank.
        found: at the pressure before.
        change: of the pressure [Pa], changed in place.
        halo: ghost exchange.
    """
    wanted, before = change[lines.node], found.excess
    open_beside = np.full(change.size, ROUNDING)
    here = np.zeros(change.size)
    here[lines.node] = np.nan_to_num(before)
    np.maximum.at(open_beside, lines.axial.first, BESIDE * here[lines.axial.second])
    np.maximum.at(open_beside, lines.axial.second, BESIDE * here[lines.axial.first])
    goal = np.where(before < 0.0, halo.update(open_beside)[lines.node], -ROUNDING)
    passes = (np.abs(before) > ROUNDING) & ((before + wanted - goal) * (before - goal) < 0.0)
    share = np.ones(change.size)
    share[lines.node[passes]] = (goal - before)[passes] / wanted[passes]
    np.minimum.at(share, lines.joints.tissue, share[lines.joints.line])
    change *= share
    return halo.update(change)


def link_nodes(lines: Lines) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and second node of every link."""
    first, second = np.zeros((2, len(lines.edges)), dtype=np.int64)
    first[lines.axial.link], second[lines.axial.link] = lines.axial.first, lines.axial.second
    first[lines.walls.link], second[lines.walls.link] = lines.walls.line, lines.walls.tissue
    first[lines.joints.link], second[lines.joints.link] = lines.joints.line, lines.joints.tissue
    return first, second


def balanced(lines: Lines, found: LineBalance, residual: Floats, halo: Halo) -> None:
    """Let tissue around a line take over what Newton's method has left in it, in place. Collective.

    A gap holds so little fluid that a remainder, harmless in tissue, could empty it. Beyond the mesh it is
    passed on towards the tip.

    Args:
        lines: on this rank.
        found: at the pressure that was found; its flows are changed.
        residual: what each node keeps too much of [m3/s].
        halo: ghost exchange.
    """
    left, flow = halo.update(residual.copy()), found.flow
    axial, walls = lines.axial, lines.walls
    walled = np.zeros(left.size, dtype=bool)
    walled[walls.line] = True
    for k in np.flatnonzero(axial.track & ~walled[axial.second])[::-1]:
        flow[axial.link[k]] += left[axial.second[k]]
        left[axial.first[k]] += left[axial.second[k]]
        left[axial.second[k]] = 0.0
    left = halo.update(left)
    flow[walls.link] -= walls.share * left[walls.line]


def gained(lines: Lines, flux: Floats, outflow: Floats, halo: Halo) -> Floats:
    """What each node gains by links and loses by the ends of lines [m3/s], shape ``(n,)``. Collective.

    Args:
        lines: on this rank.
        flux: of all edges, tail to head [m3/s].
        outflow: of all nodes [m3/s].
        halo: ghost exchange.
    """
    first, second = link_nodes(lines)
    flow = lines.sign * flux[lines.edges]
    out = np.zeros(halo.size)
    np.add.at(out, second, flow)
    np.add.at(out, first, -flow)
    out[lines.node] -= outflow[lines.node]
    return halo.update(out)


def edge_flux(lines: Lines, found: LineBalance, flux: Floats, symmetric: Floats) -> None:
    """Write the flows of links into those of the edges, with what makes the agent go upwind along them.

    A node of a line is mixed and so is what it gives away; diffusion through walls counts as symmetric.

    Args:
        lines: on this rank.
        found: flows.
        flux: of all edges, tail to head [m3/s], written at links.
        symmetric: part of Galerkin convection on all edges [m3/s], written at links.
    """
    flow = found.flow / found.weight
    flux[lines.edges] = lines.sign * flow
    exchange = 0.5 * np.abs(flow)
    exchange[lines.walls.link] += lines.walls.clearance
    symmetric[lines.edges] = -exchange

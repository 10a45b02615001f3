# SPDX-License-Identifier: MIT
"""Antidiffusive fluxes cut back only where their net effect leaves the bounds.

Zalesak (1979) holds the sum of all that flows into a node against the room there, though in a smooth profile
what flows in flows out again: at Courant number n those sums are about (n + n^2)/2 times the room, and the
order falls to 1 from a cell per step on. Here all fluxes count at first; a node that ends beyond a bound
scales down those that push it there, its neighbours are looked at again, and so on. Fluxes only ever shrink,
the state without any is within bounds, and what is cut travels a whole edge per sweep, so it ends after about
as many sweeps as the agent passes cells. Where it has not, Zalesak's shares of what is left make the bounds
certain.
"""

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from solver.algebra.halo import Halo

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

SWEEPS: Final = 100
"""After which Zalesak's shares finish."""
SLACK: Final = 1e-14
"""What a node may be beyond a bound, over the largest concentration."""
TRACE: Final = 1e-8
"""Concentration over the largest below which the monotone fluxes stand: far ahead of a front it falls off by
a factor per cell, and half of what would have to be cut back lies there."""


class Neighbours(NamedTuple):
    """Edges, and those of every local node: ``edges[start[i]:start[i + 1]]``."""

    tail: Ints
    head: Ints
    start: Ints
    edges: Ints


class Gains(NamedTuple):
    """What the limiter works on, changed in place.

    ``flux``: antidiffusive, on edges, positive into the tail [kg/s]; ``own``: gains of nodes from outside
    [kg/s]; ``net``: sums of both over the nodes [kg/s].
    """

    flux: Floats
    own: Floats
    net: Floats


class Room(NamedTuple):
    """Between the monotone state and its bounds [kg/s]; ``slack`` is what may be beyond."""

    down: Floats
    up: Floats
    slack: Floats


class CutBack:
    """Limits the antidiffusive fluxes of one mesh.

    Attributes:
        sweeps: of the last call.
        fallbacks: calls that Zalesak's shares had to finish.
    """

    def __init__(self, tail: Ints, head: Ints, halo: Halo) -> None:
        self._graph = neighbours(tail, head, halo.size)
        self._halo = halo
        self._factor = np.ones(halo.size)
        self._listed = np.empty(halo.size, dtype=np.int32)
        self._awake = np.zeros(halo.size, dtype=np.bool_)
        self.sweeps = 0
        self.fallbacks = 0

    def limit(self, flux: Floats, own: Floats, room: Room) -> None:
        """Shrink ``flux`` and ``own`` in place until every node stays within its room. Collective.

        Args:
            flux: antidiffusive, on edges, positive into the tail [kg/s].
            own: gains from outside, on nodes, ghosts up to date [kg/s].
            room: around the monotone state; both parts nonnegative.
        """
        halo, graph = self._halo, self._graph
        gains = Gains(flux, own, net_gain(graph.tail, graph.head, flux, own))
        listed, count = self._listed, halo.owned
        listed[:count] = np.arange(count, dtype=np.int32)
        for sweep in range(SWEEPS + 1):
            out = beyond(graph, gains, room, listed, count, self._factor)
            self.sweeps = sweep
            if halo.maxima(float(out))[0] == 0.0:
                return
            if sweep < SWEEPS:
                halo.update(self._factor)
                count = cut(graph, gains, self._factor, self._awake, listed, (out, halo.owned))
        self._factor[:] = 1.0
        self.fallbacks += 1
        self._finish(gains, room)

    def _finish(self, gains: Gains, room: Room) -> None:
        """Zalesak's shares of what is left."""
        gain, loss = worst_case_shares(self._graph, gains, room)
        scale(self._graph, gains, self._halo.update(gain), self._halo.update(loss))


def neighbours(tail: Ints, head: Ints, nodes: int) -> Neighbours:
    """Lay out the edges by node."""
    ends = np.concatenate([tail, head])
    order = np.argsort(ends, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=nodes))]).astype(np.int32)
    return Neighbours(tail, head, start, (order % max(tail.size, 1)).astype(np.int32))


@njit(cache=True)
def antidiffusive(
    tail: Ints, head: Ints, low: Floats, target: Floats, highest: Floats, trace: float
) -> Floats:
    """What the fluxes of the target take back of the monotone ones; nothing where there is a trace alone.

    Args:
        tail: lower node of each edge.
        head: higher node of each edge.
        low: monotone fluxes [kg/s].
        target: those of the target [kg/s].
        highest: upper bound of C at the nodes [kg/m3].
        trace: C below which the monotone step stands [kg/m3].
    """
    out = np.zeros(low.size)
    for e in range(low.size):
        if highest[tail[e]] > trace or highest[head[e]] > trace:
            out[e] = low[e] - target[e]
    return out


@njit(cache=True)
def net_gain(tail: Ints, head: Ints, flux: Floats, own: Floats) -> Floats:
    """What each node gains by fluxes into tails and from outside."""
    net = own.copy()
    for e in range(tail.size):
        net[tail[e]] += flux[e]
        net[head[e]] -= flux[e]
    return net


@njit(cache=True)
def beyond(graph: Neighbours, gains: Gains, room: Room, listed: Ints, count: int, factor: Floats) -> int:
    """Find which of the listed nodes are out of bounds; ``listed`` keeps those; returns how many.

    ``factor`` of a node above its bound is the share of what enters that may stay, in [0, 1); of one below it
    is that of what leaves, less 2; of all others it is 1.
    """
    out = 0
    for k in range(count):
        i = listed[k]
        over, under = gains.net[i] - room.up[i], -gains.net[i] - room.down[i]
        sign = 1.0 if over > room.slack[i] else -1.0
        excess = over if sign > 0.0 else under
        if excess <= room.slack[i]:
            continue
        pushing = max(sign * gains.own[i], 0.0)
        for at in range(graph.start[i], graph.start[i + 1]):
            e = graph.edges[at]
            entering = gains.flux[e] if graph.tail[e] == i else -gains.flux[e]
            pushing += max(sign * entering, 0.0)
        if pushing <= 0.0:  # Nothing to cut: what is left of the agent is round-off.
            continue
        share = max(1.0 - excess / pushing, 0.0)
        factor[i] = share if sign > 0.0 else share - 2.0
        listed[out] = i
        out += 1
    return out


@njit(cache=True)
def entering_share(factor: float) -> float:
    """What a node takes of fluxes that enter it."""
    return factor if factor >= 0.0 else 1.0


@njit(cache=True)
def leaving_share(factor: float) -> float:
    """What a node lets go of fluxes that leave it."""
    return factor + 2.0 if factor < 0.0 else 1.0


@njit(cache=True)
def cut(
    graph: Neighbours,
    gains: Gains,
    factor: Floats,
    awake: NDArray[np.bool_],
    listed: Ints,
    counts: tuple[int, int],
) -> int:
    """Scale the fluxes of nodes that are out, and list the owned nodes that this has touched.

    Args:
        graph: edges by node.
        gains: changed.
        factor: of `beyond`, ghosts up to date; 1 everywhere on return.
        awake: False everywhere, before and after.
        listed: owned nodes that are out; written.
        counts: of those, and of owned nodes.

    Returns:
        Number of nodes listed.
    """
    out, owned = counts
    nodes = factor.size
    touched = np.empty(nodes, np.int32)
    number = 0
    ghosts = 0
    outside = np.empty(nodes - owned, np.int32)
    for i in range(owned, nodes):
        if factor[i] != 1.0:
            outside[ghosts] = i
            ghosts += 1
    for k in range(out + ghosts):
        i = listed[k] if k < out else outside[k - out]
        before = gains.own[i]
        gains.own[i] *= entering_share(factor[i]) if before > 0.0 else leaving_share(factor[i])
        gains.net[i] += gains.own[i] - before
        for at in range(graph.start[i], graph.start[i + 1]):
            e = graph.edges[at]
            tail, head = graph.tail[e], graph.head[e]
            other = head if tail == i else tail
            if factor[other] != 1.0 and other < i:
                continue
            flux = gains.flux[e]
            if flux > 0.0:
                share = min(entering_share(factor[tail]), leaving_share(factor[head]))
            else:
                share = min(entering_share(factor[head]), leaving_share(factor[tail]))
            if share == 1.0:
                continue
            change = flux * share - flux
            gains.flux[e] = flux * share
            gains.net[tail] += change
            gains.net[head] -= change
            for node in (tail, head):
                if node < owned and not awake[node]:
                    awake[node] = True
                    touched[number] = node
                    number += 1
    for k in range(out):
        factor[listed[k]] = 1.0
    for k in range(ghosts):
        factor[outside[k]] = 1.0
    for k in range(number):
        listed[k] = touched[k]
        awake[touched[k]] = False
    return number


@njit(cache=True)
def worst_case_shares(graph: Neighbours, gains: Gains, room: Room) -> tuple[Floats, Floats]:
    """Shares of what enters and leaves each node that keep it within bounds whatever the others are."""
    gain, loss = np.ones(gains.net.size), np.ones(gains.net.size)
    for i in range(gains.net.size):
        entering, leaving = max(gains.own[i], 0.0), max(-gains.own[i], 0.0)
        for at in range(graph.start[i], graph.start[i + 1]):
            e = graph.edges[at]
            flux = gains.flux[e] if graph.tail[e] == i else -gains.flux[e]
            entering += max(flux, 0.0)
            leaving += max(-flux, 0.0)
        if entering > room.up[i]:
            gain[i] = room.up[i] / entering
        if leaving > room.down[i]:
            loss[i] = room.down[i] / leaving
    return gain, loss


@njit(cache=True)
def scale(graph: Neighbours, gains: Gains, gain: Floats, loss: Floats) -> None:
    """Leave of each flux the smaller share of its two ends."""
    for i in range(gains.own.size):
        gains.own[i] *= gain[i] if gains.own[i] > 0.0 else loss[i]
    for e in range(graph.tail.size):
        i, j = graph.tail[e], graph.head[e]
        gains.flux[e] *= min(gain[i], loss[j]) if gains.flux[e] > 0.0 else min(gain[j], loss[i])

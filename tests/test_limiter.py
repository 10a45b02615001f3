# SPDX-License-Identifier: MIT
"""What limits the second-order target: how far values reach, what is cut, and what is left alone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from solver.agent.bounds import REACH, reachable
from solver.agent.limiter import (
    SLACK,
    TRACE,
    CutBack,
    Gains,
    Room,
    antidiffusive,
    neighbours,
    net_gain,
    scale,
    worst_case_shares,
)
from solver.agent.sweeps import DownwindSolver
from solver.kernels.edges import Graph
from solver.parameters.model import Numerics, Schedule
from solver.simulate import TimeLoop
from solver.tissue.discretisation import Discretisation
from tests.coarse import discretised, full_model, pulse

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def data() -> Discretisation:
    """The coarse ball."""
    return discretised("3d", full_model((pulse(0.0, 1.0),)))


def along(data: Discretisation) -> Floats:
    """A winding flow along the edges, the same on any ranks."""
    points, stencil = data.mesh.points, data.stencil
    middle = points[stencil.tail] + points[stencil.head]
    wind = np.stack([np.sin(300 * middle[:, 1]), np.cos(200 * middle[:, 2]), np.sin(100 * middle[:, 0])])
    return np.sum(wind.T * (points[stencil.head] - points[stencil.tail]), axis=1)


@pytest.mark.parametrize("size", [1e-3, 1.0, 10.0])
def test_whatever_is_cut_ends_within_bounds_and_only_shrinks(data: Discretisation, size: float) -> None:
    stencil, owned = data.stencil, data.halo.owned
    flux = size * along(data) / np.abs(along(data)).max()
    own = np.zeros(data.volume.size)
    room = Room(*(np.full(own.size, value) for value in (0.3, 0.7, SLACK)))
    before = flux.copy()
    cut = CutBack(stencil.tail, stencil.head, data.halo)
    cut.limit(flux, own, room)
    net = net_gain(stencil.tail, stencil.head, flux, own)[:owned]
    assert net.max() <= 0.7 + 1e-12 and net.min() >= -0.3 - 1e-12
    assert np.all(flux * before >= 0) and np.all(np.abs(flux) <= np.abs(before))
    assert np.array_equal(flux, before) == (size == 1e-3)
    assert np.abs(flux).sum() >= np.abs(by_worst_case(data, before, room)).sum()


def by_worst_case(data: Discretisation, flux: Floats, room: Room) -> Floats:
    """What Zalesak (1979) leaves of fluxes."""
    stencil, flux = data.stencil, flux.copy()
    graph = neighbours(stencil.tail, stencil.head, data.volume.size)
    gains = Gains(flux, np.zeros(data.volume.size), np.zeros(data.volume.size))
    gain, loss = worst_case_shares(graph, gains, room)
    scale(graph, gains, data.halo.update(gain), data.halo.update(loss))
    return flux


def test_where_there_is_a_trace_alone_the_monotone_flux_stands() -> None:
    tail, head = np.array([0, 1, 2], dtype=np.int32), np.array([1, 2, 3], dtype=np.int32)
    highest = np.array([1.0, 1e-7, 1e-9, 1e-12])
    low, target = np.array([5.0, 6.0, 7.0]), np.array([4.0, 3.0, 2.0])
    np.testing.assert_array_equal(antidiffusive(tail, head, low, target, highest, TRACE), [1.0, 3.0, 0.0])


@pytest.mark.parametrize("most", [0.5, 3.0, 40.0])
def test_values_reach_as_far_downstream_as_the_flow_moves_them(data: Discretisation, most: float) -> None:
    """Against a plain loop over all edges in every pass, for Courant numbers below and beyond the reach."""
    halo, stencil, flux = data.halo, data.stencil, along(data)
    points = data.mesh.points
    value = np.sin(3e3 * points.sum(axis=1))
    courant = most * np.cos(90 * points[:, 0]) ** 2
    none = np.full(flux.size, -1, dtype=np.int32)
    graph = Graph(tail=stencil.tail, head=stencil.head, tail_row=none, head_row=none)
    lowest, highest = reachable(graph, flux, courant, (value, value), halo)
    low, high = neighbours_extremes(data, value)
    up = np.where(flux > 0, stencil.tail, stencil.head)
    down = np.where(flux > 0, stencil.head, stencil.tail)
    for passed in range(1, REACH):
        before = halo.update(low).copy(), halo.update(high).copy()
        kept = courant[down] > passed
        np.minimum.at(low, down[kept], before[0][up[kept]])
        np.maximum.at(high, down[kept], before[1][up[kept]])
    np.testing.assert_array_equal(lowest, halo.update(low))
    np.testing.assert_array_equal(highest, halo.update(high))


def test_the_target_is_solved_as_exactly_as_asked(
    data: Discretisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default to 1e-6, or to a hundred times Newton's tolerance if that is less."""
    asked = []
    approximate = DownwindSolver.approximate

    def noted(self: DownwindSolver, right: Floats, tolerance: float) -> Floats:
        asked.append(tolerance)
        return approximate(self, right, tolerance)

    monkeypatch.setattr(DownwindSolver, "approximate", noted)
    for given, used in (
        (Numerics(fixed_step=0.1), 1e-6),
        (Numerics(fixed_step=0.1, newton_tolerance=1e-10), 1e-8),
        (Numerics(fixed_step=0.1, target_tolerance=1e-3), 1e-3),
    ):
        asked.clear()
        model = full_model((pulse(0.0, 0.1),), numerics=given, schedule=Schedule(end=0.1))
        TimeLoop(data, model).advance()
        assert asked and asked == pytest.approx([used] * len(asked))


def neighbours_extremes(data: Discretisation, value: Floats) -> tuple[Floats, Floats]:
    """Smallest and largest value of each node and its neighbours."""
    low, high = value.copy(), value.copy()
    for one, other in ((data.stencil.tail, data.stencil.head), (data.stencil.head, data.stencil.tail)):
        np.minimum.at(low, one, value[other])
        np.maximum.at(high, one, value[other])
    return low, high

# SPDX-License-Identifier: MIT
"""Blood that reaches the tumour through a network of vessels, segment by segment (Poiseuille's law).

The network stands alone beside the mesh: each place of the tumour is fed by the segment nearest to it, and
a segment is as open as the capillaries of the tissue that it feeds. Tissue around keeps its constants.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve
from scipy.spatial import cKDTree

from solver.agent.processes import Condition
from solver.flow.exchange import BloodSupply
from solver.parameters.vessels import VesselNetwork
from solver.tissue.discretisation import Discretisation
from solver.vessels.perfusion import ROUNDS, PerfusionError, agreed, nodal_mean

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEAST_OPEN: Final = 1e-6
"""Of the conductance of a segment is left when it is closed, so that no pressure is undefined."""
LEAST_FLOW: Final = 1e-6
"""Share of the largest flow at rest below which a segment feeds nothing."""


class NetworkFlow:
    """Flow through a graph of tubes between ends of given pressure.

    Attributes:
        edges: places of each segment, shape ``(s, 2)``.
        middles: of the segments [m], shape ``(s, 3)``.
    """

    def __init__(self, network: VesselNetwork) -> None:
        places, radii = np.array(network.places), np.array(network.radii)
        self.edges: Integers = np.array(network.edges, dtype=np.int64)
        self.middles = places[self.edges].mean(axis=1)
        length = np.linalg.norm(np.diff(places[self.edges], axis=1)[:, 0], axis=1)
        # The mean of r^-4 along a segment that tapers.
        resistance = 8.0 * network.viscosity * length * (radii[self.edges] ** -4.0).mean(axis=1) / np.pi
        self._conductance = 1.0 / resistance
        self._ends = np.array([place for place, _ in network.ends])
        self._given = np.array([pressure for _, pressure in network.ends])
        self._count = len(places)

    def solve(self, open_share: Floats) -> tuple[Floats, Floats]:
        """Flow [m3/s] and mean pressure [Pa] of the segments.

        Args:
            open_share: of each segment's conductance [-], shape ``(s,)``.
        """
        first, last = self.edges.T
        conductance = self._conductance * np.maximum(open_share, LEAST_OPEN)
        rows = np.concatenate([first, last, first, last])
        columns = np.concatenate([last, first, first, last])
        values = np.concatenate([-conductance, -conductance, conductance, conductance])
        free = np.ones(self._count, dtype=bool)
        free[self._ends] = False
        matrix = coo_array((values, (rows, columns)), shape=(self._count, self._count)).tocsr()
        pressure = np.zeros(self._count)
        pressure[self._ends] = self._given
        pressure[free] = spsolve(matrix[free][:, free].tocsc(), -(matrix @ pressure)[free])
        flow = conductance * (pressure[first] - pressure[last])
        return flow, 0.5 * (pressure[first] + pressure[last])

    def through(self, flow: Floats) -> tuple[float, float]:
        """What enters and what leaves by the ends [m3/s]."""
        net = np.zeros(self._count)
        np.add.at(net, self.edges[:, 0], flow)
        np.add.at(net, self.edges[:, 1], -flow)
        at_ends = net[self._ends]
        return float(at_ends[at_ends > 0].sum()), float(-at_ends[at_ends < 0].sum())


class NetworkCirculation:
    """Keeps the flow of a network in step with the vessels that are open; as ``Circulation`` does.

    Its fields: ``feeding_flow`` of the segment that feeds a place, over that at rest; ``feeding_pressure``,
    by how much its pressure differs from that at rest [Pa]; ``open_at_solution``.
    """

    states: tuple[str, ...] = ()

    def __init__(
        self,
        data: Discretisation,
        network: VesselNetwork,
        resting: BloodSupply,
        open_at_rest: Floats,
        filtered: Floats,
    ) -> None:
        self._data, self._resting, self._open_at_rest = data, resting, open_at_rest
        self._tolerance = network.tolerance
        self.filtered_at_rest = filtered
        self.flow = NetworkFlow(network)
        self._rest = self.flow.solve(np.ones(len(self.flow.edges)))
        size = np.abs(self._rest[0])
        self.feeding = np.flatnonzero(size > LEAST_FLOW * size.max(initial=0.0))
        if not self.feeding.size:
            raise PerfusionError(
                "no blood flows through the network: no way leads from an inlet to an outlet"
            )
        self._fed = data.pairs.inside & (resting.perfusion > 0)
        tree = cKDTree(self.flow.middles[self.feeding])
        self._nearest = np.asarray(tree.query(data.mesh.points)[1], dtype=np.int64)
        owned = self._fed & (data.pairs.node < data.halo.owned)
        self._weight = np.where(owned, data.pairs.volume * open_at_rest, 0.0)
        self._total = self._gather(self._weight)

    def start(self) -> Condition:
        """The network at rest."""
        nodes = self._data.volume.size
        opened = nodal_mean(self._data, self._open_at_rest)
        return {
            "feeding_flow": np.ones(nodes),
            "feeding_pressure": np.zeros(nodes),
            "open_at_solution": opened,
        }

    def supply(self, condition: Condition) -> BloodSupply:
        """F of an open vessel and p_v on the pairs, from the flow of a condition."""
        node = self._data.pairs.node
        share, change = condition["feeding_flow"][node], condition["feeding_pressure"][node]
        return BloodSupply(
            perfusion=self._resting.perfusion * np.where(self._fed, share, 1.0),
            pressure=self._resting.pressure + np.where(self._fed, change, 0.0),
        )

    def redistribute(
        self,
        condition: Condition,
        filtered: Floats,
        opened: Callable[[Condition], Floats],
        rounds: int = ROUNDS,
    ) -> Condition:
        """Flow that fits the vessels that are open under it, if those have changed. Collective.

        Args:
            condition: before; its other fields stay.
            filtered: fluid from blood into tissue per node, which the network does not feel [m3/s].
            opened: n on the pairs in a condition.
            rounds: at most.
        """
        share = opened(condition)
        change = np.abs(nodal_mean(self._data, share) - condition["open_at_solution"])
        if self._data.halo.max(change) <= self._tolerance:
            return condition
        return agreed(self._data, condition, opened, self._solved, self._tolerance, rounds)

    def rows(self, condition: Condition) -> dict[str, float]:
        """None: the network's flow is relative."""
        return {}

    def _solved(self, share: Floats) -> dict[str, Floats]:
        """Fields that belong to a share of open vessels. Collective."""
        part = np.divide(
            self._gather(self._weight / self._open_at_rest * share),
            self._total,
            out=np.ones_like(self._total),
            where=self._total > 0,
        )
        every = np.ones(len(self.flow.edges))
        every[self.feeding] = np.minimum(part, 1.0)
        flow, pressure = self.flow.solve(every)
        ratio = np.abs(flow[self.feeding] / self._rest[0][self.feeding])
        change = (pressure - self._rest[1])[self.feeding]
        return {"feeding_flow": ratio[self._nearest], "feeding_pressure": change[self._nearest]}

    def _gather(self, values: Floats) -> Floats:
        """Sums of a quantity of the pairs over the tissue that each segment feeds. Collective."""
        near = self._nearest[self._data.pairs.node]
        local = np.bincount(near, values, self.feeding.size)
        return np.asarray(self._data.halo.comm.allreduce(local), dtype=np.float64)

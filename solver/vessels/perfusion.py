# SPDX-License-Identifier: MIT
"""Blood that finds its way: two pressures in tissue, whose flow redistributes as vessels close.

What leads through the capillaries, and where between arterial and venous pressure that of the microvessels
lies, is taken so that undisturbed tissue has the perfusion F and the p_v of its constants (perfusion by two
pressures: Hyde et al., 2013; Michler et al., 2013).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.regions import OUTER, TUMOUR_REGIONS
from solver.agent.processes import Condition
from solver.algebra.anderson import Mixing
from solver.flow.blood_pressures import LEAST_LATERAL, Feeders, PairOfPressures
from solver.flow.exchange import BloodSupply
from solver.parameters.vessels import TwoPressures
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]

ROUNDS: Final = 3
"""Of blood flow and closure, which depend on each other, in a step of the agent; the next step goes on."""
ROUNDS_AT_REST: Final = 30
"""Of the same where no step follows."""
DEPTH: Final = 6
"""Of their mixing: closing vessels raise the pressure upstream, which opens others."""
LEAST_DROP: Final = 0.02
"""Share of P_A - P_V that must be left between arterioles and venules at rest, and on either side of p_v."""


class PerfusionError(ValueError):
    """A circulation that cannot feed the tissue at rest."""


class Circulation:
    """Keeps arterial and venous pressure in step with the vessels that are open.

    Attributes:
        pressures: what it solves.
        filtered_at_rest: fluid from blood into undisturbed tissue per node [m3/s].

    Its fields: ``arterial_pressure``, ``venous_pressure`` [Pa]; ``open_at_solution`` n and
    ``filtered_at_solution`` [m3/s], which they belong to; ``blood_inflow``, ``blood_outflow`` [m3/s].
    """

    states: Final = ("blood_inflow", "blood_outflow", "blood_filtered")

    def __init__(
        self,
        data: Discretisation,
        law: TwoPressures,
        resting: BloodSupply,
        open_at_rest: Floats,
        filtered: Floats,
    ) -> None:
        self._data, self._law, self._open_at_rest = data, law, open_at_rest
        self.filtered_at_rest = filtered
        pairs = data.pairs
        demand = pairs.volume * open_at_rest * resting.perfusion
        self._feeders = _feeders(data, law, resting, demand)
        self.pressures = PairOfPressures(data, law, self._feeders)
        self._lit = resting.perfusion > 0
        nodal = data.halo.update(pairs.to_nodes(demand))
        self._total = max(data.halo.sum(nodal), 1e-300)
        taken = (nodal, filtered - nodal)
        self._rest = self.pressures.solve(np.zeros_like(nodal), self._lateral(open_at_rest), taken)
        arterial, venous = self._rest
        drop = (arterial - venous)[pairs.node]
        self._position = (resting.pressure - venous[pairs.node]) / np.where(self._lit, drop, 1.0)
        self._require(drop)
        self._conductance = np.where(self._lit, resting.perfusion / np.where(self._lit, drop, 1.0), 0.0)
        self._resting = resting

    def start(self) -> Condition:
        """Pressures at rest."""
        arterial, venous = self._rest
        solved = self._solved(self._open_at_rest, self.filtered_at_rest)
        opened = {"open_at_solution": nodal_mean(self._data, self._open_at_rest)}
        return {**solved, **opened, "arterial_pressure": arterial, "venous_pressure": venous}

    def supply(self, condition: Condition) -> BloodSupply:
        """F of an open vessel and p_v on the pairs, from the pressures of a condition."""
        node = self._data.pairs.node
        arterial, venous = condition["arterial_pressure"][node], condition["venous_pressure"][node]
        drop = np.maximum(arterial - venous, 0.0)
        return BloodSupply(
            perfusion=self._conductance * drop,
            pressure=np.where(self._lit, venous + self._position * drop, self._resting.pressure),
        )

    def redistribute(
        self,
        condition: Condition,
        filtered: Floats,
        opened: Callable[[Condition], Floats],
        rounds: int = ROUNDS,
    ) -> Condition:
        """Pressures that fit the vessels that are open under them, if those have changed. Collective.

        Args:
            condition: before; its other fields stay.
            filtered: fluid from blood into tissue per node [m3/s].
            opened: n on the pairs in a condition.
            rounds: at most.

        Returns:
            All fields.
        """
        data, share = self._data, opened(condition)
        change = data.halo.max(np.abs(nodal_mean(data, share) - condition["open_at_solution"]))
        moved = data.halo.sum(np.abs(filtered - condition["filtered_at_solution"])) / self._total
        if max(change, moved) <= self._law.tolerance:
            return condition
        solved = partial(self._solved, filtered=filtered)
        return agreed(data, condition, opened, solved, self._law.tolerance, rounds)

    def rows(self, condition: Condition) -> dict[str, float]:
        """Blood that comes in, goes out, and is filtered into tissue [m3/s], of this rank's nodes."""
        names = ("blood_inflow", "blood_outflow", "filtered_at_solution")
        owned = self._data.halo.owned
        sums = (float(condition[name][:owned].sum()) for name in names)
        return dict(zip(self.states, sums, strict=True))

    def _solved(self, share: Floats, filtered: Floats) -> dict[str, Floats]:
        """Fields that belong to a share of open vessels. Collective."""
        data, law, feeders = self._data, self._law, self._feeders
        capillaries = data.halo.update(data.pairs.to_nodes(data.pairs.volume * share * self._conductance))
        lateral = self._lateral(share)
        arterial, venous = self.pressures.solve(capillaries, lateral, (np.zeros_like(filtered), filtered))
        through = capillaries * (arterial - venous)
        inflow = np.where(
            feeders.fixed,
            self.pressures.outflow(0, arterial, lateral) + through,
            feeders.arterial * (law.arterial_pressure - arterial),
        )
        outflow = np.where(
            feeders.fixed,
            through - filtered - self.pressures.outflow(1, venous, lateral),
            feeders.venous * (venous - law.venous_pressure),
        )
        return {
            "arterial_pressure": arterial,
            "venous_pressure": venous,
            "filtered_at_solution": filtered,
            "blood_inflow": inflow,
            "blood_outflow": outflow,
        }

    def _lateral(self, opened: Floats) -> Floats:
        """Open share of arterioles and venules in the cells; none without vessels."""
        share = np.minimum(opened / np.maximum(self._open_at_rest, 1e-12), 1.0)
        along = np.where(self._lit, 1.0 - self._law.lateral_closure * (1.0 - share), 0.0)
        return np.asarray(np.maximum(along[self._data.pairs.of_cell].mean(axis=1), LEAST_LATERAL))

    def _require(self, drop: Floats) -> None:
        """That arteries can feed all tissue at rest. Collective."""
        least = LEAST_DROP * (self._law.arterial_pressure - self._law.venous_pressure)
        position = np.minimum(self._position, 1.0 - self._position)
        lit = self._lit
        narrow = bool(np.any(drop[lit] < least) or np.any(position[lit] < LEAST_DROP))
        if self._data.halo.comm.allreduce(narrow):
            message = (
                f"arterioles and venules of conductivity {self._law.arterial_conductivity:.3g} and "
                f"{self._law.venous_conductivity:.3g} m2/(Pa s) cannot bring the tissue's blood flow at rest "
                f'with its vessel pressure between theirs; make them larger, or feed "everywhere"'
            )
            raise PerfusionError(message)


def agreed(
    data: Discretisation,
    condition: Condition,
    opened: Callable[[Condition], Floats],
    solved: Callable[[Floats], Mapping[str, Floats]],
    tolerance: float,
    rounds: int,
) -> Condition:
    """Blood flow and open vessels that agree with each other. Collective.

    Args:
        data: static data.
        condition: to start from.
        opened: n on the pairs in a condition.
        solved: fields of the blood flow that belong to n on the pairs.
        tolerance: difference of n that may be left [-].
        rounds: after which it is left however large it is.
    """
    pairs, share = data.pairs, opened(condition)
    mixing = Mixing(data.halo.comm, np.where(pairs.node < data.halo.owned, pairs.volume, 0.0), DEPTH)
    for _ in range(rounds):
        used = share
        condition = {**condition, **solved(used)}
        found = opened(condition)
        if data.halo.maxima(float(np.max(np.abs(found - share), initial=0.0)))[0] <= tolerance:
            break
        share = np.clip(mixing.next(share, found), 0.0, 1.0)
    return {**condition, "open_at_solution": nodal_mean(data, used)}


def nodal_mean(data: Discretisation, values: Floats) -> Floats:
    """Mean of a quantity of the pairs over each node's volume; 0 without any. Collective."""
    held = data.pairs.to_nodes(data.pairs.volume * values)
    return data.halo.update(np.divide(held, data.volume, out=held, where=data.volume > 0))


def _feeders(data: Discretisation, law: TwoPressures, resting: BloodSupply, demand: Floats) -> Feeders:
    """Feeding arteries and draining veins, dimensioned for the flow at rest. Collective."""
    pairs, halo = data.pairs, data.halo
    fixed = np.zeros(data.volume.size, dtype=bool)
    if law.feeding == "boundary":
        fixed[data.mesh.facets[data.mesh.facet_tags == OUTER].ravel()] = True
    lost = law.feeder_drop * np.maximum(law.arterial_pressure - resting.pressure, 1.0)
    gained = law.feeder_drop * np.maximum(resting.pressure - law.venous_pressure, 1.0)
    around = np.zeros_like(demand) if law.feeding == "boundary" else np.where(pairs.inside, 0.0, demand)
    everywhere = law.feeding == "everywhere"
    arterial = pairs.to_nodes((demand if everywhere else around) / lost)
    along = np.ones(data.mesh.cells.shape[0])
    if law.feeding == "artery":
        # Nodes on the tumour's surface are its own, with the tissue that they hold.
        own = pairs.to_nodes(np.where(pairs.inside, demand, 0.0)) > 0
        tumour = halo.update(np.where(own, pairs.to_nodes(demand / lost), 0.0))
        arterial = np.where(tumour > 0, 0.0, arterial) + _opening(data, law, tumour)
        along[~np.isin(data.mesh.cell_tags, list(TUMOUR_REGIONS))] = law.collaterals
    return Feeders(
        arterial=halo.update(arterial),
        venous=halo.update(pairs.to_nodes((demand if everywhere else around) / gained)),
        fixed=fixed,
        along=along,
    )


def _opening(data: Discretisation, law: TwoPressures, tumour: Floats) -> Floats:
    """The feeders of a tumour, all of them where its artery opens. Collective."""
    point = np.array(law.artery)
    columns = {"radial": [], "axisymmetric": [0, 2], "3d": [0, 1, 2]}[data.mesh.geometry]
    offset = data.mesh.points - (point[columns] if columns else 0.0)
    near = data.volume * (np.linalg.norm(offset, axis=1) <= law.artery_radius)
    total = data.halo.sum(near)
    if total == 0.0:
        raise PerfusionError(
            "no node of the mesh lies where the tumour's artery opens: enlarge artery_radius"
        )
    return np.asarray(near * (data.halo.sum(tumour) / total))

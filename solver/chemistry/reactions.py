# SPDX-License-Identifier: MIT
"""Agent against tissue at every node: a finite reductant, uptake into cells, and what it turns into.

    d(phi C)/dt = ... - k2 C S,     dS/dt = -k2 C S/(nu M)

As much of the reaction as leaves at least half of S in a step goes along with transport, as first-order
decay does; the rest is split off, half of each step before transport and half after (Strang, 1968), and
integrated exactly (`reductant`) or without loss (`uptake`): rates may be any number of times
faster than steps. A slow reaction is all in transport, a fast one all but all split off. S falls by the same
factor in all regions that meet at a node, because they see the same C; so the share S/S0 is a nodal field,
and what each region loses is known exactly. First-order decay stays inside transport.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.regions import REGION_NAMES
from solver.agent.processes import Acted, Condition, Stay
from solver.agent.transport import AgentState
from solver.chemistry.product import ProductCarrier
from solver.chemistry.reductant import titrate
from solver.chemistry.uptake import Phases, take_up
from solver.parameters.chemistry import Chemistry
from solver.parameters.model import Model
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]

REACTED: Final = ("agent_reacted_tumour", "agent_reacted_tissue")
CONSUMED: Final = ("reductant_consumed_tumour", "reductant_consumed_tissue")

MOST_ALONG: Final = 0.5
"""Largest share of S that the reaction inside a step of transport may use up."""


@dataclass(frozen=True, kw_only=True)
class _Reacted:
    """What local reactions of a time leave at the nodes, shape ``(n,)``.

    Attributes:
        agent: in the fluid [kg].
        seen: integral of C dt in the fluid [kg s/m3].
        fields: of the condition that changed.
        by_reductant: agent that the reductant took [kg].
        by_decay: agent that decay in cells took [kg].
        consumed: share of S0 that went [-].
    """

    agent: Floats
    seen: Floats
    fields: dict[str, Floats]
    by_reductant: Floats
    by_decay: Floats
    consumed: Floats


class Reactions:
    """The process of all local reactions.

    Attributes:
        flows: cumulative rows of the ledger.
        states: rows that hold what is there.
    """

    def __init__(self, data: Discretisation, model: Model, what: Chemistry) -> None:
        pairs, halo = data.pairs, data.halo
        self._data = data
        self._what = what
        self._in_lines = np.zeros(data.volume.size, dtype=bool)
        if data.lines is not None:
            self._in_lines[data.lines.node] = True
        self._product = ProductCarrier(data, model, what.product) if what.product else None
        amounts = what.reductant.amount if what.reductant else {}
        moles = pairs.volume * _by_region(data, amounts)
        self._moles = halo.update(pairs.to_nodes(moles))
        self._moles_inside = pairs.to_nodes(np.where(pairs.inside, moles, 0.0))
        self._inside = pairs.to_nodes(np.where(pairs.inside, pairs.volume, 0.0)) / data.volume
        self._weight = what.reductant.stoichiometry * model.agent.molar_mass if what.reductant else 1.0
        self._rate = what.reductant.rate_constant / self._weight if what.reductant else 0.0
        self._highest = max((pulse.concentration for pulse in model.injections), default=0.0)
        self._highest = max(self._highest, model.agent.plasma_concentration)
        self._pair_moles = moles
        self.flows: tuple[str, ...] = ()
        self.states: tuple[str, ...] = ()
        if what.reductant or what.uptake:
            self.flows += REACTED
        if what.reductant:
            self.flows += CONSUMED
        if what.uptake:
            self.states += ("agent_in_cells",)
        if self._product:
            self.flows += self._product.flows
            self.states += self._product.states

    def start(self) -> Condition:
        """All of the reductant, nothing in cells, no product."""
        none = np.zeros_like(self._data.volume)
        fields: dict[str, Floats] = {}
        if self._what.reductant:
            fields["reductant_left"] = np.ones_like(none)
        if self._what.uptake:
            fields |= {"cell_concentration": none, "cell_dose": none}
        return fields | (self._product.start() if self._product else {})

    def ahead(self, before: Acted, stay: Stay) -> Acted:
        """React for half of a step, ahead of transport, and hand transport its part of the reaction."""
        acted, seen = self._react(before, stay)
        if seen is None:
            return acted
        along = None
        if self._rate_along(stay.step) > 0.0:
            fading = self._fading(acted.condition["reductant_left"], acted.agent, stay.step)
            along = self._weight * fading[self._data.pairs.node] * self._pair_moles
        return replace(acted, mean=seen / (0.5 * stay.step), along=along)

    def act(self, before: Acted, stay: Stay) -> Acted:
        """Carry the product, and react for the other half of a step. Collective.

        The mean that is left behind counts the C that tissue sees: the integral over both reactions, weighted
        as transport weights its start and its end. Without reactions that is the transport's own mean.
        """
        passage = stay.passage
        assert passage is not None, "acts after transport"
        condition = before.condition
        rows: dict[str, float] = {}
        if self._product:
            carried, rows = self._product.carry(condition, stay)
            condition = {**condition, **carried}
        if self._rate_along(stay.step) > 0.0:
            left = condition["reductant_left"]
            used = stay.step * self._fading(left, passage.start, stay.step) * passage.agent.mean
            used = np.where(self._moles > 0.0, used, 0.0)
            condition = {**condition, "reductant_left": left - used}
            rows = rows | self._consumed(used)
        acted, seen = self._react(replace(before, condition=condition), stay)
        flows = {name: acted.flows.get(name, 0.0) + rows.get(name, 0.0) for name in {**acted.flows, **rows}}
        mean = before.mean
        if seen is not None:
            even = 0.5 * (passage.start.concentration + before.agent.concentration)
            weight = np.divide(mean, even, out=np.ones_like(mean), where=even > 0.0)
            total = seen if passage.seen is None else passage.seen + seen
            mean = np.clip(weight, 0.0, 2.0) * total / stay.step
        return replace(acted, mean=mean, flows=flows, states=self._states(acted.condition, passage.stored[1]))

    def report(self, condition: Condition) -> Mapping[str, Any]:
        """How much reductant is left, and the volume of tissue that has lost as much. Collective."""
        if self._what.reductant is None:
            return {}
        halo, left = self._data.halo, condition["reductant_left"]
        start = halo.sum(self._moles)
        present = self._moles > 0.0
        used = halo.sum(np.where(present, self._data.volume * (1.0 - left), 0.0))
        inside = halo.sum(np.where(present, self._data.volume * self._inside * (1.0 - left), 0.0))
        return {
            "chemistry": {
                "reductant_start_mol": start,
                "reductant_left_mol": halo.sum(self._moles * left),
                "oxidised_volume_m3": used,
                "oxidised_in_tumour_m3": inside,
                "oxidised_equivalent_radius_m": float((3 * max(used, 0.0) / (4 * np.pi)) ** (1 / 3)),
            }
        }

    def _react(self, before: Acted, stay: Stay) -> tuple[Acted, Floats | None]:
        """React for half of a step; also the integral of C dt, None if nothing reacts here."""
        if not (self._what.reductant or self._what.uptake):
            return before, None
        done = (self._in_cells if self._what.uptake else self._in_fluid)(before, stay)
        condition = {**before.condition, **done.fields}
        lost = done.by_reductant + done.by_decay
        if self._product:
            condition |= self._product.add(condition, lost, stay.fluid)
        agent = AgentState(concentration=done.agent / stay.fluid, amount=done.agent)
        acted = replace(before, agent=agent, condition=condition, flows=self._flows(done))
        return acted, done.seen

    def _in_fluid(self, before: Acted, stay: Stay) -> _Reacted:
        """A reductant that the interstitial fluid reaches."""
        left, agent = before.condition["reductant_left"], before.agent.amount
        demand = self._weight * self._moles * left
        split, time = self._rate - self._rate_along(stay.step), 0.5 * stay.step
        end = titrate(agent, demand, split * (time / stay.fluid))
        after = np.where(demand > 0.0, left * end.left, left)
        still = time * before.agent.concentration
        return _Reacted(
            agent=end.agent,
            seen=end.seen / split if split > 0.0 else still,
            fields={"reductant_left": after},
            by_reductant=agent - end.agent,
            by_decay=np.zeros_like(agent),
            consumed=left - after,
        )

    def _in_cells(self, before: Acted, stay: Stay) -> _Reacted:
        """A reductant, decay or neither, behind the membranes of cells."""
        uptake, volume = self._what.uptake, self._data.volume
        assert uptake is not None, "called with uptake on"
        cells = uptake.cell_fraction * volume
        membranes = np.where(self._in_lines, 0.0, volume)
        left = before.condition.get("reductant_left", np.ones_like(volume))
        held = before.condition["cell_concentration"] * cells
        phases = Phases(
            fluid=stay.fluid,
            cells=cells,
            exchange=uptake.membrane_rate * membranes,
            partition=uptake.partition,
            loss=uptake.reaction_rate,
            rate=self._rate / cells,
        )
        demand = self._weight * self._moles * left
        end = take_up(before.agent.amount, held, demand, phases, 0.5 * stay.step)
        gone = before.agent.amount + held - end.free - end.held
        after = left * end.left
        fields = {
            "cell_concentration": end.held / cells,
            "cell_dose": before.condition["cell_dose"] + end.met,
        }
        return _Reacted(
            agent=end.free,
            seen=end.seen,
            fields=fields | ({"reductant_left": after} if self._what.reductant else {}),
            by_reductant=gone - end.lost,
            by_decay=end.lost,
            consumed=left - after,
        )

    def _flows(self, done: _Reacted) -> dict[str, float]:
        """Rows of this rank's owned nodes, by region."""
        own = slice(self._data.halo.owned)
        moles, inside = self._moles[own], self._moles_inside[own]
        part = np.divide(inside, moles, out=np.zeros_like(moles), where=moles > 0.0)
        taken, decayed, volume = done.by_reductant[own], done.by_decay[own], self._inside[own]
        within = float((taken * part + decayed * volume).sum())
        beyond = float((taken * (1.0 - part) + decayed * (1.0 - volume)).sum())
        rows = dict(zip(REACTED, (within, beyond), strict=True))
        if self._what.reductant:
            rows |= self._consumed(done.consumed)
        return rows | (self._product.formed(within, beyond) if self._product else {})

    def _rate_along(self, step: float) -> float:
        """The part of k2/(nu M) that goes along with a step of transport [m3/(kg s)]."""
        if self._what.uptake or self._highest == 0.0:
            return 0.0
        return min(self._rate, MOST_ALONG / (self._highest * step))

    def _fading(self, left: Floats, agent: AgentState, step: float) -> Floats:
        """How fast S/S0 falls per concentration in a step of transport [m3/(kg s)].

        The mean over the step of what would be left if C stayed: exact where it does.
        """
        rate = self._rate_along(step)
        ahead = step * rate * np.clip(agent.concentration, 0.0, self._highest)
        small = ahead < 1e-6
        share = np.where(small, 1.0 - 0.5 * ahead, -np.expm1(-ahead) / np.where(small, 1.0, ahead))
        return rate * left * share

    def _consumed(self, share: Floats) -> dict[str, float]:
        """Rows for a share of S0 that goes, on this rank's owned nodes [mol]."""
        own = slice(self._data.halo.owned)
        inside = float((share[own] * self._moles_inside[own]).sum())
        total = float((share[own] * self._moles[own]).sum())
        return dict(zip(CONSUMED, (inside, total - inside), strict=True))

    def _states(self, condition: Condition, stored: Floats) -> dict[str, float]:
        rows: dict[str, float] = {}
        if self._what.uptake:
            cells = self._what.uptake.cell_fraction * self._data.volume
            own = slice(self._data.halo.owned)
            rows["agent_in_cells"] = float((condition["cell_concentration"] * cells)[own].sum())
        if self._product and self._product.states:
            rows |= self._product.held(condition["product_concentration"], stored)
        return rows


def _by_region(data: Discretisation, amounts: Mapping[str, float]) -> Floats:
    """A constant of the regions, by name, on the pairs; 0 where none is given."""
    table = np.zeros(max(REGION_NAMES) + 1)
    for tag, name in REGION_NAMES.items():
        table[tag] = amounts.get(name, 0.0)
    return table[data.pairs.region]

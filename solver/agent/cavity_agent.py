# SPDX-License-Identifier: MIT
"""The agent in cavities that open at the needle's tip: well mixed, fed by the needle, emptied into tissue.

The needle fills the cavity and the cavity feeds its wall; what it holds does not react, since there is no
tissue in it, and comes out as it closes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solver.agent.processes import Acted, Condition, Stay
from solver.flow.cavity import CavityStore, Opening
from solver.flow.state import FlowStep
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Fed:
    """What tissue is given during a step of the agent.

    Attributes:
        agent: into each node [kg/s], shape ``(n,)``.
        condition: all fields, with the cavities as they are at its end.
    """

    agent: Floats
    condition: Condition


class CavityBook:
    """Fluid and agent in cavities, told apart from those in tissue.

    Attributes:
        flows: what the needle brings beyond what tissue is given.
        states: what cavities hold.
    """

    flows: tuple[str, ...] = ("agent_injected",)
    states: tuple[str, ...] = ("agent_in_cavity", "fluid_in_cavity")

    def __init__(self, data: Discretisation, store: CavityStore) -> None:
        self._data, self._store = data, store
        self._gained = 0.0
        self._widest = 1.0

    def start(self) -> Condition:
        """Cavities at rest hold nothing that counts."""
        none = np.zeros(self._data.volume.size)
        return {name: none for opening in self._store.openings for name in _names(opening)}

    def feed(self, condition: Condition, flow: FlowStep, brought: tuple[Floats, Floats], step: float) -> Fed:
        """Let the needle fill the cavities and the cavities feed the tissue. Collective.

        Args:
            condition: at the start.
            flow: during the step.
            brought: fluid [m3/s] and agent [kg/s] by needles, per node.
            step: of the agent [s].
        """
        assert flow.filling is not None
        halo = self._data.halo
        fluid, agent = brought
        fed, after = agent.copy(), dict(condition)
        self._gained = 0.0
        for opening in self._store.openings:
            held, within = _names(opening)
            here = opening.share > 0.0
            intake = np.where(here, np.maximum(fluid - flow.filling, 0.0), 0.0)
            volume = condition[held] + step * np.where(here, flow.filling, 0.0)
            there = halo.sum(condition[within]) + step * halo.sum(np.where(here, agent, 0.0))
            room = halo.sum(volume) + step * halo.sum(intake)
            mixed = there / room if room > 0.0 else 0.0
            fed = np.where(here, intake * mixed, fed)
            after[held] = volume
            after[within] = opening.share * (there - step * mixed * halo.sum(intake))
        count = halo.owned
        self._gained = step * float((agent - fed)[:count].sum())
        return Fed(agent=fed, condition=after)

    def act(self, before: Acted, stay: Stay) -> Acted:
        """Take in what tissue gives back, and book all; see ``Process.act``. Collective."""
        condition, count = dict(before.condition), self._data.halo.owned
        books = {"agent_in_cavity": 0.0, "fluid_in_cavity": 0.0}
        for opening in self._store.openings:
            held, within = _names(opening)
            if stay.passage is not None and stay.flow.sucked is not None:
                returned = np.where(opening.share > 0.0, stay.flow.sucked * stay.passage.agent.mean, 0.0)
                back = stay.step * self._data.halo.sum(returned)
                condition[within] = condition[within] + opening.share * back
            books["agent_in_cavity"] += float(condition[within][:count].sum())
            books["fluid_in_cavity"] += float(condition[held][:count].sum())
            volume = self._data.halo.sum(condition[held])
            self._widest = max(self._widest, float(np.cbrt(1 + max(volume, 0.0) / opening.volume)))
        flows = {"agent_injected": self._gained}
        states = {**before.states, **books}
        return replace(before, condition=condition, flows={**before.flows, **flows}, states=states)

    def report(self, condition: Condition) -> Mapping[str, Any]:
        """The section ``cavity``. Collective."""
        return {"cavity": {"largest_stretch": self._widest}}

    def memory(self) -> dict[str, Any]:
        """What it has seen, for a checkpoint; see `solver.memory`."""
        return {"widest": self._widest}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Take back what `memory` gave."""
        self._widest = memory["widest"]


def _names(opening: Opening) -> tuple[str, str]:
    """Fields of the condition: fluid [m3] and agent [kg] of a cavity, by the share of its nodes."""
    return f"cavity_fluid_{opening.site}", f"cavity_agent_{opening.site}"

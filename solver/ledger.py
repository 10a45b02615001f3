# SPDX-License-Identifier: MIT
"""The books of a run: where every kilogram of agent and every cubic metre of fluid went.

All losses of the agent are counted with the same mean concentration that the implicit step used, so both
books close to round-off. Fluid is also exchanged at
rest; the rows reported are relative to that, the residual is not.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from solver.agent.processes import Process
from solver.agent.transport import AgentState, AgentStep
from solver.flow.state import FlowStep
from solver.tissue.discretisation import Discretisation, pair_fluid

Floats = NDArray[np.float64]

AGENT_FLOWS: Final = (
    "agent_injected",
    "agent_reacted_tumour",
    "agent_reacted_tissue",
    "agent_blood",
    "agent_lymph",
    "agent_boundary",
    "agent_crossed_out",
    "agent_crossed_in",
)
FLUID_FLOWS: Final = ("fluid_injected", "fluid_from_vessels", "fluid_lymph", "fluid_boundary")
FLOWS: Final = AGENT_FLOWS + FLUID_FLOWS
"""Cumulative rows: agent [kg], fluid [m3]."""

STATES: Final = ("agent_in_tumour", "agent_in_tissue", "fluid_stored")
"""Rows that hold what is there now."""


class Ledger:
    """Cumulative totals over all ranks.

    Attributes:
        totals: cumulative flows since the start, keys ``FLOWS``.
        states: what is there now, keys ``STATES``.
    """

    def __init__(self, data: Discretisation, processes: tuple[Process, ...] = ()) -> None:
        self._data = data
        self._extra_flows = _names(process.flows for process in processes)
        self._extra_states = _names(process.states for process in processes)
        self._owned_pairs = data.pairs.node < data.halo.owned
        self._rest: Floats | None = None
        self.totals = dict.fromkeys((*FLOWS, *self._extra_flows), 0.0)
        self.states = dict.fromkeys((*STATES, *self._extra_states), 0.0)
        self._elapsed = 0.0

    def set_rest(self, flow: FlowStep) -> None:
        """Take the exchange of a resting step as the zero of the fluid rows. Collective."""
        self._rest = self._data.halo.comm.allreduce(self._exchange(flow))

    def add_flow(self, flow: FlowStep, source: Floats, step: float) -> None:
        """Book the fluid of a step. Collective.

        Args:
            flow: the flow of the step.
            source: injected flow per node [m3/s].
            step: length [s].
        """
        count = self._data.halo.owned
        now = np.concatenate(
            [[source[:count].sum()], self._exchange(flow), [self._stored(flow.state.stored)]]
        )
        now = self._data.halo.comm.allreduce(now)
        for name, rate in zip(FLUID_FLOWS, now, strict=False):
            self.totals[name] += step * float(rate)
        self.states["fluid_stored"] = float(now[-1])
        self._elapsed += step

    def add_agent(
        self,
        agent: AgentStep,
        end: AgentState,
        local: Mapping[str, float],
        passed: tuple[Floats, Floats],
        step: float,
    ) -> None:
        """Book the agent of a step. Collective.

        Args:
            agent: its transport.
            end: the state after transport and processes.
            local: what processes did on this rank, by row.
            passed: fluid taken up by swelling at the end [m3], and agent leaving the tumour per boundary
                node [kg/s].
            step: length [s].
        """
        stored, crossing = passed
        crossed = [np.maximum(crossing, 0).sum(), -np.minimum(crossing, 0).sum()]
        extra = [local.get(name, 0.0) for name in (*self._extra_flows, *self._extra_states)]
        now = np.concatenate([self._agent_rates(agent), crossed, self._amounts(stored, end), extra])
        now = self._data.halo.comm.allreduce(now)
        count = len(AGENT_FLOWS)
        for name, rate in zip(AGENT_FLOWS, now, strict=False):
            self.totals[name] += step * float(rate)
        self.states["agent_in_tumour"], self.states["agent_in_tissue"] = map(float, now[count : count + 2])
        self._add_extra(now[count + 2 :])

    def agent_residual(self) -> float:
        """What the agent's book does not account for, relative to what was injected."""
        t, s = self.totals, self.states
        found = s["agent_in_tumour"] + s["agent_in_tissue"] + t["agent_reacted_tumour"]
        found += t["agent_reacted_tissue"] + t["agent_blood"] + t["agent_lymph"] + t["agent_boundary"]
        found += sum(t[name] for name in self._extra_flows if name not in FLOWS and _holds_agent(name))
        found += sum(s[name] for name in self._extra_states if _holds_agent(name))
        return _relative(t["agent_injected"] - found, t["agent_injected"])

    def fluid_residual(self) -> float:
        """What the fluid's book does not account for, relative to what was injected."""
        t = self.totals
        gained = t["fluid_injected"] + t["fluid_from_vessels"] - t["fluid_lymph"] - t["fluid_boundary"]
        gained -= sum(
            t[name] for name in self._extra_flows if name not in FLOWS and name.startswith("fluid_")
        )
        held = self.states["fluid_stored"]
        held += sum(self.states[name] for name in self._extra_states if name.startswith("fluid_"))
        return _relative(gained - held, t["fluid_injected"])

    def memory(self) -> dict[str, Any]:
        """What it holds, for a checkpoint."""
        books = {"totals": dict(self.totals), "states": dict(self.states)}
        return {**books, "rest": self._rest, "elapsed": self._elapsed}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Take back what `memory` gave."""
        self.totals, self.states = dict(memory["totals"]), dict(memory["states"])
        self._rest, self._elapsed = memory["rest"], memory["elapsed"]

    def rows(self) -> dict[str, float]:
        """All rows, with the fluid exchange relative to rest."""
        out = {**self.totals, **self.states}
        if self._rest is not None:
            for name, rate in zip(FLUID_FLOWS[1:], self._rest, strict=True):
                out[name] -= float(rate) * self._elapsed
        return out

    def _add_extra(self, amounts: Floats) -> None:
        flows = len(self._extra_flows)
        for name, amount in zip(self._extra_flows, amounts[:flows], strict=True):
            self.totals[name] += float(amount)
        for name, amount in zip(self._extra_states, amounts[flows:], strict=True):
            self.states[name] = float(amount)

    def _agent_rates(self, agent: AgentStep) -> Floats:
        data, owned = self._data, self._owned_pairs
        mean, losses = agent.mean[data.pairs.node], agent.losses
        reacted = np.where(owned, losses.reaction * mean, 0.0)
        blood = (losses.absorbed + losses.exchange) * mean - agent.from_blood
        count = data.halo.owned
        return np.array(
            [
                agent.injected[:count].sum(),
                reacted[data.pairs.inside].sum(),
                reacted[~data.pairs.inside].sum(),
                blood[owned].sum(),
                (losses.lymph * mean)[owned].sum(),
                (losses.boundary * agent.mean)[: data.mesh.owned].sum(),
            ]
        )

    def _exchange(self, flow: FlowStep) -> Floats:
        """From blood, to lymph and out [m3/s]; blood that flows through vessels counts by what it leaves."""
        count, lines = self._data.mesh.owned, self._data.lines
        vessels = flow.vessels[:count].sum()
        if lines is not None:
            vessels -= flow.outflow[lines.owned_nodes(track=False)].sum()
        return np.array([vessels, flow.lymph[:count].sum(), flow.outflow[:count].sum()])

    def _stored(self, stored: Floats) -> float:
        """Fluid taken up by swelling on this rank, without that in open needle tracks [m3]."""
        lines, total = self._data.lines, float(stored[: self._data.halo.owned].sum())
        return total if lines is None else total - float(stored[lines.owned_nodes(track=True)].sum())

    def _amounts(self, stored: Floats, agent: AgentState) -> Floats:
        data, owned = self._data, self._owned_pairs
        held = np.where(owned, pair_fluid(data, stored) * agent.concentration[data.pairs.node], 0.0)
        inside = data.pairs.inside
        return np.array([held[inside].sum(), held[~inside].sum()])


def _holds_agent(row: str) -> bool:
    """Whether agent that stands in a row is agent that was injected; other rows are of other substances."""
    return row.startswith("agent_")


def _names(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """All names once, in the order in which they first appear."""
    return tuple(dict.fromkeys(name for group in groups for name in group))


def _relative(difference: float, injected: float) -> float:
    return abs(difference) / injected if injected > 0 else abs(difference)

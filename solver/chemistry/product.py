# SPDX-License-Identifier: MIT
"""What the agent turns into (chlorine dioxide into chlorite): formed where it reacts, carried by the flow."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.agent.dispersion import dispersion
from solver.agent.processes import Passage, Stay
from solver.agent.transport import AgentState, AgentStep, Transport
from solver.parameters.chemistry import Product
from solver.parameters.model import Agent, Model
from solver.tissue.discretisation import Discretisation, pair_fluid

Floats = NDArray[np.float64]

FORMED: Final = ("product_formed_tumour", "product_formed_tissue")
LEFT: Final = ("product_blood", "product_lymph", "product_boundary", "product_elsewhere")
"""Ways out of the tissue; the last is large vessels, needle tracks, cavities that open and withdrawal."""
HELD: Final = ("product_in_tumour", "product_in_tissue")


class ProductCarrier:
    """Books what is formed, and carries it if asked to.

    Attributes:
        per_agent: product formed per agent that reacts [kg/kg].
        flows: cumulative rows of the ledger.
        states: rows that hold what is there.
    """

    def __init__(self, data: Discretisation, model: Model, product: Product) -> None:
        self._data = data
        self.per_agent = product.yield_per_agent
        self._other_ways = bool(
            model.vessel_lines
            or model.backflow
            or any(pulse.drive or pulse.cavity_radius for pulse in model.injections)
        )
        self._transport: Transport | None = None
        self.flows: tuple[str, ...] = FORMED
        self.states: tuple[str, ...] = ()
        if product.transport:
            spread = np.full_like(data.diffusivity, product.diffusivity * model.physics.diffusion)
            inert = Agent(name="by-product", reaction_rate=0.0, molar_mass=model.agent.molar_mass)
            self._transport = Transport(
                replace(data, diffusivity=spread), inert, model.physics, model.numerics
            )
            self._transport.dispersion = dispersion(data, model)
            self.flows, self.states = (*FORMED, *LEFT), HELD

    def start(self) -> dict[str, Floats]:
        """None of it anywhere."""
        return {"product_concentration": np.zeros_like(self._data.volume)} if self._transport else {}

    def add(self, condition: Mapping[str, Floats], lost: Floats, fluid: Floats) -> dict[str, Floats]:
        """What a reaction forms at once stays where it is formed.

        Args:
            condition: fields before.
            lost: agent that reacted at the nodes [kg].
            fluid: nodal fluid volume [m3].
        """
        if self._transport is None:
            return {}
        return {"product_concentration": condition["product_concentration"] + self.per_agent * lost / fluid}

    def carry(
        self, condition: Mapping[str, Floats], stay: Stay
    ) -> tuple[dict[str, Floats], dict[str, float]]:
        """Form what the first-order reaction of a step makes of the agent, and carry all. Collective.

        Args:
            condition: fields before.
            stay: the step, with its passage.

        Returns:
            The product's field, and rows of the ledger.
        """
        assert stay.passage is not None, "the product follows the agent's transport"
        rows = self._formed(stay.passage, stay.step)
        if self._transport is None:
            return {}, rows
        data, agent, stored = self._data, stay.passage.agent, stay.passage.stored
        concentration = condition["product_concentration"]
        before = AgentState(concentration=concentration, amount=concentration * (data.rest_fluid + stored[0]))
        made = self.per_agent * data.pairs.to_nodes(agent.losses.reaction) * agent.mean
        step = self._transport.step(before, stored, stay.flow, made, stay.step)
        return {"product_concentration": step.state.concentration}, rows | self._lost(step, stay.step)

    def formed(self, inside: float, outside: float) -> dict[str, float]:
        """Rows for agent that reacted in the tumour and outside it [kg]."""
        return dict(zip(FORMED, (self.per_agent * inside, self.per_agent * outside), strict=True))

    def held(self, concentration: Floats, stored: Floats) -> dict[str, float]:
        """Rows for what this rank's owned nodes hold; ``stored`` is fluid taken up by swelling [m3]."""
        if self._transport is None:
            return {}
        data, pairs = self._data, self._data.pairs
        amount = pair_fluid(data, stored) * concentration[pairs.node]
        amount = np.where(pairs.node < data.halo.owned, amount, 0.0)
        inside = float(amount[pairs.inside].sum())
        outside = float(amount.sum()) - inside
        if data.lines is not None:
            there = data.lines.node[: data.lines.owned]
            outside += float(((data.rest_fluid + stored) * concentration)[there].sum())
        return dict(zip(HELD, (inside, outside), strict=True))

    def _formed(self, passage: Passage, time: float) -> dict[str, float]:
        data, pairs, agent = self._data, self._data.pairs, passage.agent
        owned = pairs.node < data.halo.owned
        reacted = np.where(owned, time * agent.losses.reaction * agent.mean[pairs.node], 0.0)
        inside = float(reacted[pairs.inside].sum())
        return self.formed(inside, float(reacted[~pairs.inside].sum()))

    def _lost(self, step: AgentStep, time: float) -> dict[str, float]:
        data, pairs, losses = self._data, self._data.pairs, step.losses
        owned, mean = pairs.node < data.halo.owned, step.mean[pairs.node]
        count = data.halo.owned
        amounts = [
            float(((losses.absorbed + losses.exchange) * mean)[owned].sum()),
            float((losses.lymph * mean)[owned].sum()),
            float((losses.boundary * step.mean)[:count].sum()),
        ]
        others = float((losses.nodes * step.mean)[:count].sum()) - sum(amounts)
        amounts.append(others if self._other_ways else 0.0)
        return {name: time * amount for name, amount in zip(LEFT, amounts, strict=True)}


def product_residual(rows: Mapping[str, float]) -> float:
    """What the product's book does not account for, relative to what was formed.

    Args:
        rows: of the ledger, with those of a product that is carried.
    """
    formed = sum(rows[name] for name in FORMED)
    found = sum(rows[name] for name in (*LEFT, *HELD))
    return abs(formed - found) / formed if formed > 0 else abs(formed - found)

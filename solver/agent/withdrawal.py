# SPDX-License-Identifier: MIT
"""Books what needles take out of tissue: fluid, and the agent at the concentration that it has there."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from solver.agent.processes import Acted, Condition, Stay
from solver.tissue.discretisation import Discretisation


class Withdrawal:
    """Fluid and agent taken out through needles; transport lets them go, this counts them."""

    flows: tuple[str, ...] = ("agent_withdrawn", "fluid_withdrawn")
    states: tuple[str, ...] = ()

    def __init__(self, data: Discretisation) -> None:
        self._owned = data.halo.owned

    def start(self) -> Condition:
        """It has no field."""
        return {}

    def act(self, before: Acted, stay: Stay) -> Acted:
        """Book what was taken out in a step of the agent, at its mean concentration; see ``Process.act``."""
        taken = stay.flow.withdrawn
        if taken is None or stay.passage is None:
            return before
        fluid = taken[: self._owned]
        agent = stay.passage.agent.mean[: self._owned]
        flows = {
            "agent_withdrawn": stay.step * float((fluid * agent).sum()),
            "fluid_withdrawn": stay.step * float(fluid.sum()),
        }
        return replace(before, flows={**before.flows, **flows})

    def report(self, condition: Condition) -> Mapping[str, Any]:
        """Nothing beside the rows of the ledger."""
        return {}

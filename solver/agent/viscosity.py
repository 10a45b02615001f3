# SPDX-License-Identifier: MIT
"""Injectate that is more viscous than interstitial fluid, or gels in it, and what that does to its way.

    K = K0 f / (m^s R_g^g)

with s the share of injectate in the interstitial fluid, m the ratio of the viscosities (logarithmic mixing;
Arrhenius, 1887), and g in [0, 1] the degree of gelling. Injectate gels where tissue water dilutes it below a
share s_g, in proportion to what is there; gel stays when it is diluted further, and dissolves where fresh
injectate brings the share above s_g again.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from solver.agent.dispersion import dispersion
from solver.agent.processes import Acted, Condition, Stay
from solver.agent.transport import AgentState, Transport
from solver.delivery.pulses import Delivery
from solver.parameters.delivery import Injectate
from solver.parameters.model import Model
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]

SHARE: Final = "injectate_fraction"
AMOUNT: Final = "injectate_amount"
GEL: Final = "gel_degree"
DISSOLVING: Final = 0.1
"""Of s_g: by that much more than s_g all gel is dissolved."""


class Mixture:
    """Follows the injectate as an inert tracer, and its gel; lowers K by them.

    Where nothing but flow acts on the agent it is that tracer itself.
    """

    flows: tuple[str, ...] = ()
    states: tuple[str, ...] = ()

    def __init__(self, data: Discretisation, model: Model) -> None:
        self._data, self._injectate = data, model.agent.injectate
        self._inlet = inert_inlet(model)
        self._delivery = Delivery(data, model)
        inert = replace(model.agent, reaction_rate=0.0, plasma_concentration=0.0)
        self._transport: Transport | None = None
        if self._inlet is None:
            self._transport = Transport(data, inert, model.physics, model.numerics)
            self._transport.dispersion = dispersion(data, model)

    def start(self) -> Condition:
        """Tissue without injectate."""
        none = np.zeros(self._data.volume.size)
        out = {SHARE: none, GEL: none}
        return out if self._transport is None else {**out, AMOUNT: none}

    def act(self, before: Acted, stay: Stay) -> Acted:
        """Move the injectate with the flow of a step, and gel what is diluted; see ``Process.act``."""
        assert stay.passage is not None, "it acts after transport"
        condition = before.condition
        if self._transport is None:
            moved = {SHARE: stay.passage.agent.state.concentration / (self._inlet or 1.0)}
        else:
            old = AgentState(concentration=condition[SHARE], amount=condition[AMOUNT])
            fluid = self._delivery.entering(stay.start, stay.flow)
            if stay.flow.filling is not None:
                # What a cavity takes up does not reach tissue yet; it comes back undiluted as that closes.
                fluid = np.maximum(fluid - stay.flow.filling, 0.0)
            step = self._transport.step(old, stay.passage.stored, stay.flow, fluid, stay.step)
            moved = {SHARE: step.state.concentration, AMOUNT: step.state.amount}
        gel = gelled(self._injectate, moved[SHARE], condition[GEL])
        return replace(before, condition={**condition, **moved, GEL: gel})

    def report(self, condition: Condition) -> Mapping[str, Any]:
        """Volume of the fluid that is gelled, and how far K falls. Collective."""
        data = self._data
        factor = mobility(self._injectate, condition)
        gel = {
            "gelled_volume_m3": data.halo.sum(data.volume * condition[GEL]),
            "largest_resistance": 1 / -data.halo.max(-factor),
            "fraction_max": data.halo.max(condition[SHARE]),
        }
        return {"injectate": gel}


def inert_inlet(model: Model) -> float | None:
    """C_in of an agent that is a tracer of its injectate [kg/m3]; None if it reacts, fades or is in blood."""
    inside = {pulse.concentration for pulse in model.injections if not pulse.withdraws}
    fades = any(pulse.decay > 0.0 for pulse in model.injections)
    reacts = bool(model.chemistry) or (model.physics.reaction and model.agent.reaction_rate > 0.0)
    if fades or reacts or model.agent.plasma_concentration > 0.0 or len(inside) != 1:
        return None
    return inside.pop()


def gelled(injectate: Injectate, share: Floats, before: Floats) -> Floats:
    """Degree of gelling g [-] where the share of injectate has changed.

    Args:
        injectate: with s_g.
        share: s, of injectate in interstitial fluid [-].
        before: g so far.
    """
    limit = injectate.gel_fraction
    if limit == 0.0:
        return before
    formed = np.maximum(before, np.clip(share / limit, 0.0, 1.0))
    stays = np.clip((limit * (1 + DISSOLVING) - share) / (limit * DISSOLVING), 0.0, 1.0)
    return np.minimum(formed, stays)


def mobility(injectate: Injectate, condition: Condition) -> Floats:
    """Factor of K by viscosity and gel of what fills the pores [-], shape ``(n,)``."""
    share = np.clip(condition[SHARE], 0.0, 1.0)
    resistance = share * np.log(injectate.viscosity_ratio) + condition[GEL] * np.log(injectate.gel_ratio)
    return np.exp(-resistance)

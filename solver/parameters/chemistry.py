# SPDX-License-Identifier: MIT
"""What tissue does to the agent and the agent to tissue: records of chemistry and of kill, in SI units."""

import math
from dataclasses import dataclass, field
from typing import Literal

Band = tuple[float, ...]
"""Values of a prior, in the order in which a user gave them; results are stated for each."""

Where = Literal["tumour", "everywhere"]


@dataclass(frozen=True, kw_only=True)
class Reductant:
    """What tissue holds against an oxidant until it is used up.

    Attributes:
        rate_constant: k2 [m3/(mol s)].
        stoichiometry: nu, agent used up per reductant [mol/mol].
        amount: S0 per volume of reference tissue by name of the region [mol/m3].
    """

    rate_constant: float
    stoichiometry: float
    amount: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Uptake:
    """A second phase beside the interstitial fluid: cells behind their membranes, or what binds the agent.

    Attributes:
        membrane_rate: P_m S_c/V, membrane permeability times surface per volume of tissue [1/s].
        cell_fraction: phi_c, volume of the phase per volume of tissue [-].
        partition: C_c/C in equilibrium [-].
        reaction_rate: k_c, first-order loss in the phase [1/s].
    """

    membrane_rate: float
    cell_fraction: float
    partition: float = 1.0
    reaction_rate: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Product:
    """What the agent turns into.

    Attributes:
        yield_per_agent: formed per agent that reacts [kg/kg].
        transport: whether it is carried by the flow; it is booked where it is formed in any case.
        diffusivity: in the interstitial fluid of all tissues [m2/s].
    """

    yield_per_agent: float
    transport: bool
    diffusivity: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Chemistry:
    """Reactions beside first-order decay; None for those that are off.

    Attributes:
        reductant: finite, second order.
        uptake: into cells; the reductant is then met inside them.
        product: of all reactions.
    """

    reductant: Reductant | None = None
    uptake: Uptake | None = None
    product: Product | None = None


@dataclass(frozen=True, kw_only=True)
class Survival:
    """Survival under an exposure: ln S = -k_d (integral of C^(n/m) dt)^m.

    m = 1 is Chick and Watson (1908); other m are Hom's law in the form of Haas and Joffe (1994), which holds
    for a concentration that changes. k_d is given by the times in which a concentration leaves a tenth.

    Attributes:
        concentration: C_1 [kg/m3].
        times: t_1 in which C_1 leaves a tenth, a band [s].
        exponent: n of the concentration [-].
        time_exponent: m of the time [-].
    """

    concentration: float
    times: Band
    exponent: float = 1.0
    time_exponent: float = 1.0

    def rate(self, time: float) -> float:
        """k_d = ln 10/(C_1^n t_1^m) for one of the times [(m3/kg)^n / s^m]."""
        return math.log(10.0) / (self.concentration**self.exponent * time**self.time_exponent)


@dataclass(frozen=True, kw_only=True)
class Heat:
    """Prescribed heating, and the thermal doses that are taken to kill (Sapareto and Dewey, 1984).

    Attributes:
        temperature: while it lasts [K].
        start: [s].
        duration: [s].
        where: in the tumour or everywhere.
        doses: equivalent times at 43 degC, a band [s].
    """

    temperature: float
    start: float
    duration: float
    where: Where
    doses: Band


@dataclass(frozen=True, kw_only=True)
class Ischaemia:
    """Times without oxygen that are taken to kill.

    Oxygen lacks where less than a share of the vessels is open, and where and while it is prescribed.

    Attributes:
        open_fraction: share of open vessels below which oxygen lacks [-]; 0 where closure does not count.
        times: longest survived in one stretch, a band [s].
        start: of a prescribed lack of oxygen [s].
        duration: of it, 0 for none [s].
        where: in the tumour or everywhere.
    """

    open_fraction: float
    times: Band
    start: float = 0.0
    duration: float = 0.0
    where: Where = "tumour"


@dataclass(frozen=True, kw_only=True)
class DrugEffect:
    """Kill by exposure to a drug: E_max x^h/(1 + x^h), x = AUC/(EC50 t) (Hill).

    Attributes:
        half_effect: EC50 of the assay, a band [kg/m3].
        assay_time: t, exposure in the assay [s].
        hill: h [-].
        largest: E_max [-].
        phase: whose concentration counts; cells need the uptake.
    """

    half_effect: Band
    assay_time: float
    hill: float = 1.0
    largest: float = 1.0
    phase: Literal["interstitium", "cells"] = "interstitium"


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Channels of kill; None for those that are not asked for. They are never added to one another.

    Attributes:
        levels: killed shares that volumes are stated for [-].
        decisive: the level by which channels are set against one another [-].
        chick_watson: survival by dose.
        hom: survival by dose and time.
        depletion: shares of the reductant below which cells die, a band [-].
        heat: prescribed.
        ischaemia: by closed vessels or prescribed.
        drug: by AUC.
    """

    levels: tuple[float, ...] = field(default=(0.9, 0.99, 0.999))
    decisive: float = 0.99
    chick_watson: Survival | None = None
    hom: Survival | None = None
    depletion: Band | None = None
    heat: Heat | None = None
    ischaemia: Ischaemia | None = None
    drug: DrugEffect | None = None

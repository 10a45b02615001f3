# SPDX-License-Identifier: MIT
"""What may happen to vessels beside closing under pressure: frozen, keyword-only records in SI units."""

from dataclasses import dataclass
from typing import Literal

Feeding = Literal["everywhere", "rim", "artery", "boundary"]


@dataclass(frozen=True, kw_only=True)
class ChemicalClosure:
    """Vessels that the agent closes for good: dn_d/dt = -k_v g(C) n_d with g = C/(C + C_v).

    Attributes:
        rate: k_v, where the agent is plentiful [1/s].
        half_concentration: C_v, at which it acts half as fast [kg/m3].
        leak: A in L_p (1 + A (1 - n_d)), by which walls leak as they die [-].
    """

    rate: float
    half_concentration: float
    leak: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TwoPressures:
    """Blood that finds its way: arterial and venous pressure in the tissue.

    Attributes:
        arterial_pressure: P_A, in the arteries that feed the tissue [Pa].
        venous_pressure: P_V, in the veins that drain it [Pa].
        arterial_conductivity: k_a, along the arterioles of open tissue [m2/(Pa s)].
        venous_conductivity: k_b, along its venules [m2/(Pa s)].
        feeding: where feeding arteries and draining veins join: all over (``everywhere``), in all tissue but
            the tumour (``rim``), as that but for one artery that alone feeds the tumour (``artery``), or
            through the outer boundary alone (``boundary``).
        artery: where that artery opens into the tumour [m].
        artery_radius: of the ball in which it does [m].
        collaterals: share of arterioles that lead from around into a tumour with its own artery [-].
        feeder_drop: share of P_A - p_v, and of p_v - P_V, that is lost in them at rest [-].
        lateral_closure: share of arterioles and venules that close with the capillaries around them [-].
        tolerance: change of n from which on the flow of blood is computed anew [-].
    """

    arterial_pressure: float = 4666.0
    venous_pressure: float = 1067.0
    arterial_conductivity: float = 3e-10
    venous_conductivity: float = 3e-10
    feeding: Feeding = "rim"
    artery: tuple[float, float, float] = (0.0, 0.0, 0.0)
    artery_radius: float = 2e-3
    collaterals: float = 0.0
    feeder_drop: float = 0.3
    lateral_closure: float = 1.0
    tolerance: float = 1e-3


@dataclass(frozen=True, kw_only=True)
class VesselNetwork:
    """Blood that reaches the tumour through a network of segments.

    Attributes:
        places: of centre lines [m].
        edges: pairs of numbers of places.
        radii: at each place [m].
        ends: number of a free end among the places, and blood pressure there [Pa]; other free ends are blind.
        viscosity: of blood [Pa s].
        tolerance: change of n from which on the flow of blood is computed anew [-].
    """

    places: tuple[tuple[float, float, float], ...]
    edges: tuple[tuple[int, int], ...]
    radii: tuple[float, ...]
    ends: tuple[tuple[int, float], ...]
    viscosity: float = 3.5e-3
    tolerance: float = 1e-3


@dataclass(frozen=True, kw_only=True)
class VesselModel:
    """All that may happen to vessels.

    Attributes:
        chemical: closure by the agent.
        reopening_gap: by how much lower than it closed them the pressure must fall to reopen vessels [Pa].
        two_pressures: blood flow that redistributes; None for a constant supply.
        network: blood flow of the tumour through a network; None for a constant supply.
        collapsed_below: share of its flow at rest below which tissue counts as collapsed [-].
        exposed_dose: dose CT from which on tissue counts as exposed [kg s/m3].
    """

    chemical: ChemicalClosure | None = None
    reopening_gap: float = 0.0
    two_pressures: TwoPressures | None = None
    network: VesselNetwork | None = None
    collapsed_below: float = 0.1
    exposed_dose: float = 4.5


@dataclass(frozen=True, kw_only=True)
class Body:
    """Where that goes which blood takes up: two compartments, and what the agent turns into.

    Attributes:
        weight: of the body [kg].
        central_volume: V_1 of the agent [m3].
        clearance: CL of the agent [m3/s].
        exchange_flow: Q_12 between the compartments [m3/s].
        peripheral_volume: V_2 of the agent [m3].
        by_product_yield: mass of by-product per mass of agent used up [-].
        reference_dose: of the by-product, per body mass, each day for life [-].
    """

    weight: float
    central_volume: float
    clearance: float
    exchange_flow: float = 0.0
    peripheral_volume: float = 0.0
    by_product_yield: float = 0.0
    reference_dose: float = 0.0

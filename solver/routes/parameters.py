# SPDX-License-Identifier: MIT
"""Vascular routes of treatment: frozen, keyword-only records in SI units."""

from dataclasses import dataclass, field
from typing import Literal

from solver.parameters.vessels import Body
from solver.routes.oxygen import Oxygen

RouteKind = Literal["intravenous", "arterial", "oral", "chemoembolisation", "isolated"]


@dataclass(frozen=True, kw_only=True)
class Dose:
    """Drug given once.

    Attributes:
        start: [s].
        amount: [kg].
        duration: of the infusion [s]; 0 for all at once.
    """

    start: float
    amount: float
    duration: float = 0.0

    @property
    def end(self) -> float:
        """When it is over, to the millisecond, so that what follows at once does so exactly [s]."""
        return round(self.start + self.duration, 3)


@dataclass(frozen=True, kw_only=True)
class Region:
    """The part of the body that a catheter reaches.

    Attributes:
        artery_flow: Q_a, blood in the artery that is infused [m3/s].
        portal_flow: blood that joins it from elsewhere in the organ, as from the portal vein [m3/s].
        tumour_share: f_a, share of arterial blood in what the tumour's vessels receive [-].
        mixing: of the infusion in the artery: what the tumour's branch receives over its even share [-].
        extraction: E, share that one passage takes; what saturates is told by ``capacity`` [-].
        capacity: of an organ whose uptake saturates [kg/s]; 0 for a constant share.
        half_concentration: in its outflow, at which it takes half of that [kg/m3].
        measured_inflow: concentrations arriving in the organ between which the two were measured [kg/m3].
    """

    artery_flow: float
    portal_flow: float = 0.0
    tumour_share: float = 1.0
    mixing: float = 1.0
    extraction: float = 0.0
    capacity: float = 0.0
    half_concentration: float = 0.0
    measured_inflow: tuple[float, float] = (0.0, float("inf"))

    @property
    def flow(self) -> float:
        """All blood through the organ [m3/s]."""
        return self.artery_flow + self.portal_flow


@dataclass(frozen=True, kw_only=True)
class Beads:
    """Carriers that stop the blood and release what they hold, in two first-order parts.

    Attributes:
        embolised: share of the tumour's blood flow that is stopped [-].
        vessel_pressure: p_v beyond the stop, as a share of what it was [-].
        fast_share: of the drug, released soon [-].
        fast_time: mean time of that release [s].
        slow_time: mean time of the rest [s].
        escaping: share of what is released that blood carries off before it reaches tissue [-].
        radius: of the ball about the needle's tip over which beads lie [m]; 0 for the whole tumour, evenly.
        level: of drug in tissue whose reach is told [kg/m3]; 0 for none.
        zone: distance from the needle's tip within which they stop the blood [m]; 0 for the whole tumour.
    """

    embolised: float
    vessel_pressure: float
    fast_share: float
    fast_time: float
    slow_time: float
    escaping: float
    radius: float = 0.0
    level: float = 0.0
    zone: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """A closed circuit about a limb or the liver, from t = 0.

    Attributes:
        volume: V_c, of perfusate and the organ's vessels [m3].
        leak: q, to the body and back [m3/s].
        elimination: rate at which drug is lost in the circuit and to the organ at large [1/s].
        duration: [s].
        wash_flow: of fresh fluid at the end [m3/s].
        wash_duration: [s].
        temperature: [K].
    """

    volume: float
    leak: float
    elimination: float
    duration: float
    wash_flow: float
    wash_duration: float
    temperature: float = 310.15

    @property
    def closed(self) -> float:
        """How long it is apart from the body [s]."""
        return round(self.duration + self.wash_duration, 3)


@dataclass(frozen=True, kw_only=True)
class Oral:
    """A prodrug that is swallowed; amounts count as the drug that all of it would become.

    Attributes:
        absorption: rate of the first step [1/s].
        conversion: rate at which the prodrug in the body ends [1/s].
        share: of the prodrug that becomes drug in the body [-].
    """

    absorption: float
    conversion: float
    share: float


@dataclass(frozen=True, kw_only=True)
class Route:
    """One way in, with its schedule.

    Attributes:
        name: of the route.
        kind: what the tumour's vessels receive, and where the drug enters.
        doses: in order.
        body: of the patient, for this drug.
        region: that the tumour lies in.
        end: of the schedule [s].
        beads: of a chemo-embolisation.
        circuit: of an isolated perfusion.
        oral: of a prodrug.
        oxygen: supply and demand of the tumour, where beads stop its blood.
        kill_factor: by which heat or want of oxygen multiply what an exposure does [-].
        half_effect: exposure of half the effect, AUC [kg s/m3]; 0 where it is not known.
    """

    name: str
    kind: RouteKind
    doses: tuple[Dose, ...]
    body: Body
    end: float
    region: Region = field(default_factory=lambda: Region(artery_flow=0.4e-3 / 60))
    beads: Beads | None = None
    circuit: Circuit | None = None
    oral: Oral | None = None
    oxygen: Oxygen = field(default_factory=Oxygen)
    kill_factor: float = 1.0
    half_effect: float = 0.0

    @property
    def given(self) -> float:
        """All drug that the schedule gives until its end [kg]."""
        return sum(dose.amount for dose in self.doses)

# SPDX-License-Identifier: MIT
"""The comparison file as a closed schema: one tumour, and the ways in that stand side by side."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field

from cases.schema import units
from cases.schema.quantity import Quantity
from cases.schema.sweep import Path
from cases.schema.table import CLOSED, Duration, Length, Moment

Share = Annotated[float, Quantity(units.NUMBER, 0.0, 1.0)]
Mass = Annotated[float, Quantity(units.MASS, 1e-12, 1.0)]
Flow = Annotated[float, Quantity(units.FLOW_RATE, 0.0, 1e-3)]
Rate = Annotated[float, Quantity(units.RATE, 0.0, 1.0)]
Times = Annotated[float, Quantity(units.NUMBER, 1, 10000, integer=True)]
Factor = Annotated[float, Quantity(units.NUMBER, 0.01, 100.0)]
OXYGEN_DEMAND: Final = units.Dimension("amount per volume and time", "mol/(m^3 s)", "0.02 mol/(m^3 s)")
Overrides = Annotated[list[str], Field(max_length=1000)]


class DoseTable(BaseModel):
    """Drug that is given, once or again and again."""

    model_config = CLOSED
    amount: Mass = Field(description="Of each dose.")
    start: Moment = Field(0.0, description="Of the first.")
    duration: Moment = Field(0.0, description="Of each infusion; by default all at once.")
    times: Times = Field(1, description="How often.")
    every: Duration | None = Field(None, description="From one to the next.")


class OrganTable(BaseModel):
    """The organ around the tumour; by default the liver of an adult."""

    model_config = CLOSED
    liver: bool = Field(True, description="Whether drugs are taken up as by the liver in the library.")
    artery_flow: Flow = Field(0.4e-3 / 60, description="Q_a, of blood in the artery that is infused.")
    portal_flow: Flow = Field(1.1e-3 / 60, description="Of blood that joins it from elsewhere.")
    tumour_share: Share = Field(0.95, description="f_a, of arterial blood in what the tumour receives.")
    mixing: Annotated[float, Quantity(units.NUMBER, 0.1, 10.0)] = Field(
        1.0, description="Infusion in the tumour's branch over its even share (streaming)."
    )


class BeadsTable(BaseModel):
    """Carriers of a chemo-embolisation."""

    model_config = CLOSED
    embolised: Share = Field(0.9, description="Share of the tumour's blood flow that is stopped.")
    vessel_pressure: Share = Field(0.5, description="p_v beyond the stop, over what it was.")
    fast_share: Share = Field(0.1, description="Share of the drug that is released soon.")
    fast_time: Duration = Field(3600.0, description="Mean time of that.")
    slow_time: Duration = Field(30 * 86400.0, description="Mean time of the rest.")
    escaping: Share = Field(0.1, description="Share of what is released that goes to the body at once.")
    radius: Length | None = Field(
        None, description="Of the ball about the needle's tip that beads fill; by default the whole tumour."
    )
    zone: Length | None = Field(
        None,
        description="From the tip, within which they stop the blood; by default the whole tumour.",
    )
    level: Annotated[float, Quantity(units.CONCENTRATION, 1e-12, 1e3)] | None = Field(
        None, description="Of drug in tissue, cells included, whose reach is told over time."
    )


class OxygenTable(BaseModel):
    """Oxygen of the tumour, where beads stop its blood; numbers are priors from memory."""

    model_config = CLOSED
    demand: Annotated[float, Quantity(OXYGEN_DEMAND, 1e-6, 1.0)] = Field(
        0.02, description="M, what its cells use where there is plenty."
    )
    hypoxic: Annotated[float, Quantity(units.PRESSURE, 1.0, 2e4)] = Field(
        1333.22, description="Pressure of oxygen below which tissue counts as hypoxic."
    )
    anoxic: Annotated[float, Quantity(units.PRESSURE, 1.0, 2e4)] = Field(
        133.322, description="Pressure of oxygen below which it counts as without."
    )


class CircuitTable(BaseModel):
    """A closed circuit."""

    model_config = CLOSED
    volume: Annotated[float, Quantity(units.VOLUME, 1e-6, 0.1)] = Field(description="V_c, of perfusate.")
    duration: Duration = Field(3600.0, description="Of the perfusion, from 0.")
    leak_fraction: Annotated[float, Quantity(units.NUMBER, 0.0, 0.999)] = Field(
        0.027, description="Of a tracer that has leaked by the end."
    )
    half_life: Duration | None = Field(None, description="Of the drug in the circuit; by default it stays.")
    wash_volume: Annotated[float, Quantity(units.VOLUME, 0.0, 0.1)] = Field(
        3e-3, description="Of fresh fluid at the end."
    )
    wash_duration: Duration = Field(600.0, description="Over which it flows.")
    temperature: Annotated[float, Quantity(units.TEMPERATURE, 303.15, 318.15)] = Field(
        310.15, description="Of the perfusate."
    )


class OralTable(BaseModel):
    """A prodrug that is swallowed."""

    model_config = CLOSED
    absorption: Rate = Field(2.3e-4, description="Rate at which it leaves the gut.")
    conversion: Rate = Field(2.6e-4, description="Rate at which the prodrug in the body ends.")
    share: Share = Field(0.5, description="Of it that becomes drug in the body.")
    mass_ratio: Factor = Field(1.0, description="Mass of drug that a mass of prodrug may become.")


class RouteTable(BaseModel):
    """One way in."""

    model_config = CLOSED
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="Short name.")
    title: str = Field("", max_length=200, description="As the page calls it.")
    kind: Literal["intravenous", "arterial", "oral", "chemoembolisation", "isolated"] = Field(
        description="Way in; catheters, ports and pumps are arterial and differ in their schedule."
    )
    agent: str = Field(description="Drug of the library.")
    dose: Annotated[list[DoseTable], Field(min_length=1, max_length=1000)] = Field(
        description="Schedule, one [[route.dose]] each."
    )
    set: Overrides = Field([], description="Changes to the base case for this route, as for --set.")
    extraction: Annotated[float, Quantity(units.NUMBER, 0.0, 0.999)] | None = Field(
        None, description="E of one passage, constant; by default the library's, in a liver."
    )
    half_effect: Annotated[float, Quantity(units.DOSE, 1e-9, 1e9)] | None = Field(
        None, description="AUC of half the effect; by default the library's."
    )
    kill_factor: Factor = Field(1.0, description="By which heat or want of oxygen multiply an exposure.")
    beads: BeadsTable | None = Field(None, description="Of a chemo-embolisation.")
    circuit: CircuitTable | None = Field(None, description="Of an isolated perfusion.")
    oral: OralTable | None = Field(None, description="Of a prodrug.")


class RoutesFile(BaseModel):
    """Ways in to one tumour, for Infusate."""

    model_config = CLOSED
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="Short name, as of a case.")
    title: str = Field("", max_length=200, description="One line for people.")
    case: Path = Field(description="Base case, relative to this file: tumour, tissues, and its injection.")
    set: Overrides = Field([], description="Changes to the base case, as for --set.")
    injection: bool = Field(False, description="Whether the base case's injection is among the ways in.")
    end: Duration = Field(description="Until when every route is followed.")
    weight: Annotated[float, Quantity(units.MASS, 1.0, 300.0)] = Field(70.0, description="Of the body.")
    largest_step: Duration = Field(14400.0, description="Upper bound of a step.")
    organ: OrganTable = Field(OrganTable(), description="The organ around the tumour.")
    oxygen: OxygenTable = Field(OxygenTable(), description="Oxygen where beads stop the blood.")
    route: Annotated[list[RouteTable], Field(min_length=1, max_length=50)] = Field(
        description="Vascular ways in, one [[route]] each."
    )

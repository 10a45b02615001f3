# SPDX-License-Identifier: MIT
"""Tables of a case file on blood: what happens to vessels, how it flows, and the body that it returns to."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from cases.schema import units
from cases.schema.quantity import Quantity
from cases.schema.table import CLOSED, Coordinate, Length

Pressure = Annotated[float, Quantity(units.PRESSURE, 0.0, 1e5)]
Conductivity = Annotated[float, Quantity(units.HYDRAULIC_CONDUCTIVITY, 1e-14, 1e-5)]
Share = Annotated[float, Quantity(units.NUMBER, 0.0, 1.0)]
Part = Annotated[float, Quantity(units.NUMBER, 0.01, 0.99)]
Volume = Annotated[float, Quantity(units.VOLUME, 1e-7, 100.0)]
Flow = Annotated[float, Quantity(units.FLOW_RATE, 0.0, 1.0)]


class TwoPressuresTable(BaseModel):
    """Blood flow that finds its way: arterial and venous pressure in the tissue."""

    model_config = CLOSED
    arterial_pressure: Pressure = Field(4666.0, description="P_A, in the arteries that feed the tissue.")
    venous_pressure: Pressure = Field(1067.0, description="P_V, in the veins that drain it.")
    arterial_conductivity: Conductivity = Field(3e-10, description="k_a, along arterioles of open tissue.")
    venous_conductivity: Conductivity = Field(3e-10, description="k_b, along its venules.")
    feeding: Literal["everywhere", "rim", "artery", "boundary"] = Field(
        "rim",
        description="Where feeding arteries and draining veins join: all over, in all tissue but the tumour, "
        "as that but for one artery that alone feeds the tumour, or through the outer boundary alone.",
    )
    artery: Annotated[list[Coordinate], Field(min_length=3, max_length=3)] = Field(
        [0.0, 0.0, 0.0], description="Where that artery opens into the tumour."
    )
    artery_radius: Length = Field(2e-3, description="Radius of the ball in which it does.")
    collaterals: Share = Field(
        0.0, description="Share of arterioles that lead from tissue around into a tumour with its own artery."
    )
    feeder_drop: Part = Field(
        0.3, description="Share of P_A - p_v, and of p_v - P_V, that is lost in feeding vessels at rest."
    )
    lateral_closure: Share = Field(
        1.0, description="Share of arterioles and venules that close with the capillaries around them."
    )
    tolerance: Annotated[float, Quantity(units.NUMBER, 1e-9, 0.1)] = Field(
        1e-3, description="Change of the open fraction from which on the flow of blood is computed anew."
    )


class NetworkTable(BaseModel):
    """A network of vessels through which the tumour's blood flows, from centre lines with radii."""

    model_config = CLOSED
    file: str = Field(
        min_length=1, max_length=1000, description="VTK PolyData (.vtp, .vtk), relative to the case file."
    )
    length_unit: Annotated[float, Quantity(units.LENGTH, 1e-9, 1.0)] = Field(
        description="Length that 1 stands for in the file."
    )
    radius_array: str = Field("Radius", description="Name of the file's point data with the radii.")
    centre: Annotated[list[Coordinate], Field(min_length=3, max_length=3)] | None = Field(
        None, description="Where its middle is put; by default where the file has it."
    )
    flow_direction: Annotated[
        list[Annotated[float, Quantity(units.NUMBER, -1e6, 1e6)]], Field(min_length=3, max_length=3)
    ] = Field(
        description="Free ends in its first twentieth along this are inlets, those in the last outlets."
    )
    ends_seed: Annotated[int, Quantity(units.NUMBER, 0, 2**31, integer=True)] | None = Field(
        None, description="Draws instead which half of all free ends are inlets; the rest are outlets."
    )
    arterial_pressure: Pressure = Field(4666.0, description="Where blood enters the network.")
    venous_pressure: Pressure = Field(1067.0, description="Where blood leaves it.")
    viscosity: Annotated[float, Quantity(units.VISCOSITY, 1e-4, 1.0)] = Field(
        3.5e-3, description="Viscosity of blood."
    )


class VesselsTable(BaseModel):
    """What happens to vessels beside closing under pressure (`physics.closure`)."""

    model_config = CLOSED
    chemical_closure: bool = Field(
        False, description="The agent closes vessels for good, at the agent's closure_rate."
    )
    reopening_gap: Pressure = Field(
        0.0, description="By how much lower than it closed them the pressure must fall to reopen vessels."
    )
    two_pressures: TwoPressuresTable | None = Field(
        None, description="Blood flow that redistributes when vessels close; without it F is a constant."
    )
    network: NetworkTable | None = Field(
        None, description="Blood of the tumour that flows through a network of vessels; 3d only."
    )
    collapsed_below: Part = Field(
        0.1, description="Share of its blood flow at rest below which tissue counts as collapsed."
    )
    exposed_dose: Annotated[float, Quantity(units.DOSE, 1e-9, 1e9)] | None = Field(
        None,
        description="Dose CT from which on tissue counts as exposed; by default the one that closes vessels "
        "to collapsed_below, or else the lowest threshold of CT, or 75 mg min/L where there is none.",
    )


class BodyTable(BaseModel):
    """The body that takes up what blood carries off: the agent's numbers unless given here."""

    model_config = CLOSED
    weight: Annotated[float, Quantity(units.MASS, 1e-3, 500.0)] = Field(70.0, description="Of the body.")
    central_volume: Volume | None = Field(None, description="V_1, in which the agent spreads at once.")
    clearance: Flow | None = Field(None, description="CL, by which the body rids itself of it.")
    exchange_flow: Flow | None = Field(None, description="Q_12, between the two compartments.")
    peripheral_volume: Annotated[float, Quantity(units.VOLUME, 0.0, 100.0)] | None = Field(
        None, description="V_2, of the compartment behind; 0 for one compartment."
    )
    by_product_yield: Annotated[float, Quantity(units.NUMBER, 0.0, 10.0)] | None = Field(
        None, description="Mass of by-product per mass of agent that is used up."
    )
    reference_dose: Annotated[float, Quantity(units.MASS_SHARE, 0.0, 1.0)] | None = Field(
        None, description="Dose of the by-product a day that is held against this one, per body mass."
    )

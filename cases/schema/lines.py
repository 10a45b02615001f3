# SPDX-License-Identifier: MIT
"""Tables of a case file on lines in tissue: the track along a needle, large vessels and networks."""

from typing import Annotated

from pydantic import BaseModel, Field

from cases.schema import units
from cases.schema.geometry import Component, Point
from cases.schema.quantity import Quantity
from cases.schema.table import CLOSED

Pressure = Annotated[float, Quantity(units.PRESSURE, -1e5, 1e6)]
Viscosity = Annotated[float, Quantity(units.VISCOSITY, 1e-5, 10.0)]
Depth = Annotated[float, Quantity(units.LENGTH, 1e-4, 1.0)]
VesselRadius = Annotated[float, Quantity(units.LENGTH, 1e-6, 0.02)]


class BackflowTable(BaseModel):
    """Fluid that returns along the shafts of the needles; tissue holds tight without this table."""

    model_config = CLOSED
    prestress: Annotated[float, Quantity(units.PRESSURE, 0.0, 1e6)] = Field(
        0.0, description="By how much the pressure must rise above rest before tissue leaves the shaft."
    )
    exit_distance: Depth | None = Field(
        None,
        description="Depth of the tip below the surface, along the needle; by default what the mesh holds.",
    )
    exit_pressure: Pressure = Field(0.0, description="Pressure at the surface.")
    viscosity: Viscosity = Field(7e-4, description="Viscosity of the fluid in the track.")
    residual_gap: Annotated[float, Quantity(units.LENGTH, 1e-8, 1e-4)] = Field(
        1e-6, description="Width of the closed track, h0."
    )


class VesselLineTable(BaseModel):
    """A large vessel by `points` and `radius`, or a network from a `file` of centre lines."""

    model_config = CLOSED
    name: str = Field("vessel", min_length=1, max_length=60, description="What it is called.")
    points: Annotated[list[Point], Field(min_length=2, max_length=10000)] | None = Field(
        None, description="Places that the vessel passes, in the direction of flow."
    )
    radius: VesselRadius | None = Field(None, description="Radius of its lumen.")
    file: str | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="VTK PolyData (.vtp, .vtk) of centre lines, relative to the case file.",
    )
    length_unit: Annotated[float, Quantity(units.LENGTH, 1e-9, 1.0)] | None = Field(
        None, description="Length that 1 stands for in the file."
    )
    radius_array: str = Field("Radius", description="Name of the file's point data with the radii.")
    centre: Point | None = Field(
        None, description="Where the middle of the network is put; by default where the file has it."
    )
    flow_direction: Annotated[list[Component], Field(min_length=3, max_length=3)] | None = Field(
        None,
        description="Free ends in the first twentieth of a network along it are inlets, in the last outlets, "
        "others are blind.",
    )
    pressures: Annotated[list[Pressure], Field(min_length=2, max_length=2)] = Field(
        description="Blood pressures where blood enters and where it leaves."
    )
    wall_conductivity: Annotated[float, Quantity(units.WALL_CONDUCTIVITY, 0.0, 1e-6)] = Field(
        2.7e-12, description="Hydraulic conductivity L_p of the wall."
    )
    permeability: Annotated[float, Quantity(units.SPEED, 0.0, 1.0)] = Field(
        description="Permeability P of the wall for the agent."
    )
    oncotic_difference: Pressure = Field(
        0.0, description="sigma (pi_v - pi_i), which holds fluid back in the vessel."
    )
    viscosity: Viscosity = Field(3.5e-3, description="Viscosity of blood.")

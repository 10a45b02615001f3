# SPDX-License-Identifier: MIT
"""Table of a case file on the openings of a needle."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from cases.schema import units
from cases.schema.quantity import Quantity
from cases.schema.table import CLOSED

Distance = Annotated[float, Quantity(units.LENGTH, 1e-4, 0.1)]


class SideHolesTable(BaseModel):
    """Holes in the wall of a needle, in rings about its axis."""

    model_config = CLOSED
    distances: Annotated[list[Distance], Field(min_length=1, max_length=50)] = Field(
        description="Distance of each ring of holes from the tip, along the needle."
    )
    number: Annotated[int, Quantity(units.NUMBER, 1, 64, integer=True)] = Field(
        2, description="Holes in each ring."
    )
    radius: Annotated[float, Quantity(units.LENGTH, 1e-6, 2e-3)] = Field(
        1e-4, description="Radius of a hole."
    )
    source_radius: Annotated[float, Quantity(units.LENGTH, 1e-5, 0.05)] = Field(
        1e-3, description="Radius about the axis within which fluid from a ring enters the tissue."
    )
    tip: Literal["open", "closed"] = Field("open", description="Whether fluid also leaves through the tip.")
    split: Literal["equal", "poiseuille"] = Field(
        "poiseuille",
        description="How openings share the flow: alike, or by the resistances of lumen and holes.",
    )

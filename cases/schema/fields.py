# SPDX-License-Identifier: MIT
"""Tables of a case file on tissue that varies within a region: images, mesh data, random fields."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from cases.schema import units
from cases.schema.quantity import Quantity
from cases.schema.table import CLOSED

Factor = Annotated[float, Quantity(units.NUMBER, 1e-12, 1e12)]


class TissueFieldTable(BaseModel):
    """A quantity of tissue that varies within regions: a factor on the number of the tissue, cell by cell."""

    model_config = CLOSED
    quantity: Literal["hydraulic_conductivity", "vessel_surface", "perfusion", "vessels", "porosity"] = Field(
        description="What varies; vessels stands for vessel_surface and perfusion together."
    )
    source: Literal["image", "mesh", "random"] = Field(
        description="An image (NIfTI, NRRD, MHA; RAS), data on a mesh (VTK, VTU, XDMF), or a random field."
    )
    regions: Annotated[list[str], Field(min_length=1, max_length=10)] = Field(
        ["tumour"], description="Regions in which it holds."
    )
    path: str | None = Field(
        None, min_length=1, max_length=1000, description="File of image or mesh, relative to the case file."
    )
    array: str | None = Field(
        None, min_length=1, max_length=200, description="Name of the data on points or cells of the mesh."
    )
    length_unit: str = Field("m", max_length=60, description="Unit of length of the mesh data.")
    mode: Literal["value", "factor", "ratio"] = Field(
        "factor",
        description="Whether the source holds the quantity itself, what multiplies the tissue's number, or "
        "what does so after division by its mean over the regions.",
    )
    unit: str | None = Field(
        None, max_length=60, description='Unit of the values of the source, for mode "value": "1/min".'
    )
    fill: Literal["tissue", "nearest", "median"] = Field(
        "tissue",
        description="Outside the source and in its holes (NaN): the tissue's own number, the nearest of the "
        "source, or the median of what it has in the regions.",
    )
    smallest: Factor = Field(1e-6, description="Lower bound of the factor.")
    largest: Factor = Field(1e6, description="Upper bound of the factor.")
    correlation_length: Annotated[float, Quantity(units.LENGTH, 1e-5, 1.0)] | None = Field(
        None, description="Distance at which the correlation of a random field has fallen to about 0.13."
    )
    log_deviation: Annotated[float, Quantity(units.NUMBER, 0.0, 5.0)] | None = Field(
        None, description="Standard deviation of the natural logarithm of a random field."
    )
    smoothness: Literal["exponential", "smooth"] = Field(
        "exponential", description="Matern covariance of a random field: nu = 1/2 (exponential) or 5/2."
    )
    seed: Annotated[int, Quantity(units.NUMBER, 0, 2**31, integer=True)] = Field(
        0, description="Seed of a random field."
    )

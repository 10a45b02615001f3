# SPDX-License-Identifier: MIT
"""Table of a case file on a mesh of the user's own: file, unit, what its groups are."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from cases.schema import units
from cases.schema.quantity import Quantity
from cases.schema.table import CLOSED
from cases.schema.units import UnitError

GroupName = Annotated[str, Field(min_length=1, max_length=200)]
Region = Literal["tumour", "tissue", "necrotic_core", "capsule", "large_artery", "large_vein", "portal_vein"]
Surface = Literal["outer_boundary", "organ_surface"]


@dataclass(frozen=True)
class LengthUnit(Quantity):
    """A unit of length by its name, or a length that one unit of the file stands for."""

    def read(self, value: object) -> float:
        """Metres per unit: of `"mm"`, or of `"0.5 mm"`; see ``Quantity.read``."""
        if isinstance(value, str) and value.strip() and not any(c.isdigit() for c in value.strip()[:1]):
            try:
                return super().read(f"1 {value.strip()}")
            except UnitError as error:
                raise UnitError(f'found "{value[:60]}"; expected a unit of length such as "mm"') from error
        return super().read(value)


UnitOfLength = Annotated[float, LengthUnit(units.LENGTH, 1e-9, 1.0)] | None


class MeshTable(BaseModel):
    """A mesh that another program made; coordinates as in its file."""

    model_config = CLOSED
    file: str = Field(
        min_length=1,
        max_length=1000,
        description="Gmsh, VTK, XDMF, MED, Medit, Abaqus, Nastran or Exodus file, beside the case file.",
    )
    unit: UnitOfLength = Field(
        None, description="Unit of length of the file, such as mm; no format tells it, so it is asked for."
    )
    regions: dict[GroupName, Region] = Field(
        max_length=100,
        description="What each group of cells is, by its name or number in the file; * is all others.",
    )
    boundaries: dict[GroupName, Surface] = Field(
        {}, max_length=100, description="What each group of facets on the outside is."
    )
    outside: Surface | None = Field(
        None, description="What the faces on the outside are that boundaries does not name."
    )
    tags: str | None = Field(
        None, max_length=200, description="Cell data of whole numbers that name the groups (VTK, XDMF)."
    )
    refine: bool = Field(True, description="Make cells around the needle tips finer, as numerics asks for.")

# SPDX-License-Identifier: MIT
"""Tables of a case file on where: tumour, tissue around it, label maps, injections, needles."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from cases.schema import units
from cases.schema.delivery import SideHolesTable
from cases.schema.mesh import MeshTable, UnitOfLength
from cases.schema.quantity import Quantity
from cases.schema.table import CLOSED, ONE_OR_MORE, Coordinate, Duration, Length, Moment

Point = Annotated[list[Coordinate], Field(min_length=3, max_length=3)]
Component = Annotated[float, Quantity(units.NUMBER, -1e6, 1e6)]
Radius = Annotated[float, Quantity(units.LENGTH, 1e-5, 1.0)]


class TumourTable(BaseModel):
    """An ellipsoidal tumour: `radius` or `semi_axes`."""

    model_config = CLOSED
    radius: Radius | None = Field(None, description="Radius of a spherical tumour.")
    semi_axes: Annotated[list[Radius], Field(min_length=3, max_length=3)] | None = Field(
        None, description="Semi-axes of an ellipsoidal tumour along x, y and z."
    )
    centre: Point = Field([0.0, 0.0, 0.0], description="Centre of the tumour and of the domain.")


class CoreTable(BaseModel):
    """A necrotic core of the tumour's shape."""

    model_config = CLOSED
    fraction: Annotated[float, Quantity(units.NUMBER, 0.05, 0.95)] = Field(
        description="Semi-axes of the core over those of the tumour."
    )


class CapsuleTable(BaseModel):
    """A capsule around the tumour; it counts as outside."""

    model_config = CLOSED
    thickness: Length = Field(description="Thickness of the capsule, outside the tumour surface.")


class MaskTable(BaseModel):
    """One structure in a label map."""

    model_config = CLOSED
    path: str = Field(
        min_length=1,
        max_length=1000,
        description="NIfTI, NRRD or MHA file, or a closed surface, relative to the case file.",
    )
    labels: list[Annotated[int, Quantity(units.NUMBER, 1, 65535, integer=True)]] = Field(
        [], max_length=1000, description="Voxel values of the structure; none for every value above zero."
    )
    unit: UnitOfLength = Field(
        None, description="Unit of length of a surface (STL, PLY, OBJ, VTP); needed there."
    )
    voxel: Annotated[float, Quantity(units.LENGTH, 1e-5, 1e-2)] | None = Field(
        None,
        description="Voxels that a surface is taken to; by default a fiftieth of its shortest extent, within "
        "0.5 mm and 2 mm.",
    )


Masks = Annotated[list[MaskTable], Field(max_length=100), ONE_OR_MORE]


class LabelsTable(BaseModel):
    """A tumour from label maps; coordinates RAS (right, anterior, superior)."""

    model_config = CLOSED
    tumour: Annotated[Masks, Field(min_length=1)] = Field(
        description="Mask, or list of masks, whose union is the tumour."
    )
    organ: Masks = Field(
        [], description="Masks whose union with the tumour is the organ; none for tissue everywhere."
    )
    necrotic_core: Masks = Field([], description="Masks whose union is the necrotic core.")
    large_artery: Masks = Field(
        [], description="Masks of large arteries: cells of tissue mostly inside are a region of their own."
    )
    large_vein: Masks = Field([], description="The same of large veins.")
    portal_vein: Masks = Field([], description="The same of the portal vein.")
    margin: Annotated[float, Quantity(units.LENGTH, 1e-3, 0.3)] = Field(
        0.035, description="Tissue kept around the tumour's bounding sphere."
    )
    smoothing: Annotated[float, Quantity(units.LENGTH, 0.0, 0.02)] | None = Field(
        None,
        description="Standard deviation of the smoothing of the tumour surface; by default the smaller of "
        "slice thickness and a tenth of the tumour's radius.",
    )


class GeometryTable(BaseModel):
    """Where: a parametric tumour, label maps and surfaces, or a mesh."""

    model_config = CLOSED
    kind: Literal["radial", "axisymmetric", "3d"] = Field(
        description="radial: spherical symmetry; axisymmetric: needles along z through the centre; 3d."
    )
    domain_radius: Annotated[float, Quantity(units.LENGTH, 2e-5, 10.0)] | None = Field(
        None, description="Radius of the ball of tissue around the tumour's centre."
    )
    tumour: TumourTable | None = Field(None, description="The parametric tumour.")
    necrotic_core: CoreTable | None = Field(None, description="Necrotic core; none by default.")
    capsule: CapsuleTable | None = Field(None, description="Capsule of the tumour; none by default.")
    labels: LabelsTable | None = Field(
        None, description="Label maps or closed surfaces, instead of a parametric tumour."
    )
    mesh: MeshTable | None = Field(None, description="A mesh of your own, instead of a parametric tumour.")


class NeedleTable(BaseModel):
    """A needle: a new one by both diameters, or changes to one of the library."""

    model_config = CLOSED
    base: str | None = Field(None, description="Needle of the library to start from.")
    outer_diameter: Annotated[float, Quantity(units.LENGTH, 5e-5, 5e-3)] | None = Field(
        None, description="Outer diameter; half of it is the radius of the cavity at the tip."
    )
    inner_diameter: Annotated[float, Quantity(units.LENGTH, 1e-5, 5e-3)] | None = Field(
        None, description="Inner diameter of the lumen."
    )
    length: Annotated[float, Quantity(units.LENGTH, 1e-3, 1.0)] | None = Field(
        None, description="Length from hub to tip, along which the injectate loses pressure."
    )
    side_holes: SideHolesTable | None = Field(None, description="Side holes; none by default.")


class InjectionTable(BaseModel):
    """One pulse through one needle."""

    model_config = CLOSED
    tip: Point = Field(description="Position of the needle's tip.")
    direction: Annotated[list[Component], Field(min_length=3, max_length=3)] = Field(
        description="Direction of the needle, from the entry towards the tip; any length but zero."
    )
    start: Moment = Field(description="Time at which the pulse starts.")
    volume: Annotated[float, Quantity(units.VOLUME, 1e-15, 1e-3)] = Field(
        description="Volume injected; the most that goes in at a pressure."
    )
    rate: Annotated[float, Quantity(units.FLOW_RATE, 1e-15, 1e-4)] | None = Field(
        None, description="Volume injected per time, Q; or give pressure and duration."
    )
    pressure: Annotated[float, Quantity(units.PRESSURE, 1.0, 1e7)] | None = Field(
        None, description="Pressure at which the syringe is held, instead of a rate; it ends with the volume."
    )
    rise: Duration | None = Field(
        None, description="Time over which that pressure rises from zero; by default it is there at once."
    )
    duration: Duration | None = Field(
        None, description="Longest time for which the syringe is held at the pressure."
    )
    suck_back: bool = Field(
        False, description="Whether tissue of a higher pressure empties into a syringe held at a pressure."
    )
    line_resistance: Annotated[float, Quantity(units.RESISTANCE, 0.0, 1e18)] = Field(
        0.0, description="Resistance of syringe and tubing, beside that of the needle."
    )
    withdraw: bool = Field(False, description="Take the volume out at the rate, instead of injecting it.")
    suction: Annotated[float, Quantity(units.PRESSURE, -9e4, 1e5)] = Field(
        -1e3,
        description="Lowest pressure at a tip that takes fluid out: tissue that gives less closes over it.",
    )
    syringe_decay: Annotated[float, Quantity(units.RATE, 0.0, 10.0)] = Field(
        0.0, description="Rate at which the agent decays in the syringe."
    )
    filled: Annotated[float, Quantity(units.TIME, -1e7, 1e8)] = Field(
        0.0, description="Time at which the syringe was filled with the stated concentration."
    )
    needle: str = Field("22G", description="Name of a needle, of the library or of [needles].")
    concentration: Annotated[float, Quantity(units.CONCENTRATION, 1e-9, 2000.0)] | None = Field(
        None, description="Concentration of the agent in what is injected, C_in; by default the agent's."
    )
    source_radius: Annotated[float, Quantity(units.LENGTH, 1e-5, 0.1)] | None = Field(
        None, description="Radius of a distributed source; by default the wall of a cavity is resolved."
    )
    allow_outside: bool = Field(False, description="Accept a tip outside the tumour.")
    cavity: Literal["rigid", "neo_hookean"] = Field(
        "rigid",
        description="Whether the cavity at the tip keeps its size, or opens as a neo-Hookean solid lets it "
        "and holds what it takes up until the pressure falls.",
    )

# SPDX-License-Identifier: MIT
"""Tables of a case file on how: physics switches, numerics, mesh sizes."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, Field

from cases.schema import units
from cases.schema.accuracy import Accuracy
from cases.schema.quantity import Quantity
from cases.schema.table import CLOSED, Duration
from solver.tissue.conductivity import LAWS

if TYPE_CHECKING:
    ConductivityLaw = str
else:
    # the solver's table is the one list of laws: a new one is known to case files at once
    ConductivityLaw = Literal[tuple(LAWS)]
BoundaryName = Literal["robin", "fixed", "no_flux"]
SupportName = Literal["elastic", "free", "fixed"]
Tolerance = Annotated[float, Quantity(units.NUMBER, 1e-15, 0.5)]
EdgeLength = Annotated[float, Quantity(units.LENGTH, 1e-7, 1.0)]


class PhysicsTable(BaseModel):
    """Which effects are on."""

    model_config = CLOSED
    flow: Literal["storage", "steady", "biot"] = Field(
        "storage",
        description="Whether tissue stores fluid (dp/dt kept), or does so by a displacement that is solved "
        "for with the pressure (biot).",
    )
    conductivity: ConductivityLaw = Field(
        "fissuring", description="Law of the hydraulic conductivity against pressure."
    )
    vessels: bool = Field(True, description="Starling exchange of fluid with blood.")
    closure: Literal["pressure", "none"] = Field("pressure", description="Closure of vessels by pressure.")
    perfusion_cap: bool = Field(True, description="Bound the exchange of fluid by blood flow.")
    lymph: bool = Field(True, description="Drainage by lymphatics.")
    reaction: bool = Field(True, description="First-order reaction of the agent.")
    diffusion: bool = Field(True, description="Diffusion of the agent.")
    dispersion: bool = Field(False, description="Mechanical dispersion of the agent by the flow.")
    viscosity: bool = Field(
        False,
        description="Injectate that is more viscous than interstitial fluid, or gels, lowers K where it is.",
    )
    agent_exchange: Literal["flow_limited", "patlak", "convective"] = Field(
        "flow_limited",
        description="Loss of agent to blood: all that flow carries, by permeability, or with absorbed fluid.",
    )
    far_field: BoundaryName = Field("robin", description="Condition on the artificial outer boundary.")
    organ_surface: BoundaryName = Field("no_flux", description="Condition on the surface of the organ.")
    control: Literal["saline"] | None = Field(
        None,
        description="Control run: the same injection, the agent a tracer that neither reacts nor harms.",
    )
    far_pressure: Annotated[float, Quantity(units.PRESSURE, -1e5, 1e6)] | None = Field(
        None, description="Pressure far away; by default the resting pressure of the tissue there."
    )
    far_support: SupportName = Field(
        "elastic",
        description="What holds the artificial outer boundary, with biot: infinite tissue around it, nothing "
        "or a rigid wall.",
    )
    organ_support: SupportName = Field(
        "free", description="What holds the surface of the organ, with biot: the same."
    )


class MeshTable(BaseModel):
    """Edge lengths that replace those of the rule; all others still follow `cells_per_front`."""

    model_config = CLOSED
    tip: EdgeLength | None = Field(None, description="Edge length at a tip.")
    front: EdgeLength | None = Field(
        None, description="Edge length in the shell where the agent's front ends up."
    )
    front_start: EdgeLength | None = Field(
        None, description="Distance from a tip at which that shell begins."
    )
    front_radius: EdgeLength | None = Field(None, description="Distance from a tip at which that shell ends.")
    surface: EdgeLength | None = Field(None, description="Edge length on the tumour surface.")
    far: EdgeLength | None = Field(None, description="Largest edge length.")
    growth: Annotated[float, Quantity(units.NUMBER, 0.01, 2.0)] | None = Field(
        None, description="Increase of edge length per length travelled away from a tip or surface."
    )
    stretch: Annotated[float, Quantity(units.NUMBER, 1.0, 4.0)] | None = Field(
        None, description="Edge length across the radius from a tip over that along it; 3d only."
    )


class NumericsTable(BaseModel):
    """How the equations are solved."""

    model_config = CLOSED
    accuracy: Annotated[str | float, Accuracy()] = Field(
        "standard",
        description="How exact: draft, standard, fine, or the relative error of the ablation volumes that is "
        'aimed at, such as 0.02 or "2 %". Sets cells_per_front, flow_tolerance and step_tolerance together; '
        "those that are given win.",
    )
    cells_per_front: Annotated[float, Quantity(units.NUMBER, 0.2, 100.0)] | None = Field(
        None,
        description="Cells across the width of the agent's front, which set the mesh; by default those of "
        "accuracy.",
    )
    mesh: MeshTable = Field(MeshTable(), description="Single edge lengths, for mesh studies.")
    first_step: Duration = Field(0.1, description="Length of the step after an event.")
    largest_step: Duration = Field(86400.0, description="Upper bound of a step.")
    smallest_step: Duration = Field(1e-6, description="Below this the run stops.")
    step_growth: Annotated[float, Quantity(units.NUMBER, 1.0, 10.0)] = Field(
        2.0, description="Largest ratio of successive steps."
    )
    flow_tolerance: Tolerance = Field(
        3e-2, description="Error of one step of the flow, relative to the volume of a pulse."
    )
    step_tolerance: Tolerance = Field(
        1e-3, description="Error of one step of the agent, relative to the mass of a pulse."
    )
    fixed_step: Duration | None = Field(
        None, description="Constant step; by default the error sets the step."
    )
    fixed_step_between: Duration | None = Field(
        None,
        description="Constant step between pulses and after them, by the longest time that a pulse may "
        "take; that of fixed_step if not given.",
    )
    newton_tolerance: Tolerance = Field(
        1e-8, description="Residual of the flow equation over the injection rate."
    )
    newton_limit: Annotated[int, Quantity(units.NUMBER, 1, 1000, integer=True)] = Field(
        80, description="Newton iterations before the step is cut."
    )
    krylov_tolerance_pressure: Tolerance = Field(
        1e-3, description="Smallest relative tolerance of the linear solve in a Newton iteration."
    )
    krylov_tolerance_agent: Tolerance = Field(1e-14, description="Relative, preconditioned.")
    target_tolerance: Tolerance | None = Field(
        None,
        description="Of the linear solves that shape the limited fluxes, relative; what is conserved and "
        "bounded is so whatever it is. By default 1e-6, or a hundred times newton_tolerance if that is less.",
    )
    coupling_tolerance: Tolerance = Field(
        1e-3, description="Of pressure and displacement, with biot: volume over what a step injects."
    )
    limiter: bool = Field(True, description="Flux limiting; off gives the monotone first-order scheme.")

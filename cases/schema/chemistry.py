# SPDX-License-Identifier: MIT
"""Tables of a case file on reactions beside first-order decay, and on what kills cells."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from cases.schema import units
from cases.schema.quantity import Quantity
from cases.schema.table import CLOSED, Duration, Moment

Share = Annotated[float, Quantity(units.NUMBER, 0.0, 1.0)]
Part = Annotated[float, Quantity(units.NUMBER, 1e-6, 0.999999)]
Power = Annotated[float, Quantity(units.NUMBER, 0.05, 10.0)]
Concentration = Annotated[float, Quantity(units.CONCENTRATION, 1e-12, 2000.0)]
Parts = Annotated[list[Part], Field(min_length=1, max_length=10)]
Durations = Annotated[list[Duration], Field(min_length=1, max_length=10)]
Concentrations = Annotated[list[Concentration], Field(min_length=1, max_length=10)]
WhereName = Literal["tumour", "everywhere"]


class UptakeTable(BaseModel):
    """A second phase beside the interstitial fluid: cells, or what binds the agent."""

    model_config = CLOSED
    membrane_rate: Annotated[float, Quantity(units.RATE, 1e-9, 1e6)] = Field(
        description="P_m S_c/V, permeability of membranes times their surface per volume of tissue."
    )
    cell_fraction: Annotated[float, Quantity(units.NUMBER, 0.001, 0.99)] = Field(
        0.4, description="phi_c, volume of the phase per volume of tissue."
    )
    partition: Annotated[float, Quantity(units.NUMBER, 1e-6, 1e6)] = Field(
        1.0, description="K, concentration in the phase over that in fluid, in equilibrium."
    )
    reaction_rate: Annotated[float, Quantity(units.RATE, 0.0, 1e6)] = Field(
        0.0, description="k_c, first-order loss in the phase."
    )


class ChemistryTable(BaseModel):
    """Reactions beside first-order decay (`physics.reaction`); numbers are those of agent and tissues."""

    model_config = CLOSED
    reductant: bool = Field(
        False, description="Tissue holds a finite reductant, which the agent uses up (second order)."
    )
    by_product: Literal["none", "formed", "carried"] = Field(
        "none",
        description="What the agent turns into: not followed, booked where formed, or carried by the flow.",
    )
    uptake: UptakeTable | None = Field(
        None, description="Cells that take the agent up; reductant is then met inside them."
    )


class SurvivalTable(BaseModel):
    """Chick and Watson: ln S = -k_d times the integral of C^n dt."""

    model_config = CLOSED
    concentration: Concentration = Field(description="Concentration at which the times hold.")
    times: Durations = Field(
        description="Times in which that concentration leaves a tenth of the cells, a band."
    )
    exponent: Power = Field(1.0, description="n, of the concentration.")


class HomTable(BaseModel):
    """Hom: ln S = -k_d (integral of C^(n/m) dt)^m."""

    model_config = CLOSED
    concentration: Concentration = Field(description="Concentration at which the times hold.")
    times: Durations = Field(
        description="Times in which that concentration leaves a tenth of the cells, a band."
    )
    exponent: Power = Field(1.0, description="n, of the concentration.")
    time_exponent: Power = Field(
        1.5, description="m, of the time: above 1 kill is slow at first, below 1 it tails off."
    )


class HeatTable(BaseModel):
    """Prescribed heating; the thermal dose is the equivalent time at 43 degC."""

    model_config = CLOSED
    temperature: Annotated[float, Quantity(units.TEMPERATURE, 273.15, 373.15)] = Field(
        description="Temperature while it lasts."
    )
    start: Moment = Field(0.0, description="Start of heating.")
    duration: Duration = Field(description="How long it lasts.")
    where: WhereName = Field("tumour", description="What is heated.")
    doses: Durations = Field(
        [3600.0, 14400.0], description="Equivalent times at 43 degC that are taken to kill, a band."
    )


class IschaemiaTable(BaseModel):
    """Lack of oxygen: where vessels are closed, or prescribed."""

    model_config = CLOSED
    open_fraction: Share = Field(
        0.1, description="Share of open vessels below which oxygen lacks; 0 if closure does not count."
    )
    times: Durations = Field(
        description="Times without oxygen, in one stretch, that are taken to kill, a band."
    )
    start: Moment = Field(0.0, description="Start of a prescribed lack of oxygen.")
    duration: Annotated[float, Quantity(units.TIME, 0.0, 1e8)] = Field(
        0.0, description="How long that lasts; 0 for none."
    )
    where: WhereName = Field("tumour", description="Where it is prescribed.")


class DrugTable(BaseModel):
    """Exposure to a drug: kill E_max x^h/(1 + x^h), x = AUC/(EC50 t)."""

    model_config = CLOSED
    half_effect: Concentrations = Field(description="EC50 of an assay, a band.")
    assay_time: Duration = Field(description="t, exposure in that assay.")
    hill: Power = Field(1.0, description="h.")
    largest: Part | None = Field(None, description="E_max; by default 1.")
    phase: Literal["interstitium", "cells"] = Field(
        "interstitium", description="Whose concentration counts; cells need chemistry.uptake."
    )


class KillTable(BaseModel):
    """What kills cells, in separate channels that are never added."""

    model_config = CLOSED
    levels: Parts = Field([0.9, 0.99, 0.999], description="Killed shares that volumes are stated for.")
    decisive: Part = Field(0.99, description="Killed share by which channels are set against one another.")
    depletion: Parts | None = Field(
        None, description="Shares of the reductant below which cells are taken to die, a band."
    )
    chick_watson: SurvivalTable | None = Field(None, description="Survival by dose.")
    hom: HomTable | None = Field(None, description="Survival by dose and time.")
    heat: HeatTable | None = Field(None, description="Prescribed heating.")
    ischaemia: IschaemiaTable | None = Field(None, description="Lack of oxygen.")
    drug: DrugTable | None = Field(None, description="Exposure to a drug.")

# SPDX-License-Identifier: MIT
"""The planning file as a closed schema: a base case, what may be chosen, and what is to be reached."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from cases.schema import units
from cases.schema.quantity import Quantity
from cases.schema.sweep import Bound, Count, KeyText, Path, SampleTable, Seed
from cases.schema.table import CLOSED

Share = Annotated[float, Quantity(units.NUMBER, 0.0, 1.0)]


class VariableTable(BaseModel):
    """One number that the plan may choose."""

    model_config = CLOSED
    key: KeyText = Field(description="Key of the case file, such as injection.0.rate or injection.0.tip.2.")
    low: Bound = Field(description="Smallest value, with its unit.")
    high: Bound = Field(description="Largest value, with its unit.")
    spacing: Literal["linear", "log"] = Field("linear", description="How values are tried between the two.")


class GoalTable(BaseModel):
    """What is to be reached, at least spill."""

    model_config = CLOSED
    coverage: Share = Field(0.95, description="Share of the tumour at or above the threshold.")
    threshold: Annotated[float, Quantity(units.DOSE, 1e-9, 1e9)] = Field(
        4.5,
        description="Of the dose CT, within the tumour; to be stated if the library has none of the agent.",
    )
    pressure_limit: Annotated[float, Quantity(units.PRESSURE, 1.0, 1e9)] | None = Field(
        None, description="Largest pressure at a tip; none by default."
    )
    reliability: Annotated[float, Quantity(units.NUMBER, 0.5, 0.99)] = Field(
        0.5,
        description="Share of the draws of [sample] in which the goal is to be reached; 0.5 is the median.",
    )


class PlanFile(BaseModel):
    """A search for an injection, for Infusate."""

    model_config = CLOSED
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="Short name, as of a case.")
    title: str = Field("", max_length=200, description="One line for people.")
    case: Path = Field(description="Base case, relative to this file; it is the plan that others must beat.")
    set: Annotated[list[str], Field(max_length=1000)] = Field(
        [], description="Changes that make the search cheap, such as numerics.accuracy=draft, as for --set."
    )
    confirm: Annotated[list[str], Field(max_length=1000)] = Field(
        [], description="Changes instead of `set` for the runs that confirm the best plans."
    )
    confirmed: Count = Field(3, description="Number of best plans that are run again to confirm them.")
    trials: Count = Field(60, description="Number of plans that are tried.")
    seed: Seed = Field(0, description="Of the search; it is recorded.")
    goal: GoalTable = Field(GoalTable(), description="What is to be reached.")
    variable: Annotated[list[VariableTable], Field(min_length=1, max_length=50)] = Field(
        description="What may be chosen, one [[variable]] each."
    )
    sample: SampleTable | None = Field(
        None, description="Draws from priors; every plan is run on each, and judged by `goal.reliability`."
    )

# SPDX-License-Identifier: MIT
"""The case file as a closed schema: every key, its unit, range, default and meaning."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from pydantic_core import core_schema

from cases.schema import units
from cases.schema.chemistry import ChemistryTable, KillTable
from cases.schema.fields import TissueFieldTable
from cases.schema.geometry import GeometryTable, InjectionTable, NeedleTable
from cases.schema.lines import BackflowTable, VesselLineTable
from cases.schema.materials import AgentChoice, TissuesTable
from cases.schema.numerics import NumericsTable, PhysicsTable
from cases.schema.quantity import Quantity
from cases.schema.table import CLOSED, Duration, Moment
from cases.schema.vessels import BodyTable, VesselsTable


@dataclass(frozen=True)
class Level:
    """A threshold.

    Attributes:
        value: in SI.
        label: the user's text.
    """

    value: float
    label: str


@dataclass(frozen=True)
class LevelOf(Quantity):
    """A quantity that remembers its text."""

    def read_level(self, value: object) -> Level:
        """The value and the text; see ``Quantity.read``."""
        return Level(self.read(value), " ".join(str(value).split()))

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        """Validation by ``read_level``."""
        return core_schema.no_info_plain_validator_function(self.read_level)


Doses = Annotated[list[Annotated[Level, LevelOf(units.DOSE, 1e-9, 1e9)]], Field(max_length=50)]
Peaks = Annotated[list[Annotated[Level, LevelOf(units.CONCENTRATION, 1e-12, 2000.0)]], Field(max_length=50)]


class ThresholdsTable(BaseModel):
    """Levels over which ablation volumes are reported; by default those that the library has for the agent.

    Of the shipped agents only chlorine dioxide has any.
    """

    model_config = CLOSED
    ct: Doses | None = Field(
        None,
        description="Levels of the dose CT, the integral of concentration over time; by default the agent's: "
        "for chlorine dioxide 10, 75 and 150 mg min/L, for the library's other agents none.",
    )
    peak: Peaks | None = Field(
        None, description="Levels of the peak concentration; by default the agent's, if it has any."
    )


class OutputsTable(BaseModel):
    """When the run ends and when fields are written."""

    model_config = CLOSED
    end: Duration | None = Field(None, description="End of the run; by default 5/k after the last pulse.")
    times: Annotated[list[Moment], Field(max_length=10000)] | None = Field(
        None,
        description="Times at which fields are written, beside start and end; by default the ends of pulses.",
    )
    every: Duration | None = Field(
        None, description="Interval at which fields are written, instead of `times`."
    )
    figures: bool = Field(True, description="Draw figures and the report.")


class CheckpointTable(BaseModel):
    """When a run keeps its state on the disk, so that it can go on after a stop or a crash."""

    model_config = CLOSED
    interval: Duration = Field(600.0, description="Wall time between checkpoints.")
    at: Annotated[list[Literal["pulses", "outputs"]], Field(max_length=2)] = Field(
        [], description="Also where pulses start and end, and where fields are written."
    )


ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
"""Text without what moves a cursor or turns the direction of writing."""


class CaseFile(BaseModel):
    """An injection into a tumour, for Infusate."""

    model_config = CLOSED
    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$",
        description="Short name: lower case, digits, hyphens, underscores.",
    )
    title: str = Field("", max_length=200, pattern=ONE_LINE, description="One line for people.")
    geometry: GeometryTable = Field(description="Where.")
    tissues: TissuesTable = Field(TissuesTable(), description="Tissue of each region.")
    tissue_fields: Annotated[list[TissueFieldTable], Field(max_length=50)] = Field(
        [], description="Quantities that vary within regions, one [[tissue_fields]] each."
    )
    agent: AgentChoice = Field(description="What is injected.")
    needles: dict[str, NeedleTable] = Field(
        {}, max_length=100, description="Needles by name, beside those of the library."
    )
    injection: Annotated[list[InjectionTable], Field(min_length=1, max_length=1000)] = Field(
        description="Pulses, one [[injection]] each."
    )
    vessels: VesselsTable | None = Field(
        None, description="What happens to vessels beside closing under pressure."
    )
    body: BodyTable | None = Field(None, description="The body that takes up what blood carries off.")
    backflow: BackflowTable | None = Field(
        None, description="Fluid that returns along the shafts of the needles."
    )
    vessel_lines: Annotated[list[VesselLineTable], Field(max_length=50)] = Field(
        [], description="Large vessels and networks, one [[vessel_lines]] each."
    )
    chemistry: ChemistryTable | None = Field(None, description="Reactions beside first-order decay.")
    kill: KillTable | None = Field(None, description="What kills cells, channel by channel.")
    physics: PhysicsTable = Field(PhysicsTable(), description="Which effects are on.")
    thresholds: ThresholdsTable = Field(ThresholdsTable(), description="Levels for ablation volumes.")
    outputs: OutputsTable = Field(OutputsTable(), description="End of the run, and what is written.")
    numerics: NumericsTable = Field(NumericsTable(), description="How the equations are solved.")
    checkpoint: CheckpointTable = Field(CheckpointTable(), description="When the state of a run is kept.")

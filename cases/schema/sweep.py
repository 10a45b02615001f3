# SPDX-License-Identifier: MIT
"""The sweep file as a closed schema: a base case, axes or samples, and how cases are grouped."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from cases.schema import units
from cases.schema.quantity import Quantity
from cases.schema.table import CLOSED, Length

Count = Annotated[int, Quantity(units.NUMBER, 1, 1_000_000, integer=True)]
Seed = Annotated[int, Quantity(units.NUMBER, 0, 2**31 - 1, integer=True)]
Path = Annotated[str, Field(min_length=1, max_length=1000)]
KeyText = Annotated[str, Field(min_length=1, max_length=200)]
Command = Annotated[str, Field(min_length=1, max_length=2000)]
Entry = str | float | int | bool
Bound = str | float | int
Distribution = Literal["uniform", "log_uniform", "normal", "log_normal"]


class AxisTable(BaseModel):
    """One axis: a key with its values, or several keys that vary together."""

    model_config = CLOSED
    key: KeyText | None = Field(None, description="Key of the case file that varies, as for --set.")
    values: Annotated[list[Entry], Field(max_length=100_000)] | None = Field(
        None, description="Its values, as a case file would state them."
    )
    start: Bound | None = Field(None, description="First value of a range, with its unit.")
    stop: Bound | None = Field(None, description="Last value of a range, with its unit.")
    count: Count | None = Field(None, description="Number of values in a range.")
    spacing: Literal["linear", "log"] = Field("linear", description="Of the values in a range.")
    keys: Annotated[list[KeyText], Field(max_length=100)] | None = Field(
        None, description="Keys that vary together, instead of `key`."
    )
    rows: Annotated[list[list[Entry]], Field(max_length=100_000)] | None = Field(
        None, description="Values of `keys`, one row for each step along the axis."
    )
    csv: Path | None = Field(
        None, description="CSV file with the keys in its first line, one row a step; relative to the sweep."
    )


class PriorTable(BaseModel):
    """How a key is distributed: one of the shipped priors, or a distribution of one's own."""

    model_config = CLOSED
    key: KeyText = Field(description="Key of the case file that is drawn.")
    distribution: Distribution | None = Field(
        None, description="Of the values; by default that of the shipped table of priors."
    )
    low: Bound | None = Field(None, description="Smallest value, with its unit.")
    high: Bound | None = Field(None, description="Largest value, with its unit.")
    centre: Bound | None = Field(None, description="Mean of `normal`, median of `log_normal`.")
    spread: Bound | None = Field(
        None, description="Standard deviation of `normal`; factor of one standard deviation of `log_normal`."
    )


class CorrelationTable(BaseModel):
    """Rank correlation of two drawn keys, by a Gaussian copula."""

    model_config = CLOSED
    keys: Annotated[list[KeyText], Field(min_length=2, max_length=2)] = Field(description="The two keys.")
    value: Annotated[float, Quantity(units.NUMBER, -0.999, 0.999)] = Field(
        description="Correlation of their normal scores."
    )


class SampleTable(BaseModel):
    """Draws from priors; each draw is run at every point of the axes."""

    model_config = CLOSED
    method: Literal["latin_hypercube", "sobol", "random", "saltelli", "morris"] = Field(
        "sobol", description="saltelli and morris are laid out for sensitivity indices of these names."
    )
    count: Count = Field(
        description="Number of draws; of base points for saltelli, of trajectories for morris."
    )
    seed: Seed = Field(0, description="Of the random numbers; it is recorded.")
    prior: Annotated[list[PriorTable], Field(min_length=1, max_length=100)] = Field(
        description="What is drawn, one [[sample.prior]] each."
    )
    correlation: list[CorrelationTable] = Field([], description="Which draws go together.")


class ProbabilityTable(BaseModel):
    """A map of the probability that each point of tissue is ablated, on one grid for all cases."""

    model_config = CLOSED
    spacing: Length | None = Field(
        None, description="Of the grid's points; by default 200 of them (3-D: 64) along its longest side."
    )
    margin: Length | None = Field(
        None, description="Of the grid around the tumour; by default 0.6 of half its longest side."
    )


class ClusterTable(BaseModel):
    """What a batch of cases asks of a cluster."""

    model_config = CLOSED
    partition: str | None = Field(None, max_length=100, description="Partition of Slurm.")
    account: str | None = Field(None, max_length=100, description="Account of Slurm.")
    time: Annotated[float, Quantity(units.TIME, 60.0, 3e6)] = Field(
        3600.0, description="Wall time of one batch."
    )
    memory_mb: Count = Field(2000, description="Memory of one rank [MB].")
    retries: Annotated[int, Quantity(units.NUMBER, 0, 1000, integer=True)] = Field(
        2, description="How often a batch that ended early is started again; it goes on where it was."
    )
    launcher: Command = Field(
        "srun --mpi=pmix", description="What starts the ranks of a case on a node; gets `-n RANKS`."
    )
    python: Command | None = Field(
        None, description="Python on the nodes, words of a shell; by default the one that runs the sweep."
    )


class SweepFile(BaseModel):
    """A sweep over cases, for Infusate."""

    model_config = CLOSED
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="Short name, as of a case.")
    title: str = Field("", max_length=200, description="One line for people.")
    case: Path = Field(description="Base case, relative to this file.")
    set: Annotated[list[str], Field(max_length=1000)] = Field(
        [], description="Changes to the base case that hold for all, as for --set."
    )
    axis: Annotated[list[AxisTable], Field(max_length=20)] = Field(
        [], description="Axes, one [[axis]] each; all combinations are run."
    )
    sample: SampleTable | None = Field(None, description="Draws from priors.")
    ranks: Annotated[int, Quantity(units.NUMBER, 1, 10_000, integer=True)] = Field(
        1, description="MPI ranks of each case."
    )
    batch: Count | None = Field(None, description="Cases that share a process; by default by geometry.")
    keep: Literal["summary", "fields"] = Field(
        "summary", description="What stays of a case: its summary alone, or its fields and history too."
    )
    probability: ProbabilityTable | None = Field(
        None, description="Asks for the probability that each point of tissue is ablated."
    )
    cluster: ClusterTable = Field(ClusterTable(), description="What a batch asks of a cluster.")

# SPDX-License-Identifier: MIT
"""The shipped table of priors: range, distribution, source and status of the numbers that sweeps draw."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Final

from pydantic import BaseModel, Field

from cases.catalogue import FOLDER, Status
from cases.reading.keys import parse_key, quantity_at
from cases.schema.sweep import Bound, Distribution
from cases.schema.table import CLOSED

FILE: Final = FOLDER / "priors.toml"


class PriorEntry(BaseModel):
    """One entry as the file states it."""

    model_config = CLOSED
    distribution: Distribution
    low: Bound
    high: Bound
    centre: Bound | None = None
    spread: Bound | None = None
    status: Status
    source: Annotated[str, Field(min_length=3)]


@dataclass(frozen=True)
class ShippedPrior:
    """A shipped prior in SI; see ``cases.sweeps.draws.Prior``.

    Attributes:
        distribution: its kind.
        low: smallest value.
        high: largest value.
        centre: None where the distribution has none.
        spread: None where the distribution has none.
        status: how well the range is known.
        source: where it comes from.
    """

    distribution: Distribution
    low: float
    high: float
    centre: float | None
    spread: float | None
    status: str
    source: str


@cache
def shipped_priors() -> dict[str, ShippedPrior]:
    """All of them by key of the case file."""
    return {key: _read(key, entry) for key, entry in tomllib.loads(FILE.read_text("utf-8")).items()}


def _read(key: str, table: dict[str, object]) -> ShippedPrior:
    entry, quantity = PriorEntry.model_validate(table), quantity_at(parse_key(key))
    if quantity is None:
        raise ValueError(f"{FILE}: {key} is no quantity")
    return ShippedPrior(
        distribution=entry.distribution,
        low=quantity.read(entry.low),
        high=quantity.read(entry.high),
        centre=None if entry.centre is None else quantity.read(entry.centre),
        spread=None if entry.spread is None else float(entry.spread),
        status=entry.status,
        source=entry.source,
    )

# SPDX-License-Identifier: MIT
"""The shipped table of priors: range, distribution, source and status of the numbers that sweeps draw."""

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Final

from pydantic import BaseModel, Field, ValidationError

from cases.catalogue import FOLDER
from cases.errors import CaseError, Problem
from cases.reading.keys import parse_key, quantity_at
from cases.reading.validate import problem_of
from cases.schema.entries import Status, placed_in
from cases.schema.sweep import Bound, Distribution
from cases.schema.table import CLOSED
from cases.toml_lines import toml_message

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
    """All of them by key of the case file.

    Raises:
        CaseError: with every mistake in their file.
    """
    text = FILE.read_text("utf-8")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, line = toml_message(str(error))
        raise CaseError([Problem(file=str(FILE), line=line, message=message)]) from error
    found: dict[str, ShippedPrior] = {}
    problems: list[Problem] = []
    for key, table in tables.items():
        try:
            found[key] = _read(key, table)
        except ValidationError as error:
            wrong = [problem_of(detail, PriorEntry) for detail in error.errors(include_url=False)]
            problems += [replace(problem, key=(key, *problem.key)) for problem in wrong]
        except ValueError as error:
            problems.append(Problem(key=(key,), message=str(error)))
    if problems:
        raise placed_in(FILE, text, problems)
    return found


def _read(key: str, table: object) -> ShippedPrior:
    entry, quantity = PriorEntry.model_validate(table), quantity_at(parse_key(key))
    if quantity is None:
        raise ValueError("is no quantity")
    return ShippedPrior(
        distribution=entry.distribution,
        low=quantity.read(entry.low),
        high=quantity.read(entry.high),
        centre=None if entry.centre is None else quantity.read(entry.centre),
        spread=None if entry.spread is None else float(entry.spread),
        status=entry.status,
        source=entry.source,
    )

# SPDX-License-Identifier: MIT
"""The shipped library of agents, tissues and needles: every number with unit, source and status."""

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from cases.schema.entries import Kind, Status, library_tables
from cases.schema.table import CLOSED

KINDS: tuple[Kind, ...] = ("agents", "tissues", "needles")
FOLDER = Path(__file__).parent / "library"


class Value(BaseModel):
    """One number of the library.

    Attributes:
        value: text with a unit, or a plain number.
        source: who published or assumed it.
        status: how well it is known.
        range: smallest and largest plausible value, if stated.
    """

    model_config = CLOSED
    value: str | float
    source: Annotated[str, Field(min_length=3)]
    status: Status
    range: Annotated[list[str | float], Field(min_length=2, max_length=2)] | None = None


class Thresholds(BaseModel):
    """Levels from which on an agent is taken to destroy tissue.

    Attributes:
        ct: of the dose, texts with a unit.
        peak: of the peak concentration.
        source: who published or assumed them.
        status: how well they are known.
        entry: agent of the library that states them.
    """

    model_config = CLOSED
    ct: list[str] = []
    peak: list[str] = []
    source: Annotated[str, Field(min_length=3)]
    status: Status
    entry: str


class Entry(BaseModel):
    """A named agent, tissue or needle.

    Attributes:
        title: what it is.
        base: entry from which absent numbers are taken.
        values: number by key of the case file.
        thresholds: of an agent; None where the library knows none.
    """

    model_config = CLOSED
    title: str
    base: str | None = None
    values: dict[str, Value]
    thresholds: Thresholds | None = None


@cache
def entries(kind: Kind) -> dict[str, Entry]:
    """All entries of one kind, numbers of their bases filled in.

    Raises:
        CaseError: with every mistake in their file.
    """
    raw = library_tables(FOLDER / f"{kind}.toml", kind)
    complete: dict[str, Entry] = {}
    for name, table in raw.items():
        # an entry stands after its base in the file
        base = complete[table["base"]] if "base" in table else None
        words = ("title", "base", "thresholds") if kind == "agents" else ("title", "base")
        own = {key: Value.model_validate(value) for key, value in table.items() if key not in words}
        thresholds = base.thresholds if base else None
        if "thresholds" in table and kind == "agents":
            thresholds = Thresholds.model_validate({**table["thresholds"], "entry": name})
        complete[name] = Entry(
            title=table["title"],
            base=table.get("base"),
            values={**(base.values if base else {}), **own},
            thresholds=thresholds,
        )
    return complete


def numbers(kind: Kind, name: str) -> dict[str, str | float]:
    """The numbers of an entry, as texts with units.

    Raises:
        KeyError: no such entry.
    """
    return {key: value.value for key, value in entries(kind)[name].values.items()}

# SPDX-License-Identifier: MIT
"""The shipped library of agents, tissues and needles: every number with unit, source and status."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from cases.schema.table import CLOSED

Kind = Literal["agents", "tissues", "needles"]
KINDS: tuple[Kind, ...] = ("agents", "tissues", "needles")
Status = Literal["measured", "assumed", "prior range"]
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


class Entry(BaseModel):
    """A named agent, tissue or needle.

    Attributes:
        title: what it is.
        base: entry from which absent numbers are taken.
        values: number by key of the case file.
    """

    model_config = CLOSED
    title: str
    base: str | None = None
    values: dict[str, Value]


@cache
def entries(kind: Kind) -> dict[str, Entry]:
    """All entries of one kind, numbers of their bases filled in."""
    raw: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / f"{kind}.toml").read_text(encoding="utf-8"))
    complete: dict[str, Entry] = {}
    for name, table in raw.items():
        # an entry stands after its base in the file
        base = complete[table["base"]].values if "base" in table else {}
        own = {
            key: Value.model_validate(value) for key, value in table.items() if key not in ("title", "base")
        }
        complete[name] = Entry(title=table["title"], base=table.get("base"), values={**base, **own})
    return complete


def numbers(kind: Kind, name: str) -> dict[str, str | float]:
    """The numbers of an entry, as texts with units.

    Raises:
        KeyError: no such entry.
    """
    return {key: value.value for key, value in entries(kind)[name].values.items()}

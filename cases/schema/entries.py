# SPDX-License-Identifier: MIT
"""Entries of the library as their files state them: keys, units, bases, status and source, all checked."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel

from cases.errors import CaseError, Key, Problem, shown
from cases.schema import units
from cases.schema.geometry import NeedleTable
from cases.schema.materials import AgentTable, TissueTable
from cases.schema.quantity import Quantity
from cases.schema.units import UnitError
from cases.suggest import hint
from cases.toml_lines import line_map, toml_message

Kind = Literal["agents", "tissues", "needles"]
Status = Literal["measured", "assumed", "prior range"]

TABLES: Final[dict[Kind, type[BaseModel]]] = {
    "agents": AgentTable,
    "tissues": TissueTable,
    "needles": NeedleTable,
}
"""The table of the case file whose numbers an entry states."""

LEVELS: Final = {"ct": Quantity(units.DOSE, 1e-9, 1e9), "peak": Quantity(units.CONCENTRATION, 1e-12, 2000.0)}
"""Thresholds of an agent."""

SHORTEST_SOURCE: Final = 3
"""Characters."""

FORM: Final = '{ value = ..., status = "measured", source = "..." }'


def library_tables(file: Path, kind: Kind) -> dict[str, dict[str, Any]]:
    """The entries of a file of the library, as it states them.

    Args:
        file: to read.
        kind: of its entries.

    Raises:
        CaseError: with every mistake found, each with its line (code 65).
    """
    name = _short(file)
    try:
        text = file.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, line = toml_message(str(error))
        raise CaseError([Problem(file=name, line=line, message=message)]) from error
    except UnicodeDecodeError as error:
        raise CaseError([Problem(file=name, message="not UTF-8 text; expected UTF-8")]) from error
    problems = list(_problems(tables, kind))
    if problems:
        raise placed_in(file, text, problems)
    return tables


def placed_in(file: Path, text: str, problems: list[Problem]) -> CaseError:
    """Problems of a file of the library with file and line, in the order of the lines."""
    lines = line_map(text)
    told = [
        Problem(key=p.key, message=p.message, hint=p.hint, file=_short(file), line=lines.of(p.key))
        for p in problems
    ]
    return CaseError(sorted(told, key=lambda problem: problem.line or 0))


def quantities(kind: Kind) -> dict[str, Quantity]:
    """The numbers that an entry may state, by key."""
    found = {}
    for name, field in TABLES[kind].model_fields.items():
        for annotation in (field, *get_args(field.annotation)):
            for item in getattr(annotation, "metadata", getattr(annotation, "__metadata__", ())):
                if isinstance(item, Quantity):
                    found[name] = item
    return found


def _short(file: Path) -> str:
    """A path as seen from the working folder, if it lies below."""
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def _problems(tables: dict[str, Any], kind: Kind) -> Iterator[Problem]:
    known = quantities(kind)
    for number, (name, table) in enumerate(tables.items()):
        if not isinstance(table, dict):
            yield Problem(key=(name,), message=f"found {shown(table)}; expected an entry, [{name}]")
            continue
        title = table.get("title")
        if not isinstance(title, str) or not title:
            yield _unlike((name,), "title", title, "text that says what it is")
        if "base" in table:
            yield from _base(table["base"], name, list(tables), number)
        for key, value in table.items():
            if key in ("title", "base"):
                continue
            if key == "thresholds" and kind == "agents":
                yield from _thresholds(value, (name, key))
            elif key in known:
                yield from _number(value, (name, key), known[key])
            else:
                valid = ["title", "base", *known, *(["thresholds"] if kind == "agents" else [])]
                yield Problem(key=(name, key), message="unknown key", hint=hint(key, valid))


def _base(base: Any, name: str, names: list[str], number: int) -> Iterator[Problem]:
    """A base is an entry that stands above."""
    if base in names[:number]:
        return
    key = (name, "base")
    if base in names:
        yield Problem(key=key, message=f"found {shown(base)}, which stands below; a base stands above")
    else:
        valid = hint(str(base), names[:number], "entries above")
        yield Problem(key=key, message=f"no entry {shown(base)} in this file", hint=valid)


def _number(table: Any, key: Key, quantity: Quantity) -> Iterator[Problem]:
    """Value, range, status and source of one number."""
    if not isinstance(table, dict):
        yield Problem(key=key, message=f"found {shown(table)}; expected {FORM}")
        return
    yield from _origin(table, key, ("value", "range"))
    ends = table.get("range")
    if "value" not in table:
        yield Problem(key=key, message=f"no value; expected {FORM}")
    if ends is not None and not (isinstance(ends, list) and len(ends) == 2):
        yield Problem(key=(*key, "range"), message=f"found {shown(ends)}; expected [smallest, largest]")
        ends = None
    read = []
    texts = ([("value", table["value"])] if "value" in table else []) + [("range", end) for end in ends or ()]
    for name, text in texts:
        try:
            read.append((name, quantity.read(text)))
        except UnitError as error:
            yield Problem(key=(*key, name), message=str(error))
    numbers = [number for _, number in read]
    if len(numbers) == 3 and not numbers[1] <= numbers[0] <= numbers[2]:
        message = f"found {shown(ends)}, which does not hold the value {shown(table['value'])}"
        yield Problem(key=(*key, "range"), message=message)


def _thresholds(table: Any, key: Key) -> Iterator[Problem]:
    """Levels of dose and peak concentration of an agent, with status and source."""
    if not isinstance(table, dict):
        yield Problem(key=key, message=f"found {shown(table)}; expected a table, {{ ct = [...], ... }}")
        return
    yield from _origin(table, key, tuple(LEVELS))
    for name, quantity in LEVELS.items():
        levels = table.get(name, [])
        if not isinstance(levels, list):
            yield Problem(key=(*key, name), message=f"found {shown(levels)}; expected a list in brackets")
            continue
        for i, text in enumerate(levels):
            try:
                quantity.read(text)
            except UnitError as error:
                yield Problem(key=(*key, name, i), message=str(error))


def _origin(table: dict[str, Any], key: Key, others: tuple[str, ...]) -> Iterator[Problem]:
    """Status and source, and no keys beside them and the others."""
    valid = (*others, "status", "source")
    for name in table:
        if name not in valid:
            yield Problem(key=(*key, name), message="unknown key", hint=hint(name, valid))
    source, status = table.get("source"), table.get("status")
    if not isinstance(source, str) or len(source.strip()) < SHORTEST_SOURCE:
        yield _unlike(key, "source", source, 'source = "who measured or assumed it, and where"')
    if status not in get_args(Status):
        yield _unlike(key, "status", status, " or ".join(f'"{word}"' for word in get_args(Status)))


def _unlike(key: Key, name: str, found: Any, expected: str) -> Problem:
    """A word that is missing or is not what it should be."""
    if found is None:
        return Problem(key=key, message=f"no {name}; expected {expected}")
    return Problem(key=(*key, name), message=f"found {shown(found)}; expected {expected}")

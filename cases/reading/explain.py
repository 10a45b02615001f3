# SPDX-License-Identifier: MIT
"""Answers about keys of the case file and about the library."""

import re
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from cases import catalogue
from cases.build.thresholds import agent_thresholds
from cases.errors import ExitCode, Key, UserError
from cases.reading.validate import model_at, type_at
from cases.schema import units
from cases.schema.case import Level
from cases.schema.materials import AgentTable
from cases.schema.quantity import Quantity
from cases.suggest import hint


def explanation(key: str) -> str:
    """Meaning, unit, range and default of a key such as ``injection.rate`` or ``injection[0].rate``.

    Raises:
        UserError: no such key (code 2).
    """
    path: Key = ()
    field: FieldInfo | None = None
    for part in re.sub(r"\[(\w+)\]", r".\1", key).split("."):
        if get_origin(type_at(path)) is dict:
            path += (part,)
            continue
        if part.isdecimal():
            continue
        path = entry_path(path)
        table = model_at(path)
        if table is None or part not in table.model_fields:
            raise UserError(
                f'no key "{key}"; {hint(part, table.model_fields if table else [])}', ExitCode.USAGE
            )
        field = table.model_fields[part]
        path += (part,)
    table = model_at(entry_path(path))
    lines = [key, *(f"  {line}" for line in (_facts(field) if field else []))]
    return "\n".join([*lines, f"  keys: {', '.join(table.model_fields)}"] if table else lines)


def entry_path(path: Key) -> Key:
    """The path, or that of an entry where it leads to a list or to named tables."""
    if get_origin(type_at(path)) is list:
        return (*path, 0)
    return (*path, "my_needle") if path == ("needles",) else path


def quantity_of(annotation: Any, metadata: list[Any]) -> Quantity | None:
    """The quantity of a field or of its entries, if it is one."""
    for item in (*metadata, *getattr(annotation, "__metadata__", ())):
        if isinstance(item, Quantity):
            return item
    for argument in (getattr(annotation, "__origin__", None), *get_args(annotation)):
        if argument is not None and argument is not annotation and not isinstance(argument, str):
            found = quantity_of(argument, [])
            if found:
                return found
    return None


def default_text(field: FieldInfo) -> str | None:
    """The default as a case file would state it; None for none."""
    value = field.default
    if value is PydanticUndefined or value is None or isinstance(value, BaseModel) or value in ([], {}, ""):
        return None
    quantity = quantity_of(field.annotation, list(field.metadata))
    return _toml(value, quantity)


def library_list() -> str:
    """All entries of the library, by kind."""
    lines = []
    for kind in catalogue.KINDS:
        lines.append(f"{kind}:")
        lines += [f"  {name:<26} {entry.title}" for name, entry in catalogue.entries(kind).items()]
    return "\n".join(lines)


def library_entry(name: str) -> str:
    """One entry with value, status, range and source of each number.

    Raises:
        UserError: no such entry (code 2).
    """
    found = [
        (kind, catalogue.entries(kind)[name]) for kind in catalogue.KINDS if name in catalogue.entries(kind)
    ]
    if not found:
        names = [name for kind in catalogue.KINDS for name in catalogue.entries(kind)]
        raise UserError(f'no entry "{name}" in the library; {hint(name, names, "entries")}', ExitCode.USAGE)
    kind, entry = found[0]
    base = f"; what is not its own comes from {entry.base}" if entry.base else ""
    lines = [f"{name} ({kind}): {entry.title}{base}"]
    inherited = catalogue.entries(kind)[entry.base].values if entry.base else {}
    for key, value in entry.values.items():
        bounds = f" [{value.range[0]} to {value.range[1]}]" if value.range else ""
        mark = f", from {entry.base}" if inherited.get(key) is value else ""
        lines.append(f"  {key:<30} {value.value}{bounds}  ({value.status}{mark}: {value.source})")
    return "\n".join([*lines, _threshold_line(name)] if kind == "agents" else lines)


def _threshold_line(name: str) -> str:
    """From what dose or peak on an agent of the library is taken to destroy tissue, as a line."""
    known = agent_thresholds(AgentTable(base=name))
    if known is None:
        return f"  {'thresholds':<30} none known: a case that states none is told no ablation volume"
    stated = (("CT", known.ct), ("peak", known.peak))
    levels = [f"{what} {', '.join(found)}" for what, found in stated if found]
    mark = f", from {known.entry}" if known.entry != name else ""
    return f"  {'thresholds':<30} {'; '.join(levels)}  ({known.status}{mark}: {known.source})"


def _facts(field: FieldInfo) -> list[str]:
    facts = [field.description or ""]
    quantity = quantity_of(field.annotation, list(field.metadata))
    if quantity is not None:
        dimension = quantity.dimension
        if dimension is units.NUMBER:
            facts.append("unit: none")
        else:
            facts.append(f'unit: any of {dimension.name} (SI: {dimension.si}), such as "{dimension.example}"')
        facts.append(f"range: {quantity.range_text()}")
    else:
        choices = [item for item in _leaves(field.annotation) if isinstance(item, str)]
        if choices:
            facts.append(f"one of: {', '.join(choices)}")
    default = default_text(field)
    required = "required" if field.is_required() else "optional"
    facts.append(f"default: {default}" if default else required)
    return facts


def _leaves(annotation: Any) -> list[Any]:
    arguments = get_args(annotation)
    return [leaf for argument in arguments for leaf in _leaves(argument)] if arguments else [annotation]


def _toml(value: Any, quantity: Quantity | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_toml(item, quantity) for item in value)}]"
    if isinstance(value, Level):
        return f'"{value.label}"'
    if isinstance(value, str):
        return f'"{value}"'
    if quantity is None or quantity.dimension is units.NUMBER:
        return repr(value)
    return f'"{units.si_text(value, quantity.dimension)}"'

# SPDX-License-Identifier: MIT
"""Checks tables against the schema and says what is wrong in the words of the case file."""

import copy
from typing import Any, Final, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from cases.errors import CaseError, Key, Problem, shown
from cases.reading.read import Source
from cases.schema.case import CaseFile
from cases.schema.quantity import PLACEHOLDER
from cases.suggest import hint

Read = TypeVar("Read", bound=BaseModel)

EXPECTED: Final = {
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "list_type": "a list in brackets",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}

STAND_INS: Final[dict[str, Any]] = {
    "name": "stand-in",
    "kind": "3d",
    "tip": [PLACEHOLDER] * 3,
    "direction": [PLACEHOLDER] * 3,
    "agent": {},
    "times": [PLACEHOLDER],
    "half_effect": [PLACEHOLDER],
    "quantity": "perfusion",
    "source": "random",
    "pressures": [PLACEHOLDER] * 2,
}
"""For required values that are no quantities."""


def checked(tables: dict[str, Any]) -> tuple[CaseFile | None, list[Problem], set[Key]]:
    """Check against the schema.

    Returns:
        The case, all problems, and the keys whose values are stand-ins. Where there are problems, stand-ins
        repair the case so that rules between keys can still be checked; it is None where that is impossible.
    """
    try:
        return CaseFile.model_validate(tables), [], set()
    except ValidationError as error:
        details = error.errors(include_url=False)
    problems = [problem_of(detail) for detail in details]
    case, suspects = _repaired(tables, [(detail["type"], detail["loc"]) for detail in details])
    return case, problems, suspects


def validated(source: Source, root: type[Read]) -> Read:
    """The tables of a file that is no case, checked against their own schema.

    Raises:
        CaseError: with every problem found, at its line.
    """
    try:
        return root.model_validate(source.tables)
    except ValidationError as error:
        problems = [problem_of(detail, root) for detail in error.errors(include_url=False)]
        raise CaseError([source.place(problem) for problem in problems]) from error


def model_at(key: Key, root: type[BaseModel] = CaseFile) -> type[BaseModel] | None:
    """The table of a schema at a key path, or None if the path leads to no table."""
    found = type_at(key, root)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def type_at(key: Key, root: type[BaseModel] = CaseFile) -> Any:
    """The type of a schema at a key path, without ``Annotated``; None if the path leads nowhere."""
    found: Any = root
    for part in key:
        if isinstance(found, type) and issubclass(found, BaseModel):
            field = found.model_fields.get(str(part))
            found = _unwrapped(field.annotation) if field else None
        elif get_origin(found) is (list if isinstance(part, int) else dict):
            found = _unwrapped(get_args(found)[-1])
        else:
            return None
    return found


def _unwrapped(annotation: Any) -> Any:
    """The type without ``Annotated`` and ``| None``."""
    while hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    inner = [argument for argument in get_args(annotation) if argument is not type(None)]
    if get_origin(annotation) not in (list, dict, None) and len(inner) == 1:
        return _unwrapped(inner[0])
    return annotation


def problem_of(detail: Any, root: type[BaseModel] = CaseFile) -> Problem:
    """What pydantic found wrong, in the words of the file."""
    key: Key = detail["loc"]
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        parent = model_at(key[:-1], root)
        names = list(parent.model_fields) if parent else []
        return Problem(key=key, message="unknown key", hint=hint(str(key[-1]), names))
    if kind == "missing":
        return Problem(key=key, message=f"missing; {_meaning(key, root)}")
    if kind == "literal_error":
        parent = model_at(key[:-1], root)
        choices = (
            [str(choice) for choice in get_args(parent.model_fields[str(key[-1])].annotation)]
            if parent
            else []
        )
        return Problem(
            key=key,
            message=f"found {shown(detail['input'])}",
            hint=hint(str(detail["input"]), choices, "choices"),
        )
    if "error" in context:
        return Problem(key=key, message=str(context["error"]))
    return Problem(
        key=key, message=f"found {shown(detail['input'])}; expected {_expected(kind, key, context)}"
    )


def _expected(kind: str, key: Key, context: dict[str, Any]) -> str:
    if kind == "string_pattern_mismatch" and key == ("title",):
        return "one line without control characters"
    if kind == "string_pattern_mismatch":
        return "a name of lower-case letters, digits, hyphens and underscores, at most 64"
    if kind == "too_long" and context.get("max_length") == 3:
        return "three components"
    if kind == "too_short":
        return "three components" if context.get("min_length") == 3 else "at least one entry"
    if kind in ("too_long", "string_too_long"):
        return f"at most {context['max_length']} entries or characters"
    if kind == "string_too_short":
        return "a text that is not empty"
    if kind == "list_type" and key[-1] == "injection":
        return "entries that begin with [[injection]]"
    return EXPECTED.get(kind, kind.replace("_", " "))


def _meaning(key: Key, root: type[BaseModel]) -> str:
    parent = model_at(key[:-1], root)
    field = parent.model_fields.get(str(key[-1])) if parent else None
    return f"expected: {field.description}" if field and field.description else "expected a value"


def _repaired(tables: dict[str, Any], errors: list[tuple[str, Key]]) -> tuple[CaseFile | None, set[Key]]:
    """The case with wrong values replaced or removed, and where; None where that does not help."""
    patched = copy.deepcopy(tables)
    suspects = {key for _, key in errors}
    for kind, key in errors:
        _put(patched, key, None if kind == "extra_forbidden" else PLACEHOLDER)
    for stand_ins in (STAND_INS, {}):
        try:
            return CaseFile.model_validate(patched), suspects
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                _put(patched, detail["loc"], stand_ins.get(str(detail["loc"][-1])))
    try:
        return CaseFile.model_validate(patched), suspects
    except ValidationError:
        return None, suspects


def _put(tables: dict[str, Any], key: Key, value: Any) -> None:
    """Set the value at a key, or remove it if ``value`` is None; silently nothing if the way is blocked."""
    target: Any = tables
    try:
        for part in key[:-1]:
            target = target[part]
        if value is not None:
            target[key[-1]] = value
        else:
            del target[key[-1]]
    except (KeyError, IndexError, TypeError):
        pass

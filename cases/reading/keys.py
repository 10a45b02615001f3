# SPDX-License-Identifier: MIT
"""Keys of the case file as texts: ``injection.0.rate`` to its path, and the quantity that stands there."""

import re

from pydantic.fields import FieldInfo

from cases.errors import Key
from cases.reading.explain import quantity_of
from cases.reading.validate import model_at
from cases.schema.quantity import Quantity
from cases.suggest import hint


def parse_key(text: str) -> Key:
    """The path of a key such as ``injection.0.rate`` or ``injection[0].rate``.

    Raises:
        ValueError: the text is no key.
    """
    parts = re.sub(r"\[(\d+)\]", r".\1", text.strip()).split(".")
    if not all(parts):
        raise ValueError(f'cannot read the key "{text}"')
    return tuple(int(part) if part.isdecimal() else part for part in parts)


def field_at(key: Key) -> FieldInfo:
    """The field of the case file's schema at a path; an entry of a list has the field of its list.

    Raises:
        ValueError: no such key.
    """
    while key and isinstance(key[-1], int):
        key = key[:-1]
    parent = model_at(key[:-1]) if key else None
    if parent is None or str(key[-1]) not in parent.model_fields:
        name = str(key[-1]) if key else ""
        raise ValueError(f'no key "{name}" here; {hint(name, parent.model_fields if parent else [])}')
    return parent.model_fields[str(key[-1])]


def quantity_at(key: Key) -> Quantity | None:
    """The quantity that stands at a path; None where it holds a name, a switch or a table.

    Raises:
        ValueError: no such key.
    """
    field = field_at(key)
    return quantity_of(field.annotation, list(field.metadata))

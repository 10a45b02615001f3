# SPDX-License-Identifier: MIT
"""States of a run as plain trees and arrays, and back: what a checkpoint holds of any object.

Records (frozen dataclasses) are taken apart field by field, so a field that is added to one is carried
without new code. Arrays stand in the tree by name; one that several records share is kept once. An object
that is no record has methods `memory`, which returns a mapping for `pack`, and `recall`, which takes what
comes back.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

_ARRAY = "array"


class MemoryMismatch(ValueError):
    """A tree that does not fit what it is read into: written by another version."""


def pack(value: Any, arrays: Arrays, path: str = "") -> Any:
    """A value as a tree of dictionaries, lists, numbers and text, its arrays put aside by name.

    Args:
        value: records, mappings, sequences, numbers, text, arrays or None, nested.
        arrays: takes the arrays.
        path: of the value, from which names are made.

    Raises:
        TypeError: it holds anything else.
    """
    if isinstance(value, np.ndarray):
        for name, known in arrays.items():
            if known is value:
                return {_ARRAY: name}
        arrays[path] = value
        return {_ARRAY: path}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: pack(getattr(value, f.name), arrays, f"{path}.{f.name}") for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): pack(item, arrays, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [pack(item, arrays, f"{path}.{number}") for number, item in enumerate(value)]
    raise TypeError(f"{path}: a {type(value).__name__} cannot be kept in a checkpoint")


def unpack(kind: Any, tree: Any, arrays: Arrays) -> Any:
    """The inverse of `pack`.

    Args:
        kind: type of the value; ``Any`` leaves records as dictionaries.
        tree: from `pack`.
        arrays: those that it names.

    Raises:
        MemoryMismatch: the tree is of another type.
    """
    if isinstance(tree, dict) and set(tree) == {_ARRAY}:
        return arrays[tree[_ARRAY]]
    chosen = _chosen(kind, tree)
    if isinstance(tree, dict):
        if is_dataclass(chosen):
            return _record(chosen, tree, arrays)
        item = (get_args(chosen) or (Any, Any))[-1]
        return {key: unpack(item, value, arrays) for key, value in tree.items()}
    if isinstance(tree, list):
        items = _items(chosen, len(tree))
        values = [unpack(item, value, arrays) for item, value in zip(items, tree, strict=True)]
        return tuple(values) if (get_origin(chosen) or chosen) is tuple else values
    return tree


def _record(kind: Any, tree: dict[str, Any], arrays: Arrays) -> Any:
    hints = get_type_hints(kind)
    known = {f.name for f in fields(kind)}
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    if not needed <= set(tree) <= known:
        differing = ", ".join(sorted((needed - set(tree)) | (set(tree) - known)))
        raise MemoryMismatch(f"{kind.__name__}: {differing}")
    return kind(**{name: unpack(hints[name], value, arrays) for name, value in tree.items()})


def _chosen(kind: Any, tree: Any) -> Any:
    """The member of a union that a tree is of: the one beside None."""
    if get_origin(kind) in (Union, UnionType) and tree is not None:
        return next(member for member in get_args(kind) if member is not type(None))
    return kind


def _items(kind: Any, count: int) -> list[Any]:
    members = get_args(kind) or (Any, ...)
    if len(members) == 1 or members[-1] is ...:
        return [members[0]] * count
    if len(members) != count:
        raise MemoryMismatch(f"{count} items where {len(members)} are expected")
    return list(members)


def remembered(thing: Any) -> Mapping[str, Any] | None:
    """What an object asks to have kept; None if it remembers nothing between steps."""
    memory = getattr(thing, "memory", None)
    found: Mapping[str, Any] | None = memory() if memory is not None else None
    return found


def remind(thing: Any, memory: Mapping[str, Any] | None) -> None:
    """Give an object its memory back, if it had any."""
    if memory is not None:
        thing.recall(memory)

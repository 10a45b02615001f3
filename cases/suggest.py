# SPDX-License-Identifier: MIT
"""Did you mean: the nearest valid name to a misspelt one."""

from collections.abc import Iterable
from difflib import SequenceMatcher


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name most like ``name``, or None where none is near.

    A shared beginning counts a little, since people mistype the middle and the end of long names.
    """
    ranked = sorted(((_likeness(name.lower(), other.lower()), other) for other in valid), reverse=True)
    least = 0.6 if len(name) > 3 else 0.4
    return ranked[0][1] if ranked and ranked[0][0] >= least else None


def hint(name: str, valid: Iterable[str], what: str = "keys") -> str:
    """The end of a message on an unknown name: the suggestion, then every valid name."""
    names = list(valid)
    best = nearest(name, names)
    suggestion = f'did you mean "{best}"? ' if best else ""
    return f"{suggestion}valid {what}: {', '.join(names)}"


def _likeness(name: str, other: str) -> float:
    # the built-in heuristic for popular elements is for long texts
    ratio = SequenceMatcher(None, name, other, autojunk=False).ratio()
    common = next(
        (i for i, (a, b) in enumerate(zip(name, other, strict=False)) if a != b), min(len(name), len(other))
    )
    return ratio + 0.1 * common / max(len(name), 1)

# SPDX-License-Identifier: MIT
"""Which kind of file a TOML file is, told by what only that kind has, so that a mix-up gets one message."""

from typing import Final

from cases.errors import CaseError, Problem
from cases.reading.read import Source

KINDS: Final = {
    "case": (("geometry",), "infusate run"),
    "comparison": (("route",), "infusate compare"),
    "plan": (("variable", "goal"), "infusate plan"),
    "sweep": (("axis", "sample", "probability"), "infusate sweep"),
}
"""Tables that tell a kind, and the command that takes it; a plan may have samples, too."""


def require_kind(source: Source, wanted: str) -> None:
    """Refuse a file that is clearly of another kind.

    Args:
        source: as read.
        wanted: a key of ``KINDS``.

    Raises:
        CaseError: with one problem that names the command for the file.
    """
    if any(name in source.tables for name in KINDS[wanted][0]):
        return
    for kind, (names, command) in KINDS.items():
        if any(name in source.tables for name in names):
            message = f"this is a {kind} file, not a {wanted} file; use `{command} {source.file}`"
            raise CaseError([Problem(file=source.file, message=message.replace("case file", "case"))])

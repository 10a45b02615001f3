# SPDX-License-Identifier: MIT
"""Exit codes of the command line, and problems of a case as a person can act on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

Key = tuple[str | int, ...]


LONGEST_KEY = 200
"""Characters of a key that a message shows."""


class ExitCode(IntEnum):
    """What the process returns; 64 to 78 follow the old Unix list."""

    DONE = 0
    BUG = 1
    USAGE = 2
    RANKS = 64
    INVALID = 65
    MISSING_INPUT = 66
    UNAVAILABLE = 69
    DIVERGED = 70
    UNPHYSICAL = 71
    OUTPUT = 73
    INPUT_OUTPUT = 74
    STOPPED = 75
    CHECKPOINT = 76


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong with a case.

    Attributes:
        message: what was found and what was expected.
        key: path of the key, ``("injection", 0, "rate")``; empty for the file as a whole.
        hint: what to do about it; may be empty.
        file: as the user typed it, or ``--set`` for an override.
        line: line in the file; None if unknown.
        code: exit code that this problem alone would give.
    """

    message: str
    key: Key = ()
    hint: str = ""
    file: str = ""
    line: int | None = None
    code: ExitCode = ExitCode.INVALID

    def __str__(self) -> str:
        """One line ``file:line: key: message; hint``, safe for a terminal."""
        place = (
            f"{self.file}:{self.line}: " if self.line is not None else f"{self.file}: " if self.file else ""
        )
        name = dotted(self.key)
        key = f"{name if len(name) <= LONGEST_KEY else name[: LONGEST_KEY - 1] + '…'}: " if name else ""
        hint = f"; {self.hint}" if self.hint else ""
        return printable(f"{place}{key}{self.message}{hint}")


class CaseError(Exception):
    """A case that cannot be used; carries every problem found in one pass.

    Attributes:
        problems: in the order of the file.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @property
    def code(self) -> ExitCode:
        """Exit code: that of the problems if they agree, else 65."""
        codes = {problem.code for problem in self.problems}
        return codes.pop() if len(codes) == 1 else ExitCode.INVALID


class UserError(Exception):
    """A request that cannot be met, with its exit code; one line, no traceback.

    Attributes:
        code: exit code.
    """

    def __init__(self, message: str, code: ExitCode) -> None:
        self.code = code
        super().__init__(printable(message))


def dotted(key: Key) -> str:
    """A key path as text, ``injection[0].rate``."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def printable(text: str) -> str:
    """Text without control characters, so that a file cannot drive the terminal; tabs and newlines too."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shown(value: object, limit: int = 60) -> str:
    """A value found in a case, as a message quotes it: short, printable."""
    text = repr(value) if not isinstance(value, str) else f'"{value}"'
    text = printable(text)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"

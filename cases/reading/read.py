# SPDX-License-Identifier: MIT
"""The text of a case file as tables, every way in which it can be unreadable, and command-line overrides."""

import re
import stat
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cases.errors import CaseError, ExitCode, Key, Problem, dotted, shown
from cases.toml_lines import LineMap, line_map, long_key, toml_message

LARGEST_FILE: Final = 2_000_000
"""No hand-written case is larger [bytes]."""

LONGEST_KEY: Final = 30
"""Parts of a dotted key, and tables in tables; a case has five."""

Tables = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """A case file as read.

    Attributes:
        file: as the user typed it.
        tables: its content.
        lines: where each key stands.
        overridden: keys that the command line has set, with the text that did.
    """

    file: str
    tables: Tables
    lines: LineMap
    overridden: dict[Key, str]

    def place(self, problem: Problem) -> Problem:
        """The problem with the file and line of its key, or the override it comes from."""
        for key, text in self.overridden.items():
            if problem.key[: len(key)] == key:
                return _moved(problem, _short_override(text), None)
        return _moved(problem, self.file, self.lines.of(problem.key))


def read_source(file: str, overrides: Sequence[str] = ()) -> Source:
    """Read a case file and apply overrides such as ``injection.0.rate=2 mL/min``.

    Raises:
        CaseError: the file cannot be read (code 66), is no valid TOML, or an override cannot apply (65).
    """
    text = _text(file)
    if (line := long_key(text, LONGEST_KEY)) is not None:
        # tomllib takes a time that grows with the square of the parts
        raise _refused(file, f"a key of more than {LONGEST_KEY} parts; nothing in a case lies so deep", line)
    try:
        tables = tomllib.loads(text)
        _require_shallow(tables)
    except tomllib.TOMLDecodeError as error:
        raise _refused(file, *toml_message(str(error))) from error
    except (RecursionError, ValueError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise _refused(file, f"not valid TOML: {reason}") from error
    overridden: dict[Key, str] = {}
    problems = []
    for override in overrides:
        try:
            overridden[_apply(tables, override)] = override
        except ValueError as error:
            problems.append(Problem(file=_short_override(override), message=str(error)))
    if problems:
        raise CaseError(problems)
    return Source(file, tables, line_map(text), overridden)


def _text(file: str) -> str:
    path = Path(file)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise _refused(file, "not a regular file", code=ExitCode.MISSING_INPUT)
        if path.stat().st_size > LARGEST_FILE:
            raise _refused(file, f"larger than {LARGEST_FILE / 1e6:g} MB; no case file is")
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _refused(file, f"cannot be read: {reason}", code=ExitCode.MISSING_INPUT) from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refused(file, "is UTF-16 text; expected UTF-8", line=1)
    if b"\0" in raw:
        raise _refused(file, "holds NUL bytes; expected text", line=_line_at(raw, raw.index(b"\0")))
    try:
        return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"not UTF-8 text (byte 0x{raw[error.start]:02x}); expected UTF-8"
        raise _refused(file, message, line=_line_at(raw, error.start)) from error


def _require_shallow(tables: Tables) -> None:
    """Refuse tables and lists within one another that later steps could not walk through."""
    level: list[Any] = [tables]
    for _ in range(LONGEST_KEY):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    if level:
        raise RecursionError


def _line_at(raw: bytes, position: int) -> int:
    return raw.count(b"\n", 0, position) + 1


def _refused(
    file: str, message: str, line: int | None = None, code: ExitCode = ExitCode.INVALID
) -> CaseError:
    return CaseError([Problem(file=file, line=line, message=message, code=code)])


def _moved(problem: Problem, file: str, line: int | None) -> Problem:
    return Problem(
        message=problem.message, key=problem.key, hint=problem.hint, file=file, line=line, code=problem.code
    )


def _short_override(text: str) -> str:
    return f"--set {text if len(text) <= 200 else text[:199] + '…'}"


def _apply(tables: Tables, override: str) -> Key:
    """Set one value in ``tables``; returns the key."""
    name, separator, text = override.partition("=")
    if not separator or not name.strip():
        raise ValueError('expected key=value, such as injection.0.rate="2 mL/min"')
    parts = re.sub(r"\[(\d+)\]", r".\1", name.strip()).split(".")
    if not all(parts):
        raise ValueError(f"cannot read the key {shown(name.strip())}")
    target: Any = tables
    key: Key = ()
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        step: str | int = int(part) if isinstance(target, list) and part.isdecimal() else part
        if isinstance(target, list) and not (isinstance(step, int) and step < len(target)):
            raise ValueError(_not_an_entry(key, part, parts, target))
        key += (step,)
        if following is None:
            target[step] = _override_value(text.strip())
            return key
        target = _entered(target, key)
    return key


def _not_an_entry(key: Key, part: str, parts: Sequence[str], entries: Sequence[Any]) -> str:
    """Why a part of a key leads to no entry of a list, and what would."""
    count = len(entries)
    have = f"{dotted(key)} has {count} {'entry' if count == 1 else 'entries'}, numbered from 0"
    if not entries or part.isdecimal():
        return f"{have}: there is no entry {part}"
    # a name in place of a number was left without it, or stands for it where entries have no names
    rest = parts[len(key) :] if isinstance(entries[0], dict) else parts[len(key) + 1 :]
    wanted = ".".join([*map(str, key), "0", *rest])
    return f"{have}; write {wanted}{'' if count == 1 else ' for the first'}"


def _entered(target: Any, key: Key) -> Any:
    """The table or list at the end of ``key``, made where it is missing."""
    step = key[-1]
    value = target.setdefault(step, {}) if isinstance(target, dict) else target[step]
    if isinstance(value, str) and (key == ("agent",) or (len(key) == 2 and key[0] == "tissues")):
        # a library name stands for a table with that base
        value = target[step] = {"base": value}
    if not isinstance(value, dict | list):
        raise ValueError(f"{dotted(key)} holds {shown(value)}, not a table")
    return value


def _override_value(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return text
    return parsed["value"] if len(parsed) == 1 else text

# SPDX-License-Identifier: MIT
"""Where each key of a TOML text stands: ``tomllib`` gives values, this gives their lines.

The scanner expects text that ``tomllib`` has accepted, and therefore checks nothing.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from cases.errors import Key

_TOKEN = re.compile(
    r"(?P<skip>[ \t\r]+|#[^\n]*)|(?P<newline>\n)"
    r'|(?P<text>"""(?:\\.|[^\\])*?"{3,5}|"(?:\\.|[^"\\\n])*"'
    r"|'''.*?'{3,5}|'[^'\n]*')"
    r"|(?P<punctuation>[\[\]{}=,.])|(?P<word>[^\s\[\]{}=,.#\"']+)",
    re.DOTALL,
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int


@dataclass
class LineMap:
    """Key path to line number, counted from 1.

    Attributes:
        lines: of every table, key and list entry.
    """

    lines: dict[Key, int] = field(default_factory=dict)

    def of(self, key: Key) -> int | None:
        """The line of a key, or of the nearest table or list around it; None for none."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key)

    def note(self, key: Key, line: int) -> None:
        """Remember the first line at which a key appears."""
        self.lines.setdefault(key, line)


def line_map(text: str) -> LineMap:
    """The lines of all keys of a TOML text, as far as the scanner gets."""
    scanner = _Scanner(_tokens(text))
    # the map only decorates messages: a partial one is better than none
    with suppress(IndexError, RecursionError):
        scanner.document()
    return scanner.found


def long_key(text: str, parts: int) -> int | None:
    """The line of the first dotted name with more parts than that, in any text; None if there is none."""
    length, joined = 0, False
    for token in _tokens(text):
        if token.text == ".":
            joined = True
        elif token.kind in ("word", "text"):
            length = length + 1 if joined else 1
            joined = False
            if length > parts:
                return token.line
        else:
            length, joined = 0, False
    return None


def toml_message(message: str) -> tuple[str, int | None]:
    """What ``tomllib`` found wrong, in words of the file, and the line if it tells one."""
    match = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    if match is None:
        return f"not valid TOML: {message}", None
    reason = message[: match.start()]
    if reason == "Cannot overwrite a value":
        reason = "a key is given twice"
    where = f" (column {match.group(2)})" if match.group(2) else " (end of the file)"
    hint = "; text and quantities stand in quotes" if reason == "Invalid value" else ""
    return f"not valid TOML: {reason}{where}{hint}", int(match.group(1)) if match.group(1) else None


def _tokens(text: str) -> Iterator[_Token]:
    line, position = 1, 0
    while match := _TOKEN.match(text, position):
        kind = match.lastgroup or "skip"
        if kind != "skip":
            yield _Token(kind, match.group(), line)
        line += match.group().count("\n")
        position = match.end()


class _Scanner:
    """Recursive descent over the tokens of a valid document."""

    def __init__(self, tokens: Iterator[_Token]) -> None:
        self.tokens = list(tokens)
        self.at = 0
        self.found = LineMap()
        self.counts: dict[Key, int] = {}

    def document(self) -> None:
        """All tables and keys."""
        table: Key = ()
        while self.at < len(self.tokens):
            token = self._peek()
            if token.kind == "newline":
                self.at += 1
            elif token.text == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Key:
        line = self._next().line
        several = self._peek().text == "["
        self.at += several
        names = self._dotted_name()
        self.at += 2 if several else 1
        # a name that stands for a list of tables means its last entry
        path: Key = ()
        for i, name in enumerate(names):
            path += (name,)
            if several and i == len(names) - 1:
                self.found.note(path, line)
                self.counts[path] = self.counts.get(path, 0) + 1
            if path in self.counts:
                path += (self.counts[path] - 1,)
            self.found.note(path, line)
        return path

    def _pair(self, table: Key) -> None:
        line = self._peek().line
        path = table
        for name in self._dotted_name():
            path += (name,)
            self.found.note(path, line)
        self.at += 1
        self._value(path)

    def _dotted_name(self) -> list[str]:
        names = [self._name()]
        while self._peek().text == ".":
            self.at += 1
            names.append(self._name())
        return names

    def _name(self) -> str:
        token = self._next()
        return token.text[1:-1] if token.kind == "text" else token.text

    def _value(self, path: Key) -> None:
        token = self._next()
        if token.text == "[" and token.kind == "punctuation":
            self._list(path)
        elif token.text == "{" and token.kind == "punctuation":
            self._inline_table(path)
        else:
            # numbers such as 1.5 and dates are several tokens
            while self.at < len(self.tokens) and (self._peek().kind == "word" or self._peek().text == "."):
                self.at += 1

    def _list(self, path: Key) -> None:
        index = 0
        while (token := self._skip_newlines()).text != "]" or token.kind == "text":
            self.found.note((*path, index), token.line)
            self._value((*path, index))
            index += 1
            if self._skip_newlines().text == ",":
                self.at += 1
        self.at += 1

    def _inline_table(self, path: Key) -> None:
        while self._skip_newlines().text != "}":
            self._pair(path)
            if self._skip_newlines().text == ",":
                self.at += 1
        self.at += 1

    def _skip_newlines(self) -> _Token:
        while self._peek().kind == "newline":
            self.at += 1
        return self._peek()

    def _peek(self) -> _Token:
        return self.tokens[self.at]

    def _next(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

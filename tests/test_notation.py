# SPDX-License-Identifier: MIT
"""The page of notation against the code: every name stands where the page says."""

import ast
from functools import cache
from pathlib import Path

import pytest

from solver.results.fields import FIELDS

pytestmark = pytest.mark.serial

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "notation.md"


def table() -> list[tuple[str, str, str, str]]:
    """Symbol, unit, name and file of every row."""
    rows = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        parts = [part.strip() for part in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(parts) == 5 and parts[4].startswith("`"):
            rows.append((parts[0], parts[2], parts[3].strip("`"), parts[4].strip("`")))
    return rows


def targets(node: ast.stmt) -> list[ast.expr]:
    """What a statement assigns to."""
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


@cache
def names(path: Path) -> set[str]:
    """Functions, constants and ``Class.attribute`` of a module, read without importing it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.stmt):
            found |= {target.id for target in targets(node) if isinstance(target, ast.Name)}
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}" for name in attributes(node)}
    return found


def attributes(cls: ast.ClassDef) -> set[str]:
    """Members declared in a class, and those that its constructor sets."""
    found = {target.id for node in cls.body for target in targets(node) if isinstance(target, ast.Name)}
    for method in cls.body:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            for node in ast.walk(method):
                if isinstance(node, ast.stmt):
                    found |= {t.attr for t in targets(node) if isinstance(t, ast.Attribute)}
    return found


def test_the_page_has_a_table() -> None:
    assert len(table()) > 40
    symbols = [symbol for symbol, *_ in table()]
    assert len(set(symbols)) == len(symbols), "a symbol has two rows"


def test_every_name_exists_where_the_page_says() -> None:
    for symbol, unit, name, file in table():
        path = ROOT / file
        assert path.is_file(), f"{symbol}: no file {file}"
        if file == "solver/results/fields.py":
            assert name in FIELDS, f"{symbol}: no field {name}"
            assert FIELDS[name].unit == ("1" if unit == "-" else unit), symbol
        else:
            assert name in names(path), f"{symbol}: {name} is not in {file}"


def test_every_stored_field_has_a_row() -> None:
    listed = {name for *_, name, file in table() if file == "solver/results/fields.py"}
    assert listed == set(FIELDS) - {"region"}

# SPDX-License-Identifier: MIT
"""The rules of the house: imports, lengths, docstrings; and the page that names every module."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest

pytestmark = pytest.mark.serial

ROOT = Path(__file__).parents[1]
PACKAGES = ("meshes", "solver", "cases", "postprocess")
BELOW = {
    "meshes": set(),
    "solver": {"meshes"},
    "cases": {"meshes", "solver"},
    "postprocess": {"meshes", "solver"},
}
"""Packages that each may import at all."""

TABLES = {"solver.results.fields", "meshes.regions", "meshes.plain"}
"""What postprocess may import from below: names and types without a library behind them."""

READERS = {
    "meshes.geometry",
    "meshes.files.image_files",
    "meshes.files.labels",
    "meshes.patient.masks",
    "solver.results.checksums",
}
"""And how label maps and checksums are read; nothing that meshes or solves."""

PARALLEL = {"dolfinx", "mpi4py", "petsc4py", "ufl", "basix", "ffcx"}
LONGEST_FILE = 350
LONGEST_FUNCTION = 60
MOST_PARAMETERS = 7

LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS = {
    "tests/synthetic_result.py:summary": "one literal, the content of summary.json",
}
MANY_PARAMETERS: dict[str, str] = {}
"""Exceptions, with their reason; one that is no longer needed fails too."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*folders: str) -> list[str]:
    """Python files below folders, relative to the repository."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if "__pycache__" not in path.parts
    )


CODE = sources(*PACKAGES)
ALL = [*CODE, *sources("tests", "benchmarks")]


@cache
def text(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


@cache
def tree(file: str) -> ast.Module:
    return ast.parse(text(file))


def imported(nodes: Iterator[ast.AST]) -> set[str]:
    """Full names of the modules that nodes import."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, "imports are absolute"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def functions(file: str) -> list[tuple[Function, bool]]:
    """Functions of a module, and whether each is a method."""
    methods = {id(node) for cls in ast.walk(tree(file)) if isinstance(cls, ast.ClassDef) for node in cls.body}
    return [(node, id(node) in methods) for node in ast.walk(tree(file)) if isinstance(node, Function)]


def length(function: Function) -> int:
    """Lines without the docstring."""
    total = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        total -= (function.body[0].end_lineno or 0) - function.body[0].lineno + 1
    return total


def parameters(function: Function, method: bool) -> int:
    """Parameters, ``self`` not counted."""
    arguments = function.args
    return len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs) - method


def test_imports_go_one_way() -> None:
    """Commands may import postprocess, inside functions."""
    for file in CODE:
        package = file.split("/")[0]
        names = imported(ast.walk(tree(file)))
        if file.startswith("cases/commands/"):
            assert not within(imported(at_import(tree(file))), {"postprocess"}), file
            names -= within(names, {"postprocess"})
        forbidden = {*PACKAGES, "tests", "benchmarks"} - BELOW[package] - {package}
        assert not within(names, forbidden), file


def within(names: set[str], packages: set[str]) -> set[str]:
    """Those of the names that belong to some packages."""
    return {name for name in names if name.split(".")[0] in packages}


def at_import(module: ast.Module) -> Iterator[ast.AST]:
    """Nodes that run when a module is imported: not those in functions or under TYPE_CHECKING."""
    pending: list[ast.AST] = list(module.body)
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending += node.orelse
        elif not isinstance(node, Function | ast.Lambda):
            pending += ast.iter_child_nodes(node)


def test_what_is_shown_needs_no_solver() -> None:
    for file in sources("postprocess"):
        names = imported(ast.walk(tree(file)))
        assert not within(names, PARALLEL), file
        modules = {name for name in names if (ROOT / (name.replace(".", "/") + ".py")).is_file()}
        assert within(modules, {"meshes", "solver", "cases"}) <= TABLES | READERS, file


def test_tables_stay_pure() -> None:
    for table in TABLES:
        names = imported(ast.walk(tree(table.replace(".", "/") + ".py")))
        assert {name.split(".")[0] for name in names} <= {"dataclasses", "typing", "numpy"}, table


def test_there_are_no_import_rings() -> None:
    """Neither of modules nor of folders; imports inside functions count too."""
    modules = {file.removesuffix(".py").replace("/", "."): file for file in CODE}
    uses = {name: imported(ast.walk(tree(file))) & set(modules) for name, file in modules.items()}
    follow(uses)
    folders: dict[str, set[str]] = {}
    for name, used in uses.items():
        folders.setdefault(folder(name), set()).update(map(folder, used))
    follow({name: used - {name} for name, used in folders.items()})


def folder(module: str) -> str:
    """What a module stands in, below its package; a module right in the package stands for itself."""
    return ".".join(module.split(".")[:2])


def follow(uses: dict[str, set[str]]) -> None:
    """Fail where arrows lead back to where they began."""
    done: set[str] = set()

    def visit(place: str, path: tuple[str, ...]) -> None:
        assert place not in path, " -> ".join([*path[path.index(place) :], place])
        if place not in done:
            for used in sorted(uses[place]):
                visit(used, (*path, place))
            done.add(place)

    for place in sorted(uses):
        visit(place, ())


def test_every_file_has_its_licence_and_a_length_one_can_read() -> None:
    for file in ALL:
        lines = text(file).splitlines()
        assert lines[:1] == ["# SPDX-License-Identifier: MIT"], file
        assert (len(lines) > LONGEST_FILE) == (file in LONG_FILES), f"{file}: {len(lines)} lines"


def test_init_files_are_empty() -> None:
    for file in CODE:
        if file.endswith("__init__.py"):
            assert not tree(file).body, file


def test_functions_are_short() -> None:
    long = {
        f"{file}:{node.name}"
        for file in ALL
        for node, _ in functions(file)
        if length(node) > LONGEST_FUNCTION
    }
    assert long == set(LONG_FUNCTIONS)


def test_functions_take_few_parameters() -> None:
    many = {
        f"{file}:{node.name}"
        for file in ALL
        for node, method in functions(file)
        if parameters(node, method) > MOST_PARAMETERS
    }
    assert many == set(MANY_PARAMETERS)


def public(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """Public functions, classes and methods of a module."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{prefix}{node.name}.")


def test_public_names_say_what_they_are() -> None:
    """Methods of a Protocol are described by it."""
    for file in CODE:
        if file.endswith("__init__.py"):
            continue
        assert ast.get_docstring(tree(file)), f"{file}: the module says what it is about"
        protocols = {node.name for node in ast.walk(tree(file)) if is_protocol(node)}
        for name, node in public(tree(file).body):
            assert name.split(".")[0] in protocols or ast.get_docstring(node), f"{file}: {name}"


def is_protocol(node: ast.AST) -> TypeGuard[ast.ClassDef]:
    """Whether a node is a class that derives from Protocol."""
    return isinstance(node, ast.ClassDef) and any(
        getattr(base, "id", "") == "Protocol" for base in node.bases
    )


def test_architecture_names_every_module_and_no_other() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\* `([a-z0-9_/]+\.py)`: ", page, flags=re.MULTILINE))
    assert listed == {file for file in CODE if not file.endswith("__init__.py")}

# SPDX-License-Identifier: MIT
"""Reference pages that are made from the code: keys of files, command line, library, modules."""

import io
import re
from contextlib import redirect_stdout, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from cases import catalogue
from cases.cli import main
from cases.reading.explain import explanation, library_entry
from cases.schema.case import CaseFile

OTHER_FILES = {
    "Sweep files": "cases.schema.sweep",
    "Plan files": "cases.schema.plan",
    "Comparison files (routes)": "cases.schema.routes",
}


def cell(text: str) -> str:
    """Text that may stand in a table."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def case_keys() -> str:
    """Every key of the case file."""
    lines = [
        "# Keys of the case file",
        "",
        "Made from the schema. `infusate explain KEY` prints the same on the terminal, `infusate schema` the",
        "JSON Schema for editors. Every quantity is text with its unit.",
        "",
        *_table("", list(CaseFile.model_fields)),
    ]
    return "\n".join(lines) + "\n"


def _table(prefix: str, keys: list[str]) -> list[str]:
    lines, below = ["| key | meaning | unit, range, default |", "|---|---|---|"], []
    for name in keys:
        key = f"{prefix}{name}"
        facts = [line.strip() for line in explanation(key).splitlines()[1:]]
        nested = [fact for fact in facts if fact.startswith("keys: ")]
        facts = [fact for fact in facts if not fact.startswith("keys: ")]
        meaning, *rest = facts or [""]
        lines.append(f"| `{name}` | {cell(meaning)} | {cell('; '.join(rest))} |")
        if nested and prefix.count(".") < 4:
            below.append((key, meaning, nested[0].removeprefix("keys: ").split(", ")))
    lines.append("")
    for key, meaning, names in below:
        depth = min(2 + key.count("."), 4)
        lines += [f"{'#' * depth} `{key}`", "", meaning.replace("<", "&lt;"), "", *_table(f"{key}.", names)]
    return lines


def other_files() -> str:
    """Keys of the files of sweeps, plans and comparisons."""
    lines = [
        "# Keys of the other files",
        "",
        "Made from the schemas. Values with a unit are text, as in a case.",
        "",
    ]
    for title, module in OTHER_FILES.items():
        lines += [f"## {title}", ""]
        for name, item in vars(import_module(module)).items():
            if isinstance(item, type) and issubclass(item, BaseModel) and item.__module__ == module:
                lines += [f"### {name}", "", cell((item.__doc__ or "").split("\n\n")[0]), ""]
                lines += ["| key | meaning | default |", "|---|---|---|"]
                lines += [
                    f"| `{key}` | {cell(field.description or '')} | {_default(field.default)} |"
                    for key, field in item.model_fields.items()
                ]
                lines.append("")
    return "\n".join(lines)


def _default(value: Any) -> str:
    if value is PydanticUndefined or isinstance(value, BaseModel) or value in (None, [], {}, ""):
        return ""
    return f"`{cell(str(value))}`"


def command_line() -> str:
    """Every command with its options, as the program itself prints them."""
    top = printed(["--help"])
    commands = re.findall(r"^    ([a-z-]+)  +\S", top, flags=re.MULTILINE)
    lines = ["# The command line", "", "```text", top.strip(), "```", ""]
    for command in commands:
        lines += [f"## infusate {command}", "", "```text", printed([command, "--help"]).strip(), "```", ""]
    return "\n".join(lines)


def printed(arguments: list[str]) -> str:
    """What the program prints."""
    text = io.StringIO()
    with redirect_stdout(text), suppress(SystemExit):
        main(arguments)
    return text.getvalue()


def library() -> str:
    """Every entry of the library with the source of each number."""
    lines = [
        "# The library",
        "",
        "Agents, tissues, needles, each number with source and status; `infusate library NAME` prints one.",
        "*Measured*: in the source named. *Assumed*: a choice, with its reason. *Prior range*: hardly known.",
        "",
    ]
    for kind in catalogue.KINDS:
        lines += [f"## {kind.capitalize()}", ""]
        for name in catalogue.entries(kind):
            lines += [f"### {name}", "", "```text", library_entry(name).strip(), "```", ""]
    return "\n".join(lines)


def modules(package: str, root: Path) -> str:
    """Public functions and classes of a package, from their docstrings; nothing is imported."""
    import griffe

    found = griffe.load(package, search_paths=[root], allow_inspection=False)
    lines = [
        f"# {package}",
        "",
        "Made from the docstrings. How modules fit together: [architecture](../architecture.md).",
        "",
    ]
    for name in sorted(found.modules):
        module = found.modules[name]
        lines += [f"## {package}.{name}", "", _words(module.docstring), ""]
        for member in module.members.values():
            if member.is_alias or member.name.startswith("_") or member.docstring is None:
                continue
            if member.is_function:
                lines += _entry(member.name, _signature(member), member.docstring)
            elif member.is_class:
                lines += _entry(member.name, f"class {member.name}", member.docstring)
                for method in member.members.values():
                    if method.is_function and not method.name.startswith("_") and method.docstring:
                        name_ = f"{member.name}.{method.name}"
                        lines += _entry(name_, _signature(method, member.name), method.docstring)
    return "\n".join(lines)


def _signature(function: Any, owner: str = "") -> str:
    arguments = []
    for parameter in function.parameters:
        if owner and parameter.name == "self":
            continue
        text = parameter.name + (f": {parameter.annotation}" if parameter.annotation else "")
        arguments.append(text + (f" = {parameter.default}" if parameter.default else ""))
    name = f"{owner}.{function.name}" if owner else function.name
    returns = f" -> {function.returns}" if function.returns else ""
    one = f"{name}({', '.join(arguments)}){returns}"
    if len(one) <= 100:
        return one
    return f"{name}(\n" + "".join(f"    {argument},\n" for argument in arguments) + f"){returns}"


def _entry(name: str, signature: str, docstring: Any) -> list[str]:
    return [f"**{name}**", "", "```python", signature, "```", "", _words(docstring), ""]


def _words(docstring: Any) -> str:
    """A docstring as Markdown: prose as it is, lists of arguments as lists."""
    if docstring is None:
        return ""
    out = []
    for section in docstring.parse("google", warnings=False):
        kind = section.kind.value
        if kind == "text":
            out.append(_prose(section.value))
        elif isinstance(section.value, list):
            out.append(f"*{kind.capitalize()}*")
            rows = []
            for item in section.value:
                name = getattr(item, "name", "") or str(getattr(item, "annotation", "") or "")
                told = _prose(" ".join(str(item.description).split()))
                rows.append(f"* `{name}`: {told}" if name else f"* {told}")
            out.append("\n".join(rows))
    return "\n\n".join(out)


def _prose(text: str) -> str:
    """Double backquotes become single ones; what Markdown would take for markup is shielded."""
    return "\n".join(line if line.startswith("    ") else _shielded(line) for line in text.split("\n"))


def _shielded(line: str) -> str:
    parts = re.split(r"(``?[^`]+``?)", line)
    safe = [
        f"`{part.strip('`')}`" if part.startswith("`") else re.sub(r"([*_<|\[\]#])", r"\\\1", part)
        for part in parts
    ]
    return re.sub(r"^(\s*\d*)([-+.)]) ", r"\1\\\2 ", "".join(safe))

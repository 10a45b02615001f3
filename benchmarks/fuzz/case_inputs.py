# SPDX-License-Identifier: MIT
"""Case files for the fuzzer: made from the schema, nearly valid ones, hostile values, and mutilated text.

Everything is drawn from a ``random.Random``, so that a seed repeats it and hypothesis can shrink it. The JSON
Schema of the case file says what a value may be: keys that are added to the schema are fuzzed from then on.
"""

import copy
import json
import math
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from cases.schema.case import CaseFile

SHIPPED = Path(__file__).parents[2] / "cases" / "shipped"
LABELS = "labels.nii.gz"

MINIMAL = """\
name = "minimal"
[geometry]
kind = "radial"
domain_radius = "60 mm"
[geometry.tumour]
radius = "10 mm"
[agent]
base = "chlorine_dioxide"
[[injection]]
tip = ["0 mm", "0 mm", "0 mm"]
direction = [0, 0, -1]
start = "0 s"
volume = "1 mL"
rate = "1 mL/min"
"""
FROM_LABELS = MINIMAL.replace(
    '"radial"\ndomain_radius = "60 mm"\n[geometry.tumour]\nradius = "10 mm"\n',
    '"3d"\n[geometry.labels]\ntumour = { path = "' + LABELS + '" }\n',
)

UNITS = {
    "m": ["m", "mm", "cm", "um", "micrometer", "inch", "km"],
    "s": ["s", "min", "h", "ms", "day"],
    "Pa": ["Pa", "kPa", "mmHg", "cmH2O", "bar", "N/m^2"],
    "m^3": ["m^3", "mL", "L", "cm**3", "uL", "cc"],
    "m^3/s": ["m^3/s", "mL/min", "uL/s", "L/h"],
}

HOSTILE_TEXTS = [
    "", " ", "../../../../etc/passwd", "/dev/zero", "/etc/shadow", "a\x00b", "\x1b[31m\x1b]0;owned\x07",
    "x" * 300, "\n\n", "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{ 7*7 }}",
    "${jndi:x}", "$\\frac{", "%s%n%x", "__import__('os').system('touch OWNED')", "1e9**1e9 mL",
    "9**9**9**9 mL", "1 m**9**9**9", "1 ((((m^9)^9)^9)^9)^9", "1 mL; import os", "1 eval(1)", "nan mL",
    "inf s", "-inf m", "1e999 Pa", "1e-999 Pa", "0x10 mL", "1_000 mL", "1,5 mL", "1 mL mL mL",
    "1 m/m/m/m/m", "1 1/1/1", "1 µL", "1 μL", "1 ㎖", "１ mL", "1 mL\n", "\u202e1 mL", "\ud7ff", "😀",
    "1 kg", "1 ppm", "5 %", "1 degC", "1 dB", "1 speed_of_light*s", "1 planck_constant", "1 mL^0",
    "1 m^-3", "1 m^(1/2)", "1 .", "1 ()", "1 m ** m", "1 - m", "1 m^ 3", "1 " + "(" * 30 + "m" + ")" * 30,
    "1 " + "m*" * 29 + "m", "1e308 km", "1e-320 m",
]  # fmt: skip
HOSTILE_NUMBERS = [
    0, -1, 1, 2**31, 2**63, 2**64, 10**300, -(10**300), 0.5, -0.0, 1e308, -1e308, 5e-324,
    math.nan, math.inf, -math.inf,
]  # fmt: skip


@cache
def schema() -> dict[str, Any]:
    return CaseFile.model_json_schema()


@cache
def bases() -> list[dict[str, Any]]:
    """Tables of valid cases to start from."""
    texts = [MINIMAL, FROM_LABELS]
    texts += [path.read_text(encoding="utf-8") for path in sorted(SHIPPED.glob("*.toml"))]
    return [tomllib.loads(text) for text in texts if "patient" not in text and "demo_labels" not in text]


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    """A node of the schema without references and without ``null``."""
    while True:
        if "$ref" in node:
            node = schema()["$defs"][node["$ref"].rsplit("/", 1)[1]]
        elif "anyOf" in node:
            node = next(option for option in node["anyOf"] if option.get("type") != "null")
        elif "allOf" in node:
            node = node["allOf"][0]
        else:
            return node


def number_in(random: Random, low: float, high: float) -> float:
    """A number of a range: an end of it, or between, on a logarithmic scale where that makes sense."""
    if random.random() < 0.15:
        return random.choice([low, high])
    if low > 0 and high / low > 100:
        return math.exp(random.uniform(math.log(low), math.log(high)))
    return random.uniform(low, high)


def valid_value(random: Random, node: dict[str, Any], depth: int = 0) -> Any:
    """A value that the schema accepts."""
    node = resolve(node)
    if "x-unit-si" in node:
        unit = random.choice(UNITS.get(node["x-unit-si"], [node["x-unit-si"]]))
        if unit != node["x-unit-si"]:
            from cases.schema.units import Dimension, to_si

            factor = to_si(f"1 {unit}", Dimension("", node["x-unit-si"], ""))
        else:
            factor = 1.0
        return f"{number_in(random, node['x-minimum-si'], node['x-maximum-si']) / factor:.9g} {unit}"
    if "enum" in node:
        return random.choice(node["enum"])
    if "const" in node:
        return node["const"]
    kind = node.get("type")
    if kind == "boolean":
        return random.random() < 0.5
    if kind == "integer":
        return random.randint(int(node.get("minimum", -5)), int(node.get("maximum", 9)))
    if kind == "number":
        return number_in(random, node.get("minimum", -1e3), node.get("maximum", 1e3))
    if kind == "array":
        least = node.get("minItems", 0)
        most = min(node.get("maxItems", 4), least + 3)
        return [
            valid_value(random, node.get("items", {}), depth + 1) for _ in range(random.randint(least, most))
        ]
    if kind == "object" and "properties" in node:
        wanted = [
            name for name in node["properties"] if name in node.get("required", []) or random.random() < 0.3
        ]
        return {name: valid_value(random, node["properties"][name], depth + 1) for name in wanted}
    if kind == "object":
        return {"my_needle": valid_value(random, node.get("additionalProperties", {}), depth + 1)}
    return random.choice(["chlorine_dioxide", "generic_tumour", "22G", "liver", "a title", "subcutis"])


def hostile_value(random: Random) -> Any:
    """A value that no key wants, or few."""
    kind = random.randrange(6)
    if kind <= 2:
        return random.choice(HOSTILE_TEXTS)
    if kind == 3:
        return random.choice(HOSTILE_NUMBERS)
    if kind == 4:
        return random.choice(
            [True, False, [], {}, [[]], [{}], {"": {}}, {"a": 1}, ["x"] * 3, [0] * 2000, [[[[[]]]]]]
        )
    return "".join(
        chr(random.choice([random.randrange(32, 127), random.randrange(1, 0xD7FF)]))
        for _ in range(random.randrange(60))
    )


def places(tables: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All paths of a case's tables."""
    found = [path] if path else []
    items = (
        tables.items() if isinstance(tables, dict) else enumerate(tables) if isinstance(tables, list) else []
    )
    for key, value in items:
        found += places(value, (*path, key))
    return found


def node_at(path: tuple[Any, ...]) -> dict[str, Any] | None:
    """The schema's node at a path."""
    node: dict[str, Any] = schema()
    for part in path:
        node = resolve(node)
        if isinstance(part, int):
            node = node.get("items", {})
        elif part in node.get("properties", {}):
            node = node["properties"][part]
        elif isinstance(node.get("additionalProperties"), dict):
            node = node["additionalProperties"]
        else:
            return None
    return node


def schema_paths(node: dict[str, Any], path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every key that a case may have, entries of lists by the number 0."""
    node = resolve(node)
    found = [path] if path else []
    for name, inner in node.get("properties", {}).items():
        found += schema_paths(inner, (*path, name))
    if isinstance(node.get("items"), dict):
        found += schema_paths(node["items"], (*path, 0))
    return found


@cache
def all_paths() -> list[tuple[Any, ...]]:
    return schema_paths(schema())


def put(tables: Any, path: tuple[Any, ...], value: Any) -> None:
    """Sets a value, making tables on the way; nothing where the way is blocked."""
    target = tables
    for part, following in pairwise(path):
        if isinstance(target, dict):
            target = target.setdefault(part, [] if isinstance(following, int) else {})
        elif isinstance(target, list) and isinstance(part, int):
            if not target:
                target.append({})
            target = target[min(part, len(target) - 1)]
    if isinstance(target, dict):
        target[path[-1]] = value
    elif isinstance(target, list) and isinstance(path[-1], int):
        target[path[-1] : path[-1] + 1] = [value]


def valid_tables(random: Random) -> dict[str, Any]:
    """A base case with some keys changed to values that the schema accepts; rules may still refuse it."""
    tables = copy.deepcopy(random.choice(bases()))
    for _ in range(random.choice([0, 1, 1, 2, 3, 8])):
        path = random.choice(all_paths())
        node = node_at(path)
        if node is not None:
            put(tables, path, valid_value(random, node))
    return tables


def nearly_valid_tables(random: Random) -> dict[str, Any]:
    """A base case with one to three things wrong."""
    tables = valid_tables(random) if random.random() < 0.3 else copy.deepcopy(random.choice(bases()))
    for _ in range(random.randint(1, 3)):
        known = places(tables)
        path = random.choice(known if known and random.random() < 0.5 else all_paths())
        what = random.randrange(5)
        if what == 0:
            _remove(tables, path)
        elif what == 1:
            wrong = random.choice(
                [str(path[-1]) + "s", "x", "", "__class__", "résumé", "a.b", str(path[-1]).upper()]
            )
            put(tables, (*path[:-1], wrong), hostile_value(random))
        else:
            put(tables, path, hostile_value(random))
    return tables


def _remove(tables: Any, path: tuple[Any, ...]) -> None:
    target = tables
    try:
        for part in path[:-1]:
            target = target[part]
        del target[path[-1]]
    except (KeyError, IndexError, TypeError):
        pass


def toml(value: Any) -> str:
    """Any value as TOML on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(k))} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f")
    return repr(value)


def as_text(tables: dict[str, Any], random: Random) -> str:
    """Tables as a case file: tables under headers, or all of it inline."""
    if random.random() < 0.2:
        return "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in tables.items())
    lines = [
        f"{json.dumps(k)} = {toml(v)}" for k, v in tables.items() if not _is_table(v) and not _is_tables(v)
    ]
    for key, value in tables.items():
        for entry in value if _is_tables(value) else [value] if _is_table(value) else []:
            lines.append(f"[[{json.dumps(key)}]]" if _is_tables(value) else f"[{json.dumps(key)}]")
            lines += [f"{json.dumps(str(k))} = {toml(v)}" for k, v in entry.items()]
    return "\n".join(lines) + "\n"


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_table, value))


def mutilated(random: Random, raw: bytes) -> bytes:
    """Bytes with one to eight things done to them: flips, cuts, copies, numbers put in."""
    data = bytearray(raw)
    for _ in range(random.choice([1, 1, 1, 2, 3, 8])):
        if not data:
            break
        place = random.randrange(len(data))
        length = min(random.choice([1, 1, 2, 4, 16, 200]), len(data) - place)
        what = random.randrange(7)
        if what == 0:
            data[place] ^= 1 << random.randrange(8)
        elif what == 1:
            data[place : place + length] = bytes(random.randrange(256) for _ in range(length))
        elif what == 2:
            del data[place : place + length]
        elif what == 3:
            data[place:place] = data[place : place + length] * random.choice([1, 2, 50])
        elif what == 4:
            data[place : place + length] = random.choice([b"\0", b"\xff", b"9", b"-", b"["]) * length
        elif what == 5:
            there = random.randrange(len(data))
            data[place : place + length] = data[there : there + length]
        elif random.random() < 0.3:
            del data[place:]
    return bytes(data)


def text_tokens(random: Random, text: str) -> str:
    """Text with tokens of TOML, and hostile ones, put in and taken out."""
    tokens = [
        '"',
        "'",
        '"""',
        "[",
        "]",
        "[[",
        "{",
        "}",
        "=",
        ".",
        ",",
        "\n",
        "#",
        "nan",
        "1e999",
        "-1",
        "\\u0000",
        "\\x",
        "1979-05-27",
    ]
    for _ in range(random.choice([1, 1, 1, 2, 3, 5])):
        place = random.randrange(len(text) + 1)
        new = random.choice(tokens) if random.random() < 0.8 else random.choice(HOSTILE_TEXTS)
        text = text[:place] + new * random.choice([1, 1, 1, 40]) + text[place + random.choice([0, 0, 1, 6]) :]
    return text

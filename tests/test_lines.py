# SPDX-License-Identifier: MIT
"""Lines of keys: every shape of TOML that a case file may take."""

import tomllib

import pytest

from cases.toml_lines import line_map

pytestmark = pytest.mark.serial

TEXT = '''\
# a comment with = and [brackets]
name = "x # not a comment"
geometry.kind = "3d"   # dotted

[geometry.tumour]
centre = [ # a list over lines
  "0 mm",

  "1 mm", # with a comment
  "2 mm" ]
radius = "5 mm"
note = """
several = 1
[lines]
"""
other = \'\'\'
[[injection]]
\'\'\'
"quoted key" = 1.5e-3
date = 1979-05-27 07:32:00
after = true

[[injection]]
tip = ["0 mm", "0 mm", "0 mm"]
[injection.inner]
value = -2

[[injection]]
tip = [["a", "b"], ["c"]]

[needles]
"my.needle" = { outer_diameter = "1 mm", deep = { key = "]" } }
list = [{ path = "a" },
        { path = "b", labels = [1, 2] }]
'''

EXPECTED = {
    ("name",): 2,
    ("geometry",): 3,
    ("geometry", "kind"): 3,
    ("geometry", "tumour"): 5,
    ("geometry", "tumour", "centre"): 6,
    ("geometry", "tumour", "centre", 0): 7,
    ("geometry", "tumour", "centre", 1): 9,
    ("geometry", "tumour", "centre", 2): 10,
    ("geometry", "tumour", "radius"): 11,
    ("geometry", "tumour", "note"): 12,
    ("geometry", "tumour", "other"): 16,
    ("geometry", "tumour", "quoted key"): 19,
    ("geometry", "tumour", "date"): 20,
    ("geometry", "tumour", "after"): 21,
    ("injection",): 23,
    ("injection", 0): 23,
    ("injection", 0, "tip", 2): 24,
    ("injection", 0, "inner"): 25,
    ("injection", 0, "inner", "value"): 26,
    ("injection", 1): 28,
    ("injection", 1, "tip", 1, 0): 29,
    ("needles", "my.needle", "outer_diameter"): 32,
    ("needles", "my.needle", "deep", "key"): 32,
    ("needles", "list", 0, "path"): 33,
    ("needles", "list", 1, "labels", 1): 34,
}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_lines_of_keys(ending: str) -> None:
    found = line_map(TEXT.replace("\n", ending))
    assert {key: found.lines.get(key) for key in EXPECTED} == EXPECTED


def test_the_map_covers_every_key_that_tomllib_finds() -> None:
    def keys(value: object, path: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        return [key for part, item in items for key in [(*path, part), *keys(item, (*path, part))]]

    found = line_map(TEXT).lines
    assert set(keys(tomllib.loads(TEXT), ())) == set(found)


def test_a_missing_key_has_the_line_of_its_table() -> None:
    found = line_map(TEXT)
    assert found.of(("injection", 1, "rate")) == 28
    assert found.of(("geometry", "tumour", "centre", 1, "x")) == 9
    assert found.of(("nothing",)) is None


@pytest.mark.parametrize("text", ["", "\n\n", "a", "a = ", "a = [1, ", "[", "= 1", "a = {b = ", "[[x", '"""'])
def test_broken_text_gives_a_partial_map(text: str) -> None:
    line_map(text)


def test_deep_nesting_does_not_fail() -> None:
    line_map("a = " + "[" * 5000 + "]" * 5000)

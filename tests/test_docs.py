# SPDX-License-Identifier: MIT
"""The documentation without building it: links, navigation, commands that parse, examples that load."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from cases import cli
from cases.catalogue import FOLDER, entries
from cases.reading.load import load_case
from cases.schema.entries import Kind, library_tables
from docs.site import reference
from docs.site.build import HOUSE, LINK, PACKAGES
from docs.site.gallery import shipped

pytestmark = pytest.mark.serial

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "site" not in page.parts)
MADE = {
    *(f"reference/{name}" for name in ("case-keys", "other-files", "command-line", "library", *PACKAGES)),
    *(f"gallery/{case.file.stem}" for case in shipped(ROOT)),
    *("gallery/index", "ladder/index"),
}
"""Pages that the build writes."""
MARK = "made by `make docs`"
"""Stands before links to them: in a clone they are not there."""

HOUSE_PAGES = sorted(ROOT.glob("*.md"))
LEFT_BY_TOOLS = ("results", "build")


def name(page: Path) -> str:
    return page.relative_to(DOCS if page.is_relative_to(DOCS) else ROOT).as_posix()


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and MyST make it."""
    plain = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(text: str) -> set[str]:
    return {slug(line.lstrip("#")) for line in text.splitlines() if line.startswith("#")}


@pytest.mark.parametrize("page", [*HOUSE_PAGES, *PAGES], ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    """In a clone: to a file of the repository, or, where the line says so, to a page that is made."""
    text = page.read_text(encoding="utf-8")
    for match in LINK.finditer(text):
        path, anchor = match.groups()
        target = (page.parent / path).resolve()
        made = target.is_relative_to(DOCS) and target.relative_to(DOCS).as_posix().removesuffix(".md") in MADE
        assert made or target.is_file(), f"{name(page)}: {path}"
        assert target.relative_to(ROOT).parts[0] not in LEFT_BY_TOOLS, f"{name(page)}: {path}"
        line = text[: match.start()].rpartition("\n")[2]
        assert not made or MARK in line, f"{name(page)}: {path} is not there before `make docs`"
        if anchor and not made:
            assert anchor[1:] in anchors(target.read_text(encoding="utf-8")), f"{name(page)}: {path}{anchor}"
    for anchor in re.findall(r"\]\(#([^)]+)\)", text):
        assert anchor in anchors(text), f"{name(page)}: #{anchor}"


def test_every_page_is_in_the_navigation_and_no_other() -> None:
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    entries = [
        line
        for block in re.findall(r"```\{toctree\}\n(.*?)```", text, flags=re.DOTALL)
        for line in block.splitlines()
        if line and not line.startswith(":")
    ]
    assert len(entries) == len(set(entries))
    house = {f"house/{file.lower().removesuffix('.md')}" for file in HOUSE}
    written = {name(page).removesuffix(".md") for page in PAGES} - {"index"}
    assert set(entries) == written | house | {entry for entry in MADE if not entry.startswith("gallery/")} | {
        "gallery/index"
    }


def test_the_index_links_every_page() -> None:
    """Also where its navigation is not shown, as on the page of the repository."""
    text = re.sub(
        r"```\{toctree\}.*?```", "", (DOCS / "index.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    assert {name(page) for page in PAGES} - {"index.md"} <= {path for path, _ in LINK.findall(text)}


def commands(text: str) -> list[str]:
    """Lines that call infusate, in blocks of code."""
    found = re.findall(r"^(?: {4})?(infusate [a-z].*)$", text, flags=re.MULTILINE)
    return [re.split(r"\s{2,}|\s#|\s\[", line)[0] for line in found]


@pytest.mark.parametrize(
    "page",
    [page for page in (*HOUSE_PAGES, *PAGES) if commands(page.read_text(encoding="utf-8"))],
    ids=name,
)
def test_commands_are_those_of_the_program(page: Path) -> None:
    """They parse, and shipped files that they name are there."""
    for line in commands(page.read_text(encoding="utf-8")):
        words = shlex.split(line)[1:]
        try:
            cli._parser().parse_args(words)
        except SystemExit:
            pytest.fail(f"{name(page)}: {line}")
        for word in words:
            assert not word.startswith("cases/shipped") or (ROOT / word).is_file(), f"{name(page)}: {line}"


EXAMPLES = [
    (page, block)
    for page in PAGES
    for block in re.findall(
        r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    if block.startswith("name =")
]


@pytest.mark.parametrize(("page", "block"), EXAMPLES, ids=[name(page) for page, _ in EXAMPLES])
def test_examples_are_valid_cases(
    page: Path, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saved in the clone, as the page says."""
    label = tomllib.loads(block)["name"]
    block = block.replace('"cases/shipped/', f'"{ROOT.as_posix()}/cases/shipped/')
    file = tmp_path / f"{label}.toml"
    file.write_text(block, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_case(file).name == label, name(page)


def test_reference_pages_are_made_from_the_code() -> None:
    keys = reference.case_keys()
    assert "## `geometry`" in keys and "`rate`" in keys and "SI: m^3/s" in keys
    commands_page = reference.command_line()
    assert "## infusate compare-lesion" in commands_page and "--with-control" in commands_page
    assert "## Tissues" in reference.library()
    assert "| `axis` |" in reference.other_files()


@pytest.mark.parametrize(
    ("kind", "name"), [("tissues", "my_tumour"), ("agents", "my_agent"), ("agents", "my_alcohol")]
)
def test_shown_entries_are_entries_of_the_library(kind: Kind, name: str, tmp_path: Path) -> None:
    page = (DOCS / "howto/material.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"^```text\n(\[{name}\]\n.*?)^```", page, re.DOTALL | re.MULTILINE)
    shipped_ones = (FOLDER / f"{kind}.toml").read_text(encoding="utf-8")
    file = tmp_path / f"{kind}.toml"
    file.write_text(f"{shipped_ones}\n{block}", encoding="utf-8")
    assert library_tables(file, kind)[name]["base"] in entries(kind)


@pytest.mark.parametrize("command", ["docs", "gallery", "ladder"])
def test_targets_exist(command: str) -> None:
    assert f"\n{command}: ##" in (ROOT / "Makefile").read_text(encoding="utf-8")

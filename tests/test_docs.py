# SPDX-License-Identifier: MIT
"""The documentation without building it: links, navigation, commands that parse, examples that load."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from cases import cli
from cases.reading.load import load_case
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


def name(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and MyST make it."""
    plain = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(text: str) -> set[str]:
    return {slug(line.lstrip("#")) for line in text.splitlines() if line.startswith("#")}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path, anchor in LINK.findall(text):
        target = (page.parent / path).resolve()
        made = target.is_relative_to(DOCS) and target.relative_to(DOCS).as_posix().removesuffix(".md") in MADE
        assert made or target.is_file(), f"{name(page)}: {path}"
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


def commands(text: str) -> list[str]:
    """Lines that call infusate, in blocks of code."""
    found = re.findall(r"^(?: {4})?(infusate [a-z].*)$", text, flags=re.MULTILINE)
    return [re.split(r"\s{2,}|\s#|\s\[", line)[0] for line in found]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if commands(page.read_text(encoding="utf-8"))], ids=name
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


@pytest.mark.parametrize("command", ["docs", "gallery", "ladder"])
def test_targets_exist(command: str) -> None:
    assert f"\n{command}: ##" in (ROOT / "Makefile").read_text(encoding="utf-8")

# SPDX-License-Identifier: MIT
"""Builds the documentation: ``make docs``, or ``.ci/docs`` inside the environment.

Pages of docs/ are copied to build/docs/source, those made from code and results are written beside them,
links that lead out of docs/ are turned into copies, and Sphinx makes the site. A warning is an error.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

from docs.site import gallery, reference

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OUT = ROOT / "build/docs"
PACKAGES = ("meshes", "solver", "cases", "postprocess")
HOUSE = ("CONTRIBUTING.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "RELEASING.md")
"""Pages at the top of the repository that become pages of the site."""

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")


def stage(source: Path) -> None:
    """Write every page of the site below a new folder."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(DOCS, source, ignore=shutil.ignore_patterns("site", "__pycache__"))
    shutil.copyfile(DOCS / "site/conf.py", source / "conf.py")
    (source / "_static").mkdir()
    shutil.copyfile(DOCS / "site/site.css", source / "_static/site.css")
    (source / "house").mkdir()
    for name in HOUSE:
        if (ROOT / name).is_file():
            shutil.copyfile(ROOT / name, source / "house" / name.lower())
    _references(source / "reference")
    _gallery(source / "gallery")
    _ladder(source / "ladder")
    for page in sorted(source.rglob("*.md")):
        origin = ROOT / page.name.upper().replace(".MD", ".md") if page.parent.name == "house" else None
        text = page.read_text(encoding="utf-8")
        page.write_text(_settled(text, page, source, origin), encoding="utf-8")


def _references(folder: Path) -> None:
    folder.mkdir()
    pages = {
        "case-keys": reference.case_keys(),
        "other-files": reference.other_files(),
        "command-line": reference.command_line(),
        "library": reference.library(),
        **{package: reference.modules(package, ROOT) for package in PACKAGES},
    }
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def _gallery(folder: Path) -> None:
    folder.mkdir()
    cases = gallery.shipped(ROOT)
    for case in cases:
        (folder / f"{case.file.stem}.md").write_text(gallery.page(case, ROOT, folder), encoding="utf-8")
    (folder / "index.md").write_text(gallery.index(cases, ROOT), encoding="utf-8")


def _ladder(folder: Path) -> None:
    """The page of the last ``make ladder``, if there was one."""
    folder.mkdir()
    made = ROOT / "results/ladder"
    if (made / "ladder.md").is_file():
        for path in made.glob("*.png"):
            shutil.copyfile(path, folder / path.name)
        text = (made / "ladder.md").read_text(encoding="utf-8")
    else:
        text = (
            "# Verification ladder\n\nIt was not run before this site was built. `make ladder` runs it and "
            "writes `results/ladder/index.html`; `make docs` then shows it here. "
            "The numbers of the last recorded run stand in [Verification](../verification.md#the-ladder).\n"
        )
    (folder / "index.md").write_text(text, encoding="utf-8")


def _settled(text: str, page: Path, source: Path, origin: Path | None) -> str:
    """Links that lead out of the site lead to a copy in it, those to a shipped case to its page."""
    staged_as_house = {(ROOT / name).resolve(): source / "house" / name.lower() for name in HOUSE}

    def settle(match: re.Match[str]) -> str:
        path, anchor = match.group(1), match.group(2) or ""
        if origin is None and (page.parent / path).exists():
            return match.group()
        place = (origin or DOCS / page.relative_to(source)).parent / path
        real = place.resolve()
        if real in staged_as_house:
            target = staged_as_house[real]
        elif real.is_relative_to(DOCS):
            target = source / real.relative_to(DOCS)
        elif real.parent == ROOT / "cases/shipped" and (source / f"gallery/{real.stem}.md").is_file():
            target = source / f"gallery/{real.stem}.md"
        elif real.is_file() and real.is_relative_to(ROOT):
            target = source / "files" / real.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(real, target)
        else:
            return match.group()  # Sphinx will say that it is broken
        return f"](/{target.relative_to(source).as_posix()}{anchor})"

    return LINK.sub(settle, text)


def main() -> int:
    """Stage the pages and run Sphinx."""
    parser = argparse.ArgumentParser(description="Build the documentation.")
    parser.add_argument("--gallery", action="store_true", help="run every case that has no result yet")
    parser.add_argument("--no-runs", action="store_true", help="run no case at all")
    parser.add_argument("--stage-only", action="store_true", help="write the pages, do not make the site")
    options = parser.parse_args()
    failed = {} if options.no_runs else gallery.run_missing(ROOT, options.gallery)
    failed = {name: code for name, code in failed.items() if code}
    if failed:
        print(f"cases that did not end well (exit code): {failed}", file=sys.stderr)
        return 1
    stage(OUT / "source")
    if options.stage_only:
        return 0
    from sphinx.cmd.build import main as sphinx

    arguments = ["-W", "--keep-going", "-q", "-j", "auto", "-b", "html"]
    status = sphinx([*arguments, "-d", str(OUT / "doctrees"), str(OUT / "source"), str(OUT / "html")])
    if status == 0:
        print(f"Open the documentation: {OUT / 'html/index.html'}")
    return int(status)


if __name__ == "__main__":
    raise SystemExit(main())

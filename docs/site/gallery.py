# SPDX-License-Identifier: MIT
"""A page for each shipped case: what it shows, the case itself, how to run it, and what came out."""

import json
import re
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postprocess.figures.gallery import FIGURES
from postprocess.pages.table import summary_table
from postprocess.results.headline import headline, verdict

RUNS = Path("results/gallery")
QUICK = ("reference", "spill", "titration")
"""Cases that every build runs if need be; ten seconds each."""

SHOWN = ("scene", "dose", "concentration", "ledger", "pressure", "vessels", "spill", "profiles")
MOST = 5


@dataclass(frozen=True)
class Shipped:
    """A shipped case.

    Attributes:
        file: relative to the repository.
        comment: what the file says about itself.
        title: its title.
        kind: its geometry.
        outside: whether it needs files that are not part of the repository.
    """

    file: Path
    comment: str
    title: str
    kind: str
    outside: bool

    @property
    def folder(self) -> Path:
        """Where ``make gallery`` runs it."""
        return RUNS / self.file.stem


def shipped(root: Path) -> list[Shipped]:
    """All cases of ``cases/shipped``, the reference case first."""
    found = []
    for path in sorted((root / "cases/shipped").glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        case = tomllib.loads(text)
        head = re.match(r"(?:#.*\n)+", text)
        told = [
            line.removeprefix("#").removeprefix(" ") for line in (head.group() if head else "").splitlines()
        ]
        comment = "\n".join(line for line in told if not line.startswith("SPDX"))
        kind = str(case["geometry"]["kind"])
        outside = "shared/data" in text
        found.append(Shipped(path.relative_to(root), comment, str(case.get("title", "")), kind, outside))
    return sorted(found, key=lambda case: (case.file.stem != "reference", case.file.stem))


def current(case: Shipped, root: Path) -> bool:
    """Whether its result is there and not older than the case."""
    summary = root / case.folder / "summary.json"
    return summary.is_file() and summary.stat().st_mtime >= (root / case.file).stat().st_mtime


def run_missing(root: Path, everything: bool) -> dict[str, int]:
    """Run cases whose results are missing or old: the quickest, or all that need no outside data.

    Returns:
        Exit codes of those that were run, by name.
    """
    import subprocess
    import sys

    codes = {}
    for case in shipped(root):
        wanted = not case.outside if everything else case.file.stem in QUICK
        if not wanted or current(case, root):
            continue
        print(f"running {case.file}", flush=True)
        command = [sys.executable, "-c", "from cases.cli import program; program()"]
        command += ["run", str(case.file), "--out", str(case.folder), "--overwrite", "--quiet"]
        codes[case.file.stem] = subprocess.run(command, cwd=root, check=False).returncode
    return codes


def page(case: Shipped, root: Path, target: Path) -> str:
    """The page of a case; pictures are copied beside it."""
    lines = [f"# {case.title or case.file.stem}", "", *_told(case.comment), ""]
    lines += ["Run it:", "", "```text", f"infusate run {case.file}", "```", ""]
    summary = root / case.folder / "summary.json"
    if summary.is_file():
        lines += _result(json.loads(summary.read_text(encoding="utf-8")), case, root, target)
    elif case.outside:
        lines += ["It needs images that are not part of the repository, so there are no pictures here.", ""]
    else:
        lines += ["It was not run when this page was made: `make gallery` runs it.", ""]
    text = (root / case.file).read_text(encoding="utf-8")
    lines += ["## The case", "", f"`{case.file}`", "", "```toml", text.strip(), "```", ""]
    return "\n".join(lines)


def _result(summary: dict[str, Any], case: Shipped, root: Path, target: Path) -> list[str]:
    lines = ["## What came out", "", _shielded(headline(summary)), ""]
    judged = verdict(summary)
    lines += [f"*{_shielded(judged.words)}*", "", *[f"* {_shielded(text)}" for text in judged.reasons], ""]
    lines += ["```text", summary_table(summary).rstrip(), "```", ""]
    figures = root / case.folder / "figures"
    names = [name for name in SHOWN if (figures / f"{name}.png").is_file()][:MOST]
    for name in names:
        shutil.copyfile(figures / f"{name}.png", target / f"{case.file.stem}-{name}.png")
        caption = FIGURES[name].caption if name in FIGURES else name
        lines += [f"![{caption}]({case.file.stem}-{name}.png)", "", f"*{_shielded(caption)}*", ""]
    return lines


def index(cases: list[Shipped], root: Path) -> str:
    """The list of all cases."""
    lines = [
        "# Gallery",
        "",
        "Every case that is shipped. Each page was made by running its case: `make docs` runs a few,",
        "`make gallery` all that need no data from outside.",
        "",
        "| case | what it shows | geometry |",
        "|---|---|---|",
    ]
    for case in cases:
        seen = "" if (root / case.folder / "summary.json").is_file() else " (not run)"
        lines.append(f"| [{case.file.stem}]({case.file.stem}.md) | {case.title}{seen} | {case.kind} |")
    stems = "\n".join(case.file.stem for case in cases)
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", "", stems, "```", ""])


def _told(comment: str) -> list[str]:
    """A comment as Markdown; what it indents is a command."""
    lines = []
    for line in comment.splitlines():
        lines += ["", f"    {line.strip()}", ""] if line.startswith("  ") else [_shielded(line)]
    return lines


def _shielded(text: str) -> str:
    return re.sub(r"([*_<|\[\]#])", r"\\\1", text)

# SPDX-License-Identifier: MIT
"""One self-contained page that sets runs against one another: answers, differences, pictures, curves."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from os.path import relpath
from pathlib import Path
from shlex import quote, split
from typing import Any, Final

from postprocess.figures.comparisons import COMPARISONS, Named, check_comparable, draw_comparison, named
from postprocess.figures.gallery import draw
from postprocess.figures.stage import Wish
from postprocess.figures.style import save_figure
from postprocess.pages.case_tables import Table, unit_key, value_text, words_of
from postprocess.pages.page import inlined, rendered, write_page
from postprocess.results import quantities
from postprocess.results.headline import Verdict, headline, middle_entry, verdict
from postprocess.results.result import ResultError, open_result

COMPARED: Final = re.compile(r'<meta name="compared" content="([^"]*)">')
"""Where a page says which folders it is about."""
HEAD: Final = 65536
"""Characters of a page within which it says so."""

SAME: Final = 1e-9
"""Values that differ relatively by less than this are the same."""

MANY: Final = 3.0
"""From this ratio on a change is told in times instead of per cent."""
MEANINGLESS: Final = 1e4
"""From this ratio on the first value is a trace, and the change is left out."""

UNTOLD: Final = frozenset(
    {"name", "title", "hash", "figures", "version", "sources", "resolved", "threshold_labels"}
)
"""Keys of the resolved case that are no physics, or say again what others say."""

FOLLOWS: Final = ("geometry", "sizes")
"""Where the resolved case keeps what nobody asked for: edge lengths, derived from the rest."""

OF_A_PULSE: Final = frozenset({"start", "volume", "rate", "concentration"})
"""Keys of a pulse that have the same name in the case file."""

MARGIN: Final = "least margin"
"""The one result that has a sign, so that a ratio says nothing of it."""


class PageInTheWay(ResultError):
    """The page that would be written is something else."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run as the page lists it.

    Attributes:
        name: short.
        title: of the case.
        folder: of the result.
        headline: its answer.
        verdict: whether to trust it.
    """

    name: str
    title: str
    folder: str
    headline: str
    verdict: Verdict


def _results(summary: Mapping[str, Any]) -> dict[str, tuple[float, str]]:
    """Quantities of a run: words to value and text."""
    entry = middle_entry(dict(summary))
    destroyed: dict[str, tuple[float, str]] = {}
    if entry is not None:
        destroyed = {
            words: (float(entry[key]), quantities.volume_text(entry[key]))
            for words, key in (
                (f"tumour destroyed at {entry['label']}", "in_tumour_m3"),
                ("tumour missed", "untreated_m3"),
                ("normal tissue destroyed", "outside_m3"),
            )
        } | {"share of the tumour destroyed": (entry["coverage"], quantities.percent(entry["coverage"]))}
        if entry["margin"]:
            destroyed[MARGIN] = _length(entry["margin"]["min_m"])
    shares = {
        "left the tumour": summary["spill"]["crossed_fraction"],
        "reacted outside": summary["spill"]["reacted_outside_fraction"],
        "washed into blood": summary["blood"]["absorbed_fraction"],
        "drained by lymph": summary["lymph"]["absorbed_fraction"],
    }
    peak, volume = summary["pressure"]["peak_Pa"], summary["tumour"]["volume_m3"]
    return {
        "tumour": (volume, quantities.volume_text(volume)),
        **destroyed,
        **{words: (value, quantities.percent(value)) for words, value in shares.items()},
        "peak pressure": (peak, quantities.pressure_text(peak)),
        "cells of the mesh": (float(summary["mesh"]["cells"]), f"{summary['mesh']['cells']:,}"),
        "wall time": (summary["timing"]["total_s"], quantities.duration_text(summary["timing"]["total_s"])),
    }


def _length(value: float) -> tuple[float, str]:
    return float(value), quantities.length_text(value)


def result_table(stages: Sequence[Named]) -> Table:
    """What the runs found, one column each; from the second on with the change against the first."""
    found = [_results(stage.result.summary) for _, stage in stages]
    rows = []
    for words, (first, text) in found[0].items():
        change = _with_difference if words == MARGIN else _with_change
        others = [change(run.get(words), first) for run in found[1:]]
        rows.append((words, text, *others))
    return Table(title="What was found", head=("", *(name for name, _ in stages)), rows=tuple(rows))


def _with_change(entry: tuple[float, str] | None, first: float) -> str:
    if entry is None:
        return "not computed"
    value, text = entry
    if first == 0.0 or abs(value - first) <= SAME * abs(first) or text.startswith("<"):
        return text
    ratio = value / first
    if ratio < 0.0 or ratio > MEANINGLESS:
        return text  # across zero, or against round-off, a ratio says nothing
    return f"{text} ({f'{100 * (ratio - 1):+.3g} %' if abs(ratio) < MANY else f'{ratio:.3g} times'})"


def _with_difference(entry: tuple[float, str] | None, first: float) -> str:
    """A length [m] with how much more or less it is."""
    if entry is None:
        return "not computed"
    value, text = entry
    if abs(value - first) <= SAME * abs(first):
        return text
    return f"{text} ({quantities.length_text(abs(value - first))} {'more' if value > first else 'less'})"


def _flat(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for key, value in table.items():
        if not path and key in UNTOLD:
            continue
        place = (*path, key)
        if isinstance(value, Mapping):
            found |= _flat(value, place)
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for number, item in enumerate(value):
                found |= _flat(item, (*place, str(number)))
        else:
            found[place] = value_text(unit_key(place), value)
    return found


def difference_tables(stages: Sequence[Named]) -> list[Table]:
    """Every number or choice of the cases in which the runs differ: what was asked, and edge lengths."""
    cases = [_flat(stage.result.resolved) for _, stage in stages]
    keys = list(dict.fromkeys(key for case in cases for key in case))
    asked, followed = list[tuple[str, ...]](), list[tuple[str, ...]]()
    for key in keys:
        texts = [case.get(key, "not there") for case in cases]
        if len({*texts}) > 1:
            rows = followed if key[: len(FOLLOWS)] == FOLLOWS else asked
            rows.append((_name_of(key), *texts))
    head = ("", *(name for name, _ in stages))
    return [
        Table(title="What was asked", head=head, rows=tuple(asked)),
        Table(title="Edge lengths of the mesh, which follow from the case", head=head, rows=tuple(followed)),
    ]


def _name_of(path: tuple[str, ...]) -> str:
    """A key in words; one of a pulse as ``--set`` calls it."""
    if path[0] == "injections" and path[-1] in OF_A_PULSE:
        return ".".join(("injection", *path[1:]))
    *place, last = path[len(FOLLOWS) :] if path[: len(FOLLOWS)] == FOLLOWS else path
    key = unit_key(path)
    words = words_of(key if key.endswith(last) else last)
    return ", ".join([*(part.replace("_", " ") for part in place), words])


def _places(folders: Sequence[Path], page: Path) -> list[str]:
    """Folders as they are reached from a page, so that all of it may move."""
    return [relpath(folder.resolve(), page.resolve().parent) for folder in folders]


def _require_own(page: Path, folders: Sequence[Path]) -> None:
    """Refuse to write over anything but an earlier page about the same folders."""
    if not page.exists() and not page.is_symlink():
        return
    try:
        with page.open(encoding="utf-8", errors="replace") as stream:
            found = COMPARED.search(stream.read(HEAD))
    except OSError as error:
        raise PageInTheWay(f"{page}: is there and cannot be read ({error.strerror})") from error
    before = split(unescape(found.group(1))) if found else []
    if before == _places(folders, page):
        return
    what = f"compares {' and '.join(before)}" if before else "is no comparison that names its runs"
    raise PageInTheWay(f"{page}: is there and {what}; name another page with --out FILE, or remove this one")


def _pictures(stages: Sequence[Named], folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Figures of the runs together, and the scene of each; a figure that cannot be drawn is left out."""
    shown: dict[str, list[dict[str, Any]]] = {"together": [], "scenes": []}
    for name, kind in COMPARISONS.items():
        try:
            figure = draw_comparison(stages, name, Wish())
        except ResultError:
            continue
        path = save_figure(figure, folder / f"{name}{'.svg' if kind.curve else '.png'}")
        wide = {"name": name, "source": inlined(path), "caption": kind.caption, "wide": True, "broad": True}
        shown["together"].append(wide)
    for run, stage in stages:
        try:
            figure = draw(stage, "bands")
        except ResultError:
            continue
        path = save_figure(figure, folder / f"bands-{len(shown['scenes'])}.png")
        shown["scenes"].append(
            {"name": "bands", "source": inlined(path), "caption": run, "wide": False, "broad": False}
        )
    return shown


def build_comparison(folders: Sequence[Path], page: Path) -> Path:
    """Writes the page that compares result folders, and its figures into a folder beside it.

    Args:
        folders: two or more; the first is the one that others are held against.
        page: HTML file to write; the figures go into ``NAME_figures``.

    Raises:
        ResultError: a folder is not a readable result, too few or too many, or the page cannot be written.
        PageInTheWay: there is a file that is no comparison of these folders; it stays as it is.
    """
    _require_own(page, folders)
    results = [open_result(folder) for folder in folders]
    check_comparable(results)
    stages = named(results)
    runs = [
        Run(
            name=name,
            title=str(stage.result.summary["case"]["title"]),
            folder=str(stage.result.folder),
            headline=headline(stage.result.summary),
            verdict=verdict(stage.result.summary),
        )
        for name, stage in stages
    ]
    asked, followed = difference_tables(stages)
    try:
        figures = page.with_name(f"{page.stem}_figures")
        figures.mkdir(parents=True, exist_ok=True)
        text = rendered(
            "compare.html.j2",
            runs=runs,
            results=result_table(stages),
            asked=asked,
            followed=followed,
            pictures=_pictures(stages, figures),
            compared=" ".join(map(quote, _places(folders, page))),
            notice=results[0].summary["notice"],
            version=results[0].summary["infusate"],
        )
        return write_page(text, page)
    except OSError as error:
        raise ResultError(f"{page}: cannot be written ({error.strerror})") from error

# SPDX-License-Identifier: MIT
"""One self-contained page that sets ways in to one tumour side by side: exposures, courses, a table."""

import json
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from textwrap import fill
from typing import Any, Final

import numpy as np

from postprocess.figures.exposures import draw_exposures
from postprocess.figures.stage import plain_text
from postprocess.figures.style import RUN_LOOKS, Size, new_figure, pt, save_figure
from postprocess.pages.page import inlined, rendered, write_page
from postprocess.pages.routes_tables import HOUR, Entry, by_drug, route_tables
from postprocess.results.result import ResultError

REPORT: Final = "report.html"
RECORD: Final = "comparison.json"
FAINT: Final = 1e-6
"""Of the largest value of a picture: what is below is not drawn."""

LABEL: Final = 24
"""Letters in half a line of the legend."""


def build_routes_report(folder: Path) -> Path:
    """Write ``report.html`` and its pictures beside ``comparison.json``.

    Raises:
        ResultError: there is no comparison, or it is damaged.
    """
    try:
        record = json.loads((folder / RECORD).read_text("utf-8"))
        entries = by_drug(told_apart(record["routes"]))
        several = len({entry.get("source") for entry in entries}) > 1
        (folder / "figures").mkdir(exist_ok=True)
        pictures = [
            _shown(
                draw_exposures(entries, folder / "figures" / "exposures.svg"),
                "mean over the tumour's volume, with 5 to 95 % of it; and the AUC of tissue around and of "
                "plasma; an arrow at the edge stands for less than the axis shows. Different drugs need "
                "different exposures: marks on one axis compare, others do not",
            ),
            _shown(
                draw_courses(entries, folder / "figures" / "courses.svg"),
                "solid: mean concentration in the tumour's interstitial fluid; dotted: plasma of the body",
            ),
        ]
        text = rendered(
            "routes.html.j2",
            record=record,
            several=several,
            tables=route_tables(entries),
            flags=[(entry["title"], flag["message"]) for entry in entries for flag in entry["flags"]],
            pictures=pictures,
        )
    except FileNotFoundError as error:
        raise ResultError(f"{error.filename}: not there") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ResultError(f"{folder}: holds no readable comparison ({error})") from error
    return write_page(text, folder / REPORT)


def told_apart(entries: Sequence[Entry]) -> list[Entry]:
    """The ways in; beside a title that several have, where their files differ, or their names."""
    told = list[Entry]()
    for entry in entries:
        files = [str(other["source"]) for other in entries if other["title"] == entry["title"]]
        differ = len(set(files)) == len(files)
        which = _without_common(entry["source"], files) if differ else entry["name"]
        told.append({**entry, "title": f"{entry['title']} ({which})"} if len(files) > 1 else entry)
    return told


def _without_common(file: str, files: Sequence[str]) -> str:
    """A path without the folders with which all of them begin."""
    parts = [Path(one).parts for one in files]
    same = sum(1 for _ in takewhile(lambda at: len(set(at)) == 1, zip(*parts, strict=False)))
    common = min(same, *(len(one) - 1 for one in parts))
    return "/".join(Path(file).parts[common:])


def _shown(picture: Path, caption: str) -> dict[str, Any]:
    return {
        "name": picture.stem,
        "source": inlined(picture),
        "wide": True,
        "broad": True,
        "caption": caption,
    }


def draw_courses(entries: Sequence[Entry], path: Path) -> Path:
    """Concentration in the tumour and in plasma over time."""
    figure = new_figure((7.2, 3.6 + 0.22 * len(entries)), Size())
    axes = figure.subplots()
    largest = 1e3 * max(max(entry["curves"]["tumour_kg_m3"]) for entry in entries)
    for number, entry in enumerate(entries):
        colour = RUN_LOOKS[number % len(RUN_LOOKS)][0]
        style = "solid" if number < len(RUN_LOOKS) else "dashed"
        hours = np.array(entry["curves"]["time_s"]) / HOUR
        title = plain_text(fill(entry["title"], 2 * LABEL))
        for key, line, label in (("tumour_kg_m3", style, title), ("plasma_kg_m3", "dotted", None)):
            values = 1e3 * np.array(entry["curves"][key])
            shown = np.where(values > FAINT * largest, values, np.nan)
            axes.plot(hours, shown, color=colour, linestyle=line, linewidth=pt(1.5), label=label)
    axes.set_yscale("log")
    axes.set_ylim(FAINT * largest, 3 * largest)
    axes.set_xscale("symlog", linthresh=1.0)
    axes.set_xlim(left=0.0)
    axes.set_xlabel("time [h], logarithmic from one hour on")
    axes.set_ylabel("concentration [mg/L]")
    axes.set_title("Tumour (lines) and plasma (dots)")
    axes.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    return save_figure(figure, path)

# SPDX-License-Identifier: MIT
"""One self-contained page that sets ways in to one tumour side by side: exposures, courses, a table."""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from textwrap import fill
from typing import Any, Final

import numpy as np

from postprocess.figures.stage import plain_text
from postprocess.figures.style import (
    ABLATED_COLOUR,
    ESCAPED_COLOUR,
    MUTED,
    RUN_LOOKS,
    Size,
    new_figure,
    pt,
    save_figure,
)
from postprocess.pages.case_tables import Table
from postprocess.pages.page import inlined, rendered, write_page
from postprocess.results import quantities
from postprocess.results.result import ResultError

REPORT: Final = "report.html"
RECORD: Final = "comparison.json"
HOUR: Final = 3600.0
AUC: Final = 1e3 / HOUR
"""From kg s/m3 to mg h/L."""
FAINT: Final = 1e-6
"""Of the largest value of a picture: what is below is not drawn."""

COLUMNS: Final = 5
"""Ways in per table."""
LABEL: Final = 24
"""Letters in a line of a bar's label, so that bars have room beside it."""

Entry = Mapping[str, Any]

MMHG: Final = 1 / 133.322

ROWS: Final[tuple[tuple[str, str, float], ...]] = (
    ("followed for [h]", "end_s", 1 / HOUR),
    ("doses", "doses", 1.0),
    ("dose given [mg]", "given_kg", 1e6),
    ("reached the tumour [mg]", "into_tumour_kg", 1e6),
    ("reached the tumour [share of the dose]", "into_tumour_fraction", 1.0),
    ("tumour AUC, mean [mg h/L]", "tumour_auc_mean_kg_s_m3", AUC),
    ("tumour AUC, 5 % of the volume below", "tumour_auc_p5_kg_s_m3", AUC),
    ("tumour AUC, median", "tumour_auc_p50_kg_s_m3", AUC),
    ("tumour AUC, 95 % of the volume below", "tumour_auc_p95_kg_s_m3", AUC),
    ("tumour peak, mean [mg/L]", "tumour_peak_mean_kg_m3", 1e3),
    ("tumour peak, 5 %", "tumour_peak_p5_kg_m3", 1e3),
    ("tumour peak, median", "tumour_peak_p50_kg_m3", 1e3),
    ("tumour peak, 95 %", "tumour_peak_p95_kg_m3", 1e3),
    ("exposure of half the effect, a prior [mg h/L]", "half_effect_kg_s_m3", AUC),
    ("factor of heat or hypoxia", "kill_factor", 1.0),
    ("share of the tumour below that", "below_half_effect_fraction", 1.0),
    ("AUC in arriving blood [mg h/L]", "arterial_auc_kg_s_m3", AUC),
    ("AUC in normal tissue around [mg h/L]", "tissue_auc_mean_kg_s_m3", AUC),
    ("plasma AUC [mg h/L]", "plasma_auc_kg_s_m3", AUC),
    ("plasma peak [mg/L]", "plasma_peak_kg_m3", 1e3),
    ("regional advantage: AUC arriving over plasma", "regional_advantage", 1.0),
    ("the same by 1 + CL/(Q (1 - E)), all blood arterial", "regional_advantage_formula", 1.0),
    ("selectivity: tumour over normal tissue", "selectivity", 1.0),
    ("left the tumour through its surface [mg]", "crossed_out_kg", 1e6),
    ("withdrawn again through a needle [mg]", "withdrawn_kg", 1e6),
    ("heat: minutes at 43 degC (CEM43)", "cem43_min", 1.0),
    ("blood stopped for [h]", "oxygen.stopped_s", 1 / HOUR),
    ("share of the tumour whose blood is stopped", "oxygen.stopped_fraction", 1.0),
    ("oxygen in the tumour before [mmHg]", "oxygen.before_mean_Pa", MMHG),
    ("the same after", "oxygen.after_mean_Pa", MMHG),
    ("hypoxic share of the tumour before", "oxygen.before_hypoxic_fraction", 1.0),
    ("the same after", "oxygen.after_hypoxic_fraction", 1.0),
    ("share without oxygen after", "oxygen.after_anoxic_fraction", 1.0),
    ("agent not accounted for: body", "body_residual_relative", 1.0),
    ("agent not accounted for: tissue", "tissue_residual_relative", 1.0),
    ("agent not accounted for: between body and tissue", "coupling_residual_relative", 1.0),
)
"""Words, where the number stands in an entry, and what it is multiplied by; rows without any are left out."""


def build_routes_report(folder: Path) -> Path:
    """Write ``report.html`` and its pictures beside ``comparison.json``.

    Raises:
        ResultError: there is no comparison, or it is damaged.
    """
    try:
        record = json.loads((folder / RECORD).read_text("utf-8"))
        entries = told_apart(record["routes"])
        several = len({entry.get("source") for entry in entries}) > 1
        (folder / "figures").mkdir(exist_ok=True)
        pictures = [
            _shown(
                draw_bars(entries, folder / "figures" / "exposures.svg"),
                "mean over the tumour's volume, with 5 to 95 % of it; and the AUC of tissue around and of "
                "plasma. Different drugs need different exposures: bars of one drug compare, others do not",
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
            tables=[route_table(entries[i : i + COLUMNS]) for i in range(0, len(entries), COLUMNS)],
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


def _label(entry: Entry) -> str:
    """Title and drug of a way in, with numbers and their units in one line."""
    title = re.sub(r"([0-9]) ", "\\1\N{NO-BREAK SPACE}", entry["title"])
    return plain_text(f"{fill(title, LABEL)}\n{entry['agent']}")


def _shown(picture: Path, caption: str) -> dict[str, Any]:
    return {
        "name": picture.stem,
        "source": inlined(picture),
        "wide": False,
        "broad": True,
        "caption": caption,
    }


def route_table(entries: Sequence[Entry]) -> Table:
    """A column per way in."""
    head = ("", *(entry["title"] for entry in entries))
    rows: list[tuple[str, ...]] = [("drug", *(entry["agent"] for entry in entries))]
    for words, key, factor in ROWS:
        found = [_value(entry, key) for entry in entries]
        if all(value is None for value in found):
            continue
        rows.append((words, *(_shown_number(value, factor) for value in found)))
    return Table(title="", head=head, rows=tuple(rows))


def _shown_number(value: Any, factor: float) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else quantities.significant(factor * value)


def _value(entry: Entry, key: str) -> Any:
    """A number of an entry, or of a table in it after a dot."""
    table, _, inner = key.partition(".")
    return (entry.get(table) or {}).get(inner) if inner else entry.get(table)


def draw_bars(entries: Sequence[Entry], path: Path) -> Path:
    """Tumour, tissue around and plasma: AUC of every way in, on a logarithmic axis."""
    labels = [_label(entry) for entry in entries]
    room = max(0.62, 0.19 * max(label.count("\n") + 1 for label in labels))
    figure = new_figure((7.2, 1.2 + room * len(entries)), Size())
    axes = figure.subplots()
    places = np.arange(len(entries), dtype=np.float64)[::-1]
    bars = (
        ("tumour", "tumour_auc_mean_kg_s_m3", ABLATED_COLOUR, 0.26),
        ("normal tissue around", "tissue_auc_mean_kg_s_m3", ESCAPED_COLOUR, 0.0),
        ("plasma", "plasma_auc_kg_s_m3", MUTED, -0.26),
    )
    largest = max(AUC * entry["tumour_auc_p95_kg_s_m3"] for entry in entries)
    for label, key, colour, shift in bars:
        values = np.array([AUC * (entry[key] or 0.0) for entry in entries])
        axes.barh(places + shift, np.maximum(values, FAINT * largest), 0.24, color=colour, label=label)
    low, high = (
        np.array([max(AUC * entry[f"tumour_auc_{share}_kg_s_m3"], FAINT * largest) for entry in entries])
        for share in ("p5", "p95")
    )
    axes.hlines(places + 0.26, low, high, color="black", linewidth=pt(1.5))
    axes.set_xscale("log")
    axes.set_xlim(FAINT * largest, 1e3 * largest)
    axes.set_yticks(places, labels)
    axes.set_xlabel("AUC [mg h/L]")
    axes.set_title("Exposure")
    axes.legend(fontsize="small", loc="lower right")
    return save_figure(figure, path)


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

# SPDX-License-Identifier: MIT
"""One self-contained page about a search for an injection: the best plans, the base case, the trade-off."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from postprocess.figures.style import (
    ABLATED_COLOUR,
    ESCAPED_COLOUR,
    INK,
    MUTED,
    Size,
    new_figure,
    pt,
    save_figure,
)
from postprocess.pages.case_tables import Table
from postprocess.pages.page import inlined, rendered, write_page
from postprocess.results import quantities
from postprocess.results.result import ResultError
from postprocess.sweeps.figures import pareto

REPORT: Final = "report.html"
BASE: Final = -1


def build_plan_report(folder: Path) -> Path:
    """Write ``report.html`` and the picture of the trade-off beside ``plan.json``.

    Raises:
        ResultError: there is no plan, or it is damaged.
    """
    try:
        record = json.loads((folder / "plan.json").read_text("utf-8"))
        trials, confirmed = record["trials"], record["confirmed"]
        picture = draw_trade_off(trials, record["plan"]["goal"], folder / "trade_off.svg")
        shown = {"name": "trade_off", "source": inlined(picture), "wide": False, "broad": True}
        caption = "each point is a plan of the search; plans on the line are beaten by no other in both"
        text = rendered(
            "plan.html.j2",
            record=record,
            best=best_table(confirmed),
            tried=best_table(sorted(trials, key=_order)[:8]),
            failed=sum(trial["outcome"] is None for trial in trials),
            reached=any(trial["feasible"] for trial in confirmed),
            pictures=[shown | {"caption": caption}],
        )
    except FileNotFoundError as error:
        raise ResultError(f"{error.filename}: not there") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ResultError(f"{folder}: holds no readable plan ({error})") from error
    return write_page(text, folder / REPORT)


def _order(trial: Mapping[str, Any]) -> tuple[bool, bool, float]:
    outcome = trial["outcome"]
    if outcome is None:
        return True, True, 0.0
    return False, not trial["feasible"], outcome["spill"] if trial["feasible"] else -outcome["coverage"]


def best_table(trials: Sequence[Mapping[str, Any]]) -> Table:
    """Plans with what they choose and what they give."""
    keys = list(dict.fromkeys(key for trial in trials for key in trial["values"]))
    head = ("", *keys, "coverage", "left the tumour", "normal tissue", "peak pressure", "goal")
    rows = []
    for trial in trials:
        outcome = trial["outcome"]
        name = "base case" if trial["number"] == BASE else f"plan {trial['number']}"
        values = [
            quantities.significant(trial["values"][key], 4) if key in trial["values"] else "" for key in keys
        ]
        if outcome is None:
            rows.append((name, *values, trial["reason"], "", "", "", ""))
            continue
        rows.append(
            (
                name,
                *values,
                quantities.percent(outcome["coverage"]),
                quantities.percent(outcome["spill"]),
                quantities.volume_text(outcome["outside"]),
                quantities.pressure_text(outcome["pressure"]),
                "reached" if trial["feasible"] else "missed",
            )
        )
    return Table(title="", head=head, rows=tuple(rows))


def draw_trade_off(trials: Sequence[Mapping[str, Any]], goal: Mapping[str, Any], path: Path) -> Path:
    """Coverage against spill of every plan, the base case and the goal marked."""
    run = [trial for trial in trials if trial["outcome"] is not None]
    spill = np.array([100 * trial["outcome"]["spill"] for trial in run])
    coverage = np.array([100 * trial["outcome"]["coverage"] for trial in run])
    figure = new_figure((7.2, 4.4), Size())
    axes = figure.subplots()
    limit = goal["pressure_limit"]
    kept = np.array([limit is None or trial["outcome"]["pressure"] <= limit for trial in run], dtype=bool)
    axes.scatter(
        spill[kept], coverage[kept], s=pt(22), color=ABLATED_COLOUR, label="within the pressure limit"
    )
    axes.scatter(spill[~kept], coverage[~kept], s=pt(22), color=MUTED, marker="x", label="above it")
    if kept.any():
        inside = np.flatnonzero(kept)
        best = inside[pareto(spill[inside], -coverage[inside])]
        order = best[np.argsort(spill[best])]
        axes.plot(spill[order], coverage[order], color=ESCAPED_COLOUR, linewidth=pt(1.5))
    for trial in run:
        if trial["number"] == BASE:
            place = (100 * trial["outcome"]["spill"], 100 * trial["outcome"]["coverage"])
            axes.plot(*place, marker="D", color=INK, linestyle="none", label="base case")
    axes.axhline(100 * goal["coverage"], color=INK, linestyle=":", linewidth=pt(1.2), label="goal")
    axes.set_xlabel("agent that left the tumour [%]")
    axes.set_ylabel("share of the tumour above the threshold [%]")
    axes.legend(fontsize="small")
    axes.set_title("What is gained against what is spilled")
    return save_figure(figure, path)

# SPDX-License-Identifier: MIT
"""What the ladder leaves behind: tables as CSV and JSON, a page in Markdown and HTML, and the record."""

import csv
import json
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from benchmarks.ladder.rung import Check, Outcome, Rung, Series

Results = dict[str, tuple[Rung, Outcome, float]]
"""By key: the rung, what it gave, and how long it took [s]."""

COMMAND = "python3 -m benchmarks.ladder"
START, END = "<!-- ladder -->", "<!-- end of ladder -->"
HEAD = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Verification ladder</title><style>
body{font:16px/1.5 system-ui,sans-serif;color:#22303c;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto;font-size:.9rem}
td,th{padding:.25rem .6rem;border-bottom:1px solid #d7dde2;text-align:left}
img{max-width:100%}code{background:#f2f5f7;padding:.1rem .3rem;overflow-wrap:anywhere}
</style><body>
"""


def write(results: Results, folder: Path, fine: bool) -> None:
    """Write tables and pages into a folder that holds the pictures."""
    records = [_record(*result) for result in results.values()]
    (folder / "ladder.json").write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    with (folder / "orders.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["rung", "series", "unit", "count", "error", "order", "expected"])
        for key, (_, outcome, _) in results.items():
            for item in outcome.series:
                for count, error in zip(item.counts, item.errors, strict=True):
                    table.writerow([key, item.label, item.unit, count, error, item.order, item.theory])
    with (folder / "checks.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["rung", "quantity", "unit", "found", "exact", "error", "tolerance", "holds"])
        for key, (_, outcome, _) in results.items():
            for check in outcome.checks:
                numbers = [check.found, check.exact, check.error, check.tolerance, check.holds]
                table.writerow([key, check.quantity, check.unit, *numbers])
    text = page(results, fine)
    (folder / "ladder.md").write_text(text, encoding="utf-8")
    html = MarkdownIt("commonmark").enable("table").render(text)
    (folder / "index.html").write_text(HEAD + html, encoding="utf-8")


def page(results: Results, fine: bool) -> str:
    """Every rung with its exact solution, source, command, tables and picture."""
    held = sum(outcome.holds for _, outcome, _ in results.values())
    seconds = sum(time for _, _, time in results.values())
    resolution = "full resolution" if fine else "a quick look on coarse meshes"
    lines = [
        "# Verification ladder",
        "",
        f"{held} of {len(results)} rungs hold, at {resolution}; {seconds:.0f} s. Made by `make ladder`.",
        "",
        "The order is the slope of a straight line through all errors on log scales; *expected* is what",
        "theory, or the reason given, predicts. Errors are relative, or absolute where that is 0.",
        "",
        *summary(results),
    ]
    for key, (rung, outcome, time) in results.items():
        lines += ["", f"## {key}: {rung.title}", "", f"Exact: `{rung.exact}`.", "", f"Source: {rung.source}."]
        lines += ["", f"Command: `{COMMAND} --only {key}` ({time:.1f} s)."]
        lines += ["", f"![{rung.title}]({key}.png)", ""]
        lines += _orders(outcome.series) + _checks(outcome.checks)
    return "\n".join(lines) + "\n"


def summary(results: Results) -> list[str]:
    """One row a rung."""
    lines = ["| rung | what | order, expected | finest error | largest error of a number | holds |"]
    lines += ["|---|---|---|---|---|---|"]
    for key, (rung, outcome, _) in results.items():
        orders = _span([s.order for s in outcome.series if s.order is not None])
        expected = _span([s.theory for s in outcome.series if s.theory is not None])
        error = _largest([s.errors[-1] for s in outcome.series])
        check = _largest([c.error for c in outcome.checks])
        seen = f"{orders}, {expected}" if expected else orders
        held = "yes" if outcome.holds else "**no**"
        lines.append(f"| {key} | {rung.title} | {seen} | {error} | {check} | {held} |")
    return lines


def _largest(values: list[float]) -> str:
    return f"{max(values):.1e}" if values else ""


def _span(values: list[float]) -> str:
    if not values:
        return ""
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"


def _orders(rows: tuple[Series, ...]) -> list[str]:
    if not rows:
        return []
    lines = [
        "| error of | on | errors | order | last two | expected | holds |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        counts = ", ".join(f"{count:g}" for count in row.counts)
        errors = ", ".join(f"{error:.1e}" for error in row.errors)
        held = "yes" if row.holds else "**no**"
        orders = f"{_number(row.order)} | {_number(row.last_order)} | {_number(row.theory)}"
        lines.append(f"| {row.label} | {counts} {row.unit} | {errors} | {orders} | {held} |")
    return [*lines, ""]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _checks(rows: tuple[Check, ...]) -> list[str]:
    if not rows:
        return []
    lines = ["| number | found | exact | error | tolerance | holds |", "|---|---|---|---|---|---|"]
    for row in rows:
        held = "yes" if row.holds else "**no**"
        what = f"{row.quantity} [{row.unit}]" if row.unit else row.quantity
        numbers = f"{row.found:.8g} | {row.exact:.8g} | {row.error:.1e} | {row.tolerance:.0e}"
        lines.append(f"| {what} | {numbers} | {held} |")
    return [*lines, ""]


def record(results: Results, path: Path) -> None:
    """Put the summary between the marks of docs/verification.md.

    Raises:
        ValueError: the marks are not there.
    """
    text = path.read_text(encoding="utf-8")
    if START not in text or END not in text:
        raise ValueError(f"{path}: no {START} ... {END}")
    before, rest = text.split(START, 1)
    after = rest.split(END, 1)[1]
    table = "\n".join(summary(results))
    path.write_text(f"{before}{START}\n{table}\n{END}{after}", encoding="utf-8")


def _record(rung: Rung, outcome: Outcome, seconds: float) -> dict[str, Any]:
    return {
        "rung": rung.key,
        "title": rung.title,
        "exact": rung.exact,
        "source": rung.source,
        "command": f"{COMMAND} --only {rung.key}",
        "holds": outcome.holds,
        "seconds": round(seconds, 2),
        "series": [
            {
                "label": s.label,
                "unit": s.unit,
                "counts": s.counts,
                "errors": s.errors,
                "order": s.order,
                "expected": s.theory,
                "holds": s.holds,
            }
            for s in outcome.series
        ],
        "checks": [
            {
                "quantity": c.quantity,
                "unit": c.unit,
                "found": c.found,
                "exact": c.exact,
                "error": c.error,
                "tolerance": c.tolerance,
                "holds": c.holds,
            }
            for c in outcome.checks
        ],
    }

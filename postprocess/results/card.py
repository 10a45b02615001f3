# SPDX-License-Identifier: MIT
"""A result at a glance, for notebooks."""

from html import escape
from typing import Any

from postprocess.results.headline import headline, verdict
from postprocess.results.quantities import duration_text, percent, volume_text

GROUNDS = {"good": "#e9f6f1", "caution": "#fdf5e4", "invalid": "#fcebe1"}


def card(summary: dict[str, Any]) -> str:
    """A run's answer as a piece of HTML: what is destroyed at each threshold, and whether to trust it.

    Args:
        summary: of ``summary.json``.
    """
    found = verdict(summary)
    rows = [
        (
            f"{'CT' if entry['measure'] == 'ct' else 'peak'} {entry['label']}",
            volume_text(entry["volume_m3"]),
            volume_text(entry["in_tumour_m3"]),
            percent(entry["coverage"]),
            volume_text(entry["outside_m3"]),
        )
        for entry in summary["ablation"]
    ]
    head = ("threshold", "ablated", "in the tumour", "of the tumour", "outside")
    lines = [_row(head, "th"), *(_row(row, "td") for row in rows)] if rows else []
    facts = (
        f"{summary['geometry']} geometry, {summary['mesh']['cells']} cells, "
        f"followed for {duration_text(summary['time']['end_s'])}; Infusate {summary['infusate']}"
    )
    return (
        "<div style='max-width:46rem'>"
        f"<b>{escape(summary['case']['title'])}</b><br><span style='color:#5b6a77'>{escape(facts)}</span>"
        f"<p>{escape(headline(summary))}</p>"
        f"<p style='background:{GROUNDS[found.level]};padding:.3em .6em'><b>{escape(found.words)}.</b> "
        f"{escape(' '.join(found.reasons))}</p>"
        f"<table>{''.join(lines)}</table>"
        f"<span style='color:#5b6a77'>{escape(summary['notice'])}</span></div>"
    )


def _row(cells: tuple[str, ...], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

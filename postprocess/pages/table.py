# SPDX-License-Identifier: MIT
"""The short table that the terminal shows at the end of a run; plain text within 80 columns."""

import textwrap
from typing import Any

from postprocess.results.headline import against, ledger_residual
from postprocess.results.quantities import percent, pressure_text, volume_text

WIDTH = 80
MARKS = {"info": "note", "caution": "CAUTION", "invalid": "INVALID"}


def _ablation_lines(summary: dict[str, Any]) -> list[str]:
    if not summary["ablation"]:
        return ["  no threshold is known or stated: nothing is said of what is destroyed"]
    lines = [f"  {'ablated at or above':<24}{'volume':>11}{'in tumour':>12}{'outside':>12}{'coverage':>11}"]
    for entry in summary["ablation"]:
        words = f"{'CT' if entry['measure'] == 'ct' else 'peak'} {entry['label']}"
        lines.append(
            f"  {words[:23]:<24}{volume_text(entry['volume_m3']):>11}{volume_text(entry['in_tumour_m3']):>12}"
            f"{volume_text(entry['outside_m3']):>12}{percent(entry['coverage']):>11}"
        )
    return lines


def _estimate_rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """The largest estimated error of the ablated volumes; none in results from before there was one."""
    entries = summary.get("error_estimate", {}).get("ablation", [])
    errors = [entry["volume_relative"] for entry in entries if entry["volume_relative"] is not None]
    return [("estimated error", f"{percent(max(errors))} of the volumes at most")] if errors else []


def _flag_lines(summary: dict[str, Any]) -> list[str]:
    lines = []
    for flag in summary["validity"]:
        text = f"{MARKS.get(flag['level'], flag['level'])}: {flag['message']}{against(flag)}"
        lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")
    return lines or ["  no flag raised"]


def _backflow_rows(agent: dict[str, float]) -> list[tuple[str, str]]:
    """What left along needles, if they leak."""
    lost = agent.get("backflow_kg")
    if lost is None:
        return []
    return [("left along the needle", f"{percent(lost / (agent['injected_kg'] or 1.0))} of the agent")]


def summary_table(summary: dict[str, Any]) -> str:
    """Ablated volumes, spill, loss to blood, peak pressure and validity as lines of text.

    Args:
        summary: of ``summary.json``.
    """
    spill = summary["spill"]
    rows = [
        ("tumour", volume_text(summary["tumour"]["volume_m3"])),
        ("crossed out of the tumour", f"{percent(spill['crossed_fraction'])} of the agent"),
        ("reacted outside", f"{percent(spill['reacted_outside_fraction'])} of the agent"),
        ("washed into blood", f"{percent(summary['blood']['absorbed_fraction'])} of the agent"),
        *_backflow_rows(summary["ledger"]["agent"]),
        ("peak pressure", pressure_text(summary["pressure"]["peak_Pa"])),
        ("ledger closes to", f"{ledger_residual(summary):.0e} of what was injected"),
    ]
    rows += _estimate_rows(summary)
    status = "" if summary["status"] == "complete" else f" ({summary['status'].upper()})"
    lines = [textwrap.shorten(f"{summary['case']['title']}", WIDTH - len(status)) + status, ""]
    lines += [*_ablation_lines(summary), ""]
    lines += [f"  {name:<28}{value}" for name, value in rows]
    lines += ["", "Validity", *_flag_lines(summary), "", *textwrap.wrap(summary["notice"], WIDTH)]
    return "\n".join(line.rstrip() for line in lines)

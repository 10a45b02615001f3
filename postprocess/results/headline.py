# SPDX-License-Identifier: MIT
"""The answer of a run in a few sentences, and whether to trust it."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from postprocess.results.quantities import percent, significant, volume_text

LEDGER_LIMIT = 1e-10
"""Imbalance of the ledger, relative to what was injected, beyond which a result is not trusted."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a result is within the model's validity.

    Attributes:
        level: ``good``, ``caution`` or ``invalid``.
        words: one short sentence.
        reasons: one sentence each.
    """

    level: Literal["good", "caution", "invalid"]
    words: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One number of the headline.

    Attributes:
        value: number with unit.
        words: what it is.
        detail: a second line.
    """

    value: str
    words: str
    detail: str


def ledger_residual(summary: dict[str, Any]) -> float:
    """Larger imbalance of the two ledgers, agent and fluid, relative to what was injected; nan if one is."""
    agent, fluid = (abs(float(summary["ledger"][part]["residual_relative"])) for part in ("agent", "fluid"))
    return agent if agent > fluid or math.isnan(agent) else fluid


def verdict(summary: dict[str, Any]) -> Verdict:
    """Whether a run can be trusted, from its status, its ledger and its validity flags."""
    reasons: dict[str, list[str]] = {"invalid": [], "caution": []}
    if summary["status"] != "complete":
        why = str(summary.get("reason") or "").strip()
        reasons["invalid"].append(
            _sentence(f"The run did not reach its end: {why}" if why else "The run did not reach its end")
        )
    residual = ledger_residual(summary)
    if not residual <= LEDGER_LIMIT:
        reasons["invalid"].append(
            f"The ledger does not close: {residual:.1e} of what was injected is unaccounted for."
        )
    for flag in summary["validity"]:
        if flag["level"] in reasons:
            reasons[flag["level"]].append(_sentence(str(flag["message"]) + against(flag)))
    found = tuple(reasons["invalid"] + reasons["caution"])
    if reasons["invalid"]:
        return Verdict(level="invalid", words="Outside the model's validity", reasons=found)
    if reasons["caution"]:
        return Verdict(level="caution", words="To be read with caution", reasons=found)
    return Verdict(
        level="good",
        words="Within the model's validity",
        reasons=("No flag was raised and the ledgers close.",),
    )


def against(flag: dict[str, Any]) -> str:
    """Value and limit of a flag, to stand behind its message; empty where it has none."""
    value, limit = flag.get("value"), flag.get("limit")
    if not isinstance(value, float) or not isinstance(limit, int | float):
        return ""
    return f" ({significant(value)}, limit {significant(limit)})"


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def middle_entry(summary: dict[str, Any]) -> dict[str, Any] | None:
    """The ablation entry of the middle threshold, of the dose if it has one; None without thresholds."""
    for measure in ("ct", "peak"):
        entries = [entry for entry in summary["ablation"] if entry["measure"] == measure]
        if entries:
            return sorted(entries, key=lambda entry: float(entry["threshold"]))[len(entries) // 2]
    return None


def threshold_words(entry: dict[str, Any]) -> str:
    """A threshold in words, such as ``CT dose of 75 mg min/L``."""
    return f"{'CT dose' if entry['measure'] == 'ct' else 'peak concentration'} of {entry['label']}"


def _band(summary: dict[str, Any], entry: dict[str, Any], key: str) -> tuple[float, float]:
    values = [float(other[key]) for other in summary["ablation"] if other["measure"] == entry["measure"]]
    return min(values), max(values)


def headline(summary: dict[str, Any]) -> str:
    """What is destroyed, in one sentence, at the middle threshold."""
    entry = middle_entry(summary)
    if entry is None:
        return "No threshold is known for the agent or stated, so nothing is said of what is destroyed."
    low, high = _band(summary, entry, "coverage")
    band = "" if high - low < 5e-4 else f" ({percent(low)} to {percent(high)} over the thresholds given)"
    text = f"{percent(entry['coverage'])} of the tumour reaches a {threshold_words(entry)}{band}."
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def tiles(summary: dict[str, Any]) -> list[Tile]:
    """What is destroyed, what is missed, what got out: the numbers to see first."""
    entry, spill = middle_entry(summary), summary["spill"]
    found = []
    if entry is not None:
        whole = volume_text(summary["tumour"]["volume_m3"])
        found = [
            Tile(value=volume_text(entry["in_tumour_m3"]), words="tumour destroyed", detail=f"of {whole}"),
            Tile(value=volume_text(entry["untreated_m3"]), words="tumour missed", detail=f"of {whole}"),
            Tile(
                value=volume_text(entry["outside_m3"]),
                words="normal tissue destroyed",
                detail="outside the tumour",
            ),
        ]
    return [
        *found,
        Tile(
            value=percent(spill["crossed_fraction"]),
            words="of the agent left the tumour",
            detail=f"{percent(spill['reacted_outside_fraction'])} reacted outside",
        ),
        Tile(
            value=percent(summary["blood"]["absorbed_fraction"]),
            words="of the agent went into blood",
            detail=f"{percent(summary['lymph']['absorbed_fraction'])} into lymph",
        ),
    ]

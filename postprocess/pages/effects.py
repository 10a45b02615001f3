# SPDX-License-Identifier: MIT
"""What effects that were switched on have to say: sections that not every summary has, as tables."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from postprocess.pages.case_tables import Table
from postprocess.results import quantities

ALWAYS: Final = frozenset(
    {
        "infusate", "notice", "status", "reason", "case", "ranks", "geometry", "mesh", "time", "ledger",
        "tumour", "ablation", "error_estimate", "spill", "blood", "lymph", "pressure", "fissured", "front",
        "concentration", "validity", "limits", "solver", "timing", "versions", "provenance",
        "injection", "embolism",
    }
)  # fmt: skip
"""Sections that every summary has; the page shows them in places of their own."""

SUFFIXES: Final[dict[str, Callable[[float], str]]] = {
    "kg_s_m3": lambda value: f"{quantities.significant(value / 0.06)} mg min/L",
    "kg_m3": lambda value: f"{quantities.significant(1e3 * value)} mg/L",
    "m3_s": lambda value: f"{quantities.significant(6e7 * value)} mL/min",
    "per_weight_day": lambda value: f"{quantities.significant(1e6 * value)} mg/kg a day",
    "per_weight": lambda value: f"{quantities.significant(1e6 * value)} mg/kg",
    "fraction": quantities.percent,
    "m": quantities.length_text,
    "m3": quantities.volume_text,
    "s": quantities.duration_text,
    "kg": quantities.mass_text,
    "Pa": quantities.pressure_text,
    "mol": lambda value: f"{quantities.significant(1e6 * value)} µmol",
}
"""Endings of keys to how their numbers are shown; longer ones first."""


NARROW: Final = 6
"""Columns from which on a few records stand side by side, a column each, instead of one below the other."""

PULSE: Final = {
    "kind": "by",
    "asked": "volume asked for",
    "volume": "volume",
    "agent": "agent",
    "largest rate": "largest rate",
    "tip pressure": "pressure at the tip",
    "plunger pressure": "pressure at the plunger",
    "needle pressure drop": "pressure drop in the needle",
    "reynolds": "Reynolds number in the needle",
}
"""Facts of a pulse to words."""

FORCED: Final = {
    "forced_fluid_m3": "fluid forced into open vessels",
    "peak_rate_m3_s": "largest rate of that",
    "peak_tissue_m3": "most tissue at once in which pressure exceeds that in its open vessels",
}
"""Facts of what pressure drives into vessels to words."""

LIMITERS: Final = ("volume", "reaction", "stoichiometry", "sink", "backflow")


def effect_tables(summary: Mapping[str, Any]) -> list[Table]:
    """One table for each section of its own, lists of records in it as tables of their own."""
    tables = []
    for key, section in summary.items():
        if key in ALWAYS or not isinstance(section, Mapping | list):
            continue
        title = key.replace("_", " ").capitalize()
        tables += _records(title, section) if isinstance(section, list) else _section(title, section)
    return tables


def injection_tables(summary: Mapping[str, Any]) -> list[Table]:
    """How each pulse went in, and what it forced into vessels; nothing in results from before these."""
    pulses = [
        {"site": int(pulse["site"]) + 1, **{key: value for key, value in pulse.items() if key != "site"}}
        for pulse in summary.get("injection") or []
    ]
    tables = _records("At the needle", [dict(_in_words(pulse)) for pulse in pulses])
    forced = {key: value for key, value in (summary.get("embolism") or {}).items() if key in FORCED}
    rows = [(FORCED[key], text) for key, (_, text) in zip(forced, flat_rows(forced), strict=True)]
    return [*tables, *([Table(title="Into vessels by pressure", head=(), rows=tuple(rows))] if rows else [])]


def _in_words(pulse: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(PULSE.get(name, name), text) for name, text in flat_rows(pulse)]


def limit_table(summary: Mapping[str, Any]) -> Table | None:
    """Radius that each limiter alone would allow, by threshold, and which one binds."""
    entries = summary.get("limits") or []
    names = [name for name in LIMITERS if any(entry.get(f"{name}_m") is not None for entry in entries)]
    if not entries:
        return None
    rows = []
    for entry in entries:
        radii = (entry[f"{name}_m"] for name in names)
        cells = ("" if radius is None else quantities.length_text(radius) for radius in radii)
        rows.append((_dose_text(summary, float(entry["threshold"])), *cells, entry["binding"]))
    head = ("CT threshold", *names, "binds")
    return Table(title="Radius that each limiter alone would allow", head=head, rows=tuple(rows))


def _dose_text(summary: Mapping[str, Any], dose: float) -> str:
    """A threshold [kg s/m3] as the case wrote it, like the table of what is destroyed."""
    for entry in summary.get("ablation", []):
        if entry["measure"] == "ct" and math.isclose(float(entry["threshold"]), dose):
            return str(entry["label"])
    return SUFFIXES["kg_s_m3"](dose)


def _section(title: str, section: Mapping[str, Any]) -> list[Table]:
    lists = {key: value for key, value in section.items() if _is_records(value)}
    rows = flat_rows({key: value for key, value in section.items() if key not in lists})
    tables = [Table(title=title, head=(), rows=tuple(rows))] if rows else []
    for key, value in lists.items():
        tables += _records(f"{title}: {key.replace('_', ' ')}", value)
    return tables


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _records(title: str, records: list[Mapping[str, Any]]) -> list[Table]:
    """Flat records as the rows of one table, their keys as its head."""
    if not _is_records(records):
        return []
    columns = [dict(flat_rows(record)) for record in records]
    head = tuple(dict.fromkeys(name for record in columns for name in record))
    if len(records) <= NARROW < len(head):
        turned = tuple((name, *(record.get(name, "") for record in columns)) for name in head)
        return [Table(title=title, head=turned[0], rows=turned[1:])]
    rows = tuple(tuple(record.get(name, "") for name in head) for record in columns)
    return [Table(title=title, head=head, rows=rows)] if head else []


def flat_rows(mapping: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Names and values of nested facts; the unit at the end of a key decides how a number is shown."""
    rows = []
    for key, value in mapping.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        unit = next((ending for ending in SUFFIXES if is_number and key.endswith(f"_{ending}")), None)
        shown = SUFFIXES[unit] if unit else None
        shown = quantities.volume_text if prefix.endswith("volumes, ") else shown
        keeps = unit is None or unit == "fraction"
        name = f"{prefix}{(key if keeps else key.removesuffix(f'_{unit}')).replace('_', ' ')}"
        if isinstance(value, Mapping):
            rows += flat_rows(value, f"{name}, ")
        elif value is not None and value != []:
            rows.append((name, shown(float(value)) if shown else plain_text(value)))
    return rows


def plain_text(value: Any) -> str:
    """A fact that no unit is known of."""
    if isinstance(value, float):
        return quantities.significant(value, 4)
    return ", ".join(map(plain_text, value)) if isinstance(value, list) else str(value)

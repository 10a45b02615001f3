# SPDX-License-Identifier: MIT
"""Ways in to one tumour as tables: a row for each, so that those of one drug stand below one another."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from postprocess.pages.case_tables import Table
from postprocess.results import quantities

Entry = Mapping[str, Any]

HOUR: Final = 3600.0
AUC: Final = 1e3 / HOUR
"""From kg s/m3 to mg h/L."""
MMHG: Final = 1 / 133.322
PERCENT: Final = 100.0

Column = tuple[str, str, float]

COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "Dose, and what reached the tumour": (
        ("followed for [h]", "end_s", 1 / HOUR),
        ("doses [1]", "doses", 1.0),
        ("dose given [mg]", "given_kg", 1e6),
        ("reached the tumour [mg]", "into_tumour_kg", 1e6),
        ("the same, of the dose [%]", "into_tumour_fraction", PERCENT),
        ("left the tumour through its surface [mg]", "crossed_out_kg", 1e6),
        ("withdrawn again through a needle [mg]", "withdrawn_kg", 1e6),
    ),
    "Exposure (AUC) in the tumour, and what a prior says of it": (
        ("mean [mg h/L]", "tumour_auc_mean_kg_s_m3", AUC),
        ("5 % of the volume is below [mg h/L]", "tumour_auc_p5_kg_s_m3", AUC),
        ("median [mg h/L]", "tumour_auc_p50_kg_s_m3", AUC),
        ("95 % is below [mg h/L]", "tumour_auc_p95_kg_s_m3", AUC),
        ("half the effect at, a prior [mg h/L]", "half_effect_kg_s_m3", AUC),
        ("tumour below that exposure [%]", "below_half_effect_fraction", PERCENT),
        ("effect times, by heat or hypoxia [1]", "kill_factor", 1.0),
    ),
    "Peak concentration in the tumour": (
        ("mean [mg/L]", "tumour_peak_mean_kg_m3", 1e3),
        ("5 % of the volume is below [mg/L]", "tumour_peak_p5_kg_m3", 1e3),
        ("median [mg/L]", "tumour_peak_p50_kg_m3", 1e3),
        ("95 % is below [mg/L]", "tumour_peak_p95_kg_m3", 1e3),
    ),
    "Blood, plasma and normal tissue": (
        ("AUC in arriving blood [mg h/L]", "arterial_auc_kg_s_m3", AUC),
        ("AUC in normal tissue around [mg h/L]", "tissue_auc_mean_kg_s_m3", AUC),
        ("AUC in plasma [mg h/L]", "plasma_auc_kg_s_m3", AUC),
        ("peak in plasma [mg/L]", "plasma_peak_kg_m3", 1e3),
        ("regional advantage: AUC arriving over plasma [1]", "regional_advantage", 1.0),
        ("the same by 1 + CL/(Q (1 - E)) [1]", "regional_advantage_formula", 1.0),
        ("selectivity: AUC in tumour over normal tissue [1]", "selectivity", 1.0),
    ),
    "Heat, blood flow and oxygen of the tumour": (
        ("at 43 degC, CEM43 [min]", "cem43_min", 1.0),
        ("blood stopped for [h]", "oxygen.stopped_s", 1 / HOUR),
        ("tumour whose blood is stopped [%]", "oxygen.stopped_fraction", PERCENT),
        ("oxygen before [mmHg]", "oxygen.before_mean_Pa", MMHG),
        ("oxygen after [mmHg]", "oxygen.after_mean_Pa", MMHG),
        ("hypoxic before [%]", "oxygen.before_hypoxic_fraction", PERCENT),
        ("hypoxic after [%]", "oxygen.after_hypoxic_fraction", PERCENT),
        ("without oxygen after [%]", "oxygen.after_anoxic_fraction", PERCENT),
    ),
    "Agent not accounted for, of what was given": (
        ("body [1]", "body_residual_relative", 1.0),
        ("tissue [1]", "tissue_residual_relative", 1.0),
        ("between body and tissue [1]", "coupling_residual_relative", 1.0),
    ),
}
"""Title of a table to its columns: words with unit, where the number stands in an entry, its factor."""


def by_drug(entries: Sequence[Entry]) -> list[Entry]:
    """The ways in, those of one drug together, drugs in the order in which they come."""
    drugs = list(dict.fromkeys(entry["agent"] for entry in entries))
    return sorted(entries, key=lambda entry: drugs.index(entry["agent"]))


def route_tables(entries: Sequence[Entry]) -> list[Table]:
    """A table for each subject, a row for each way in; columns and rows without a number are left out."""
    tables = []
    for title, columns in COLUMNS.items():
        told = [
            column for column in columns if any(_value(entry, column[1]) is not None for entry in entries)
        ]
        rows = []
        for entry in entries:
            values = [(_value(entry, key), factor) for _, key, factor in told]
            if any(value is not None for value, _ in values):
                drug = entry["agent"].replace("_", " ")
                rows.append((entry["title"], drug, *(_shown(*value) for value in values)))
        if rows:
            head = ("", "drug", *(_whole_unit(words) for words, _, _ in told))
            tables.append(Table(title=title, head=head, rows=tuple(rows)))
    return tables


def _whole_unit(words: str) -> str:
    """The words with their unit kept on one line."""
    words, bracket, unit = words.partition("[")
    return words + bracket + unit.replace(" ", "\N{NO-BREAK SPACE}")


def _shown(value: Any, factor: float) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else quantities.significant(factor * value)


def _value(entry: Entry, key: str) -> Any:
    """A number of an entry, or of a table in it after a dot."""
    table, _, inner = key.partition(".")
    return (entry.get(table) or {}).get(inner) if inner else entry.get(table)

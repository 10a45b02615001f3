# SPDX-License-Identifier: MIT
"""The books of a run as tables: where the agent went, where the fluid went, what the reaction left behind."""

from collections.abc import Mapping
from typing import Any, Final

from postprocess.figures.style import fates
from postprocess.pages.case_tables import Table
from postprocess.pages.effects import flat_rows
from postprocess.results import quantities

_FLUID: Final = {
    "stored_m3": "stored in the tissue",
    "lymph_m3": "drained by lymph",
    "boundary_m3": "left the domain",
    "backflow_m3": "left along a needle",
    "in_track_m3": "in a needle's track",
    "in_cavity_m3": "in the opened cavity",
    "withdrawn_m3": "withdrawn",
    "drained_m3": "drained by large vessels",
}
ROUNDING: Final = 1e-12
"""Fluid volumes below this share of the injected one are rounding and shown as 0."""


def ledger_tables(summary: Mapping[str, Any]) -> list[Table]:
    """Agent and fluid, and any other substance that the run kept books of."""
    others = {key: book for key, book in summary["ledger"].items() if key not in ("agent", "fluid")}
    return [_agent_table(summary), _fluid_table(summary), *(_other_table(*item) for item in others.items())]


def _other_table(substance: str, book: Mapping[str, float]) -> Table:
    rows = tuple(flat_rows(book))
    return Table(title=substance.capitalize(), head=("", "amount"), rows=rows)


def _agent_table(summary: Mapping[str, Any]) -> Table:
    ledger = summary["ledger"]["agent"]
    injected = float(ledger["injected_kg"])
    rows = [("injected", quantities.mass_text(injected), quantities.percent(1.0) if injected else "")]
    for key, (words, _) in fates(ledger, "{}_kg").items():
        mass = float(ledger[f"{key}_kg"])
        rows.append(
            (words, quantities.mass_text(mass), quantities.percent(mass / injected) if injected else "")
        )
    rows.append(("unaccounted for, of the injected", "", f"{float(ledger['residual_relative']):.0e}"))
    return Table(title="Agent", head=("", "mass", "share"), rows=tuple(rows))


def _fluid_table(summary: Mapping[str, Any]) -> Table:
    ledger = summary["ledger"]["fluid"]
    injected, vessels = float(ledger["injected_m3"]), float(ledger["from_vessels_m3"])
    rows = [("injected", quantities.volume_text(injected))]
    rows.append(
        ("net from vessels" if vessels >= 0 else "net into vessels", quantities.volume_text(abs(vessels)))
    )
    for key, words in _FLUID.items():
        if key not in ledger:
            continue
        volume = float(ledger[key])
        rows.append((words, quantities.volume_text(volume if abs(volume) > ROUNDING * injected else 0.0)))
    rows.append(("unaccounted for, of the injected", f"{float(ledger['residual_relative']):.0e}"))
    return Table(title="Fluid", head=("", "volume"), rows=tuple(rows))

# SPDX-License-Identifier: MIT
"""Which thresholds a case reports: its own, or else those that the library knows of its agent."""

from math import isclose
from typing import Final

from cases import catalogue
from cases.build.materials import agent_numbers, library_numbers
from cases.schema.case import CaseFile, Level, ThresholdsTable
from cases.schema.materials import AgentTable

SAME_MASS: Final = 0.01
"""Relative difference of molar masses up to which an agent is the substance that it starts from."""


def agent_thresholds(table: AgentTable) -> catalogue.Thresholds | None:
    """What the library knows of an agent's thresholds; None for nothing.

    They belong to a substance: an agent whose molar mass is not that of the entry that states them has none.
    """
    found = catalogue.entries("agents")[table.base].thresholds if table.base is not None else None
    if found is None:
        return None
    stated = library_numbers("agents", found.entry, AgentTable).get("molar_mass", 0.0)
    own = agent_numbers(table).get("molar_mass", 0.0)
    return found if isclose(own, stated, rel_tol=SAME_MASS) else None


def case_thresholds(case: CaseFile) -> tuple[list[Level], list[Level]]:
    """Levels of the dose and of the peak concentration that a case reports, rising."""
    known = agent_thresholds(case.agent)
    default = ThresholdsTable.model_validate({"ct": known.ct, "peak": known.peak} if known else {})
    ct = default.ct if case.thresholds.ct is None else case.thresholds.ct
    peak = default.peak if case.thresholds.peak is None else case.thresholds.peak
    return sorted(ct or [], key=_value), sorted(peak or [], key=_value)


def _value(level: Level) -> float:
    return level.value

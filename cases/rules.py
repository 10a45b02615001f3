# SPDX-License-Identifier: MIT
"""Rules that tie several keys of a case together; each is a function from the case to its problems."""

from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from cases.errors import Key, Problem, dotted
from cases.rules_geometry import (
    cavities_apart,
    geometry_complete,
    label_files,
    symmetry,
    tips_inside,
)
from cases.rules_library import materials_complete, names_known, regions_exist
from cases.rules_time import end_known, outputs_inside, pulses_apart, steps_ordered
from cases.schema import CaseFile

Rule = Callable[[CaseFile], Iterator[Problem]]

RULES: Final[tuple[tuple[Rule, tuple[str, ...]], ...]] = (
    (geometry_complete, ("geometry*",)),
    (symmetry, ("geometry*", "injection*tip*", "injection*direction*")),
    (tips_inside, ("geometry*", "injection*tip*", "injection*source_radius", "needles*", "injection*needle")),
    (
        cavities_apart,
        ("injection*tip*", "injection*direction*", "needles*", "injection*needle", "injection*radius"),
    ),
    (pulses_apart, ("injection*",)),
    (end_known, ("agent*", "physics.reaction", "outputs.end")),
    (outputs_inside, ("injection*", "agent*", "physics.reaction", "outputs*")),
    (steps_ordered, ("numerics*",)),
    (regions_exist, ("geometry*", "tissues*")),
)
"""Rules, and the keys that they read: a rule is left out while one of those is wrong by itself."""

NEED_MATERIALS: Final = (tips_inside, cavities_apart, end_known, outputs_inside)
"""Rules that read numbers of the agent or of needles."""


def broken_rules(case: CaseFile, folder: Path, suspects: set[Key]) -> list[Problem]:
    """Problems between keys.

    Args:
        case: passed the schema, perhaps with stand-ins.
        folder: of the case file, where label maps are looked for.
        suspects: keys that hold stand-ins.
    """
    problems = list(names_known(case))
    problems += [] if problems else materials_complete(case)
    unsure = {dotted(key) for key in suspects}
    materials_known = not problems
    problems += label_files(case, folder)
    for rule, reads in RULES:
        blocked = any(fnmatch(key, pattern) for key in unsure for pattern in reads)
        if not blocked and (materials_known or rule not in NEED_MATERIALS):
            problems += rule(case)
    return problems

# SPDX-License-Identifier: MIT
"""Rules that tie several keys of a case together; each is a function from the case to its problems."""

from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path
from typing import Final

from cases.errors import Key, Problem, dotted
from cases.rules.chemistry import chemistry_known, kill_known
from cases.rules.delivery import delivery_stated, side_holes_fit
from cases.rules.fields import fibres_fit, field_files, fields_fit
from cases.rules.geometry import (
    cavities_apart,
    geometry_complete,
    label_files,
    symmetry,
    tips_inside,
)
from cases.rules.lines import backflow_fits, vessel_files, vessel_lines_fit
from cases.rules.mesh import mesh_complete, mesh_file, surface_units
from cases.rules.names import materials_complete, names_known, regions_exist
from cases.rules.solid import cavities_open, moduli_fit
from cases.rules.time import end_known, outputs_inside, pulses_apart, steps_ordered
from cases.rules.vessels import body_known, vessels_known
from cases.schema.case import CaseFile

Rule = Callable[[CaseFile], Iterator[Problem]]

RULES: Final[tuple[tuple[Rule, tuple[str, ...]], ...]] = (
    (geometry_complete, ("geometry*",)),
    (mesh_complete, ("geometry*",)),
    (surface_units, ("geometry*",)),
    (symmetry, ("geometry*", "injection*tip*", "injection*direction*")),
    (tips_inside, ("geometry*", "injection*tip*", "injection*source_radius", "needles*", "injection*needle")),
    (
        cavities_apart,
        ("injection*tip*", "injection*direction*", "needles*", "injection*needle", "injection*radius"),
    ),
    (delivery_stated, ("injection*.rate", "injection*.pressure", "injection*.duration", "needles*")),
    (side_holes_fit, ("geometry*", "injection*", "needles*")),
    (cavities_open, ("injection*", "needles*", "physics.flow")),
    (moduli_fit, ("geometry*", "tissues*", "physics.flow")),
    (pulses_apart, ("injection*",)),
    (end_known, ("agent*", "physics.reaction", "outputs.end")),
    (outputs_inside, ("injection*", "agent*", "physics.reaction", "outputs*")),
    (steps_ordered, ("numerics*",)),
    (regions_exist, ("geometry*", "tissues*")),
    (chemistry_known, ("chemistry*", "agent*", "physics*")),
    (kill_known, ("kill*", "chemistry*", "physics*")),
    (vessels_known, ("vessels*", "agent*", "tissues*", "physics*")),
    (body_known, ("body*", "agent*")),
    (backflow_fits, ("geometry*", "backflow*")),
    (vessel_lines_fit, ("geometry*", "vessel_lines*")),
    (fibres_fit, ("geometry*", "tissues*")),
    (fields_fit, ("geometry*", "tissue_fields*")),
)
"""Rules, and the keys that they read: a rule is left out while one of those is wrong by itself."""

NEED_MATERIALS: Final = (
    delivery_stated,
    side_holes_fit,
    moduli_fit,
    tips_inside,
    cavities_apart,
    end_known,
    outputs_inside,
    vessels_known,
    body_known,
    fibres_fit,
    chemistry_known,
)
"""Rules that read numbers of the agent or of needles."""


MOST_OF_A_RULE: Final = 200
"""Problems; a thousand overlapping pulses have half a million."""


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
    problems += mesh_file(case, folder)
    problems += field_files(case, folder)
    problems += vessel_files(case, folder)
    for rule, reads in RULES:
        blocked = any(fnmatch(key, pattern) for key in unsure for pattern in reads)
        if not blocked and (materials_known or rule not in NEED_MATERIALS):
            problems += islice(rule(case), MOST_OF_A_RULE)
    return problems

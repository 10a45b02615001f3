# SPDX-License-Identifier: MIT
"""A case file to start from, short or with every key, made from the schema so that it cannot fall behind."""

import re
import textwrap
from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cases.about import NOTICE
from cases.errors import ExitCode, Key, UserError, shown
from cases.reading.explain import default_text, entry_path, quantity_of
from cases.reading.validate import model_at
from cases.schema.case import CaseFile

FILLED: Final = {
    "geometry.kind": '"radial"',
    "geometry.domain_radius": '"60 mm"',
    "geometry.tumour.radius": '"10 mm"',
    "tissues.tumour": '"generic_tumour"',
    "tissues.tissue": '"subcutis"',
    "agent.base": '"chlorine_dioxide"',
    "injection.tip": '["0 mm", "0 mm", "0 mm"]',
    "injection.direction": "[0, 0, -1]",
    "injection.start": '"0 s"',
    "injection.volume": '"1 mL"',
    "injection.rate": '"1 mL/min"',
}
"""What the starter states; every other key is named in it, or stands in the long one as a comment."""

OPTIONAL_TABLES: Final = (
    "geometry.necrotic_core",
    "geometry.capsule",
    "geometry.labels",
    "geometry.mesh",
    "tissue_fields",
    "needles",
    "numerics.mesh",
    "vessels",
    "vessels.two_pressures",
    "vessels.network",
    "body",
    "backflow",
    "vessel_lines",
    "chemistry",
    "kill",
)
"""Tables that stand in the starter as comments."""

INLINE: Final = {
    "tissues.tumour": '"generic_tumour"',
    "tissues.tissue": '"subcutis"',
    "tissues.necrotic_core": '"necrotic_core"',
    "tissues.capsule": '"capsule"',
    "tissues.large_artery": '"large_artery"',
    "tissues.large_vein": '"large_vein"',
    "tissues.portal_vein": '"portal_vein"',
    "geometry.mesh.file": '"liver.msh"',
    "geometry.mesh.unit": '"mm"',
    "geometry.mesh.regions": '{ lesion = "tumour", liver = "tissue" }',
    "geometry.mesh.boundaries": '{ skin = "organ_surface" }',
    "geometry.labels.tumour": '{ path = "tumour.nii.gz", labels = [1] }',
    "geometry.labels.organ": '[{ path = "liver.nii.gz" }, { path = "vessels.nii.gz" }]',
    "geometry.labels.necrotic_core": '{ path = "core.nii.gz" }',
    "geometry.labels.large_artery": '{ path = "arteries.nii.gz" }',
    "geometry.labels.large_vein": '{ path = "veins.nii.gz" }',
    "geometry.labels.portal_vein": '{ path = "portal.nii.gz" }',
}
"""Tables that the starter writes on one line."""


SHORT: Final = (
    '# Every quantity carries its unit. What else can be set stands behind "also"; what it means tells',
    "# `infusate explain KEY`, such as injection.needle. `infusate new NAME --all` writes all of it out.",
)
LONG: Final = (
    '# Every quantity carries its unit. Lines that begin with "# " and a key show what else can be set,',
    "# with the default where there is one; `infusate explain KEY` says more.",
)


def starter_text(name: str, everything: bool = False) -> str:
    """A case file with the keys that a first case needs.

    Args:
        name: of the case.
        everything: whether all others stand in it as comments; else it only names them.

    Raises:
        UserError: ``name`` is no name of a case (code 2).
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        message = (
            f"{shown(name)} is no name of a case; expected lower-case letters, digits, hyphens, underscores"
        )
        raise UserError(message, ExitCode.USAGE)
    lines = [f"# {NOTICE}", *(LONG if everything else SHORT), "", f'name = "{name}"']
    lines += _table(CaseFile, (), commented=False) if everything else _stated(CaseFile, ())
    return "\n".join(lines) + "\n"


def _stated(table: type[BaseModel], path: Key) -> list[str]:
    """The keys of a table that the starter states, and the names of the others."""
    lines: list[str] = []
    below: list[str] = []
    also: list[str] = []
    for key, field in table.model_fields.items():
        here = (*path, key)
        if _plain(here) in FILLED:
            lines += _key(here, field, commented=False)
        elif any(stated.startswith(f"{_plain(here)}.") for stated in FILLED):
            inner = model_at(entry_path(here))
            assert inner is not None, "only a table has keys"
            below += ["", *_comment(field.description or ""), _header(here)]
            below += _stated(inner, entry_path(here))
        elif here != ("name",):
            inside = None if _plain(here) in INLINE else model_at(entry_path(here))
            also.append(key if inside is None else _header(here))
    others = _comment(f"also: {', '.join(also)}") if also else []
    return [*lines, *others, *below]


def _table(table: type[BaseModel], path: Key, commented: bool) -> list[str]:
    lines: list[str] = []
    below: list[str] = []
    for key, field in table.model_fields.items():
        here = (*path, key)
        inner = None if _plain(here) in INLINE else model_at(entry_path(here))
        if inner is not None:
            optional = commented or _plain(here) in OPTIONAL_TABLES
            below += ["", *_comment(field.description or ""), f"{'# ' * optional}{_header(here)}"]
            below += _table(inner, entry_path(here), optional)
        elif here != ("name",):
            lines += _key(here, field, commented)
    return [*lines, *below]


def _header(path: Key) -> str:
    entry = entry_path(path)
    name = ".".join(str(part) for part in entry if isinstance(part, str))
    return f"[[{name}]]" if isinstance(entry[-1], int) else f"[{name}]"


def _plain(path: Key) -> str:
    """The path without the numbers of entries."""
    return ".".join(part for part in path if isinstance(part, str))


def _key(path: Key, field: FieldInfo, commented: bool) -> list[str]:
    name = _plain(path)
    value = FILLED.get(name)
    if value is not None and not commented:
        return [*_comment(field.description or ""), f"{path[-1]} = {value}"]
    example = INLINE.get(name) or default_text(field) or _example(field)
    return [*_comment(field.description or ""), f"# {path[-1]} = {example}"]


def _example(field: FieldInfo) -> str:
    quantity = quantity_of(field.annotation, list(field.metadata))
    if quantity is None:
        return '"..."'
    number = quantity.dimension.si == "1"
    text = quantity.dimension.example if number else f'"{quantity.dimension.example}"'
    return f"[{text}]" if "list" in str(field.annotation) else text


def _comment(text: str) -> list[str]:
    return [f"#: {line}" for line in textwrap.wrap(text, 100)]

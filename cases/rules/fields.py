# SPDX-License-Identifier: MIT
"""Rules on tissue with fibres and on tissue that varies within a region."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cases.build.fields import DIMENSIONS, scale
from cases.build.materials import tissue_numbers
from cases.build.model import present_regions
from cases.errors import ExitCode, Key, Problem, shown
from cases.rules.geometry import LABEL_SUFFIXES, input_file
from cases.schema.case import CaseFile
from cases.schema.fields import TissueFieldTable
from cases.schema.units import LENGTH, NUMBER, UnitError, to_si
from cases.suggest import hint

MESH_SUFFIXES: Final = (".vtk", ".vtu", ".vti", ".vtr", ".vts", ".vtkhdf", ".xdmf", ".xmf")
OF_FILES: Final = ("path", "array", "length_unit", "unit", "fill")
OF_RANDOM: Final = ("correlation_length", "log_deviation", "smoothness", "seed")
"""Keys that only one kind of source has."""


def fibres_fit(case: CaseFile) -> Iterator[Problem]:
    """A direction needs a geometry that can hold it."""
    kind = case.geometry.kind
    for region in present_regions(case):
        table = getattr(case.tissues, region)
        numbers = tissue_numbers(table, region)
        ratios = [numbers.get(name, 1.0) for name in ("fibre_ratio", "fibre_diffusion_ratio")]
        direction = table.fibre_direction or [0.0, 0.0, 1.0]
        if math.hypot(*direction) == 0.0:
            key = ("tissues", region, "fibre_direction")
            yield Problem(key=key, message="has no direction; expected a vector that is not zero")
            continue
        if ratios == [1.0, 1.0]:
            continue
        if kind == "radial":
            key = ("tissues", region, "fibre_ratio")
            message = "a radial case has no direction for fibres; expected ratios of 1"
            yield Problem(key=key, message=message, hint='or kind = "axisymmetric" or "3d"')
        elif kind == "axisymmetric" and math.hypot(*direction[:2]) > 1e-6 * math.hypot(*direction):
            key = ("tissues", region, "fibre_direction")
            message = "an axisymmetric case needs fibres along z, such as [0, 0, 1]"
            yield Problem(key=key, message=message, hint='or kind = "3d"')


def fields_fit(case: CaseFile) -> Iterator[Problem]:
    """Fields of tissue are complete, of regions that exist, in a geometry that can hold them."""
    for i, table in enumerate(case.tissue_fields):
        key: Key = ("tissue_fields", i)
        yield from _geometry(case, table, key)
        yield from _regions(case, table, key)
        yield from _random(table, key) if table.source == "random" else _file(table, key)
        if table.smallest >= table.largest:
            yield Problem(key=(*key, "smallest"), message="is not smaller than largest")


def field_files(case: CaseFile, folder: Path) -> Iterator[Problem]:
    """Files of fields exist and are of a known kind."""
    for i, table in enumerate(case.tissue_fields):
        if table.path is not None and table.source != "random":
            suffixes = LABEL_SUFFIXES if table.source == "image" else MESH_SUFFIXES
            what = "an image" if table.source == "image" else "mesh data"
            yield from input_file(table.path, folder, ("tissue_fields", i, "path"), (what, suffixes))


def _geometry(case: CaseFile, table: TissueFieldTable, key: Key) -> Iterator[Problem]:
    kind = case.geometry.kind
    if kind == "3d" or (kind == "axisymmetric" and table.source == "mesh"):
        return
    what = {"image": "an image", "mesh": "mesh data", "random": "a random field"}[table.source]
    why = "would become shells" if kind == "radial" else "would become rings"
    yield Problem(
        key=(*key, "source"),
        message=f"{what} in a {kind} case {why}",
        hint='use kind = "3d"' + (', or "axisymmetric"' if table.source == "mesh" else ""),
    )


def _regions(case: CaseFile, table: TissueFieldTable, key: Key) -> Iterator[Problem]:
    there = present_regions(case)
    for j, name in enumerate(table.regions):
        if name not in there:
            message = f"the geometry has no region {shown(name)}"
            yield Problem(key=(*key, "regions", j), message=message, hint=hint(name, there, "regions"))
    if len(set(table.regions)) < len(table.regions):
        yield Problem(key=(*key, "regions"), message="a region is named twice")


def _random(table: TissueFieldTable, key: Key) -> Iterator[Problem]:
    for name in ("correlation_length", "log_deviation"):
        if getattr(table, name) is None:
            yield Problem(key=(*key, name), message="missing; a random field needs it")
    for name in OF_FILES:
        if name in table.model_fields_set:
            yield Problem(key=(*key, name), message='has no meaning with source = "random"')
    if table.mode != "factor":
        message = f'found "{table.mode}"; a random field is a factor, with the tissue\'s number as its median'
        yield Problem(key=(*key, "mode"), message=message)


def _file(table: TissueFieldTable, key: Key) -> Iterator[Problem]:
    for name in ("path", "array") if table.source == "mesh" else ("path",):
        if getattr(table, name) is None:
            yield Problem(key=(*key, name), message=f"missing; {_a(table.source)} needs it")
    foreign = OF_RANDOM if table.source == "mesh" else (*OF_RANDOM, "array", "length_unit")
    for name in foreign:
        if name in table.model_fields_set:
            yield Problem(key=(*key, name), message=f'has no meaning with source = "{table.source}"')
    if table.mode == "value" and table.quantity not in DIMENSIONS:
        message = f'found "value"; {table.quantity} is no single number of a tissue'
        yield Problem(key=(*key, "mode"), message=message, hint='use "factor" or "ratio"')
        return
    needs_unit = table.mode == "value" and DIMENSIONS[table.quantity] is not NUMBER
    if not needs_unit and table.unit is not None:
        yield Problem(key=(*key, "unit"), message="has no meaning: the source holds plain numbers")
    for name, read in (("unit", lambda: scale(table)), ("length_unit", lambda: _length(table))):
        try:
            read()
        except UnitError as error:
            yield Problem(key=(*key, name), message=str(error), code=ExitCode.INVALID)


def _length(table: TissueFieldTable) -> float:
    return to_si(f"1 {table.length_unit}", LENGTH)


def _a(source: str) -> str:
    return "an image" if source == "image" else "mesh data"

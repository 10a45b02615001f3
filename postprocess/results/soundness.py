# SPDX-License-Identifier: MIT
"""Whether the files of a result are what pages and pictures rely on: told in one line where they are not."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from meshes.regions import REGION_NAMES
from solver.results.fields import CT_DOSE, FIELDS, PEAK_CONCENTRATION, REGION


class ResultError(ValueError):
    """A result folder that cannot be read, with the file and the reason."""


NUMBER, WHOLE, TEXT, TABLE = "a number", "a whole number", "text", "a table"
VECTOR: Final = [NUMBER] * 3
LEAF: Final[dict[str, Any]] = {NUMBER: (int, float), WHOLE: int, TEXT: str, TABLE: Mapping}
LONGEST_TEXT: Final = 20_000
DEEPEST: Final = 8


def _numbers(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), NUMBER)


SUMMARY: Final[dict[str, Any]] = {
    "infusate": TEXT,
    "notice": TEXT,
    "status": TEXT,
    "case": {"name": TEXT, "title": TEXT, "file": TEXT, "hash": TEXT},
    "ranks": WHOLE,
    "geometry": ("radial", "axisymmetric", "3d"),
    "mesh": {"cells": WHOLE, "vertices": WHOLE},
    "time": {"end_s": NUMBER, "steps": WHOLE, "rejected_steps": WHOLE},
    "ledger": {
        "agent": _numbers(
            "injected_kg in_tumour_kg in_tissue_kg reacted_tumour_kg reacted_tissue_kg blood_kg lymph_kg "
            "boundary_kg residual_relative"
        ),
        "fluid": _numbers("injected_m3 stored_m3 from_vessels_m3 lymph_m3 boundary_m3 residual_relative"),
    },
    "tumour": {"volume_m3": NUMBER},
    "ablation": [
        {
            "measure": ("ct", "peak"),
            "label": TEXT,
            "unit": TEXT,
            **_numbers(
                "threshold volume_m3 in_tumour_m3 outside_m3 coverage untreated_m3 equivalent_radius_m"
            ),
            "margin~": _numbers("min_m p5_m median_m"),
        }
    ],
    "spill": {
        **_numbers("crossed_fraction returned_fraction net_fraction reacted_outside_fraction"),
        "shells": [_numbers("distance_m peak_concentration largest_ct_dose")],
    },
    "blood": _numbers("absorbed_fraction absorbed_kg"),
    "lymph": _numbers("absorbed_fraction"),
    "pressure": _numbers("peak_Pa peak_time_s largest_dilatation"),
    "fissured": _numbers("volume_m3 share_of_tumour"),
    "front": _numbers("equivalent_radius_m"),
    "concentration": _numbers("inlet_kg_m3 min_relative max_relative"),
    "limits?": [{"threshold": NUMBER, "binding": TEXT}],
    "validity": [{"name": TEXT, "level": ("info", "caution", "invalid"), "message": TEXT}],
    "solver": TABLE,
    "timing": {"total_s": NUMBER, "stages": {"*": NUMBER}},
    "versions": TABLE,
    "provenance": TABLE,
}
"""What every summary holds, among others. "?": may be missing or null; "~": may be null; "*": every key."""

LINES: Final = {"places": [VECTOR], "edges": [[WHOLE] * 2], "radii": [NUMBER]}

RESOLVED: Final[dict[str, Any]] = {
    "injections": [{**_numbers("start volume rate concentration"), "outlets?": [{"site": WHOLE}]}],
    "vessel_lines?": [LINES],
    "vessels?": {"network?": LINES},
    "backflow?": {"exit_distance?": NUMBER},
    "geometry?": {"sites?": [{"tip": VECTOR, "direction": VECTOR, "needle_radius": NUMBER}]},
    "agent?": TABLE,
    "tissues?": TABLE,
}


HISTORY: Final = (
    "t_s",
    "peak_pressure_Pa",
    *_numbers(
        "agent_injected_kg agent_in_tumour_kg agent_in_tissue_kg agent_reacted_tumour_kg agent_blood_kg "
        "agent_reacted_tissue_kg agent_lymph_kg agent_boundary_kg agent_crossed_out_kg agent_crossed_in_kg"
    ),
)
"""Columns that curves are drawn from."""


def require_tables(content: Any, expected: dict[str, Any], file: Path) -> None:
    """Refuse tables that lack what is read of them, or that hold something else there.

    Raises:
        ResultError: with file, key, what was found and what was expected.
    """
    for key, found, wanted in [*_flaws(content, expected, ""), *_excesses(content, "", 0)]:
        raise ResultError(printable(f"{file}: {key or 'content'}: found {_short(found)}, expected {wanted}"))


def _flaws(found: Any, expected: Any, key: str) -> Iterator[tuple[str, Any, str]]:
    if isinstance(expected, dict):
        if not isinstance(found, Mapping):
            yield key, found, TABLE
            return
        each = dict.fromkeys(found, expected["*"]) if "*" in expected else expected
        for mark, inner in each.items():
            name = mark.rstrip("?~")
            absent = {"?": None, "~": 0}.get(mark[-1], 0)
            if mark != name and found.get(name, absent) is None:
                continue
            if name not in found:
                yield f"{key}.{name}".strip("."), "nothing", "a value; is this the summary of a run?"
            else:
                yield from _flaws(found[name], inner, f"{key}.{name}".strip("."))
    elif isinstance(expected, list):
        if not isinstance(found, list) or (len(expected) > 1 and len(found) != len(expected)):
            yield key, found, "a list" if len(expected) == 1 else f"a list of {len(expected)}"
            return
        for i, item in enumerate(found):
            yield from _flaws(item, expected[0], f"{key}[{i}]")
    elif isinstance(expected, tuple):
        if found not in expected:
            yield key, found, f"one of {', '.join(expected)}"
    elif not isinstance(found, LEAF[expected]) or isinstance(found, bool):
        yield key, found, expected
    elif expected in (NUMBER, WHOLE) and not math.isfinite(found):
        yield key, found, "a finite number"


def _excesses(found: Any, key: str, depth: int) -> Iterator[tuple[str, Any, str]]:
    """Numbers, texts and nesting that no run writes."""
    if depth > DEEPEST:
        yield key, "more tables in tables", f"at most {DEEPEST}"
    elif isinstance(found, Mapping):
        for name, value in found.items():
            yield from _excesses(value, f"{key}.{name}".strip("."), depth + 1)
    elif isinstance(found, list):
        for i, value in enumerate(found):
            yield from _excesses(value, f"{key}[{i}]", depth + 1)
    elif isinstance(found, str) and len(found) > LONGEST_TEXT:
        yield key, found, f"at most {LONGEST_TEXT} characters"
    elif isinstance(found, int | float) and not abs(found) < 1e200:
        yield key, found, "a finite number"


def require_fields(path: Path, corners: int) -> None:
    """Refuse a field file whose parts do not fit together, before VTK reads it and trusts them.

    Args:
        path: VTKHDF file.
        corners: of a cell of the geometry that the summary states.

    Raises:
        ResultError: with the file and the reason.
    """
    # here, as pages about sweeps are also written where cases are not run, without h5py
    import h5py

    try:
        with h5py.File(path, "r") as file:
            reason = next(_misfits(file, corners), None)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError, OverflowError) as error:
        reason = f"it is damaged or no VTKHDF ({type(error).__name__})"
    if reason:
        raise ResultError(f"{path}: not a field file: {reason}")


def _misfits(file: Any, corners: int) -> Iterator[str]:
    root = file["VTKHDF"]
    if bytes(root.attrs["Type"]) != b"UnstructuredGrid":
        yield "it holds no unstructured grid"
    points, cells = (int(root[f"NumberOf{name}"][0]) for name in ("Points", "Cells"))
    if root["Points"].shape != (points, 3) or not np.isfinite(root["Points"][()]).all():
        yield "its points are not places"
    ids, kind = root["Connectivity"], {2: 3, 3: 5, 4: 10}[corners]
    if ids.shape != (cells * corners,) or root["Types"].shape != (cells,) or cells < 1:
        yield f"its cells have not {corners} corners"
    elif not 0 <= ids[()].min() <= ids[()].max() < points or (root["Types"][()] != kind).any():
        yield "its cells name points that are not there"
    if not np.array_equal(root["Offsets"][()], corners * np.arange(cells + 1)):
        yield "its cells overlap"
    times = np.asarray(root["Steps/Values"][()], dtype=np.float64)
    count = int(root["Steps"].attrs["NSteps"])
    if times.shape != (count,) or count < 1 or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        yield "its stored times do not ascend"
    for name in ("PartOffsets", "PointOffsets", "CellOffsets", "ConnectivityIdOffsets"):
        if root["Steps"][name].shape[0] != count or np.any(root["Steps"][name][()]):
            yield "its mesh changes over time"
    if (root["Steps/NumberOfParts"][()] != 1).any():
        yield "it is in several parts"
    tags = root[f"CellData/{REGION.key}"]
    if tags.shape != (cells,) or not np.isin(tags[()], list(REGION_NAMES)).all():
        yield "its regions are unknown"
    yield from _field_misfits(root, {"PointData": points, "CellData": cells}, count)


def _field_misfits(root: Any, sizes: dict[str, int], count: int) -> Iterator[str]:
    for key in (CT_DOSE.key, PEAK_CONCENTRATION.key):
        if key not in root["PointData"]:
            yield f"the field {key} is missing"
    for group, size in sizes.items():
        for key, data in root[group].items():
            if key == REGION.key:
                continue
            field = FIELDS.get(key)
            tail = () if field is None or field.components == 1 else (field.components,)
            offsets = root[f"Steps/{group}Offsets/{key}"][()]
            if data.shape != (size * count, *tail) or data.dtype.kind != "f":
                yield f"the field {key} has the shape {data.shape}"
            if not np.array_equal(offsets, size * np.arange(count)):
                yield f"the times of the field {key} are mixed up"


def require_history(columns: Mapping[str, Any], file: Path) -> None:
    """Refuse a history without the columns that curves are drawn from, or with other than finite numbers.

    Raises:
        ResultError: with the file and the column.
    """
    for name in HISTORY:
        if name not in columns or len(columns[name]) == 0:
            raise ResultError(f"{file}: the column {name} is missing or empty")
    for name, values in columns.items():
        if not np.isfinite(values).all():
            raise ResultError(printable(f"{file}: the column {name[:60]} holds other than finite numbers"))
    if (np.diff(columns["t_s"]) < 0).any():
        raise ResultError(f"{file}: its times do not ascend")


def printable(text: str) -> str:
    """Text without control characters, so that a file cannot drive the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _short(value: Any) -> str:
    text = printable(repr(value)[:60])
    return text if len(text) < 60 else f"{text}…"

# SPDX-License-Identifier: MIT
"""The resolved case: every value and default in SI, as TOML and as a hash; and the way back."""

import errno
import hashlib
import json
import math
import stat
from collections.abc import Mapping
from dataclasses import asdict, replace
from os.path import relpath
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from cases.about import VERSION
from cases.case import Case, CheckpointPlan
from cases.errors import CaseError, ExitCode, Problem
from cases.reading.read import Source
from cases.reading.sources import sources
from meshes.files.companions import content_checksum
from meshes.geometry import STRUCTURES, LabelGeometry, MeshGeometry, ParametricGeometry
from meshes.regions import REGION_NAMES
from solver.parameters.chemistry import Chemistry, Kill
from solver.parameters.fields import TissueField
from solver.parameters.lines import Backflow, VesselLine
from solver.parameters.model import Agent, Injection, Model, Numerics, Physics, Schedule, Thresholds, Tissue
from solver.parameters.vessels import Body, VesselModel

RESOLVED_KEY: Final = "resolved"
_TAGS: Final = {name: tag for tag, name in REGION_NAMES.items()}
_CLOSED: Final = ConfigDict(extra="forbid", allow_inf_nan=False)


def _geometry_kind(table: Any) -> str:
    known = table if isinstance(table, dict) else {}
    return "parametric" if "kind" in known else "mesh" if "path" in known else "labels"


class _Labels(BaseModel):
    model_config = _CLOSED
    ct: tuple[str, ...] = ()
    peak: tuple[str, ...] = ()


class _Resolved(BaseModel):
    """The file's layout: tables as in ``solver.parameters.model`` and ``meshes.geometry``."""

    model_config = _CLOSED
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    title: str
    figures: bool
    checkpoint: CheckpointPlan = CheckpointPlan()
    agent: Agent
    tissues: dict[str, Tissue]
    tissue_fields: tuple[TissueField, ...] = ()
    injections: tuple[Injection, ...] = Field(min_length=1)
    physics: Physics
    numerics: Numerics
    thresholds: Thresholds
    threshold_labels: _Labels
    schedule: Schedule
    chemistry: Chemistry | None = None
    kill: Kill | None = None
    vessels: VesselModel | None = None
    body: Body | None = None
    backflow: Backflow | None = None
    vessel_lines: tuple[VesselLine, ...] = ()
    geometry: Annotated[
        Annotated[ParametricGeometry, Tag("parametric")]
        | Annotated[LabelGeometry, Tag("labels")]
        | Annotated[MeshGeometry, Tag("mesh")],
        Discriminator(_geometry_kind),
    ]


def resolved_tables(case: Case, folder: Path) -> dict[str, Any]:
    """The content of ``resolved.toml``, JSON-ready.

    Args:
        case: to write.
        folder: where the file will stand; paths of label maps are relative to it.
    """
    model = asdict(case.model)
    tables: dict[str, Any] = {
        "name": case.name,
        "title": case.title,
        "figures": case.figures,
        "checkpoint": asdict(case.checkpoint),
        "schedule": model["schedule"],
        "thresholds": model["thresholds"],
        "threshold_labels": {"ct": case.ct_labels, "peak": case.peak_labels},
        "physics": model["physics"],
        "agent": model["agent"],
        "tissues": {REGION_NAMES[tag]: tissue for tag, tissue in model["tissues"].items()},
        "tissue_fields": model["tissue_fields"],
        "injections": model["injections"],
        "numerics": model["numerics"],
        "chemistry": model["chemistry"],
        "kill": model["kill"],
        "vessels": model["vessels"],
        "body": model["body"],
        "backflow": model["backflow"],
        "vessel_lines": model["vessel_lines"],
        "geometry": asdict(case.geometry),
    }
    return _plain(tables, folder)


def resolved_text(case: Case, folder: Path) -> str:
    """``resolved.toml``: all of the case in SI, readable by ``load_case``."""
    head = [
        "# Written by Infusate: the case with every default and every value in SI units",
        "# (m, s, kg, Pa, kg/m3; tables as in solver/parameters/model.py and meshes/geometry.py).",
    ]
    resolved: dict[str, Any] = {"format": 1, "units": "SI", "version": VERSION, "hash": case_hash(case)}
    resolved["sources"] = sources(case)
    tables = resolved_tables(case, folder)
    return "\n".join(head) + "\n" + toml_text({**tables, RESOLVED_KEY: resolved})


def write_resolved(case: Case, path: Path) -> None:
    """Write ``resolved.toml``; see ``resolved_text``."""
    path.write_text(resolved_text(case, path.parent), encoding="utf-8")


def case_hash(case: Case) -> str:
    """SHA-256 of the resolved content, in hexadecimal; files count by content, not by place."""
    tables = resolved_tables(case, Path("."))
    # what is computed does not depend on it
    del tables["checkpoint"]
    if isinstance(case.geometry, LabelGeometry):
        for structure in STRUCTURES:
            masks = getattr(case.geometry, structure)
            for mask, table in zip(masks, tables["geometry"][structure], strict=True):
                table["path"] = _digest(mask.path)
    if isinstance(case.geometry, MeshGeometry):
        tables["geometry"]["path"] = _digest(case.geometry.path)
    for field, table in zip(case.model.tissue_fields, tables["tissue_fields"], strict=True):
        if field.path is not None:
            table["path"] = _digest(field.path)
    canonical = json.dumps(tables, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def resolved_case(source: Source, overrides: tuple[str, ...]) -> Case:
    """A case from the tables of a resolved file, which is a record and must be as it was written.

    Raises:
        CaseError: it was edited, an override would change it, or a label map is missing or has changed.
    """
    if overrides:
        message = "a resolved case is a record and takes no override; change the case file instead"
        raise CaseError([Problem(file=f"--set {overrides[0]}", message=message)])
    case = _unchecked(source)
    stated = (
        source.tables[RESOLVED_KEY].get("hash") if isinstance(source.tables[RESOLVED_KEY], dict) else None
    )
    try:
        unchanged = case_hash(case) == stated
    except OSError as error:
        message = f"label map {error.filename}: {error.strerror}"
        problem = Problem(key=("geometry",), message=message, code=ExitCode.MISSING_INPUT)
        raise CaseError([source.place(problem)]) from error
    if not unchanged:
        message = "does not match the content: this record was changed, or a label map was"
        problem = Problem(key=(RESOLVED_KEY, "hash"), message=message, hint="change the case file instead")
        raise CaseError([source.place(problem)])
    return case


def _unchecked(source: Source) -> Case:
    tables = {key: value for key, value in source.tables.items() if key != RESOLVED_KEY}
    if _geometry_kind(tables.get("geometry")) == "labels" and isinstance(tables.get("geometry"), dict):
        tables["geometry"] = {"smoothing": None, **tables["geometry"]}
    if _geometry_kind(tables.get("geometry")) == "mesh":
        tables["geometry"] = {"outside": None, "tags": None, **tables["geometry"]}
    try:
        resolved = _Resolved.model_validate(tables)
        return _rebuilt(resolved, source)
    except ValidationError as error:
        problems = [
            Problem(
                key=detail["loc"],
                message=f"{detail['msg'][0].lower()}{detail['msg'][1:]} (a resolved file, all in SI)",
            )
            for detail in error.errors(include_url=False)
        ]
    except KeyError as error:
        problems = [Problem(key=("tissues",), message=f"no region {error}; expected {', '.join(_TAGS)}")]
    raise CaseError([source.place(problem) for problem in problems])


def toml_text(tables: Mapping[str, Any]) -> str:
    """Plain tables as TOML: values first, then tables, then lists of tables."""
    return "\n".join(_toml_lines(tables, ())).strip("\n") + "\n"


def _rebuilt(resolved: _Resolved, source: Source) -> Case:
    file = Path(source.file)
    geometry = resolved.geometry
    if isinstance(geometry, LabelGeometry):
        geometry = _relocated(geometry, file.parent)
    elif isinstance(geometry, MeshGeometry):
        geometry = replace(geometry, path=file.parent / geometry.path)
    return Case(
        name=resolved.name,
        title=resolved.title,
        file=file,
        overrides=(),
        model=Model(
            tissues={_TAGS[name]: tissue for name, tissue in resolved.tissues.items()},
            tissue_fields=tuple(_moved(field, file.parent) for field in resolved.tissue_fields),
            agent=resolved.agent,
            injections=resolved.injections,
            physics=resolved.physics,
            numerics=resolved.numerics,
            thresholds=resolved.thresholds,
            schedule=resolved.schedule,
            chemistry=resolved.chemistry,
            kill=resolved.kill,
            vessels=resolved.vessels,
            body=resolved.body,
            backflow=resolved.backflow,
            vessel_lines=resolved.vessel_lines,
        ),
        geometry=geometry,
        ct_labels=resolved.threshold_labels.ct,
        peak_labels=resolved.threshold_labels.peak,
        figures=resolved.figures,
        checkpoint=resolved.checkpoint,
    )


def _relocated(labels: LabelGeometry, folder: Path) -> LabelGeometry:
    def moved(name: str) -> Any:
        return tuple(replace(mask, path=folder / mask.path) for mask in getattr(labels, name))

    return replace(labels, **{name: moved(name) for name in STRUCTURES})


def _moved(field: TissueField, folder: Path) -> TissueField:
    return field if field.path is None else replace(field, path=folder / field.path)


def _plain(value: Any, folder: Path) -> Any:
    """Dictionaries, lists, text and numbers only; absent values left out."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item, folder) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item, folder) for item in value]
    return Path(relpath(value, folder)).as_posix() if isinstance(value, Path) else value


def _digest(path: Path) -> str:
    """SHA-256 of a file and of what it takes its numbers from; it may be anything, a device or a pipe too."""
    if "\0" in str(path) or not stat.S_ISREG(path.stat().st_mode):
        raise FileNotFoundError(errno.ENOENT, "not a regular file", str(path))
    return content_checksum(path)


def _toml_lines(tables: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    lines = []
    for key, value in tables.items():
        if not _is_table(value) and not _is_tables(value):
            lines.append(f"{_toml_key(key)} = {_toml_value(value)}")
    for key, value in tables.items():
        name = ".".join(map(_toml_key, (*path, key)))
        for entry in value if _is_tables(value) else [value] if _is_table(value) else []:
            header = f"[[{name}]]" if _is_tables(value) else f"[{name}]"
            lines += ["", header, *_toml_lines(entry, (*path, key))]
    return lines


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(map(_is_table, value))


def _toml_key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _toml_value(key)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a resolved case holds finite numbers only")
        return repr(value)
    if isinstance(value, str):
        # JSON strings are TOML strings, but for DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    return f"[{', '.join(map(_toml_value, value))}]"

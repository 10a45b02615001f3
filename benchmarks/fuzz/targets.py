# SPDX-License-Identifier: MIT
"""What is fuzzed: each target takes a source of chance and an empty folder, and judges what our readers do.

A target returns ``right`` or ``refused``; whatever it raises is a finding. An answer counts as right only if
an oracle of its own agrees, a refusal only if it is of the kind that users see, in one printable line.
"""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.fuzz import case_inputs as cases_in
from benchmarks.fuzz import file_inputs as files_in
from benchmarks.fuzz.judge import REFUSED, RIGHT, require
from benchmarks.fuzz.mesh_targets import checkpoints, mesh_data, networks
from benchmarks.fuzz.result_targets import field_files, histories_and_records, summaries

Target = Callable[[Random, Path], str]


# -------------------------------------------------------------------------------- case files


def _loaded(folder: Path, text: str | bytes, overrides: tuple[str, ...] = ()) -> str:
    """What ``load_case`` makes of a case file; a right case is written as a record and read back the same."""
    from cases.errors import CaseError
    from cases.reading.load import load_case
    from cases.reading.resolve import case_hash, resolved_text

    path = folder / "case.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    try:
        case = load_case(path, overrides)
    except CaseError as error:
        _require_told(error, str(path))
        return REFUSED
    record = resolved_text(case, folder)
    (folder / "resolved.toml").write_text(record, encoding="utf-8")
    again = load_case(folder / "resolved.toml")
    require(case_hash(again) == case_hash(case), "the record reads back as another case")
    require(again.model == case.model, "the record gives another model")
    require(sorted(p.name for p in folder.iterdir() if p.name not in KNOWN) == [], "a file was written")
    return RIGHT


KNOWN = {"case.toml", "resolved.toml", cases_in.LABELS, "OWNED.txt"}


def _require_told(error: Any, file: str) -> None:
    require(error.code in (65, 66), f"exit code {error.code}")
    require(bool(error.problems), "no problem stated")
    for problem in error.problems:
        text = str(problem)
        require(text.isprintable(), f"not printable: {text!r}")
        require(text.startswith((file, "--set ")), f"no file in {text!r}")
        require(len(problem.message) > 3, f"no message in {text!r}")
        require(len(text) < 2000, f"a line of {len(text)} characters")


def _labels(folder: Path) -> None:
    (folder / cases_in.LABELS).write_bytes(_label_bytes())


@cache
def _label_bytes() -> bytes:
    import gzip

    return gzip.compress(files_in.nifti(files_in.voxels()), 1)


def valid_cases(random: Random, folder: Path) -> str:
    """Cases from the schema."""
    _labels(folder)
    tables = cases_in.valid_tables(random)
    outcome = _loaded(folder, cases_in.as_text(tables, random))
    if outcome == RIGHT:
        _require_same_volume(tables, folder)
    return outcome


def _require_same_volume(tables: dict[str, Any], folder: Path) -> None:
    """The injected volume is that of the file, converted without our door for units."""
    factors = {"mL": 1e-6, "m^3": 1.0, "L": 1e-3, "cm**3": 1e-6, "uL": 1e-9, "cc": 1e-6}
    texts = [pulse["volume"].split() for pulse in tables["injection"]]
    if any(len(parts) != 2 or parts[1] not in factors for parts in texts):
        return
    from cases.reading.load import load_case

    expected = sum(float(number) * factors[unit] for number, unit in texts)
    found = sum(pulse.volume for pulse in load_case(folder / "case.toml").model.injections)
    require(math.isclose(found, expected, rel_tol=1e-12), f"injects {found}, the file says {expected}")


def nearly_valid_cases(random: Random, folder: Path) -> str:
    """Cases with one to three hostile, missing or unknown keys."""
    _labels(folder)
    return _loaded(folder, cases_in.as_text(cases_in.nearly_valid_tables(random), random))


def mutilated_text(random: Random, folder: Path) -> str:
    """Text of shipped cases with tokens put in and taken out, or bytes damaged."""
    _labels(folder)
    text = random.choice(_texts())
    if random.random() < 0.5:
        return _loaded(folder, cases_in.mutilated(random, text.encode()))
    return _loaded(folder, cases_in.text_tokens(random, text))


@cache
def _texts() -> list[str]:
    shipped = sorted(cases_in.SHIPPED.glob("*.toml"))
    return [cases_in.MINIMAL, cases_in.FROM_LABELS, *(path.read_text(encoding="utf-8") for path in shipped)]


def quantities(random: Random, folder: Path) -> str:
    """Text where a quantity is expected."""
    from cases.schema import units

    dimensions = [value for value in vars(units).values() if isinstance(value, units.Dimension)]
    atoms = [
        "m",
        "mm",
        "s",
        "min",
        "mL",
        "Pa",
        "mmHg",
        "kg",
        "L",
        "/",
        "*",
        "**",
        "^",
        "(",
        ")",
        "2",
        "-1",
        "9",
        " ",
        ".",
        "µ",
        "²",
        "e9",
    ]
    dimension = random.choice(dimensions)
    text = random.choice(
        [
            random.choice(cases_in.HOSTILE_TEXTS),
            dimension.example,
            f"{random.uniform(-9, 9):.3g}e{random.randint(-30, 30)} {dimension.si}",
            cases_in.mutilated(random, dimension.example.encode()).decode("utf-8", "replace"),
            random.choice(["1", "1e9", "-3.5", "0", "1e999", "9" * 90, ""])
            + " "
            + "".join(random.choice(atoms) for _ in range(random.randint(1, 30))),
            cases_in.mutilated(random, b"0.5 mL/min").decode("utf-8", "replace"),
        ]
    )
    try:
        value = units.to_si(text, dimension)
    except units.UnitError as error:
        require(len(str(error)) < 500, "a long message")
        return REFUSED
    require(math.isfinite(value), f"{text!r} became {value}")
    return RIGHT


def overrides(random: Random, folder: Path) -> str:
    """Values set on the command line."""
    _labels(folder)
    parts = [
        "injection",
        "0",
        "rate",
        "geometry",
        "tumour",
        "radius",
        "agent",
        "x",
        "",
        "-1",
        "99",
        "tip",
        "__class__",
        "needles",
        "[0]",
    ]
    path = random.choice(cases_in.all_paths())
    if random.random() < 0.4:
        value = cases_in.toml(cases_in.valid_value(random, cases_in.node_at(path) or {}))
        return _loaded(folder, cases_in.MINIMAL, (f"{'.'.join(map(str, path))}={value}",))
    key = random.choice(
        [
            ".".join(map(str, random.choice(cases_in.all_paths()))),
            ".".join(random.choice(parts) for _ in range(random.randint(1, 4))),
            cases_in.mutilated(random, b"injection.0.rate").decode("utf-8", "replace"),
        ]
    )
    value = random.choice(
        [
            "2 mL/min",
            "1",
            '"1 mm"',
            "[1, 2",
            "[[1]]",
            "{a = 1}",
            "true",
            "nan",
            "\n[x]",
            *cases_in.HOSTILE_TEXTS,
        ]
    )
    return _loaded(
        folder, random.choice(_texts()[:2]), (f"{key}{random.choice(['=', '=', '=', ''])}{value}",)
    )


def records(random: Random, folder: Path) -> str:
    """A ``resolved.toml`` that was damaged or edited: it is refused, unless nothing has changed."""
    from cases.reading.load import load_case
    from cases.reading.resolve import resolved_text

    _labels(folder)
    (folder / "case.toml").write_text(random.choice(_texts()[:2]), encoding="utf-8")
    case = load_case(folder / "case.toml")
    text = resolved_text(case, folder)
    if random.random() < 0.5:
        return _record(folder, cases_in.mutilated(random, text.encode()), case)
    lines = text.splitlines()
    place = random.randrange(len(lines))
    name = lines[place].partition(" = ")[0]
    value = random.choice(
        [cases_in.toml(cases_in.hostile_value(random)), '"/dev/zero"', '"../../x.nii"', "1.0", "-1"]
    )
    lines[place] = (
        f"{name} = {value}" if " = " in lines[place] else random.choice(["", "[x]", "[[injections]]"])
    )
    return _record(folder, "\n".join(lines).encode("utf-8", "surrogatepass"), case)


def _record(folder: Path, data: bytes, case: Any) -> str:
    from cases.errors import CaseError
    from cases.reading.load import load_case

    path = folder / "resolved.toml"
    path.write_bytes(data)
    try:
        again = load_case(path)
    except CaseError as error:
        _require_told(error, str(path))
        return REFUSED
    require(again.model == case.model, "an edited record was accepted")
    return RIGHT


# -------------------------------------------------------------------------------- label maps


def label_maps(random: Random, folder: Path) -> str:
    """Label maps in four formats, damaged, forged, with detached data, or bombs."""
    from meshes.files.image_files import LARGEST_VOXELS
    from meshes.files.labels import read_label_map
    from meshes.geometry import GeometryError

    place = folder / "patient"
    place.mkdir()
    (folder / "secret.raw").write_bytes(bytes([files_in.SECRET]) * 4096)
    path = files_in.label_map(random, place)
    try:
        labels = read_label_map(path)
    except GeometryError as error:
        require(str(error).startswith(str(path)), f"no file in {error}")
        require(str(error).isprintable() and len(str(error)) < 1500, f"no printable line: {error!r}")
        return REFUSED
    values = labels.values
    require(values.ndim == 3 and np.issubdtype(values.dtype, np.integer), "no block of whole numbers")
    require(values.size <= LARGEST_VOXELS, "too large")
    require(bool(np.isfinite(labels.affine).all()), "not placed in space")
    require(not np.any(values == 257 * files_in.SECRET), "a file elsewhere was read")
    return RIGHT


def image_grids(random: Random, folder: Path) -> str:
    """The same files where only the grid of an image is wanted."""
    from postprocess.images.images import read_grid
    from postprocess.results.result import ResultError

    path = files_in.label_map(random, folder)
    try:
        grid = read_grid(path)
    except ResultError as error:
        require(str(error).startswith(str(path)) and str(error).isprintable(), f"no line: {error!r}")
        return REFUSED
    require(len(grid.shape) == 3 and min(grid.shape) > 0 and bool(np.isfinite(grid.affine).all()), "no grid")
    return RIGHT


# -------------------------------------------------------------------------------- kept meshes


def kept_meshes(random: Random, folder: Path) -> str:
    """Files of the mesh cache: either the mesh as it was written, or none."""
    from meshes.cache import _write, read_kept

    file = folder / "kept.npz"
    mesh = _small_mesh()
    _write(file, mesh)
    file.write_bytes(files_in.kept_mesh(random, file.read_bytes()))
    kept = read_kept(file)
    if kept is None:
        return REFUSED
    require(
        np.array_equal(kept.points, mesh.points) and np.array_equal(kept.cells, mesh.cells), "another mesh"
    )
    require(np.array_equal(kept.facet_tags, mesh.facet_tags) and kept.info == mesh.info, "other tags")
    return RIGHT


@cache
def _small_mesh() -> Any:
    from tests.synthetic_result import mesh

    return mesh("axisymmetric", 3)


TARGETS: dict[str, tuple[Target, float]] = {
    "valid cases": (valid_cases, 0.15),
    "nearly valid cases": (nearly_valid_cases, 0.2),
    "mutilated case text": (mutilated_text, 0.15),
    "quantities": (quantities, 0.1),
    "overrides": (overrides, 0.05),
    "records (resolved.toml)": (records, 0.05),
    "label maps": (label_maps, 0.15),
    "image grids": (image_grids, 0.05),
    "kept meshes (npz)": (kept_meshes, 0.04),
    "summary.json": (summaries, 0.03),
    "history.csv, resolved.toml": (histories_and_records, 0.02),
    "fields.vtkhdf": (field_files, 0.04),
    "vessel networks": (networks, 0.01),
    "data on meshes": (mesh_data, 0.01),
    "checkpoints": (checkpoints, 0.04),
}
"""Name to target and its share of a run."""

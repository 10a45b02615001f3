# SPDX-License-Identifier: MIT
"""Rules on places: what the geometry needs, where tips may be, label files."""

import math
import stat
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Final

from cases.build.delivery import SAME_PLACE, site_numbers
from cases.build.model import source_radius, tumour_axes
from cases.errors import ExitCode, Key, Problem, shown
from cases.schema.case import CaseFile
from cases.schema.geometry import GeometryTable, InjectionTable, MaskTable
from meshes.files.surface_files import SUFFIXES as SURFACES
from meshes.geometry import STRUCTURES

LABEL_SUFFIXES: Final = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd")
LARGEST_LABELS: Final = 4_000_000_000
"""Larger files are no label map of one patient [bytes]."""


def geometry_complete(case: CaseFile) -> Iterator[Problem]:
    """Either a parametric tumour in a domain that holds it, or label maps."""
    geometry = case.geometry
    if geometry.mesh is not None:
        return
    if geometry.labels is not None:
        yield from _labels_alone(geometry)
        return
    for name in ("domain_radius", "tumour"):
        if getattr(geometry, name) is None:
            yield Problem(
                key=("geometry", name),
                message="missing",
                hint="give it, or [geometry.labels] or [geometry.mesh]",
            )
    tumour = geometry.tumour
    if tumour is None:
        return
    if (tumour.radius is None) == (tumour.semi_axes is None):
        message = (
            "give radius or semi_axes" if tumour.radius is None else "give radius or semi_axes, not both"
        )
        yield Problem(key=("geometry", "tumour"), message=message)
        return
    axes = tumour_axes(case)
    if axes is None or geometry.domain_radius is None:
        return
    reach = max(axes) + (geometry.capsule.thickness if geometry.capsule else 0.0)
    if geometry.domain_radius < 1.2 * reach:
        yield Problem(
            key=("geometry", "domain_radius"),
            message=f"found {_mm(geometry.domain_radius)}; expected at least 1.2 times the tumour with "
            f"its capsule, {_mm(1.2 * reach)}, and better 5 times",
        )


def symmetry(case: CaseFile) -> Iterator[Problem]:
    """Radial and axisymmetric cases have that symmetry."""
    geometry = case.geometry
    axes = tumour_axes(case)
    if axes is None or geometry.tumour is None or geometry.kind == "3d":
        return
    centre = geometry.tumour.centre
    same = axes if geometry.kind == "radial" else axes[:2]
    if max(same) - min(same) > 1e-9 * max(axes):
        shape = "a sphere" if geometry.kind == "radial" else "equal semi-axes along x and y"
        message = f"a {geometry.kind} case needs {shape}"
        yield Problem(key=("geometry", "tumour", "semi_axes"), message=message, hint='or kind = "3d"')
    for i, injection in enumerate(case.injection):
        offset = math.dist(injection.tip, centre)
        if geometry.kind == "axisymmetric":
            offset = math.dist(injection.tip[:2], centre[:2])
            x, y, _ = injection.direction
            if math.hypot(x, y) > 1e-6 * math.hypot(*injection.direction):
                message = "an axisymmetric case needs needles along z, such as [0, 0, -1]"
                yield Problem(key=("injection", i, "direction"), message=message, hint='or kind = "3d"')
        if offset > SAME_PLACE:
            where = (
                "at the tumour's centre" if geometry.kind == "radial" else "on the z axis through the centre"
            )
            message = f"lies {_mm(offset)} off; a {geometry.kind} case needs its tip {where}"
            yield Problem(key=("injection", i, "tip"), message=message, hint='or kind = "3d"')


def tips_inside(case: CaseFile) -> Iterator[Problem]:
    """Tips lie in the domain, and in a parametric tumour unless the case allows otherwise."""
    for i, injection in enumerate(case.injection):
        if math.hypot(*injection.direction) == 0.0:
            yield Problem(
                key=("injection", i, "direction"), message="is zero; expected the needle's direction"
            )
        axes = tumour_axes(case)
        geometry = case.geometry
        if axes is None or geometry.tumour is None or geometry.domain_radius is None:
            continue
        offset = [a - b for a, b in zip(injection.tip, geometry.tumour.centre, strict=True)]
        distance = math.hypot(*offset)
        if distance + source_radius(case, injection) >= geometry.domain_radius:
            domain = _mm(geometry.domain_radius)
            message = f"lies {_mm(distance)} from the centre, outside the domain of {domain}"
            yield Problem(key=("injection", i, "tip"), message=message)
        elif (
            math.hypot(*(x / a for x, a in zip(offset, axes, strict=True))) >= 1.0
            and not injection.allow_outside
        ):
            message = f"lies outside the tumour, {_mm(distance)} from its centre"
            yield Problem(
                key=("injection", i, "tip"), message=message, hint="allow_outside = true accepts that"
            )


def cavities_apart(case: CaseFile) -> Iterator[Problem]:
    """Cavities and sources of different sites do not overlap; pulses at one tip come through one needle."""
    numbers = site_numbers(case.injection)
    all_radii = [source_radius(case, injection) for injection in case.injection]
    for (i, first), (j, second) in combinations(enumerate(case.injection), 2):
        radii = all_radii[i], all_radii[j]
        if numbers[i] != numbers[j]:
            distance = math.dist(first.tip, second.tip)
            if distance <= sum(radii):
                message = (
                    f"is {_mm(distance)} from injection[{i}]; the cavities' radii add up to {_mm(sum(radii))}"
                )
                yield Problem(key=("injection", j, "tip"), message=message)
        elif radii[0] != radii[1] or not _parallel(first, second):
            message = f"has the tip of injection[{i}] but another needle, source radius or direction"
            yield Problem(key=("injection", j, "tip"), message=message)


def label_files(case: CaseFile, folder: Path) -> Iterator[Problem]:
    """Label maps exist and are regular files of a known kind."""
    labels = case.geometry.labels
    if labels is None:
        return
    for name in STRUCTURES:
        masks: list[MaskTable] = getattr(labels, name)
        for i, mask in enumerate(masks):
            key: Key = ("geometry", "labels", name, i, "path")
            yield from input_file(
                mask.path, folder, key, ("a label map or surface", LABEL_SUFFIXES + SURFACES)
            )


def input_file(text: str, folder: Path, key: Key, kind: tuple[str, tuple[str, ...]]) -> Iterator[Problem]:
    """A file that a case names exists, is a regular file and has a known suffix.

    Args:
        text: path, relative to the folder.
        folder: of the case file.
        key: that names it.
        kind: what it is, with article, and its suffixes.
    """

    def problem(message: str, code: ExitCode = ExitCode.MISSING_INPUT) -> Problem:
        return Problem(key=key, message=message, code=code)

    what, suffixes = kind
    if not text.lower().endswith(suffixes):
        kinds = ", ".join(suffixes)
        yield problem(f"found {shown(text)}; expected {what} ({kinds})", ExitCode.INVALID)
        return
    try:
        status = (folder / text).stat()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a valid path"
        yield problem(f"cannot read {shown(text, 200)}: {reason}; looked from the case file's folder")
        return
    if not stat.S_ISREG(status.st_mode):
        yield problem(f"{shown(text, 200)} is not a regular file")
    elif status.st_size == 0:
        yield problem(f"{shown(text, 200)} is empty")
    elif status.st_size > LARGEST_LABELS:
        yield problem(f"{shown(text, 200)} is larger than {LARGEST_LABELS / 1e9:g} GB")


def _labels_alone(geometry: GeometryTable) -> Iterator[Problem]:
    if geometry.kind != "3d":
        yield Problem(key=("geometry", "kind"), message=f'found "{geometry.kind}"; label maps need "3d"')
    for name in ("domain_radius", "tumour", "necrotic_core", "capsule"):
        if getattr(geometry, name) is not None:
            yield Problem(
                key=("geometry", name), message="is parametric, but [geometry.labels] gives label maps"
            )


def _parallel(first: InjectionTable, second: InjectionTable) -> bool:
    lengths = math.hypot(*first.direction), math.hypot(*second.direction)
    if 0.0 in lengths:
        return False
    pairs = zip(first.direction, second.direction, strict=True)
    return math.hypot(*(a / lengths[0] - b / lengths[1] for a, b in pairs)) < 1e-9


def _mm(length: float) -> str:
    return f"{1e3 * length:.4g} mm"

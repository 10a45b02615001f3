# SPDX-License-Identifier: MIT
"""What the images or the mesh of a case hold, read as a run does before it meshes."""

from collections.abc import Sequence
from typing import Any, Final

from cases.case import Case
from cases.errors import CaseError
from meshes.geometry import LabelGeometry, MeshGeometry, Vector

MANY: Final = 100.0
"""Millilitres from which on decimals are left out."""

MOST_VALUES: Final = 10
"""Label values that a line shows."""


def structures(case: Case, overrides: Sequence[str]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The structures of images or the regions of a mesh, JSON-ready, and notes; nothing of parametric cases.

    Args:
        case: checked.
        overrides: of the command line, as the case has them.

    Raises:
        CaseError: with everything that a run would refuse, at its line.
    """
    geometry = case.geometry
    if isinstance(geometry, MeshGeometry):
        from meshes.imported.survey import survey_mesh

        regions, notes = survey_mesh(geometry)
        return [_entry(region.name, region.volume, region.centre) for region in regions], notes
    if not isinstance(geometry, LabelGeometry):
        return [], ()
    from meshes.patient.survey import survey

    found = survey(geometry)
    if found.errors:
        from cases.reading.places import geometry_problem
        from cases.reading.read import read_source

        source = read_source(str(case.file), overrides)
        problems = [geometry_problem(error, source, ("geometry", "labels")) for error in found.errors]
        raise CaseError(sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0))
    out = []
    for facts in found.structures:
        files = [
            {"file": file.path.name, "values": list(file.present), "labels": list(file.taken)}
            for file in facts.files
        ]
        out.append({**_entry(facts.name, facts.volume, facts.centre), "files": files})
    return out, found.notes


def _entry(name: str, volume: float, centre: Vector) -> dict[str, Any]:
    return {"name": name, "volume_m3": volume, "centre_m": list(centre)}


def structure_line(entry: dict[str, Any]) -> str:
    """One of ``structures`` for people: volume, centre and labels."""
    centre = ", ".join(f"{round(1e3 * x, 1) + 0.0:.1f}" for x in entry["centre_m"])
    volume = 1e6 * entry["volume_m3"]
    size = f"{volume:.0f}" if volume >= MANY else f"{volume:.3g}"
    if "files" not in entry:
        return f"{size} mL, centre ({centre}) mm"
    alike: dict[str, list[str]] = {}
    for file in entry["files"]:
        taken = ", ".join(map(str, file["labels"])) or "all above 0"
        alike.setdefault(f"label values {_few(file['values'])} ({taken} taken)", []).append(file["file"])
    labels = [f"{text} in {', '.join(dict.fromkeys(names))}" for text, names in alike.items()]
    return "; ".join([f"{size} mL, centre RAS ({centre}) mm", *labels])


def _few(values: list[int]) -> str:
    return ", ".join(map(str, values[:MOST_VALUES])) + (", ..." if len(values) > MOST_VALUES else "")

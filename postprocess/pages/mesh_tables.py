# SPDX-License-Identifier: MIT
"""Tumour and mesh of a run: volumes, agreement with the voxels, edges and angles, warnings."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from postprocess.pages.case_tables import Table
from postprocess.pages.effects import flat_rows
from postprocess.results import quantities

FROM: Final = {
    "labels": "meshed from a label map",
    "mesh": "on a mesh of your own",
    "parametric": "meshed from its stated shape",
}
"""Where a mesh comes from, in words."""


def _area(value: float) -> str:
    return f"{quantities.significant(1e4 * value)} cm²"


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{quantities.percent(value)}"


def _degrees(value: float) -> str:
    return f"{quantities.significant(value)}°"


def _edges(lengths: Mapping[str, float]) -> str:
    least, middle, most = (1e3 * lengths[f"{key}_m"] for key in ("min", "median", "max"))
    return " ".join(
        (
            f"{quantities.significant(least)} to {quantities.significant(most)} mm,",
            f"median {quantities.significant(middle)} mm",
        )
    )


def _place(point: list[float]) -> str:
    return f"{', '.join(f'{1e3 * x:.4g}' for x in point)} mm"


Shown = Callable[[Any], str]

OF_REGIONS: Final[dict[str, tuple[str, Shown]]] = {
    "volumes": ("volume", quantities.volume_text),
    "exact_volumes": ("volume of the shape", quantities.volume_text),
    "voxel_volumes": ("volume of its voxels", quantities.volume_text),
    "volume_errors": ("mesh against voxels", _signed),
    "dice": ("Dice coefficient against the voxels", quantities.significant),
    "crease_p95_degrees": ("angle between neighbouring facets, 95 % are below", _degrees),
    "areas": ("area", _area),
}
"""Tables of the mesh's facts by region or surface: words and how a value is shown."""

OF_ORGAN: Final[dict[str, tuple[str, Shown]]] = {
    "organ_voxel_volume": ("organ within the meshed ball, volume of its voxels", quantities.volume_text),
    "organ_volume_error": ("the same, mesh against voxels", _signed),
    "centre_m": ("centre of the meshed ball", _place),
    "radius_m": ("radius of the meshed ball", quantities.length_text),
    "smoothing_m": ("smoothing of surfaces", quantities.length_text),
}

OF_CELLS: Final[dict[str, tuple[str, Shown]]] = {
    "smallest_angle": ("smallest angle", _degrees),
    "first_percentile_angle": ("1 % of angles are below", _degrees),
    "cells_below_5_degrees": ("cells with an angle below 5°", str),
    "smallest_scaled_jacobian": ("smallest scaled Jacobian", quantities.significant),
    "largest_neighbour_ratio": ("largest ratio of neighbouring edges", quantities.significant),
}

ZONES: Final = {
    "tip": "at the tips",
    "surface": "on the tumour's surface",
    "front": "where the front passes",
    "far": "far away",
    "mesh": "of the whole mesh",
}
"""Zones of the mesh in words."""

TOLD: Final = frozenset(
    {"source", "cells", "vertices", "quality", "edge_lengths", "warnings", "partition"}
    | {"cavity_areas", "exact_cavity_areas"}
)
"""Facts with a place of their own, in a sentence, in a table, or under numerics."""


def mesh_sentence(summary: Mapping[str, Any]) -> str:
    """The tumour's volume, how well the mesh agrees with its voxels, and how many warnings there are."""
    mesh = summary["mesh"]
    parts = [f"Tumour {quantities.volume_text(summary['tumour']['volume_m3'])}"]
    overlap = (mesh.get("dice") or {}).get("tumour")
    if overlap is not None:
        parts.append(f"Dice {quantities.significant(overlap)} against the voxels")
    elif mesh.get("source") in FROM:
        parts.append(FROM[mesh["source"]])
    if "warnings" in mesh:
        count = len(mesh["warnings"])
        parts.append(f"{count or 'no'} warning{'' if count == 1 else 's'}")
    return ", ".join(parts)


def mesh_tables(summary: Mapping[str, Any]) -> list[Table]:
    """Facts of tumour and mesh in words and units: structures first, then cells."""
    mesh = summary["mesh"]
    structures = [*_of_regions(mesh), *_of(mesh, OF_ORGAN)]
    cells = [
        ("cells", f"{mesh['cells']:,}"),
        ("vertices", f"{mesh['vertices']:,}"),
        *(
            (f"edges {ZONES.get(zone, zone)}", _edges(at))
            for zone, at in mesh.get("edge_lengths", {}).items()
        ),
        *_of(mesh.get("quality") or {}, OF_CELLS),
    ]
    known = TOLD | OF_REGIONS.keys() | OF_ORGAN.keys()
    rest = {key: value for key, value in mesh.items() if key not in known}
    tables = (("Tumour, tissue and surfaces", structures), ("Cells", [*cells, *flat_rows(rest)]))
    return [Table(title=title, head=(), rows=tuple(rows)) for title, rows in tables if rows]


def _of_regions(mesh: Mapping[str, Any]) -> list[tuple[str, str]]:
    """All that is known of the tumour, then of what is around it."""
    names = dict.fromkeys(name for key in OF_REGIONS for name in mesh.get(key) or {})
    return [
        (f"{name.replace('_', ' ')}: {words}", shown(mesh[key][name]))
        for name in names
        for key, (words, shown) in OF_REGIONS.items()
        if (mesh.get(key) or {}).get(name) is not None
    ]


def _of(facts: Mapping[str, Any], known: Mapping[str, tuple[str, Shown]]) -> list[tuple[str, str]]:
    return [(words, shown(facts[key])) for key, (words, shown) in known.items() if facts.get(key) is not None]

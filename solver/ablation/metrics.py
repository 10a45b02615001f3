# SPDX-License-Identifier: MIT
"""What a run destroyed and how far it reached, from fields on the whole mesh (rank 0, serial).

Volumes are of unswollen tissue, by clipping linear cells at the threshold, never by counting nodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meshes.cells.measures import cell_volumes
from meshes.plain import PlainMesh
from meshes.regions import TUMOUR_REGIONS
from solver.ablation.clip import isosurface, volume_above
from solver.ablation.distance import distance_to_surface, interface_facets, margins, surface_weights

Floats = NDArray[np.float64]

SHELLS = (1e-3, 2e-3, 5e-3, 10e-3)
"""Outer distances from the tumour surface of the shells that spill is reported in [m]."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """A threshold to report.

    Attributes:
        measure: ``ct`` or ``peak``.
        threshold: in SI.
        unit: of the threshold.
        label: the user's text for it.
    """

    measure: str
    threshold: float
    unit: str
    label: str


@dataclass(frozen=True, kw_only=True)
class TumourShape:
    """The tumour in a mesh.

    Attributes:
        inside: True for cells of the tumour, shape ``(n_cells,)``.
        volume: [m3].
        nodes: vertices on its surface, shape ``(s,)``.
        weights: area of each of them [m2], shape ``(s,)``.
        surface: corners of its facets [m], shape ``(f, dimension, dimension)``.
    """

    inside: NDArray[np.bool_]
    volume: float
    nodes: NDArray[np.int64]
    weights: Floats
    surface: Floats


def tumour_shape(mesh: PlainMesh) -> TumourShape:
    """Find the tumour's cells and surface."""
    inside = np.isin(mesh.cell_tags, list(TUMOUR_REGIONS))
    facets = interface_facets(mesh.cells, mesh.cell_tags, TUMOUR_REGIONS)
    nodes = np.unique(facets).astype(np.int64)
    return TumourShape(
        inside=inside,
        volume=float(cell_volumes(mesh.points, mesh.cells[inside], mesh.geometry).sum()),
        nodes=nodes,
        weights=surface_weights(mesh.points, facets, mesh.geometry)[nodes],
        surface=mesh.points[facets],
    )


def equivalent_radius(volume: float) -> float:
    """Radius of the ball of a volume [m]."""
    return float((3 * max(volume, 0.0) / (4 * np.pi)) ** (1 / 3))


def ablation(
    mesh: PlainMesh, tumour: TumourShape, values: Floats, level: Level, cavity: float
) -> dict[str, Any]:
    """Tissue at or above a threshold, in the tumour and outside.

    Args:
        mesh: whole mesh.
        tumour: its tumour.
        values: the measure at the vertices, SI.
        level: threshold.
        cavity: volume of the resolved cavities [m3]; counts for the equivalent radius alone.
    """
    parts = volume_above(mesh.points, mesh.cells, values, level.threshold, mesh.geometry)
    inside, outside = float(parts[tumour.inside].sum()), float(parts[~tumour.inside].sum())
    total = inside + outside
    surface = isosurface(mesh.points, mesh.cells, values, level.threshold)
    return {
        "measure": level.measure,
        "threshold": level.threshold,
        "unit": level.unit,
        "label": level.label,
        "volume_m3": total,
        "in_tumour_m3": inside,
        "outside_m3": outside,
        "coverage": inside / tumour.volume if tumour.volume > 0 else None,
        "untreated_m3": tumour.volume - inside,
        "equivalent_radius_m": equivalent_radius(total + cavity) if total > 0 else 0.0,
        "margin": margins(
            surface, mesh.points[tumour.nodes], tumour.weights, values[tumour.nodes] >= level.threshold
        ),
    }


def shells(mesh: PlainMesh, tumour: TumourShape, peak: Floats, ct: Floats) -> list[dict[str, float]]:
    """Largest concentration and dose outside the tumour, by distance from its surface.

    Each entry covers the tissue between the previous distance and its own.
    """
    if not len(tumour.surface):
        return []
    outside = np.unique(mesh.cells[~tumour.inside])
    distance = distance_to_surface(mesh.points[outside], tumour.surface)
    out, inner = [], -np.inf
    for outer in SHELLS:
        chosen = outside[(distance > inner) & (distance <= outer)]
        out.append(
            {
                "distance_m": outer,
                "peak_concentration": float(peak[chosen].max(initial=0.0)),
                "largest_ct_dose": float(ct[chosen].max(initial=0.0)),
            }
        )
        inner = outer
    return out


def all_ablations(
    mesh: PlainMesh, tumour: TumourShape, fields: dict[str, Floats], levels: Sequence[Level], cavity: float
) -> list[dict[str, Any]]:
    """`ablation` for every level; ``fields`` holds ``ct`` and ``peak`` at the vertices."""
    return [ablation(mesh, tumour, fields[level.measure], level, cavity) for level in levels]

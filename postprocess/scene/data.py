# SPDX-License-Identifier: MIT
"""What the interactive scene is made from: mesh and dose as far as a threshold reaches, surfaces, needles."""

import json
from typing import Any, Final

import numpy as np
import pyvista as pv
from numpy.typing import NDArray

from meshes.plain import Geometry
from postprocess.figures.section import choose_plane, tumour_centre
from postprocess.figures.vasculature import additions, vessel_regions
from postprocess.results.ablation import in_tumour, tumour_surface
from postprocess.results.quantities import DISPLAY
from postprocess.results.result import MEASURES, Result, ResultError
from postprocess.scene.packing import Scale, along_curve, pack, pack_cells, pack_points, pack_triangles
from solver.results.fields import FIELDS, REGION

LARGEST: Final = 18_000_000
"""Size [characters] that the data of a page may have; where they have more, stored times are left out."""

AXES: Final[dict[Geometry, list[int]]] = {"radial": [0], "axisymmetric": [0, 2], "3d": [0, 1, 2]}
FROM_LOWEST: Final = 0.5
"""Where the slider begins, over the lowest threshold; without any, at a thousandth of the largest value."""

NEEDLE_SHOWN: Final = 0.06
"""Length of shaft that is drawn [m]."""


def scene_data(result: Result) -> dict[str, Any]:
    """Everything that the page draws, ready for JSON; lengths in metres, values in SI.

    Args:
        result: of any geometry; the page turns the radial and the axisymmetric one in space.

    Raises:
        ResultError: the mesh is too large for a page.
    """
    keys = {measure: MEASURES[measure] for measure in _measures(result)}
    grid = next(result.grids({*keys.values(), REGION.key}, result.times[-1:]))
    ((_, cells),) = grid.cells_dict.items()
    points = np.asarray(grid.points, dtype=np.float64)[:, AXES[result.geometry]]
    largest = {measure: np.asarray(grid.point_data[key]) for measure, key in keys.items()}
    ranges = {measure: _range(result, measure, values) for measure, values in largest.items()}
    reached = np.zeros(len(cells), dtype=bool)
    for measure, (low, _) in ranges.items():
        reached |= largest[measure][cells].max(axis=1) >= low
    vertices, chosen, inside = _ordered(points, cells[reached], in_tumour(grid)[reached])
    data = {
        "geometry": result.geometry,
        "points": pack_points(points[vertices]),
        "cells": {**pack_cells(chosen), "inside": inside},
        "tumour": _surface(points, tumour_surface(grid)),
        "organ": _surface(points, _organ_surface(result, points, cells)),
        "tumour_volume": float(result.summary["tumour"]["volume_m3"]),
        "injection_end": result.end_of_injection,
        "needles": _needles(result),
        "additions": _additions(result, grid),
        "view": _view(result, tumour_centre(grid)),
    }
    room = LARGEST - len(json.dumps(data))
    return {**data, **_values(result, keys, ranges, vertices, room)}


def _measures(result: Result) -> list[str]:
    found = {entry["measure"] for entry in result.summary["ablation"]}
    return [measure for measure in MEASURES if measure in found] or ["ct"]


def _range(result: Result, measure: str, values: NDArray[np.float64]) -> tuple[float, float]:
    """Lowest and highest threshold that the slider reaches."""
    levels = [float(entry["threshold"]) for entry in _entries(result, measure)]
    top = max(float(values.max()), 1e-12)
    low = FROM_LOWEST * min(levels) if levels else 1e-3 * top
    return low, max(0.95 * top, 2.0 * max(levels, default=low))


def _entries(result: Result, measure: str) -> list[dict[str, Any]]:
    return [entry for entry in result.summary["ablation"] if entry["measure"] == measure]


def _ordered(
    points: NDArray[np.float64], cells: NDArray[np.int64], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """The vertices of some cells along a curve, the cells in these numbers, and how many lie in the tumour.

    Cells inside the tumour come first.
    """
    vertices = np.unique(cells)
    if len(vertices) == 0:
        return vertices, cells, 0
    vertices = vertices[along_curve(points[vertices])]
    number = np.zeros(len(points), dtype=np.int64)
    number[vertices] = np.arange(len(vertices))
    cells = np.sort(number[cells], axis=1)
    order = np.lexsort((*cells.T[::-1], ~inside))
    return vertices, cells[order], int(np.count_nonzero(inside))


def _surface(points: NDArray[np.float64], facets: NDArray[np.int64]) -> dict[str, Any]:
    vertices, chosen, _ = _ordered(points, facets, np.ones(len(facets), dtype=bool))
    return {"points": pack_points(points[vertices]), "cells": pack_cells(chosen)}


def _organ_surface(
    result: Result, points: NDArray[np.float64], cells: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Outer faces that do not lie on the ball by which a mesh from label maps is bounded."""
    mesh = result.summary["mesh"]
    if mesh.get("source") != "labels":
        return np.zeros((0, cells.shape[1] - 1), dtype=np.int64)
    faces = np.sort(np.concatenate([np.delete(cells, i, axis=1) for i in range(cells.shape[1])]), axis=1)
    order = np.lexsort(faces.T)
    faces = faces[order]
    same = (faces[1:] == faces[:-1]).all(axis=1)
    outer = faces[~(np.append(same, False) | np.append(False, same))]
    distance = np.linalg.norm(points - np.array(mesh["centre_m"]), axis=1)
    on_ball = (np.abs(distance - mesh["radius_m"]) < 1e-3 * mesh["radius_m"])[outer].all(axis=1)
    return outer[~on_ball]


def _additions(result: Result, grid: pv.UnstructuredGrid) -> dict[str, Any]:
    """Vessels, tracks and side holes by layer: triangles in space that face outwards."""
    found = additions(result, result.needles if result.geometry != "radial" else ())
    if result.geometry == "3d":
        found |= vessel_regions(grid)
    return {
        name: {
            "points": pack_points(np.asarray(surface.points, dtype=np.float64)),
            "cells": pack_triangles(surface.regular_faces.astype(np.int64)),
        }
        for name, surface in found.items()
    }


def _needles(result: Result) -> list[dict[str, Any]]:
    return [
        {
            "tip": needle.tip.tolist(),
            "direction": needle.direction.tolist(),
            "radius": needle.radius,
            "length": min(needle.length, NEEDLE_SHOWN),
        }
        for needle in result.needles
    ]


def _view(result: Result, centre: NDArray[np.float64]) -> dict[str, Any]:
    """Where the scene turns about, and at first the directions to the right, up and towards the viewer."""
    if not result.needles:
        return {"centre": centre.tolist(), "axes": np.eye(3)[[0, 2, 1]].tolist(), "patient": False}
    plane = choose_plane(result.needles, centre)
    towards = 0.9 * np.cross(plane.across, plane.up) + 0.3 * plane.up
    towards /= np.linalg.norm(towards)
    right = np.cross(plane.up, towards)
    right /= np.linalg.norm(right)
    axes = [right.tolist(), np.cross(towards, right).tolist(), towards.tolist()]
    patient = result.summary["mesh"].get("source") == "labels"
    return {"centre": centre.tolist(), "axes": axes, "patient": patient}


def _values(
    result: Result,
    keys: dict[str, str],
    ranges: dict[str, tuple[float, float]],
    vertices: NDArray[np.int64],
    room: int,
) -> dict[str, Any]:
    """Times, and per measure its words, thresholds and packed values at each time, in the room there is."""
    scales = {measure: Scale(bend=low / 50.0, top=high / 0.95) for measure, (low, high) in ranges.items()}
    steps: list[dict[str, Any]] = []
    for grid in result.grids(keys.values()):
        values = {measure: np.asarray(grid.point_data[key])[vertices] for measure, key in keys.items()}
        steps.append(
            {measure: pack(scales[measure].levels(values[measure]), differences=True) for measure in keys}
        )
    sizes = [len(json.dumps(step)) for step in steps]
    chosen = _chosen(result, sizes, room)
    measures = {}
    for measure, key in keys.items():
        field = FIELDS[key]
        measures[measure] = {
            "label": field.label,
            "factor": DISPLAY[field.unit][0],
            "display": DISPLAY[field.unit][1],
            "low": ranges[measure][0],
            "high": ranges[measure][1],
            "bend": scales[measure].bend,
            "top": scales[measure].top,
            "summary": _entries(result, measure),
            "values": [steps[i][measure] for i in chosen],
        }
    return {"times": [result.times[i] for i in chosen], "measures": measures}


def _chosen(result: Result, sizes: list[int], room: int) -> list[int]:
    """Numbers of the stored times that fit: every one, every second, ...; always the last."""
    last = len(sizes) - 1
    pulse = result.times.index(result.nearest_time(result.end_of_injection))
    for stride in (1, 2, 3, 4, 6, 8, 12, 16, 24, 48, last + 1):
        chosen = sorted({*range(0, last + 1, stride), pulse, last})
        if sum(sizes[i] for i in chosen) <= room:
            return chosen
    raise ResultError(f"{result.folder}: the mesh is too large for a page of 20 MB; use infusate view")

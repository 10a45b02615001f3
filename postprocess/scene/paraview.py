# SPDX-License-Identifier: MIT
"""A Python script that sets up the standard scene of a result in ParaView."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyvista as pv
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray

from meshes.regions import REGION_NAMES, TUMOUR_REGIONS
from postprocess.figures.section import choose_plane, tumour_centre
from postprocess.figures.style import ABLATED_COLOUR, ESCAPED_COLOUR, INK, NEEDLE_COLOUR, TUMOUR_COLOUR
from postprocess.figures.vasculature import HOLE, HOLES, LAYERS, LINES, TRACK, tracks, vessels
from postprocess.results.ablation import in_tumour, part
from postprocess.results.level import Level
from postprocess.results.quantities import DISPLAY
from postprocess.results.result import FIELD_FILE, Result
from postprocess.writing import fresh
from solver.results.fields import FIELDS, REGION

LOOKS: Final = {name: (colour, opacity) for name, _, colour, opacity in LAYERS}
MACRO: Final = "paraview_scene.py"
VESSELS: Final = "vessels.vtp"
TEMPLATES: Final = Path(__file__).parents[1] / "templates"
DISTANCE: Final = 0.2
"""From which the scene is looked at [m], in parallel projection."""
SHOWN: Final = 0.1
"""Over the lowest threshold: where the cut begins to show the field."""
LIFT: Final = 2e-3
"""How far the zone is cut open behind the coloured cut, over the radius of both, lest they flicker."""
ROOM: Final = 1.5
"""Half the height of the picture over the radius of what is ablated or tumour."""


def write_macro(result: Result, folder: Path, level: Level) -> Path:
    """Writes ``paraview_scene.py``, and ``vessels.vtp`` where the case gives vessels as lines.

    An axisymmetric result is turned half around its axis; a radial one, a line in space, is a coloured bar.

    Args:
        result: an opened result.
        folder: existing; the result folder by habit, so that both can be moved together.
        level: of the zone.
    """
    lines = [tubes.lines() for tubes in vessels(result)]
    if lines:
        pv.merge(lines).save(fresh(folder / VESSELS))
    scene = _scene(result, level)
    scene["vessels"] = str((folder / VESSELS).resolve()) if lines else ""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined)
    text = environment.get_template(f"{MACRO}.j2").render(scene=scene, text=json.dumps(scene, indent=1))
    path = folder / MACRO
    fresh(path).write_text(text + "\n", encoding="utf-8")
    return path


def _scene(result: Result, level: Level) -> dict[str, Any]:
    field = FIELDS[level.key]
    factor, unit = DISPLAY[field.unit]
    grid = next(result.grids({level.key, REGION.key}, result.times[-1:]))
    values = np.asarray(grid.point_data[level.key])
    same = [entry for entry in result.summary["ablation"] if entry["measure"] == level.measure]
    tags = np.unique(np.asarray(grid.cell_data[REGION.key]))
    colours = {"hit": ABLATED_COLOUR, "escaped": ESCAPED_COLOUR, "vessels": LOOKS[LINES][0]}
    points = np.asarray(grid.points, dtype=np.float64)
    shown = points[values >= level.threshold]
    inside = np.asarray(part(grid, in_tumour(grid)).points, dtype=np.float64)
    centre = tumour_centre(grid)
    reach = np.linalg.norm(np.concatenate([shown, inside]) - centre, axis=1).max()
    levels = [factor * float(entry["threshold"]) for entry in same] or [factor * level.threshold]
    return {
        "geometry": result.geometry,
        "file": str((result.folder / FIELD_FILE).resolve()),
        "key": level.key,
        "threshold": level.threshold,
        "title": f"{field.label} [{unit}]",
        "unit": unit,
        "factor": factor,
        "largest": factor * float(values.max()),
        "contours": levels,
        "least": SHOWN * min(levels),
        "regions": [_region(grid, int(tag), level) for tag in tags],
        "bars": _bars(result),
        "colours": {name: _rgb(text) for name, text in colours.items()},
        "ink": _rgb(INK),
        "half": ROOM * float(reach),
        "thick": 0.05 * float(reach),
        "clock": "t = {time:.0f} s",
        **_camera(result, centre, float(reach)),
    }


def _region(grid: pv.UnstructuredGrid, tag: int, level: Level) -> dict[str, Any]:
    values = np.asarray(part(grid, np.asarray(grid.cell_data[REGION.key]) == tag).point_data[level.key])
    name, inside = REGION_NAMES[tag], tag in TUMOUR_REGIONS
    colour, opacity = (TUMOUR_COLOUR, 0.25) if inside else LOOKS.get(name, ("", 1.0))
    return {
        "tag": tag,
        "name": name.replace("_", " "),
        "inside": inside,
        "reached": bool((values >= level.threshold).any()),
        "colour": _rgb(colour) if colour else [],
        "opacity": opacity,
    }


def _bars(result: Result) -> list[dict[str, Any]]:
    """Needles, bands where side holes are, tracks: straight, of one radius."""
    if result.geometry == "radial":
        return []
    bars = []
    for number, needle in enumerate(result.needles, start=1):
        back = needle.tip - needle.length * needle.direction
        bars.append(_bar(f"needle {number}", (needle.tip, back), needle.radius, (NEEDLE_COLOUR, 1.0)))
        for distance in needle.holes:
            ends = [needle.tip - (distance + s * needle.radius) * needle.direction for s in (-0.5, 0.5)]
            bars.append(_bar("side holes", (ends[0], ends[1]), HOLE * needle.radius, LOOKS[HOLES]))
    for track in tracks(result, result.needles):
        bars.append(_bar(TRACK, (track.places[0], track.places[1]), float(track.radii[0]), LOOKS[TRACK]))
    return bars


def _bar(
    name: str, ends: tuple[NDArray[np.float64], NDArray[np.float64]], radius: float, look: tuple[str, float]
) -> dict[str, Any]:
    start, end = (place.tolist() for place in ends)
    return {
        "name": name,
        "start": start,
        "end": end,
        "radius": radius,
        "colour": _rgb(look[0]),
        "opacity": look[1],
    }


def _camera(result: Result, centre: NDArray[np.float64], reach: float) -> dict[str, Any]:
    up: NDArray[np.float64] = np.array([0.0, 0.0, 1.0])
    towards: NDArray[np.float64]
    if result.geometry == "3d" and result.needles:
        plane = choose_plane(result.needles, centre)
        origin, up = plane.origin, plane.up
        normal = np.cross(plane.across, plane.up).astype(np.float64)
        towards = normal + 0.35 * up
    else:
        origin, normal = centre, np.array([0.0, -1.0, 0.0])
        towards = np.array([0.35, -1.0, 0.35])
        if result.geometry == "radial":
            origin, towards = centre + np.array([reach, 0.0, 0.0]), normal
    return {
        "origin": origin.tolist(),
        "behind": (origin - LIFT * reach * normal).tolist(),
        "normal": normal.tolist(),
        "camera": (origin + DISTANCE * towards).tolist(),
        "up": up.tolist(),
    }


def _rgb(text: str) -> list[float]:
    return [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]

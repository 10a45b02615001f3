# SPDX-License-Identifier: MIT
"""A Python script that sets up the standard scene of a result in ParaView."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray

from postprocess.level import Level
from postprocess.quantities import DISPLAY
from postprocess.results import FIELD_FILE, Result
from postprocess.section import choose_plane, tumour_centre
from postprocess.style import ABLATED_COLOUR, ESCAPED_COLOUR, NEEDLE_COLOUR, TUMOUR_COLOUR
from postprocess.writing import fresh
from solver.fields import FIELDS, REGION

MACRO: Final = "paraview_scene.py"
TEMPLATES: Final = Path(__file__).parent / "templates"
DISTANCE: Final = 0.2
"""From which the scene is looked at [m]; the projection then fits it into the window."""


def write_macro(result: Result, folder: Path, level: Level) -> Path:
    """Writes ``paraview_scene.py``; a radial result, a line in space, gets no cut worth seeing but opens too.

    Args:
        result: an opened result.
        folder: existing; the result folder by habit, so that both can be moved together.
        level: of the zone.
    """
    scene = _scene(result, level)
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined)
    text = environment.get_template(f"{MACRO}.j2").render(scene=scene, text=json.dumps(scene, indent=1))
    path = folder / MACRO
    fresh(path).write_text(text + "\n", encoding="utf-8")
    return path


def _scene(result: Result, level: Level) -> dict[str, Any]:
    field = FIELDS[level.key]
    factor, unit = DISPLAY[field.unit]
    grid = next(result.grids({level.key, REGION.key}, result.times[-1:]))
    same = [entry for entry in result.summary["ablation"] if entry["measure"] == level.measure]
    colours = {
        "hit": ABLATED_COLOUR,
        "escaped": ESCAPED_COLOUR,
        "tumour": TUMOUR_COLOUR,
        "needle": NEEDLE_COLOUR,
    }
    return {
        "file": str((result.folder / FIELD_FILE).resolve()),
        "key": level.key,
        "threshold": level.threshold,
        "title": f"{field.label} [{unit}]",
        "unit": unit,
        "factor": factor,
        "largest": factor * float(np.asarray(grid.point_data[level.key]).max()),
        "contours": [factor * float(entry["threshold"]) for entry in same] or [factor * level.threshold],
        "regions": [int(tag) for tag in np.unique(np.asarray(grid.cell_data[REGION.key]))],
        "needles": [
            {
                "tip": needle.tip.tolist(),
                "end": (needle.tip - needle.length * needle.direction).tolist(),
                "radius": needle.radius,
            }
            for needle in result.needles
        ],
        "colours": {name: _rgb(text) for name, text in colours.items()},
        "clock": "t = {time:.0f} s",
        **_camera(result, tumour_centre(grid)),
    }


def _camera(result: Result, centre: NDArray[np.float64]) -> dict[str, Any]:
    if result.geometry != "3d" or not result.needles:
        return {
            "origin": centre.tolist(),
            "normal": [0.0, 1.0, 0.0],
            "camera": (centre - [0.0, DISTANCE, 0.0]).tolist(),
            "up": [0.0, 0.0, 1.0],
        }
    plane = choose_plane(result.needles, centre)
    normal = np.cross(plane.across, plane.up)
    return {
        "origin": plane.origin.tolist(),
        "normal": normal.tolist(),
        "camera": (plane.origin + DISTANCE * normal).tolist(),
        "up": plane.up.tolist(),
    }


def _rgb(text: str) -> list[float]:
    return [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]

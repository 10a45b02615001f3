# SPDX-License-Identifier: MIT
"""One self-contained page with the ablation zone in space: to be turned, over time, at any threshold."""

import json
import os
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from postprocess.figures.style import ABLATED_COLOUR, ESCAPED_COLOUR, NEEDLE_COLOUR, TUMOUR_COLOUR
from postprocess.figures.vasculature import LAYERS
from postprocess.results.result import Result, open_result
from postprocess.scene.data import scene_data
from postprocess.writing import fresh

SCENE: Final = "scene.html"
TEMPLATES: Final = Path(__file__).parents[1] / "templates" / "scene"
SCRIPTS: Final = ("unpack.js", "zone.js", "shapes.js", "draw.js", "page.js")
ORGAN_COLOUR: Final = "#8c6d5a"


def _layers(data: dict[str, Any], known: bool) -> list[dict[str, Any]]:
    """What can be switched on and off; only with known thresholds is tissue above one called ablated."""
    what = "ablated" if known else "at or above the dose"
    layers = [
        ("hit", f"{what} in the tumour", ABLATED_COLOUR, 1.0),
        ("escaped", f"{what} outside it", ESCAPED_COLOUR, 1.0),
        ("needles", "needle" if len(data["needles"]) == 1 else "needles", NEEDLE_COLOUR, 1.0),
        *(layer for layer in LAYERS if layer[0] in data["additions"]),
        ("organ", "surface of the organ", ORGAN_COLOUR, 0.12),
        ("tumour", "tumour", TUMOUR_COLOUR, 0.3),
    ]
    return [
        {"name": name, "words": words, "colour": colour, "opacity": opacity, "shown": name != "organ"}
        for name, words, colour, opacity in layers
        if name != "organ" or data["organ"]["cells"]["count"]
    ]


def _json(value: Any) -> Markup:
    """JSON that may stand inside a script element."""
    return Markup(json.dumps(value).replace("<", "\\u003c"))


def scene_html(result: Result) -> str:
    """The page as text: no file, server or network is needed to open it.

    Args:
        result: an opened result of any geometry.

    Raises:
        ResultError: the mesh is too large for a page.
    """
    data = scene_data(result)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    layers = _layers(data, bool(result.summary["ablation"]))
    texts = [(TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return environment.get_template("scene.html.j2").render(
        summary=result.summary,
        patient=data["view"]["patient"],
        layers=layers,
        layers_json=_json(layers),
        data=_json(data),
        look=Markup((TEMPLATES / "scene.css").read_text(encoding="utf-8")),
        script=Markup("\n".join(texts)),
    )


def write_scene(result: Result, path: Path) -> Path:
    """Writes the page; it appears under its name when it is complete.

    Args:
        result: an opened result of any geometry.
        path: file to write, ``scene.html`` in the result folder by habit.

    Raises:
        ResultError: the mesh is too large for a page.
        OSError: the file cannot be written.
    """
    page = scene_html(result)
    partial = path.with_name(f".{path.name}.partial")
    with fresh(partial).open("w", encoding="utf-8") as stream:
        stream.write(page)
        stream.flush()
        os.fsync(stream.fileno())
    return partial.replace(path)


def build_scene(folder: Path) -> Path:
    """Writes ``scene.html`` into a result folder."""
    return write_scene(open_result(folder), folder / SCENE)

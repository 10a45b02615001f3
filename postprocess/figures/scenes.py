# SPDX-License-Identifier: MIT
"""Figures in space: the ablation zone, the zone by threshold cut open, the margin on the tumour's surface."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from postprocess.figures.apart import draw_apart
from postprocess.figures.canvas import STEPS
from postprocess.figures.render import LEFT_COLOUR, Shot
from postprocess.figures.section import MILLIMETRES
from postprocess.figures.stage import Stage, Wish, thresholds_of
from postprocess.figures.style import (
    ABLATED_COLOUR,
    ESCAPED_COLOUR,
    INK,
    MARGIN_MAP,
    NEEDLE_COLOUR,
    TUMOUR_COLOUR,
    band_colours,
    is_wide,
    new_figure,
    pt,
)
from postprocess.figures.vasculature import LAYERS
from postprocess.results.quantities import duration_text, length_text
from postprocess.results.result import ResultError
from solver.results.fields import CT_DOSE, FIELDS, PEAK_CONCENTRATION

SIDE: Final = (1500, 1500)
HALF: Final = (1000, 1000)
"""Pixels of a picture that stands alone, and of one of two."""


def levels_of(summary: dict[str, Any]) -> tuple[str, list[tuple[float, str]]]:
    """Field key of the measure that scenes show (the dose, if it has any) and its thresholds, ascending.

    Raises:
        ResultError: there is no threshold.
    """
    for measure, key in (("ct", CT_DOSE.key), ("peak", PEAK_CONCENTRATION.key)):
        levels = thresholds_of(summary, measure)
        if levels:
            return key, levels
    raise ResultError("summary.json: ablation is empty (expected at least one threshold)")


def shots_of(stage: Stage, wish: Wish, names: Sequence[str]) -> dict[str, list[Shot]]:
    """What the figures of some names show: ``scene``, ``bands`` and ``margin``."""
    key, levels = levels_of(stage.result.summary)
    values = tuple(level for level, _ in levels)
    middle = (values[len(values) // 2],)
    common: dict[str, Any] = {"time": stage.time(wish.time), "key": key}
    known = {
        "scene": [Shot(kind="scene", levels=middle, pixels=SIDE, **common)],
        "bands": [Shot(kind="bands", levels=values, pixels=SIDE, **common)],
        "margin": [
            Shot(kind="margin", levels=middle, pixels=HALF, view=view, **common) for view in ("front", "back")
        ],
    }
    return {name: known[name] for name in names}


def shoot(stage: Stage, shots: Sequence[Shot]) -> list[dict[str, Any]]:
    """Rendered scenes, drawn together in one process of their own and kept by the stage.

    Raises:
        ResultError: the drawing process failed, as where no graphics library works.
    """
    missing = [shot for shot in shots if shot not in stage.pictures]
    if missing:
        stage.pictures.update(zip(missing, _rendered(stage.result.folder, missing), strict=True))
    return [stage.pictures[shot] for shot in shots]


def _rendered(folder: Path, shots: Sequence[Shot]) -> list[dict[str, Any]]:
    asked = {"folder": str(folder.resolve()), "shots": [asdict(shot) for shot in shots]}
    with tempfile.TemporaryDirectory() as place:
        request = draw_apart("postprocess.figures.render", asked, Path(place))
        return [_opened(request.with_name(f"{number}.npz")) for number in range(len(shots))]


def _opened(path: Path) -> dict[str, Any]:
    with np.load(path) as archive:
        return {key: archive[key] if archive[key].ndim else archive[key].item() for key in archive.files}


def _place(axes: Axes, picture: dict[str, Any], scale: bool = True) -> None:
    image = picture["image"]
    axes.imshow(image)
    axes.set_axis_off()
    if not scale:
        return
    height, width = image.shape[:2]
    pixel = float(picture["pixel"])
    length = max(step for step in STEPS if step <= max(0.25 * width * pixel, STEPS[0]))
    right, y = 0.96 * width, 0.95 * height
    look: dict[str, Any] = {"color": INK, "linewidth": pt(3), "solid_capstyle": "butt"}
    axes.plot([right - length / pixel, right], [y, y], **look)
    axes.text(right - length / pixel / 2, y - 0.012 * height, f"{length:g} mm", ha="center", va="bottom")


def _legend(figure: Figure, handles: list[Any]) -> None:
    if is_wide(figure):
        figure.legend(handles=handles, loc="outside right center", ncols=1)
    else:
        figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize="small")


def _needle_key() -> Patch:
    return Patch(facecolor=NEEDLE_COLOUR, edgecolor=INK, linewidth=pt(0.5), label="needle")


def _layer_keys(picture: dict[str, Any]) -> list[Patch]:
    """Of vessels, tracks and side holes that a picture shows."""
    return [
        Patch(color=colour, alpha=opacity, label=words)
        for name, words, colour, opacity in LAYERS
        if name in picture["layers"]
    ]


def _figure(stage: Stage, wish: Wish, title: str, natural: tuple[float, float]) -> Figure:
    figure = new_figure(natural, wish.size, "compressed")
    when = "" if wish.time is None else f" at {duration_text(stage.time(wish.time))}"
    figure.suptitle(title + when, x=0.01, ha="left")
    return figure


def _middle(stage: Stage) -> str:
    key, levels = levels_of(stage.result.summary)
    return f"{FIELDS[key].label} {levels[len(levels) // 2][1]}"


def scene(stage: Stage, wish: Wish) -> Figure:
    """Tumour, needles, what the middle threshold destroys in the tumour and what outside it."""
    (picture,) = shoot(stage, shots_of(stage, wish, ["scene"])["scene"])
    figure = _figure(stage, wish, f"Ablation zone at {_middle(stage)}", (4.8, 5.9))
    _place(figure.subplots(), picture)
    handles = [
        Patch(color=ABLATED_COLOUR, label="ablated in the tumour"),
        Patch(color=ESCAPED_COLOUR, label=f"ablated outside{picture['remark']}"),
        Patch(facecolor=TUMOUR_COLOUR, alpha=0.5, label="tumour, not ablated"),
        _needle_key(),
        *_layer_keys(picture),
    ]
    _legend(figure, handles)
    return figure


def bands(stage: Stage, wish: Wish) -> Figure:
    """The zone cut open along the first needle: one shade per threshold, inside and outside the tumour."""
    key, levels = levels_of(stage.result.summary)
    (picture,) = shoot(stage, shots_of(stage, wish, ["bands"])["bands"])
    title = f"Ablation zone by {FIELDS[key].label}, cut open"
    figure = _figure(stage, wish, title, (4.8, 5.8 + 0.18 * len(levels)))
    _place(figure.subplots(), picture)
    inside, outside = band_colours(len(levels))
    rows = list(reversed(list(zip([label for _, label in levels], inside, outside, strict=True))))
    handles = [Patch(color=colour, label=f"in the tumour, from {label}") for label, colour, _ in rows]
    handles.append(Patch(color=LEFT_COLOUR, label="tumour, not ablated"))
    handles += [Patch(color=colour, label=f"outside, from {label}") for label, _, colour in rows]
    handles += [_needle_key(), *_layer_keys(picture)]
    _legend(figure, handles)
    return figure


def margin(stage: Stage, wish: Wish) -> Figure:
    """Signed distance from the tumour's surface to the edge of the zone, painted on the tumour, both sides.

    Raises:
        ResultError: nothing, or everything, is ablated, so that the zone has no edge.
    """
    pictures = shoot(stage, shots_of(stage, wish, ["margin"])["margin"])
    if not all(pictures):
        raise ResultError(f"{stage.result.folder}: no margin, since the ablation zone has no edge")
    figure = _figure(stage, wish, f"Margin at {_middle(stage)}", (6.6, 4.6))
    panels = list(figure.subplots(1, 2))
    for axes, picture, words in zip(panels, pictures, ("from the front", "from behind"), strict=True):
        _place(axes, picture, scale=axes is panels[-1])
        axes.text(0.02, 0.02, words, transform=axes.transAxes)
    first = pictures[0]
    paint = ScalarMappable(Normalize(-first["limit"], first["limit"]), MARGIN_MAP)
    bar = figure.colorbar(paint, ax=panels, location="bottom", aspect=42, pad=0.02, fraction=0.05)
    bar.set_label(
        "Margin [mm]:  tumour left  $\\longleftarrow$  0  $\\longrightarrow$  destroyed beyond the tumour"
    )
    bar.outline.set_visible(False)
    for value in (first["least"], first["largest"]):
        bar.ax.plot([MILLIMETRES * value] * 2, [0, 1], color=INK, linewidth=pt(1.2))
    words = f"least {length_text(first['least'])}, largest {length_text(first['largest'])}"
    handles = [
        Line2D([], [], color=INK, linewidth=pt(1.6), label=f"edge of the zone; {words}"),
        _needle_key(),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize="small")
    return figure

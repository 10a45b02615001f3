# SPDX-License-Identifier: MIT
"""The scene in space: tumour, needles, what is ablated inside the tumour and what got out of it."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pyvista as pv
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from numpy.typing import NDArray

from postprocess.figures import thresholds_of
from postprocess.results import Needle, Result, ResultError, open_result
from postprocess.section import MILLIMETRES, choose_plane
from postprocess.style import (
    ABLATED_COLOUR,
    ESCAPED_COLOUR,
    INK,
    NEEDLE_COLOUR,
    PAPER,
    TUMOUR_COLOUR,
    choose_off_screen_window,
    use_style,
)
from postprocess.surfaces import skins
from solver.fields import CT_DOSE, FIELDS, PEAK_CONCENTRATION

PIXELS = (1400, 1400)
OPENED_BELOW = 0.35
"""Where less than this share of the tumour's surface is left, ablated tissue around it is shown cut open."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A rendered scene.

    Attributes:
        image: shape ``(height, width, 3)``.
        pixel: length that one pixel shows [mm].
        remark: to be said about ablated tissue outside the tumour.
    """

    image: NDArray[np.uint8]
    pixel: float
    remark: str


def middle_threshold(summary: dict[str, Any]) -> tuple[str, float, str]:
    """Field key, value and words of the middle one of the thresholds (of the dose, if it has any)."""
    for measure, key in (("ct", CT_DOSE.key), ("peak", PEAK_CONCENTRATION.key)):
        levels = thresholds_of(summary, measure)
        if levels:
            value, label = levels[len(levels) // 2]
            return key, value, f"{FIELDS[key].label} {label}"
    raise ResultError("summary.json: ablation is empty (expected at least one threshold)")


def _add(plotter: pv.Plotter, surface: pv.PolyData, colour: str, opacity: float = 1.0) -> None:
    if surface.n_cells == 0:
        return
    bare = pv.PolyData(surface.points, faces=surface.faces)
    shaded = bare.compute_normals(auto_orient_normals=True, split_vertices=True, feature_angle=75.0)
    plotter.add_mesh(shaded, color=colour, opacity=opacity, smooth_shading=True, ambient=0.3, diffuse=0.75)


def _shaft(needle: Needle, length: float) -> pv.PolyData:
    centre = needle.tip - needle.direction * length / 2
    return pv.Cylinder(
        center=centre, direction=needle.direction, radius=needle.radius, height=length, resolution=40
    )


def _view(needles: tuple[Needle, ...], centre: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Unit vectors towards the viewer, who stands beside the first needle and a little above, and upwards."""
    plane = choose_plane(needles, centre)
    aside = np.cross(plane.up, plane.across)
    towards = 0.9 * aside + 0.35 * plane.up + 0.25 * plane.across
    return towards / np.linalg.norm(towards), plane.up


def _plotter() -> pv.Plotter:
    plotter = pv.Plotter(off_screen=True, window_size=list(PIXELS), lighting="none")
    plotter.add_light(pv.Light(light_type="headlight", intensity=0.62))
    plotter.add_light(pv.Light(light_type="camera light", position=(-0.8, 1.2, 1.0), intensity=0.5))
    plotter.background_color = PAPER
    plotter.enable_anti_aliasing("ssaa")
    plotter.enable_depth_peeling(8)
    return plotter


def _picture(result: Result) -> Picture:
    choose_off_screen_window()
    key, level, _ = middle_threshold(result.summary)
    found = skins(result.grid(result.times[-1]), result.geometry, key, level)
    corners = np.concatenate([np.asarray(skin.points) for skin in (found.tumour, found.escaped)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    centre, size = (low + high) / 2, float(np.linalg.norm(high - low) / np.sqrt(3))
    towards, up = _view(result.needles, centre)
    opened = found.escaped.n_cells > 0 and found.left.area < OPENED_BELOW * found.tumour.area
    escaped = found.escaped.clip(normal=towards, origin=centre, invert=True) if opened else found.escaped
    plotter = _plotter()
    _add(plotter, found.hit, ABLATED_COLOUR)
    _add(plotter, escaped, ESCAPED_COLOUR)
    _add(plotter, found.left, TUMOUR_COLOUR, 0.22)
    for needle in result.needles:
        _add(plotter, _shaft(needle, min(needle.length, 3 * size)), NEEDLE_COLOUR)
    plotter.camera_position = [tuple(centre + 8 * size * towards), tuple(centre), tuple(up)]
    plotter.camera.parallel_projection = True
    plotter.camera.parallel_scale = 0.72 * size
    plotter.reset_camera_clipping_range()
    image = np.asarray(plotter.screenshot(return_img=True))
    pixel = 2 * plotter.camera.parallel_scale / PIXELS[1] * MILLIMETRES
    plotter.close()
    remark = "\n(front half removed)" if opened else "" if found.escaped.n_cells else ": none"
    return Picture(image=image, pixel=pixel, remark=remark)


def _draw_scale(axes: Axes, pixel: float) -> None:
    width = PIXELS[0] * pixel
    length = max(step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if step <= max(0.25 * width, 0.1))
    right, y = 0.96 * PIXELS[0], 0.95 * PIXELS[1]
    axes.plot([right - length / pixel, right], [y, y], color=INK, linewidth=3, solid_capstyle="butt")
    axes.text(right - length / pixel / 2, y - 14, f"{length:g} mm", ha="center", va="bottom")


def draw_scene(result: Result, path: Path) -> Path:
    """The scene at the end of the run, ablation at the middle threshold.

    Args:
        result: of the 3-D or the axisymmetric geometry, with at least one needle.
        path: PNG file to write.
    """
    use_style()
    picture = _picture(result)
    figure = plt.figure(figsize=(5.6, 5.75))
    axes = figure.add_axes((0.02, 0.0, 0.96, 0.96 * 5.6 / 5.75))
    axes.imshow(picture.image)
    axes.set_axis_off()
    axes.set_title(f"Ablation zone at {middle_threshold(result.summary)[2]}")
    _draw_scale(axes, picture.pixel)
    handles = [
        Patch(color=ABLATED_COLOUR, label="ablated in the tumour"),
        Patch(color=ESCAPED_COLOUR, label=f"ablated outside the tumour{picture.remark}"),
        Patch(facecolor=TUMOUR_COLOUR, alpha=0.5, label="tumour, not ablated"),
        Patch(facecolor=NEEDLE_COLOUR, edgecolor=INK, linewidth=0.5, label="needle"),
    ]
    axes.legend(handles=handles, loc="upper left")
    figure.savefig(path)
    plt.close(figure)
    return path


if __name__ == "__main__":
    draw_scene(open_result(Path(sys.argv[1])), Path(sys.argv[2]))

# SPDX-License-Identifier: MIT
"""The scene in space: tumour, needles, what is ablated inside the tumour and what got out of it."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pyvista as pv
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from numpy.typing import NDArray

from postprocess.ablation import ablated, in_tumour, part
from postprocess.figures import thresholds_of
from postprocess.results import Needle, Result
from postprocess.section import MILLIMETRES, choose_plane, tumour_centre
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
from solver.fields import CT_DOSE, PEAK_CONCENTRATION

PIXELS = (1600, 1300)
SECTORS = 96


def middle_threshold(summary: dict[str, Any]) -> tuple[str, float, str]:
    """Field key, value and label of the middle one of the thresholds (of the dose, if any is given for it)."""
    for measure, key in (("ct", CT_DOSE.key), ("peak", PEAK_CONCENTRATION.key)):
        levels = thresholds_of(summary, measure)
        if levels:
            value, label = levels[len(levels) // 2]
            return key, value, label
    raise ValueError("summary.json: ablation is empty (expected at least one threshold)")


def _skin(grid: pv.UnstructuredGrid, result: Result) -> pv.PolyData:
    """Closed surface of a part of the mesh [m]; a meridian plane is turned once around its axis."""
    if result.geometry == "3d":
        return grid.extract_surface(algorithm="dataset_surface")
    outline = grid.extract_feature_edges(boundary_edges=True, feature_edges=False, manifold_edges=False)
    segments = np.asarray(outline.points, dtype=np.float64)[outline.lines.reshape(-1, 3)[:, 1:]]
    segments = segments[segments[:, :, 0].max(axis=1) > 1e-9]
    angles = np.linspace(0.0, 2 * np.pi, SECTORS + 1)
    turned = np.stack(
        [
            segments[:, :, 0, None] * np.cos(angles),
            segments[:, :, 0, None] * np.sin(angles),
            np.broadcast_to(segments[:, :, 2, None], (*segments.shape[:2], len(angles))),
        ],
        axis=-1,
    )
    quads = np.stack([turned[:, 0, :-1], turned[:, 1, :-1], turned[:, 1, 1:], turned[:, 0, 1:]], axis=2)
    corners = quads.reshape(-1, 3)
    faces = np.column_stack([np.full(len(corners) // 4, 4), np.arange(len(corners)).reshape(-1, 4)])
    return pv.PolyData(corners, faces=faces.ravel()).clean().triangulate()


def _add(plotter: pv.Plotter, surface: pv.PolyData, colour: str, opacity: float = 1.0) -> None:
    if surface.n_cells == 0:
        return
    shaded = surface.compute_normals(auto_orient_normals=True, split_vertices=True, feature_angle=40.0)
    plotter.add_mesh(
        shaded, color=colour, opacity=opacity, smooth_shading=True, ambient=0.25, diffuse=0.75, specular=0.2,
        show_scalar_bar=False, scalars=None,
    )


def _shaft(needle: Needle, length: float) -> pv.PolyData:
    centre = needle.tip - needle.direction * length / 2
    return pv.Cylinder(center=centre, direction=needle.direction, radius=needle.radius, height=length, resolution=40)


def _look(plotter: pv.Plotter, needles: tuple[Needle, ...], centre: NDArray[np.float64], size: float) -> None:
    """Looks at the tumour from the side of the first needle, a little from above, in parallel projection."""
    plane = choose_plane(needles, centre)
    aside = np.cross(plane.across, plane.up)
    position = centre + 8 * size * (0.9 * -aside + 0.35 * plane.up + 0.25 * plane.across)
    plotter.camera_position = [tuple(position), tuple(centre), tuple(plane.up)]
    plotter.camera.parallel_projection = True
    plotter.camera.parallel_scale = 0.75 * size
    plotter.reset_camera_clipping_range()


def _picture(result: Result) -> tuple[NDArray[np.uint8], float]:
    """Renders the scene; also returns the length that one pixel shows [mm]."""
    choose_off_screen_window()
    key, level, _ = middle_threshold(result.summary)
    grid = result.grid(result.times[-1])
    inside = in_tumour(grid)
    parts = [part(grid, inside), ablated(part(grid, inside), key, level), ablated(part(grid, ~inside), key, level)]
    tumour, hit, escaped = (_skin(piece, result) if piece.n_cells else pv.PolyData() for piece in parts)
    shown = [surface for surface in (tumour, hit, escaped) if surface.n_points]
    corners = np.concatenate([np.asarray(surface.points, dtype=np.float64) for surface in shown])
    low, high = corners.min(axis=0), corners.max(axis=0)
    size = float(np.linalg.norm(high - low) / np.sqrt(3)) * 1.15
    plotter = pv.Plotter(off_screen=True, window_size=list(PIXELS), lighting="light kit")
    plotter.background_color = PAPER
    plotter.enable_anti_aliasing("ssaa")
    plotter.enable_depth_peeling(8)
    _add(plotter, hit, ABLATED_COLOUR)
    _add(plotter, escaped, ESCAPED_COLOUR, 0.75)
    _add(plotter, tumour, TUMOUR_COLOUR, 0.3)
    for needle in result.needles:
        _add(plotter, _shaft(needle, min(needle.length, 3 * size)), NEEDLE_COLOUR)
    _look(plotter, result.needles, (low + high) / 2 if len(shown) else tumour_centre(grid), size)
    image = plotter.screenshot(return_img=True)
    pixel = 2 * plotter.camera.parallel_scale / PIXELS[1] * MILLIMETRES
    plotter.close()
    return np.asarray(image), pixel


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
    image, pixel = _picture(result)
    figure, axes = plt.subplots(figsize=(8.0, 6.9), layout="constrained")
    axes.imshow(image)
    axes.set_axis_off()
    axes.set_title(f"Ablation zone at CT dose {middle_threshold(result.summary)[2]}")
    _draw_scale(axes, pixel)
    handles = [
        Patch(color=ABLATED_COLOUR, label="ablated in the tumour"),
        Patch(color=ESCAPED_COLOUR, label="ablated outside the tumour"),
        Patch(facecolor=TUMOUR_COLOUR, alpha=0.5, label="tumour, not ablated"),
        Patch(facecolor=NEEDLE_COLOUR, edgecolor=INK, linewidth=0.5, label="needle"),
    ]
    axes.legend(handles=handles, loc="upper left")
    figure.savefig(path)
    plt.close(figure)
    return path

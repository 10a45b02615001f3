# SPDX-License-Identifier: MIT
"""The scene in space: tumour, needles, what is ablated inside the tumour and what got out of it."""

import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pyvista as pv
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from numpy.typing import NDArray
from vtkmodules.vtkFiltersGeometry import vtkDataSetSurfaceFilter

from meshes.plain import Geometry
from postprocess.ablation import ablated, in_tumour, part
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
from solver.fields import CT_DOSE, FIELDS, PEAK_CONCENTRATION

PIXELS = (1400, 1400)
SECTORS = 96


def middle_threshold(summary: dict[str, Any]) -> tuple[str, float, str]:
    """Field key, value and words of the middle one of the thresholds (of the dose, if it has any)."""
    for measure, key in (("ct", CT_DOSE.key), ("peak", PEAK_CONCENTRATION.key)):
        levels = thresholds_of(summary, measure)
        if levels:
            value, label = levels[len(levels) // 2]
            return key, value, f"{FIELDS[key].label} {label}"
    raise ResultError("summary.json: ablation is empty (expected at least one threshold)")


def _turned(outline: pv.PolyData) -> pv.PolyData:
    """The surface of an outline in the meridian plane turned once around the axis z."""
    if outline.n_cells == 0:
        return outline
    off_axis = np.asarray(outline.cell_centers().points)[:, 0] > 1e-9
    lines = _surface(outline.extract_cells(np.nonzero(off_axis)[0]))
    bare = pv.PolyData(lines.points, lines=lines.lines).clean().strip()
    return bare.extrude_rotate(resolution=SECTORS, capping=False).clean().triangulate()


def _surface(grid: pv.UnstructuredGrid) -> pv.PolyData:
    """Outer faces of cells; faces and lines as they are. By VTK: PyVista's call changes between versions."""
    surface = vtkDataSetSurfaceFilter()
    surface.SetInputData(grid)
    surface.Update()
    return pv.wrap(surface.GetOutput())


def _skin(grid: pv.UnstructuredGrid, geometry: Geometry) -> pv.PolyData:
    """Closed surface of a part of the mesh, or in the meridian plane its outline; point data are kept."""
    if grid.n_cells == 0:
        return pv.PolyData()
    if geometry == "3d":
        return _surface(grid)
    return grid.extract_feature_edges(boundary_edges=True, feature_edges=False, manifold_edges=False)


def _apart(skin: pv.PolyData, other: pv.PolyData) -> pv.PolyData:
    """The cells of a skin that do not lie on another one; two coloured faces in one place would flicker."""
    if skin.n_cells == 0 or other.n_cells == 0:
        return skin
    centres = np.asarray(skin.cell_centers().points, dtype=np.float64)
    _, nearest = other.find_closest_cell(centres, return_closest_point=True)
    free = np.linalg.norm(nearest - centres, axis=1) > 1e-5 * skin.length
    return _surface(skin.extract_cells(np.nonzero(free)[0]))


def _skins(result: Result) -> list[pv.PolyData]:
    """Surfaces [m] of the ablated tumour, of ablated tissue outside it and of the tumour left."""
    key, level, _ = middle_threshold(result.summary)
    grid, geometry = result.grid(result.times[-1]), result.geometry
    inside = in_tumour(grid)
    tumour = _skin(part(grid, inside), geometry)
    escaped = _apart(_skin(ablated(part(grid, ~inside), key, level), geometry), tumour)
    skins = [_skin(ablated(part(grid, inside), key, level), geometry), escaped]
    skins.append(tumour.clip_scalar(scalars=key, value=level, invert=True))
    if geometry == "3d":
        return skins
    return [_turned(skin) for skin in skins]


def _add(plotter: pv.Plotter, surface: pv.PolyData, colour: str, opacity: float = 1.0) -> None:
    if surface.n_cells == 0:
        return
    bare = pv.PolyData(surface.points, faces=surface.faces)
    shaded = bare.compute_normals(auto_orient_normals=True, split_vertices=True, feature_angle=40.0)
    plotter.add_mesh(shaded, color=colour, opacity=opacity, smooth_shading=True, ambient=0.3, diffuse=0.75)


def _shaft(needle: Needle, length: float) -> pv.PolyData:
    centre = needle.tip - needle.direction * length / 2
    return pv.Cylinder(
        center=centre, direction=needle.direction, radius=needle.radius, height=length, resolution=40
    )


def _look(plotter: pv.Plotter, needles: tuple[Needle, ...], centre: NDArray[np.float64], size: float) -> None:
    """Looks at the tumour from the side of the first needle, a little from above, in parallel projection."""
    plane = choose_plane(needles, centre)
    aside = np.cross(plane.across, plane.up)
    position = centre + 8 * size * (0.9 * -aside + 0.35 * plane.up + 0.25 * plane.across)
    plotter.camera_position = [tuple(position), tuple(centre), tuple(plane.up)]
    plotter.camera.parallel_projection = True
    plotter.camera.parallel_scale = 0.72 * size
    plotter.reset_camera_clipping_range()


def _picture(result: Result) -> tuple[NDArray[np.uint8], float]:
    """Renders the scene; also returns the length that one pixel shows [mm]."""
    choose_off_screen_window()
    hit, escaped, left = _skins(result)
    shown = [surface for surface in (hit, escaped, left) if surface.n_points]
    corners = np.concatenate([np.asarray(surface.points, dtype=np.float64) for surface in shown])
    low, high = corners.min(axis=0), corners.max(axis=0)
    size = float(np.linalg.norm(high - low) / np.sqrt(3))
    plotter = pv.Plotter(off_screen=True, window_size=list(PIXELS), lighting="none")
    plotter.add_light(pv.Light(light_type="headlight", intensity=0.62))
    plotter.add_light(pv.Light(light_type="camera light", position=(-0.8, 1.2, 1.0), intensity=0.5))
    plotter.background_color = PAPER
    plotter.enable_anti_aliasing("ssaa")
    plotter.enable_depth_peeling(8)
    _add(plotter, hit, ABLATED_COLOUR)
    enclosed = left.area < 0.05 * hit.area
    _add(plotter, escaped, ESCAPED_COLOUR, 0.5 if enclosed else 1.0)
    _add(plotter, left, TUMOUR_COLOUR, 0.22)
    for needle in result.needles:
        _add(plotter, _shaft(needle, min(needle.length, 3 * size)), NEEDLE_COLOUR)
    _look(plotter, result.needles, (low + high) / 2, size)
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
    figure = plt.figure(figsize=(5.6, 5.75))
    axes = figure.add_axes((0.02, 0.0, 0.96, 0.96 * 5.6 / 5.75))
    axes.imshow(image)
    axes.set_axis_off()
    axes.set_title(f"Ablation zone at {middle_threshold(result.summary)[2]}")
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


if __name__ == "__main__":
    draw_scene(open_result(Path(sys.argv[1])), Path(sys.argv[2]))

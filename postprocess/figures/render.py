# SPDX-License-Identifier: MIT
"""Draws scenes in space with VTK, in its own process: `python -m postprocess.figures.render request.json`.

A graphics driver that fails takes nothing with it but this process. The answer is one NumPy archive per shot.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyvista as pv
from numpy.typing import NDArray

from postprocess.figures.section import MILLIMETRES, Plane, choose_plane, tumour_centre
from postprocess.figures.stage import Stage
from postprocess.figures.style import (
    ABLATED_COLOUR,
    ESCAPED_COLOUR,
    INK,
    MARGIN_MAP,
    NEEDLE_COLOUR,
    PAPER,
    TUMOUR_COLOUR,
    band_colours,
    choose_off_screen_window,
)
from postprocess.figures.surfaces import cut_faces, skins, turned_mesh
from postprocess.figures.vasculature import HOLES, LAYERS, additions, vessel_regions
from postprocess.results.ablation import Clearance, clearance
from postprocess.results.result import Needle, open_result

OPENED_BELOW: Final = 0.35
"""Where less than this share of the tumour's surface is left, ablated tissue around it is shown cut open."""

LEFT_COLOUR: Final = "#ead7df"
"""Of tumour that is left, on a cut face."""

RAISED: Final = 0.05
FILLED: Final = 0.66
"""Where the viewer looks, above the middle, and half the height of the picture: shares of what is shown."""

BEFORE: Final = 0.25
"""Opacity of vessels that lie nearer to the viewer than the middle of what is shown."""

LIFT: Final = 2e-5
"""Cut faces are lifted by this share of the scene towards the viewer, lest they flicker."""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A scene that is asked for.

    Attributes:
        kind: ``scene``, ``bands`` or ``margin``.
        time: stored time [s].
        key: point field compared with the thresholds.
        levels: thresholds in the field's unit, ascending; ``scene`` and ``margin`` use the first.
        pixels: width and height.
        view: ``front`` or ``back``.
        limit: ends of the colour map of the margin [m].
    """

    kind: str
    time: float
    key: str
    levels: tuple[float, ...]
    pixels: tuple[int, int]
    view: str = "front"
    limit: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Where the viewer stands.

    Attributes:
        centre: of what is shown [m].
        size: of it [m].
        towards: unit vector to the viewer.
        plane: of the cut through the first needle.
    """

    centre: NDArray[np.float64]
    size: float
    towards: NDArray[np.float64]
    plane: Plane


def _frame(stage: Stage, shot: Shot, corners: NDArray[np.float64]) -> Frame:
    """The viewer stands beside the first needle and a little above it."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    centre, view = (low + high) / 2, shot.view
    plane = choose_plane(stage.needles, tumour_centre(stage.grid(shot.time)))
    aside = np.cross(plane.up, plane.across) * (-1.0 if view == "back" else 1.0)
    towards = 0.9 * aside + 0.35 * plane.up + (0.2 if view == "front" else -0.2) * plane.across
    return Frame(
        centre=centre,
        size=float(np.linalg.norm(high - low) / np.sqrt(3)),
        towards=towards / np.linalg.norm(towards),
        plane=plane,
    )


def _plotter(pixels: tuple[int, int]) -> pv.Plotter:
    plotter = pv.Plotter(off_screen=True, window_size=list(pixels), lighting="none")
    plotter.add_light(pv.Light(light_type="headlight", intensity=0.62))
    plotter.add_light(pv.Light(light_type="camera light", position=(-0.8, 1.2, 1.0), intensity=0.5))
    plotter.background_color = PAPER
    plotter.enable_anti_aliasing("ssaa")
    plotter.enable_depth_peeling(8)
    return plotter


def _add(plotter: pv.Plotter, surface: pv.PolyData, colour: str, opacity: float = 1.0) -> None:
    if surface.n_cells == 0:
        return
    bare = pv.PolyData(surface.points, faces=surface.faces)
    shaded = bare.compute_normals(auto_orient_normals=True, split_vertices=True, feature_angle=75.0)
    plotter.add_mesh(shaded, color=colour, opacity=opacity, smooth_shading=True, ambient=0.3, diffuse=0.75)


def _add_flat(plotter: pv.Plotter, surface: pv.PolyData, colour: str) -> None:
    """A cut face, in its plain colour whatever the light."""
    if surface.n_cells:
        plotter.add_mesh(surface, color=colour, lighting=False)


def _shaft(needle: Needle, length: float) -> pv.PolyData:
    centre = needle.tip - needle.direction * length / 2
    return pv.Cylinder(
        center=centre, direction=needle.direction, radius=needle.radius, height=length, resolution=40
    )


def _take(plotter: pv.Plotter, stage: Stage, frame: Frame, shot: Shot) -> dict[str, Any]:
    for needle in stage.needles:
        _add(plotter, _shaft(needle, min(needle.length, 3 * frame.size)), NEEDLE_COLOUR)
    focus = frame.centre + RAISED * frame.size * frame.plane.up
    position = focus + 8 * frame.size * frame.towards
    plotter.camera_position = [tuple(position), tuple(focus), tuple(frame.plane.up)]
    plotter.camera.parallel_projection = True
    shape = max(shot.pixels[1] / shot.pixels[0], 1.0)
    plotter.camera.parallel_scale = FILLED * frame.size * shape
    plotter.reset_camera_clipping_range()
    image = np.asarray(plotter.screenshot(return_img=True))
    pixel = 2 * plotter.camera.parallel_scale / shot.pixels[1] * MILLIMETRES
    plotter.close()
    return {"image": image, "pixel": pixel}


def _add_vessels(plotter: pv.Plotter, stage: Stage, frame: Frame, shot: Shot, open_to: Any = None) -> Any:
    """Vessels, tracks and side holes; their names. What lies before the middle, or a cut, hides nothing."""
    found = additions(stage.result, stage.needles)
    if stage.geometry == "3d":
        found |= vessel_regions(stage.grid(shot.time))
    around = 3.0 * frame.size * max(shot.pixels) / min(shot.pixels)
    names = []
    for name, _, colour, opacity in LAYERS:
        if name not in found or (name == HOLES and open_to is None):
            continue
        near = np.linalg.norm(np.asarray(found[name].points) - frame.centre, axis=1) < around
        if not near.any():
            continue
        names.append(name)
        if opacity < 1.0 or name == HOLES:
            _add(plotter, found[name], colour, opacity)
            continue
        place = {"origin": frame.centre, "normal": frame.towards} if open_to is None else open_to
        _add(plotter, found[name].clip(**place, invert=True), colour)
        if open_to is None:
            _add(plotter, found[name].clip(**place, invert=False), colour, BEFORE)
    return np.array(names, dtype=np.str_)


def _scene(stage: Stage, shot: Shot) -> dict[str, Any]:
    """Tumour, needles, what is ablated in the tumour and what outside it."""
    found = skins(stage.grid(shot.time), stage.geometry, shot.key, shot.levels[0])
    corners = np.concatenate([np.asarray(skin.points) for skin in (found.tumour, found.escaped)])
    frame = _frame(stage, shot, corners)
    opened = found.escaped.n_cells > 0 and found.left.area < OPENED_BELOW * found.tumour.area
    escaped = found.escaped
    if opened:
        escaped = found.escaped.clip(normal=frame.towards, origin=frame.centre, invert=True)
    plotter = _plotter(shot.pixels)
    _add(plotter, found.hit, ABLATED_COLOUR)
    _add(plotter, escaped, ESCAPED_COLOUR)
    _add(plotter, found.left, TUMOUR_COLOUR, 0.22)
    remark = " (front half removed)" if opened else "" if found.escaped.n_cells else ": none"
    layers = _add_vessels(plotter, stage, frame, shot)
    return {**_take(plotter, stage, frame, shot), "remark": remark, "layers": layers}


def _bands(stage: Stage, shot: Shot) -> dict[str, Any]:
    """The ablation zone cut open along the first needle, one shade per threshold."""
    grid = stage.grid(shot.time)
    found = skins(grid, stage.geometry, shot.key, shot.levels[0])
    corners = np.concatenate([np.asarray(skin.points) for skin in (found.tumour, found.escaped)])
    frame = _frame(stage, shot, corners)
    plane = frame.plane
    normal = np.cross(plane.across, plane.up)
    normal = normal if normal @ frame.towards > 0 else -normal
    behind = {"normal": normal, "origin": plane.origin, "invert": True}
    plotter = _plotter(shot.pixels)
    inside, outside = band_colours(len(shot.levels))
    for skin, colour, opacity in (
        (found.hit, inside[0], 1.0),
        (found.escaped, outside[0], 1.0),
        (found.left, TUMOUR_COLOUR, 0.35),
    ):
        _add(plotter, skin.clip(**behind) if skin.n_cells else skin, colour, opacity)
    faces = cut_faces(grid, stage.geometry, plane)
    lift = LIFT * frame.size * normal
    limits = (*shot.levels, np.inf)
    for face, colours in ((faces.inside, inside), (faces.outside, outside)):
        for low, high, colour in zip(limits[:-1], limits[1:], colours, strict=True):
            band = face.clip_scalar(scalars=shot.key, value=low, invert=False)
            if np.isfinite(high) and band.n_cells:
                band = band.clip_scalar(scalars=shot.key, value=high, invert=True)
            _add_flat(plotter, band.translate(lift), colour)
    rest = faces.inside.clip_scalar(scalars=shot.key, value=shot.levels[0], invert=True)
    _add_flat(plotter, rest.translate(lift), LEFT_COLOUR)
    plotter.add_mesh(faces.outline.translate(5 * lift), color=INK, line_width=3.0, lighting=False)
    layers = _add_vessels(plotter, stage, frame, shot, {"origin": plane.origin, "normal": normal})
    return {**_take(plotter, stage, frame, shot), "layers": layers}


def _painted(found: Clearance, geometry: str) -> pv.PolyData:
    """The tumour's surface with the signed distance [mm] at its vertices."""
    values = MILLIMETRES * found.signed
    if geometry != "3d":
        return turned_mesh(found.points, found.facets, values, "margin")
    faces = np.column_stack([np.full(len(found.facets), 3), found.facets])
    surface = pv.PolyData(found.points, faces=faces.ravel())
    surface.point_data["margin"] = values
    return surface


def _margin(stage: Stage, shot: Shot) -> dict[str, Any]:
    """Signed distance from the tumour's surface to that of the ablation zone, painted on the former."""
    found = clearance(stage.grid(shot.time), stage.geometry, shot.key, shot.levels[0])
    if found is None:
        return {}
    surface = _painted(found, stage.geometry)
    frame = _frame(stage, shot, np.asarray(surface.points))
    limit = MILLIMETRES * (shot.limit or float(np.abs(found.signed).max()))
    plotter = _plotter(shot.pixels)
    shaded = surface.compute_normals(auto_orient_normals=True, split_vertices=False)
    plotter.add_mesh(
        shaded,
        scalars="margin",
        cmap=MARGIN_MAP,
        clim=(-limit, limit),
        smooth_shading=True,
        ambient=0.7,
        diffuse=0.35,
        show_scalar_bar=False,
    )
    edge = shaded.contour([0.0], scalars="margin")
    if edge.n_cells:
        plotter.add_mesh(edge, color=INK, line_width=4.0, lighting=False)
    extremes = {"least": float(found.signed.min()), "largest": float(found.signed.max()), "limit": limit}
    return {**_take(plotter, stage, frame, shot), **extremes}


def take(stage: Stage, shot: Shot) -> dict[str, Any]:
    """A rendered scene: ``image`` (height, width, 3), ``pixel`` [mm], remarks; empty for nothing."""
    return {"scene": _scene, "bands": _bands, "margin": _margin}[shot.kind](stage, shot)


def main(request: Path) -> None:
    """Draws what a request asks for, each shot into its own archive beside it."""
    asked = json.loads(request.read_text(encoding="utf-8"))
    choose_off_screen_window()
    stage = Stage(open_result(Path(asked["folder"])))
    for number, fields in enumerate(asked["shots"]):
        tuples = {key: tuple(fields[key]) for key in ("levels", "pixels")}
        np.savez(request.with_name(f"{number}.npz"), **take(stage, Shot(**{**fields, **tuples})))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

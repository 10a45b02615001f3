# SPDX-License-Identifier: MIT
"""Draws surfaces of equal probability: `python -m postprocess.sweeps.probability_render request.json`."""

import json
import sys
from pathlib import Path

import numpy as np
import pyvista as pv
from numpy.typing import NDArray

from postprocess.figures.section import choose_plane
from postprocess.figures.style import NEEDLE_COLOUR, PAPER, TUMOUR_COLOUR, choose_off_screen_window
from postprocess.sweeps.probability import SHARES, ProbabilityMap, open_map
from postprocess.sweeps.probability_figures import SHELLS


def draw(found: ProbabilityMap, name: str, pixels: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture, shape ``(height, width, 3)``.

    Args:
        found: the map, of the 3-D geometry.
        name: of the threshold's field.
        pixels: width and height.
    """
    grid = _image(found, name)
    tumour = grid.contour([0.0], scalars="distance")
    centre = np.array(tumour.center)
    plane = choose_plane(found.needles, centre)
    aside = np.cross(plane.up, plane.across)
    towards = 0.9 * aside + 0.35 * plane.up + 0.2 * plane.across
    plotter = pv.Plotter(off_screen=True, window_size=list(pixels), lighting="none")
    plotter.add_light(pv.Light(light_type="headlight", intensity=0.62))
    plotter.add_light(pv.Light(light_type="camera light", position=(-0.8, 1.2, 1.0), intensity=0.5))
    plotter.background_color = PAPER
    plotter.enable_anti_aliasing("ssaa")
    plotter.enable_depth_peeling(8)
    skins = [(tumour, TUMOUR_COLOUR, 0.16, False)]
    for share, (colour, opacity) in zip(SHARES, SHELLS, strict=True):
        skins.append((grid.contour([share], scalars="chance"), colour, opacity, share < SHARES[-1]))
    for skin, colour, opacity, opened in skins:
        if opened and skin.n_cells:
            skin = skin.clip(normal=aside, origin=plane.origin, invert=True)
        if skin.n_cells:
            shaded = skin.compute_normals(auto_orient_normals=True)
            look = {"smooth_shading": True, "ambient": 0.3, "diffuse": 0.75}
            plotter.add_mesh(shaded, color=colour, opacity=opacity, **look)
    size = float(np.ptp(np.asarray(tumour.points), axis=0).max())
    for needle in found.needles:
        length = min(needle.length, 1.5 * size)
        middle = needle.tip - needle.direction * length / 2
        shaft = pv.Cylinder(
            center=middle, direction=needle.direction, radius=needle.radius, height=length, resolution=40
        )
        plotter.add_mesh(shaft, color=NEEDLE_COLOUR, ambient=0.3, diffuse=0.75)
    plotter.camera_position = [tuple(centre + 8 * size * towards), tuple(centre), tuple(plane.up)]
    plotter.camera.parallel_projection = True
    plotter.camera.parallel_scale = 0.72 * size
    plotter.reset_camera_clipping_range()
    picture = np.asarray(plotter.screenshot(return_img=True))
    plotter.close()
    return picture


def _image(found: ProbabilityMap, name: str) -> pv.ImageData:
    grid = found.record["grid"]
    image = pv.ImageData(dimensions=grid["shape"], spacing=[grid["spacing"]] * 3, origin=grid["origin"])
    image.point_data["chance"] = np.nan_to_num(found.fields[name]).ravel(order="F")
    image.point_data["distance"] = found.distance.ravel(order="F")
    return image


def main(request: Path) -> None:
    """Draw what a request asks for, into an array beside it."""
    asked = json.loads(request.read_text(encoding="utf-8"))
    choose_off_screen_window()
    found = open_map(Path(asked["folder"]))
    if found is None:
        raise SystemExit("there is no map")
    np.save(request.with_suffix(".npy"), draw(found, asked["name"], tuple(asked["pixels"])))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

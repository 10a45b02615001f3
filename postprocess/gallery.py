# SPDX-License-Identifier: MIT
"""Every figure of a result, drawn into its folder."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from postprocess.curves import draw_ledger, draw_pressure, draw_profiles, draw_spill
from postprocess.figures import draw_concentration, draw_dose
from postprocess.results import Result

SCENE_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure with its words.

    Attributes:
        path: PNG or SVG file.
        caption: what is seen.
    """

    path: Path
    caption: str


def _scene(result: Result, path: Path) -> bool:
    """Draws the scene in a process of its own: a graphics driver that fails takes nothing with it."""
    root = str(Path(__file__).parents[1])
    known = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, known] if known else [root])}
    command = [sys.executable, "-m", "postprocess.figures_3d", str(result.folder), str(path)]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=SCENE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and path.is_file()


def _spatial(result: Result, folder: Path) -> list[Picture]:
    if result.geometry == "radial":
        caption = "Along the radius: concentration and pressure when injection ends, dose when the run ends."
        return [Picture(path=draw_profiles(result, folder), caption=caption)]
    pictures = []
    if result.needles:
        caption = "Cut through the needle at the end of injection: where the agent is."
        pictures.append(
            Picture(path=draw_concentration(result, folder / "concentration.png"), caption=caption)
        )
        caption = (
            "The same cut at the end of the run: concentration integrated over time, thresholds as lines."
        )
        pictures.append(Picture(path=draw_dose(result, folder / "dose.png"), caption=caption))
    if result.needles and result.summary["ablation"] and _scene(result, folder / "scene.png"):
        caption = (
            "What the middle threshold destroys in the tumour, what it leaves, and what it destroys outside."
        )
        pictures.append(Picture(path=folder / "scene.png", caption=caption))
    return pictures


def draw_figures(result: Result) -> list[Picture]:
    """Draws every figure of a result into its folder ``figures``.

    Args:
        result: an opened result; a geometry without cells in space gets curves instead of a cut and a scene.

    Returns:
        The figures in the order in which a report shows them.
    """
    folder = result.folder / "figures"
    folder.mkdir(exist_ok=True)
    return [
        *_spatial(result, folder),
        Picture(
            path=draw_ledger(result, folder), caption="Where the agent is at each time; the parts add up."
        ),
        Picture(path=draw_spill(result, folder), caption="Agent beyond the tumour boundary."),
        Picture(
            path=draw_pressure(result, folder), caption="Pressure at the surface through which fluid enters."
        ),
    ]

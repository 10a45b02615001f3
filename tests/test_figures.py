# SPDX-License-Identifier: MIT
"""Figures are made, are not blank, and show what they should, for each geometry."""

import json
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from matplotlib.colors import rgb_to_hsv, to_rgb
from numpy.typing import NDArray

from meshes.plain import Geometry
from postprocess.gallery import draw_figures
from postprocess.results import Needle, ResultError, open_result
from postprocess.section import choose_plane, cut
from postprocess.style import ABLATED_COLOUR, ESCAPED_COLOUR
from tests.synthetic_result import TUMOUR_RADIUS, result_folder

pytestmark = pytest.mark.serial

OFFSET = 0.006
CURVES = {"ledger", "spill", "pressure"}


def pixels(path: Path) -> NDArray[np.float64]:
    return np.asarray(matplotlib.image.imread(path.with_suffix(".png")), dtype=np.float64)[:, :, :3]


def share_like(image: NDArray[np.float64], colour: str) -> float:
    """Share of pixels of a colour's hue, whatever the shading."""
    hue, saturation, _ = np.moveaxis(rgb_to_hsv(image), 2, 0)
    return float(np.mean((np.abs(hue - rgb_to_hsv(to_rgb(colour))[0]) < 0.04) & (saturation > 0.35)))


@pytest.mark.parametrize(
    ("geometry", "spatial"),
    [
        ("radial", {"profiles"}),
        ("axisymmetric", {"concentration", "dose", "scene"}),
        ("3d", {"concentration", "dose", "scene"}),
    ],
)
def test_every_figure_is_drawn(tmp_path: Path, geometry: Geometry, spatial: set[str]) -> None:
    result = open_result(result_folder(tmp_path, geometry, layers=4, offset=OFFSET))
    pictures = draw_figures(result)
    assert {picture.path.stem for picture in pictures} == spatial | CURVES
    for picture in pictures:
        image = pixels(picture.path)
        assert min(image.shape[:2]) >= 5 * 150, f"{picture.path.name} is too small for print"
        assert image.std() > 0.05, f"{picture.path.name} is blank"
        assert picture.caption
    if geometry != "radial":
        scene = pixels(tmp_path / "figures" / "scene.png")
        assert share_like(scene, ABLATED_COLOUR) > 0.03
        assert share_like(scene, ESCAPED_COLOUR) > 0.03


def test_nothing_outside_is_drawn_where_nothing_got_out(tmp_path: Path) -> None:
    result = open_result(result_folder(tmp_path, "axisymmetric", layers=4, offset=0.0))
    scene = next(picture.path for picture in draw_figures(result) if picture.path.stem == "scene")
    body = pixels(scene)[300:]
    assert share_like(body, ESCAPED_COLOUR) < 1e-4
    assert share_like(body, ABLATED_COLOUR) > 0.03


@pytest.mark.parametrize("geometry", ["radial", "axisymmetric", "3d"])
def test_nothing_ablated_and_nothing_injected_can_be_drawn(tmp_path: Path, geometry: Geometry) -> None:
    result_folder(tmp_path, geometry, layers=3)
    found = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    found["concentration"]["inlet_kg_m3"] = 0.0
    found["ablation"] = [entry | {"threshold": 1e6, "margin": None} for entry in found["ablation"]]
    (tmp_path / "summary.json").write_text(json.dumps(found), encoding="utf-8")
    names = {picture.path.stem for picture in draw_figures(open_result(tmp_path))}
    assert names == CURVES | ({"profiles"} if geometry == "radial" else {"concentration", "dose", "scene"})


def test_cut_shows_the_tumour_as_a_circle_around_its_centre(tmp_path: Path) -> None:
    for geometry in ("axisymmetric", "3d"):
        result = open_result(result_folder(tmp_path / geometry, geometry, layers=5, offset=OFFSET))
        section = cut(result.grid(0.0), result.geometry, result.needles)
        outline = section.outline.reshape(-1, 2)
        radius = np.linalg.norm(outline - [0.0, -1e3 * OFFSET], axis=1)
        assert radius == pytest.approx(1e3 * TUMOUR_RADIUS, rel=0.03)
        assert outline[:, 0].min() == pytest.approx(-1e3 * TUMOUR_RADIUS, rel=0.03)
        at_tip = np.argmin(np.linalg.norm(section.points, axis=1))
        assert section.fields["ct_dose"][at_tip] == pytest.approx(section.fields["ct_dose"].max(), rel=0.05)


def test_plane_holds_needle_and_other_tips() -> None:
    direction = np.array([0.0, 0.6, -0.8])
    needles = tuple(
        Needle(tip=np.array(tip), direction=direction, radius=4e-4, length=0.1)
        for tip in ([0.01, 0.02, 0.03], [0.02, 0.02, 0.03], [0.03, 0.02, 0.03])
    )
    plane = choose_plane(needles, np.zeros(3))
    normal = np.cross(plane.across, plane.up)
    assert plane.up == pytest.approx(-direction)
    assert [normal @ (needle.tip - plane.origin) for needle in needles] == pytest.approx([0.0, 0.0, 0.0])
    alone = choose_plane(needles[:1], np.array([0.05, 0.02, 0.03]))
    assert np.cross(alone.across, alone.up) @ np.array([0.04, 0.0, 0.0]) == pytest.approx(0.0)


@pytest.mark.parametrize("missing", ["summary.json", "resolved.toml", "history.csv", "fields.vtkhdf"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    result_folder(tmp_path, "radial")
    (tmp_path / missing).unlink()
    with pytest.raises(ResultError, match=missing):
        open_result(tmp_path)


@pytest.mark.parametrize("damaged", ["summary.json", "resolved.toml", "history.csv", "fields.vtkhdf"])
def test_a_damaged_file_is_refused(tmp_path: Path, damaged: str, capfd: pytest.CaptureFixture[str]) -> None:
    result_folder(tmp_path, "radial")
    (tmp_path / damaged).write_text("{ not, a result\n1,2,3\n", encoding="utf-8")
    with pytest.raises(ResultError, match="|".join((damaged, str(tmp_path)))):
        open_result(tmp_path)
    assert capfd.readouterr().err == ""

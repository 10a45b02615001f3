# SPDX-License-Identifier: MIT
"""Figures are made, are not blank, and show what they should, for each geometry."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import rgb_to_hsv, to_rgb
from numpy.typing import NDArray

from meshes.plain import Geometry
from postprocess.figures.convergence import fit
from postprocess.figures.gallery import FIGURES, available, draw, draw_figures
from postprocess.figures.section import choose_plane, cut
from postprocess.figures.stage import Stage, Wish
from postprocess.figures.style import ABLATED_COLOUR, ESCAPED_COLOUR, save_figure, size_of
from postprocess.results.result import Needle, ResultError, open_result
from tests.synthetic_result import TUMOUR_RADIUS, result_folder

pytestmark = pytest.mark.serial

OFFSET = 0.006


def pixels(path: Path) -> NDArray[np.float64]:
    return np.asarray(matplotlib.image.imread(path.with_suffix(".png")), dtype=np.float64)[:, :, :3]


def share_like(image: NDArray[np.float64], colour: str) -> float:
    """Share of pixels of a colour's hue, whatever the shading."""
    hue, saturation, _ = np.moveaxis(rgb_to_hsv(image), 2, 0)
    return float(np.mean((np.abs(hue - rgb_to_hsv(to_rgb(colour))[0]) < 0.04) & (saturation > 0.35)))


@pytest.mark.parametrize("geometry", ["radial", "axisymmetric", "3d"])
def test_every_figure_is_drawn(tmp_path: Path, geometry: Geometry) -> None:
    result = open_result(result_folder(tmp_path, geometry, layers=4, offset=OFFSET))
    pictures = draw_figures(result)
    assert [picture.name for picture in pictures] == list(FIGURES)
    for picture in pictures:
        image = pixels(picture.path)
        assert min(image.shape[:2]) >= 300 * 3.4, f"{picture.path.name} is too small for print"
        assert image.std() > 0.05, f"{picture.path.name} is blank"
        assert picture.caption
    scene = pixels(tmp_path / "figures" / "scene.png")
    assert share_like(scene, ABLATED_COLOUR) > 0.03
    if geometry != "radial":
        assert share_like(scene, ESCAPED_COLOUR) > 0.03


def test_nothing_outside_is_drawn_where_nothing_got_out(tmp_path: Path) -> None:
    result = open_result(result_folder(tmp_path, "axisymmetric", layers=4, offset=0.0))
    picture = pixels(save_figure(draw(result, "scene"), tmp_path / "scene.png"))
    body = picture[: round(0.85 * len(picture))]
    assert share_like(body, ESCAPED_COLOUR) < 1e-4
    assert share_like(body, ABLATED_COLOUR) > 0.03


@pytest.mark.parametrize("geometry", ["radial", "3d"])
def test_nothing_ablated_and_nothing_injected_can_be_drawn(tmp_path: Path, geometry: Geometry) -> None:
    result_folder(tmp_path, geometry, layers=3)
    found = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    found["concentration"]["inlet_kg_m3"] = 0.0
    found["ablation"] = [entry | {"threshold": 1e6, "margin": None} for entry in found["ablation"]]
    (tmp_path / "summary.json").write_text(json.dumps(found), encoding="utf-8")
    stage = Stage(open_result(tmp_path))
    for name in available(stage.result):
        if name == "margin":
            with pytest.raises(ResultError, match="no margin"):
                draw(stage, name)
        else:
            plt.close(draw(stage, name))


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_vector_files_hold_letters_as_letters(tmp_path: Path, suffix: str) -> None:
    result = open_result(result_folder(tmp_path, "radial"))
    path = save_figure(draw(result, "ledger"), tmp_path / f"ledger{suffix}")
    if suffix == ".svg":
        texts = ["".join(node.itertext()) for node in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]
        assert "Share of the injected agent [%]" in texts
    else:
        assert b"/Type0" in path.read_bytes() or b"/TrueType" in path.read_bytes()


@pytest.mark.parametrize(
    ("size", "millimetres"), [("column", (89, None)), ("page", (183, None)), ("120x80", (120, 80))]
)
@pytest.mark.parametrize("name", ["pressure", "dose"])
def test_sizes_are_kept(tmp_path: Path, name: str, size: str, millimetres: tuple[int, int | None]) -> None:
    result = open_result(result_folder(tmp_path, "axisymmetric", layers=3))
    figure = draw(result, name, Wish(size=size_of(size)))
    width, height = 25.4 * figure.get_size_inches()
    assert width == pytest.approx(millimetres[0])
    assert millimetres[1] is None or height == pytest.approx(millimetres[1])
    smallest = min(text.get_fontsize() for text in figure.findobj(plt.Text) if text.get_text())
    assert smallest >= 5.0, "letters too small for print"
    plt.close(figure)


@pytest.mark.parametrize("size", ["poster", "10", "1e9", "100x", "100x50x20", "nan", ""])
def test_a_wrong_size_is_refused(size: str) -> None:
    with pytest.raises(ValueError, match="expected own, column, page, slide"):
        size_of(size)


def test_each_deposit_is_shown_when_it_ends(tmp_path: Path) -> None:
    result_folder(tmp_path, "3d", layers=3)
    path = tmp_path / "resolved.toml"
    second = "\n[[injections]]\nsite = 1\nstart = 0.0\nvolume = 5e-7\nrate = 1.6666666666666667e-8\n"
    site = "\n[[geometry.sites]]\ntip = [0.003, 0.0, 0.004]\ndirection = [0.0, 0.6, -0.8]\n"
    text = path.read_text(encoding="utf-8")
    text = text.replace("\n[thresholds]", second + "concentration = 3.0\n\n[thresholds]")
    text = text.replace(
        "\n[resolved.sources.agent]", f"{site}needle_radius = 4e-4\n\n[resolved.sources.agent]"
    )
    path.write_text(text, encoding="utf-8")
    stage = Stage(open_result(tmp_path))
    assert [deposit.site for deposit in stage.deposits()] == [0, 1]
    assert [deposit.end for deposit in stage.deposits()] == pytest.approx([60.0, 30.0])
    figure = draw(stage, "concentration")
    titles = {axes.get_title("left") for axes in figure.axes}
    assert {"Deposit 1, at 60 s", "Deposit 2, at 30 s"} <= titles
    plt.close(figure)
    # the cut of each deposit holds its own needle
    for site_number, needle in enumerate(stage.needles):
        plane = stage.section(30.0, site_number).plane
        assert plane.origin == pytest.approx(needle.tip)
        assert plane.up == pytest.approx(-needle.direction)


def test_a_figure_that_is_not_there_is_named(tmp_path: Path) -> None:
    result_folder(tmp_path, "radial")
    text = (tmp_path / "resolved.toml").read_text(encoding="utf-8")
    (tmp_path / "resolved.toml").write_text(text[: text.index("[[geometry.sites]]")], encoding="utf-8")
    result = open_result(tmp_path)
    assert set(available(result)) == {"ledger", "spill", "pressure", "shells"}
    with pytest.raises(ResultError, match="dose: needs a needle"):
        draw(result, "dose")
    with pytest.raises(ResultError, match="doze: no such figure"):
        draw(result, "doze")


def test_order_and_limit_of_a_known_sequence() -> None:
    lengths = [1.0, 1.5, 2.0, 3.0]
    found = fit(lengths, [5.0 + 0.1 * h**2 for h in lengths])
    assert found is not None and found.order == pytest.approx(2.0, abs=0.01)
    assert found.limit == pytest.approx(5.0, abs=1e-3)
    assert fit(lengths[:2], [1.0, 2.0]) is None
    assert fit(lengths, [1.0, 2.0, 1.0, 2.0]) is None
    flat = fit(lengths, [3.0] * 4)
    assert flat is not None and flat.order is None and flat.limit == 3.0


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

# SPDX-License-Identifier: MIT
"""The interactive scene: opened from a file in a real browser, its sliders moved, its figures read."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from meshes.plain import Geometry
from postprocess.results.ablation import ablation
from postprocess.results.quantities import volume_text
from postprocess.results.result import open_result
from postprocess.scene.packing import MIDDLE, Scale, along_curve
from postprocess.scene.scene import write_scene
from tests.browser import Page, browser
from tests.synthetic_result import THRESHOLDS, TIMES, TUMOUR_RADIUS, ball, result_folder

pytestmark = pytest.mark.serial

GEOMETRIES: tuple[Geometry, ...] = ("radial", "axisymmetric", "3d")
READY = "document.body && document.body.dataset.ready === 'yes'"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Geometry, Path]:
    """A synthetic result of every geometry, with its scene."""
    root = tmp_path_factory.mktemp("scene")
    for geometry in GEOMETRIES:
        folder = result_folder(root / geometry, geometry, layers=6)
        write_scene(open_result(folder), folder / "scene.html")
    return {geometry: root / geometry for geometry in GEOMETRIES}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser for the tests of this file."""
    with browser(tmp_path_factory.mktemp("browser")) as page:
        page.size(1200, 800)
        yield page


def opened(page: Page, folder: Path) -> Page:
    page.requests.clear()
    page.complaints.clear()
    page.open((folder / "scene.html").as_uri())
    page.wait(READY)
    return page


def volume(page: Page, selector: str) -> float:
    """A volume [m3] as the page says it."""
    number, unit = page.text(selector).split()
    return float(number) * {"mL": 1e-6, "µL": 1e-9}[unit]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_figures_are_those_of_the_clipped_mesh(
    page: Page, folders: dict[Geometry, Path], geometry: Geometry
) -> None:
    """At every stored time, at thresholds that nobody named: the volumes of the other way to cut."""
    opened(page, folders[geometry])
    result = open_result(folders[geometry])
    for number, time in enumerate(TIMES[1:], start=1):
        for threshold in (1.7, 12.0):
            page.run(f"scene.choose({{time: {number}, threshold: {threshold}}})")
            expected = ablation(result.grid(time), geometry, "ct_dose", threshold)
            found = page.run("[scene.inTumour, scene.outside]")
            assert found[0] == pytest.approx(expected.in_tumour, rel=1e-3)
            assert found[1] == pytest.approx(expected.outside, rel=1e-3, abs=1e-4 * expected.volume)


def test_sliders_change_the_figures(page: Page, folders: dict[Geometry, Path]) -> None:
    """Knobs are dragged with the mouse, as a person would."""
    opened(page, folders["3d"])
    at_end = volume(page, "#ablated")
    page.slide("#threshold", 0.05)
    lower = volume(page, "#ablated")
    assert lower > 1.1 * at_end
    page.slide("#time", 0.0)
    page.wait("document.querySelector('#ablated').textContent === '0 mL'")
    assert page.text("#time-text").startswith("0 s")
    assert page.text("#coverage") == "0 %"
    page.slide("#time", 1.0)
    page.wait("document.querySelector('#time-text').textContent === '212 s'")
    assert volume(page, "#ablated") == lower


def test_figures_agree_with_the_summary(page: Page, folders: dict[Geometry, Path]) -> None:
    """The buttons of the case's thresholds, at the end of the run; the mesh of 6 layers is coarse."""
    opened(page, folders["3d"])
    for number, threshold in enumerate(THRESHOLDS):
        page.click(f"#levels button:nth-child({number + 1})")
        page.wait(f"Math.abs(scene.state.threshold - {threshold}) < 1e-12")
        entry = open_result(folders["3d"]).summary["ablation"][number]
        assert volume(page, "#ablated") == pytest.approx(entry["volume_m3"], rel=0.03)
        missed = volume(page, "#untreated") + volume(page, "#in-tumour")
        assert missed == pytest.approx(ball(TUMOUR_RADIUS), rel=5e-3)
        assert volume_text(entry["volume_m3"]) in page.text("#summary")
    page.slide("#threshold", 0.7)
    assert "marked thresholds" in page.text("#summary")


def test_scene_is_drawn_turned_cut_and_peeled(page: Page, folders: dict[Geometry, Path]) -> None:
    """Every layer shows in the picture; so do turning and cutting open."""
    opened(page, folders["3d"])
    seen = [page.picture()]

    def changed() -> None:
        page.run("new Promise(requestAnimationFrame)")
        page.run("new Promise(requestAnimationFrame)")
        seen.append(page.picture())
        assert seen[-1] not in seen[:-1]

    left, top, width, height = page.place("#picture")
    page.drag((left + width / 2, top + height / 2), (left + width / 2 + 120, top + height / 2 + 40))
    changed()
    page.slide("#cut", 0.5)
    changed()
    for layer in ("hit", "escaped", "needles", "tumour"):
        page.click(f"#show-{layer}")
        changed()
    pixels = page.run(
        "Array.from(new Set(scene.painter.gl && (() => { const gl = scene.painter.gl, "
        "data = new Uint8Array(4 * gl.drawingBufferWidth * gl.drawingBufferHeight);"
        "gl.readPixels(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight, gl.RGBA,"
        "gl.UNSIGNED_BYTE, data); return data; })()))"
    )
    assert pixels == [255], "with every layer off the picture is white"


def test_page_needs_nothing_but_itself(page: Page, folders: dict[Geometry, Path]) -> None:
    file = folders["3d"] / "scene.html"
    opened(page, folders["3d"])
    page.slide("#time", 0.5)
    assert page.requests == [file.as_uri()]
    assert page.complaints == []
    assert file.stat().st_size < 20e6


def test_page_fits_a_phone(page: Page, folders: dict[Geometry, Path]) -> None:
    page.size(390, 844)
    try:
        opened(page, folders["3d"])
        assert page.run("document.documentElement.scrollWidth") <= 390
        _, _, width, height = page.place("#picture")
        assert width == 390 and height > 250
        page.slide("#threshold", 0.9)
        assert volume(page, "#ablated") < 1e-6
    finally:
        page.size(1200, 800)


def test_before_it_is_drawn_the_scene_says_so_on_a_light_ground(folders: dict[Geometry, Path]) -> None:
    """What stands in the page before any script has run; without scripts a sentence of its own."""
    source = (folders["radial"] / "scene.html").read_text(encoding="utf-8")
    assert '<p id="trouble" role="status">drawing ...</p>' in source
    assert "switched off here" in source[: source.index('<section class="panel">')]


def test_no_canvas_is_seen_until_it_is_drawn(page: Page, folders: dict[Geometry, Path]) -> None:
    seen = "getComputedStyle(document.querySelector('canvas')).visibility"
    opened(page, folders["radial"])
    assert page.run(seen) == "visible" and page.text("#trouble") == ""
    page.run("delete document.body.dataset.ready")
    assert page.run(seen) == "hidden"


def test_without_webgl_a_sentence_says_so(page: Page, folders: dict[Geometry, Path]) -> None:
    """No black box, no empty tiles: why, and where the zone is shown otherwise."""
    script = page.call(
        "Page.addScriptToEvaluateOnNewDocument", source="HTMLCanvasElement.prototype.getContext = () => null"
    )
    try:
        page.open((folders["radial"] / "scene.html").as_uri())
        page.wait("document.body && document.body.dataset.ready === 'no'")
        said = page.text("#trouble")
        assert "no WebGL 2" in said and "still pictures of the report" in said
        assert page.run("getComputedStyle(document.querySelector('dl')).display") == "none"
        assert page.run("getComputedStyle(document.querySelector('canvas')).visibility") == "hidden"
    finally:
        page.call("Page.removeScriptToEvaluateOnNewDocument", **script)


def test_a_title_is_text(page: Page, tmp_path: Path) -> None:
    folder = result_folder(tmp_path / "result", "radial", layers=4)
    summary = json.loads((folder / "summary.json").read_text())
    title = "</script><script>document.title = 'taken'</script><b>"
    summary["case"]["title"] = title
    summary["ablation"][0]["label"] = '"><img src=x onerror="document.title = 1">'
    (folder / "summary.json").write_text(json.dumps(summary))
    write_scene(open_result(folder), folder / "scene.html")
    opened(page, folder)
    assert page.text("h1") == title
    assert page.run("document.title").startswith("</script>")
    assert page.complaints == []


def test_levels_are_close_where_thresholds_are() -> None:
    scale = Scale(bend=0.01, top=400.0)
    values = np.concatenate([[-1e-3, 0.0], np.geomspace(1e-3, 400.0, 999)])
    levels = scale.levels(values).astype(float) - MIDDLE
    back = scale.bend * np.sinh(levels / MIDDLE * np.arcsinh(scale.top / scale.bend))
    assert levels[1] == 0
    large = values > 0.1
    assert np.abs(back[large] / values[large] - 1).max() < 2e-4


def test_order_along_the_curve_keeps_neighbours_together() -> None:
    points = np.random.default_rng(1).random((2000, 3))
    order = along_curve(points)
    assert sorted(order) == list(range(2000))
    steps = np.linalg.norm(np.diff(points[order], axis=0), axis=1)
    assert steps.mean() < 0.3 * np.linalg.norm(np.diff(points, axis=0), axis=1).mean()

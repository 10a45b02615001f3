# SPDX-License-Identifier: MIT
"""Vessels, tracks and side holes of pictures, against what the case asks for."""

from pathlib import Path

import numpy as np
import pytest
import pyvista as pv

from postprocess.figures.render import Shot, take
from postprocess.figures.stage import Stage
from postprocess.figures.vasculature import (
    HOLES,
    LINES,
    MOST_EDGES,
    SIDES,
    TRACK,
    Tubes,
    additions,
    tracks,
    vessel_regions,
    vessels,
)
from postprocess.results.ablation import volume
from postprocess.results.result import ResultError, open_result
from postprocess.scene.data import scene_data
from postprocess.scene.scene import write_scene
from postprocess.scene.shown import Cut, Shown
from tests.browser import browser
from tests.lines_in_results import HOLE_BEHIND, PLACES, VESSEL_RADIUS, with_vein, with_vessels
from tests.synthetic_result import result_folder

pytestmark = pytest.mark.serial


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result in space with all of it."""
    path = result_folder(tmp_path_factory.mktemp("vessels") / "result", "3d", layers=5)
    with_vessels(path)
    with_vein(path)
    return path


def test_a_tube_has_the_side_of_its_cone_and_faces_outwards() -> None:
    """A cone cut off: the area of its side is pi (r1 + r2) times the slant, less what 14 sides leave out."""
    places = np.array([[0.0, 0.0, 0.0], [0.01, 0.02, -0.02]])
    tube = Tubes(places=places, edges=np.array([[0, 1]]), radii=np.array([1e-3, 2e-3]))
    length = float(np.linalg.norm(places[1]))
    side = pv.PolyData.from_regular_faces(tube.surface().points, tube.surface().regular_faces[: 2 * SIDES])
    area = np.pi * 3e-3 * np.hypot(length, 1e-3)
    assert side.area == pytest.approx(area, rel=0.02)
    normals = np.asarray(
        side.compute_normals(auto_orient_normals=False, consistent_normals=False).cell_normals
    )
    centres = np.asarray(side.cell_centers().points)
    away = centres - np.outer(centres @ places[1] / length**2, places[1])
    assert (np.einsum("ij,ij->i", normals, away) > 0).all()


def test_a_large_network_is_drawn_with_bounded_effort() -> None:
    """A chain of very many places keeps its way, length and width; of too many branches the widest stay."""
    turns = np.linspace(0.0, 6.0 * np.pi, 200_000)
    places = 0.02 * np.column_stack([np.cos(turns), np.sin(turns), 0.1 * turns])
    chain = np.column_stack([np.arange(len(places) - 1), np.arange(1, len(places))])
    thin = Tubes(places=places, edges=chain, radii=np.full(len(places), 5e-4)).thinned(MOST_EDGES)
    assert 200 < len(thin.edges) <= MOST_EDGES
    assert np.linalg.norm(thin.places[:, :2], axis=1) == pytest.approx(np.full(len(thin.places), 0.02))
    lengths = np.linalg.norm(np.diff(thin.places[thin.edges], axis=1)[:, 0], axis=1)
    assert lengths.sum() == pytest.approx(0.02 * np.hypot(1.0, 0.1) * turns[-1], rel=0.02)
    assert thin.surface().n_cells < 240 * MOST_EDGES
    some = np.random.default_rng(1).uniform(-0.05, 0.05, (20_000, 3))
    radii = np.linspace(1e-5, 1e-3, len(some))
    pairs = np.arange(len(some)).reshape(-1, 2)
    kept = Tubes(places=some, edges=pairs, radii=radii).thinned(500)
    assert len(kept.edges) == 500 and kept.radii.min() > 0.9e-3
    few = Tubes(places=some[:4], edges=np.array([[0, 1], [2, 3]]), radii=radii[:4])
    assert few.thinned(2) is few


def test_vessels_of_a_result_are_built_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = open_result(folder)
    first = additions(result, result.needles)[LINES]
    monkeypatch.setattr(Tubes, "thinned", None)
    again = additions(open_result(folder), result.needles)[LINES]
    assert again is not first and np.array_equal(again.points, first.points)


def test_side_holes_belong_to_their_needle(folder: Path) -> None:
    result = open_result(folder)
    (needle,) = result.needles
    assert needle.holes == pytest.approx((HOLE_BEHIND,))
    ring = additions(result, result.needles)[HOLES]
    middle = np.asarray(ring.points).mean(axis=0)
    assert middle == pytest.approx(needle.tip - HOLE_BEHIND * needle.direction, abs=1e-9)


def test_lines_and_track_lie_where_the_case_says(folder: Path) -> None:
    result = open_result(folder)
    (vessel,) = vessels(result)
    assert vessel.places == pytest.approx(np.array(PLACES))
    found = additions(result, result.needles)
    assert set(found) == {LINES, HOLES, TRACK}
    low, high = np.asarray(found[LINES].points).min(axis=0), np.asarray(found[LINES].points).max(axis=0)
    assert low[1] == pytest.approx(-0.02 - VESSEL_RADIUS, abs=5e-5)
    assert high[0] == pytest.approx(0.004 + VESSEL_RADIUS, abs=5e-5)
    (track,) = tracks(result, result.needles)
    assert np.linalg.norm(track.places[1] - track.places[0]) == pytest.approx(0.02)


def test_a_vein_of_cells_is_a_surface_around_them(folder: Path) -> None:
    grid = open_result(folder).grid(0.0)
    (name, surface), *others = vessel_regions(grid).items()
    assert name == "large_vein" and not others
    cells = grid.extract_cells(np.asarray(grid.cell_data["region"]) == 6)
    assert surface.is_manifold or surface.n_open_edges == 0
    assert surface.volume == pytest.approx(volume(cells, "3d"), rel=0.2), "smoothing keeps the size"


def test_an_edge_to_nowhere_is_refused(tmp_path: Path) -> None:
    path = result_folder(tmp_path / "result", "3d", layers=4)
    with_vessels(path)
    record = path / "resolved.toml"
    record.write_text(record.read_text().replace("[1, 2]]", "[1, 7]]"))
    with pytest.raises(ResultError, match="do not fit together"):
        vessels(open_result(path))
    record.write_text(record.read_text().replace("[1, 7]]", '[1, "x"]]'))
    with pytest.raises(ResultError, match=r"vessel_lines\[0\]"):
        open_result(path)


@pytest.mark.parametrize("kind", ["scene", "bands"])
def test_the_still_figure_shows_and_names_them(folder: Path, tmp_path: Path, kind: str) -> None:
    time = open_result(folder).times[-1]
    shot = Shot(kind=kind, time=time, key="ct_dose", levels=(4.5,), pixels=(300, 300))
    bare = open_result(result_folder(tmp_path / "bare", "3d", layers=5))
    found, without = take(Stage(open_result(folder)), shot), take(Stage(bare), shot)
    assert set(found["layers"]) == {"large_vein", LINES, TRACK} | ({HOLES} if kind == "bands" else set())
    assert without["layers"].size == 0
    assert (np.abs(found["image"].astype(int) - without["image"]).max(axis=2) > 20).sum() > 300


def test_a_cut_of_the_explorer_takes_vessels_and_leaves_the_track(folder: Path) -> None:
    shown = Shown(open_result(folder))
    whole = shown.beside()
    cut = shown.beside(Cut(origin=np.zeros(3), normal=np.array([0.0, 1.0, 0.0])))
    assert np.asarray(cut[LINES].points)[:, 1].max() < 1e-6 < np.asarray(whole[LINES].points)[:, 1].max()
    assert cut[TRACK] is whole[TRACK]


def test_layers_of_the_page_are_switched(folder: Path, tmp_path: Path) -> None:
    """In a browser: every layer has its switch, and switching it off changes the picture."""
    page_file = write_scene(open_result(folder), tmp_path / "scene.html")
    with browser(tmp_path) as page:
        page.size(900, 700)
        page.open(page_file.as_uri())
        page.wait("document.body && document.body.dataset.ready === 'yes'")
        page.run("['hit', 'escaped', 'tumour'].forEach((name) => element(`show-${name}`).click())")
        seen = []
        for name in ("", "large_vein", LINES, TRACK, HOLES):
            if name:
                page.run(f"element('show-{name}').click()")
            page.run("new Promise(requestAnimationFrame)")
            page.run("new Promise(requestAnimationFrame)")
            seen.append(page.run("element('picture').toDataURL()"))
        assert len(set(seen)) == len(seen)
        assert page.complaints == []
        count = scene_data(open_result(folder))["additions"][LINES]["cells"]["count"]
        assert page.run(f"scene.surfaces['{LINES}'].count") == 3 * count


def test_without_them_nothing_is_added(tmp_path: Path) -> None:
    result = open_result(result_folder(tmp_path / "result", "3d", layers=4))
    assert additions(result, result.needles) == {}
    assert vessel_regions(result.grid(0.0)) == {}
    assert scene_data(result)["additions"] == {}

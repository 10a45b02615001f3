# SPDX-License-Identifier: MIT
"""Maps of the probability of ablation: the grid, masks, counts of known masks, a sweep whose map is known."""

import json
import shutil
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest

from cases.cli import main
from cases.errors import ExitCode
from cases.sweeps.expand import load_sweep
from cases.sweeps.folder import Job, Plan
from cases.sweeps.mask import MASK, read_masks, write_masks
from cases.sweeps.probability import count, independent_draws, write_image
from meshes.cells.raster import Grid, grid_around, look_up
from meshes.plain import Geometry, PlainMesh
from postprocess.figures.style import save_figure
from postprocess.sweeps.probability import export_maps, map_table, open_map
from postprocess.sweeps.probability_figures import on_cut
from tests.case_files import REFERENCE

pytestmark = pytest.mark.serial

SWEEP = """
name = "chance"
case = "{case}"
set = ["geometry.kind=radial", "numerics.cells_per_front=2"]
[probability]
spacing = "0.1 mm"
margin = "10 mm"
[[axis]]
key = "injection.0.volume"
values = ["0.25 mL", "0.5 mL", "1 mL", "2 mL"]
"""


def ball(radius: float, grid: Grid) -> np.ndarray:
    return np.linalg.norm(grid.points, axis=1) <= radius


def test_volumes_of_a_grid_are_those_of_its_box() -> None:
    low, high = np.array([0.0, -0.01, -0.02]), np.array([0.01, 0.01, 0.02])
    assert grid_around("3d", low, high, 1e-3).volumes.sum() == pytest.approx(0.01 * 0.02 * 0.04)
    cylinder = grid_around("axisymmetric", low[1:], high[1:], 1e-3)
    assert cylinder.volumes.sum() == pytest.approx(np.pi * 0.01**2 * 0.04)
    assert grid_around("radial", low[:1], high[:1], 1e-3).volumes.sum() == pytest.approx(4 / 3 * np.pi * 1e-6)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_linear_fields_are_looked_up_exactly(dimension: int) -> None:
    """A simplex: points inside have the values of a linear field, points outside are known to be so."""
    kinds: dict[int, Geometry] = {1: "radial", 2: "axisymmetric", 3: "3d"}
    kind = kinds[dimension]
    points = np.vstack([np.zeros(dimension), np.eye(dimension)])
    cells = np.arange(dimension + 1)[None]
    none = np.zeros((0, dimension), dtype=np.int64)
    mesh = PlainMesh(
        geometry=kind,
        points=points,
        cells=cells,
        cell_tags=np.ones(1, np.int32),
        facets=none,
        facet_tags=np.zeros(0, np.int32),
    )
    grid = grid_around(kind, np.full(dimension, -0.2), np.full(dimension, 1.2), 0.07)
    found = look_up(grid, mesh)
    inside = (grid.points.sum(axis=1) <= 1) & (grid.points >= 0).all(axis=1)
    assert np.array_equal(found.inside, inside)
    field = 2.0 + points @ np.arange(1, dimension + 1)
    expected = 2.0 + grid.points @ np.arange(1, dimension + 1)
    assert found.values(field)[inside] == pytest.approx(expected[inside])


def test_masks_survive_their_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    inside, ablated = rng.random(1003) < 0.9, rng.random((3, 1003)) < 0.4
    write_masks(tmp_path / MASK, inside, ablated)
    found = read_masks(tmp_path / MASK, 1003)
    assert np.array_equal(found[0], inside) and np.array_equal(found[1], ablated)
    with pytest.raises(ValueError, match="another grid"):
        read_masks(tmp_path / MASK, 2000)
    (tmp_path / MASK).write_bytes(b"PK\x03\x04broken")
    with pytest.raises(ValueError, match="damaged"):
        read_masks(tmp_path / MASK, 1003)


def test_counts_of_known_masks() -> None:
    """Balls of growing radius: at distance r, the share of the balls that are larger, nothing else."""
    grid = grid_around("3d", np.full(3, -1.0), np.full(3, 1.0), 0.1)
    radii = [0.2, 0.4, 0.6, 0.8]
    everywhere, half = np.ones(np.prod(grid.shape), dtype=bool), grid.points[:, 0] > 0
    found = count(((everywhere, ball(r, grid)[None]) for r in radii), 1, everywhere.size)
    distance = np.linalg.norm(grid.points, axis=1)
    expected = np.mean([distance <= r for r in radii], axis=0)
    assert found.cases == 4
    assert np.array_equal(found.probabilities()[0], expected)
    # of a case without tissue at a point nothing is known there
    part = count([(half, (ball(0.6, grid) & half)[None]), (everywhere, ball(0.3, grid)[None])], 1, half.size)
    chance = part.probabilities()[0]
    ring = (distance > 0.3) & (distance <= 0.6)
    assert np.all(chance[ring & half] == 0.5) and np.all(chance[ring & ~half] == 0.0)
    none = count([(half, (half & False)[None])], 1, half.size)
    assert np.isnan(none.probabilities()[0][~half]).all()


def test_an_image_is_read_by_vtk_where_it_lies(tmp_path: Path) -> None:
    import pyvista as pv

    grid = grid_around("3d", np.array([-1.0, 0.0, 2.0]), np.array([1.0, 1.0, 5.0]), 0.25)
    values = (grid.points @ [1.0, 10.0, 100.0]).reshape(grid.shape)
    write_image(tmp_path / "image.vtkhdf", grid, {"field": values})
    image = pv.read(tmp_path / "image.vtkhdf")
    assert np.asarray(image.points) @ [1.0, 10.0, 100.0] == pytest.approx(
        np.asarray(image["field"]), rel=1e-5
    )
    flat = grid_around("axisymmetric", np.array([0.0, 2.0]), np.array([1.0, 5.0]), 0.25)
    write_image(tmp_path / "flat.vtkhdf", flat, {"field": (flat.points @ [1.0, 100.0]).reshape(flat.shape)})
    image = pv.read(tmp_path / "flat.vtkhdf")
    assert image.bounds[2:4] == (0.0, 0.0) and image.bounds[5] == pytest.approx(4.875)
    assert np.asarray(image.points) @ [1.0, 0.0, 100.0] == pytest.approx(np.asarray(image["field"]), rel=1e-5)


def test_a_sweep_makes_its_map(tmp_path: Path) -> None:
    """Zones of four volumes lie in one another: the steps of the map are at the radii of the summaries."""
    path, out = tmp_path / "chance.toml", tmp_path / "out"
    path.write_text(SWEEP.format(case=REFERENCE))
    assert main(["sweep", str(path), "--out", str(out), "--engine", "serial", "--quiet"]) == ExitCode.DONE
    found = open_map(out)
    assert found is not None and found.record["cases"] == 4
    summaries = [json.loads(p.read_text()) for p in out.glob("cases/*/summary.json")]
    (radii,) = found.axes
    for number, level in enumerate(found.record["levels"]):
        own = np.sort([entry["ablation"][number]["volume_m3"] for entry in summaries])
        chance = found.fields[level["name"]]
        for share, volume in zip((1.0, 0.75, 0.5, 0.25), own, strict=True):
            reached = radii[np.nan_to_num(chance) >= share].max()
            assert reached == pytest.approx(np.cbrt(3 * volume / (4 * np.pi)), abs=0.11e-3)
        assert level["mean_m3"] == pytest.approx(own.mean(), rel=0.05)
    assert found.record["tumour_m3"] == pytest.approx(4 / 3 * np.pi * 1e-6, rel=0.05)
    assert len(map_table(found).rows) == len(found.record["levels"])
    assert main(["sweep", "report", str(out)]) == ExitCode.DONE
    assert "Where tissue is ablated" in (out / "report.html").read_text()


def job(index: int, **inputs: float | str) -> Job:
    return Job(index=index, identity=f"{index:016x}", overrides=(), inputs=inputs)


def drawn(method: str | None, jobs: list[Job], *priors: str) -> Plan:
    """A plan whose cases have these inputs."""
    sample = method and {"method": method, "priors": [{"key": key} for key in priors]}
    return Plan(
        name="made",
        title="",
        base="",
        geometry="radial",
        ranks=1,
        keep="summary",
        jobs=tuple(jobs),
        batches=(),
        units=dict.fromkeys(jobs[0].inputs, ""),
        record={"sample": sample},
    )


def test_a_standard_error_is_that_of_independent_draws() -> None:
    """Points of the axes are no draws, nor are designs for indices; seeds are."""
    pairs = [(k, rate) for k in range(50) for rate in (1.0, 2.0, 3.0)]
    crossed = [job(i, k=float(k), rate=rate) for i, (k, rate) in enumerate(pairs)]
    assert independent_draws(drawn("sobol", crossed, "k"), crossed) == 50
    # as far as they are done
    assert independent_draws(drawn("sobol", crossed, "k"), crossed[:30]) == 10
    for method in ("saltelli", "morris"):
        assert independent_draws(drawn(method, crossed, "k"), crossed) is None
    assert independent_draws(drawn(None, crossed), crossed) is None
    fields = [job(i, **{"tissue_fields.0.seed": str(i), "rate": 1.0}) for i in range(20)]
    assert independent_draws(drawn(None, fields), fields) == 20
    both = [job(i, **{"a.seed": str(i % 4), "k": float(i // 4)}) for i in range(40)]
    assert independent_draws(drawn("random", both, "k"), both) == 4


def test_cases_that_are_one_and_masks_that_are_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A value twice makes one case; a case whose mask is gone is left out and named, not in the way."""
    path, out = tmp_path / "chance.toml", tmp_path / "out"
    path.write_text(SWEEP.format(case=REFERENCE).replace('"1 mL", "2 mL"', '"0.5 mL"'))
    command = ["sweep", str(path), "--out", str(out), "--engine", "serial", "--quiet"]
    assert main(command) == ExitCode.DONE
    found = open_map(out)
    assert found is not None and (found.record["cases"], found.record["missing"]) == (2, 0)
    assert found.record["standard_error"] is None
    assert main(["sweep", "report", str(out)]) == ExitCode.DONE
    page = (out / "report.html").read_text()
    assert "standard error" not in page and "Cases left out" not in page and "The geometry varies" not in page
    capsys.readouterr()
    lost = next(out.glob(f"cases/*/{MASK}"))
    lost.write_bytes(b"PK")
    assert main(["sweep", "report", str(out)]) == ExitCode.DONE
    assert f"remove {lost.parent} and run the sweep again" in capsys.readouterr().err
    found = open_map(out)
    assert found is not None and (found.record["cases"], found.record["missing"]) == (1, 1)
    assert "(1) without a mask that can be read" in (out / "report.html").read_text()
    shutil.rmtree(lost.parent)
    assert main(command) == ExitCode.DONE
    found = open_map(out)
    assert found is not None and found.record["cases"] == 2


def test_a_map_that_is_asked_for_no_more_is_gone(tmp_path: Path) -> None:
    """And one of cases with tumours of several sizes says whose outline it shows."""
    path, out = tmp_path / "chance.toml", tmp_path / "out"
    text = SWEEP.format(case=REFERENCE).replace('"0.25 mL", "0.5 mL", "1 mL", "2 mL"', '"0.25 mL"')
    text += '[[axis]]\nkey = "geometry.tumour.radius"\nvalues = ["9 mm", "10 mm"]\n'
    path.write_text(text)
    command = ["sweep", str(path), "--out", str(out), "--engine", "serial", "--quiet"]
    assert main(command) == ExitCode.DONE
    assert main(["sweep", "report", str(out)]) == ExitCode.DONE
    assert "The geometry varies" in (out / "report.html").read_text()
    (out / "probability_ct_4.5.nii.gz").touch()
    path.write_text(text.replace('[probability]\nspacing = "0.1 mm"\nmargin = "10 mm"\n', ""))
    assert main(command) == ExitCode.DONE
    assert not list(out.glob("probability*")) and not (out / "tumour.npy").exists()
    assert main(["sweep", "report", str(out)]) == ExitCode.DONE
    assert "Where tissue is ablated" not in (out / "report.html").read_text()


def test_another_map_of_finished_cases_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "chance.toml", tmp_path / "out"
    text = SWEEP.format(case=REFERENCE)
    text = text.replace('"0.5 mL", "1 mL", "2 mL"', "")
    path.write_text(text.replace('[probability]\nspacing = "0.1 mm"\nmargin = "10 mm"\n', ""))
    command = ["sweep", str(path), "--out", str(out), "--engine", "serial", "--quiet"]
    assert main(command) == ExitCode.DONE
    assert not (out / "probability.json").exists() and not list(out.glob(f"cases/*/{MASK}"))
    path.write_text(text)
    assert main(command) == ExitCode.OUTPUT
    assert "without this map" in capsys.readouterr().err


def test_the_cut_shows_a_map(tmp_path: Path) -> None:
    """A made-up map in 3-D of a tumour of 10 mm: the picture is drawn and holds its values."""
    grid = grid_around("3d", np.full(3, -0.016), np.full(3, 0.016), 1e-3)
    distance = np.linalg.norm(grid.points, axis=1).reshape(grid.shape) - 0.01
    chance = np.clip(-distance / 0.01, 0.0, 1.0)
    write_image(
        tmp_path / "probability.vtkhdf", grid, {"probability_ct_1": chance, "tumour_distance": distance}
    )
    told = {
        "volume_m3": {},
        "tumour_share": {},
        "outside_m3": {},
        "mean_m3": 1e-6,
        "mean_of_summaries_m3": 1e-6,
    }
    level = {"name": "probability_ct_1", "measure": "ct", "threshold": 1.0, "label": "1 g s/L", **told}
    needle = {"tip": [0, 0, 0], "direction": [0, 0, -1], "radius": 4e-4, "length": 0.1}
    shape = {"geometry": "3d", "origin": grid.origin, "spacing": grid.spacing, "shape": grid.shape}
    record = {"cases": 20, "missing": 0, "images": True, "grid": shape}
    record |= {"needles": [needle], "levels": [level]}
    (tmp_path / "probability.json").write_text(json.dumps(record))
    found = open_map(tmp_path)
    assert found is not None
    (path,) = export_maps(found)
    image = nibabel.Nifti1Image.from_filename(path)
    assert np.asarray(image.dataobj) == pytest.approx(chance, abs=1e-6)
    assert image.affine @ [16, 16, 16, 1] == pytest.approx([0.5, 0.5, 0.5, 1.0])
    figure = on_cut(found)
    shades = np.asarray(figure.axes[0].collections[0].get_array())
    assert 90 < shades.max() <= 100 and shades.min() == 0
    assert save_figure(figure, tmp_path / "cut.png").stat().st_size > 10_000
    with h5py.File(tmp_path / "probability.vtkhdf", "a") as file:
        del file["VTKHDF/PointData/tumour_distance"]
    with pytest.raises(Exception, match="damaged"):
        open_map(tmp_path)


def test_shipped_ensembles_load() -> None:
    """Each has 200 cases and asks for a map."""
    files = sorted((REFERENCE.parent / "sweeps").glob("*.toml"))
    assert {path.stem for path in files} >= {"ensemble_priors", "ensemble_fields"}
    for path in files:
        if path.stem.startswith("ensemble"):
            sweep = load_sweep(path)
            assert len(sweep.planned) == 200 and sweep.table.probability is not None

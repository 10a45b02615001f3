# SPDX-License-Identifier: MIT
"""Vascular routes in tissue: closed forms, books, the time step, comparison files, and the shipped ones."""

import json
from pathlib import Path

from mpi4py import MPI

import numpy as np
import pytest

from cases.cli import main
from cases.errors import CaseError, ExitCode
from cases.reading.load import load_case
from cases.routes.read import load_comparison
from cases.running.reuse import Reuse
from solver.parameters.model import Model
from solver.parameters.vessels import Body
from solver.routes.body import equivalent_minutes
from solver.routes.embolisation import embolised
from solver.routes.ledger import BOOKS
from solver.routes.metrics import Yardstick, place_of, tissue_measures
from solver.routes.parameters import Beads, Dose, Region, Route
from solver.routes.tissue import Exposure, Pace, expose
from solver.tissue.discretisation import Discretisation
from tests.case_files import REFERENCE

HOUR, DAY = 3600.0, 86400.0
BODY = Body(weight=70.0, central_volume=0.02, clearance=60e-3 / HOUR)
ARTERY = Region(artery_flow=0.4e-3 / 60, portal_flow=1.1e-3 / 60, tumour_share=0.95)
SHIPPED = sorted((REFERENCE.parent / "routes").glob("*.toml"))
QUICK = (
    'agent="gemcitabine"',
    'physics.agent_exchange="patlak"',
    'outputs.end="1 h"',
    "numerics.cells_per_front=3",
)


def route(kind: str = "intravenous", **more: object) -> Route:
    given = {"name": "test", "kind": kind, "body": BODY, "end": DAY, "region": ARTERY}
    given["doses"] = (Dose(start=0.0, amount=1e-3, duration=2 * HOUR),)
    return Route(**(given | more))  # type: ignore[arg-type]


def exposed(one: Route, pace: Pace | None = None, *changes: str) -> tuple[Discretisation, Model, Exposure]:
    case = load_case(REFERENCE, (*QUICK, *changes))
    model, reuse = case.model, Reuse()
    _, mesh = reuse.mesh(case.geometry, MPI.COMM_WORLD)
    data = reuse.data(mesh, model, case.geometry.sites)
    return data, model, expose(data, model, case.geometry.sites, one, pace or Pace())


def test_tissue_settles_at_what_arrives() -> None:
    """Long after the start of a steady infusion all tissue without reaction holds what its blood brings."""
    steady = route(doses=(Dose(start=0.0, amount=1e-2, duration=10 * DAY),), end=10 * DAY)
    data, _, found = exposed(steady)
    plateau = 1e-2 / (10 * DAY) / BODY.clearance
    assert found.tumour[-1] == pytest.approx(plateau, rel=1e-3)
    mean = tissue_measures(place_of(data), found.auc, found.peak, Yardstick())
    assert mean["tumour_auc_p5_kg_s_m3"] == pytest.approx(mean["tumour_auc_p95_kg_s_m3"], rel=0.01)
    # as far as the flow at rest is balanced
    assert mean["tumour_peak_p95_kg_m3"] <= plateau * (1 + 1e-7)


@pytest.mark.parametrize("kind", ["intravenous", "arterial", "chemoembolisation"])
def test_books_close(kind: str) -> None:
    """All that blood and beads bring to tissue is found; rows are what they are called."""
    beads = None
    if kind == "chemoembolisation":
        beads = Beads(
            embolised=0.9, vessel_pressure=0.5, fast_share=0.2, fast_time=HOUR, slow_time=DAY, escaping=0.2
        )
    _, _, found = exposed(route(kind, beads=beads))
    assert found.residual < 1e-10 and found.course.residual() < 1e-10
    assert tuple(found.books) == BOOKS and min(found.books.values()) >= 0.0
    assert (found.books["agent_from_beads"] > 0.0) == (beads is not None)
    if beads is None:
        assert 0.0 < found.into_tumour < 0.01 * 1e-3, "the tumour's own take is small"


def test_area_in_tissue_is_that_in_blood() -> None:
    """Linear exchange: once all has washed out, the AUC in the middle is that of blood."""
    _, _, found = exposed(route(end=3 * DAY))
    inside = found.auc[0]
    assert inside == pytest.approx(found.course.exposures[-1, 0], rel=2e-3)


def test_steps_of_hours_are_fine_enough() -> None:
    """Halving every step changes mean AUC by less than 0.1 % and the peak by less than 1 %."""
    one = route("arterial")
    coarse = exposed(one)[2]
    fine = exposed(one, Pace(first=30.0, growth=1.14, largest=7200.0))[2]
    assert np.mean(coarse.auc) == pytest.approx(np.mean(fine.auc), rel=1e-3)
    assert coarse.tumour.max() == pytest.approx(fine.tumour.max(), rel=1e-2)


def test_beads_hold_their_drug_in_place() -> None:
    """Where blood is stopped beads raise the tumour's exposure over that of the same dose by the vein."""
    beads = Beads(
        embolised=0.95, vessel_pressure=0.5, fast_share=0.1, fast_time=HOUR, slow_time=DAY, escaping=0.5
    )
    dose = (Dose(start=0.0, amount=1e-4, duration=600.0),)
    depot = exposed(route("chemoembolisation", beads=beads, doses=dose, end=5 * DAY))[2]
    vein = exposed(route(doses=dose, end=5 * DAY))[2]
    assert depot.auc[0] > 100 * vein.auc[0]
    returned = depot.course.amounts[-1]
    held = depot.books["agent_in_tumour"] + depot.books["agent_in_tissue"] + depot.books["agent_boundary"]
    released = 5e-5 * (1 - 0.1 * np.exp(-5 * DAY / HOUR) - 0.9 * np.exp(-5 * DAY / DAY))
    assert returned[6] == pytest.approx(held, rel=0.05, abs=1e-3 * released)


def test_all_ranks_agree() -> None:
    """Two ranks: the same books and areas as the closed total on one, which the residual witnesses."""
    data, _, found = exposed(route("arterial"), None, "geometry.kind=axisymmetric")
    assert found.residual < 1e-10
    inflow = found.books["agent_from_blood"]
    assert data.halo.comm.allgather(inflow) == [inflow] * data.halo.comm.size
    mean = tissue_measures(place_of(data), found.auc, found.peak, Yardstick(half_effect=1e9))
    assert mean["below_half_effect_fraction"] == 1.0
    radial = exposed(route("arterial"))
    known = tissue_measures(place_of(radial[0]), radial[2].auc, radial[2].peak, Yardstick())
    assert mean["tumour_auc_mean_kg_s_m3"] == pytest.approx(known["tumour_auc_mean_kg_s_m3"], rel=0.02)


def test_a_necrotic_core_is_reached_late_and_beads_do_not_lie_in_it() -> None:
    """No vessels, so diffusion alone: the core sees less of a short infusion than the perfused rim."""
    changes = ("geometry.necrotic_core.fraction=0.5",)
    data, _, vein = exposed(route(), None, *changes)
    radius = data.mesh.points[:, 0]
    core, rim = radius < 3e-3, (radius > 6e-3) & (radius < 9e-3)
    peaks = vein.peak
    assert peaks[core].max(initial=0.0) < 0.5 * peaks[rim].min()
    beads = Beads(
        embolised=0.9, vessel_pressure=0.5, fast_share=1.0, fast_time=60.0, slow_time=60.0, escaping=0.0
    )
    depot = exposed(route("chemoembolisation", beads=beads, end=2 * HOUR + 60.0), None, *changes)[2]
    assert depot.peak[core].max(initial=0.0) < 0.5 * depot.peak[rim].min()
    assert vein.residual < 1e-10 and depot.residual < 1e-10


def test_embolisation_changes_the_tumour_alone() -> None:
    beads = Beads(
        embolised=0.9, vessel_pressure=0.5, fast_share=0.1, fast_time=1.0, slow_time=1.0, escaping=0.0
    )
    data = exposed(route(end=60.0, doses=(Dose(start=0.0, amount=1e-3),)))[0]
    changed = embolised(data, (), beads)
    inside, before, after = data.pairs.inside, data.materials, changed.materials
    for name in ("perfusion", "permeability_surface", "vessel_conductance", "supply"):
        was, left = getattr(before, name), getattr(after, name)
        assert left[inside] == pytest.approx(0.1 * was[inside]), name
        assert (left[~inside] == was[~inside]).all(), name
    assert (after.vessel_pressure[inside] == 0.5 * before.vessel_pressure[inside]).all()
    assert (after.vessel_pressure[~inside] == before.vessel_pressure[~inside]).all()
    assert embolised(data, (), None) is data


def test_stopped_blood_takes_the_pressure_and_the_closing_with_it() -> None:
    """p_v falls to 0.3 of itself; vessels exchange about it and half close above it as before."""
    beads = Beads(
        embolised=0.9, vessel_pressure=0.3, fast_share=0.1, fast_time=1.0, slow_time=1.0, escaping=0.0
    )
    data = exposed(route(end=60.0, doses=(Dose(start=0.0, amount=1e-3),)))[0]
    inside, before = data.pairs.inside, data.materials
    after = embolised(data, (), beads).materials
    assert after.vessel_pressure[inside] == pytest.approx(0.3 * before.vessel_pressure[inside])
    for name in ("effective_vessel_pressure", "half_closed"):
        above = [getattr(m, name) - m.vessel_pressure for m in (before, after)]
        assert above[1] == pytest.approx(above[0], abs=1e-9), name


def test_quantiles_and_what_heat_adds() -> None:
    """Quantiles of -C are those of C turned round; a factor of two makes half the exposure do."""
    data = exposed(route(end=60.0, doses=(Dose(start=0.0, amount=1e-3),)))[0]
    place, rising = place_of(data), np.linalg.norm(data.mesh.points, axis=1)
    up, down = (tissue_measures(place, sign * rising, rising, Yardstick()) for sign in (1.0, -1.0))
    for low, high in ((5, 95), (50, 50)):
        assert up[f"tumour_auc_p{low}_kg_s_m3"] == pytest.approx(-down[f"tumour_auc_p{high}_kg_s_m3"])
    even = np.ones(rising.size)
    for factor, below in ((1.0, 1.0), (2.0, 0.0)):
        yardstick = Yardstick(half_effect=1.5, kill_factor=factor)
        assert tissue_measures(place, even, even, yardstick)["below_half_effect_fraction"] == below


def test_minutes_at_43_degrees() -> None:
    """Sapareto and Dewey: each degree below takes four times as long, each above half as long."""
    for celsius, minutes in ((41.0, 60.0 / 16), (42.0, 15.0), (43.0, 60.0), (44.0, 120.0)):
        assert equivalent_minutes(celsius + 273.15, 3600.0) == pytest.approx(minutes)


HEAD = f'name = "two"\ncase = "{REFERENCE}"\nset = ["numerics.cells_per_front=3"]\nend = "1 d"\n'
VEIN = '[[route]]\nname = "vein"\nkind = "intravenous"\nagent = "cisplatin"\ndose = [{ amount = "100 mg" }]\n'
PUMP = VEIN.replace("vein", "artery").replace("intravenous", "arterial").replace("mg", 'mg", duration = "2 h')


@pytest.mark.serial
def test_the_command_writes_record_and_page(tmp_path: Path) -> None:
    path, out = tmp_path / "two.toml", tmp_path / "out"
    path.write_text(HEAD + "injection = true\n" + VEIN + PUMP)
    assert main(["compare", str(path), "--out", str(out), "--quiet"]) == ExitCode.DONE
    record = json.loads((out / "comparison.json").read_text())
    injection, vein, artery = record["routes"]
    assert [entry["name"] for entry in record["routes"]] == ["injection", "vein", "artery"]
    assert injection["given_kg"] == pytest.approx(3e-6) and injection["tumour_peak_p95_kg_m3"] <= 3.0
    assert artery["plasma_auc_kg_s_m3"] == pytest.approx(0.9 * vein["plasma_auc_kg_s_m3"], rel=1e-3)
    assert artery["tumour_auc_mean_kg_s_m3"] > 1.5 * vein["tumour_auc_mean_kg_s_m3"]
    assert vein["regional_advantage"] == pytest.approx(1.0)
    page = (out / "report.html").read_text()
    assert "regional advantage" in page and page.count("data:image/svg") >= 2
    assert main(["compare", str(path), "--out", str(out), "--quiet", "--overwrite"]) == ExitCode.DONE


@pytest.mark.serial
@pytest.mark.parametrize(
    ("text", "word"),
    [
        (VEIN.replace("cisplatin", "cisplatine"), "cisplatine"),
        (VEIN.replace("intravenous", "arterial"), "duration"),
        (VEIN.replace("intravenous", "isolated"), "circuit"),
        (VEIN + VEIN, "two ways in"),
        (VEIN.replace('mg"', 'mg", times = 2'), "every"),
        (VEIN.replace('mg"', 'mg", start = "2 d"'), "end of the file"),
        (VEIN.replace("100 mg", "100"), "unit"),
        (VEIN.replace('mg"', 'mg", times = 2000, every = "10 s"'), "1000 doses"),
        ('largest_step = "1 us"\n' + VEIN, "100000 steps"),
    ],
)
def test_what_does_not_fit_is_said(text: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(HEAD + text)
    with pytest.raises(CaseError, match=word):
        load_comparison(str(path))


@pytest.mark.serial
def test_large_vessels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "veins.toml"
    path.write_text(HEAD.replace(str(REFERENCE), str(REFERENCE.parent / "draining_vein.toml")) + VEIN)
    with pytest.raises(CaseError, match="large vessels"):
        load_comparison(str(path))


@pytest.mark.serial
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_comparisons_are_valid(path: Path) -> None:
    comparison = load_comparison(str(path))
    assert all(one.given > 0 for one, _ in comparison.routes)


@pytest.mark.serial
def test_a_saturated_pump_is_flagged(tmp_path: Path) -> None:
    """1 g/m^2 in half an hour is far beyond the doses at which the extraction was measured."""
    text = PUMP.replace("cisplatin", "gemcitabine").replace("100 mg", "1.8 g").replace("2 h", "30 min")
    path, out = tmp_path / "pump.toml", tmp_path / "out"
    path.write_text(HEAD + text)
    assert main(["compare", str(path), "--out", str(out), "--quiet"]) == ExitCode.DONE
    (entry,) = json.loads((out / "comparison.json").read_text())["routes"]
    assert "extrapolated" in entry["flags"][0]["message"]
    assert load_comparison(str(path)).routes[0][0].region.capacity > 0


@pytest.mark.serial
def test_the_question_of_vein_or_artery(tmp_path: Path) -> None:
    """The shipped comparison: R_d of 5-FU and cisplatin as computed by hand, plasma lowered by E alone."""
    (path,) = (path for path in SHIPPED if path.stem == "iv_versus_arterial")
    assert main(["compare", str(path), "--out", str(tmp_path / "out"), "--quiet"]) == ExitCode.DONE
    found = {e["name"]: e for e in json.loads((tmp_path / "out/comparison.json").read_text())["routes"]}
    for drug, clearance, extraction in (("fluorouracil", 60.0, 0.35), ("cisplatin", 28.0, 0.1)):
        vein, artery = found[f"{drug}-vein"], found[f"{drug}-artery"]
        by_hand = 1 + clearance / (24.0 * (1 - extraction))
        assert artery["regional_advantage_formula"] == pytest.approx(by_hand, rel=1e-9)
        # 95 % of what the tumour receives is arterial
        assert artery["regional_advantage"] == pytest.approx(1 + 0.95 * (by_hand - 1), rel=1e-3)
        lowered = artery["plasma_auc_kg_s_m3"] / vein["plasma_auc_kg_s_m3"]
        assert lowered == pytest.approx(1 - extraction, rel=1e-3)
        assert artery["tumour_auc_mean_kg_s_m3"] < artery["arterial_auc_kg_s_m3"]


@pytest.mark.serial
def test_what_a_bead_leaves_about_its_vessel(tmp_path: Path) -> None:
    """The shipped depot: 5 uM at 8 h to 0.65 at a month within 0.6 mm (Namur et al. 2011), plasma peaks."""
    (path,) = (path for path in SHIPPED if path.stem == "tace_depot")
    assert main(["compare", str(path), "--out", str(tmp_path / "out"), "--quiet"]) == ExitCode.DONE
    found = {e["name"]: e for e in json.loads((tmp_path / "out/comparison.json").read_text())["routes"]}
    curves = found["one-vessel"]["curves"]
    levels = np.interp([8 * HOUR, 30 * DAY], curves["time_s"], curves["near_tip_kg_m3"]) / 0.5435e-3
    assert levels == pytest.approx([5.0, 0.65], rel=0.1)
    reach = np.interp([8 * HOUR, 7 * DAY], curves["time_s"], curves["reach_m"])
    assert (reach >= 0.6e-3).all() and reach[0] < 2e-3
    assert 0.02e-3 < found["beads"]["plasma_peak_kg_m3"] < 0.12e-3
    assert found["oil"]["plasma_peak_kg_m3"] > 5 * found["beads"]["plasma_peak_kg_m3"]
    assert found["beads"]["oxygen"]["after_hypoxic_fraction"] == 1.0
    assert found["beads"]["oxygen"]["before_hypoxic_fraction"] < 0.1
    assert not any("free drug" in flag["message"] for flag in found["beads"]["flags"])

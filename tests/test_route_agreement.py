# SPDX-License-Identifier: MIT
"""Body and tissue agree in every step, also where tissue takes all it sees; what does not fit is told."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from mpi4py import MPI

import numpy as np
import pytest

from cases.commands.compare import _checked
from cases.errors import CaseError, ExitCode
from cases.reading.load import load_case
from cases.routes.entries import flags
from cases.routes.read import load_comparison
from postprocess.figures.exposures import draw_exposures
from postprocess.pages.routes_tables import route_tables
from solver.agent.transport import Transport
from solver.routes.agreement import AGREED, MOST, SPENT, Balance, Offer, offered
from solver.routes.body import phases
from solver.routes.coupling import Part, doubts
from solver.routes.embolisation import bead_places
from solver.routes.ledger import RouteLedger
from solver.routes.metrics import Yardstick, place_of, tissue_measures
from solver.routes.parameters import Dose
from solver.routes.pharmacokinetics import PLASMA, STORE, BodyError, Walk, follow
from solver.routes.tissue import Pace, resting
from tests.case_files import REFERENCE
from tests.test_route_coupling import BEADS, BINDS, KINDS, LIMB, SATURABLE, given_by
from tests.test_routes import ARTERY, BODY, HEAD, HOUR, QUICK, VEIN, exposed, route

AT_ONCE = (Dose(start=0.0, amount=1e-3),)


@pytest.mark.parametrize(("volume", "halved"), [(3e-4, False), (3e-5, True)])
def test_a_circuit_that_is_small_beside_its_tissue(volume: float, halved: bool) -> None:
    """Putting what tissue takes for what it took ran away here: a store fell to -16 % of the dose."""
    circuit = replace(LIMB, volume=volume, elimination=0.0)
    one = route("isolated", circuit=circuit, doses=AT_ONCE, end=4 * HOUR)
    _, _, found = exposed(one, None, *BINDS)
    assert found.disagreement <= AGREED and found.owed <= SPENT
    assert found.course.amounts.min() >= -SPENT * 1e-3, "of the dose"
    assert (np.diff(found.course.times).min() < 45.0) == halved, "a store would owe drug after a whole step"
    assert found.residual < 1e-10 and found.apart < 1e-10 and found.course.residual() < 1e-10
    short = exposed(one, Pace(first=10.0, growth=1.15, largest=900.0), *BINDS)[2]
    assert found.course.exposures[-1] == pytest.approx(short.course.exposures[-1], rel=0.03)
    assert np.mean(found.auc) == pytest.approx(np.mean(short.auc), rel=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_body_and_tissue_agree_to_the_end(kind: str) -> None:
    """Of what arrives in the step itself, a day after the dose as well, not of the most that ever did."""
    _, _, found = exposed(given_by(kind), None, *BINDS)
    assert found.disagreement <= AGREED and found.owed <= SPENT
    assert found.tries >= found.course.times.size - 1


@pytest.mark.parametrize("slope", [0.01, 0.9, 3.0, 1e3])
def test_the_balance_is_found_however_steeply_tissue_takes(slope: float) -> None:
    """f(X) = max(1 - s X, -0.5): X = 1/(1 + s), where repeating f itself runs away for s > 1."""
    balance, guess = Balance(), 0.0
    for _ in range(MOST):
        guess = balance.better(guess, max(1.0 - slope * guess, -0.5))
        if guess == pytest.approx(1 / (1 + slope), rel=1e-6):
            return
    pytest.fail(f"at {guess} after {MOST} tries")


def test_a_halved_step_leads_where_the_whole_one_does() -> None:
    one = replace(given_by("isolated"), end=3 * HOUR)
    law, times = phases(one), np.array([0.0, 1000.0, HOUR, HOUR + 600.0, 3 * HOUR])
    walk = Walk(law, times)
    for number in range(8):
        if number in (0, 3, 5):
            walk.halve()
        if walk.number < walk.steps:
            walk.take(walk.tried(0.0))
    course, whole = walk.course(), follow(law, times)
    assert walk.number == walk.steps == 7
    kept = np.isin(course.times, times)
    assert kept.sum() == times.size
    for name in ("amounts", "exposures", "concentrations", "given"):
        assert getattr(course, name)[kept] == pytest.approx(getattr(whole, name), rel=1e-9, abs=1e-18), name


class Others:
    """A communicator of which this is one rank; rank 0 has said ``word``."""

    def __init__(self, rank: int, word: Any = None) -> None:
        self.rank, self.word = rank, word

    def bcast(self, word: Any) -> Any:
        self.word = word if self.rank == 0 else self.word
        return self.word


def told(walk: Any, comm: Others) -> Offer:
    return offered(cast(Walk, walk), 0.0, True, cast(MPI.Comm, comm))


def test_rank_0_walks_for_all() -> None:
    """Other ranks take all that a step branches on from it, and its failure too; nobody waits for ever."""

    def fails(_: float) -> None:
        raise BodyError("too stiff")

    first = Others(0)
    with pytest.raises(BodyError, match="stiff"):
        told(SimpleNamespace(tried=fails), first)
    with pytest.raises(BodyError, match="stiff"):
        told(None, Others(1, first.word))
    law = phases(route())
    told(Walk(law, np.array([0.0, 2 * HOUR, 24 * HOUR])), first)
    assert told(None, Others(1, first.word)) is first.word and first.word.arriving.min() > 0.0


def test_a_body_that_is_not_finite_is_refused() -> None:
    walk = Walk(phases(route()), np.array([0.0, 2 * HOUR, 24 * HOUR]))
    with pytest.raises(BodyError, match="finite"):
        walk.tried(float("nan"))


def test_what_is_not_a_number_leaves_the_books_open() -> None:
    data, model, _ = exposed(route(end=60.0, doses=AT_ONCE))
    flow = resting(data, model)
    transport, still = Transport(data, model.agent, model.physics, model.numerics), flow.state.stored
    transport.plasma = 1.0
    done = transport.step(transport.initial_state(), (still, still), flow, 0.0 * still, 60.0)
    ledger = RouteLedger(data, still, 1.0)
    ledger.add(done, 60.0, None, (0.0, 0.0, 0.0))
    assert ledger.residual < 1e-10
    state = replace(done.state, concentration=np.nan * still)
    ledger.add(replace(done, state=state), 60.0, None, (0.0, 0.0, 0.0))
    assert np.isnan(ledger.residual)
    ledger.add(done, 60.0, None, (0.0, 0.0, 0.0))
    assert np.isnan(ledger.residual), "once open, they stay so"


@pytest.mark.serial
@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("body_residual_relative", None, ExitCode.DONE),
        ("body_residual_relative", 1e-11, ExitCode.DONE),
        ("body_residual_relative", float("nan"), ExitCode.UNPHYSICAL),
        ("tissue_residual_relative", 1e-9, ExitCode.UNPHYSICAL),
        ("coupling_disagreement_relative", AGREED, ExitCode.DONE),
        ("coupling_disagreement_relative", 2 * AGREED, ExitCode.UNPHYSICAL),
        ("owed_by_a_store_relative", 2e-3, ExitCode.DONE),
        ("owed_by_a_store_relative", 0.16, ExitCode.UNPHYSICAL),
    ],
)
def test_a_comparison_fails_on_what_cannot_be(name: str, value: Any, code: int, tmp_path: Path) -> None:
    record = tmp_path / "comparison.json"
    record.write_text(json.dumps({"routes": [{"tissue_residual_relative": 0.0}, {name: value}]}))
    assert _checked(record) == code


def test_what_cannot_be_is_flagged() -> None:
    one = route(end=60.0, doses=AT_ONCE)
    found, case = exposed(one)[2], load_case(REFERENCE, QUICK)
    assert flags(one, found, case) == []
    amiss = flags(one, replace(found, disagreement=0.3, owed=float("nan")), case)
    assert [flag["level"] for flag in amiss] == ["invalid", "invalid"]
    assert "0.3" in amiss[0]["message"] and "store" in amiss[1]["message"]


@pytest.mark.serial
def test_a_leak_of_all_is_refused(tmp_path: Path) -> None:
    """Its rate would be without bound."""
    path = tmp_path / "limb.toml"
    circuit = '[route.circuit]\nvolume = "5 L"\nleak_fraction = 1.0\n'
    path.write_text(HEAD + VEIN.replace("intravenous", "isolated") + circuit)
    with pytest.raises(CaseError, match="leak_fraction"):
        load_comparison(str(path))


FITS = Part(fluid=1e-4, bound=1e-4, tumour=0.0, organ=0.0)
EATS = replace(FITS, tumour=1e-9, organ=1e-6)
TWO = replace(BODY, exchange_flow=1e-5, peripheral_volume=0.04)


@pytest.mark.parametrize(
    ("more", "part", "words"),
    [
        ({}, FITS, ""),
        ({}, replace(FITS, organ=1.0), "clearance of the body"),
        ({}, replace(FITS, bound=1.0), "volume of distribution"),
        ({"body": TWO}, replace(FITS, bound=0.019), ""),
        ({"body": TWO}, replace(FITS, bound=1.0), "peripheral volume"),
        ({"kind": "arterial", "region": replace(ARTERY, extraction=0.2)}, EATS, ""),
        ({"kind": "arterial", "region": replace(ARTERY, extraction=0.02)}, EATS, "extraction of the organ"),
        ({"region": replace(ARTERY, extraction=0.02)}, EATS, ""),
        ({"kind": "arterial", "region": SATURABLE}, FITS, ""),
        ({"kind": "arterial", "region": SATURABLE}, EATS, "first pass that saturates"),
        ({"kind": "isolated", "circuit": replace(LIMB, elimination=1e-3)}, EATS, ""),
        ({"kind": "isolated", "circuit": LIMB}, EATS, "loss of the circuit"),
    ],
)
def test_every_bound_that_bites_is_told(more: dict[str, Any], part: Part, words: str) -> None:
    """Where tissue does not fit into body, organ or circuit its drug counts twice, and that is said."""
    kind = str(more.get("kind", "intravenous"))
    found = doubts(route(kind, **{name: value for name, value in more.items() if name != "kind"}), part)
    assert len(found) == bool(words) and all(words in doubt for doubt in found)


def test_a_tumour_without_blood_has_no_oxygen_to_lose() -> None:
    one = route("chemoembolisation", beads=BEADS, end=4 * HOUR)
    changes = ('tissues.tumour.perfusion="0 1/s"',)
    _, _, found = exposed(one, None, *changes)
    assert found.oxygen is None and found.books["agent_from_beads"] > 0.0
    case = load_case(REFERENCE, (*QUICK, *changes))
    assert any("nothing is told of its oxygen" in flag["message"] for flag in flags(one, found, case))


@pytest.mark.serial
def test_a_mesh_of_tumour_alone_has_its_measures(tmp_path: Path) -> None:
    """No tissue around, as `regions = {"*" = "tumour"}` of a mesh gives: nothing is told of it."""
    data, _, found = exposed(route(end=HOUR))
    place = place_of(data)
    alone = replace(place, pairs=replace(place.pairs, inside=np.ones_like(place.pairs.inside)))
    measures = tissue_measures(alone, found.auc, found.peak, Yardstick(half_effect=1.0))
    assert measures["tissue_auc_mean_kg_s_m3"] is None and measures["selectivity"] is None
    assert measures["tumour_auc_mean_kg_s_m3"] > 0.0
    entry = {"name": "a", "title": "a", "agent": "b", "plasma_auc_kg_s_m3": 1.0, **measures}
    assert not any("normal tissue" in words for table in route_tables([entry]) for words in table.head)
    assert draw_exposures([entry], tmp_path / "exposures.svg").is_file()


def test_beads_outside_the_tumour_do_not_count_as_reaching_it() -> None:
    """A ball of 15 mm about a tumour of 10 mm: what reaches it is its share of the ball."""
    beads = replace(BEADS, radius=15e-3, escaping=0.0)
    data, _, found = exposed(route("chemoembolisation", beads=beads, end=4 * HOUR))
    share = bead_places(data, (), beads)[1]
    assert share == pytest.approx((10 / 15) ** 3, rel=0.15)
    released = found.books["agent_from_beads"]
    assert share * released < found.into_tumour < (share + 0.2) * released
    whole = exposed(route("chemoembolisation", beads=replace(beads, radius=0.0), end=4 * HOUR))[2]
    assert whole.into_tumour >= whole.books["agent_from_beads"]


def test_beads_that_stop_all_blood_do_not_lie_in_a_necrotic_core() -> None:
    """Places, and oxygen, are those of the tumour that was perfused before; its core never was."""
    beads = replace(BEADS, embolised=1.0, escaping=0.0, fast_share=1.0, fast_time=60.0)
    one = route("chemoembolisation", beads=beads, end=2 * HOUR + 60.0)
    data, _, found = exposed(one, None, "geometry.necrotic_core.fraction=0.5")
    perfused = data.pairs.to_nodes(data.pairs.volume * (data.materials.perfusion > 0.0))
    places, _ = bead_places(data, (), beads)
    assert data.halo.sum(places) == pytest.approx(1.0) and (places[perfused == 0.0] == 0.0).all()
    radius = data.mesh.points[:, 0]
    core, rim = radius < 3e-3, (radius > 6e-3) & (radius < 9e-3)
    assert found.peak[core].max(initial=0.0) < 0.5 * found.peak[rim].min(initial=1e9)
    oxygen = found.oxygen
    assert oxygen is not None and oxygen["after_anoxic_fraction"] == pytest.approx(1.0)
    assert oxygen["before_hypoxic_fraction"] < 0.1, "half of the tumour, its core, would be"


def test_plasma_of_a_halved_step_is_noted() -> None:
    """Every step of the course has its row, those that were halved too."""
    circuit = replace(LIMB, volume=3e-5, elimination=0.0)
    _, _, found = exposed(route("isolated", circuit=circuit, doses=AT_ONCE, end=2 * HOUR), None, *BINDS)
    count = found.course.times.size
    assert found.tumour.size == found.near.size == found.reach.size == count
    assert (np.diff(found.course.exposures[:, PLASMA]) > 0.0).all()
    assert (found.course.amounts[1:, STORE["tissue"]] > 0.0).all()

# SPDX-License-Identifier: MIT
"""Body and tissue coupled both ways: nothing lost between them, nothing removed twice; binding; oxygen."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from solver.parameters.chemistry import Uptake
from solver.parameters.vessels import Body
from solver.routes.cells import Cells
from solver.routes.coupling import Part, without
from solver.routes.ledger import STAYS
from solver.routes.oxygen import MMHG, Oxygen
from solver.routes.parameters import Beads, Circuit, Dose, Oral, Region, Route
from solver.routes.pharmacokinetics import PLASMA, STORE
from solver.routes.tissue import Exposure, Pace
from tests.test_routes import ARTERY, BODY, DAY, HOUR, exposed, route

LIMB = Circuit(
    volume=2e-3,
    leak=1e-8,
    elimination=3e-4,
    duration=HOUR,
    wash_flow=5e-6,
    wash_duration=600.0,
)
BEADS = Beads(embolised=0.9, vessel_pressure=0.5, fast_share=0.2, fast_time=HOUR, slow_time=DAY, escaping=0.2)
SATURABLE = replace(ARTERY, capacity=9.85e-6 / HOUR, half_concentration=5.65e-6)
KINDS: dict[str, dict[str, Any]] = {
    "intravenous": {},
    "arterial": {"region": replace(ARTERY, extraction=0.5)},
    "saturable": {"kind": "arterial", "region": SATURABLE},
    "oral": {"oral": Oral(absorption=2e-4, conversion=3e-4, share=0.5)},
    "chemoembolisation": {"beads": BEADS},
    "isolated": {"circuit": LIMB, "doses": (Dose(start=0.0, amount=1e-3),)},
}
BINDS = (
    'chemistry.uptake.membrane_rate="0.05 1/s"',
    "chemistry.uptake.partition=10",
    'chemistry.uptake.reaction_rate="1e-5 1/s"',
)


def given_by(kind: str) -> Route:
    more = dict(KINDS[kind])
    return route(str(more.pop("kind", kind)), **more)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("changes", [(), BINDS], ids=["free", "binds"])
def test_body_and_tissue_keep_all_drug_between_them(kind: str, changes: tuple[str, ...]) -> None:
    """Every kind of route: the body's books, the tissue's, and what both say is in tissue, below 1e-10."""
    _, _, found = exposed(given_by(kind), None, *changes)
    assert found.course.residual() < 1e-10
    assert found.residual < 1e-10
    assert found.apart < 1e-10
    in_tissue = sum(found.books[name] for name in STAYS)
    given = found.course.given[-1]
    assert given == pytest.approx(1e-3, rel=1e-12)
    elsewhere = np.delete(found.course.amounts[-1], STORE["tissue"]).sum()
    assert elsewhere + in_tissue == pytest.approx(given, rel=1e-10)
    assert (found.books["agent_reacted"] > 0.0) == bool(changes)


def test_what_leaves_tissue_is_back_in_the_body() -> None:
    """No clearance, long after a bolus: body and tissue hold one concentration, the dose over all volume."""
    quiet = Body(weight=70.0, central_volume=5e-3, clearance=0.0)
    bolus = (Dose(start=0.0, amount=1e-3),)
    data, _, found = exposed(route(body=quiet, doses=bolus, end=4 * DAY))
    level = found.course.concentrations[-1, PLASMA]
    # the volume of distribution is that of the whole body, this tissue in it
    assert level == pytest.approx(1e-3 / 5e-3, rel=2e-3)
    assert found.tumour[-1] == pytest.approx(level, rel=2e-3)
    held = sum(found.books[name] for name in STAYS)
    assert held == pytest.approx(level * data.halo.sum(data.rest_fluid), rel=5e-3)
    assert held > 0.02 * 1e-3, "so much that a body which did not notice would be far off"


def test_what_tissue_destroys_is_part_of_the_clearance() -> None:
    """A drug that tissue destroys: plasma AUC stays dose over the stated CL, and the first pass that of E."""
    slow = replace(BODY, clearance=20e-3 / HOUR)
    rate = ('agent.reaction_rate="1e-3 1/s"',)
    vein = exposed(route(body=slow, end=6 * DAY), None, *rate)[2]
    assert vein.part.clearance > 0.02 * slow.clearance, "counting it twice would show"
    assert vein.course.exposures[-1, PLASMA] == pytest.approx(1e-3 / slow.clearance, rel=3e-3)
    assert vein.books["agent_reacted"] == pytest.approx(1e-3 * vein.part.clearance / slow.clearance, rel=0.02)
    region = replace(ARTERY, extraction=0.4)
    artery = exposed(route("arterial", body=slow, region=region, end=6 * DAY), None, *rate)[2]
    assert artery.course.exposures[-1, PLASMA] == pytest.approx(0.6e-3 / slow.clearance, rel=3e-3)
    assert artery.course.amounts[-1, STORE["extracted"]] < 0.4e-3


def test_a_body_without_its_tissue() -> None:
    part = Part(fluid=1e-3, bound=2e-3, tumour=1e-6, organ=2e-6)
    two = Body(weight=70.0, central_volume=2e-2, clearance=1e-5, exchange_flow=1e-5, peripheral_volume=4e-2)
    region = Region(artery_flow=1e-5, portal_flow=1e-5, tumour_share=0.9, extraction=0.5)
    rest = without(route(body=two, region=region, circuit=LIMB), part)
    assert rest.body.central_volume == pytest.approx(1.9e-2)
    assert rest.body.peripheral_volume == pytest.approx(3.8e-2)
    assert rest.body.clearance == pytest.approx(7e-6)
    assert rest.region.extraction == pytest.approx(0.5 - 0.9 * 0.1 - 0.1)
    assert rest.circuit is not None and rest.circuit.elimination == 0.0
    one = without(route(body=replace(BODY, central_volume=2.5e-3)), part)
    assert one.body.central_volume == pytest.approx(1.25e-3), "half is left at least"


def test_a_retarding_tissue_holds_its_drug() -> None:
    """Binding at equilibrium: the total is 1 + phi_c K/phi times what the fluid holds; AUC is unchanged."""
    binds = ('chemistry.uptake.membrane_rate="1 1/s"', "chemistry.uptake.partition=10")
    steady = route(doses=(Dose(start=0.0, amount=1e-3, duration=3 * DAY),), end=3 * DAY)
    _, model, bound = exposed(steady, None, *binds)
    porosity = {tissue.porosity for tissue in model.tissues.values()}
    fluid = bound.books["agent_in_tumour"] + bound.books["agent_in_tissue"]
    ratio = bound.books["agent_in_cells"] / fluid
    assert 4.0 / max(porosity) * 0.98 < ratio < 4.0 / min(porosity) * 1.02
    short = route(end=8 * DAY)
    free, held = exposed(short)[2], exposed(short, None, *binds)[2]
    assert held.auc[0] == pytest.approx(free.auc[0], rel=5e-3)
    assert held.peak[0] < free.peak[0], "and the peak is lower"


def test_binding_needs_no_short_steps() -> None:
    """Halving steps of hours changes the level of a bound drug little, because nothing is split."""
    coarse = exposed(given_by("chemoembolisation"), None, *BINDS)[2]
    fine = exposed(given_by("chemoembolisation"), Pace(first=30.0, growth=1.14, largest=7200.0), *BINDS)[2]
    assert coarse.near[-1] == pytest.approx(fine.near[-1], rel=0.05)
    assert coarse.auc[0] == pytest.approx(fine.auc[0], rel=0.01)


def test_cells_at_a_constant_level_are_their_closed_form() -> None:
    data, _, _ = exposed(route(end=60.0, doses=(Dose(start=0.0, amount=1e-3),)))
    uptake = Uptake(membrane_rate=0.02, cell_fraction=0.4, partition=5.0, reaction_rate=2e-3)
    cells, level, step = Cells(data, uptake), np.ones(data.volume.size), 37.0
    own = slice(data.halo.owned)
    back = 0.02 / (5.0 * 0.4)
    for number in range(1, 4):
        along, given = cells.offers(step)
        before = cells.held[own].sum()
        tried = cells.tried(level, step)
        cells.take(tried)
        exact = 0.02 / (back + 2e-3) * -np.expm1(-(back + 2e-3) * number * step)
        assert cells.held == pytest.approx(exact * data.volume, rel=1e-12)
        entering = step * float((data.pairs.to_nodes(along) * level - given)[own].sum())
        assert cells.held[own].sum() + tried[1][own].sum() - before == pytest.approx(entering, rel=1e-12)


def test_oxygen_is_what_blood_brings_over_what_cells_use() -> None:
    """Bisection against the balance; plenty and none; less blood, less oxygen."""
    oxygen = Oxygen()
    flow = np.array([1e-5, 5e-4, 2e-3, 5e-3, 5e-2])
    pressure = oxygen.pressure(flow)
    assert (np.diff(pressure) > 0.0).all() and pressure[0] < 1.0 * MMHG
    used = oxygen.demand * pressure / (pressure + oxygen.half_demand)
    brought = flow * (oxygen.content(np.full(5, oxygen.arterial)) - oxygen.content(pressure))
    assert brought == pytest.approx(used, rel=1e-9)
    assert oxygen.pressure(np.array([10.0]))[0] == pytest.approx(oxygen.arterial, rel=0.05)
    assert 0.5e-4 < oxygen.rim < 2e-4, "too thin a rim for a mesh"


def test_the_rim_of_oxygen_is_where_diffusion_without_supply_ends() -> None:
    """D a P'' = M where there is oxygen, P >= 0: finite differences, solved downwards from plenty."""
    oxygen, cells = Oxygen(), 200
    edge = 2.5e-4 / cells
    used = edge**2 * oxygen.demand / (oxygen.diffusivity * oxygen.solubility)
    pressure = np.full(cells + 1, oxygen.around)
    pressure[-1] = 0.0
    for _ in range(6000):
        for first in (1, 2):
            inner = slice(first, cells, 2)
            mean = 0.5 * (pressure[first - 1 : cells - 1 : 2] + pressure[first + 1 : cells + 1 : 2])
            better = mean - 0.5 * used
            pressure[inner] = np.maximum(pressure[inner] + 1.9 * (better - pressure[inner]), 0.0)
    assert edge * np.count_nonzero(pressure) == pytest.approx(oxygen.rim, abs=3 * edge)


def test_beads_leave_the_tumour_without_oxygen_and_say_for_how_long() -> None:
    found: Exposure = exposed(given_by("chemoembolisation"))[2]
    assert found.oxygen is not None
    assert found.oxygen["stopped_s"] == DAY
    assert found.oxygen["before_mean_Pa"] > 3 * found.oxygen["after_mean_Pa"]
    assert found.oxygen["after_hypoxic_fraction"] == pytest.approx(1.0)
    none = exposed(route("chemoembolisation", beads=replace(BEADS, embolised=0.0, vessel_pressure=1.0)))[2]
    assert none.oxygen is not None
    assert none.oxygen["after_mean_Pa"] == none.oxygen["before_mean_Pa"]
    whole = exposed(route("chemoembolisation", beads=replace(BEADS, embolised=1.0)))[2]
    assert whole.oxygen is not None and whole.oxygen["after_anoxic_fraction"] == pytest.approx(1.0)
    assert exposed(route())[2].oxygen is None


def test_an_embolised_zone_differs_from_the_perfused_tumour_around_it() -> None:
    """Blood is stopped within 6 mm of the tip: there alone oxygen is gone, and drug of the blood late."""
    zone = replace(BEADS, zone=6e-3, escaping=1.0)
    data, _, found = exposed(route("chemoembolisation", beads=zone))
    oxygen = found.oxygen
    assert oxygen is not None
    share = (6e-3 / 10e-3) ** 3
    assert oxygen["stopped_fraction"] == pytest.approx(share, rel=0.15)
    assert oxygen["after_hypoxic_fraction"] == pytest.approx(oxygen["stopped_fraction"], rel=1e-9)
    assert oxygen["before_hypoxic_fraction"] == 0.0
    radius = data.mesh.points[:, 0]
    middle, around = radius < 3e-3, (radius > 7.5e-3) & (radius < 9e-3)
    assert found.peak[middle].max(initial=0.0) < found.peak[around].min(initial=1e9), "all drug came by blood"
    assert found.residual < 1e-10 and found.apart < 1e-10


def test_beads_lie_where_they_stop_all_blood() -> None:
    """A zone without any blood left holds its share of them: places are those of the tumour before."""
    zone = replace(BEADS, zone=6e-3, embolised=1.0, escaping=0.0)
    data, _, found = exposed(route("chemoembolisation", beads=zone, end=4 * HOUR))
    part = exposed(route("chemoembolisation", beads=replace(zone, embolised=0.99), end=4 * HOUR))[2]
    middle = data.mesh.points[:, 0] < 3e-3
    assert (found.auc[middle] > part.auc[middle]).all(), "the blood that is left carries some off"

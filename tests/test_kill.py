# SPDX-License-Identifier: MIT
"""Channels of kill: their laws against published and closed forms, their volumes, and what they share."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from solver.ablation.kill import KillClocks, equivalent_time, mean_power
from solver.ablation.kill_zones import drug_exposure_for, exposure_for, kill_report, survived, survived_drug
from solver.agent.processes import Acted, Passage, Stay
from solver.agent.transport import AgentState
from solver.effects import build_processes
from solver.parameters.chemistry import DrugEffect, Heat, Ischaemia, Kill, Survival
from solver.parameters.model import Schedule
from solver.simulate import simulate
from solver.tissue.discretisation import Discretisation
from tests import coarse
from tests.spheres import PLAIN, Floats, discretised, model, tissue

CELSIUS = 273.15
TUMOUR_RADIUS = 10e-3


@pytest.mark.serial
@pytest.mark.parametrize(("celsius", "minutes"), [(39.0, 0.23), (41.7, 9.9), (43.0, 60.0), (45.0, 240.0)])
def test_an_hour_of_heat(celsius: float, minutes: float) -> None:
    """physics_sources 1.6: an hour at 39, 41.7 and 43 degC; above 43 each degree doubles the dose."""
    dose = equivalent_time(celsius + CELSIUS, 3600.0) / 60.0
    assert dose == pytest.approx(minutes, rel=0.02)


@pytest.mark.serial
def test_hom_is_haas_and_joffe_for_a_decaying_concentration() -> None:
    """ln S = -(m/(n k))^m k_d C0^n (1 - exp(-n k t/m))^m, from steps of very unequal decay."""
    law = Survival(concentration=0.3, times=(60.0,), exponent=0.8, time_exponent=1.4)
    decay, start, end = 0.05, 2.0, 80.0
    power = law.exponent / law.time_exponent
    seen = 0.0
    for first, last in zip(*(lambda t: (t[:-1], t[1:]))(np.array([0.0, 0.1, 5.0, 20.0, end])), strict=True):
        c0, c1 = start * np.exp(-decay * first), start * np.exp(-decay * last)
        seen += (last - first) * float(step_mean(c0, c1, (c0 - c1) / (decay * (last - first)), power))
    rate = np.log(10.0) / (0.3**0.8 * 60.0**1.4)
    closed = (1.4 / (0.8 * decay)) ** 1.4 * rate * start**0.8 * (1 - np.exp(-0.8 * decay * end / 1.4)) ** 1.4
    assert -np.log(survived(law, 60.0, np.array([seen])))[0] == pytest.approx(closed, rel=1e-12)


def step_mean(c0: float, c1: float, mean: float, power: float) -> Any:
    """Mean of C^p over a step that starts at c0 and ends at c1."""
    first, last = (AgentState(concentration=np.array([c]), amount=np.zeros(1)) for c in (c0, c1))
    none: Any = None
    passage = Passage(start=first, agent=none, stored=(np.zeros(1), np.zeros(1)))
    return mean_power(Acted(agent=last, mean=np.array([mean]), condition={}), passage, power)[0]


@pytest.mark.serial
def test_mean_power_of_a_constant_and_of_nothing() -> None:
    assert step_mean(2.0, 2.0, 2.0, 1.7) == pytest.approx(2.0**1.7, rel=1e-12)
    assert step_mean(2.0, 2.0 * (1 + 1e-9), 2.0, 0.5) == pytest.approx(2.0**0.5, rel=1e-6)
    assert step_mean(0.0, 0.0, 0.0, 1.7) == 0.0
    assert step_mean(3.0, 1.0, 1.9, 1.0) == 1.9


@pytest.mark.serial
@pytest.mark.parametrize("power", [0.5, 2.0])
def test_what_came_and_reacted_within_a_step_counts_by_its_mean(power: float) -> None:
    """No trace at the end of a step makes much of little: the mean of C^p stays on its side of (mean C)^p."""
    for start, end in ((0.0, 1e-30), (1e-30, 1e-40), (0.0, 0.0)):
        assert step_mean(start, end, 1e-3, power) == pytest.approx(1e-3**power, rel=1e-12)


@pytest.mark.serial
def test_a_tenth_is_left_after_the_stated_time() -> None:
    """Chick-Watson and Hom at C_1 for t_1; doses for a share killed are the inverse of survival."""
    for law in (
        Survival(concentration=0.3, times=(26.0,)),
        Survival(concentration=0.3, times=(26.0,), exponent=0.7, time_exponent=2.0),
    ):
        seen = 0.3 ** (law.exponent / law.time_exponent) * 26.0
        assert survived(law, 26.0, np.array([seen]))[0] == pytest.approx(0.1, rel=1e-12)
        for level in (0.5, 0.99, 0.9999):
            threshold = exposure_for(law, 26.0, level)
            assert survived(law, 26.0, np.array([threshold]))[0] == pytest.approx(1.0 - level, rel=1e-9)


@pytest.mark.serial
def test_half_effect_and_ceiling_of_a_drug() -> None:
    drug = DrugEffect(half_effect=(1e-3,), assay_time=3600.0, hill=2.0, largest=0.95)
    assert survived_drug(drug, 1e-3, np.array([3.6]))[0] == pytest.approx(1 - 0.95 / 2)
    assert survived_drug(drug, 1e-3, np.array([drug_exposure_for(drug, 1e-3, 0.9)]))[0] == pytest.approx(0.1)
    assert drug_exposure_for(drug, 1e-3, 0.95) == np.inf


def shells(kill: Kill | None = None) -> Discretisation:
    """Fine shells without a source, with a tumour of 10 mm."""
    what = model(tissue(), PLAIN, kill=kill)
    return discretised(np.linspace(0.0, 20e-3, 401), what, tumour_radius=TUMOUR_RADIUS)


def ball(radius: float) -> float:
    return float(4 / 3 * np.pi * radius**3)


KILL = Kill(
    levels=(0.9, 0.99),
    chick_watson=Survival(concentration=1.0, times=(10.0, 100.0)),
    depletion=(0.5, 0.1),
    heat=Heat(temperature=45 + CELSIUS, start=0.0, duration=60.0, where="tumour", doses=(30.0, 120.0)),
)


def fields(data: Discretisation) -> dict[str, Floats]:
    """An exposure that falls with the radius, reductant used up to 6 mm, heat in the tumour."""
    r = data.mesh.points[:, 0]
    return {
        "chick_watson_exposure": 100.0 * (1.0 - r / 20e-3),
        "reductant_left": np.clip((r - 5e-3) / 2e-3, 0.0, 1.0),
        "thermal_dose": np.where(r <= TUMOUR_RADIUS * (1 + 1e-12), 100.0, 0.0),
    }


def test_volumes_of_each_channel() -> None:
    """Fields linear in r: Chick-Watson kills 90 % to where the exposure is t_1, depletion by half to 6 mm."""
    data = shells()
    report = kill_report(data, KILL, fields(data))
    zones = report["zones"]
    first = next(z for z in zones if z["channel"] == "chick_watson" and z["kill"] == 0.9)
    assert first["tenth_left_s"] == 10.0
    assert first["volume_m3"] == pytest.approx(ball(18e-3), rel=1e-3)
    assert first["in_tumour_m3"] == pytest.approx(ball(TUMOUR_RADIUS), rel=1e-3)
    assert first["coverage"] == pytest.approx(1.0, rel=1e-12)
    half, tenth = (z["volume_m3"] for z in zones if z["channel"] == "depletion")
    assert half == pytest.approx(ball(6e-3), rel=1e-3)
    assert tenth == pytest.approx(ball(5.2e-3), rel=2e-3)
    weak, strong = (z for z in zones if z["channel"] == "heat")
    assert weak["in_tumour_m3"] == pytest.approx(ball(TUMOUR_RADIUS), rel=1e-3) and weak["outside_m3"] == 0.0
    assert strong["volume_m3"] == 0.0
    alive = [entry["fraction"] for entry in report["tumour_survival"]]
    assert 0.0 < alive[0] < alive[1] < 1.0


def test_what_channels_share() -> None:
    """Smallest, middle and largest zones; exactly one and more than one add up to any."""
    data = shells()
    report = kill_report(data, KILL, fields(data))
    for together in report["together"]:
        total = together["exactly_one_m3"] + together["more_than_one_m3"]
        assert total == pytest.approx(together["any_m3"], rel=1e-12)
    smallest, _, largest = report["together"]
    assert smallest["any_m3"] == pytest.approx(ball(5.2e-3), rel=2e-3)
    assert smallest["more_than_one_m3"] == 0.0
    assert largest["any_m3"] == pytest.approx(ball(16e-3), rel=1e-3)
    assert largest["more_than_one_m3"] == pytest.approx(ball(TUMOUR_RADIUS), rel=1e-3)
    alone = {z["channel"]: z["alone_m3"] for z in report["by_channel"] if z["band"] == "largest"}
    assert alone["chick_watson"] == pytest.approx(ball(16e-3) - ball(TUMOUR_RADIUS), rel=2e-3)
    assert alone["depletion"] == alone["heat"] == 0.0


def stay(data: Discretisation, start: float, step: float, opened: float) -> Stay:
    none: Any = None
    state = AgentState(concentration=np.zeros_like(data.volume), amount=np.zeros_like(data.volume))
    flow: Any = type("Flow", (), {"open_fraction": np.full(data.pairs.node.size, opened)})
    passage = Passage(start=state, agent=none, stored=(state.amount, state.amount))
    return Stay(start=start, step=step, fluid=data.rest_fluid, flow=flow, passage=passage)


def test_the_longest_time_without_oxygen_counts() -> None:
    """Two stretches of closed vessels, and a prescribed one that no step lands on."""
    kill = Kill(ischaemia=Ischaemia(open_fraction=0.1, times=(60.0,), start=1000.0, duration=500.0))
    data = shells(kill)
    clocks = KillClocks(data, kill)
    none = np.zeros_like(data.volume)
    acted = Acted(agent=AgentState(concentration=none, amount=none), mean=none, condition=clocks.start())
    time, longest = 0.0, []
    for step, opened in (
        (50.0, 0.0),
        (30.0, 0.05),
        (20.0, 1.0),
        (60.0, 0.0),
        (740.0, 1.0),
        (300.0, 1.0),
        (700.0, 1.0),
    ):
        acted = clocks.act(replace(acted), stay(data, time, step, opened))
        time += step
        longest.append(acted.condition["time_without_oxygen"].copy())
    inside = data.mesh.points[:, 0] < 0.999 * TUMOUR_RADIUS
    outside = data.mesh.points[:, 0] > 1.001 * TUMOUR_RADIUS
    for where, times in ((outside, (50, 80, 80, 80, 80, 80, 80)), (inside, (50, 80, 80, 80, 80, 200, 500))):
        for values, exact in zip(longest, times, strict=True):
            assert (values[where] == exact).all()
    assert (acted.condition["time_without_oxygen_now"] == 0.0).all()


def everything() -> Kill:
    return Kill(
        chick_watson=Survival(concentration=1.0, times=(2.0, 20.0, 200.0)),
        hom=Survival(concentration=1.0, times=(10.0, 50.0), exponent=0.8, time_exponent=1.3),
        heat=Heat(temperature=44 + CELSIUS, start=5.0, duration=12.5, where="tumour", doses=(20.0,)),
        ischaemia=Ischaemia(open_fraction=0.1, times=(5.0, 15.0)),
        drug=DrugEffect(half_effect=(0.1, 1.0), assay_time=60.0, hill=1.5),
    )


@pytest.mark.parametrize("geometry", coarse.GEOMETRIES)
def test_clocks_of_a_run(geometry: Any) -> None:
    """n = 1 counts CT, heat lasts as long as it was told, and counting changes nothing."""
    pulses = (coarse.pulse(0.0, 25.0),)
    what = coarse.full_model(pulses, kill=everything(), schedule=Schedule(end=40.0))
    data = coarse.discretised(geometry, what)
    *_, last = simulate(data, what)
    *_, plain = simulate(data, replace(what, kill=None))
    assert np.array_equal(last.agent.amount, plain.agent.amount)
    assert np.array_equal(last.dose.ct, plain.dose.ct)
    for name in ("chick_watson_exposure", "drug_exposure"):
        assert last.condition[name] == pytest.approx(last.dose.ct, rel=1e-12, abs=1e-9)
    heated = last.condition["thermal_dose"]
    assert data.halo.max(heated) == pytest.approx(2 * 12.5, rel=1e-12) and data.halo.min(heated) == 0.0
    assert 10.0 < data.halo.max(last.condition["time_without_oxygen"]) <= 40.0
    assert data.halo.min(last.condition["hom_survival"]) < 0.1
    report = build_processes(data, what)[-1].report(last.condition)["kill"]
    assert {zone["channel"] for zone in report["zones"]} == {
        "chick_watson",
        "hom",
        "drug",
        "heat",
        "ischaemia",
    }
    found = [zone["volume_m3"] for zone in report["zones"] if zone["channel"] == "chick_watson"]
    assert found[:3] == sorted(found[:3], reverse=True) and found[0] > found[3] > found[6]
    assert same_on_all_ranks(report)


def same_on_all_ranks(report: dict[str, Any]) -> bool:
    """Whether all ranks hold the same report."""
    return bool(coarse.COMM.allgather(report) == coarse.COMM.size * [report])

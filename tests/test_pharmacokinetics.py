# SPDX-License-Identifier: MIT
"""Drug in the body by each route: closed forms, R_d, mass balances, and published figures."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from solver.parameters.vessels import Body
from solver.routes.body import equivalent_minutes, events, graded_times, leak_flow, phases, regional_advantage
from solver.routes.parameters import Beads, Circuit, Dose, Oral, Region, Route
from solver.routes.pharmacokinetics import ORGAN, PLASMA, STORE, TUMOUR, Course, follow

pytestmark = pytest.mark.serial

HOUR, DAY, LITRE = 3600.0, 86400.0, 1e-3
TWO = Body(
    weight=70.0,
    central_volume=20 * LITRE,
    clearance=60 * LITRE / HOUR,
    exchange_flow=30 * LITRE / HOUR,
    peripheral_volume=40 * LITRE,
)
ARTERY = Region(artery_flow=0.4 * LITRE / 60, portal_flow=1.1 * LITRE / 60)


def route(kind: str, *doses: Dose, end: float = 2 * DAY, **more: object) -> Route:
    given = {"name": "test", "kind": kind, "doses": doses, "body": TWO, "end": end, "region": ARTERY}
    return Route(**(given | more))  # type: ignore[arg-type]


def followed(one: Route, largest: float = 2 * HOUR) -> Course:
    return follow(phases(one), graded_times(sorted(events(one)), 60.0, 1.5, largest))


def at(course: Course, time: float) -> int:
    return int(np.argmin(np.abs(course.times - time)))


def test_a_bolus_is_bi_exponential() -> None:
    course = followed(route("intravenous", Dose(start=0.0, amount=1e-3)))
    k10, k12, k21 = 60 / 20 / HOUR, 30 / 20 / HOUR, 30 / 40 / HOUR
    total, product = k10 + k12 + k21, k10 * k21
    fast, slow = ((total + sign * np.sqrt(total**2 - 4 * product)) / 2 for sign in (1, -1))
    a, b = (fast - k21) / (fast - slow), (k21 - slow) / (fast - slow)
    exact = 1e-3 / 0.02 * (a * np.exp(-fast * course.times) + b * np.exp(-slow * course.times))
    assert course.concentrations[:, PLASMA] == pytest.approx(exact, rel=1e-9, abs=1e-13)
    assert course.residual() < 1e-12
    area = (
        1e-3
        / 0.02
        * (a / fast * -np.expm1(-fast * course.times) + b / slow * -np.expm1(-slow * course.times))
    )
    assert course.exposures[:, PLASMA] == pytest.approx(area, rel=1e-9)


def test_an_infusion_is_its_closed_form() -> None:
    """Rising to R/CL as 1 minus the two exponentials, then the same curve from its end taken away."""
    length, rate = 5 * HOUR, 1e-3 / (5 * HOUR)
    course = followed(route("intravenous", Dose(start=0.0, amount=1e-3, duration=length)))
    k10, k12, k21 = 60 / 20 / HOUR, 30 / 20 / HOUR, 30 / 40 / HOUR
    total, product = k10 + k12 + k21, k10 * k21
    fast, slow = ((total + sign * np.sqrt(total**2 - 4 * product)) / 2 for sign in (1, -1))
    a, b = (fast - k21) / (fast - slow), (k21 - slow) / (fast - slow)

    def risen(t: np.ndarray) -> np.ndarray:
        t = np.maximum(t, 0.0)
        return rate / 0.02 * (a / fast * -np.expm1(-fast * t) + b / slow * -np.expm1(-slow * t))

    exact = risen(course.times) - risen(course.times - length)
    assert course.concentrations[:, PLASMA] == pytest.approx(exact, rel=1e-9, abs=1e-12)
    top = rate / TWO.clearance
    assert risen(np.array([10 * DAY]))[0] == pytest.approx(top, rel=1e-9)


@pytest.mark.parametrize("extraction", [0.0, 0.5, 0.95])
def test_the_regional_advantage_is_reproduced(extraction: float) -> None:
    """Steady infusion, infused blood alone, first pass constant: tumour over body is 1 + CL/(Q (1 - E))."""
    region = replace(ARTERY, extraction=extraction)
    one = route("arterial", Dose(start=0.0, amount=1e-3, duration=20 * DAY), end=20 * DAY, region=region)
    course = followed(one)
    expected = regional_advantage(TWO.clearance, region.artery_flow, extraction)
    late = course.times.size - 2
    found = course.concentrations[late, TUMOUR] / course.concentrations[late, PLASMA]
    assert found == pytest.approx(expected, rel=1e-6)
    areas = course.exposures[-1, TUMOUR] / course.exposures[-1, PLASMA]
    assert areas == pytest.approx(expected, rel=0.01)
    assert course.residual() < 1e-11


def test_what_the_first_pass_takes_is_not_cleared_again() -> None:
    """In the end, all that passes the organ is cleared, and what it takes is booked once."""
    one = route(
        "arterial",
        Dose(start=0.0, amount=1e-3, duration=HOUR),
        end=60 * DAY,
        region=replace(ARTERY, extraction=0.9),
    )
    end = followed(one).amounts[-1]
    assert end[STORE["extracted"]] == pytest.approx(9e-4, rel=1e-12)
    assert end[STORE["cleared"]] == pytest.approx(1e-4, rel=1e-9)


def liver(dose: float, kind: str = "arterial") -> tuple[Course, Route]:
    """Gemcitabine over 24 h; capacity and half concentration as in the library (docs/routes.md)."""
    region = replace(
        ARTERY,
        capacity=9.85e-6 / HOUR,
        half_concentration=5.65e-6,
    )
    body = replace(TWO, central_volume=90 * LITRE, clearance=155 * LITRE / HOUR)
    body = replace(body, exchange_flow=60 * LITRE / HOUR, peripheral_volume=576 * LITRE)
    amount = dose * 1.8e-6
    one = route(kind, Dose(start=0.0, amount=amount, duration=DAY), end=10 * DAY, region=region, body=body)
    return followed(one), one


@pytest.mark.parametrize(("dose", "published"), [(75.0, 0.89), (135.0, 0.75), (180.0, 0.55)])
def test_gemcitabine_saturates_its_extraction(dose: float, published: float) -> None:
    """Of the infusion, E as 1 minus the ratio of areas HAI/IV: van Riel et al. 2009, within 0.07."""
    by_artery, by_vein = liver(dose)[0], liver(dose, "intravenous")[0]
    found = 1 - by_artery.exposures[-1, PLASMA] / by_vein.exposures[-1, PLASMA]
    assert found == pytest.approx(published, abs=0.07)
    assert by_artery.residual() < 1e-10 and by_vein.residual() < 1e-10


def test_an_organ_far_from_saturation_is_the_linear_one() -> None:
    """The stiff path against the exact one: same areas where the capacity is never used."""
    region = replace(ARTERY, capacity=1.0, half_concentration=1.0 / (9 * ARTERY.flow))
    dose = Dose(start=0.0, amount=1e-6, duration=5 * HOUR)
    stiff = followed(route("arterial", dose, region=region))
    exact = followed(route("arterial", dose, region=replace(ARTERY, extraction=0.9)))
    assert stiff.exposures[-1] == pytest.approx(exact.exposures[-1], rel=1e-5)
    assert stiff.residual() < 1e-11


def test_a_limb_leaks_what_its_tracer_says() -> None:
    """2.7 % of a tracer in an hour: what the body has by then, and what washing leaves behind."""
    volume = 5 * LITRE
    circuit = Circuit(
        volume=volume,
        leak=leak_flow(0.027, volume, HOUR),
        elimination=0.0,
        duration=HOUR,
        wash_flow=1 * LITRE / 60,
        wash_duration=600.0,
    )
    quiet = Body(weight=70.0, central_volume=1.0, clearance=0.0)
    one = route("isolated", Dose(start=0.0, amount=0.1), end=DAY, circuit=circuit, body=quiet)
    course = followed(one, 600.0)
    at_end = course.amounts[at(course, HOUR)]
    assert at_end[STORE["central"]] / 0.1 == pytest.approx(0.027, rel=1e-2)
    washed = course.amounts[at(course, HOUR + 600.0) - 1]
    left = at_end[STORE["circuit"]] * np.exp(-(1 * LITRE / 60 * 600.0) / volume)
    step = course.times[at(course, 4200.0)] - course.times[at(course, 4200.0) - 1]
    assert washed[STORE["circuit"]] == pytest.approx(left * np.exp(step / 300.0), rel=1e-2)
    assert course.amounts[-1, STORE["circuit"]] == 0.0 and course.residual() < 1e-12
    assert course.concentrations[0, TUMOUR] == pytest.approx(0.1 / volume)
    assert course.concentrations[-1, TUMOUR] == course.concentrations[-1, PLASMA]


def test_beads_and_a_prodrug_keep_their_mass() -> None:
    """Two first-order parts, and a chain of two: closed forms of what is left, all drug booked."""
    beads = Beads(
        embolised=0.9, vessel_pressure=0.5, fast_share=0.2, fast_time=HOUR, slow_time=10 * DAY, escaping=0.1
    )
    course = followed(route("chemoembolisation", Dose(start=0.0, amount=1e-4), end=30 * DAY, beads=beads))
    t = course.times
    assert course.amounts[:, STORE["depot"]] == pytest.approx(2e-5 * np.exp(-t / HOUR), abs=1e-17)
    assert course.amounts[:, STORE["behind_depot"]] == pytest.approx(8e-5 * np.exp(-t / (10 * DAY)), rel=1e-9)
    released = 1e-4 - course.amounts[:, [STORE["depot"], STORE["behind_depot"]]].sum(axis=1)
    assert course.amounts[:, STORE["tissue"]] == pytest.approx(0.9 * released, rel=1e-9, abs=1e-16)
    assert course.residual() < 1e-12
    oral = Oral(absorption=2 / HOUR, conversion=1 / HOUR, share=0.4)
    swallowed = followed(route("oral", Dose(start=0.0, amount=1e-3), end=3 * DAY, oral=oral))
    assert swallowed.exposures[-1, PLASMA] == pytest.approx(0.4e-3 / TWO.clearance, rel=1e-6)
    assert swallowed.amounts[-1, STORE["lost"]] == pytest.approx(0.6e-3, rel=1e-6)
    assert swallowed.residual() < 1e-12


def test_a_returning_tumour_is_booked() -> None:
    """What blood takes back from the tumour leaves the one store and enters the other."""
    beads = Beads(
        embolised=0.9, vessel_pressure=0.5, fast_share=1.0, fast_time=60.0, slow_time=1.0, escaping=0.0
    )
    one = route("chemoembolisation", Dose(start=0.0, amount=1e-4), beads=beads)
    times = graded_times(sorted(events(one)), 60.0, 1.5, HOUR)
    back = np.where(times[:-1] < HOUR, 1e-9, 0.0)
    course = follow(phases(one), times, -back)
    moved = float((back * np.diff(times)).sum())
    assert course.amounts[-1, STORE["tissue"]] == pytest.approx(1e-4 - moved, rel=1e-9)
    assert course.exposures[-1, PLASMA] > 0 and course.residual() < 1e-12


def test_the_course_agrees_with_an_independent_integrator() -> None:
    """Two boluses and an infusion, LSODA on the plain equations."""
    doses = (Dose(start=0.0, amount=1e-3, duration=HOUR), Dose(start=7200.0, amount=5e-4, duration=1800.0))
    course = followed(route("intravenous", *doses, end=DAY))

    def slope(t: float, y: np.ndarray) -> list[float]:
        rate = sum(d.amount / d.duration for d in doses if d.start <= t < d.end)
        between = TWO.exchange_flow * (y[0] / TWO.central_volume - y[1] / TWO.peripheral_volume)
        return [rate - TWO.clearance * y[0] / TWO.central_volume - between, between]

    found = solve_ivp(slope, (0, DAY), [0, 0], method="LSODA", rtol=1e-10, atol=1e-16, max_step=60.0)
    assert course.amounts[-1, :2] == pytest.approx(found.y[:, -1], rel=1e-5)


def test_doses_of_heat() -> None:
    """CEM43 of an hour: 0.23 min at 39 degC, 9.9 at 41.7, 60 at 43."""
    for celsius, minutes in ((39.0, 0.23), (41.7, 9.9), (43.0, 60.0)):
        assert equivalent_minutes(celsius + 273.15, HOUR) == pytest.approx(minutes, rel=0.03)


def test_the_organ_sees_a_mixture() -> None:
    """Normal liver: f_a (C_1 + R/Q_a) + (1 - f_a) C_1 with f_a = Q_a/(Q_a + Q_p)."""
    one = route("arterial", Dose(start=0.0, amount=1e-3, duration=DAY), end=DAY)
    course = followed(one)
    share = ARTERY.artery_flow / ARTERY.flow
    late = -2
    plasma, rate = course.concentrations[late, PLASMA], 1e-3 / DAY
    expected = share * (plasma + rate / ARTERY.artery_flow) + (1 - share) * plasma
    assert course.concentrations[late, ORGAN] == pytest.approx(expected, rel=1e-12)

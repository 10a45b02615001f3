# SPDX-License-Identifier: MIT
"""The body behind the blood: compartments against closed forms and an independent integrator; doses."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from solver.parameters.vessels import Body
from solver.vessels.body import Compartments, body_report

pytestmark = pytest.mark.serial

ONE = Body(weight=70.0, central_volume=0.02, clearance=5e-6)
TWO = Body(weight=70.0, central_volume=0.025, clearance=1.5e-5, exchange_flow=2.6e-5, peripheral_volume=1.775)


def test_one_compartment_is_the_closed_form() -> None:
    """Infusion at a constant rate, then nothing: C = R/CL (1 - exp(-k t)), then exp(-k t); in any steps."""
    model, rate, elimination = Compartments(ONE), 1e-8, 5e-6 / 0.02
    for steps in (1, 7):
        state = model.start()
        for _ in range(steps):
            state = model.advance(state, rate, 3600.0 / steps)
        top = rate / 5e-6 * (1 - np.exp(-elimination * 3600.0))
        assert model.plasma(state) == pytest.approx(top, rel=1e-12)
        for _ in range(steps):
            state = model.advance(state, 0.0, 7200.0 / steps)
        assert model.plasma(state) == pytest.approx(top * np.exp(-elimination * 7200.0), rel=1e-12)
        assert model.residual(state) < 1e-13
        assert state.exposure == pytest.approx(state.cleared / 5e-6, rel=1e-12)


def test_two_compartments_are_bi_exponential() -> None:
    """After a short input: the sum of two exponentials with the textbook's rates, from minutes to days."""
    model = Compartments(TWO)
    k10, k12, k21 = 1.5e-5 / 0.025, 2.6e-5 / 0.025, 2.6e-5 / 1.775
    total = k10 + k12 + k21
    fast, slow = ((total + s * np.sqrt(total**2 - 4 * k10 * k21)) / 2 for s in (1, -1))
    dose = 1e-5
    bolus = model.start()
    bolus = type(bolus)(amounts=np.array([dose, 0.0]), absorbed=dose)
    for time in (60.0, 3600.0, 3e5):
        state = model.advance(bolus, 0.0, time)
        exact = (
            dose
            / 0.025
            * ((fast - k21) * np.exp(-fast * time) + (k21 - slow) * np.exp(-slow * time))
            / (fast - slow)
        )
        assert model.plasma(state) == pytest.approx(exact, rel=1e-9)
        assert model.residual(state) < 1e-12
    forever = model.advance(bolus, 0.0, 1e9)
    assert forever.exposure == pytest.approx(dose / 1.5e-5, rel=1e-9)


def test_a_changing_input_agrees_with_an_independent_integrator() -> None:
    """Steps of constant rate, with the mean of a changing one, against LSODA on the rate itself."""

    def rate(time: float) -> float:
        return 1e-9 * np.exp(-time / 300.0) * (1 + np.sin(time / 50.0) ** 2)

    def slope(time: float, y: np.ndarray) -> list[float]:
        centre, outer = y / np.array([0.025, 1.775])
        over = 2.6e-5 * (centre - outer)
        return [rate(time) - 1.5e-5 * centre - over, over]

    model, state = Compartments(TWO), Compartments(TWO).start()
    times = np.linspace(0.0, 1800.0, 361)
    for start, end in pairwise(times):
        state = model.advance(state, quad(rate, start, end)[0] / (end - start), end - start)
    found = solve_ivp(slope, (0.0, 1800.0), [0.0, 0.0], method="LSODA", rtol=1e-10, atol=1e-20).y[:, -1]
    np.testing.assert_allclose(state.amounts, found, rtol=1e-4)


def test_a_report_follows_what_blood_took() -> None:
    """What was absorbed is in the body or cleared; the by-product of all that reacted counts."""
    body = Body(weight=50.0, central_volume=0.003, clearance=0.3, by_product_yield=0.6, reference_dose=3e-8)
    history = [(0.0, 0.0), (10.0, 2e-8), (60.0, 1e-7), (600.0, 1e-7)]
    rows = {"agent_reacted_tumour": 2.0e-6, "agent_reacted_tissue": 0.5e-6, "agent_blood": 1e-7}
    found = body_report(body, history, rows)
    assert found["absorbed_kg"] == pytest.approx(1e-7)
    assert found["cleared_kg"] + found["in_central_kg"] + found["in_peripheral_kg"] == pytest.approx(1e-7)
    assert found["residual_relative"] < 1e-10
    assert found["plasma_peak_kg_m3"] == pytest.approx(2e-9 / 0.3, rel=1e-6), (
        "a steady state within milliseconds"
    )
    assert found["plasma_auc_to_infinity_kg_s_m3"] == pytest.approx(1e-7 / 0.3, rel=1e-9)
    assert found["by_product"]["dose_kg"] == pytest.approx(0.6 * 2.6e-6)
    assert found["by_product"]["over_reference"] == pytest.approx(0.6 * 2.6e-6 / 50.0 / 3e-8)
    formed = body_report(body, history, rows | {"product_formed_tumour": 1e-6, "product_formed_tissue": 0.0})
    assert formed["by_product"]["dose_kg"] == pytest.approx(1e-6 + 0.6e-7), (
        "what chemistry formed replaces the yield"
    )

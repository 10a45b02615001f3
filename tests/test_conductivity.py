# SPDX-License-Identifier: MIT
"""Laws for K: derivatives against differences, tissue at rest keeps K0, fissures stay."""

from mpi4py import MPI

import numpy as np
import pytest

from solver.flow.step import FlowSolver
from solver.parameters.model import Physics
from solver.tissue.conductivity import LARGEST_DILATATION_IN_EXPONENT, LAWS, LawInput, LawParameters
from tests.coarse import ML_PER_MIN, Floats, discretised, full_model, pulse

pytestmark = pytest.mark.serial
"""Nothing here is parallel."""

MODULUS, RATIO, OPENING, WIDTH = 3e4, 1e4, 8e3, 1e3
POROSITY = 0.3
REST = 1500.0
"""Resting pressure of a tumour [Pa]."""


def factor(law: str, pressure: Floats, seen: float = -np.inf, rest: float = REST) -> tuple[Floats, Floats]:
    """f and df/dp of the reference tumour where the largest pressure so far is ``seen`` [Pa]."""
    pressure = np.asarray(pressure, dtype=np.float64)

    def all_over(value: float) -> Floats:
        return np.full_like(pressure, value)

    parameters = LawParameters(
        confined_modulus=all_over(MODULUS),
        exponent=all_over(5.0),
        log_ratio=all_over(np.log(RATIO)),
        fissuring_pressure=all_over(OPENING),
        fissuring_width=all_over(WIDTH),
        porosity=all_over(POROSITY),
        porosity_exponent=all_over(2.0),
    )
    return LAWS[law](
        LawInput(
            parameters=parameters,
            excess=pressure - rest,
            largest=np.maximum(pressure, seen),
            rising=(pressure > seen).astype(float),
        )
    )


@pytest.mark.parametrize("seen", [-np.inf, 9e3])
@pytest.mark.parametrize("law", LAWS)
def test_the_slope_is_the_derivative(law: str, seen: float) -> None:
    """Below, in and above the opening, rising past what was seen or below it; not across the kinks."""
    pressure = np.array([500.0, 1500.0, 4e3, 6.5e3, 7.9e3, 8.6e3, 9.9e3, 10.3e3, 13e3, 16e3, 18e3, 25e3])
    step = 1e-2
    below, above = factor(law, pressure - step, seen)[0], factor(law, pressure + step, seen)[0]
    value, slope = factor(law, pressure, seen)
    np.testing.assert_allclose(
        slope, (above - below) / (2 * step), rtol=1e-5, atol=1e-9 * value.max() / WIDTH
    )


@pytest.mark.parametrize("law", ["rigid", "exponential", "kozeny_carman", "holmes_mow", "fissuring", "ramp"])
def test_tissue_at_rest_keeps_its_conductivity(law: str) -> None:
    assert factor(law, np.array([REST]))[0][0] == pytest.approx(1.0, rel=1.5e-2)


def test_the_logistic_does_not() -> None:
    """Why it is no default: tissue at rest is 16 times too permeable at this resting pressure."""
    assert factor("logistic", np.array([REST]))[0][0] == pytest.approx(16.0, rel=0.05)


@pytest.mark.parametrize("law", ["fissuring", "logistic", "ramp"])
def test_fissures_stay_when_the_pressure_falls(law: str) -> None:
    """K follows p_max, not p: what closes again is the swelling alone."""
    fallen = factor(law, np.array([REST]), seen=14e3)[0][0]
    assert fallen > 0.9 * RATIO
    opened = factor(law, np.array([14e3]))[0][0]
    swelling = np.exp(5.0 * (14e3 - REST) / MODULUS)
    assert opened / fallen == pytest.approx(swelling, rel=1e-12)
    assert factor(law, np.array([REST]), seen=14e3)[1][0] == pytest.approx(5.0 / MODULUS * fallen)


def test_the_ramp_is_compact_and_the_others_are_not() -> None:
    ends = np.array([OPENING - 2 * WIDTH, OPENING + 2 * WIDTH])
    swelling = factor("exponential", ends)[0]
    np.testing.assert_allclose(factor("ramp", ends)[0] / swelling, [1.0, RATIO])
    logistic = factor("logistic", ends)[0] / swelling
    assert logistic[0] > 1000.0
    assert logistic[1] < 0.9 * RATIO


def test_kozeny_carman_is_the_law_of_the_porosity_in_swollen_tissue() -> None:
    """phi^3/(1 - phi)^2 of phi = (phi0 + e)/(1 + e), over the same at rest, to e = 0.4 and -0.2."""
    e = np.array([-0.2, -0.05, 0.0, 0.1, 0.4])
    phi = (POROSITY + e) / (1 + e)
    expected = (phi / POROSITY) ** 3 * ((1 - POROSITY) / (1 - phi)) ** 2
    np.testing.assert_allclose(factor("kozeny_carman", REST + e * MODULUS)[0], expected, rtol=1e-13)


def test_holmes_and_mow_fills_pores_and_strains() -> None:
    e = np.array([-0.2, 0.0, 0.3])
    expected = (1 + e / POROSITY) ** 2 * np.exp(2.5 * ((1 + e) ** 2 - 1))
    np.testing.assert_allclose(factor("holmes_mow", REST + e * MODULUS)[0], expected, rtol=1e-13)


@pytest.mark.parametrize("law", ["kozeny_carman", "holmes_mow"])
def test_drained_pores_stay_open(law: str) -> None:
    """However low the pressure, K stays above 0 and its slope says that it has stopped falling."""
    value, slope = factor(law, REST - np.array([0.95, 5.0]) * POROSITY * MODULUS)
    assert value[0] == value[1] > 0.0
    assert np.all(slope == 0.0)


def test_the_exponent_is_capped() -> None:
    """Beyond small strain the exponential stops growing, and its slope says so."""
    cap = MODULUS * LARGEST_DILATATION_IN_EXPONENT
    value, slope = factor("exponential", REST + np.array([cap, 10 * cap]))
    assert value[1] == value[0] == pytest.approx(np.exp(2.5))
    assert slope[1] == 0.0


def test_the_largest_pressure_never_falls() -> None:
    """In a run: p_max is that of the injection after the pressure is gone, and K with it."""
    model = full_model((pulse(0.0, 10.0),), physics=Physics())
    data = discretised("radial", model)
    solver = FlowSolver(data, model.physics, model.numerics, ML_PER_MIN)
    rest = solver.initial_state()
    source = ML_PER_MIN * data.sources[0]
    first = solver.step(rest, source, 10.0, rest.pressure)
    later = solver.step(first.state, 0.0 * source, 600.0, first.state.pressure)
    assert data.halo.max(later.state.pressure) < 0.8 * data.halo.max(first.state.pressure)
    assert data.halo.min(later.state.largest - first.state.largest) >= 0.0
    largest = data.halo.comm.allreduce(float(later.conductivity.max()), op=MPI.MAX)
    assert largest > 1e3 * max(tissue.hydraulic_conductivity for tissue in model.tissues.values())

# SPDX-License-Identifier: MIT
"""B3: exchange of agent and fluid with blood against the capillary equation integrated along its length."""

from math import exp

import numpy as np
import pytest

from solver.flow.exchange import agent_clearance, filtration_per_open_vessel, open_vessel_fraction, patlak
from tests import analytic as an

FLOW = 5e-3


def entering(fluid: float, flow: float, permeability: float, plasma: float, tissue: float) -> float:
    """Agent entering tissue [kg/(m3 s)] by the solver's clearance: (b + J) C_p - b C."""
    cleared = float(agent_clearance(np.array([fluid]), np.array([flow]), np.array([permeability]))[0])
    return (cleared + fluid) * plasma - cleared * tissue


@pytest.mark.parametrize("fluid", [-FLOW, -3e-3, -1e-9, 0.0, 1e-9, 1e-3, 0.5 * FLOW])
@pytest.mark.parametrize("permeability", [1e-5, 1e-3, FLOW, 0.1])
def test_clearance_is_the_integrated_capillary(fluid: float, permeability: float) -> None:
    """Every sign and size of filtration that flow allows."""
    for plasma, tissue in ((0.0, 1.0), (1.0, 0.0), (0.4, 1.3)):
        integrated = an.capillary_exchange(FLOW, fluid, permeability, plasma, tissue)
        assert entering(fluid, FLOW, permeability, plasma, tissue) == pytest.approx(
            integrated, rel=1e-7, abs=1e-12
        )


def test_limits() -> None:
    """Abundant flow: Patlak. No filtration: Renkin-Crone. Free exchange: F - J. None: absorption."""
    for fluid in (-2e-3, 1e-3):
        patlaks = an.patlak_exchange(fluid, 2e-3, 0.4, 1.3)
        assert entering(fluid, np.inf, 2e-3, 0.4, 1.3) == pytest.approx(patlaks, rel=1e-12)
        assert entering(fluid, 1e4, 2e-3, 0.4, 1.3) == pytest.approx(patlaks, rel=1e-5)
        assert entering(fluid, FLOW, np.inf, 0.0, 1.0) == pytest.approx(-(FLOW - fluid), rel=1e-12)
        assert entering(fluid, FLOW, 0.0, 0.0, 1.0) == pytest.approx(min(fluid, 0.0), rel=1e-12)
    crone = FLOW * (1.0 - exp(-2e-3 / FLOW)) * (0.4 - 1.3)
    assert entering(0.0, FLOW, 2e-3, 0.4, 1.3) == pytest.approx(crone, rel=1e-12)


def test_a_constant_state_stays() -> None:
    """Where tissue and plasma agree, what enters is the fluid times the concentration, nothing else."""
    for permeability in (0.0, 1e-3, np.inf):
        assert entering(1e-3, FLOW, permeability, 0.7, 0.7) == pytest.approx(0.7e-3, rel=1e-12)


@pytest.mark.parametrize("peclet", [-700.0, -1e-4, -1e-9, 1e-9, 1e-4, 700.0])
def test_patlak_is_safe(peclet: float) -> None:
    """No overflow at the ends, no cancellation in the middle: b = J/(exp(Pe) - 1) and b(-J) = b(J) + J."""
    b, mirrored = patlak(np.array([peclet, -peclet]) * 2e-3, np.array([2e-3, 2e-3]))
    assert np.isfinite([b, mirrored]).all()
    assert mirrored - b == pytest.approx(peclet * 2e-3, rel=1e-6, abs=1e-15)
    assert b == pytest.approx(-an.patlak_exchange(peclet * 2e-3, 2e-3, 0.0, 1.0), rel=1e-6, abs=1e-300)


def test_filtration_within_what_flow_carries() -> None:
    """Starling's law between -F and F/2, with its slope; half of the vessels closed at the margin."""
    pressure = np.array([-1e5, 533.0, 1533.0, 2533.0, 1e5])
    value, slope = filtration_per_open_vessel(pressure, np.array(4.2e-7), np.array(1533.0), np.array(FLOW))
    np.testing.assert_allclose(value, [0.5 * FLOW, 4.2e-4, 0.0, -4.2e-4, -FLOW], atol=1e-18)
    np.testing.assert_allclose(slope, [0.0, -4.2e-7, -4.2e-7, -4.2e-7, 0.0])
    share, change = open_vessel_fraction(np.array([4780.0, -1e6, 1e6]), np.array(4780.0), np.array(300.0))
    np.testing.assert_allclose(share, [0.5, 1.0, 0.0], atol=1e-15)
    np.testing.assert_allclose(change, [-0.25 / 300.0, 0.0, 0.0], atol=1e-15)

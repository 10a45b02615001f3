# SPDX-License-Identifier: MIT
"""The closed forms against numbers tabulated independently, every digit; and against each other in limits."""

from collections.abc import Iterator
from decimal import Decimal
from math import exp, log10, sqrt

import numpy as np
import pytest

from tests import analytic as an

pytestmark = pytest.mark.serial
"""Nothing here is parallel."""

Row = tuple[str, float, str]

CAVITY_22G = 0.359e-3
ML_PER_MIN = an.ML_PER_MIN


def rows(name: str, values: object, table: str) -> Iterator[Row]:
    """One row per tabulated number, in order."""
    texts = table.split()
    found = np.atleast_1d(np.asarray(values, dtype=float))
    assert len(found) == len(texts)
    yield from ((f"{name}[{i}]", float(v), t) for i, (v, t) in enumerate(zip(found, texts, strict=True)))


def parameters() -> Iterator[Row]:
    yield from rows("K", [an.TUMOUR.conductivity, an.TISSUE.conductivity], "3.098e-14 6.398e-15")
    yield from rows("Lp S/V", [an.TUMOUR.conductance, an.TISSUE.conductance], "4.200e-7 1.890e-8")
    yield from rows("p_e", [an.TUMOUR.pressure, an.TISSUE.pressure], "1533.2 866.6")
    drained = an.with_lymph(an.TISSUE, an.LYMPH_CONDUCTANCE)
    lengths = [1e3 * t.screening_length for t in (an.TUMOUR, an.TISSUE, drained)]
    yield from rows("lymph", [an.LYMPH_CONDUCTANCE, drained.pressure], "9.98e-8 138")
    yield from rows("ell mm", lengths, "0.272 0.582 0.232")


def pressure_fields() -> Iterator[Row]:
    table = {
        1: "3.682 1248.9 355.2 1.2762e-7",
        2: "7.365 1518.9 717.5 1.5114e-7",
        5: "18.411 1533.2 1263.0 1.6539e-7",
        10: "36.823 1533.2 1490.3 1.7014e-7",
    }
    for mm, numbers in table.items():
        radius = 1e-3 * mm
        p = an.isolated_sphere_pressure(an.TUMOUR, radius, [0.0, 0.9 * radius])
        outflow = an.isolated_sphere_outflow(an.TUMOUR, radius)
        yield from rows(f"B1 {mm} mm", [radius / an.TUMOUR.screening_length, *p, outflow], numbers)
    embedded = {
        (5, False): "8.594 1533.2 1521.2 1465.1 1097.0 7.348e-9",
        (10, False): "17.188 1533.2 1531.4 1469.9 964.9 7.021e-9",
        (5, True): "21.533 1533.2 1481.3 1238.9 254.2 3.174e-8",
        (10, True): "43.065 1533.2 1525.3 1250.6 151.7 3.137e-8",
    }
    for (mm, lymph), numbers in embedded.items():
        radius = 1e-3 * mm
        tissue = an.with_lymph(an.TISSUE, an.LYMPH_CONDUCTANCE) if lymph else an.TISSUE
        p = an.embedded_sphere_pressure(an.TUMOUR, tissue, radius, radius * np.array([0.0, 0.9, 1.0, 1.1]))
        outflow = an.embedded_sphere_outflow(an.TUMOUR, tissue, radius)
        yield from rows(f"B2 {mm} mm {lymph}", [radius / tissue.screening_length, *p, outflow], numbers)


def infusion_pressures() -> Iterator[Row]:
    rates = ML_PER_MIN * np.array([0.01, 0.1, 1.0, 10.0])
    rigid = [1e-3 * an.rigid_cavity_pressure(q, 3.098e-14, CAVITY_22G) for q in (rates[0], rates[-1])]
    yield from rows("B4 kPa", rigid, "1.19e3 1.19e6")
    yield from rows("B5", an.interstitial_share([1, 2, 3, 5, 7, 10]), "0.736 0.406 0.199 0.040 0.0073 0.0005")
    screened = an.screened_cavity_pressure(ML_PER_MIN, an.TUMOUR, CAVITY_22G, CAVITY_22G)
    yield from rows("B5 22G kPa", 1e-3 * screened, "5.1e4")
    yield from rows("B6", an.transient_share([0.1, 0.5, 1, 2]), "0.943628 0.723674 0.479500 0.157299")
    at = [(0.5, 0.1), (0.5, 1), (1, 1), (3, 1), (3, 10)]
    sink = [an.transient_sink_pressure(x, tau) for x, tau in at]
    yield from rows("B6 sink", sink, "0.249224 0.582492 0.325748 0.016023 0.049786")
    theis = [an.theis_well_function(10.0**-i) for i in (4, 3, 2, 1, 0)]
    yield from rows("B7", theis, "8.633225 6.331539 4.037930 1.822924 0.219384")
    strained = [an.strained_cavity_pressure(q, 3.098e-14, CAVITY_22G, 30e3, 5.0) for q in rates]
    yield from rows("2.4 kPa", 1e-3 * np.array(strained), "31.8 45.6 59.4 73.2")
    yield from rows("2.4 u/a", np.array([strained[0], strained[-1]]) / (4 * 5e3), "1.6 3.7")
    stretched = [an.neo_hookean_cavity(s) for s in (1.1, 1.5, 2, 3, 5, 10)]
    yield from rows("2.4 p/mu", stretched, "0.34031 1.06790 1.46875 1.82716 2.09920 2.29995")


def convection() -> Iterator[Row]:
    reached = [1e3 * an.front_radius(1e-6, 1.0, phi) for phi in (0.1, 0.2, 0.3, 0.4, 0.6, 1.0)]
    yield from rows("R_f 1 mL", reached, "13.4 10.6 9.3 8.4 7.4 6.2")
    for k, table in ((0.01, "2.7 5.8 12.6 27"), (0.03, "1.9 4.0 8.7 19"), (0.1, "1.3 2.7 5.8 12.6")):
        radii = [1e3 * an.reaction_radius(q * ML_PER_MIN, k, 0.2) for q in (0.01, 0.1, 1, 10)]
        yield from rows(f"R_k {k}", radii, table)
    travel = an.travel_time([2e-3, 5e-3, 8e-3, 10e-3], ML_PER_MIN, 0.2)
    dose = an.convected_dose(300.0, 0.03, travel, 60.0) / 60.0
    yield from rows("B9 CT", dose, "459.084245 360.476483 156.167589 47.667520")
    at_stop = an.convected_concentration(300.0, 0.03, travel, 60.0)
    yield from rows("B9 C(T)", at_stop, "296.402628 248.461254 138.615604 66.408031")
    left = [an.unreacted_share(da, 1.0) for da in (0.06, 0.6, 1.8, 6, 18)]
    yield from rows("B9 left", left, "0.97 0.75 0.46 0.17 0.06")


def divergent_transport() -> Iterator[Row]:
    values = [an.divergent_diffusion(1.0, 2.0), an.divergent_diffusion(10.0, 5.0)]
    yield from rows("B10", values, "0.622459 0.864704")
    table = {
        (10, 0.1): "0.977876 0.925412 0.751987 0.402771 0.136170",
        (10, 1): "0.862154 0.660165 0.305549 0.044644 0.001983",
        (100, 0.1): "0.999165 0.997506 0.990469 0.952177 0.802072",
        (100, 1): "0.991686 0.975362 0.909087 0.625198 0.169259",
        (1000, 1): "0.999205 0.997654 0.991291 0.958910 0.840103",
    }
    for (peclet, damkohler), numbers in table.items():
        profile = an.divergent_reaction(peclet, damkohler, [1.5, 2, 3, 5, 8])
        yield from rows(f"B12 {peclet} {damkohler}", profile, numbers)
    yield from rows("B12 convection", exp(-1.0 / 100 * (8**3 - 1) / 3), "0.182076")


def pulses() -> Iterator[Row]:
    sources = [an.point_source(1e-9, 0.2, 7.6e-10, 0.03, t) for t in (30.0, 100.0, 300.0)]
    yield from rows("B13 centre", [float(s.at(0.0)) for s in sources], "13.25525 0.2667174 1.272338e-4")
    yield from rows("B13 1 mm", [float(s.at(1e-3)) for s in sources], "2.292910e-4 9.941481e-3 4.250133e-5")
    x = [0.25, 0.5, 0.75, 1.0]
    yield from rows("B14", an.ogata_banks(x, 0.5, 1.0, 0.05), "0.927309 0.585289 0.168855 0.017453")
    yield from rows("B14 k", an.ogata_banks(x, 0.5, 1.0, 0.05, 0.5), "0.832617 0.490736 0.136889 0.013924")
    physical = an.ogata_banks(1e-3 * np.array([0.1, 0.2, 0.4, 0.6, 0.8]), 60.0, 1e-5, 7.6e-10, 0.03)
    yield from rows("B14 tissue", physical, "0.776285 0.600619 0.349287 0.184768 0.081418")


def titration_and_track() -> Iterator[Row]:
    ratios = (0.0445, 0.1, 0.445, 1.0, 4.45)
    constants = [an.titration_constant(r) for r in ratios]
    yield from rows("B15", constants, "0.148077 0.220016 0.441638 0.620063 1.026269")
    surface = [2e3 * constants[i] * sqrt(5e-10 * 100.0) for i in (2, 0)]
    yield from rows("B15 surface mm", surface, "0.20 0.066")
    for c0, table in ((4.45, "4.6 2.8 2.2"), (44.5, "8.3 5.7 4.6")):
        radii = [1e3 * an.titration_radius(1e-6, c0, demand, 0.2) for demand in (10.0, 50.0, 100.0)]
        yield from rows(f"B15 R_ox {c0}", radii, table)
    unit = an.Track(1.0, 1.0, 1.0, 1.0)
    yield from rows("B16 constant", unit.length(1.0), "0.8043")
    vented = {0.359e-3: "0.87 1.6 2.8 4.9", 0.2065e-3: "1.5 2.7 4.8 8.5"}
    for radius, table in vented.items():
        track = an.Track(radius, 3e3, 7e-4)
        tips = [1e-3 * track.vented_tip_pressure(q * ML_PER_MIN, 0.05) for q in (0.01, 0.1, 1, 10)]
        yield from rows(f"B16 vented {radius}", tips, table)
    gains = [an.regional_advantage(2.8, 0.4, e) for e in (0.55, 0.89)]
    yield from rows("R_d", [*gains, an.regional_advantage(2.5, 0.4, 0.9)], "17 65 64")


TABULATED = [
    *parameters(),
    *pressure_fields(),
    *infusion_pressures(),
    *convection(),
    *divergent_transport(),
    *pulses(),
    *titration_and_track(),
]


@pytest.mark.parametrize(("name", "value", "text"), TABULATED, ids=[row[0] for row in TABULATED])
def test_every_tabulated_digit(name: str, value: float, text: str) -> None:
    """Half a unit of the last digit printed, and one in a thousand of that for ties."""
    exponent = Decimal(text).as_tuple().exponent
    assert isinstance(exponent, int)
    assert abs(value - float(text)) <= 0.5005 * 10.0**exponent, f"{name}: {value!r} is not {text}"


def test_patlak_limits() -> None:
    """No exchange of fluid: PS (C_p - C). Strong filtration: J C_p. Strong re-absorption: J C."""
    assert an.patlak_exchange(0.0, 2e-3, 1.5, 0.5) == pytest.approx(2e-3)
    assert an.patlak_exchange(0.7, 1e-3, 1.5, 0.5) == pytest.approx(0.7 * 1.5, rel=1e-12)
    assert an.patlak_exchange(-0.7, 1e-3, 1.5, 0.5) == pytest.approx(-0.7 * 0.5, rel=1e-12)
    left, right = (an.patlak_exchange(f, 1.0, 1.5, 0.5) for f in (0.999e-8, 1.001e-8))
    assert left == pytest.approx(right, rel=1e-10)


@pytest.mark.parametrize("fluid", [-3e-2, -4e-3, -1e-6, 1e-6, 1e-3, 4.9e-3])
@pytest.mark.parametrize("permeability", [1e-4, 5e-3, 5e-2])
def test_supplied_capillary_closed_form(fluid: float, permeability: float) -> None:
    integrated = an.capillary_exchange(5e-3, fluid, permeability, 0.4, 1.3)
    assert an.supplied_exchange(5e-3, fluid, permeability, 0.4, 1.3) == pytest.approx(integrated, rel=1e-7)


def test_supplied_capillary_limits() -> None:
    """Abundant flow: Patlak. No fluid: Renkin and Crone. Free exchange: outlet in equilibrium with tissue."""
    abundant = an.capillary_exchange(1e6, 3e-3, 2e-3, 0.4, 1.3)
    assert abundant == pytest.approx(an.patlak_exchange(3e-3, 2e-3, 0.4, 1.3), rel=1e-4)
    crone = 5e-3 * (1.0 - exp(-2e-3 / 5e-3)) * (0.4 - 1.3)
    assert an.capillary_exchange(5e-3, 0.0, 2e-3, 0.4, 1.3) == pytest.approx(crone, rel=1e-8)
    for fluid in (-3e-3, 3e-3):
        limit = 5e-3 * 0.4 - (5e-3 - fluid) * 1.3
        assert an.supplied_exchange(5e-3, fluid, 100.0, 0.4, 1.3) == pytest.approx(limit, rel=1e-9)


def test_embedded_sphere_is_continuous() -> None:
    """Pressure and flux do not jump on the interface of B2, and the flux is that of the formula."""
    radius, step = 5e-3, 1e-9
    p = an.embedded_sphere_pressure(an.TUMOUR, an.TISSUE, radius, radius + step * np.arange(-2, 3))
    inner = -an.TUMOUR.conductivity * (3 * p[2] - 4 * p[1] + p[0]) / (2 * step)
    outer = an.TISSUE.conductivity * (3 * p[2] - 4 * p[3] + p[4]) / (2 * step)
    expected = an.embedded_sphere_outflow(an.TUMOUR, an.TISSUE, radius)
    assert inner == pytest.approx(expected, rel=1e-3)
    assert outer == pytest.approx(expected, rel=1e-3)


def test_limits_between_forms() -> None:
    """M -> 0 is Darcy; a late screened transient is steady; the dilute titration front is elementary."""
    rigid = an.rigid_cavity_pressure(ML_PER_MIN, 3.1e-8, CAVITY_22G)
    strained = an.strained_cavity_pressure(ML_PER_MIN, 3.1e-8, CAVITY_22G, 30e3, 1e-9)
    assert strained == pytest.approx(rigid, rel=1e-9)
    assert an.transient_sink_pressure(1.0, 100.0) == pytest.approx(exp(-1.0), rel=1e-12)
    assert an.transient_cavity_share(50.0, 2500.0) == pytest.approx(float(an.transient_share(1.0)), rel=2e-3)
    assert an.titration_constant(1e-6) == pytest.approx(sqrt(1e-6 / 2.0), rel=1e-5)
    assert an.thiele_profile(2.0, 1.0, 0.5) == pytest.approx(0.5 * exp(-2.0))
    profile = an.divergent_reaction(1e-9, 4.0, 2.0)
    assert log10(profile) == pytest.approx(log10(an.thiele_profile(2.0, 1.0, 0.5)), rel=1e-6)


def test_ogata_banks_at_high_peclet() -> None:
    """The product of exp(u x / D) with erfc does not overflow: half the inlet at the front, one behind it."""
    profile = an.ogata_banks([0.25, 0.5, 0.75], 0.5, 1.0, 1e-7)
    np.testing.assert_allclose(profile, [1.0, 0.5, 0.0], atol=1e-3)

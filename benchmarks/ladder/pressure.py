# SPDX-License-Identifier: MIT
"""Steady pressure on radial meshes: B1, B2, B4, B5, and a cavity in tissue that yields."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.ladder.rung import Curve, Floats, Outcome, Rung, Series
from meshes.regions import TISSUE, TUMOUR
from solver.parameters.model import Model
from tests import analytic as an
from tests.spheres import (
    PERFUSED,
    PLAIN,
    discretised,
    geometric,
    in_order,
    model,
    perfused,
    pulse,
    steady_flow,
    tissue,
)

CAVITY, FAR, RATE, SPHERE = 0.359e-3, 60e-3, an.ML_PER_MIN, 5e-3
SIX_DIGITS = 1e-6


def steady(
    what: Model,
    radii: Callable[[int], Floats],
    exact: Callable[[Floats], Floats],
    counts: tuple[int, ...],
    rate: float = 0.0,
    tumour: float = 0.0,
) -> Outcome:
    """Largest error of the pressure over its largest value, on a row of meshes; the last is the control."""
    errors = []
    for cells in counts:
        r = radii(cells)
        data = discretised(r, what, tumour)
        found, expected = in_order(data, steady_flow(data, what, rate).state.pressure), exact(r)
        errors.append(float(np.abs(found - expected).max() / np.abs(expected).max()))
        if cells == counts[0]:
            curve = Curve(x=1e3 * r, found=found, exact=expected, across="r [mm]", along="pressure [Pa]")
    series = (
        Series(
            label="pressure, maximum",
            counts=counts[:-1],
            errors=tuple(errors[:-1]),
            theory=2.0,
        ),
        Series(label="the same, fine mesh", counts=counts[-1:], errors=(errors[-1],), limit=SIX_DIGITS),
    )
    return Outcome(series=series, curves=(curve,))


def counts(fine: bool, last: int) -> tuple[int, ...]:
    """Cells of the meshes; a quick look spares the control."""
    return (100, 200, 400, 800, last) if fine else (50, 100, last)


def isolated_sphere(fine: bool) -> Outcome:
    """B1."""
    what = model(tissue(**perfused(an.TUMOUR)), replace(PERFUSED, far_field="fixed", far_pressure=0.0))
    return steady(
        what,
        lambda n: SPHERE * np.linspace(0.0, 1.0, n + 1),
        lambda r: an.isolated_sphere_pressure(an.TUMOUR, SPHERE, r),
        counts(fine, 8000),
    )


def embedded_sphere(fine: bool, lymph: float) -> Outcome:
    """B2; the mesh ends at two tumour radii, with the exact Robin condition."""
    outside = an.with_lymph(an.TISSUE, lymph)
    tissues = {TUMOUR: tissue(**perfused(an.TUMOUR)), TISSUE: tissue(**perfused(an.TISSUE, lymph))}
    what = model(tissues[TISSUE], replace(PERFUSED, lymph=True), tissues=tissues)
    return steady(
        what,
        lambda n: 2.0 * SPHERE * np.linspace(0.0, 1.0, 2 * n + 1),
        lambda r: an.embedded_sphere_pressure(an.TUMOUR, outside, SPHERE, r),
        counts(fine, 8000),
        tumour=SPHERE,
    )


def rigid_cavity(fine: bool, drained: float) -> Outcome:
    """B4."""
    far = "robin" if np.isinf(drained) else "fixed"
    what = model(tissue(), replace(PLAIN, far_field=far, far_pressure=0.0), pulse(RATE, 60.0))
    strength = RATE / (4.0 * np.pi * 3.1e-14)
    return steady(
        what,
        lambda n: geometric(CAVITY, FAR, n),
        lambda r: strength * (1.0 / r - 1.0 / drained),
        counts(fine, 8000),
        RATE,
    )


def screened_cavity(fine: bool) -> Outcome:
    """B5."""
    what = model(tissue(**perfused(an.TUMOUR)), PERFUSED, pulse(RATE, 60.0))
    return steady(
        what,
        lambda n: geometric(CAVITY, 10e-3, n),
        lambda r: an.TUMOUR.pressure + an.screened_cavity_pressure(RATE, an.TUMOUR, CAVITY, r),
        counts(fine, 12000),
        RATE,
    )


def strained_cavity(fine: bool) -> Outcome:
    """K = K0 exp(M e), e up to 0.44."""
    conductivity, modulus, exponent = 3.098e-14, 3e4, 5.0
    rate = 8.0 * 4.0 * np.pi * conductivity * modulus * CAVITY / exponent
    medium = tissue(hydraulic_conductivity=conductivity, dilatation_exponent=exponent)
    physics = replace(PLAIN, conductivity="exponential", far_field="fixed", far_pressure=0.0)
    strength = exponent * rate / (4.0 * np.pi * conductivity * modulus)
    return steady(
        model(medium, physics, pulse(rate, 60.0)),
        lambda n: geometric(CAVITY, FAR, n),
        lambda r: modulus / exponent * np.log1p(strength * (1.0 / r - 1.0 / FAR)),
        counts(fine, 8000),
        rate,
    )


RUNGS = (
    Rung(
        key="B1",
        title="Isolated leaky sphere",
        exact="p = p_e [1 - sinh(a r/R)/((r/R) sinh a)], a = R sqrt(L_p S/V / K); R = 5 mm",
        source="Baxter & Jain 1989",
        run=isolated_sphere,
    ),
    Rung(
        key="B2",
        title="Leaky sphere in unbounded perfused tissue",
        exact="sinh(a_T x)/x inside, exp(-a_N (x - 1))/x outside, flux continuous at x = r/R = 1",
        source="derived; Baxter & Jain 1989 for the numbers",
        run=lambda fine: embedded_sphere(fine, 0.0),
    ),
    Rung(
        key="B2-lymph",
        title="The same with lymph vessels in the tissue",
        exact="as B2, conductances of vessels and lymph added, pressures weighted with them",
        source="derived; Soltani & Chen 2011 for the lymph",
        run=lambda fine: embedded_sphere(fine, an.LYMPH_CONDUCTANCE),
    ),
    Rung(
        key="B4",
        title="Cavity in rigid tissue without end",
        exact="p = Q/(4 pi K r)",
        source="Darcy's law",
        run=lambda fine: rigid_cavity(fine, np.inf),
    ),
    Rung(
        key="B4-drained",
        title="Cavity in rigid tissue drained at 60 mm",
        exact="p = Q/(4 pi K) (1/r - 1/R)",
        source="Darcy's law",
        run=lambda fine: rigid_cavity(fine, FAR),
    ),
    Rung(
        key="B5",
        title="Cavity in perfused tissue",
        exact="p - p_e = Q exp(-(r - a)/l)/(4 pi K r (1 + a/l)), l = sqrt(K/(L_p S/V))",
        source="screened Poisson equation",
        run=screened_cavity,
    ),
    Rung(
        key="strained",
        title="Cavity in tissue that yields, K = K0 exp(M e), e up to 0.44",
        exact="p = (H/M) ln(1 + M Q (1/r - 1/R)/(4 pi K0 H))",
        source="derived (Kirchhoff's transformation); law of Lai & Mow 1980",
        run=strained_cavity,
    ),
)

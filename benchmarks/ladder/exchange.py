# SPDX-License-Identifier: MIT
"""Exchange with blood, a finite reductant, and drug in the body: B3, B15, R_d, compartments."""

import numpy as np

from benchmarks.ladder.rung import Check, Curve, Outcome, Rung, Series
from solver.routes.body import regional_advantage
from solver.routes.parameters import Dose
from solver.routes.pharmacokinetics import PLASMA, TUMOUR
from tests import analytic as an
from tests.test_chemistry import CAVITY, INLET, MASS, POROSITY, infusion, reductant
from tests.test_exchange import FLOW, entering
from tests.test_pharmacokinetics import ARTERY, DAY, HOUR, TWO, followed, replace, route


def capillary(fine: bool) -> Outcome:
    """B3."""
    checks = []
    permeabilities = (1e-5, 1e-3, FLOW, 0.1) if fine else (1e-3,)
    for permeability in permeabilities:
        for fluid in (-FLOW, -3e-3, -1e-9, 0.0, 1e-9, 1e-3, 0.5 * FLOW):
            exact = an.capillary_exchange(FLOW, fluid, permeability, 0.4, 1.3)
            checks.append(
                Check(
                    quantity=f"J_s at PS = {permeability:g} 1/s, J = {fluid:g} 1/s",
                    found=entering(fluid, FLOW, permeability, 0.4, 1.3),
                    exact=exact,
                    tolerance=1e-7,
                    unit="kg/(m3 s)",
                )
            )
    for fluid in (-2e-3, 1e-3):
        patlaks = an.patlak_exchange(fluid, 2e-3, 0.4, 1.3)
        checks.append(
            Check(
                quantity=f"without end of flow (Patlak), J = {fluid:g} 1/s",
                found=entering(fluid, np.inf, 2e-3, 0.4, 1.3),
                exact=patlaks,
                tolerance=1e-12,
                unit="kg/(m3 s)",
            )
        )
    return Outcome(checks=tuple(checks))


def titration(fine: bool) -> Outcome:
    """B15, advected."""
    checks = []
    for amount in (10.0, 50.0):
        exact = an.titration_radius(an.ML_PER_MIN * 60.0, INLET, amount * MASS, POROSITY)
        exact = float((exact**3 + CAVITY**3) ** (1 / 3))
        for rate, step in ((100.0, 0.5), (2000.0, 2.0)) if fine else ((2000.0, 2.0),):
            radii, _, fields = infusion(reductant(rate, amount), 600 if fine else 150, step)
            checks.append(
                Check(
                    quantity=f"radius oxidised, S0 = {amount:g} mol/m3, k2 = {rate:g}, step {step:g} s",
                    found=1e3 * float(np.interp(0.5, fields["reductant_left"], radii)),
                    exact=1e3 * exact,
                    tolerance=0.01 if fine else 0.02,
                    unit="mm",
                )
            )
    curve = Curve(
        x=1e3 * radii,
        found=fields["reductant_left"],
        exact=np.where(radii < exact, 0.0, 1.0),
        across="r [mm]",
        along="reductant left",
    )
    return Outcome(checks=tuple(checks), curves=(curve,))


def excess(fine: bool) -> Outcome:
    """Reductant in excess: first-order decay, second order in time."""
    rate, amount, errors = 0.03, 5e4, []
    steps = (4.0, 2.0, 1.0, 0.5) if fine else (4.0, 2.0)
    for step in steps:
        radii, _, fields = infusion(reductant(rate * POROSITY / amount, amount), 400, step)
        exact = INLET * np.exp(-rate * an.travel_time(radii, an.ML_PER_MIN, POROSITY, CAVITY))
        errors.append(float(np.abs(fields["c"] / exact - 1.0)[radii < 2e-3].max()))
    series = Series(
        label="C within 2 mm, relative",
        counts=tuple(round(60.0 / s) for s in steps),
        errors=tuple(errors),
        unit="steps",
        theory=2.0,
        below=0.25,
    )
    return Outcome(series=(series,))


def advantage(_fine: bool) -> Outcome:
    """R_d of a steady arterial infusion, books, and a bolus in two compartments."""
    checks = []
    for extraction in (0.0, 0.5, 0.95):
        region = replace(ARTERY, extraction=extraction)
        dose = Dose(start=0.0, amount=1e-3, duration=20 * DAY)
        course = followed(route("arterial", dose, end=20 * DAY, region=region))
        late = course.times.size - 2
        checks += [
            Check(
                quantity=f"R_d, extraction {extraction:g}",
                found=float(course.concentrations[late, TUMOUR] / course.concentrations[late, PLASMA]),
                exact=regional_advantage(TWO.clearance, region.artery_flow, extraction),
                tolerance=1e-6,
            ),
            Check(
                quantity=f"books, extraction {extraction:g}",
                found=course.residual(),
                exact=0.0,
                tolerance=1e-10,
            ),
        ]
    course = followed(route("intravenous", Dose(start=0.0, amount=1e-3)))
    k10, k12, k21 = 60 / 20 / HOUR, 30 / 20 / HOUR, 30 / 40 / HOUR
    total, product = k10 + k12 + k21, k10 * k21
    fast, slow = ((total + sign * np.sqrt(total**2 - 4 * product)) / 2 for sign in (1, -1))
    a, b = (fast - k21) / (fast - slow), (k21 - slow) / (fast - slow)
    exact = 1e-3 / 0.02 * (a * np.exp(-fast * course.times) + b * np.exp(-slow * course.times))
    found = np.asarray(course.concentrations[:, PLASMA])
    worst = float(np.abs(found / exact - 1.0).max())
    checks.append(Check(quantity="bolus, relative error at any time", found=worst, exact=0.0, tolerance=1e-8))
    curve = Curve(x=course.times / HOUR, found=found, exact=exact, across="time [h]", along="plasma [kg/m3]")
    return Outcome(checks=tuple(checks), curves=(curve,))


RUNGS = (
    Rung(
        key="B3",
        title="Solute through the wall of a capillary that flow supplies",
        exact=(
            "d(f c)/dx = -patlak(c), f = F - J x, integrated along the capillary; Patlak where "
            "flow has no end"
        ),
        source="Patlak et al. 1963; integrated by LSODA",
        run=capillary,
    ),
    Rung(
        key="B15",
        title="Titration of a finite reductant by an injection",
        exact="R = [a^3 + 3 V C0/(4 pi (phi C0 + nu S0 M))]^(1/3)",
        source="derived (shrinking core)",
        run=titration,
    ),
    Rung(
        key="B15-excess",
        title="Reductant in excess",
        exact="first-order decay, k = k2 S0/phi",
        source="derived",
        run=excess,
    ),
    Rung(
        key="R_d",
        title="Regional advantage, balance of compartments, bolus",
        exact="R_d = 1 + CL/(Q (1 - E)); plasma after a bolus is a sum of two exponentials",
        source="Collins 1984; textbook",
        run=advantage,
    ),
)

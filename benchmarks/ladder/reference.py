# SPDX-License-Identifier: MIT
"""The reference and the spill case on shells, against digits that an independent program settled on."""

from dataclasses import replace

import numpy as np

from benchmarks.ladder.rung import Check, Curve, Outcome, Rung
from tests.finite_volume import DOSES, REFERENCE, SPILL, Case
from tests.test_second_program import solved, witness

SETTLED = {
    "reference": (12.798, (8.265, 7.944, 7.848, 7.647, 6.916), 99.706),
    "spill": (12.897, (8.079, 7.763, 7.668, 7.472, 6.804), 80.901),
}
"""Peak pressure [kPa], radii [mm] of CT 0.6, 3, 4.5, 9, 30 kg s/m3, reacted in the tumour [%]."""


def compare(case: Case, name: str, fine: bool) -> Outcome:
    """Peak pressure, radii of doses and shares; a quick look stops after a tenth of the time."""
    if not fine:
        case = replace(case, end=case.duration + 1.0)
    radii, dose, peak, last = solved(case)
    rows = last.ledger.rows()
    expected, settled_radii, reacted = SETTLED[name]
    checks = [Check(quantity="peak pressure", found=1e-3 * peak, exact=expected, tolerance=1e-3, unit="kPa")]
    found = [1e3 * float(np.interp(-level, -dose, radii)) for level in DOSES]
    if fine:
        checks += [
            Check(quantity=f"radius of CT {level:g}", found=r, exact=exact, tolerance=2e-3, unit="mm")
            for level, r, exact in zip(DOSES, found, settled_radii, strict=True)
        ]
        share = 100.0 * rows["agent_reacted_tumour"] / rows["agent_injected"]
        second = witness(case)
        checks += [
            Check(quantity="reacted in the tumour", found=share, exact=reacted, tolerance=2e-3, unit="%"),
            Check(
                quantity="peak pressure of the finite-volume program of the tests",
                found=1e-3 * second.peak_pressure,
                exact=expected,
                tolerance=1e-3,
                unit="kPa",
            ),
        ]
    books = (("agent", last.ledger.agent_residual()), ("fluid", last.ledger.fluid_residual()))
    checks += [
        Check(quantity=f"ledger of the {book}", found=value, exact=0.0, tolerance=1e-10)
        for book, value in books
    ]
    near = radii < 12e-3
    settled = np.interp(1e3 * radii, settled_radii[::-1], DOSES[::-1], left=np.nan, right=np.nan)
    curve = Curve(
        x=1e3 * radii[near],
        found=dose[near],
        exact=settled[near],
        across="r [mm]",
        along="CT [kg s/m3], exact: between settled radii",
    )
    return Outcome(checks=tuple(checks), curves=(curve,))


RUNGS = (
    Rung(
        key="reference",
        title="The reference case",
        exact=(
            "no closed form: digits on which radial P1 elements of 5 and 10 um with second-order "
            "steps of 0.1 s agree"
        ),
        source="an independent program; a finite-volume program of the tests beside it",
        run=lambda fine: compare(REFERENCE, "reference", fine),
    ),
    Rung(
        key="spill",
        title="The same with a tumour of 6 mm: what gets out",
        exact="as before",
        source="as before",
        run=lambda fine: compare(SPILL, "spill", fine),
    ),
)

# SPDX-License-Identifier: MIT
"""The solver on a radial mesh against the independent finite-volume program, on the full default model."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from meshes.regions import TISSUE, TUMOUR
from solver.parameters.model import Agent, Model, Physics, Schedule, Tissue
from solver.simulate import simulate
from solver.snapshot import Snapshot
from tests.finite_volume import DOSES, LOGISTIC, REFERENCE, SPILL, Case, Outcome, run
from tests.spheres import Floats, discretised, geometric, in_order, pulse, tissue

pytestmark = pytest.mark.serial

GROWTH = 0.01
"""Of the solver's shells; the second program has its own."""


NAMES = {
    "reacted_tumour": "reacted_tumour",
    "reacted_tissue": "reacted_tissue",
    "blood": "blood",
    "lymph": "lymph",
    "crossed_out": "crossed",
}
"""Row of the solver's ledger to share of the second program."""


@cache
def witness(case: Case) -> Outcome:
    return run(case)


def material(case: Case, region: int) -> Tissue:
    """The second program's constants as the solver names them; region 0 is the tumour."""
    return tissue(
        hydraulic_conductivity=case.conductivity[region],
        porosity=case.porosity,
        confined_modulus=case.modulus,
        dilatation_exponent=case.dilatation_exponent,
        fissuring_ratio=case.fissuring_ratio,
        fissuring_pressure=case.fissuring_pressure,
        fissuring_width=case.fissuring_width,
        vessel_conductance=case.vessel_conductance[region],
        vessel_pressure=2080.0,
        effective_vessel_pressure=case.vessel_pressure[region],
        closure_margin=case.closing_pressure - 2080.0,
        closure_width=case.closing_width,
        perfusion=case.perfusion,
        lymph_conductance=case.lymph_conductance[region],
        diffusivity=case.diffusivity,
    )


@cache
def solved(case: Case) -> tuple[Floats, Floats, float, Snapshot]:
    """Radii, dose, largest pressure at the wall, and the last snapshot of the solver's run."""
    inner = geometric(
        case.cavity_radius, case.tumour_radius, round(np.log(case.tumour_radius / 3.59e-4) / GROWTH)
    )
    outer = geometric(
        case.tumour_radius, case.outer_radius, round(np.log(6e-2 / case.tumour_radius) / GROWTH)
    )
    radii = np.concatenate([inner, outer[1:]])
    law: Any = case.law
    model = Model(
        tissues={TUMOUR: material(case, 0), TISSUE: material(case, 1)},
        agent=Agent(name="oxidant", reaction_rate=case.reaction, molar_mass=0.06745),
        injections=(pulse(case.rate, case.duration, case.inlet),),
        physics=Physics(conductivity=law),
        schedule=Schedule(end=case.end),
    )
    data = discretised(radii, model, case.tumour_radius)
    peak = 0.0
    for snapshot in simulate(data, model):
        peak = max(peak, float(snapshot.source_pressure[0]))
    return radii, in_order(data, snapshot.dose.ct), peak, snapshot


@pytest.mark.parametrize("case", [REFERENCE, SPILL, LOGISTIC], ids=["reference", "spill", "logistic"])
def test_pressure_and_dose(case: Case) -> None:
    radii, dose, peak, _ = solved(case)
    expected = witness(case)
    assert peak == pytest.approx(expected.peak_pressure, rel=1e-3)
    for level, radius in zip(DOSES, expected.dose_radii, strict=True):
        assert float(np.interp(-level, -dose, radii)) == pytest.approx(radius, rel=0.012), level


@pytest.mark.parametrize("case", [REFERENCE, SPILL, LOGISTIC], ids=["reference", "spill", "logistic"])
def test_where_the_agent_went(case: Case) -> None:
    """Shares of the injected agent, and both ledgers."""
    *_, last = solved(case)
    expected = witness(case).shares
    rows = last.ledger.rows()
    for row, name in NAMES.items():
        share = rows[f"agent_{row}"] / rows["agent_injected"]
        assert share == pytest.approx(expected[name], rel=0.04, abs=3e-5), row
    reacted = rows["agent_reacted_tumour"] / rows["agent_injected"]
    assert reacted == pytest.approx(expected["reacted_tumour"], abs=5e-3)
    assert last.ledger.agent_residual() < 1e-10
    assert last.ledger.fluid_residual() < 1e-10
    assert last.lowest >= -1e-12 * case.inlet

# SPDX-License-Identifier: MIT
"""The pressure at rest, also where blood flow bounds what vessels filter and Newton's method alone fails."""

from dataclasses import replace

import numpy as np
import pytest

from cases.reading.load import load_case
from cases.running.reuse import Reuse
from solver.flow.balance import FlowBalance
from solver.flow.rest import local_balance, march_to_rest, rest_target
from solver.flow.step import FlowError, FlowSolver
from solver.parameters.model import Model
from solver.tissue.conductivity import LAWS
from solver.tissue.discretisation import Discretisation
from tests.case_files import REFERENCE
from tests.coarse import COMM

pytestmark = pytest.mark.serial

POORLY_PERFUSED = (
    "geometry.kind=radial",
    "tissues.tumour.perfusion=0.00024113995364854243 1/s",
    "tissues.tumour.hydraulic_conductivity=2.528580793884702e-15 m^2/(Pa s)",
)
"""F/2 lies below what vessels would filter at the start of Newton's method, so the bound holds everywhere."""


def made(*overrides: str) -> tuple[Discretisation, Model]:
    case = load_case(REFERENCE, overrides)
    reuse = Reuse()
    _, mesh = reuse.mesh(case.geometry, COMM)
    return reuse.data(mesh, case.model, case.geometry.sites), case.model


def imbalance(data: Discretisation, model: Model, pressure: np.ndarray) -> float:
    """Sum of what the nodes keep too much of [m3/s]."""
    balance = FlowBalance(data, LAWS[model.physics.conductivity])
    return balance.evaluate(rest_target(data), pressure).norm


def test_rest_where_blood_flow_bounds_filtration() -> None:
    data, model = made(*POORLY_PERFUSED)
    flow = FlowSolver(data, model.physics, model.numerics, 1e-8)
    assert imbalance(data, model, flow.rest) < 1e-6 * 1e-8
    # deep inside the tumour vessels neither filter nor absorb: p = p_e
    assert flow.rest[0] == pytest.approx(1533.2, abs=1.0)


def test_newton_alone_does_not_find_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the march would be dead code."""

    def no_march(*arguments: object) -> None:
        raise FlowError("marched")

    monkeypatch.setattr("solver.flow.step.march_to_rest", no_march)
    data, model = made(*POORLY_PERFUSED)
    with pytest.raises(FlowError, match="marched"):
        FlowSolver(data, model.physics, model.numerics, 1e-8)


def test_marching_ends_where_newton_ends() -> None:
    data, model = made("geometry.kind=radial")
    flow = FlowSolver(data, model.physics, replace(model.numerics, newton_tolerance=1e-10), 1e-8)
    marched = march_to_rest(data, rest_target(data), lambda t, g: flow._newton(t, g)[0], FlowError)
    assert np.max(np.abs(marched - flow.rest)) < 1e-4


def test_local_balance_is_that_of_each_tissue_alone() -> None:
    """1533 Pa in the tumour; in subcutis (1.89e-8 866.6 + 0)/(1.89e-8 + 9.98e-8)."""
    data, _ = made("geometry.kind=radial")
    found = local_balance(data)
    assert found[0] == pytest.approx(1533.2, abs=1.0)
    assert found[-1] == pytest.approx(138.0, abs=1.0)

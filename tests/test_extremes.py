# SPDX-License-Identifier: MIT
"""The extremes of a run, from snapshots whose values are known."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from meshes.regions import TISSUE, TUMOUR
from solver.ledger import Ledger
from solver.parameters.model import Model, Numerics, Physics, Schedule
from solver.results.record import Extremes, history_row
from solver.simulate import simulate
from solver.snapshot import Snapshot
from solver.tissue.discretisation import Discretisation
from tests.coarse import (
    DOMAIN,
    INLET,
    ML_PER_MIN,
    discretised,
    full_model,
    gathered,
    pulse,
    shells,
    tissues,
)

Floats = NDArray[np.float64]


def set_up() -> tuple[Model, Discretisation]:
    """Rigid tissue, no storage, no exchange: the same flow passes every shell."""
    media = {
        TUMOUR: replace(tissues()[TUMOUR], confined_modulus=1e4, diffusivity=3e-10),
        TISSUE: replace(tissues()[TISSUE], confined_modulus=4e4, diffusivity=5e-10),
    }
    model = full_model(
        (pulse(0.0, 3.0),),
        tissues=media,
        physics=Physics(flow="steady", conductivity="rigid", vessels=False, lymph=False),
        numerics=Numerics(fixed_step=1.0),
        schedule=Schedule(end=3.0),
    )
    return model, discretised("radial", model)


@cache
def run() -> tuple[Discretisation, list[Snapshot]]:
    model, data = set_up()
    return data, list(simulate(data, model))


def test_extremes_keep_the_largest_and_the_smallest() -> None:
    """The peak is the largest over sites and steps, with its own time, wherever it comes."""
    data, steps = run()
    extremes = Extremes(inlet=INLET)
    values = [
        (np.array([10.0, 20.0]), 0.0, 0.0),
        (np.array([900.0, 100.0]), -0.03, 2.4),
        (np.array([300.0, 1500.0]), -0.06, 1.2),
        (np.array([1400.0, 1300.0]), 0.03, 2.1),
    ]
    seen = []
    for snapshot, (pressure, lowest, highest) in zip(steps, values, strict=True):
        made = replace(
            snapshot, source_pressure=pressure, lowest=lowest, highest=highest, rejected=snapshot.index
        )
        extremes.add(data, made)
        seen.append((extremes.peak_pressure, extremes.peak_time, extremes.lowest, extremes.highest))
        row = history_row(made, INLET)
        assert row["peak_pressure_Pa"] == pressure.max()
        assert (row["c_min_relative"], row["c_max_relative"]) == (lowest / INLET, highest / INLET)
    assert seen == [
        (20.0, 0.0, 0.0, 0.0),
        (900.0, 1.0, pytest.approx(-0.01), pytest.approx(0.8)),
        (1500.0, 2.0, pytest.approx(-0.02), pytest.approx(0.8)),
        (1500.0, 2.0, pytest.approx(-0.02), pytest.approx(0.8)),
    ]
    assert extremes.rejected == 3
    assert extremes.newton == [snapshot.flow_step.iterations for snapshot in steps[1:]]
    assert extremes.krylov_agent == [snapshot.krylov for snapshot in steps[1:]]


def test_extremes_keep_the_largest_residuals() -> None:
    """The books are poorest in the middle of the run; each kind has its own."""
    data, steps = run()
    extremes = Extremes(inlet=INLET)
    for snapshot, agent, fluid in zip(steps, (0.5, 0.01, 0.04, 0.02), (0.5, 0.03, 0.05, 0.01), strict=True):
        ledger = Ledger(data)
        ledger.totals |= {"agent_injected": 4.0, "fluid_injected": 2.0}
        ledger.states |= {"agent_in_tumour": 4.0 * (1 - agent), "fluid_stored": 2.0 * (1 + fluid)}
        extremes.add(data, replace(snapshot, ledger=ledger))
    assert (extremes.agent_residual, extremes.fluid_residual) == pytest.approx((0.04, 0.05))


def test_largest_dilatation_is_above_rest_over_each_modulus() -> None:
    """The rise is the same everywhere; the tumour is softer. A later, smaller rise changes nothing."""
    data, steps = run()
    extremes, found = Extremes(inlet=INLET), []
    rest = 300.0 + 50.0 * data.mesh.points[:, 0] / DOMAIN
    for snapshot, rise in zip(steps, (0.0, 400.0, 2000.0, 1000.0), strict=True):
        extremes.add(data, replace(snapshot, flow=replace(snapshot.flow, pressure=rest + rise)))
        found.append(extremes.largest_dilatation)
    assert found == pytest.approx([0.0, 0.04, 0.2, 0.2], abs=1e-12)


def test_courant_and_peclet_of_a_steady_flow() -> None:
    """Q dt over the fluid of a node; K dp/(D phi) of a cell: the flow across it over what diffuses."""
    data, steps = run()
    extremes = Extremes(inlet=INLET)
    for snapshot, length in zip(steps, (0.0, 1.0, 4.0, 2.0), strict=True):
        extremes.add(data, replace(snapshot, step=length))
    fluid = gathered(data, data.rest_fluid)
    passes = np.full(fluid.size, ML_PER_MIN)
    passes[[0, -1]] /= 2
    assert extremes.courant == pytest.approx(4.0 * (passes / fluid).max(), rel=1e-6)
    inside = shells().cell_tags == TUMOUR
    drop = -np.diff(gathered(data, steps[-1].flow.pressure))
    media = set_up()[0].tissues
    spreads = {tag: m.diffusivity * m.porosity / m.hydraulic_conductivity for tag, m in media.items()}
    number = drop / np.where(inside, spreads[TUMOUR], spreads[TISSUE])
    assert extremes.peclet == pytest.approx(number.max(), rel=1e-6)

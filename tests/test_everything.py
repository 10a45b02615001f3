# SPDX-License-Identifier: MIT
"""All effects at once: the books close, the bounds hold, every effect has its row, on any number of ranks."""

from functools import cache
from pathlib import Path

import pytest

from cases.reading.load import load_case
from cases.running.reuse import Reuse
from solver.simulate import simulate
from solver.snapshot import Snapshot
from solver.tissue.line_curves import line_curves
from tests.coarse import COMM

CASE = Path(__file__).parents[1] / "cases" / "shipped" / "everything.toml"


@cache
def marched() -> tuple[Snapshot, float, float, float, float]:
    """The last state, and over all steps the largest residuals and the bounds of C over the inlet's."""
    case = load_case(CASE, ("numerics.cells_per_front=1",))
    reuse = Reuse()
    _, mesh = reuse.mesh(case.geometry, COMM, line_curves(case.model, case.geometry.sites))
    data = reuse.data(mesh, case.model, case.geometry.sites)
    agent = fluid = lowest = highest = 0.0
    inlet = max(pulse.concentration for pulse in case.model.injections)
    for last in simulate(data, case.model):
        if last.index:
            agent = max(agent, last.ledger.agent_residual())
            fluid = max(fluid, last.ledger.fluid_residual())
            lowest, highest = min(lowest, last.lowest / inlet), max(highest, last.highest / inlet)
    return last, agent, fluid, lowest, highest


def test_both_books_close() -> None:
    _, agent, fluid, _, _ = marched()
    assert agent < 1e-10
    assert fluid < 1e-10


def test_concentrations_stay_within_what_comes_in() -> None:
    _, _, _, lowest, highest = marched()
    assert lowest >= -1e-12
    assert 0.5 < highest <= 1.0 + 1e-10


@pytest.mark.parametrize(
    "row",
    [
        "agent_reacted_tumour",
        "agent_blood",
        "agent_backflow",
        "agent_withdrawn",
        "agent_in_track",
        "agent_in_cells",
        "agent_in_cavity",
        "fluid_backflow",
        "fluid_withdrawn",
        "fluid_in_cavity",
        "product_formed_tumour",
        "product_in_tumour",
        "reductant_consumed_tumour",
    ],
)
def test_every_effect_has_something_in_its_row(row: str) -> None:
    last, *_ = marched()
    assert last.ledger.rows()[row] > 0

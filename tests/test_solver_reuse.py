# SPDX-License-Identifier: MIT
"""What one solve learns is used by the next: preconditioners of steady flow, sweeps that will not do."""

import numpy as np
import pytest

from solver.agent.sweeps import DownwindSolver
from solver.flow.step import FlowSolver, global_numbers
from solver.kernels.edges import fill_rows
from tests.spheres import COMM, PLAIN, discretised, geometric, model, tissue


def test_steady_flow_builds_one_preconditioner() -> None:
    what = model(tissue(), PLAIN)
    data = discretised(geometric(1e-3, 2e-2, 200), what)
    solver = FlowSolver(data, what.physics, what.numerics, 1e-8)
    before = solver.solver.setups
    state = solver.initial_state()
    once = solver.step(state, 1e-8 * data.sources[0], 1.0, state.pressure)
    twice = solver.step(once.state, 2e-8 * data.sources[0], 1.0, once.state.pressure)
    built = solver.solver.setups - before
    assert built <= 1 and once.iterations > 0 and twice.iterations > 0
    rise = twice.state.pressure - solver.rest
    np.testing.assert_allclose(rise, 2 * (once.state.pressure - solver.rest), atol=1e-7 * rise.max())
    after = solver.step(twice.state, 0.0 * data.sources[0], 1.0, twice.state.pressure)
    assert after.iterations == 0 and solver.solver.setups - before == built
    np.testing.assert_array_equal(after.state.pressure, solver.rest)


@pytest.mark.skipif(COMM.size > 1, reason="compares with one dense matrix")
def test_sweeps_that_stalled_are_not_tried_again() -> None:
    what = model(tissue(), PLAIN)
    data = discretised(geometric(1e-3, 2e-2, 200), what)
    solver, stencil = DownwindSolver(data, global_numbers(data), 1e-14), data.stencil
    link = np.ones(stencil.tail.size)
    solver.diagonal[:] = (
        np.bincount(stencil.tail, minlength=201) + np.bincount(stencil.head, minlength=201) + 1e-3
    )
    solver.values[solver.graph.tail_row] = -link
    solver.values[solver.graph.head_row] = -link
    entries = np.zeros(stencil.columns.size)
    fill_rows(stencil.diagonal, stencil.tail_row, stencil.head_row, solver.diagonal, -link, -link, entries)
    dense = np.zeros((201, 201))
    dense[np.repeat(np.arange(201), np.diff(stencil.indptr)), stencil.columns] = entries
    right = np.zeros(201)
    right[0] = 1.0
    exact = np.linalg.solve(dense, right)
    effort = []
    for fresh in (True, False, True):
        if fresh:
            solver.changed()
        found = solver.solve(right, np.zeros(201), np.ones(201), 1e-12)
        np.testing.assert_allclose(found, exact, rtol=1e-8)
        effort.append(solver.iterations)
    assert effort[1] < effort[0] and effort[2] == effort[0]

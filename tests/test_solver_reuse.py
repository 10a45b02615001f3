# SPDX-License-Identifier: MIT
"""What one solve learns is used by the next: preconditioners of steady flow, sweeps that will not do."""

import numpy as np
import pytest
from numpy.typing import NDArray

from solver.agent.sweeps import DownwindSolver
from solver.flow.step import FlowSolver, global_numbers
from tests.spheres import COMM, PLAIN, discretised, geometric, model, tissue

Floats = NDArray[np.float64]
ONE_RANK = pytest.mark.skipif(COMM.size > 1, reason="compares with one dense matrix")


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


def diffusive(held: float = 1e-3) -> tuple[DownwindSolver, Floats]:
    """A solver and its matrix, dense; sweeps stall on it where little is held on the diagonal."""
    what = model(tissue(), PLAIN)
    data = discretised(geometric(1e-3, 2e-2, 200), what)
    solver, stencil = DownwindSolver(data, global_numbers(data), 1e-14), data.stencil
    tail, head = stencil.tail, stencil.head
    solver.diagonal[:] = np.bincount(tail, minlength=201) + np.bincount(head, minlength=201) + held
    solver.values[solver.graph.tail_row] = -1.0
    solver.values[solver.graph.head_row] = -1.0
    dense = np.diag(solver.diagonal)
    dense[tail, head] = dense[head, tail] = -1.0
    return solver, dense


@ONE_RANK
def test_sweeps_that_stalled_are_not_tried_again() -> None:
    solver, dense = diffusive()
    right = np.eye(201)[0]
    exact = np.linalg.solve(dense, right)
    effort = []
    for fresh in (True, False, True):
        if fresh:
            solver.changed()
        found = solver.solve(right, np.zeros(201), np.ones(201), 1e-12)
        np.testing.assert_allclose(found, exact, rtol=1e-8)
        effort.append(solver.iterations)
    assert effort[1] < effort[0] and effort[2] == effort[0]


@ONE_RANK
@pytest.mark.parametrize(("held", "swept"), [(1e-3, False), (3.0, True)])
def test_an_approximate_solution_may_be_of_either_sign_and_is_as_exact_as_asked(
    held: float, swept: bool
) -> None:
    solver, dense = diffusive(held)
    right = np.sin(np.arange(201.0))
    exact = np.linalg.solve(dense, right)
    errors, effort = [], []
    for tolerance in (1e-2, 1e-8):
        solver.changed()
        found = solver.approximate(right, tolerance)
        errors.append(np.abs(found - exact).max() / np.abs(exact).max())
        effort.append(solver.iterations)
    assert exact.min() < 0 < exact.max()
    assert errors[0] < 0.1 and errors[1] < 1e-7
    assert (solver.krylov is None) == swept
    if swept:
        assert effort[0] < effort[1] and errors[1] < errors[0]

# SPDX-License-Identifier: MIT
"""The comparison of formulations: what must hold for each of them whatever the mesh, on small cases."""

import numpy as np
import pytest

from benchmarks.formulations.compare import run
from benchmarks.formulations.convex import Convex
from benchmarks.formulations.monotone import Monotone
from benchmarks.formulations.problem import Problem, Stepper
from benchmarks.formulations.rotation import rotation
from benchmarks.formulations.supg import Supg

pytestmark = pytest.mark.serial

ERRORS = {"low": 135.0, "zalesak": 80.0, "infusate": 53.0, "mcl": 63.0, "galerkin": 59.0, "supg": 50.0}
"""Upper bounds on a mesh of 32 by 32 squares [%]."""
BOUNDED = {"low", "zalesak", "infusate"}


@pytest.fixture(scope="module")
def bodies() -> Problem:
    """Three bodies in rotation, coarse."""
    return rotation(count=32, steps=200)


def stepper(problem: Problem, name: str) -> Stepper:
    """One formulation."""
    grid = problem.grid
    if name == "mcl":
        return Convex(grid, 0.5).step
    if name == "supg":
        return Supg(grid, np.zeros(len(grid.stencil.cells)), 0.5).step
    return Monotone(grid, name).step


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_three_bodies(bodies: Problem, name: str) -> None:
    """Mass is kept by all, bounds by those that promise it, and ours errs least among these."""
    row = run(bodies, stepper(bodies, name))
    assert abs(row["balance"]) < (1e-8 if name == "supg" else 1e-12)
    assert row["error"] < ERRORS[name]
    if name in BOUNDED:
        assert row["lowest"] > -1e-11
        assert row["highest"] < 1.0 + 1e-11
    else:
        assert row["highest"] > 1.0 - 1e-3

# SPDX-License-Identifier: MIT
"""The benchmark BALL: its reference, its figures of merit, our adapter, its rows and its history."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from benchmarks import history
from benchmarks.ball import bench
from benchmarks.ball.definition import (
    BALLS,
    CAVITY_RADIUS,
    DOMAIN_RADIUS,
    INFLOW,
    INJECTED,
    STEP,
    TUMOUR_RADIUS,
)
from benchmarks.ball.errors import figures_of_merit
from benchmarks.ball.infusate import run
from benchmarks.ball.measure import Setting, Task, measure
from benchmarks.ball.mesh import ball_mesh, cell_count
from benchmarks.ball.outcome import Outcome, read_outcome, write_outcome
from benchmarks.ball.programs import Job, Program
from benchmarks.ball.reference import Reference, fluxes, solve
from benchmarks.ball.time_to_error import best, time_to
from solver.parameters.model import Numerics
from solver.profile import Profile

pytestmark = pytest.mark.serial

SIZE = "3k"
COLUMNS = {"name", "case", "cells", "cores", "seconds", "l1_percent", "min_c", "balance", "peak_MB"}
"""Of a row, as the benchmark promises them."""


@pytest.fixture(scope="module")
def coarse() -> dict[str, Reference]:
    """Both cases at 20 um and 0.2 s."""
    return {name: solve(ball, 20e-6, 0.2) for name, ball in BALLS.items()}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Our solver on a tiny mesh, at the step of the benchmark."""
    found = run(ball_mesh(SIZE), BALLS["BALLw"], Numerics(fixed_step=STEP), Profile())
    assert found is not None
    return found


@pytest.mark.parametrize("name", list(BALLS))
def test_flow_balances_and_is_continuous(name: str) -> None:
    """Flow satisfies the screened equation inside, the inflow at the wall, and continuity at the tumour."""
    radii = np.linspace(CAVITY_RADIUS, TUMOUR_RADIUS, 20_001)
    flow = fluxes(BALLS[name], INFLOW, radii)
    assert flow[0] == pytest.approx(INFLOW, rel=1e-12)
    # p - p_e satisfies Laplace's screened equation, so d(div q)/dr = -S dp/dr = S/K q: twice by differences
    leakage, conductivity = BALLS[name].vessel_conductance[0], 3.1e-14
    divergence = np.diff(flow) / (4 / 3 * np.pi * np.diff(radii**3))
    between = radii[1:-1]
    slope = np.diff(divergence) / np.diff((radii[1:] + radii[:-1]) / 2)
    expected = leakage / conductivity * flow[1:-1] / (4 * np.pi * between**2)
    assert np.abs(slope - expected).max() < 1e-3 * np.abs(expected).max()
    beside = fluxes(BALLS[name], INFLOW, np.array([TUMOUR_RADIUS * (1 - 1e-9), TUMOUR_RADIUS * (1 + 1e-9)]))
    assert beside[0] == pytest.approx(beside[1], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "reacted", "vessels", "volume"),
    [("BALL", 0.1667, 0.8321, 38.82e-9), ("BALLw", 0.7980, 0.1957, 226.6e-9)],
)
def test_reference_finds_the_known_figures(
    coarse: dict[str, Reference], name: str, reacted: float, vessels: float, volume: float
) -> None:
    """Those of the converged computation, at 20 times its cells and 10 times its step."""
    found = coarse[name]
    assert found.reacted == pytest.approx(reacted, rel=3e-3)
    assert found.vessels == pytest.approx(vessels, rel=3e-3)
    assert found.volume == pytest.approx(volume, rel=1e-2)
    whole = found.reacted + found.vessels + found.remaining + found.boundary
    assert whole == pytest.approx(1, abs=1e-3)


def test_reference_converges() -> None:
    """Second order in space and time together."""
    fine, middle, rough = (solve(BALLS["BALLw"], n * 10e-6, n * 0.1).mass for n in (1, 2, 4))
    assert 2.5 < (rough - middle) / (middle - fine) < 6.5


def test_reference_interpolated_has_no_error_but_that_of_the_mesh(coarse: dict[str, Reference]) -> None:
    """Nodal values of the reference, in whatever order: L1 is that of interpolation."""
    mesh = ball_mesh("50k")
    exact = coarse["BALL"]
    radius = np.linalg.norm(mesh.points, axis=1)
    shuffled = np.random.default_rng(1).permutation(len(radius))
    facts = {"mass": exact.mass, "reacted": 1.01 * exact.reacted, "vessels": exact.vessels}
    found = figures_of_merit(
        mesh,
        Outcome(
            points=mesh.points[shuffled],
            concentration=np.interp(radius, exact.radius, exact.concentration)[shuffled],
            ct=np.interp(radius, exact.radius, 1.1 * exact.ct)[shuffled],
            facts=facts,
        ),
        exact,
    )
    assert 0 < found["l1_percent"] < 5
    assert found["l1_cell_mean_percent"] < found["l1_percent"]
    assert found["ct_percent"] == pytest.approx(10, abs=4)
    assert found["mass_percent"] == pytest.approx(0, abs=1e-9)
    assert found["reacted_percent"] == pytest.approx(1)


def test_nothing_is_an_error_of_a_hundred_percent(coarse: dict[str, Reference]) -> None:
    mesh = ball_mesh("50k")
    none = np.zeros(len(mesh.points))
    facts = {"mass": 0.0, "reacted": 0.0, "vessels": 0.0}
    empty = Outcome(points=mesh.points, concentration=none, ct=none, facts=facts)
    found = figures_of_merit(mesh, empty, coarse["BALLw"])
    assert found["l1_percent"] == pytest.approx(100, abs=0.2)
    assert found["volume_percent"] == -100


def test_nodes_of_another_mesh_are_refused(coarse: dict[str, Reference]) -> None:
    mesh = ball_mesh(SIZE)
    none = np.zeros(len(mesh.points))
    moved = Outcome(points=1.001 * mesh.points, concentration=none, ct=none, facts={})
    with pytest.raises(ValueError, match="nearest node"):
        figures_of_merit(mesh, moved, coarse["BALL"])


def test_our_solver_keeps_its_promises(outcome: Outcome, coarse: dict[str, Reference]) -> None:
    """Bounds and balance exact; the rest as good as so coarse a mesh allows."""
    facts = outcome.facts
    assert facts["min_c"] >= -1e-12
    assert facts["max_c"] <= 1 + 1e-10
    assert facts["balance"] <= 1e-10
    assert facts["steps"] == 180
    found = figures_of_merit(ball_mesh(SIZE), outcome, coarse["BALLw"])
    assert found["l1_percent"] < 40
    assert abs(found["reacted_percent"]) < 6
    assert abs(found["volume_percent"]) < 15


def test_outcomes_survive_a_file(outcome: Outcome, tmp_path: Path) -> None:
    write_outcome(tmp_path, outcome)
    found = read_outcome(tmp_path)
    assert np.array_equal(found.ct, outcome.ct)
    assert found.facts == json.loads(json.dumps(outcome.facts))


def test_a_row_has_the_promised_columns(outcome: Outcome, tmp_path: Path) -> None:
    """A program that only copies what was computed: timed, evaluated, told in a table and in the history."""
    write_outcome(tmp_path, outcome)
    task = Task(name="copy", program=_program(f"cp {tmp_path}/*"), size=SIZE, case="BALLw", step="1")
    (row,) = measure([task], Setting(repeats=2))
    assert row.keys() >= COLUMNS
    assert row["cells"] == len(ball_mesh(SIZE).cells)
    assert 0 < row["seconds"] < 60
    assert len(row["seconds_of_runs"]) == 2
    assert any("copy" in line for line in bench.table([row]))
    file = tmp_path / "history.jsonl"
    for factor in (1.0, 2.0):
        history.append([row | {"seconds": factor * row["seconds"]}], file)
    lines = history.compare(history.read(file))
    assert any("SLOWER" in line and " 2.00 " in line for line in lines)


def test_a_failing_program_is_told_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    task = Task(name="broken", program=_program("false"), size=SIZE, case="BALL", step="1")
    assert measure([task], Setting(repeats=1)) == []
    assert "broken, BALL, 3k: exit code 1" in capsys.readouterr().err


def test_time_to_an_error_is_interpolated_in_logarithms() -> None:
    """Time as error to the power -3: exact between meshes, marked just beyond them, refused far beyond."""
    points = [(error, error**-3) for error in (4.0, 2.0, 0.8)]
    assert time_to(1.0, points) == (pytest.approx(1.0), False)
    assert time_to(0.7, points) == (pytest.approx(0.7**-3), True)
    assert time_to(0.4, points) is None
    assert time_to(1.0, points[:1]) is None
    assert time_to(1.0, [(1.1, 1.0), (1.2, 3.0)]) is None  # finer and worse: nothing to interpolate
    rows = [
        {"case": "BALL", "name": "a", "step": step, "l1_percent": error, "seconds": factor * time}
        for step, factor in (("1", 2.0), ("2", 1.0))
        for error, time in points
    ]
    (found,) = best(rows, 1.0)
    assert (found["step"], found["seconds"]) == ("2", 1.0)


def test_sizes_have_names() -> None:
    assert cell_count("50k") == 5e4
    assert cell_count("1M") == 1e6
    assert 0.7 < len(ball_mesh("50k").cells) / 5e4 < 1.3
    with pytest.raises(ValueError, match="mesh size 'big'"):
        cell_count("big")


def test_mesh_is_that_of_the_definition() -> None:
    facts = ball_mesh(SIZE).info
    total = sum(facts["volumes"].values())
    assert total == pytest.approx(4 / 3 * np.pi * (DOMAIN_RADIUS**3 - CAVITY_RADIUS**3), rel=1e-9)
    assert pytest.approx(1e-7) == INJECTED
    assert asdict(BALLS["BALLw"])["vessel_conductance"] == (4.2e-9, 1.89e-10)


def _program(command: str) -> Program:
    def call(job: Job) -> list[str]:
        return ["sh", "-c", f"{command} {job.out}" if command.startswith("cp") else command]

    return Program(name="test", prepare=ball_mesh, command=call)

# SPDX-License-Identifier: MIT
"""Shipped cases as people run them: the three geometries agree, each switch does what it says."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cases.errors import ExitCode
from cases.reading.load import load_case
from cases.running.run import run_case
from tests.case_files import SHIPPED
from tests.coarse import COMM

pytestmark = pytest.mark.serial  # that ranks agree is tested elsewhere

Summary = dict[str, Any]
Run = Callable[..., Summary]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a shipped case once and gives every rank its summary."""

    @cache
    def summary(name: str, *overrides: str) -> Summary:
        folder = COMM.bcast(tmp_path_factory.mktemp(name) if COMM.rank == 0 else None)
        case = load_case(SHIPPED / f"{name}.toml", overrides)
        assert run_case(case, Path(folder), COMM, quiet=True) == ExitCode.DONE
        text = (folder / "summary.json").read_text() if COMM.rank == 0 else None
        found: Summary = json.loads(COMM.bcast(text))
        assert found["status"] == "complete"
        return found

    return summary


def radii(summary: Summary) -> list[float]:
    """Equivalent radius at each threshold of the dose [m]."""
    return [zone["equivalent_radius_m"] for zone in summary["ablation"]]


def spill(summary: Summary) -> list[float]:
    names = ("crossed_fraction", "net_fraction", "reacted_outside_fraction")
    return [summary["spill"][name] for name in names]


def numbers(summary: Summary) -> list[float]:
    return [summary["pressure"]["peak_Pa"], *radii(summary), *spill(summary)]


def distances(one: list[float], other: list[float]) -> list[float]:
    """Relative differences."""
    return [abs(a / b - 1.0) for a, b in zip(one, other, strict=True)]


AXISYMMETRIC = "geometry.kind=axisymmetric"
COARSE, COARSEST = "numerics.cells_per_front=1.3", "numerics.cells_per_front=0.7"


def test_axisymmetric_spill_agrees_with_radial(run: Run) -> None:
    """Peak pressure, radii and fractions within 2 % at the default mesh, and nearer than at half of it."""
    radial = numbers(run("spill"))
    default = distances(numbers(run("spill", AXISYMMETRIC)), radial)
    half = distances(numbers(run("spill", AXISYMMETRIC, "numerics.cells_per_front=1.5")), radial)
    assert max(default) < 0.02
    for fine, coarse in zip(default[:-3], half[:-3], strict=True):
        assert fine < max(0.7 * coarse, 2e-3)
    assert max(default[-3:]) < 0.7 * max(half[-3:])


def test_axisymmetric_reference_agrees_with_radial(run: Run) -> None:
    """At half of the default mesh already; nothing gets out."""
    radial = run("reference")
    found = run("reference", AXISYMMETRIC, "numerics.cells_per_front=1.5")
    assert max(distances([found["pressure"]["peak_Pa"]], [radial["pressure"]["peak_Pa"]])) < 0.02
    assert max(distances(radii(found), radii(radial))) < 0.02
    assert found["spill"]["crossed_fraction"] < 1e-3


def test_3d_spill_converges_to_radial(run: Run) -> None:
    """Far coarser meshes than the default: 4 % for pressure, 13 % for the rest; the finer one is nearer."""
    radial = numbers(run("spill"))
    coarsest = distances(numbers(run("spill", "geometry.kind=3d", COARSEST)), radial)
    coarse = distances(numbers(run("spill", "geometry.kind=3d", COARSE)), radial)
    assert coarse[0] < 0.04
    assert max(coarse[1:]) < 0.13
    assert all(fine < rough for fine, rough in zip(coarse[:-1], coarsest[:-1], strict=True) if rough > 0.02)


def test_radial_numbers_are_those_of_the_specification(run: Run) -> None:
    """Six digits agreed between grids there; the default mesh is within half a percent."""
    reference, escaping = run("reference"), run("spill")
    assert reference["pressure"]["peak_Pa"] == pytest.approx(12798.0, rel=5e-3)
    expected = [8.265e-3, 7.944e-3, 7.848e-3, 7.647e-3, 6.916e-3]
    assert radii(reference) == pytest.approx(expected, rel=5e-3)
    assert escaping["pressure"]["peak_Pa"] == pytest.approx(12897.0, rel=5e-3)
    expected = [8.079e-3, 7.763e-3, 7.668e-3, 7.472e-3, 6.804e-3]
    assert radii(escaping) == pytest.approx(expected, rel=5e-3)
    assert escaping["spill"]["reacted_outside_fraction"] == pytest.approx(0.18006, rel=5e-3)
    assert escaping["lymph"]["absorbed_fraction"] == pytest.approx(0.00810, rel=1e-2)


def levels(summary: Summary) -> dict[str, str]:
    return {flag["name"]: flag["level"] for flag in summary["validity"]}


def test_rigid_tissue_with_open_vessels_drains(run: Run) -> None:
    """Without storage: most of the agent to blood within millimetres, at a pressure nothing withstands."""
    found = run("rigid_open_vessels", "physics.flow=steady")
    assert found["blood"]["absorbed_fraction"] > 0.88
    assert all(1.5e-3 < radius < 3e-3 for radius in radii(found))
    assert 45e6 < found["pressure"]["peak_Pa"] < 52e6
    flags = levels(found)
    for name in ("syringe_pressure", "cavitation_pressure", "injection_number"):
        assert flags[name] == "invalid"


def test_the_shipped_rigid_case_says_that_it_is_invalid(run: Run) -> None:
    found = run("rigid_open_vessels")
    assert 40e6 < found["pressure"]["peak_Pa"] < 52e6
    assert 0.88 < found["blood"]["absorbed_fraction"] < 0.99
    assert all(2e-3 < radius < 3e-3 for radius in radii(found))
    flags = levels(found)
    for name in ("dilatation", "syringe_pressure", "cavitation_pressure", "injection_number"):
        assert flags[name] == "invalid"


def test_the_reference_is_not_invalid(run: Run) -> None:
    """Caution for its strain and for how much of the tumour is fissured; no more."""
    flags = levels(run("reference"))
    assert "invalid" not in flags.values()
    assert {name for name, level in flags.items() if level == "caution"} == {"dilatation", "fissured_share"}


def switched(run: Run, *settings: str) -> Summary:
    """The spill case on a coarse radial mesh with some physics changed."""
    return run("spill", "numerics.cells_per_front=1", *(f"physics.{setting}" for setting in settings))


def blood(summary: Summary) -> float:
    fraction: float = summary["blood"]["absorbed_fraction"]
    return fraction


def test_without_vessels_nothing_reaches_blood(run: Run) -> None:
    found = switched(run, "vessels=false")
    assert found["ledger"]["fluid"]["from_vessels_m3"] == 0.0
    assert blood(found) == 0.0
    assert blood(switched(run)) > 1e-5


def test_without_lymph_nothing_is_drained(run: Run) -> None:
    found = switched(run, "lymph=false")
    assert found["lymph"]["absorbed_fraction"] == found["ledger"]["fluid"]["lymph_m3"] == 0.0
    assert switched(run)["lymph"]["absorbed_fraction"] > 1e-3


def test_without_reaction_nothing_reacts(run: Run) -> None:
    found = run("spill", "numerics.cells_per_front=1", "physics.reaction=false", "outputs.end=70 s")
    books = found["ledger"]["agent"]
    assert books["reacted_tumour_kg"] == books["reacted_tissue_kg"] == 0.0
    assert found["spill"]["crossed_fraction"] > 2.0 * switched(run)["spill"]["crossed_fraction"]
    assert found["concentration"]["max_relative"] <= 1.0 + 1e-10


def test_without_diffusion_the_rest_goes_on(run: Run) -> None:
    """Pressure is the same to the bit; small doses reach less far ahead of the front, large ones as far."""
    found, default = switched(run, "diffusion=false"), switched(run)
    assert found["pressure"] == default["pressure"]
    assert radii(found)[-2:] == pytest.approx(radii(default)[-2:], rel=0.01)
    assert 0.9 * radii(default)[0] < radii(found)[0] < 0.99 * radii(default)[0]


def test_vessels_that_never_close_take_up_a_third(run: Run) -> None:
    assert blood(switched(run, "closure=none")) > 0.2
    assert blood(switched(run)) < 1e-3


def test_the_perfusion_cap_bounds_what_vessels_take(run: Run) -> None:
    """It binds where open vessels meet tens of MPa: less is absorbed, so the wall pressure is higher."""
    rigid = ("numerics.cells_per_front=1", "physics.flow=steady")
    free = run("rigid_open_vessels", *rigid)
    capped = run("rigid_open_vessels", *rigid, "physics.perfusion_cap=true")
    assert capped["pressure"]["peak_Pa"] > free["pressure"]["peak_Pa"]
    taken = [-case["ledger"]["fluid"]["from_vessels_m3"] for case in (capped, free)]
    assert taken[0] < taken[1]
    assert max(radii(capped)) > max(radii(free))


def test_steady_flow_stores_nothing(run: Run) -> None:
    """Pressure is what storage only approaches; fluid that is not stored carries the agent farther."""
    found, default = switched(run, "flow=steady"), switched(run)
    assert abs(found["ledger"]["fluid"]["stored_m3"]) < 1e-6 * default["ledger"]["fluid"]["stored_m3"]
    assert found["pressure"]["peak_Pa"] > default["pressure"]["peak_Pa"]
    assert max(radii(found)) > 1.1 * max(radii(default))


def test_swelling_alone_does_not_let_the_fluid_in(run: Run) -> None:
    """Without fissures the peak is in MPa, and the run says that it is invalid."""
    found = switched(run, "conductivity=exponential")
    rigid = switched(run, "conductivity=rigid")
    assert 1e6 < found["pressure"]["peak_Pa"] < rigid["pressure"]["peak_Pa"]
    assert levels(found)["cavitation_pressure"] == levels(found)["syringe_pressure"] == "invalid"


def test_the_shape_of_the_law_decides_the_washout(run: Run) -> None:
    """Blood takes more the more permeable the tissue near p_c: fissuring, ramp, logistic."""
    shares = [blood(switched(run, f"conductivity={law}")) for law in ("fissuring", "ramp", "logistic")]
    assert shares[0] < 0.1 * shares[1]
    assert shares[1] < 0.3 * shares[2]
    peaks = [switched(run, f"conductivity={law}")["pressure"]["peak_Pa"] for law in ("fissuring", "ramp")]
    assert peaks[1] < 0.95 * peaks[0]


def test_what_the_agent_can_pass_decides_the_washout(run: Run) -> None:
    """All that flow carries, then a wall of finite permeability, then only with absorbed fluid."""
    permeability = (
        "tissues.tumour.permeability_surface=1e-4 1/s",
        "tissues.tissue.permeability_surface=1e-4 1/s",
    )
    free = blood(switched(run, "closure=none"))
    coarse = ("spill", "numerics.cells_per_front=1", "physics.closure=none")
    walled = blood(run(*coarse, "physics.agent_exchange=patlak", *permeability))
    carried = blood(switched(run, "closure=none", "agent_exchange=convective"))
    assert free > walled > carried > 0.0
    assert walled < 0.95 * free

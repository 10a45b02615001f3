# SPDX-License-Identifier: MIT
"""Keys of a case file on delivery: what is refused and how, what openings and lines follow, shipped cases."""

from pathlib import Path

import pytest

from cases.errors import CaseError, ExitCode
from cases.reading.load import load_case
from cases.reading.resolve import resolved_text
from solver.delivery.pulses import as_delivered, injection_report
from solver.simulate import simulate
from tests.case_files import REFERENCE, SHIPPED
from tests.coarse import COMM

pytestmark = pytest.mark.serial

HOLES = """
name = "holes"

[geometry]
kind = "axisymmetric"
domain_radius = "60 mm"

[geometry.tumour]
radius = "10 mm"

[agent]
base = "chlorine_dioxide"

[needles.multi]
base = "20G"

[needles.multi.side_holes]
distances = ["8 mm", "4 mm"]
number = 3
radius = "0.2 mm"

[[injection]]
needle = "multi"
tip = ["0 mm", "0 mm", "-4 mm"]
direction = [0, 0, -1]
start = "0 s"
volume = "0.5 mL"
rate = "1 mL/min"
"""


def problems(path: object, *overrides: str) -> list[tuple[tuple[object, ...], str]]:
    with pytest.raises(CaseError) as found:
        load_case(str(path), list(overrides))
    assert found.value.code == ExitCode.INVALID
    return [(problem.key, problem.message) for problem in found.value.problems]


@pytest.mark.parametrize(
    ("overrides", "key", "words"),
    [
        (("pressure=20 kPa", "duration=60 s"), "pressure", "stands beside rate"),
        (("duration=60 s",), "duration", "without pressure"),
        (("rise=5 s",), "rise", "without pressure"),
        (("suck_back=true",), "suck_back", "without pressure"),
        (("withdraw=true",), "withdraw", "no pulse injects anything"),
        (("withdraw=true", "concentration=1 g/L"), "concentration", "brings no agent"),
        (("syringe_decay=1e-3 1/s", "filled=10 s"), "filled", "after the pulse starts"),
    ],
)
def test_keys_that_exclude_one_another(overrides: tuple[str, ...], key: str, words: str) -> None:
    found = problems(REFERENCE, *(f"injection.0.{item}" for item in overrides))
    assert any(at == ("injection", 0, key) and words in message for at, message in found), found


def test_a_pressed_needle_needs_a_length_and_a_duration(tmp_path: Path) -> None:
    text = HOLES.replace('rate = "1 mL/min"', 'pressure = "20 kPa"').replace(
        '[needles.multi]\nbase = "20G"', '[needles.multi]\nouter_diameter = "1 mm"\ninner_diameter = "0.5 mm"'
    )
    path = tmp_path / "case.toml"
    path.write_text(text)
    found = dict(problems(path))
    assert "missing" in found["injection", 0, "duration"]
    assert "length is not stated" in found["injection", 0, "pressure"]
    assert "missing" in found["needles", "multi", "length"]


def test_side_holes_become_openings(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text(HOLES)
    case = load_case(str(path))
    (pulse,) = case.model.injections
    assert [site.tip for site in case.geometry.sites] == [
        pytest.approx(tip) for tip in ((0, 0, -4e-3), (0, 0, 0), (0, 0, 4e-3))
    ]
    assert [outlet.site for outlet in pulse.outlets] == [0, 1, 2]
    shares = [outlet.share for outlet in pulse.outlets]
    assert sum(shares) == pytest.approx(1.0, rel=1e-12) and shares[2] > shares[1] > 0.0
    alike = load_case(str(path), ["needles.multi.side_holes.split=equal"]).model.injections[0]
    assert [outlet.share for outlet in alike.outlets] == [pytest.approx(1 / 3)] * 3
    closed = load_case(str(path), ["needles.multi.side_holes.tip=closed"]).model.injections[0]
    assert [outlet.site for outlet in closed.outlets] == [1, 2]
    copy = tmp_path / "resolved.toml"
    copy.write_text(resolved_text(case, tmp_path))
    assert load_case(str(copy)).model == case.model


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (("geometry.kind=radial", 'injection.0.tip=["0 mm", "0 mm", "0 mm"]'), "radial geometry cannot hold"),
        (('needles.multi.side_holes.distances=["0.5 mm"]',), "needle's diameter apart"),
        (("needles.multi.length=6 mm",), "beyond the needle's length"),
        (('needles.multi.side_holes.distances=["70 mm"]',), "outside the domain"),
    ],
)
def test_side_holes_that_do_not_fit(tmp_path: Path, overrides: tuple[str, ...], words: str) -> None:
    path = tmp_path / "case.toml"
    path.write_text(HOLES)
    assert any(words in message for _, message in problems(path, *overrides))


def test_needle_of_the_reference() -> None:
    """22G, 90 mm, water: 2.1 kPa at 1 mL/min and a Reynolds number of 51."""
    line = load_case(REFERENCE).model.injections[0].line
    assert line is not None
    assert line.resistance * 1e-6 / 60 == pytest.approx(2.1e3, rel=0.02)


def test_shipped_pressure_controlled(discretised_case: object) -> None:
    """A syringe at 15 kPa: the millilitre is in within a minute, with what is left of its agent."""
    case, data = discretised_case(SHIPPED / "pressure_controlled.toml")  # type: ignore[operator]
    *_, last = simulate(data, case.model)
    report = injection_report(case.model, last.delivered)[0]
    assert last.ledger.totals["fluid_injected"] == pytest.approx(1e-6, rel=1e-12)
    assert 40.0 < report["end_s"] < 80.0
    assert 0.92 < last.ledger.totals["agent_injected"] / 3e-6 < 0.95
    actual = as_delivered(case.model, last.delivered).injections[0]
    assert actual.rate == pytest.approx(1e-6 / report["end_s"], rel=1e-12)
    assert report["tip_pressure_Pa"] < 15e3 and report["plunger_pressure_Pa"] == 15e3


def test_shipped_gelled_ethanol(discretised_case: object) -> None:
    """Against absolute ethanol: the polymer holds the pressure up, and gels."""
    found = []
    for agent in ("ethanol_ethyl_cellulose_6", "ethanol"):
        overrides = [f"agent.base={agent}", "outputs.end=4 min"]
        case, data = discretised_case(SHIPPED / "gelled_ethanol.toml", overrides)  # type: ignore[operator]
        steps = list(simulate(data, case.model))
        found.append((max(step.source_pressure[0] for step in steps), steps[-1]))
    (gelled, last), (plain, other) = found
    assert gelled > 1.1 * plain
    assert last.condition["gel_degree"].max() > 0.9 and other.condition["gel_degree"].max() == 0.0
    assert last.source_pressure[0] > other.source_pressure[0], "a minute after the end"
    assert last.ledger.agent_residual() < 1e-10


@pytest.fixture
def discretised_case() -> object:
    """From a case file to its case and discretisation."""
    from cases.running.reuse import Reuse

    def build(path: Path, overrides: list[str] | None = None) -> object:
        case, reuse = load_case(str(path), overrides or []), Reuse()
        _, mesh = reuse.mesh(case.geometry, COMM)
        return case, reuse.data(mesh, case.model, case.geometry.sites)

    return build

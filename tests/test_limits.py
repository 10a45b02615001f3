# SPDX-License-Identifier: MIT
"""Which limiter binds the treated radius: each radius against its formula, and the rule on its edges."""

from dataclasses import replace

import numpy as np
import pytest

from cases.reading.load import load_case
from solver.ablation.limits import (
    Deposit,
    Losses,
    binding,
    dose_radius,
    largest_deposit,
    limits,
    titration_radius,
)
from solver.parameters.model import Injection, Model, Physics
from tests.case_files import REFERENCE

pytestmark = pytest.mark.serial

NONE = Losses(sink=0.0, backflow=0.0)
THRESHOLDS = (0.6, 4.5, 9.0)
ML = 1e-6


def model(**physics: bool) -> Model:
    loaded = load_case(REFERENCE).model
    return replace(loaded, physics=replace(loaded.physics, **physics))


def deposit(volume: float = ML, duration: float = 60.0, concentration: float = 0.3) -> Deposit:
    return Deposit(volume=volume, duration=duration, concentration=concentration)


def test_the_volume_fills_the_pores() -> None:
    """physics_sources 3.3: 1 mL fills the pores to 9.3 mm at a porosity of 0.3."""
    first = limits(model(reaction=False), THRESHOLDS, NONE)[0]
    assert first["volume_m"] == pytest.approx(9.267e-3, rel=1e-3)
    assert first["binding"] == "volume"
    assert first["reaction_m"] is None and first["stoichiometry_m"] is None


@pytest.mark.parametrize(
    ("threshold", "rate", "millimetres"),
    [(10, 0.1, 8.4), (75, 0.1, 6.4), (150, 0.1, 5.3), (150, 0.03, 8.1), (75, 0.03, 9.4)],
)
def test_reaction_on_the_way(threshold: float, rate: float, millimetres: float) -> None:
    """The table of advective CT radii of the sources: V = 1 mL at 1 mL/min, phi = 0.2, 300 mg/L."""
    assert dose_radius(deposit(), 0.2, rate, threshold * 0.06) == pytest.approx(1e-3 * millimetres, abs=6e-5)


def test_a_dose_that_is_reached_nowhere() -> None:
    """The dose at the tip is C0 (T + 1/k); above it there is no radius, just below it a small one."""
    most = 0.3 * (60.0 + 1 / 0.1)
    assert dose_radius(deposit(), 0.2, 0.1, 1.001 * most) == 0.0
    assert 0.0 < dose_radius(deposit(), 0.2, 0.1, 0.999 * most) < 2e-3


def test_a_saline_control_treats_nothing() -> None:
    control = model()
    control = replace(control, physics=replace(control.physics, control="saline"))
    assert limits(control, THRESHOLDS, NONE) == []


def test_the_radius_gives_back_its_dose() -> None:
    """Also past the end of the delivery, where only C0 exp(-k tau)/k is left."""
    for threshold in (1e-4, 0.05, 0.6, 9.0):
        radius = dose_radius(deposit(), 0.2, 0.05, threshold)
        arrival = 4 * np.pi * 0.2 * radius**3 / (3 * ML / 60.0)
        dose = 0.3 * np.exp(-0.05 * arrival) * (max(60.0 - arrival, 0.0) + 20.0)
        assert dose == pytest.approx(threshold, rel=1e-9)


@pytest.mark.parametrize(("demand", "millimetres"), [(10.0, 8.3), (50.0, 5.7), (100.0, 4.6)])
def test_titration(demand: float, millimetres: float) -> None:
    """The sources' table for 3 g/L (44.5 mM) against 10, 50 and 100 mM of demand."""
    radius = titration_radius(deposit(concentration=3.0), 0.2, demand * 67.45e-3)
    assert radius == pytest.approx(1e-3 * millimetres, abs=6e-5)


def test_the_smallest_binds_if_it_is_smaller_by_a_twentieth() -> None:
    radii: dict[str, float | None] = {
        "volume_m": 10.0,
        "reaction_m": 9.6,
        "sink_m": 9.7,
        "stoichiometry_m": None,
    }
    assert binding(radii) == "volume"
    assert binding(radii | {"reaction_m": 9.4}) == "reaction"
    assert binding(radii | {"reaction_m": 9.4, "backflow_m": 9.3}) == "backflow"


def test_losses_shrink_the_radius_by_their_cube_root() -> None:
    first = limits(model(reaction=False), THRESHOLDS, Losses(sink=0.5, backflow=0.9))[0]
    assert first["sink_m"] / first["volume_m"] == pytest.approx(0.5 ** (1 / 3))
    assert first["backflow_m"] / first["volume_m"] == pytest.approx(0.1 ** (1 / 3))
    assert first["binding"] == "backflow"
    assert limits(model(), THRESHOLDS, Losses(sink=1.0 + 1e-15, backflow=0.0))[0]["sink_m"] == 0.0


def test_a_higher_threshold_is_bound_by_reaction_sooner() -> None:
    found = limits(model(), (0.6, 30.0), NONE)
    assert [entry["binding"] for entry in found] == ["volume", "reaction"]


def test_the_largest_deposit_counts_with_all_its_pulses() -> None:
    def pulse(site: int, volume: float, rate: float, concentration: float = 3.0) -> Injection:
        return Injection(site=site, start=0.0, volume=volume, rate=rate, concentration=concentration)

    found = largest_deposit((pulse(0, ML, 1e-8), pulse(1, 0.7 * ML, 1e-8), pulse(1, 0.7 * ML, 2e-8, 1.0)))
    assert found is not None
    assert found.volume == pytest.approx(1.4 * ML)
    assert found.duration == pytest.approx(105.0)
    assert found.concentration == pytest.approx(2.0)
    assert largest_deposit(()) is None
    nothing = replace(model(), injections=(), physics=Physics())
    assert limits(nothing, THRESHOLDS, NONE) == []

# SPDX-License-Identifier: MIT
"""Validity flags: each where it belongs, at the level it deserves, and no cry of wolf."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cases.reading.load import load_case
from meshes.geometry import Site
from meshes.regions import TUMOUR
from solver.delivery.pulses import Delivered
from solver.parameters.delivery import Drive
from solver.parameters.model import Injection, Model
from solver.validity.flags import Evidence, validity
from tests.case_files import REFERENCE

pytestmark = pytest.mark.serial

SITE = Site(tip=(0.0, 0.0, 0.0), direction=(0.0, 0.0, -1.0), needle_radius=0.359e-3)
CALM = Evidence(
    peak_pressure=5e3,
    largest_dilatation=0.1,
    fissured_share=0.2,
    agent_residual=1e-14,
    fluid_residual=1e-14,
    boundary_fraction=1e-6,
    binding="volume",
    peclet=1e4,
    courant=1e3,
)
"""A run with nothing to complain of; meshes with large Peclet and Courant numbers are normal."""
INFORMATION = {"mesh_peclet", "courant", "binding_limiter"}


def case(**physics: Any) -> Model:
    model = load_case(REFERENCE).model
    return replace(model, physics=replace(model.physics, **physics))


def flags(
    model: Model | None = None, site: Site = SITE, **evidence: float | str
) -> dict[str, dict[str, Any]]:
    """Flags by name."""
    found = validity(model or case(), (site,), replace(CALM, **evidence))
    assert len({flag["name"] for flag in found}) == len(found)
    return {flag["name"]: flag for flag in found}


def raised(**evidence: Any) -> set[str]:
    return set(flags(**evidence)) - INFORMATION


def test_a_calm_run_raises_nothing() -> None:
    found = flags()
    assert set(found) == INFORMATION
    assert {flag["level"] for flag in found.values()} == {"info"}


@pytest.mark.parametrize("law", ["rigid", "exponential", "fissuring", "logistic", "ramp"])
def test_a_gentle_infusion_raises_nothing_under_any_law(law: str) -> None:
    """0.05 uL/min: even rigid tissue takes it, Pi < 1."""
    slow = Injection(site=0, start=0.0, volume=1e-9, rate=5e-11 / 60.0, concentration=3.0)
    model = replace(case(conductivity=law), injections=(slow,))
    assert set(flags(model)) == INFORMATION


@pytest.mark.parametrize(
    ("evidence", "below", "above", "level", "name"),
    [
        ("largest_dilatation", 0.199, 0.201, "caution", "dilatation"),
        ("largest_dilatation", 0.199, 0.501, "invalid", "dilatation"),
        ("peak_pressure", 0.99e6, 1.01e6, "invalid", "syringe_pressure"),
        ("peak_pressure", 7.9e3, 8.1e3, "info", "cavitation_pressure"),
        ("fissured_share", 0.49, 0.51, "caution", "fissured_share"),
        ("boundary_fraction", 0.009, 0.011, "caution", "domain"),
        ("agent_residual", 0.9e-10, 1.1e-10, "invalid", "agent_ledger"),
        ("fluid_residual", 0.9e-10, 1.1e-10, "invalid", "fluid_ledger"),
        ("agent_residual", 0.0, np.nan, "invalid", "agent_ledger"),
        ("fluid_residual", 0.0, np.nan, "invalid", "fluid_ledger"),
    ],
)
def test_a_flag_appears_past_its_limit(
    evidence: str, below: float, above: float, level: str, name: str
) -> None:
    assert name not in raised(**{evidence: below})
    flag = flags(**{evidence: above})[name]
    assert flag["level"] == level
    assert flag["value"] == pytest.approx(above, nan_ok=True)
    assert flag["limit"] is not None
    assert flag["message"]


def test_each_limit_raises_its_own_flag_only() -> None:
    assert raised(largest_dilatation=0.3) == {"dilatation"}
    assert raised(peak_pressure=9e3) == {"cavitation_pressure"}
    assert raised(boundary_fraction=0.5) == {"domain"}
    assert raised(fissured_share=1.0) == {"fissured_share"}


@pytest.mark.parametrize(
    ("law", "level"),
    [
        ("rigid", "invalid"),
        ("exponential", "invalid"),
        ("fissuring", "info"),
        ("ramp", "info"),
        ("logistic", "info"),
    ],
)
def test_cavitation_is_invalid_where_the_law_cannot_open(law: str, level: str) -> None:
    assert flags(case(conductivity=law), peak_pressure=12e3)["cavitation_pressure"]["level"] == level


def test_the_cavitation_limit_is_that_of_the_tumour() -> None:
    model = case()
    stiff = replace(model.tissues[TUMOUR], shear_modulus=10e3)
    stiffer = replace(model, tissues={**model.tissues, TUMOUR: stiff})
    assert "cavitation_pressure" not in flags(stiffer, peak_pressure=24e3)
    assert flags(stiffer, peak_pressure=26e3)["cavitation_pressure"]["limit"] == pytest.approx(25e3)


@pytest.mark.parametrize("law", ["exponential", "fissuring", "logistic", "ramp"])
def test_the_injection_number_counts_for_rigid_tissue_only(law: str) -> None:
    assert "injection_number" not in flags(case(conductivity=law))
    flag = flags(case(conductivity="rigid"))["injection_number"]
    assert flag["level"] == "invalid"
    assert flag["value"] == pytest.approx(1e-6 / 60 / (4 * np.pi * 3.1e-14 * 0.359e-3 * 8e3), rel=1e-6)


def test_the_injection_number_is_that_of_the_source() -> None:
    """A wider source spreads the flow; the fastest pulse counts."""
    rigid = case(conductivity="rigid")
    wide = replace(SITE, source_radius=3.59e-3)
    ratio = flags(rigid)["injection_number"]["value"] / flags(rigid, wide)["injection_number"]["value"]
    assert ratio == pytest.approx(10.0)
    slower = replace(rigid.injections[0], rate=1e-9, start=100.0)
    two = replace(rigid, injections=(slower, *rigid.injections))
    assert flags(two)["injection_number"]["value"] == flags(rigid)["injection_number"]["value"]


def test_a_cavity_that_opens_may_pass_the_pressure_of_its_opening() -> None:
    model = case(conductivity="exponential")
    opens = replace(model, injections=tuple(replace(p, cavity_radius=0.36e-3) for p in model.injections))
    assert flags(opens, peak_pressure=12e3)["cavitation_pressure"]["level"] == "info"


def test_the_injection_number_is_that_of_what_went_in() -> None:
    """A syringe at a pressure states the longest time, not a rate; what is drawn out breaks nothing."""
    rigid = case(conductivity="rigid")
    pump = rigid.injections[0]
    pushed = replace(pump, rate=1e-4 * pump.rate, drive=Drive(pressure=1e4))
    drawn = replace(pump, rate=1e3 * pump.rate, drive=Drive(pressure=-1e3, withdraws=True), start=1e4)
    model = replace(rigid, injections=(pushed, drawn))
    many = np.array([1.0, 1.0])
    came = Delivered(
        volume=1e-6 * many,
        agent=many,
        rate=np.array([pump.rate, drawn.rate]),
        tip=many,
        plunger=many,
        ended=many,
    )
    found = validity(model, (SITE,), replace(CALM, delivered=came))
    (number,) = (flag for flag in found if flag["name"] == "injection_number")
    assert number["value"] == pytest.approx(flags(rigid)["injection_number"]["value"])


def test_what_binds_is_told_where_something_was_injected() -> None:
    assert flags(binding="sink")["binding_limiter"]["value"] == "sink"
    assert "binding_limiter" not in flags(binding="")


def test_the_worst_comes_first() -> None:
    rigid = case(conductivity="rigid")
    found = validity(rigid, (SITE,), replace(CALM, peak_pressure=5e7, largest_dilatation=0.3))
    order = ["invalid", "caution", "info"]
    levels = [order.index(flag["level"]) for flag in found]
    assert levels == sorted(levels)
    assert levels[0] == 0


def test_a_control_without_injection_is_valid() -> None:
    found = flags(replace(case(conductivity="rigid"), injections=()))
    assert set(found) == INFORMATION

# SPDX-License-Identifier: MIT
"""A cavity at the tip that opens as a neo-Hookean solid lets it: its law, its fluid and its agent."""

from dataclasses import replace

import numpy as np
import pytest

from meshes.plain import Geometry
from solver.flow.cavity import WIDEST, cavity_pressure, cavity_store, cavity_stretch
from solver.flow.step import FlowSolver
from solver.parameters.model import Injection, Model, Numerics, Physics, Schedule
from solver.simulate import simulate
from solver.snapshot import Snapshot
from tests.coarse import CAVITY_RADIUS, GEOMETRIES, discretised, full_model, pulse
from tests.spheres import PLAIN, geometric, model, tissue
from tests.spheres import discretised as shells

STORING = replace(PLAIN, flow="storage", closure="none")


def opening(pulses: tuple[Injection, ...], radius: float = CAVITY_RADIUS) -> tuple[Injection, ...]:
    return tuple(replace(each, cavity_radius=radius) for each in pulses)


def run(geometry: Geometry, what: Model) -> list[Snapshot]:
    return list(simulate(discretised(geometry, what), what))


def test_law() -> None:
    """Digits of the neo-Hookean cavity, the linear limit p = 4 mu u/a, and the way back."""
    stretch = np.array([1.1, 1.5, 2.0, 3.0, 5.0, 10.0])
    listed = [0.34031, 1.06790, 1.46875, 1.82716, 2.09920, 2.29995]
    assert cavity_pressure(stretch) == pytest.approx(listed, abs=6e-6)
    assert cavity_pressure(np.array([1 + 1e-6])) == pytest.approx([4e-6], rel=1e-4)
    many = np.concatenate([1 + np.geomspace(1e-8, 1.0, 50), np.geomspace(2.0, WIDEST, 50)])
    assert cavity_stretch(cavity_pressure(many)) == pytest.approx(many, rel=1e-7)
    assert cavity_stretch(np.array([-1.0, 0.0])) == pytest.approx([1.0, 1.0], abs=1e-12)


def test_slope() -> None:
    """The derivative that Newton uses is that of the volume, in the straight part too."""
    what = model(tissue(shear_modulus=1e3), STORING, opening((pulse(0.0, 1.0),), 1e-3)[0])
    data = shells(geometric(1e-3, 1e-2, 10), what)
    store = cavity_store(data, what, np.zeros(data.volume.size))
    assert store is not None
    for pressure in (10.0, 1e3, 2.3e3, 2.47e3, 2.6e3):
        at = np.full(data.volume.size, pressure)
        difference = (store.volume(at + 1e-3) - store.volume(at - 1e-3)) / 2e-3
        assert store.slope(at) == pytest.approx(difference, rel=1e-5)


def test_tight_tissue_leaves_all_in_the_cavity() -> None:
    """V0 (s^3 - 1) = Q t, whatever the steps, and the pressure follows the law."""
    rate, duration, radius, shear = 1e-9, 10.0, 1e-3, 2e3
    medium = tissue(shear_modulus=shear, hydraulic_conductivity=1e-22, confined_modulus=1e9)
    each = Injection(
        site=0, start=0.0, volume=rate * duration, rate=rate, concentration=2.0, cavity_radius=radius
    )
    what = replace(model(medium, STORING, each), schedule=Schedule(end=duration), numerics=Numerics())
    data = shells(geometric(radius, 1e-2, 40), what)
    *_, last = simulate(data, what)
    volume = 4 / 3 * np.pi * radius**3
    stretch = np.cbrt(1 + rate * duration / volume)
    assert last.source_pressure[0] / shear == pytest.approx(float(cavity_pressure(stretch)), rel=1e-4)
    rows = last.ledger.rows()
    assert rows["fluid_in_cavity"] == pytest.approx(rate * duration, rel=1e-3)
    assert rows["agent_in_cavity"] == pytest.approx(2.0 * rate * duration, rel=1e-3)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_books_close_as_it_opens_and_empties(geometry: Geometry) -> None:
    """With every effect on: what the cavity took comes back, and C stays within what was injected."""
    what = full_model(opening((pulse(0.0, 2.0),)), schedule=Schedule(end=60.0))
    held = []
    for snapshot in simulate(discretised(geometry, what), what):
        assert snapshot.ledger.fluid_residual() < 1e-10
        assert snapshot.ledger.agent_residual() < 1e-10
        assert snapshot.lowest > -1e-12 and snapshot.highest < 3.0 * (1 + 1e-10)
        last = snapshot.ledger.rows()
        held.append(last["fluid_in_cavity"])
    assert max(held) > 0.05 * last["fluid_injected"]
    assert held[-1] < 0.97 * max(held)
    assert last["agent_injected"] == pytest.approx(3.0 * last["fluid_injected"], rel=1e-10)


def test_fluid_in_it_is_that_of_its_pressure() -> None:
    what = full_model(opening((pulse(0.0, 2.0),)), schedule=Schedule(end=10.0))
    data = discretised("axisymmetric", what)
    *_, last = simulate(data, what)
    rest = FlowSolver(data, what.physics, what.numerics, 1e-8).rest
    store = cavity_store(data, what, rest)
    assert store is not None
    expected = data.halo.sum(store.volume(last.flow.pressure))
    assert last.ledger.rows()["fluid_in_cavity"] == pytest.approx(expected, rel=1e-9)


def test_a_rigid_cavity_has_no_rows() -> None:
    what = full_model((pulse(0.0, 2.0),), schedule=Schedule(end=2.0))
    rows = run("radial", what)[-1].ledger.rows()
    assert not [name for name in rows if "cavity" in name]


def test_an_opening_cavity_lowers_the_peak_pressure() -> None:
    """In resting tissue too tight for the flow a cavity holds the pressure below 2.5 mu."""
    physics = Physics(conductivity="exponential")
    peaks = []
    for pulses in ((pulse(0.0, 2.0),), opening((pulse(0.0, 2.0),))):
        what = full_model(pulses, physics=physics, schedule=Schedule(end=2.0))
        peaks.append(max(float(each.source_pressure[0]) for each in run("radial", what)))
    shear = what.tissues[1].shear_modulus
    assert peaks[1] < 2.5 * shear + 2e3 < peaks[0]

# SPDX-License-Identifier: MIT
"""Tissue that deforms, and the needle's track: cavities, Terzaghi's column, B16."""

from dataclasses import replace

import numpy as np

from benchmarks.ladder.rung import Check, Curve, Outcome, Rung, Series
from meshes.distribution.distribute import distribute
from meshes.plain import Geometry
from solver.flow.cavity import cavity_pressure
from solver.flow.state import FlowState
from solver.parameters.lines import Backflow
from solver.solid.coupling import PoroelasticFlow
from solver.solid.solve import ElasticSolid
from solver.tissue.discretisation import discretise
from tests import analytic as an
from tests.coarse import COMM
from tests.line_setups import cylinder, steady_lines
from tests.solids import (
    BIOT,
    SHEAR,
    cavity_error,
    column,
    confined,
    consolidation,
    hollow,
    rollers,
    terzaghi,
)
from tests.spheres import discretised, geometric, in_order, model, tissue
from tests.test_track import MU, leak, on_root, stiffness


def pressed(fine: bool) -> Outcome:
    """Displacement around a pressed cavity, nu up to 0.4999."""
    series = []
    kinds: tuple[tuple[Geometry, tuple[float, ...]], ...] = (
        (("axisymmetric", (1.0, 0.5, 0.25)), ("3d", (1.0, 0.5))) if fine else (("axisymmetric", (1.0, 0.5)),)
    )
    for kind, coarseness in kinds:
        for poisson in (0.3, 0.49, 0.4999):
            errors = tuple(cavity_error(*hollow(kind, poisson, c), 1e3)[0] for c in coarseness)
            series.append(
                Series(
                    label=f"{kind}, nu = {poisson:g}, L2",
                    counts=tuple(1 / c for c in coarseness),
                    errors=errors,
                    unit="times as fine",
                    theory=1.5,
                    above=0.6,
                    below=0.25,
                )
            )
    return Outcome(series=tuple(series))


def squeezed(fine: bool) -> Outcome:
    """Terzaghi: pressure in the column and settlement at K H t/L^2 = 0.2."""
    height, load, factor, checks, series = 1e-2, 1e3, 0.2, [], []
    counts = (12, 24, 48) if fine else (8, 16)
    for poisson in (0.3, 0.49):
        medium = tissue(confined_modulus=confined(poisson), shear_modulus=SHEAR)
        what = model(medium, replace(BIOT, far_field="fixed", far_pressure=0.0))
        errors = []
        for layers in counts:
            plain = column("axisymmetric", height, layers)
            data = discretise(distribute(plain if COMM.rank == 0 else None, COMM), what, ())
            flow = PoroelasticFlow(data, what, data.halo.sum(data.volume) * load / confined(poisson))
            flow.solid = ElasticSolid(data, what, rollers(data, "axisymmetric", load), 1e-9)
            start = np.full(data.volume.size, load)
            state, past = FlowState(pressure=start, largest=start, stored=np.zeros_like(start)), None
            steps = 2 * layers
            step = factor / steps * height**2 / (3.1e-14 * confined(poisson))
            for _ in range(steps):
                found = flow.step(state, np.zeros_like(start), step, state.pressure, past)
                state, past = found.state, (found, step)  # type: ignore[assignment]
            depth = 1 - data.mesh.points[:, -1] / height
            exact = terzaghi(depth, factor)
            errors.append(float(np.abs(state.pressure / load - exact).max()))
        assert found.displacement is not None
        settled = float(-found.displacement[:, -1].min() / (load * height / confined(poisson)))
        checks.append(
            Check(
                quantity=f"settlement over the final one, nu = {poisson:g}",
                found=settled,
                exact=consolidation(factor),
                tolerance=3e-3 if fine else 1e-2,
            )
        )
        series.append(
            Series(
                label=f"pressure over load, nu = {poisson:g}",
                counts=counts,
                errors=tuple(errors),
                unit="layers",
                theory=2.0,
            )
        )
    order = np.argsort(depth)
    curve = Curve(
        x=depth[order],
        found=state.pressure[order] / load,
        exact=exact[order],
        across="depth/height",
        along="pressure/load",
    )
    return Outcome(series=tuple(series), checks=tuple(checks), curves=(curve,))


def swelling(fine: bool) -> Outcome:
    """Steady injection, K = K0 exp(M e), with e from the displacement."""
    modulus, exponent, rate, a = 3e4, 5.0, 4e-13, 3.59e-4
    medium = tissue(confined_modulus=modulus, shear_modulus=5e3, dilatation_exponent=exponent)
    what = model(medium, replace(BIOT, conductivity="exponential"))
    counts, errors = (100, 200, 400, 800) if fine else (50, 100), []
    exact = modulus / exponent * np.log1p(exponent * rate / (4 * np.pi * 3.1e-14 * modulus * a))
    for cells in counts:
        data = discretised(geometric(a, 0.2, cells), what)
        flow = PoroelasticFlow(data, what, rate)
        state = flow.initial_state()
        found = flow.step(state, rate * data.sources[0], 1e12, state.pressure)
        wall = float(in_order(data, found.state.pressure)[0])
        errors.append(abs(wall / exact - 1.0))
    assert found.displacement is not None
    moved = float(in_order(data, found.displacement[:, 0])[0]) / a
    check = Check(
        quantity="u_a/a against p_a/(4 mu)",
        found=moved,
        exact=wall / (4 * 5e3),
        tolerance=1e-2 if fine else 5e-2,
    )
    series = Series(label="pressure at the wall", counts=counts, errors=tuple(errors), theory=2.0)
    return Outcome(series=(series,), checks=(check,))


def neo_hookean(_fine: bool) -> Outcome:
    """The law of the opening cavity against tabulated digits."""
    listed = {1.1: 0.34031, 1.5: 1.06790, 2.0: 1.46875, 3.0: 1.82716, 5.0: 2.09920, 10.0: 2.29995}
    checks = []
    for stretch, digits in listed.items():
        assert abs(an.neo_hookean_cavity(stretch) - digits) < 6e-6
        found = float(cavity_pressure(np.array([stretch]))[0])
        checks.append(Check(quantity=f"p/mu at a/A = {stretch:g}", found=found, exact=digits, tolerance=2e-5))
    return Outcome(checks=tuple(checks))


def track(fine: bool) -> Outcome:
    """B16: a tight track to the surface, and one that leaks."""
    rate, depth = 1e-8, 0.05
    lines = {"backflow": Backflow(exit_distance=depth, residual_gap=1e-10, viscosity=MU)}
    data, flow = steady_lines(cylinder(6e-3, 0.06, 8, 40), lines, 1e-17, rate, 2e-3)
    place, pressure, entering, _ = on_root(data, flow)
    expected = float((4 * depth * entering / stiffness()) ** 0.25)
    checks = [
        Check(
            quantity="tip of a tight track",
            found=float(pressure[0]),
            exact=expected,
            tolerance=1e-3,
            unit="Pa",
        )
    ]
    for number, size in ((0, 0.5), (1, 0.25), (2, 0.125)) if fine else ((0, 0.5),):
        tip = leak(number)[0]
        checks.append(
            Check(
                quantity=f"tip of a track that leaks over the closed form, cells of {size:g} mm",
                found=float(tip),
                exact=1.0,
                tolerance=0.01,
            )
        )
    curve = Curve(
        x=1e3 * place,
        found=pressure,
        exact=expected * np.maximum(1 - place / depth, 0.0) ** 0.25,
        across="height above the tip [mm]",
        along="pressure in the track [Pa]",
    )
    return Outcome(checks=tuple(checks), curves=(curve,))


RUNGS = (
    Rung(
        key="cavity",
        title="Cavity under pressure in an elastic body",
        exact=(
            "u = p a^3/(4 mu r^2); second order is not reached by linear elements with a "
            "stabilised pressure at these sizes, 1.4 to 1.8 is"
        ),
        source="Lame",
        run=pressed,
    ),
    Rung(
        key="terzaghi",
        title="Loaded column that drains at its top",
        exact="p/load = sum 2/m sin(m z/L) exp(-m^2 K H t/L^2), m = (n + 1/2) pi",
        source="Terzaghi 1923",
        run=squeezed,
    ),
    Rung(
        key="swelling",
        title="Steady injection, K = K0 exp(M e), e from the displacement",
        exact="p_a = (H/M) ln(1 + M Q/(4 pi K0 H a)), u_a/a = p_a/(4 mu)",
        source="derived",
        run=swelling,
    ),
    Rung(
        key="neo-hookean",
        title="Cavity in a neo-Hookean solid",
        exact="p/mu = 5/2 - 2/s - 1/(2 s^4)",
        source="Gent & Lindley 1959",
        run=neo_hookean,
    ),
    Rung(
        key="B16",
        title="Backflow along the needle",
        exact="tight: p_tip = (4 d Q/beta)^(1/4); leaking: p = p_0 (1 - z/L)^(2/3)",
        source="derived, after Morrison 1999",
        run=track,
    ),
)

# SPDX-License-Identifier: MIT
"""Pressure that spreads in tissue that stores fluid: B6 and B7."""

from dataclasses import replace

import numpy as np

from benchmarks.ladder.pressure import CAVITY, RATE
from benchmarks.ladder.rung import Check, Curve, Floats, Outcome, Rung, Series
from meshes.distribution.distribute import distribute
from meshes.geometry import Site
from meshes.plain import PlainMesh
from meshes.regions import CAVITY as WALL
from meshes.regions import OUTER, TISSUE
from solver.flow.state import FlowState
from solver.flow.step import FlowSolver
from solver.parameters.model import Model
from solver.tissue.discretisation import Discretisation, discretise
from tests import analytic as an
from tests.coarse import COMM, triangles
from tests.spheres import EXACT, PLAIN, discretised, geometric, in_order, model, perfused, pulse, tissue

MODULUS = 3e4
STORING = replace(PLAIN, flow="storage")


def march(data: Discretisation, what: Model, rate: float, lengths: Floats, bdf2: bool) -> Floats:
    """Pressure after steps of given lengths [s] with a constant injection, less that at rest [Pa]."""
    solver = FlowSolver(data, what.physics, EXACT, rate)
    state, past = solver.initial_state(), None
    for length in lengths:
        known: tuple[FlowState, float] | None = past if bdf2 else None
        found = solver.step(state, rate * data.sources[0], float(length), state.pressure, known)
        state, past = found.state, (found, float(length))  # type: ignore[assignment]
    return np.asarray(state.pressure - solver.rest)


def shells(cells: int, steps: int, end: float, vessels: bool, cavity: float) -> tuple[Floats, Floats]:
    """Radii and pressure above rest, backward Euler."""
    what = model(
        tissue(**perfused(an.TUMOUR), confined_modulus=MODULUS),
        replace(STORING, vessels=vessels),
        pulse(RATE, 60.0),
    )
    radii = geometric(cavity, 10e-3, cells)
    data = discretised(radii, what)
    return radii, in_order(data, march(data, what, RATE, np.full(steps, end / steps), False))


def transient_cavity(fine: bool) -> Outcome:
    """B6, cavity: order in time, and what two runs extrapolate to."""
    diffusivity = an.TUMOUR.conductivity * MODULUS
    end = 0.3 * CAVITY**2 / diffusivity
    steps = (50, 100, 200, 400) if fine else (25, 50)
    steady = an.rigid_cavity_pressure(RATE, an.TUMOUR.conductivity, CAVITY)
    exact = steady * an.transient_cavity_share(1.0, diffusivity * end / CAVITY**2)
    runs = [shells(2000 if fine else 600, n, end, False, CAVITY) for n in steps]
    walls = [float(p[0]) for _, p in runs]
    errors = tuple(abs(wall / exact - 1.0) for wall in walls)
    radii, pressure = runs[0]
    near = radii < 3 * CAVITY
    shares = [an.transient_cavity_share(r / CAVITY, diffusivity * end / CAVITY**2) for r in radii[near]]
    curve = Curve(
        x=1e3 * radii[near],
        found=pressure[near],
        exact=steady * CAVITY / radii[near] * np.array(shares),
        across="r [mm]",
        along="pressure [Pa]",
    )
    return Outcome(
        series=(Series(label="pressure at the wall", counts=steps, errors=errors, unit="steps", theory=1.0),),
        checks=(
            Check(
                quantity="pressure at the wall, extrapolated to no step",
                found=2.0 * walls[-1] - walls[-2],
                exact=exact,
                tolerance=5e-5 if fine else 1e-3,
                unit="Pa",
            ),
        ),
        curves=(curve,),
    )


def sink(fine: bool) -> Outcome:
    """B6, point source in perfused tissue."""
    ell = an.TUMOUR.screening_length
    cells, steps = (2000, (50, 100)) if fine else (500, (25, 50))
    checks = []
    for x, tau in ((0.5, 0.1), (0.5, 1.0), (1.0, 1.0), (3.0, 1.0), (3.0, 10.0)):
        end = tau * ell**2 / (an.TUMOUR.conductivity * MODULUS)
        found = []
        for count in steps:
            radii, pressure = shells(cells, count, end, True, 1e-3 * ell)
            scaled = 4.0 * np.pi * an.TUMOUR.conductivity * radii * pressure / RATE
            found.append(float(np.interp(x * ell, radii, scaled)))
        checks.append(
            Check(
                quantity=f"4 pi K r p/Q at r/l = {x:g}, c t/l^2 = {tau:g}",
                found=2.0 * found[1] - found[0],
                exact=an.transient_sink_pressure(x, tau),
                tolerance=3e-3,
            )
        )
    return Outcome(checks=tuple(checks))


WELL, EDGE, THICK = 1e-5, 100e-3, 1e-5


def disc(cells: int, what: Model) -> Discretisation:
    """A flat disc around a thin well, two triangles thick, tight above and below. Collective."""
    radii = geometric(WELL, EDGE, cells)
    points = np.stack(np.meshgrid(radii, [0.0, THICK], indexing="ij"), axis=-1).reshape(-1, 2)
    last = 2 * cells
    plain = PlainMesh(
        geometry="axisymmetric",
        points=points,
        cells=triangles(cells, 1),
        cell_tags=np.full(2 * cells, TISSUE, dtype=np.int32),
        facets=np.array([[0, 1], [last, last + 1]]),
        facet_tags=np.array([WALL, OUTER], dtype=np.int32),
    )
    site = Site(tip=(0.0, 0.0, 0.5 * THICK), direction=(0.0, 0.0, -1.0), needle_radius=WELL)
    return discretise(distribute(plain if COMM.rank == 0 else None, COMM), what, (site,))


def theis(fine: bool) -> Outcome:
    """B7: drawdown at fixed radii after a time, BDF2."""
    conductivity = 3.1e-14
    medium = tissue(hydraulic_conductivity=conductivity, confined_modulus=MODULUS)
    physics = replace(STORING, far_field="fixed", far_pressure=0.0)
    rate, radius, at = 1e-12, 2e-3, (0.01, 0.1, 1.0)
    end = radius**2 / (4.0 * conductivity * MODULUS * at[0])
    what = model(medium, physics, pulse(rate, 2 * end))
    counts = (50, 100, 200, 400) if fine else (40, 80)
    errors, checks = [], []
    for cells in counts:
        data = disc(cells, what)
        lengths = np.diff(np.concatenate([[0.0], end * np.geomspace(1e-5, 1.0, 4 * cells + 1)]))
        pressure = march(data, what, rate, lengths, True)
        r = data.mesh.points[:, 0]
        well = np.vectorize(an.theis_well_function)(r**2 / (4.0 * conductivity * MODULUS * end))
        exact = rate / (4.0 * np.pi * conductivity * THICK) * well
        inside = (r > 0.5e-3) & (r < 20e-3)
        errors.append(float(np.abs(pressure - exact)[inside].max() / exact[inside].max()))
    order = np.argsort(r)
    for u in at:
        where = 2.0 * np.sqrt(u * conductivity * MODULUS * end)
        checks.append(
            Check(
                quantity=f"W(u) at u = {u:g}",
                found=float(np.interp(where, r[order], pressure[order]))
                * 4.0
                * np.pi
                * conductivity
                * THICK
                / rate,
                exact=an.theis_well_function(u),
                tolerance=2e-3 if fine else 2e-2,
            )
        )
    shown = order[inside[order]]
    curve = Curve(
        x=1e3 * r[shown], found=pressure[shown], exact=exact[shown], across="r [mm]", along="pressure [Pa]"
    )
    series = Series(
        label="pressure between 0.5 and 20 mm, space and time together",
        counts=counts,
        errors=tuple(errors),
        theory=2.0,
        below=0.2,
        above=0.3,
    )
    return Outcome(series=(series,), checks=tuple(checks), curves=(curve,))


RUNGS = (
    Rung(
        key="B6",
        title="Cavity that is injected from t = 0, with storage",
        exact=(
            "p = Q/(4 pi K r) [erfc(x) - exp(-x^2) erfcx(x + sqrt(tau))], x = (r/a - 1)/(2 "
            "sqrt(tau)), tau = K H t/a^2 = 0.3"
        ),
        source="Carslaw & Jaeger 1959",
        run=transient_cavity,
    ),
    Rung(
        key="B6-sink",
        title="Point source in perfused tissue, with storage",
        exact=(
            "p = Q/(8 pi K r) [exp(-r/l) erfc(r/(2 sqrt(c t)) - sqrt(c t)/l) + exp(r/l) erfc(r/(2 "
            "sqrt(c t)) + sqrt(c t)/l)]"
        ),
        source="Carslaw & Jaeger 1959",
        run=sink,
    ),
    Rung(
        key="B7",
        title="Line source with storage (axisymmetric)",
        exact="p = Q/(4 pi T) W(u), u = r^2/(4 K H t), T = K times thickness, W = E_1",
        source="Theis 1935",
        run=theis,
    ),
)

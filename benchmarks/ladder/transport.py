# SPDX-License-Identifier: MIT
"""Agent on radial meshes: front, dose, steady profiles, a spreading pulse, a step at an inlet."""

from dataclasses import replace

import numpy as np

from benchmarks.ladder.rung import Check, Curve, Floats, Outcome, Rung, Series
from meshes.regions import TISSUE, TUMOUR
from solver.agent.transport import Transport
from solver.parameters.model import Agent, Model, Schedule
from solver.simulate import simulate
from solver.tissue.discretisation import Discretisation
from tests import analytic as an
from tests.spheres import EXACT, PLAIN, discretised, geometric, in_order, model, pulse, steady_flow, tissue
from tests.test_transport_analytic import (
    CAVITY,
    DIFFUSIVITY,
    DURATION,
    INLET,
    POROSITY,
    REACTION,
    infusion,
    spread,
    steady_profile,
)

HELD = 1e4
"""Perfusion [1/s] of tissue that holds its agent at the concentration of plasma."""


def front(fine: bool) -> Outcome:
    """B8."""
    exact = an.front_radius(an.ML_PER_MIN, DURATION, POROSITY, CAVITY)
    counts = (200, 400, 800, 1600) if fine else (100, 200)
    widths, middles = [], []
    for cells in counts:
        radii, c, _, _ = infusion(cells, 160.0 / cells, PLAIN, 0.0)
        low, middle, high = np.interp([-0.95 * INLET, -0.5 * INLET, -0.05 * INLET], -c, radii)
        widths.append(float((high - low) / exact))
        middles.append(float(middle))
    curve = Curve(
        x=1e3 * radii, found=c, exact=np.where(radii < exact, INLET, 0.0), across="r [mm]", along="C [kg/m3]"
    )
    series = Series(label="width of the front over its radius", counts=counts, errors=tuple(widths))
    where = Check(
        quantity="radius of half the inlet's concentration",
        found=1e3 * middles[-1],
        exact=1e3 * exact,
        tolerance=3e-3,
        unit="mm",
    )
    return Outcome(series=(series,), checks=(where,), curves=(curve,))


def dose(fine: bool) -> Outcome:
    """B9; the jump at the start, taken by whole steps, is what limits the order."""
    physics = replace(PLAIN, reaction=True)
    counts = (200, 400, 800, 1600) if fine else (100, 200)
    errors = []
    for cells in counts:
        radii, _, ct, _ = infusion(cells, 160.0 / cells, physics, 300.0)
        travel = an.travel_time(radii, an.ML_PER_MIN, POROSITY, CAVITY)
        exact = an.convected_dose(INLET, REACTION, travel, DURATION)
        behind = radii < 9e-3
        errors.append(float((np.abs(ct - exact)[behind] / exact.max()).max()))
    *_, last = infusion(counts[-1], 0.2, physics, 0.0)
    rows = last.ledger.rows()
    left = (rows["agent_in_tumour"] + rows["agent_in_tissue"]) / rows["agent_injected"]
    tabled = Check(
        quantity="share not reacted when injection stops",
        found=left,
        exact=an.unreacted_share(REACTION, DURATION),
        tolerance=1e-3,
    )
    series = Series(
        label="dose within 9 mm, maximum",
        counts=counts,
        errors=tuple(errors),
        limit=1e-3 if fine else 1e-2,
    )
    curve = Curve(x=1e3 * radii, found=ct, exact=exact, across="r [mm]", along="CT [kg s/m3]")
    return Outcome(series=(series,), checks=(tabled,), curves=(curve,))


def rest(data: Discretisation, what: Model, rate: float, step: float, steps: int) -> Floats:
    """Concentration by radius after many equal steps of a steady flow."""
    flow = steady_flow(data, what, rate)
    transport = Transport(data, what.agent, what.physics, what.numerics)
    state, none = transport.initial_state(), np.zeros(data.volume.size)
    for _ in range(steps):
        state = transport.step(state, (none, none), flow, rate * data.sources[0], step).state
    return in_order(data, state.concentration)


def absorbed(fine: bool) -> Outcome:
    """B10: divergent flow without reaction towards tissue that takes all agent away."""
    cavity, far, series, curves = 1e-3, 10e-3, [], []
    counts = (50, 100, 200, 400) if fine else (25, 50)
    for beta in (1.0, 10.0):
        rate = 4.0 * np.pi * POROSITY * DIFFUSIVITY * cavity * beta
        medium = tissue(porosity=POROSITY, diffusivity=DIFFUSIVITY)
        what = model(
            medium,
            replace(PLAIN, vessels=True, diffusion=True, agent_exchange="flow_limited"),
            pulse(rate, 1e9),
            tissues={TUMOUR: medium, TISSUE: replace(medium, perfusion=HELD)},
        )
        errors = []
        for cells in counts:
            r = np.append(geometric(cavity, far, cells), far * (far / cavity) ** (1.0 / cells))
            c = rest(discretised(r, what, far), what, rate, 2e3, 200)
            exact = np.where(r < far, -np.expm1(-beta * (cavity / r - cavity / far)), 0.0)
            errors.append(float(np.abs(c - exact).max()))
        series.append(
            Series(
                label=f"C/C_in, Q/(4 pi phi D a) = {beta:g}", counts=counts, errors=tuple(errors), theory=1.0
            )
        )
        curves.append(Curve(x=1e3 * r, found=c, exact=exact, across="r [mm]", along="C/C_in"))
    return Outcome(series=tuple(series), curves=tuple(curves[-1:]))


def thiele(fine: bool) -> Outcome:
    """B11: diffusion with reaction around a ball whose agent is held; steps of 0.02/k."""
    ball, reaction = 1e-3, 3.04e-3
    thickness = np.sqrt(DIFFUSIVITY / reaction)
    medium = tissue(porosity=POROSITY, diffusivity=DIFFUSIVITY)
    counts, series, split = (50, 100, 200, 400) if fine else (50, 100), [], 0.02 if fine else 0.1
    for limiter in (True, False):
        what = model(
            medium,
            replace(PLAIN, vessels=True, reaction=True, diffusion=True, agent_exchange="flow_limited"),
            tissues={TUMOUR: replace(medium, perfusion=HELD), TISSUE: medium},
            agent=Agent(name="agent", reaction_rate=reaction, molar_mass=0.067, plasma_concentration=1.0),
            schedule=Schedule(end=15.0 / reaction),
            numerics=replace(EXACT, fixed_step=split / reaction, limiter=limiter),
        )
        errors = []
        for cells in counts:
            r = np.append(0.9 * ball, ball * np.geomspace(1.0, 8.0, cells + 1))
            data = discretised(r, what, ball)
            *_, last = simulate(data, what)
            c, r = in_order(data, last.agent.concentration)[1:], r[1:]
            exact = np.array([an.thiele_profile(x, ball, thickness) for x in r])
            errors.append(float(np.abs(c - exact).max()))
        label = "C/C0, maximum, " + ("limited" if limiter else "without the correction")
        spare = 0.25 if limiter else 0.1
        series.append(
            Series(label=label, counts=counts, errors=tuple(errors), theory=2.0, above=spare, below=spare)
        )
    curve = Curve(x=1e3 * r, found=c, exact=exact, across="r [mm]", along="C/C0")
    return Outcome(series=tuple(series), curves=(curve,))


def reacting(fine: bool) -> Outcome:
    """B12, by stepping to rest: the error is that of the step k dt."""
    series, curves = [], []
    for peclet, damkohler in ((10.0, 0.1), (10.0, 1.0), (100.0, 1.0)):
        slope = (float(an.divergent_reaction(peclet, damkohler, 1.0 + 1e-6)) - 1.0) / 1e-6
        wall, splits, errors = 1.0 / (1.0 - slope / peclet), (0.1, 0.05, 0.025, 0.0125), []
        for split in splits if fine else splits[:2]:
            r, c = steady_profile(peclet, damkohler, 200, split)
            exact = an.divergent_reaction(peclet, damkohler, r)
            errors.append(float(np.abs(c / wall - exact).max()))
        series.append(
            Series(
                label=f"c, Pe = {peclet:g}, Da = {damkohler:g}, steps in 1/k",
                counts=tuple(round(1 / s) for s in splits[: len(errors)]),
                errors=tuple(errors),
                unit="steps",
                limit=0.5 * splits[len(errors) - 1] + 2e-3,
            )
        )
        curves.append(Curve(x=r, found=c / wall, exact=exact, across="r/a", along="c"))
    return Outcome(series=tuple(series), curves=tuple(curves[-1:]))


def pulse_spreads(fine: bool) -> Outcome:
    """B13, with the limiter and without."""
    counts = (50, 100, 200, 400) if fine else (25, 50)
    steps = (50, 100, 200) if fine else (25, 50)
    cells = (20, 40, 80) if fine else (20, 40)
    return Outcome(
        series=(
            Series(
                label="limited, space and time together (the peak is clipped)",
                counts=counts,
                errors=tuple(spread(n, n // 2, True) for n in counts),
                theory=2.0,
                below=0.3 if fine else 0.6,
            ),
            Series(
                label="without the correction, time",
                counts=steps,
                errors=tuple(spread(400, n, False) for n in steps),
                unit="steps",
                theory=1.0,
                below=0.1 if fine else 0.3,
            ),
            Series(
                label="without the correction, space",
                counts=cells,
                errors=tuple(spread(n, n * n // 8, False) for n in cells),
                theory=2.0,
            ),
        )
    )


def inlet(fine: bool) -> Outcome:
    """B14: a step at an inlet that travels, spreads and decays, in a thin shell of 10 m radius."""
    start, speed, time, series, curves = 10.0, 1e-5, 60.0, [], []
    rate = 4.0 * np.pi * start**2 * POROSITY * speed
    medium = tissue(porosity=POROSITY, diffusivity=DIFFUSIVITY)
    for reaction in (0.0, 0.03):
        what = model(
            medium,
            replace(PLAIN, vessels=True, reaction=True, diffusion=True, agent_exchange="flow_limited"),
            pulse(rate, 2 * time),
            tissues={TUMOUR: replace(medium, perfusion=HELD), TISSUE: medium},
            agent=Agent(name="agent", reaction_rate=reaction, molar_mass=0.067, plasma_concentration=1.0),
            schedule=Schedule(end=time),
        )
        counts, errors = (50, 100, 200, 400) if fine else (25, 50), []
        for cells in counts:
            x = 2e-3 * np.arange(-1, cells + 1) / cells
            stepped = replace(what, numerics=replace(EXACT, fixed_step=time / (2 * cells)))
            data = discretised(start + x, stepped, start)
            *_, last = simulate(data, stepped)
            c, x = in_order(data, last.agent.concentration)[1:], x[1:]
            exact = an.ogata_banks(x, time, speed, DIFFUSIVITY, reaction)
            errors.append(float(np.abs(c - exact).mean()))
        series.append(
            Series(label=f"C/C0, mean, k = {reaction:g} 1/s", counts=counts, errors=tuple(errors), theory=1.0)
        )
        curves.append(Curve(x=1e3 * x, found=c, exact=exact, across="x [mm]", along="C/C0"))
    return Outcome(series=tuple(series), curves=tuple(curves[-1:]))


RUNGS = (
    Rung(
        key="B8",
        title="Front of pure convection",
        exact="R = (a^3 + 3 Q t/(4 pi phi))^(1/3)",
        source="Morrison et al. 1994, the limit of fast flow",
        run=front,
    ),
    Rung(
        key="B9",
        title="Dose of an injection",
        exact="CT = C0 exp(-k s) [(T - s) + 1/k], s = 4 pi phi (r^3 - a^3)/(3 Q)",
        source="derived",
        run=dose,
    ),
    Rung(
        key="B10",
        title="Divergent flow and diffusion without reaction, taken up at 10 mm",
        exact="C = C_in [1 - exp(-b (1/r - 1/R))], b = Q/(4 pi phi D)",
        source=(
            "derived; tends to the tabulated form as R grows. First order, probably as in steps of 2000 s "
            "fluid passes many cells"
        ),
        run=absorbed,
    ),
    Rung(
        key="B11",
        title="Diffusion and reaction without flow",
        exact="C/C0 = (a/r) exp(-(r - a)/d), d = sqrt(D/k) = a/2",
        source="Thiele 1939",
        run=thiele,
    ),
    Rung(
        key="B12",
        title="Divergent flow, diffusion and reaction",
        exact="c'' + (2/r - Pe/r^2) c' = Da c, c(1) = 1, c(infinity) = 0, by shooting",
        source="integrated independently; checked by a boundary-value solver",
        run=reacting,
    ),
    Rung(
        key="B13",
        title="A pulse that spreads and reacts",
        exact="C = M/(phi (4 pi D t)^(3/2)) exp(-r^2/(4 D t) - k t)",
        source="Carslaw & Jaeger 1959",
        run=pulse_spreads,
    ),
    Rung(
        key="B14",
        title="A step at an inlet, with decay",
        exact=(
            "C/C0 = [exp((v - u) x/2D) erfc((x - u t)/(2 sqrt(D t))) + exp((v + u) x/2D) erfc((x + "
            "u t)/(2 sqrt(D t)))]/2, u = sqrt(v^2 + 4 k D)"
        ),
        source="Ogata & Banks 1961. First order, probably as the jump at t = 0 is taken by whole steps",
        run=inlet,
    ),
)

# SPDX-License-Identifier: MIT
"""Transport on radial meshes against closed forms: fronts, doses, steady profiles and spreading pulses."""

from dataclasses import replace

import numpy as np
import pytest

from solver.linear import OPTIONS
from solver.parameters import Schedule
from solver.simulate import Snapshot, simulate
from solver.transport import AgentState, Transport
from tests import analytic as an
from tests.spheres import (
    EXACT,
    PLAIN,
    Floats,
    discretised,
    geometric,
    in_order,
    model,
    order,
    pulse,
    steady_flow,
    tissue,
)

CAVITY = 0.359e-3
INLET = 0.3
REACTION = 0.03
POROSITY = 0.2
DURATION = 60.0


@pytest.fixture(autouse=True)
def _factorised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Solve intervals by an incomplete factor, which is exact for them: algebra out of the way."""
    factor = {"ksp_type": "gmres", "pc_type": "ilu", "pc_factor_zeropivot": 1e-300}
    monkeypatch.setitem(OPTIONS, "transport", factor)


def injected_dose(cells: int, step: float) -> tuple[Floats, Floats, Snapshot, Snapshot]:
    """B8 and B9 by a whole run: radii, dose 1e4 s after the start, and the state at stop and at the end."""
    physics = replace(PLAIN, reaction=True)
    radii = geometric(CAVITY, 20e-3, cells)
    what = model(
        tissue(porosity=POROSITY, diffusivity=1e-12),
        physics,
        pulse(an.ML_PER_MIN, DURATION, INLET),
        REACTION,
        numerics=replace(EXACT, fixed_step=step),
        schedule=Schedule(end=DURATION + 300.0),
    )
    data = discretised(radii, what)
    snapshots = {round(s.time, 6): s for s in simulate(data, what)}
    stop, end = snapshots[DURATION], snapshots[DURATION + 300.0]
    return radii, in_order(data, end.dose.ct), stop, end


def test_b9_dose_of_an_injection() -> None:
    """Dose behind the front, where it is smooth; the dose left at the end is e^-9 of it."""
    errors = []
    for cells, step in ((200, 0.8), (400, 0.4), (800, 0.2)):
        radii, dose, _, end = injected_dose(cells, step)
        travel = an.travel_time(radii, an.ML_PER_MIN, POROSITY, CAVITY)
        exact = an.convected_dose(INLET, REACTION, travel, DURATION)
        behind = (radii > 1e-3) & (radii < 9e-3)
        errors.append(float(np.abs(dose - exact)[behind].max() / exact[behind].max()))
        assert end.lowest >= -1e-12 * INLET
        assert end.ledger.agent_residual() < 1e-12
    print(errors, order(errors))
    assert errors[-1] < 2e-3


def front(cells: int, step: float) -> tuple[Floats, Floats]:
    physics = PLAIN
    radii = geometric(CAVITY, 20e-3, cells)
    what = model(
        tissue(porosity=POROSITY, diffusivity=1e-12),
        physics,
        pulse(an.ML_PER_MIN, DURATION, INLET),
        numerics=replace(EXACT, fixed_step=step),
        schedule=Schedule(end=DURATION),
    )
    data = discretised(radii, what)
    *_, last = simulate(data, what)
    assert last.highest <= INLET * (1 + 1e-10)
    assert last.lowest >= -1e-12 * INLET
    return radii, in_order(data, last.agent.concentration)


def test_b8_front() -> None:
    errors = []
    exact = an.front_radius(an.ML_PER_MIN, DURATION, POROSITY, CAVITY)
    for cells, step in ((200, 0.8), (400, 0.4), (800, 0.2)):
        radii, c = front(cells, step)
        crossing = float(np.interp(-0.5 * INLET, -c, radii))
        smear = float(np.interp(-0.05 * INLET, -c, radii)-np.interp(-0.95 * INLET, -c, radii))
        errors.append(abs(crossing / exact - 1))
        print(crossing, exact, smear)


def steady_profile(peclet: float, damkohler: float, cells: int, far: float, step: float) -> tuple[Floats, Floats]:
    a, d = 1e-3, 1e-9
    rate = 4 * np.pi * POROSITY * d * a * peclet
    k = damkohler * d / a**2
    physics = replace(PLAIN, reaction=True, diffusion=True)
    radii = geometric(a, far * a, cells)
    what = model(tissue(porosity=POROSITY, diffusivity=d), physics, pulse(rate, 1e9), k)
    data = discretised(radii, what)
    flow = steady_flow(data, what, rate)
    transport = Transport(data, what.agent, what.physics, what.numerics)
    state = transport.initial_state()
    n=0
    while n<4000:
        new = transport.step(state, (flow.state.stored, flow.state.stored), flow, rate * data.sources[0], step / k).state
        n+=1
        change = data.halo.max(np.abs(new.concentration - state.concentration))
        state = new
        if change < 1e-9 : break
    print("steps",n)
    return radii / a, in_order(data, state.concentration)


@pytest.mark.parametrize(("peclet", "damkohler", "far"), [(10.0, 0.1, 30), (10.0, 1.0, 20), (100.0, 1.0,25)])
def test_b12(peclet: float, damkohler: float,far) -> None:
    errors = []
    for cells, step in ((100, 0.1), (200, 0.05), (400, 0.025)):
        r, c = steady_profile(peclet, damkohler, cells, far, step)
        e = an.divergent_reaction(peclet, damkohler, r)
        errors.append(float(np.abs(c / c[0] - e).max()))
        h=1e-6; slope=(an.divergent_reaction(peclet,damkohler,1+h)-1)/h
        print(c[0], 1/(1-slope/peclet))
    print(errors, order(errors))


def spread(cells: int, steps: int) -> float:
    d, k = 7.6e-10, 0.03
    physics = replace(PLAIN, reaction=True, diffusion=True)
    radii = np.linspace(0.0, 3e-3, cells + 1)
    what = model(tissue(porosity=POROSITY, diffusivity=d), physics, None, k)
    data = discretised(radii, what)
    flow = steady_flow(data, what, 0.0)
    transport = Transport(data, what.agent, what.physics, what.numerics)
    first = an.point_source(1e-9, POROSITY, d, k, 30.0)
    c = first.at(data.mesh.points[:, 0])
    state = AgentState(concentration=c, amount=c * data.rest_fluid)
    for _ in range(steps):
        state = transport.step(state, (flow.state.stored, flow.state.stored), flow, np.zeros_like(c), 70.0 / steps).state
    exact = an.point_source(1e-9, POROSITY, d, k, 100.0).at(radii)
    return float(np.abs(in_order(data, state.concentration) - exact).max() / exact.max())


def test_b13() -> None:
    print([spread(50*2**i, 25*2**i) for i in range(4)])
    print([spread(800, 10*2**i) for i in range(4)])
    print([spread(25*2**i, 800) for i in range(4)])

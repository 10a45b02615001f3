# SPDX-License-Identifier: MIT
"""C = C_p = C_in without reaction stays constant, whatever fluid does: swells, fissures, filters, drains."""

from dataclasses import replace

import numpy as np
import pytest

from meshes.plain import Geometry
from solver.agent.limiter import CutBack
from solver.agent.transport import AgentState, Transport
from solver.flow.step import FlowSolver
from solver.parameters.model import Agent, Numerics, Physics
from tests.coarse import GEOMETRIES, INLET, ML_PER_MIN, discretised, full_model, pulse

AGENT = Agent(name="agent", reaction_rate=0.0, molar_mass=0.067, plasma_concentration=INLET)
STEPS = ((True, 0.5), (True, 2.0), (True, 5.0), (True, 10.0), (False, 0.5), (False, 5.0), (False, 60.0))
"""Whether fluid is injected, and the length of the step [s]."""
PARTS = 3
"""Steps of the agent in one of the flow."""
ROUND_OFF = 1e-12
OUTWARD = Physics(far_pressure=-500.0)
"""Fluid that enters from the far field brings no agent, so let it leave everywhere."""
TIGHT = Numerics(krylov_tolerance_agent=1e-15)


def drift(geometry: Geometry, physics: Physics, numerics: Numerics) -> tuple[float, float, float]:
    """Largest |C/C0 - 1|, largest change of porosity over phi0, fluid brought by blood over that injected."""
    model = full_model((pulse(0.0, 17.5),), agent=AGENT, physics=physics, numerics=numerics)
    data = discretised(geometry, model)
    flow, transport = (
        FlowSolver(data, physics, numerics, ML_PER_MIN),
        Transport(data, AGENT, physics, numerics),
    )
    state = flow.initial_state()
    agent = AgentState(
        concentration=np.full(data.volume.size, INLET), amount=INLET * (data.rest_fluid + state.stored)
    )
    off, moved, brought = 0.0, 0.0, 0.0
    for injecting, length in STEPS:
        source = injecting * ML_PER_MIN * data.sources[0]
        step = flow.step(state, source, length, state.pressure)
        change = step.state.stored - state.stored
        for part in range(PARTS):
            stored = tuple(state.stored + share / PARTS * change for share in (part, part + 1))
            agent = transport.step(agent, stored, step, INLET * source, length / PARTS).state  # type: ignore[arg-type]
            off = max(off, data.halo.max(np.abs(agent.concentration / INLET - 1.0)))
        state = step.state
        moved = max(moved, data.halo.max(np.abs(state.stored) / data.rest_fluid))
        brought += length * data.halo.sum(np.maximum(step.vessels, 0.0))
    return off, moved, brought / (ML_PER_MIN * 17.5)


@pytest.mark.parametrize("exchange", ["flow_limited", "patlak"])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_a_constant_state_stays(geometry: Geometry, exchange: str) -> None:
    """With every effect on; the porosity more than doubles at the tip and blood brings fluid and agent."""
    physics = replace(OUTWARD, agent_exchange=exchange)  # type: ignore[arg-type]
    off, moved, brought = drift(geometry, physics, TIGHT)
    assert moved > 0.5
    assert brought > 1e-3
    assert off < ROUND_OFF


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_it_stays_before_anything_is_limited(geometry: Geometry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second-order target itself keeps a constant, so the limiter has nothing to mend."""
    monkeypatch.setattr(CutBack, "limit", lambda *arguments: None)
    off, *_ = drift(geometry, OUTWARD, TIGHT)
    assert off < 1e-10


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_it_stays_whatever_the_tolerances_and_the_scheme(geometry: Geometry) -> None:
    """Newton's remainder is carried by the stored fluid, so the flow that transport sees is balanced."""
    rough = replace(TIGHT, newton_tolerance=1e-2, krylov_tolerance_pressure=1e-1, limiter=False)
    off, *_ = drift(geometry, replace(OUTWARD, conductivity="logistic", closure="none"), rough)
    assert off < ROUND_OFF


def test_the_check_would_see_a_leak() -> None:
    """Plasma without agent dilutes the tissue."""
    model = full_model((pulse(0.0, 17.5),), agent=replace(AGENT, plasma_concentration=0.0))
    data = discretised("radial", model)
    flow = FlowSolver(data, model.physics, model.numerics, ML_PER_MIN)
    transport = Transport(data, model.agent, model.physics, model.numerics)
    state, none = flow.initial_state(), np.zeros(data.volume.size)
    step = flow.step(state, none, 1.0, state.pressure)
    start = AgentState(concentration=none + INLET, amount=INLET * data.rest_fluid)
    after = transport.step(start, (state.stored, step.state.stored), step, none, 1.0).state
    assert data.halo.min(after.concentration) < 0.999 * INLET

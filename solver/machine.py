# SPDX-License-Identifier: MIT
"""The solvers of a run, and the source that drives them."""

import numpy as np
from numpy.typing import NDArray

from solver.crossing import TumourBoundary, tumour_boundary
from solver.discretisation import Discretisation
from solver.flow import FlowSolver
from solver.flow_history import Change, Judge
from solver.ledger import Ledger
from solver.parameters import Model
from solver.processes import build_processes
from solver.profile import Profile
from solver.stepping import Substeps, is_on
from solver.transport import Transport

Floats = NDArray[np.float64]


class Machine:
    """The solvers of a run and the source that drives them."""

    def __init__(self, data: Discretisation, model: Model, profile: Profile) -> None:
        self.data = data
        self.model = model
        self.profile = profile
        rates = [pulse.rate for pulse in model.injections]
        masses = [pulse.volume * pulse.concentration for pulse in model.injections]
        self.judge = Judge(
            data=data,
            volume=max((pulse.volume for pulse in model.injections), default=0.0),
            mass=max(masses, default=0.0),
            tolerance=model.numerics.flow_tolerance,
        )
        self.flow = FlowSolver(data, model.physics, model.numerics, max(rates, default=0.0))
        self.transport = Transport(data, model.agent, model.physics, model.numerics, profile)
        self.boundary: TumourBoundary = tumour_boundary(data)
        self.processes = build_processes(data, model)
        self.ledger = Ledger(data, self.processes)
        self.pace = Substeps(numerics=model.numerics)
        self.last_change: Change | None = None

    def source(self, time: float) -> tuple[Floats, Floats]:
        """Injected flow [m3/s] and agent [kg/s] per node just after ``time``."""
        fluid = np.zeros(self.data.volume.size)
        agent = np.zeros_like(fluid)
        for pulse in self.model.injections:
            if is_on(pulse, time, self.model.schedule):
                share = self.data.sources[pulse.site]
                fluid += pulse.rate * share
                agent += pulse.rate * pulse.concentration * share
        return fluid, agent

    def carried(self, source: Floats) -> float:
        """Agent that the flow still carries, as a share of a pulse, in [0, 1]; 1 while fluid is injected."""
        states, mass = self.ledger.states, self.judge.mass
        if mass == 0.0 or self.data.halo.sum(source) > 0:
            return 1.0
        return min((states["agent_in_tumour"] + states["agent_in_tissue"]) / mass, 1.0)

    def source_pressure(self, pressure: Floats) -> Floats:
        """Mean pressure over each source, weighted as fluid enters [Pa]."""
        return np.array([self.data.halo.sum(share * pressure) for share in self.data.sources])

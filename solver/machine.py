# SPDX-License-Identifier: MIT
"""The solvers of a run, and the source that drives them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solver.agent.cavity_agent import CavityBook
from solver.agent.crossing import TumourBoundary, tumour_boundary
from solver.agent.dispersion import dispersion
from solver.agent.processes import Condition
from solver.agent.transport import Transport
from solver.agent.viscosity import mobility
from solver.delivery.pulses import Delivered, Delivery, Landing
from solver.effects import build_processes
from solver.flow.cavity import cavity_store
from solver.flow.history import Change, Judge
from solver.flow.step import FlowSolver
from solver.ledger import Ledger
from solver.memory import Arrays, remembered, remind, unpack
from solver.parameters.model import Model
from solver.profile import Profile
from solver.solid.book import SolidBook
from solver.solid.coupling import PoroelasticFlow
from solver.stepping import Substeps
from solver.tissue.discretisation import Discretisation
from solver.vessels.closure import VesselBed

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
            plasma=model.agent.plasma_concentration,
        )
        scale = max(rates, default=0.0)
        biot = model.physics.flow == "biot"
        self.flow = (
            PoroelasticFlow(data, model, scale)
            if biot
            else FlowSolver(data, model.physics, model.numerics, scale)
        )
        self.balance = self.flow.balance
        self.delivery = Delivery(data, model)
        self.transport = Transport(data, model.agent, model.physics, model.numerics, profile)
        self.transport.dispersion = dispersion(data, model)
        self.boundary: TumourBoundary = tumour_boundary(data)
        self.vessels: VesselBed | None = None
        if model.vessels is not None:
            self.vessels = VesselBed(data, model, self.balance, self.flow.rest)
        store = cavity_store(data, model, self.flow.rest)
        self.balance.cavities = store
        self.cavities = None if store is None else CavityBook(data, store)
        solid = (SolidBook(self.flow, data.halo.comm),) if isinstance(self.flow, PoroelasticFlow) else ()
        opening = (self.cavities,) if self.cavities else ()
        vessels = (self.vessels,) if self.vessels else ()
        self.processes = (*build_processes(data, model, vessels), *solid, *opening)
        self.ledger = Ledger(data, self.processes)
        self.pace = Substeps(numerics=model.numerics)
        self.last_change: Change | None = None

    def memory(self) -> dict[str, Any]:
        """What its parts remember between steps, for a checkpoint; see `solver.memory`."""
        parts = {name: remembered(part) for name, part in vars(self).items()}
        return {
            "parts": {name: memory for name, memory in parts.items() if memory is not None},
            "processes": [remembered(process) for process in self.processes],
            "last_change": self.last_change,
        }

    def recall(self, memory: Mapping[str, Any], arrays: Arrays) -> None:
        """Take back what `memory` gave, packed."""
        for name, part in memory["parts"].items():
            remind(getattr(self, name), unpack(Any, part, arrays))
        for process, part in zip(self.processes, memory["processes"], strict=True):
            remind(process, unpack(Any, part, arrays))
        self.last_change = unpack(Change | None, memory["last_change"], arrays)

    def seen(self) -> list[Mapping[str, Any] | None]:
        """What processes have seen of the run so far, for `unsee`."""
        return [remembered(process) for process in self.processes]

    def unsee(self, seen: list[Mapping[str, Any] | None]) -> None:
        """Let processes forget what they saw of a step that is not accepted."""
        for process, memory in zip(self.processes, seen, strict=True):
            remind(process, memory)

    def source(self, at: tuple[float, float], delivered: Delivered, landing: Landing | None = None) -> Floats:
        """Flow that pumps bring to each node [m3/s]; the balance sees to other pulses.

        Args:
            at: time at the start of a step and its length [s].
            delivered: so far.
            landing: of a pulse that ends with the step.
        """
        self.balance.inlets = self.delivery.inlets(at, delivered, landing)
        return self.delivery.pumped(at[0])

    def thicken(self, condition: Condition) -> None:
        """Lower K where injectate is, if it is more viscous than interstitial fluid or gels."""
        if self.model.physics.viscosity:
            self.balance.mobility = mobility(self.model.agent.injectate, condition)

    def carried(self, source: Floats) -> float:
        """Agent that the flow still carries, as a share of a pulse, in [0, 1]; 1 while fluid is injected."""
        states, mass = self.ledger.states, self.judge.mass
        if mass == 0.0 or self.balance.inlets or self.data.halo.sum(source) > 0:
            return 1.0
        held = states["agent_in_tumour"] + states["agent_in_tissue"] + states.get("agent_in_cavity", 0.0)
        return min(held / mass, 1.0)

    def source_pressure(self, pressure: Floats) -> Floats:
        """Mean pressure over each source, weighted as fluid enters [Pa]."""
        return np.array([self.data.halo.sum(share * pressure) for share in self.data.sources])

# SPDX-License-Identifier: MIT
"""A vascular route in the tissue: what its blood brings is carried by the same transport as an injection.

The tumour rests, so its flow is solved once; every step has the exact mean of what arrives during it, and
steps land on every dose. The tumour takes nothing from the body while it is solved; what its blood took up
and gave back is added to the body afterwards, where beads are the source and it is not small.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.geometry import Site
from meshes.regions import TUMOUR_REGIONS
from solver.discretisation import Discretisation, pair_fluid
from solver.flow import FlowSolver
from solver.flow_state import FlowStep
from solver.parameters import Model
from solver.pharmacokinetics import ORGAN, STORE, TUMOUR, Course, follow
from solver.route_parameters import Beads, Route
from solver.routes import events, graded_times, phases
from solver.transport import AgentStep, Transport

Floats = NDArray[np.float64]

BOOKS = (
    "agent_from_blood",
    "agent_from_beads",
    "agent_to_blood",
    "agent_reacted",
    "agent_lymph",
    "agent_boundary",
    "agent_in_tumour",
    "agent_in_tissue",
)
"""Rows of a route's ledger: two sources, then where it went, then where it is [kg]."""


SCALE: Final = 1e-10
"""Flow by which that at rest is judged [m3/s]; what it lacks of balance would concentrate the agent."""


NOTHING: Final = 1e-14
"""Share of what was there from which on drug that is left stays where it is: a step would be round-off."""

IMPREGNATED: Final = 0.6e-3
"""Distance from an occluded vessel over which drug of beads was found (Namur et al. 2011) [m]."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long steps are.

    Attributes:
        first: after a dose begins or ends [s].
        growth: of one step over the one before.
        largest: [s].
    """

    first: float = 60.0
    growth: float = 1.3
    largest: float = 14400.0


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """What a route did to the tissue.

    Attributes:
        course: of the body, and of what arrives.
        tumour: mean concentration in the tumour's interstitial fluid at the times of the course [kg/m3].
        near: drug per volume of tissue within 0.6 mm of the needle's tip at those times [kg/m3].
        auc: integral of C dt [kg s/m3], shape ``(n,)``.
        peak: largest C [kg/m3], shape ``(n,)``.
        books: of the ledger at the end [kg].
        into_tumour: what blood and beads brought to the tumour [kg].
        residual: largest that is not accounted for after any step, over all that entered tissue.
    """

    course: Course
    tumour: Floats
    near: Floats
    auc: Floats
    peak: Floats
    books: dict[str, float]
    into_tumour: float
    residual: float


def embolised(model: Model, beads: Beads | None) -> Model:
    """A model whose tumour has lost the blood that beads stop: (1 - eps) F, and a lower p_v."""
    if beads is None:
        return model
    tissues = dict(model.tissues)
    for tag in TUMOUR_REGIONS & set(tissues):
        tissue = tissues[tag]
        drop = (1 - beads.vessel_pressure) * tissue.vessel_pressure
        tissues[tag] = replace(
            tissue,
            perfusion=(1 - beads.embolised) * tissue.perfusion,
            permeability_surface=(1 - beads.embolised) * tissue.permeability_surface,
            vessel_conductance=(1 - beads.embolised) * tissue.vessel_conductance,
            vessel_pressure=tissue.vessel_pressure - drop,
            effective_vessel_pressure=tissue.effective_vessel_pressure - drop,
        )
    return replace(model, tissues=tissues)


def expose(data: Discretisation, model: Model, sites: tuple[Site, ...], route: Route, pace: Pace) -> Exposure:
    """Follow a route through body and tissue. Collective.

    Args:
        data: static data, of a model after `embolised`.
        model: tissues, physics and numerics; its injections do nothing.
        sites: the first is where beads lie that do not fill the tumour.
        route: with its schedule.
        pace: of the steps.

    Raises:
        FlowError: no resting state is found.
        LinearSolverError: when the linear solver fails.
    """
    times = graded_times(sorted(events(route)), pace.first, pace.growth, pace.largest)
    course = follow(phases(route), times)
    flow = _resting(data, model)
    transport = Transport(data, model.agent, model.physics, model.numerics)
    released = _released(route, course)
    places = _bead_places(data, sites, route.beads)
    state = transport.initial_state()
    still = flow.state.stored
    auc, peak = np.zeros(state.amount.size), np.zeros(state.amount.size)
    ledger = _Ledger(data, still)
    tumour, near, returned = [0.0], [0.0], np.zeros(times.size - 1)
    ball = _ball(data, sites, IMPREGNATED)
    arriving = course.means(TUMOUR), course.means(ORGAN)
    quiet = _quiet(np.maximum(*arriving) + released)
    for number, step in enumerate(np.diff(times)):
        if quiet[number] and ledger.empty:
            tumour.append(tumour[-1])
            near.append(near[-1])
            continue
        transport.plasma = np.where(data.pairs.inside, arriving[0][number], arriving[1][number])
        entering = places * (released[number] / step)
        done = transport.step(state, (still, still), flow, entering, float(step))
        state = done.state
        auc, peak = auc + step * done.mean, np.maximum(peak, state.concentration)
        returned[number] = ledger.add(done, float(step))
        tumour.append(ledger.mean_in_tumour(state.concentration))
        near.append(data.halo.sum(ball * state.amount / data.volume))
    if route.beads is not None:
        course = follow(phases(route), times, returned)
    return Exposure(
        course=course,
        tumour=np.array(tumour),
        near=np.array(near),
        auc=auc,
        peak=peak,
        books=ledger.rows,
        into_tumour=ledger.into_tumour,
        residual=ledger.residual,
    )


def _resting(data: Discretisation, model: Model) -> FlowStep:
    solver = FlowSolver(data, model.physics, model.numerics, SCALE)
    state = solver.initial_state()
    return solver.step(state, np.zeros(data.volume.size), 1.0, state.pressure)


def _quiet(arriving: Floats) -> NDArray[np.bool_]:
    """Steps in which next to nothing arrives, by what arrived before."""
    before = np.maximum.accumulate(arriving)
    return np.asarray((before > 0.0) & (arriving <= NOTHING * before))


def _released(route: Route, course: Course) -> Floats:
    """What beads give to tissue between times [kg], shape ``(m - 1,)``."""
    return np.diff(course.amounts[:, STORE["tissue"]])


def _bead_places(data: Discretisation, sites: tuple[Site, ...], beads: Beads | None) -> Floats:
    """Share of what beads release at each node, shape ``(n,)``. Collective."""
    if beads is None:
        return np.zeros(data.volume.size)
    if beads.radius > 0.0:
        return _ball(data, sites, beads.radius)
    # beads lie in vessels, and a necrotic core has none
    reached = data.pairs.inside & (data.materials.perfusion > 0.0)
    if not data.halo.maxima(float(reached.any()))[0]:
        reached = data.pairs.inside
    within = data.pairs.to_nodes(np.where(reached, data.pairs.volume, 0.0))
    return np.asarray(within / data.halo.sum(within))


def _ball(data: Discretisation, sites: tuple[Site, ...], radius: float) -> Floats:
    """Share of each node in the volume of a ball about the first needle's tip, shape ``(n,)``. Collective."""
    columns = {"radial": [0], "axisymmetric": [0, 2], "3d": [0, 1, 2]}[data.mesh.geometry]
    centre = np.zeros(1) if data.mesh.geometry == "radial" else np.asarray(sites[0].tip)[columns]
    distance = np.linalg.norm(data.mesh.points - centre, axis=1)
    # on a coarse mesh the nearest node stands for the ball
    reach = max(radius, data.halo.min(distance)) * (1 + 1e-9)
    within = np.where(distance <= reach, data.volume, 0.0)
    return np.asarray(within / data.halo.sum(within))


class _Ledger:
    """Books of a route in tissue."""

    def __init__(self, data: Discretisation, stored: Floats) -> None:
        self.rows = dict.fromkeys(BOOKS, 0.0)
        self.into_tumour, self.residual = 0.0, 0.0
        self._data = data
        self._fluid = pair_fluid(data, stored)
        self._volume = np.where(data.pairs.inside, data.pairs.volume, 0.0)
        self._tumour = self._sum(self._volume)

    def add(self, agent: AgentStep, step: float) -> float:
        """Book a step; returns what blood and lymph took, net [kg/s]. Collective."""
        data, losses = self._data, agent.losses
        mean, inside = agent.mean[data.pairs.node], data.pairs.inside
        rates = {
            "agent_from_blood": self._sum(agent.from_blood),
            "agent_from_beads": data.halo.sum(agent.injected),
            "agent_to_blood": self._sum((losses.absorbed + losses.exchange) * mean),
            "agent_reacted": self._sum(losses.reaction * mean),
            "agent_lymph": self._sum(losses.lymph * mean),
            "agent_boundary": data.halo.sum(losses.boundary * agent.mean),
        }
        for name, rate in rates.items():
            self.rows[name] += step * rate
        held = self._fluid * agent.state.concentration[data.pairs.node]
        self.rows["agent_in_tumour"] = self._sum(np.where(inside, held, 0.0))
        self.rows["agent_in_tissue"] = self._sum(np.where(inside, 0.0, held))
        self.into_tumour += step * (
            self._sum(np.where(inside, agent.from_blood, 0.0)) + rates["agent_from_beads"]
        )
        entered = self.rows["agent_from_blood"] + self.rows["agent_from_beads"]
        missing = entered - sum(self.rows[name] for name in BOOKS[2:])
        if entered > 0.0:
            self.residual = max(self.residual, abs(missing) / entered)
        return rates["agent_to_blood"] + rates["agent_lymph"] - rates["agent_from_blood"]

    @property
    def empty(self) -> bool:
        """Whether next to nothing is left of what entered."""
        held = self.rows["agent_in_tumour"] + self.rows["agent_in_tissue"]
        return held <= NOTHING * (self.rows["agent_from_blood"] + self.rows["agent_from_beads"])

    def mean_in_tumour(self, concentration: Floats) -> float:
        """Mean C over the tumour's volume [kg/m3]. Collective."""
        return self._sum(self._volume * concentration[self._data.pairs.node]) / self._tumour

    def _sum(self, values: Floats) -> float:
        return self._data.halo.sum(self._data.pairs.to_nodes(values))

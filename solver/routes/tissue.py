# SPDX-License-Identifier: MIT
"""A vascular route in the tissue: what its blood brings is carried by the same transport as an injection.

The tumour rests, so its flow is solved once; every step has the exact mean of what arrives during it, and
steps land on every dose. Body and tissue are coupled both ways: what tissue takes from its blood leaves the
body or the circuit, what leaves it with blood, lymph or through the outer boundary returns there. A step is
repeated until what arrives no longer changes by what tissue takes, and halved where it does not, or where a
store would owe drug; what is booked is the same on both sides.
"""

from dataclasses import dataclass
from typing import Any, Final

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray

from meshes.geometry import Site
from solver.agent.transport import AgentStep, Transport
from solver.flow.state import FlowStep
from solver.flow.step import FlowSolver
from solver.parameters.model import Model
from solver.routes.agreement import AGREED, FAINT, MOST, SPENT, Balance, Offer, disagreement, offered
from solver.routes.body import events, graded_times, phases
from solver.routes.cells import Cells
from solver.routes.coupling import Part, part_of_body, without
from solver.routes.embolisation import ball, bead_places, embolised, stopped_share
from solver.routes.ledger import NOTHING, STAYS, RouteLedger
from solver.routes.oxygen import oxygen_report
from solver.routes.parameters import Route
from solver.routes.pharmacokinetics import STORE, Course, Walk
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]

SCALE: Final = 1e-10
"""Flow by which that at rest is judged [m3/s]; what it lacks of balance would concentrate the agent."""

HALVINGS: Final = 1000
"""Of steps of a route; beyond it steps are taken as they are, and what is amiss is told."""

SHORTEST: Final = 1.0
"""Step below which none is halved [s]."""

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
        near: drug per volume of tissue, cells included, within 0.6 mm of the needle's tip [kg/m3].
        reach: radius of a ball as large as the tissue that holds the level asked for at those times [m].
        auc: integral of C dt [kg s/m3], shape ``(n,)``.
        peak: largest C [kg/m3], shape ``(n,)``.
        books: of the ledger at the end [kg].
        into_tumour: what blood and beads brought to the tumour [kg].
        oxygen: what beads that stop the blood leave of it; None without any.
        part: what the tissue is of the body.
        tries: of all steps.
        residual: largest that is not accounted for after any step, over all that entered tissue.
        apart: by how much body and tissue differ on what is in tissue, over all that was given.
        disagreement: change of what arrives by what tissue takes of it, over what arrives, of all steps.
        owed: most that a store was ever below nothing, over all that was given.
    """

    course: Course
    tumour: Floats
    near: Floats
    reach: Floats
    auc: Floats
    peak: Floats
    books: dict[str, float]
    into_tumour: float
    oxygen: dict[str, Any] | None
    part: Part
    tries: int
    residual: float
    apart: float
    disagreement: float
    owed: float


def expose(data: Discretisation, model: Model, sites: tuple[Site, ...], route: Route, pace: Pace) -> Exposure:
    """Follow a route through body and tissue. Collective.

    Args:
        data: static data, before any embolisation.
        model: tissues, physics and numerics; its injections do nothing.
        sites: the first is where beads lie that do not fill the tumour.
        route: with its schedule.
        pace: of the steps.

    Raises:
        FlowError: no resting state is found.
        LinearSolverError: when the linear solver fails.
        BodyError: the body cannot be followed.
    """
    places, inside = bead_places(data, sites, route.beads)
    before, data = data, embolised(data, sites, route.beads)
    flow = resting(data, model)
    chemistry = model.chemistry
    cells = Cells(data, chemistry.uptake) if chemistry and chemistry.uptake else None
    part = part_of_body(data, model, flow, cells)
    times = graded_times(sorted(events(route)), pace.first, pace.growth, pace.largest)
    walk = Walk(phases(without(route, part)), times)
    tissue = _Tissue(data, model, flow, cells, inside)
    seen = _Seen(data, sites, route)
    meeting = _Meeting(walk, tissue, places, route)
    while walk.number < walk.steps:
        if meeting.nothing_left():
            walk.take(meeting.offered(0.0).end)
            seen.note(tissue)
            continue
        end = meeting.settled()
        if end is None:
            walk.halve()
            continue
        tissue.take(walk.length)
        walk.take(end)
        seen.note(tissue, abs(end[STORE["tissue"]] - sum(tissue.ledger.rows[name] for name in STAYS)))
    course = walk.course()
    return Exposure(
        course=course,
        tumour=np.array(seen.tumour),
        near=np.array(seen.near),
        reach=np.array(seen.reach),
        auc=tissue.auc,
        peak=tissue.peak,
        books=tissue.ledger.rows,
        into_tumour=tissue.ledger.into_tumour,
        oxygen=_oxygen(before, sites, flow, route),
        part=part,
        tries=meeting.tries,
        residual=tissue.ledger.residual,
        apart=seen.apart / max(float(course.given[-1]), 1e-300),
        disagreement=meeting.disagreement,
        owed=abs(float(course.amounts.min(initial=0.0))) / max(float(course.given[-1]), 1e-300),
    )


def _oxygen(
    data: Discretisation, sites: tuple[Site, ...], flow: FlowStep, route: Route
) -> dict[str, Any] | None:
    """What beads leave of the oxygen, from their first dose to the end. Collective."""
    if route.beads is None:
        return None
    clock = route.end - min((dose.start for dose in route.doses), default=route.end)
    return oxygen_report(data, flow, route.oxygen, stopped_share(data, sites, route.beads), clock)


def resting(data: Discretisation, model: Model) -> FlowStep:
    """Flow of tissue at rest, that no injection disturbs. Collective.

    Raises:
        FlowError: none is found.
    """
    solver = FlowSolver(data, model.physics, model.numerics, SCALE)
    state = solver.initial_state()
    return solver.step(state, np.zeros(data.volume.size), 1.0, state.pressure)


class _Tissue:
    """Tissue that goes forward in step with a body.

    Attributes:
        state: of the drug in fluid.
        ledger: of the tissue.
        auc: integral of C dt so far [kg s/m3], shape ``(n,)``.
        peak: largest C so far [kg/m3], shape ``(n,)``.
        cells: that hold drug.
    """

    def __init__(
        self, data: Discretisation, model: Model, flow: FlowStep, cells: Cells | None, inside: float
    ) -> None:
        self._transport = Transport(data, model.agent, model.physics, model.numerics)
        self._data, self._flow, self._still = data, flow, flow.state.stored
        self.state, self.cells = self._transport.initial_state(), cells
        self.auc, self.peak = np.zeros(data.volume.size), np.zeros(data.volume.size)
        self.ledger = RouteLedger(data, self._still, inside)
        self._tried: tuple[AgentStep, Floats | None] | None = None

    @property
    def comm(self) -> MPI.Comm:
        """Ranks that share it."""
        return self._data.halo.comm

    def tried(self, arriving: Floats, entering: Floats, step: float) -> float:
        """Try a step; returns what the tissue takes from the body, net [kg/s]. Collective.

        Args:
            arriving: at tumour and organ [kg/m3].
            entering: from beads, on nodes [kg/s].
            step: length [s].
        """
        self._transport.plasma = np.where(self._data.pairs.inside, arriving[0], arriving[1])
        along = None
        if self.cells is not None:
            along, given = self.cells.offers(step)
            entering = entering + given
        still = self._still
        done = self._transport.step(self.state, (still, still), self._flow, entering, step, along)
        self._tried = done, along
        return self.ledger.taken(done)

    def take(self, step: float) -> None:
        """Go on to where the step that was tried last has led. Collective."""
        assert self._tried is not None, "a step is tried first"
        done, along = self._tried
        held = destroyed = 0.0
        given: Floats | float = 0.0
        if self.cells is not None:
            given = self.cells.offers(step)[1]
            after = self.cells.tried(done.mean, step)
            self.cells.take(after)
            held, destroyed = (self._data.halo.sum(amount) for amount in after)
        self.state = done.state
        self.auc = self.auc + step * done.mean
        self.peak = np.maximum(self.peak, done.state.concentration)
        beads = self._data.halo.sum(done.injected - given)
        self.ledger.add(done, step, along, (beads, held, destroyed))


class _Meeting:
    """Brings body and tissue together in each step.

    Attributes:
        tries: of all steps.
        disagreement: largest of the steps that were taken.
    """

    def __init__(self, walk: Walk, tissue: _Tissue, places: Floats, route: Route) -> None:
        self._walk, self._tissue, self._places, self._route = walk, tissue, places, route
        self._taken, self._strongest, self._halvings = 0.0, np.zeros(2), 0
        self.tries, self.disagreement = 0, 0.0

    def offered(self, taken: float) -> Offer:
        """What the next step brings if tissue takes so much [kg/s]. Collective."""
        return offered(self._walk, taken, self._route.beads is not None, self._tissue.comm)

    def nothing_left(self) -> bool:
        """Whether next to nothing is in tissue, and next to nothing comes in the next step. Collective."""
        offer = self.offered(self._taken)
        coming = np.array([offer.arriving.max(), offer.released])
        self._strongest = np.maximum(self._strongest, coming)
        return self._tissue.ledger.empty and bool((coming <= NOTHING * self._strongest).all())

    def settled(self) -> Floats | None:
        """Where the next step leads the body, as tissue tried it; None if it must be shorter. Collective."""
        walk, balance, guess = self._walk, Balance(), self._taken
        offer = self.offered(guess)
        for _ in range(MOST):
            self.tries += 1
            entering = self._places * (offer.released / walk.length)
            taken = self._tissue.tried(offer.arriving, entering, walk.length)
            after = self.offered(taken)
            apart = disagreement(offer, after, FAINT * self._strongest[0])
            if apart <= AGREED:
                break
            guess = balance.better(guess, taken)
            offer = after if guess == taken else self.offered(guess)
        fits = apart <= AGREED and after.owed <= SPENT * self._route.given
        if not fits and self._halvings < HALVINGS and walk.length > SHORTEST:
            self._halvings += 1
            return None
        self._taken = taken
        self.disagreement = float(np.maximum(self.disagreement, apart))
        return after.end


class _Seen:
    """What is noted of tissue after each step.

    Attributes:
        tumour: mean C in the tumour [kg/m3].
        near: drug per volume of tissue within 0.6 mm of the needle's tip [kg/m3].
        reach: radius of a ball as large as the tissue that holds the beads' level [m].
        apart: largest difference of what body and tissue say is in tissue [kg].
    """

    def __init__(self, data: Discretisation, sites: tuple[Site, ...], route: Route) -> None:
        self.tumour, self.near, self.reach, self.apart = [0.0], [0.0], [0.0], 0.0
        self._data, self._ball = data, ball(data, sites, IMPREGNATED)
        self._level = route.beads.level if route.beads else 0.0

    def note(self, tissue: _Tissue, apart: float = 0.0) -> None:
        """Note where it is. Collective."""
        data = self._data
        amount = tissue.state.amount + (tissue.cells.held if tissue.cells else 0.0)
        level = amount / data.volume
        self.tumour.append(tissue.ledger.mean_in_tumour(tissue.state.concentration))
        self.near.append(data.halo.sum(self._ball * level))
        volume = data.halo.sum(np.where(level >= self._level, data.volume, 0.0)) if self._level > 0.0 else 0.0
        self.reach.append((3 * volume / (4 * np.pi)) ** (1 / 3))
        self.apart = float(np.maximum(self.apart, apart))

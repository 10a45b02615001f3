# SPDX-License-Identifier: MIT
"""A body without the tissue that is simulated, so that nothing of that tissue counts twice.

Volumes and clearance of a drug are those of a whole body, and E that of a whole organ: the tissue which is
solved in space is part of both. What it holds is taken from the volumes of distribution, what it destroys of
the blood that it receives from the clearance, and what it destroys of an infusion from the first pass.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.agent.transport import Transport
from solver.flow.state import FlowStep
from solver.parameters.model import Model
from solver.routes.cells import Cells
from solver.routes.parameters import Circuit, Route
from solver.tissue.discretisation import Discretisation, pair_fluid

Floats = NDArray[np.float64]

LEAST: Final = 0.5
"""Share of a volume of distribution that is left at least."""

SETTLED: Final = 1e9
"""Length of the one implicit step that leads to the steady state [s]."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What the tissue that is simulated is of the body.

    Attributes:
        fluid: interstitial [m3].
        bound: what cells hold over the concentration in fluid [m3].
        tumour: blood that it clears for good of drug which reaches the tumour's vessels [m3/s].
        organ: the same for drug which reaches the vessels of tissue around [m3/s].
    """

    fluid: float
    bound: float
    tumour: float
    organ: float

    @property
    def clearance(self) -> float:
        """Blood that it clears for good where all vessels receive the same [m3/s]."""
        return self.tumour + self.organ


def part_of_body(data: Discretisation, model: Model, flow: FlowStep, cells: Cells | None) -> Part:
    """What the tissue that is simulated is of the body. Collective.

    Args:
        data: static data.
        model: tissues, agent, physics.
        flow: at rest.
        cells: that hold drug.

    Raises:
        LinearSolverError: when the linear solver fails.
    """
    room, standing = (cells.room(), cells.standing()) if cells else (0.0, 0.0)
    tumour = organ = 0.0
    if standing > 0.0 or (model.physics.reaction and model.agent.reaction_rate > 0.0):
        tumour, organ = (_cleared(data, model, flow, standing, where) for where in (True, False))
    return Part(
        fluid=data.halo.sum(data.rest_fluid),
        bound=room * data.halo.sum(data.volume),
        tumour=tumour,
        organ=organ,
    )


def _cleared(data: Discretisation, model: Model, flow: FlowStep, standing: float, tumour: bool) -> float:
    """What is destroyed in the steady state per concentration in the blood of one of the two [m3/s]."""
    transport = Transport(data, model.agent, model.physics, replace(model.numerics, limiter=False))
    transport.plasma = np.where(data.pairs.inside == tumour, 1.0, 0.0)
    none, along = np.zeros(data.volume.size), standing * data.pairs.volume
    still = flow.state.stored
    done = transport.step(transport.initial_state(), (still, still), flow, none, SETTLED, along)
    destroyed = transport.reaction_rate * pair_fluid(data, still) + along
    return data.halo.sum(data.pairs.to_nodes(destroyed * done.mean[data.pairs.node]))


def without(route: Route, part: Part) -> Route:
    """The route through a body, an organ and a circuit without the tissue that is simulated."""
    body, region = route.body, route.region
    central = body.central_volume - part.fluid
    peripheral = body.peripheral_volume
    if peripheral > 0.0:
        peripheral = max(peripheral - part.bound, LEAST * peripheral)
    else:
        central -= part.bound
    taken = part.tumour * region.tumour_share * region.mixing / region.artery_flow + part.organ / region.flow
    return replace(
        route,
        body=replace(
            body,
            central_volume=max(central, LEAST * body.central_volume),
            peripheral_volume=peripheral,
            clearance=max(body.clearance - part.clearance, 0.0),
        ),
        region=replace(region, extraction=max(region.extraction - taken, 0.0)),
        circuit=_without(route.circuit, part) if route.circuit else None,
    )


def _without(circuit: Circuit, part: Part) -> Circuit:
    return replace(circuit, elimination=max(circuit.elimination - part.clearance / circuit.volume, 0.0))


def doubts(route: Route, part: Part) -> tuple[str, ...]:
    """What of the tissue does not fit into the body that it is part of."""
    found = []
    if part.clearance > route.body.clearance:
        found.append("the tissue that is simulated destroys more than the stated clearance of the body")
    beside = part.bound if route.body.peripheral_volume == 0.0 else 0.0
    if part.fluid + beside > LEAST * route.body.central_volume:
        found.append("the tissue that is simulated holds more than half of the volume of distribution")
    return tuple(found)

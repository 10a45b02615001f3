# SPDX-License-Identifier: MIT
"""A body without the tissue that is simulated, so that nothing of that tissue counts twice.

Volumes and clearance of a drug are those of a whole body, and E that of a whole organ: the tissue which is
solved in space is part of both. What it holds is taken from the volumes of distribution, what it destroys of
the blood that it receives from the clearance, and what it destroys of an infusion from a first pass that is
a constant share. One that saturates stays as it was measured, and what does not fit is told by `doubts`.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.agent.transport import Transport
from solver.flow.state import FlowStep
from solver.parameters.model import Model
from solver.routes.cells import Cells
from solver.routes.parameters import Circuit, Region, Route
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
    taken = _of_infusion(region, part)
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


def _of_infusion(region: Region, part: Part) -> float:
    """Share of an infusion that the tissue destroys of it as it passes [-]."""
    return part.tumour * region.tumour_share * region.mixing / region.artery_flow + part.organ / region.flow


def _without(circuit: Circuit, part: Part) -> Circuit:
    return replace(circuit, elimination=max(circuit.elimination - part.clearance / circuit.volume, 0.0))


def doubts(route: Route, part: Part) -> tuple[str, ...]:
    """What of the tissue does not fit into the body that it is part of."""
    body, region, circuit = route.body, route.region, route.circuit
    two = body.peripheral_volume > 0.0
    doubtful = {
        "destroys more than the stated clearance of the body": part.clearance > body.clearance,
        "holds more than half of the volume of distribution": part.fluid + (0.0 if two else part.bound)
        > LEAST * body.central_volume,
        "binds more than half of what the peripheral volume holds": two
        and part.bound > LEAST * body.peripheral_volume,
    }
    if route.kind == "arterial":
        saturates = region.capacity > 0.0
        doubtful |= {
            "destroys more of an infusion than the stated extraction of the organ": not saturates
            and _of_infusion(region, part) > region.extraction,
            "destroys some of an infusion, which is not taken from the first pass that saturates": saturates
            and part.clearance > 0.0,
        }
    if circuit is not None:
        doubtful["destroys more than the stated loss of the circuit"] = (
            part.clearance / circuit.volume > circuit.elimination
        )
    return tuple(f"the tissue that is simulated {what}" for what, doubted in doubtful.items() if doubted)

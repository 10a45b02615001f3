# SPDX-License-Identifier: MIT
"""From the tables on blood to the records that the solver reads, and a case to its saline control."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from cases.build.materials import Numbers, agent_numbers
from cases.build.thresholds import case_thresholds
from cases.schema.case import CaseFile
from cases.schema.vessels import NetworkTable, TwoPressuresTable
from meshes.files.centre_lines import Network, read_network
from meshes.lines import vector
from solver.parameters.model import Model
from solver.parameters.vessels import Body, ChemicalClosure, TwoPressures, VesselModel, VesselNetwork

BODY_KEYS: Final = (
    "central_volume",
    "clearance",
    "exchange_flow",
    "peripheral_volume",
    "by_product_yield",
    "reference_dose",
)
"""Numbers of the body that belong to the agent, unless the table of the body gives them."""

DEFAULT_EXPOSED: Final = 4.5
"""Dose that counts as exposed where neither closure nor thresholds say one [kg s/m3]."""


def vessel_model(case: CaseFile, folder: Path) -> VesselModel | None:
    """What happens to vessels, of a checked case.

    Raises:
        MeshInputError: when a file of centre lines cannot be read.
    """
    table = case.vessels
    if table is None:
        return None
    agent = agent_numbers(case.agent)
    chemical = None
    if table.chemical_closure:
        chemical = ChemicalClosure(
            rate=agent["closure_rate"],
            half_concentration=agent["closure_concentration"],
            leak=agent.get("closure_leak", 0.0),
        )
    pressures = table.two_pressures
    return VesselModel(
        chemical=chemical,
        reopening_gap=table.reopening_gap,
        two_pressures=_two_pressures(pressures) if pressures else None,
        network=_network(table.network, folder) if table.network else None,
        collapsed_below=table.collapsed_below,
        exposed_dose=table.exposed_dose or _exposed_dose(case, chemical, table.collapsed_below),
    )


def body_model(case: CaseFile) -> Body | None:
    """The body of a checked case."""
    if case.body is None:
        return None
    return Body(weight=case.body.weight, **body_numbers(case))


def body_numbers(case: CaseFile) -> Numbers:
    """Numbers of the agent in the body by key; keys that neither case nor library state are absent."""
    agent = agent_numbers(case.agent)
    own = case.body.model_dump(exclude_none=True) if case.body else {}
    known: Numbers = {**agent, **own}
    return {key: known[key] for key in BODY_KEYS if key in known}


def controlled(model: Model) -> Model:
    """The saline control of a model if it asks for one: nothing reacts, and nothing is harmed by the agent.

    Pressure still closes vessels, and what lacks blood or is heated may still die.
    """
    if model.physics.control is None:
        return model
    kill = model.kill
    if kill is not None:
        kill = replace(kill, chick_watson=None, hom=None, depletion=None, drug=None)
    body = replace(model.body, by_product_yield=0.0) if model.body else None
    physics = replace(model.physics, reaction=False)
    return replace(model, physics=physics, chemistry=None, kill=kill, body=body)


def _two_pressures(table: TwoPressuresTable) -> TwoPressures:
    x, y, z = table.artery
    return TwoPressures(**{**table.model_dump(), "artery": (x, y, z)})


def _network(table: NetworkTable, folder: Path) -> VesselNetwork:
    centre = None if table.centre is None else vector(table.centre)
    found = read_network(
        folder / table.file, table.length_unit, table.radius_array, centre, vector(table.flow_direction)
    )
    inlets, outlets = found.inlets, found.outlets
    if table.ends_seed is not None:
        inlets, outlets = drawn_ends(found, table.ends_seed)
    ends = [(place, table.arterial_pressure) for place in inlets]
    ends += [(place, table.venous_pressure) for place in outlets]
    return VesselNetwork(
        places=found.places,
        edges=found.edges,
        radii=found.radii,
        ends=tuple(sorted(ends)),
        viscosity=table.viscosity,
    )


def drawn_ends(network: Network, seed: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Half of the free ends of a network, by chance, as its inlets, and the others as its outlets."""
    counts = np.bincount(np.ravel(network.edges), minlength=len(network.places))
    ends = np.random.default_rng(seed).permutation(np.flatnonzero(counts == 1))
    half = len(ends) // 2
    return tuple(map(int, ends[:half])), tuple(map(int, ends[half:]))


def _exposed_dose(case: CaseFile, chemical: ChemicalClosure | None, share: float) -> float:
    """The dose that closes vessels to a share where C is small, or the lowest threshold [kg s/m3]."""
    if chemical is not None and chemical.rate > 0.0:
        return -math.log(share) * chemical.half_concentration / chemical.rate
    return min((level.value for level in case_thresholds(case)[0]), default=DEFAULT_EXPOSED)

# SPDX-License-Identifier: MIT
"""Where the numbers of a case come from and how well they are known, for its record."""

from collections.abc import Mapping
from dataclasses import asdict
from math import isclose
from typing import Any, Final

from pydantic import BaseModel

from cases import catalogue
from cases.case import Case
from cases.materials import library_numbers
from cases.schema_geometry import NeedleTable
from cases.schema_materials import AgentTable, TissueTable
from meshes.regions import CAPSULE, REGION_NAMES, TISSUE

DERIVED: Final = {
    "effective_vessel_pressure": "p_v - sigma (pi_v - pi_i) of the tissue's numbers",
    "permeability_surface": "the agent's vessel permeability times the tissue's vessel surface",
    "confined_modulus": "2 mu (1 - nu)/(1 - 2 nu) of the tissue's numbers",
}
"""Numbers of a tissue that may follow from others."""

Origin = list[str]
"""Status (of the library, or ``derived`` or ``case``), source, and range if one is stated."""


def sources(case: Case) -> dict[str, Any]:
    """Origin of each number of agent, tissues and needles, by the keys of the resolved case.

    A number equal to the library's has the library's source and status; another one was set by the case.
    """
    model = case.model
    agent = _origins("agents", model.agent.name, AgentTable, asdict(model.agent))
    concentrations = {pulse.concentration for pulse in model.injections}
    if len(concentrations) == 1:
        agent |= _origins("agents", model.agent.name, AgentTable, {"concentration": concentrations.pop()})
    tissues = {}
    for tag, tissue in model.tissues.items():
        found = _origins("tissues", tissue.name, TissueTable, asdict(tissue))
        normal = "_normal" if tag in (TISSUE, CAPSULE) else ""
        tissues[REGION_NAMES[tag]] = found | _diffusivity(model.agent.name, tissue.diffusivity, normal)
    needles = [_needle(site.needle_radius) for site in case.geometry.sites]
    return {"agent": agent, "tissues": tissues, "needles": needles}


def _origins(
    kind: catalogue.Kind, name: str, table: type[BaseModel], values: Mapping[str, Any]
) -> dict[str, Origin]:
    if name not in catalogue.entries(kind):
        return {key: ["case", "set in the case"] for key, value in values.items() if isinstance(value, float)}
    numbers, entry = library_numbers(kind, name, table), catalogue.entries(kind)[name]
    found: dict[str, Origin] = {}
    for key, value in values.items():
        if not isinstance(value, float):
            continue
        if key in numbers and isclose(numbers[key], value, rel_tol=1e-12):
            found[key] = _of_library(entry.values[key])
        elif key in DERIVED:
            found[key] = ["derived", DERIVED[key]]
        elif key in numbers:
            found[key] = ["case", f"set in the case; {name} has {entry.values[key].value}"]
        else:
            found[key] = ["case", "set in the case"]
    return found


def _of_library(value: catalogue.Value) -> Origin:
    ends = [] if value.range is None else [f"{value.range[0]} to {value.range[1]}"]
    return [value.status, value.source, *ends]


def _diffusivity(agent: str, value: float, suffix: str) -> dict[str, Origin]:
    """Of the agent in a tissue: from the agent's entry, where the case does not change it."""
    if agent not in catalogue.entries("agents"):
        return {"diffusivity": ["case", "set in the case"]}
    numbers = library_numbers("agents", agent, AgentTable)
    key = f"diffusivity{suffix}" if f"diffusivity{suffix}" in numbers else "diffusivity"
    if key in numbers and isclose(numbers[key], value, rel_tol=1e-12):
        return {"diffusivity": _of_library(catalogue.entries("agents")[agent].values[key])}
    return {"diffusivity": ["case", "set in the case"]}


def _needle(radius: float) -> Origin:
    for name, entry in catalogue.entries("needles").items():
        outer = library_numbers("needles", name, NeedleTable).get("outer_diameter", 0.0)
        if isclose(outer, 2 * radius, rel_tol=1e-9):
            return [entry.values["outer_diameter"].status, f"{name}: {entry.values['outer_diameter'].source}"]
    return ["case", "set in the case"]

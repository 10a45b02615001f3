# SPDX-License-Identifier: MIT
"""Where the numbers of a case come from and how well they are known, for its record."""

from collections.abc import Mapping
from dataclasses import asdict
from math import isclose
from typing import Any, Final

from pydantic import BaseModel

from cases import catalogue
from cases.build.materials import library_numbers
from cases.case import Case
from cases.schema.entries import Kind
from cases.schema.geometry import NeedleTable
from cases.schema.materials import AgentTable, TissueTable
from meshes.regions import REGION_NAMES, TUMOUR_REGIONS
from solver.parameters.delivery import Injectate

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
    agent |= _origins("agents", model.agent.name, AgentTable, _stated_injectate(case))
    concentrations = {pulse.concentration for pulse in model.injections if not pulse.withdraws}
    if len(concentrations) == 1:
        agent |= _origins("agents", model.agent.name, AgentTable, {"concentration": concentrations.pop()})
    tissues = {}
    for tag, tissue in model.tissues.items():
        found = _origins("tissues", tissue.name, TissueTable, asdict(tissue))
        normal = "_normal" if tag not in TUMOUR_REGIONS else ""
        tissues[REGION_NAMES[tag]] = found | _diffusivity(model.agent.name, tissue.diffusivity, normal)
    needles = [_needle(site.needle_radius) for site in case.geometry.sites]
    return {"agent": agent, "tissues": tissues, "needles": needles, **_chemistry(case), **_blood(case)}


def _stated_injectate(case: Case) -> dict[str, float]:
    """Numbers of the injectate that the library or the case states; the others are those of water."""
    name, injectate = case.model.agent.name, asdict(case.model.agent.injectate)
    known = library_numbers("agents", name, AgentTable) if name in catalogue.entries("agents") else {}
    water = asdict(Injectate())
    return {key: value for key, value in injectate.items() if key in known or value != water[key]}


def _chemistry(case: Case) -> dict[str, dict[str, Origin]]:
    """Of the numbers of a reductant and of a by-product; nothing without them."""
    model, what = case.model, case.model.chemistry
    values: dict[str, float] = {}
    found: dict[str, Origin] = {}
    if what is not None and what.reductant is not None:
        values |= {"rate_constant": what.reductant.rate_constant}
        values |= {"stoichiometry": what.reductant.stoichiometry}
        tissues = {REGION_NAMES[tag]: tissue.name for tag, tissue in model.tissues.items()}
        for region, amount in what.reductant.amount.items():
            origin = _origins("tissues", tissues[region], TissueTable, {"reductant": amount})
            found[f"reductant_{region}"] = origin["reductant"]
    if what is not None and what.product is not None:
        values |= {"by_product_yield": what.product.yield_per_agent}
    found = _origins("agents", model.agent.name, AgentTable, values) | found
    return {"chemistry": found} if found else {}


def _blood(case: Case) -> dict[str, dict[str, Origin]]:
    """Of the numbers of closure by the agent and of the body; nothing without them."""
    model, values = case.model, {}
    if model.vessels is not None and model.vessels.chemical is not None:
        law = model.vessels.chemical
        values["vessels"] = {
            "closure_rate": law.rate,
            "closure_concentration": law.half_concentration,
            "closure_leak": law.leak,
        }
    if model.body is not None:
        values["body"] = {key: value for key, value in asdict(model.body).items() if value}
    return {key: _origins("agents", model.agent.name, AgentTable, found) for key, found in values.items()}


def _origins(kind: Kind, name: str, table: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Origin]:
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

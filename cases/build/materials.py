# SPDX-License-Identifier: MIT
"""Tissues, agent and needles of a case: the library's numbers with the case's changes, in SI."""

import math
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from cases import catalogue
from cases.schema.case import CaseFile
from cases.schema.entries import Kind
from cases.schema.geometry import NeedleTable
from cases.schema.materials import AgentTable, TissueTable
from meshes.regions import REGION_NAMES, TUMOUR_REGIONS
from solver.parameters.delivery import Injectate
from solver.parameters.model import Agent, Tissue

DEFAULT_TISSUE: Final = {
    "tumour": "generic_tumour",
    "tissue": "subcutis",
    "necrotic_core": "necrotic_core",
    "capsule": "capsule",
    "large_artery": "large_artery",
    "large_vein": "large_vein",
    "portal_vein": "portal_vein",
}
"""Region to the tissue it has if a table names no base."""

Numbers = dict[str, float]


def agent_numbers(table: AgentTable) -> Numbers:
    """Numbers of the agent by key, SI; keys that neither base nor case states are absent."""
    return _merged("agents", table.base, table)


def tissue_numbers(table: TissueTable, region: str) -> Numbers:
    """Numbers of a region's tissue by key, SI; the confined modulus is always there.

    H = 2 mu (1 - nu)/(1 - 2 nu) where the case changes mu or nu without stating H.
    """
    numbers = _merged("tissues", table.base or DEFAULT_TISSUE[region], table)
    changed = {"shear_modulus", "poisson_ratio"} & table.model_fields_set
    if ("confined_modulus" not in table.model_fields_set and changed) or "confined_modulus" not in numbers:
        nu = numbers["poisson_ratio"]
        numbers["confined_modulus"] = 2.0 * numbers["shear_modulus"] * (1.0 - nu) / (1.0 - 2.0 * nu)
    return numbers


def needle_numbers(case: CaseFile, name: str) -> Numbers:
    """Diameters of a needle of the case or of the library, SI."""
    table = case.needles.get(name, NeedleTable())
    base = table.base or (name if name in catalogue.entries("needles") else None)
    return _merged("needles", base, table)


@cache
def library_numbers(kind: Kind, name: str, table: type[BaseModel]) -> Numbers:
    """Numbers of a library entry in SI, checked by the table of the case file that they stand for."""
    return table.model_validate(catalogue.numbers(kind, name)).model_dump(exclude_none=True)


def make_agent(table: AgentTable) -> Agent:
    """The agent of a checked case."""
    numbers = agent_numbers(table)
    return Agent(
        name=table.base or "agent",
        reaction_rate=numbers["reaction_rate"],
        molar_mass=numbers["molar_mass"],
        plasma_concentration=numbers.get("plasma_concentration", 0.0),
        injectate=injectate(table),
    )


def injectate(table: AgentTable) -> Injectate:
    """The fluid that carries the agent of a case; what neither base nor case states is as water."""
    numbers = agent_numbers(table)
    return Injectate(**{item.name: numbers[item.name] for item in fields(Injectate) if item.name in numbers})


def make_tissue(case: CaseFile, tag: int) -> Tissue:
    """The tissue that fills a region, of a checked case.

    The effective vessel pressure is p_e = p_v - sigma (pi_v - pi_i) (Baxter & Jain 1989).
    """
    region = REGION_NAMES[tag]
    table: TissueTable = getattr(case.tissues, region)
    numbers = tissue_numbers(table, region)
    agent = agent_numbers(case.agent)
    suffix = "_normal" if tag not in TUMOUR_REGIONS else ""
    permeability = agent.get(f"vessel_permeability{suffix}", agent.get("vessel_permeability", 0.0))
    oncotic = numbers["vessel_oncotic_pressure"] - numbers["interstitial_oncotic_pressure"]
    derived: Numbers = {
        "effective_vessel_pressure": numbers["vessel_pressure"] - numbers["reflection_coefficient"] * oncotic,
        "permeability_surface": permeability * numbers["vessel_surface"],
        "diffusivity": agent.get(f"diffusivity{suffix}", agent["diffusivity"]),
        **{name: numbers[name] for name in ("permeability_surface", "diffusivity") if name in numbers},
    }
    known: dict[str, Any] = {**numbers, **derived}
    if table.fibre_direction is not None:
        length = math.hypot(*table.fibre_direction)
        known["fibre_direction"] = tuple(component / length for component in table.fibre_direction)
    names = (
        item.name
        for item in fields(Tissue)
        if item.name != "name" and (item.name in known or item.default is MISSING)
    )
    return Tissue(name=table.base or DEFAULT_TISSUE[region], **{name: known[name] for name in names})


def _merged(kind: Kind, base: str | None, table: BaseModel) -> Numbers:
    numbers = library_numbers(kind, base, type(table)) if base is not None else {}
    words = {"base", "side_holes"}
    return {**numbers, **table.model_dump(exclude_unset=True, exclude_none=True, exclude=words)}

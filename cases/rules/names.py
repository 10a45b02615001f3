# SPDX-License-Identifier: MIT
"""Rules on names and numbers of tissues, agent and needles."""

from collections.abc import Iterator

from cases import catalogue
from cases.build.materials import agent_numbers, needle_numbers
from cases.errors import Key, Problem, shown
from cases.schema.case import CaseFile
from cases.schema.entries import Kind
from cases.suggest import hint
from meshes.regions import REGION_NAMES, VESSEL_REGIONS

MASKED = tuple(REGION_NAMES[tag] for tag in VESSEL_REGIONS)
"""Regions that only label maps can have."""


def names_known(case: CaseFile) -> Iterator[Problem]:
    """Every library name exists."""
    for region in REGION_NAMES.values():
        yield from _known("tissues", getattr(case.tissues, region).base, ("tissues", region, "base"))
    yield from _known("agents", case.agent.base, ("agent", "base"))
    for name, needle in case.needles.items():
        yield from _known("needles", needle.base, ("needles", name, "base"))
    valid = list(dict.fromkeys([*case.needles, *catalogue.entries("needles")]))
    for i, injection in enumerate(case.injection):
        if injection.needle not in valid:
            yield Problem(
                key=("injection", i, "needle"),
                message=f"no needle {shown(injection.needle)}",
                hint=hint(injection.needle, valid, "needles"),
            )


def materials_complete(case: CaseFile) -> Iterator[Problem]:
    """Agent and needles have all numbers that a run needs."""
    numbers = agent_numbers(case.agent)
    needed = ["reaction_rate", "molar_mass", "diffusivity"]
    if any(injection.concentration is None for injection in case.injection):
        needed.append("concentration")
    if case.physics.agent_exchange == "patlak":
        needed.append("vessel_permeability")
    for name in needed:
        if name not in numbers:
            yield Problem(
                key=("agent", name), message="missing; give it, or name a base", hint=_names("agents")
            )
    for name in case.needles:
        diameters = needle_numbers(case, name)
        missing = [key for key in ("outer_diameter", "inner_diameter") if key not in diameters]
        for key in missing:
            message = "missing; give it, or name a base"
            yield Problem(key=("needles", name, key), message=message, hint=_names("needles"))
        if not missing and diameters["inner_diameter"] >= diameters["outer_diameter"]:
            yield Problem(key=("needles", name), message="inner_diameter is not smaller than outer_diameter")


def regions_exist(case: CaseFile) -> Iterator[Problem]:
    """Tissues are stated only for regions that the geometry has."""
    geometry = case.geometry
    labels = geometry.labels
    exists = {
        "necrotic_core": bool(geometry.necrotic_core or (labels and labels.necrotic_core)),
        "capsule": bool(geometry.capsule),
        **{name: bool(labels and getattr(labels, name)) for name in MASKED},
    }
    if geometry.mesh is not None:
        exists = {name: name in geometry.mesh.regions.values() for name in exists}
    for region, there in exists.items():
        if not there and region in case.tissues.model_fields_set:
            yield Problem(
                key=("tissues", region),
                message=f"the geometry has no {region}",
                hint=f"add geometry.{'labels.' * (region in MASKED)}{region} or remove this key",
            )


def _known(kind: Kind, name: str | None, key: Key) -> Iterator[Problem]:
    valid = catalogue.entries(kind)
    if name is not None and name not in valid:
        what = kind.removesuffix("s")
        yield Problem(
            key=key, message=f"no {what} {shown(name)} in the library", hint=hint(name, valid, kind)
        )


def _names(kind: Kind) -> str:
    return f"library: {', '.join(catalogue.entries(kind))}"

# SPDX-License-Identifier: MIT
"""Ways in to one tumour: a comparison file, checked, as records that the solver reads."""

from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Final

from cases import catalogue
from cases.build.materials import library_numbers
from cases.case import Case
from cases.errors import CaseError, Problem
from cases.reading.kinds import require_kind
from cases.reading.load import load_case
from cases.reading.read import read_source
from cases.reading.validate import validated
from cases.schema.materials import AgentTable
from cases.schema.routes import CircuitTable, RoutesFile, RouteTable
from solver.routes.body import leak_flow, repeated
from solver.routes.oxygen import Oxygen
from solver.routes.parameters import Beads, Circuit, Dose, Oral, Region, Route

MEASURED_INFLOW: Final = {"gemcitabine": (60e-6, 200e-6)}
"""Concentrations arriving in the liver between which a saturable uptake was measured [kg/m3]."""

MOST_DOSES: Final = 1000
MOST_STEPS: Final = 100_000
"""Of a route; more would be a slip of the pen."""

INJECTION: Final = "injection"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A comparison file, checked.

    Attributes:
        table: its content.
        base: the base case's file.
        routes: each with the case whose tissue it acts on.
    """

    table: RoutesFile
    base: Path
    routes: tuple[tuple[Route, Case], ...]


def load_comparison(path: str) -> Comparison:
    """Read and check a comparison file and its base case.

    Raises:
        CaseError: with every problem found.
    """
    source = read_source(path)
    require_kind(source, "comparison")
    table = validated(source, RoutesFile)
    base = Path(path).parent / table.case
    problems = [] if base.is_file() else [_problem(("case",), f"{base} is not there; expected a case file")]
    if table.end > MOST_STEPS * table.largest_step:
        message = f"more than {MOST_STEPS} steps until the end; expected longer ones"
        problems.append(_problem(("largest_step",), message))
    for number, one in enumerate(table.route):
        problems += _misfits(table, one, number)
    if problems:
        raise CaseError([source.place(problem) for problem in problems])
    routes = []
    for one in table.route:
        case = load_case(base, _overrides(table, one))
        if case.model.vessel_lines:
            message = "large vessels as lines carry blood of their own; a comparison cannot have them"
            raise CaseError([source.place(_problem(("case",), message))])
        routes.append((make_route(table, one, case), case))
    return Comparison(table=table, base=base, routes=tuple(routes))


def _misfits(table: RoutesFile, one: RouteTable, number: int) -> list[Problem]:
    """What of a route does not go together."""
    key: tuple[str | int, ...] = ("route", number)
    found = []
    names = [other.name for other in table.route] + ([INJECTION] if table.injection else [])
    if names.count(one.name) > 1:
        found.append(_problem((*key, "name"), f'"{one.name}" is the name of two ways in'))
    if one.agent not in catalogue.entries("agents"):
        known = ", ".join(catalogue.entries("agents"))
        found.append(_problem((*key, "agent"), f'found "{one.agent}"; expected one of {known}'))
    if sum(int(dose.times) for dose in one.dose) > MOST_DOSES:
        found.append(_problem((*key, "dose"), f"more than {MOST_DOSES} doses in all"))
    for kind, part in (("chemoembolisation", "beads"), ("isolated", "circuit"), ("oral", "oral")):
        if (getattr(one, part) is not None) != (one.kind == kind):
            what = "needs" if one.kind == kind else "takes no"
            found.append(_problem((*key, part), f"a route of kind {one.kind} {what} [route.{part}]"))
    for place, dose in enumerate(one.dose):
        if dose.times > 1 and (dose.every is None or dose.every < dose.duration):
            message = "repeated doses need `every`, no shorter than their duration"
            found.append(_problem((*key, "dose", place, "every"), message))
        if one.kind == "arterial" and dose.duration == 0.0:
            message = "into an artery a dose takes a time; expected a duration"
            found.append(_problem((*key, "dose", place, "duration"), message))
        last = dose.start + (dose.times - 1) * (dose.every or 0.0) + dose.duration
        if last > table.end:
            found.append(_problem((*key, "dose", place), f"ends at {last:.6g} s, after the end of the file"))
    return found


def _problem(key: tuple[str | int, ...], message: str) -> Problem:
    return Problem(key=key, message=message)


def _overrides(table: RoutesFile, one: RouteTable) -> tuple[str, ...]:
    return (
        *table.set,
        f'agent="{one.agent}"',
        f'body.weight="{table.weight!r} kg"',
        'physics.agent_exchange="patlak"',
        'outputs.end="1 h"',
        *one.set,
    )


def make_route(table: RoutesFile, one: RouteTable, case: Case) -> Route:
    """The record of a route."""
    agent = library_numbers("agents", one.agent, AgentTable)
    body = case.model.body
    assert body is not None, "the overrides ask for a body"
    scale = one.oral.mass_ratio if one.oral else 1.0
    doses: list[Dose] = []
    for dose in one.dose:
        first = Dose(start=round(dose.start, 3), amount=scale * dose.amount, duration=round(dose.duration, 3))
        doses.extend(repeated(first, int(dose.times), dose.every or 0.0))
    organ = table.organ
    saturates = organ.liver and one.extraction is None and "extraction_capacity" in agent
    constant = one.extraction
    if constant is None:
        constant = agent.get("extraction", 0.0) if organ.liver else 0.0
    region = Region(
        artery_flow=organ.artery_flow,
        portal_flow=organ.portal_flow,
        tumour_share=organ.tumour_share,
        mixing=organ.mixing,
        extraction=0.0 if saturates else constant,
        capacity=agent["extraction_capacity"] if saturates else 0.0,
        half_concentration=agent["extraction_half_concentration"] if saturates else 0.0,
        measured_inflow=MEASURED_INFLOW.get(one.agent, (0.0, float("inf"))),
    )
    return Route(
        name=one.name,
        kind=one.kind,
        doses=tuple(sorted(doses, key=lambda dose: dose.start)),
        body=body,
        end=table.end,
        region=region,
        beads=Beads(**{key: value or 0.0 for key, value in one.beads.model_dump().items()})
        if one.beads
        else None,
        circuit=_circuit(one.circuit) if one.circuit else None,
        oral=Oral(**one.oral.model_dump(exclude={"mass_ratio"})) if one.oral else None,
        oxygen=Oxygen(**table.oxygen.model_dump()),
        kill_factor=one.kill_factor,
        half_effect=one.half_effect or agent.get("half_effect_exposure", 0.0),
    )


def _circuit(table: CircuitTable) -> Circuit:
    return Circuit(
        volume=table.volume,
        leak=leak_flow(table.leak_fraction, table.volume, table.duration),
        elimination=log(2.0) / table.half_life if table.half_life else 0.0,
        duration=round(table.duration, 3),
        wash_flow=table.wash_volume / table.wash_duration,
        wash_duration=round(table.wash_duration, 3),
        temperature=table.temperature,
    )

# SPDX-License-Identifier: MIT
"""Ways in to one tumour, side by side: a comparison file to what each does to tumour, organ and body."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from mpi4py import MPI

import numpy as np

from cases import catalogue
from cases.case import Case
from cases.errors import CaseError, Problem
from cases.load import load_case
from cases.materials import library_numbers
from cases.read import read_source
from cases.reuse import Reuse
from cases.routes_schema import CircuitTable, RoutesFile, RouteTable
from cases.schema_materials import AgentTable
from cases.validate import validated
from solver.body import Compartments
from solver.discretisation import Discretisation
from solver.line_curves import line_curves
from solver.pharmacokinetics import PLASMA, TUMOUR
from solver.route_metrics import Yardstick, route_measures, tissue_measures
from solver.route_parameters import Beads, Circuit, Dose, Oral, Region, Route
from solver.route_tissue import Exposure, Pace, embolised, expose
from solver.routes import equivalent_minutes, inflow_range, leak_flow, linear_extraction, repeated
from solver.simulate import simulate

MEASURED_INFLOW: Final = {"gemcitabine": (60e-6, 200e-6)}
"""Concentrations arriving in the liver between which a saturable uptake was measured [kg/m3]."""

MOST_POINTS: Final = 600
"""Of a curve in the record."""

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
        beads=Beads(**{**one.beads.model_dump(), "radius": one.beads.radius or 0.0}) if one.beads else None,
        circuit=_circuit(one.circuit) if one.circuit else None,
        oral=Oral(**one.oral.model_dump(exclude={"mass_ratio"})) if one.oral else None,
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


def compare_routes(comparison: Comparison, say: Callable[[str], None]) -> dict[str, Any]:
    """Follow every way in; the record is JSON-ready.

    Args:
        comparison: what is compared.
        say: called with a line per way in.

    Raises:
        GeometryError: when the geometry cannot be meshed.
        FlowError: no resting state is found.
    """
    table, reuse = comparison.table, Reuse()
    found = []
    if table.injection:
        found.append(_injected(load_case(comparison.base, tuple(table.set)), reuse))
        say(_line(found[-1]))
    for one, (route, case) in zip(table.route, comparison.routes, strict=True):
        began = perf_counter()
        model = embolised(case.model, route.beads)
        data = _data(reuse, case, model)
        pace = Pace(largest=table.largest_step)
        exposure = expose(data, model, case.geometry.sites, route, pace)
        entry = {
            "name": route.name,
            "title": one.title or route.name,
            "kind": route.kind,
            "agent": one.agent,
            "doses": len(route.doses),
            **route_measures(data, route, exposure),
            "flags": flags(route, exposure, case),
            "curves": _curves(exposure),
            "steps": int(exposure.course.times.size - 1),
            "seconds": perf_counter() - began,
        }
        if route.circuit is not None:
            circuit = route.circuit
            entry["cem43_min"] = equivalent_minutes(circuit.temperature, circuit.duration)
        found.append(entry)
        say(_line(entry))
    return {"name": table.name, "title": table.title or table.name, "end_s": table.end, "routes": found}


def flags(route: Route, exposure: Exposure, case: Case) -> list[dict[str, str]]:
    """What may be doubted about a route."""
    found = []
    region = route.region
    if region.capacity > 0.0 and route.kind == "arterial":
        low, high = inflow_range(route)
        if high > region.measured_inflow[1] or low < region.measured_inflow[0]:
            message = (
                f"the extraction saturates and was measured at {1e6 * region.measured_inflow[0]:.3g} to "
                f"{1e6 * region.measured_inflow[1]:.3g} ug/L arriving; "
                f"here up to {1e6 * high:.0f} ug/L: extrapolated"
            )
            found.append({"level": "caution", "message": message})
    taken = region.flow * linear_extraction(route)
    if taken > route.body.clearance * (1 + 1e-9) and route.kind == "arterial":
        message = "the organ alone would clear more than the stated clearance of the whole body"
        found.append({"level": "caution", "message": message})
    if route.beads is not None:
        message = "levels about beads are of free drug: what tissue binds and cells take up is left out"
        found.append({"level": "caution", "message": message})
    if route.kill_factor != 1.0:
        message = (
            f"the effect of an exposure is multiplied by {route.kill_factor:g}, as claimed, not computed"
        )
        found.append({"level": "caution", "message": message})
    if case.model.chemistry or case.model.vessels:
        message = "chemistry and lasting closure of vessels of the base case act on its injection alone"
        found.append({"level": "caution", "message": message})
    given = float(exposure.course.given[-1])
    if exposure.into_tumour > 0.05 * given and route.beads is None:
        message = "the tumour receives more than 5 % of the dose, which its arteries do not lose here"
        found.append({"level": "caution", "message": message})
    return found


def _data(reuse: Reuse, case: Case, model: Any) -> Discretisation:
    _, mesh = reuse.mesh(case.geometry, MPI.COMM_SELF)
    return reuse.data(mesh, model, case.geometry.sites)


def _curves(exposure: Exposure) -> dict[str, list[float]]:
    """Course over time, thinned."""
    course = exposure.course
    kept = np.unique(np.linspace(0, course.times.size - 1, MOST_POINTS).astype(int))
    return {
        "time_s": course.times[kept].tolist(),
        "arterial_kg_m3": course.concentrations[kept, TUMOUR].tolist(),
        "plasma_kg_m3": course.concentrations[kept, PLASMA].tolist(),
        "tumour_kg_m3": exposure.tumour[kept].tolist(),
        "near_tip_kg_m3": exposure.near[kept].tolist(),
    }


def _injected(case: Case, reuse: Reuse) -> dict[str, Any]:
    """The base case's injection by the same measures."""
    began = perf_counter()
    curves = line_curves(case.model, case.geometry.sites)
    _, mesh = reuse.mesh(case.geometry, MPI.COMM_SELF, curves)
    data = reuse.data(mesh, case.model, case.geometry.sites)
    inside = np.where(data.pairs.inside, data.pairs.volume, 0.0)
    body = Compartments(case.model.body) if case.model.body else None
    state = body.start() if body else None
    rows, before, steps = [], 0.0, 0
    for snapshot in simulate(data, case.model):
        blood = snapshot.ledger.totals["agent_blood"]
        if body and state and snapshot.step > 0:
            state = body.advance(state, (blood - before) / snapshot.step, snapshot.step)
        before, steps = blood, snapshot.index
        mean = float((inside * snapshot.agent.concentration[data.pairs.node]).sum() / inside.sum())
        rows.append((snapshot.time, body.plasma(state) if body and state else 0.0, mean))
    times, plasma, tumour = (list(column) for column in zip(*rows, strict=True))
    ledger = snapshot.ledger.rows()
    injected, outside = ledger["agent_injected"], ledger["agent_crossed_out"]
    return {
        "name": INJECTION,
        "title": case.title,
        "kind": INJECTION,
        "agent": case.model.agent.name,
        "doses": len(case.model.injections),
        "given_kg": injected,
        "into_tumour_kg": injected,
        "into_tumour_fraction": 1.0,
        "crossed_out_kg": outside,
        **tissue_measures(data, snapshot.dose.ct, snapshot.dose.peak, Yardstick()),
        "plasma_auc_kg_s_m3": state.exposure if state else None,
        "plasma_peak_kg_m3": max(plasma) if body else None,
        "regional_advantage": None,
        "body_residual_relative": body.residual(state) if body and state else None,
        "tissue_residual_relative": snapshot.ledger.agent_residual(),
        "flags": [],
        "curves": {"time_s": times, "plasma_kg_m3": plasma, "tumour_kg_m3": tumour},
        "steps": steps,
        "seconds": perf_counter() - began,
    }


def _line(entry: dict[str, Any]) -> str:
    """A way in as a line of text; AUC in mg h/L."""
    auc = entry["tumour_auc_mean_kg_s_m3"] / 3.6
    return (
        f"{entry['name']:<24} {entry['agent']:<18} tumour AUC {auc:10.4g} mg h/L  "
        f"{entry['steps']:5d} steps {entry['seconds']:7.2f} s"
    )

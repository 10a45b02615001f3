# SPDX-License-Identifier: MIT
"""What each vascular way in of a comparison file does to tumour, organ and body, as entries of a record."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any, Final

from mpi4py import MPI

import numpy as np

from cases.case import Case
from cases.routes.read import Comparison
from cases.running.reuse import Reuse
from solver.routes.agreement import AGREED, OWED
from solver.routes.body import equivalent_minutes, inflow_range, linear_extraction
from solver.routes.coupling import doubts
from solver.routes.metrics import route_measures
from solver.routes.parameters import Route
from solver.routes.pharmacokinetics import PLASMA, TUMOUR
from solver.routes.tissue import Exposure, Pace, expose

MOST_POINTS: Final = 600
"""Of a curve in the record."""


def route_entries(comparison: Comparison, reuse: Reuse, comm: MPI.Comm) -> Iterator[dict[str, Any]]:
    """Follow the vascular ways in of a file, one after another. Collective.

    Args:
        comparison: the file.
        reuse: mesh and discretisation of what was followed before.
        comm: ranks to share the tissue.

    Raises:
        GeometryError: when the geometry cannot be meshed.
        FlowError: no resting state is found.
        LinearSolverError: when the linear solver fails.
    """
    table = comparison.table
    for one, (route, case) in zip(table.route, comparison.routes, strict=True):
        began = perf_counter()
        model = case.model
        _, mesh = reuse.mesh(case.geometry, comm)
        data = reuse.data(mesh, model, case.geometry.sites)
        exposure = expose(data, model, case.geometry.sites, route, Pace(largest=table.largest_step))
        entry = {
            "name": route.name,
            "title": one.title or route.name,
            "kind": route.kind,
            "agent": one.agent,
            "end_s": route.end,
            "doses": len(route.doses),
            **route_measures(data, route, exposure),
            "flags": flags(route, exposure, case),
            "curves": _curves(route, exposure),
            "steps": int(exposure.course.times.size - 1),
            "seconds": perf_counter() - began,
        }
        if exposure.oxygen is not None:
            entry["oxygen"] = exposure.oxygen
        if route.circuit is not None:
            circuit = route.circuit
            entry["cem43_min"] = equivalent_minutes(circuit.temperature, circuit.duration)
        yield entry


def flags(route: Route, exposure: Exposure, case: Case) -> list[dict[str, str]]:
    """What may be doubted about a route."""
    chemistry = case.model.chemistry
    messages = [*_of_extraction(route), *doubts(route, exposure.part)]
    if route.beads is not None and not (chemistry and chemistry.uptake):
        messages.append("levels about beads are of free drug: what tissue binds is left out")
    if route.beads is not None:
        messages.append("blood stays stopped to the end; no vessel opens again, none grows")
        if exposure.oxygen is None:
            messages.append("no blood reaches the tumour to begin with: nothing is told of its oxygen")
    if route.kill_factor != 1.0:
        factor = f"{route.kill_factor:g}"
        messages.append(f"the effect of an exposure is multiplied by {factor}, as claimed, not computed")
    if case.model.vessels or (chemistry and (chemistry.reductant or chemistry.product)):
        messages.append(
            "reductant, by-product and lasting closure of vessels of the base case act on its injection alone"
        )
    return [
        *({"level": "invalid", "message": message} for message in _amiss(exposure)),
        *({"level": "caution", "message": message} for message in messages),
    ]


def _amiss(exposure: Exposure) -> Iterator[str]:
    """What of a course cannot be."""
    if not exposure.disagreement <= AGREED:
        yield f"body and tissue differ by {exposure.disagreement:.2g} on what arrives: steps are too long"
    if not exposure.owed <= OWED:
        owed = f"{exposure.owed:.2g}"
        yield f"a store fell by {owed} of the dose below nothing: tissue takes more than its blood holds"


def _of_extraction(route: Route) -> Iterator[str]:
    """What may be doubted about the first pass."""
    region = route.region
    if route.kind != "arterial":
        return
    low, high = inflow_range(route)
    if region.capacity > 0.0 and (high > region.measured_inflow[1] or low < region.measured_inflow[0]):
        yield (
            f"the extraction saturates and was measured at {1e6 * region.measured_inflow[0]:.3g} to "
            f"{1e6 * region.measured_inflow[1]:.3g} ug/L arriving; "
            f"here up to {1e6 * high:.0f} ug/L: extrapolated"
        )
    if region.flow * linear_extraction(route) > route.body.clearance * (1 + 1e-9):
        yield "the organ alone would clear more than the stated clearance of the whole body"


def _curves(route: Route, exposure: Exposure) -> dict[str, list[float]]:
    """Course over time, thinned."""
    course = exposure.course
    kept = np.unique(np.linspace(0, course.times.size - 1, MOST_POINTS).astype(int))
    found = {
        "time_s": course.times[kept],
        "arterial_kg_m3": course.concentrations[kept, TUMOUR],
        "plasma_kg_m3": course.concentrations[kept, PLASMA],
        "tumour_kg_m3": exposure.tumour[kept],
        "near_tip_kg_m3": exposure.near[kept],
    }
    if route.beads is not None and route.beads.level > 0.0:
        found["reach_m"] = exposure.reach[kept]
    return {name: values.tolist() for name, values in found.items()}

# SPDX-License-Identifier: MIT
"""The numbers of a finished run, under the names that others rely on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meshes.geometry import Site
from meshes.plain import PlainMesh
from meshes.regions import TUMOUR_REGIONS
from solver.ablation.clip import volume_above
from solver.ablation.estimate import error_estimate
from solver.ablation.limits import Losses, limits
from solver.ablation.metrics import Level, TumourShape, all_ablations, equivalent_radius, shells, tumour_shape
from solver.delivery.pulses import Delivered, as_delivered, injection_report
from solver.ledger import Ledger
from solver.parameters.model import Model
from solver.results.record import UNITS, Extremes
from solver.tissue.conductivity import FISSURING_LAWS
from solver.validity.chemistry import reductant_demand
from solver.validity.flags import Evidence, validity
from solver.vessels.body import body_report

Floats = NDArray[np.float64]

FRONT = 0.05
"""Share of the inlet's concentration that marks the agent's front."""

FIRST_ROWS = (
    "agent_injected",
    "agent_in_tumour",
    "agent_in_tissue",
    "agent_reacted_tumour",
    "agent_reacted_tissue",
    "agent_blood",
    "agent_lymph",
    "agent_boundary",
    "fluid_injected",
    "fluid_stored",
)
"""Of the ledger, in the order in which they are told; those of effects that were switched on follow."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Everything a summary is made from, on rank 0; fields at the vertices of the plain mesh.

    Attributes:
        mesh: whole mesh.
        model: what was simulated.
        sites: injection sites.
        levels: thresholds to report.
        ct: dose [kg s/m3].
        peak: largest concentration [kg/m3].
        largest_pressure: p_max at the end of the last pulse [Pa].
        front: concentration at the end of the last pulse [kg/m3].
        extremes: of the run.
        ledger: its books.
        delivered: what has come of its pulses.
        tissue_fields: what is told of tissue that varies.
    """

    mesh: PlainMesh
    model: Model
    sites: tuple[Site, ...]
    levels: Sequence[Level]
    ct: Floats
    peak: Floats
    largest_pressure: Floats
    front: Floats
    extremes: Extremes
    ledger: Ledger
    delivered: Delivered | None = None
    tissue_fields: Sequence[dict[str, Any]] = ()


def summarise(outcome: Outcome) -> dict[str, Any]:
    """Ablation, spill, losses, pressure, bounds and validity of a run, JSON-ready."""
    mesh, extremes, rows = outcome.mesh, outcome.extremes, outcome.ledger.rows()
    tumour = tumour_shape(mesh)
    injected = rows["agent_injected"] or 1.0
    cavity = sum(4 / 3 * np.pi * s.needle_radius**3 for s in outcome.sites if s.source_radius is None)
    fields = {"ct": outcome.ct, "peak": outcome.peak}
    fissured = _fissured(outcome, tumour)
    level = FRONT * (extremes.inlet or 1.0)
    front = float(volume_above(mesh.points, mesh.cells, outcome.front, level, mesh.geometry).sum())
    body = outcome.model.body
    demand = reductant_demand(outcome.model)
    found = as_delivered(outcome.model, outcome.delivered)
    bound = limits(found, found.thresholds.ct, _losses(rows, injected), demand)
    evidence = _evidence(outcome, rows, fissured[1], bound[0]["binding"] if bound else "")
    return {
        "ledger": ledger_tables(outcome.ledger, extremes),
        "tumour": {"volume_m3": tumour.volume},
        "ablation": all_ablations(mesh, tumour, fields, outcome.levels, cavity),
        "error_estimate": error_estimate(mesh, fields, outcome.front, outcome.levels, outcome.model.numerics),
        "spill": {
            "crossed_fraction": rows["agent_crossed_out"] / injected,
            "returned_fraction": rows["agent_crossed_in"] / injected,
            "net_fraction": (rows["agent_crossed_out"] - rows["agent_crossed_in"]) / injected,
            "reacted_outside_fraction": rows["agent_reacted_tissue"] / injected,
            "shells": shells(mesh, tumour, outcome.peak, outcome.ct),
        },
        "blood": {
            "absorbed_fraction": rows["agent_blood"] / injected,
            "absorbed_kg": rows["agent_blood"],
        },
        "lymph": {"absorbed_fraction": rows["agent_lymph"] / injected},
        "pressure": {
            "peak_Pa": extremes.peak_pressure,
            "peak_time_s": extremes.peak_time,
            "largest_dilatation": extremes.largest_dilatation,
        },
        "fissured": {
            "volume_m3": fissured[0],
            "share_of_tumour": fissured[1],
            "equivalent_radius_m": equivalent_radius(fissured[0] + cavity) if fissured[0] else 0.0,
        },
        "front": {"equivalent_radius_m": equivalent_radius(front + cavity) if front else 0.0},
        "concentration": {
            "inlet_kg_m3": extremes.inlet,
            "min_relative": extremes.lowest,
            "max_relative": extremes.highest,
        },
        **({"body": body_report(body, extremes.absorbed, rows)} if body else {}),
        **({"embolism": _forced(extremes)} if extremes.forced_fluid > 0 else {}),
        **({"injection": injection_report(outcome.model, outcome.delivered)} if outcome.delivered else {}),
        **({"tissue_fields": list(outcome.tissue_fields)} if outcome.tissue_fields else {}),
        "limits": bound,
        "validity": validity(outcome.model, outcome.sites, evidence),
    }


def _evidence(outcome: Outcome, rows: Mapping[str, float], fissured: float, binding: str) -> Evidence:
    """What the flags are raised from.

    Args:
        outcome: of the run.
        rows: of the ledger.
        fissured: share of the tumour.
        binding: limiter, if any.
    """
    extremes = outcome.extremes
    return Evidence(
        peak_pressure=extremes.peak_pressure,
        largest_dilatation=extremes.largest_dilatation,
        fissured_share=fissured if outcome.model.physics.conductivity in FISSURING_LAWS else 0.0,
        agent_residual=extremes.agent_residual,
        fluid_residual=extremes.fluid_residual,
        boundary_fraction=rows["agent_boundary"] / (rows["agent_injected"] or 1.0),
        binding=binding,
        peclet=extremes.peclet,
        courant=extremes.courant,
        delivered=outcome.delivered,
        forced_fluid=extremes.forced_fluid,
        cavity_fluid=extremes.cavity_fluid,
        injected_fluid=rows["fluid_injected"],
        rows=rows,
        tissue_fields=outcome.tissue_fields,
    )


def _losses(rows: Mapping[str, float], injected: float) -> Losses:
    """Shares of the injected agent that vessels and needle tracks took."""
    sink = rows["agent_blood"] + rows["agent_lymph"]
    return Losses(sink=sink / injected, backflow=rows.get("agent_backflow", 0.0) / injected)


def _forced(extremes: Extremes) -> dict[str, float]:
    """Fluid that interstitial pressure above that in open vessels drives into them."""
    return {
        "forced_fluid_m3": extremes.forced_fluid,
        "peak_rate_m3_s": extremes.forced_rate,
        "peak_tissue_m3": extremes.forced_tissue,
    }


def _fissured(outcome: Outcome, tumour: TumourShape) -> tuple[float, float]:
    """Volume where p_max has passed its tissue's fissuring pressure [m3], and its share of the tumour."""
    mesh, total, inside = outcome.mesh, 0.0, 0.0
    for tag, tissue in outcome.model.tissues.items():
        cells = mesh.cells[mesh.cell_tags == tag]
        parts = volume_above(
            mesh.points, cells, outcome.largest_pressure, tissue.fissuring_pressure, mesh.geometry
        )
        total += float(parts.sum())
        inside += float(parts.sum()) if tag in TUMOUR_REGIONS else 0.0
    return total, inside / tumour.volume if tumour.volume > 0 else 0.0


def ledger_tables(ledger: Ledger, extremes: Extremes) -> dict[str, Any]:
    """The books: rows with units in their names, and the largest relative residuals of any step."""
    rows = ledger.rows()
    out: dict[str, Any] = {book: {} for book in UNITS}
    for name in (*FIRST_ROWS, *(name for name in rows if name not in FIRST_ROWS)):
        book, _, row = name.partition("_")
        if not row.startswith("crossed"):
            out[book][f"{row}_{UNITS[book]}"] = rows[name]
    out["agent"]["residual_relative"] = extremes.agent_residual
    out["fluid"]["residual_relative"] = extremes.fluid_residual
    return {book: table for book, table in out.items() if table}

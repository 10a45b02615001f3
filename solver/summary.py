# SPDX-License-Identifier: MIT
"""The numbers of a finished run, under the names that others rely on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meshes.geometry import Site
from meshes.plain import PlainMesh
from meshes.regions import TUMOUR_REGIONS
from solver.clip import volume_above
from solver.conductivity import FISSURING_LAWS
from solver.estimate import error_estimate
from solver.ledger import Ledger
from solver.metrics import Level, TumourShape, all_ablations, equivalent_radius, shells, tumour_shape
from solver.parameters import Model
from solver.record import Extremes
from solver.validity import Evidence, validity

Floats = NDArray[np.float64]

FRONT = 0.05
"""Share of the inlet's concentration that marks the agent's front."""


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
    evidence = Evidence(
        peak_pressure=extremes.peak_pressure,
        largest_dilatation=extremes.largest_dilatation,
        fissured_share=fissured[1] if outcome.model.physics.conductivity in FISSURING_LAWS else 0.0,
        agent_residual=extremes.agent_residual,
        fluid_residual=extremes.fluid_residual,
        boundary_fraction=rows["agent_boundary"] / injected,
        blood_fraction=rows["agent_blood"] / injected,
        peclet=extremes.peclet,
        courant=extremes.courant,
    )
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
        "validity": validity(outcome.model, outcome.sites, evidence),
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
    """Both books: rows with units in their names, and the largest relative residuals of any step."""
    rows = ledger.rows()

    def table(kind: str, unit: str, names: Sequence[str]) -> dict[str, float]:
        return {f"{name}_{unit}": rows[f"{kind}_{name}"] for name in names}

    agent = (
        "injected",
        "in_tumour",
        "in_tissue",
        "reacted_tumour",
        "reacted_tissue",
        "blood",
        "lymph",
        "boundary",
    )
    fluid = ("injected", "stored", "from_vessels", "lymph", "boundary")
    return {
        "agent": {**table("agent", "kg", agent), "residual_relative": extremes.agent_residual},
        "fluid": {**table("fluid", "m3", fluid), "residual_relative": extremes.fluid_residual},
    }

# SPDX-License-Identifier: MIT
"""An injection by the measures of vascular ways in: run here, or found in a result folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray

from cases import catalogue
from cases.build.materials import library_numbers
from cases.case import Case
from cases.errors import ExitCode, UserError, printable
from cases.reading.load import load_case
from cases.running.reuse import Reuse
from cases.schema.materials import AgentTable
from cases.verifying.fields import open_stored
from cases.verifying.history import read_history
from solver.algebra.stencil import cell_integrals
from solver.delivery.pulses import openings
from solver.parameters.model import Injection
from solver.parameters.vessels import Body
from solver.results.checksums import CHECKSUMS, damaged
from solver.results.fields import CT_DOSE, PEAK_CONCENTRATION
from solver.routes.metrics import Place, Yardstick, place_of, tissue_measures
from solver.simulate import simulate
from solver.tissue.line_curves import line_curves
from solver.tissue.materials import build_pairs
from solver.vessels.body import Compartments

Floats = NDArray[np.float64]

KIND: Final = "injection"


@dataclass(frozen=True, kw_only=True)
class _Happened:
    """What an injection did, whatever it was learnt from.

    Attributes:
        place: tissue.
        auc: integral of C dt [kg s/m3], shape ``(n,)``.
        peak: largest C [kg/m3], shape ``(n,)``.
        times: [s].
        absorbed: what blood had taken up by then [kg].
        tumour: mean C in the tumour at ``tumour_times`` [kg/m3].
        tumour_times: [s].
        rows: of the ledger at the end.
        inside: share of the agent that entered at openings in the tumour [-].
        doses: pulses that bring fluid in.
        residual: of the agent's book.
    """

    place: Place
    auc: Floats
    peak: Floats
    times: Sequence[float]
    absorbed: Sequence[float]
    tumour: Sequence[float]
    tumour_times: Sequence[float]
    rows: dict[str, float]
    inside: float
    doses: int
    residual: float


def injection_entry(case: Case, name: str, reuse: Reuse, comm: MPI.Comm) -> dict[str, Any]:
    """Run a case and take its measures. Collective.

    Args:
        case: that injects.
        name: of the entry.
        reuse: mesh and discretisation of what ran before.
        comm: ranks to run on.

    Raises:
        GeometryError: when the geometry cannot be meshed.
        SolverFailure: when no step short enough can be solved.
    """
    began = perf_counter()
    model, sites = case.model, case.geometry.sites
    _, mesh = reuse.mesh(case.geometry, comm, line_curves(model, sites))
    data = reuse.data(mesh, model, sites)
    weight = data.pairs.to_nodes(np.where(data.pairs.inside, data.pairs.volume, 0.0))
    volume = data.halo.sum(weight)
    times, absorbed, tumour = [], [], []
    for snapshot in simulate(data, model):
        times.append(snapshot.time)
        absorbed.append(snapshot.ledger.totals["agent_blood"])
        tumour.append(data.halo.sum(weight * snapshot.agent.concentration) / volume)
    share = np.divide(weight, data.volume)
    inside = [data.halo.sum(source * share) for source in data.sources]
    happened = _Happened(
        place=place_of(data),
        auc=snapshot.dose.ct,
        peak=snapshot.dose.peak,
        times=times,
        absorbed=absorbed,
        tumour=tumour,
        tumour_times=times,
        rows=snapshot.ledger.rows(),
        inside=_entering(model.injections, snapshot.delivered.agent, inside),
        doses=_doses(model.injections),
        residual=snapshot.ledger.agent_residual(),
    )
    return _entry(case, name, happened, (snapshot.index, perf_counter() - began))


def result_entry(folder: Path, name: str) -> dict[str, Any]:
    """The measures of a result folder, from its stored fields, on this rank alone.

    Args:
        folder: of the result.
        name: of the entry.

    Raises:
        CaseError: its resolved case cannot be read.
        UserError: the result is damaged.
    """
    began = perf_counter()
    case = load_case(folder / "resolved.toml")
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        history = read_history(folder / "history.csv")
        stored = open_stored(folder / "fields.vtkhdf")
        auc, peak = stored.point[CT_DOSE.key], stored.point[PEAK_CONCENTRATION.key]
        levels = stored.point["agent_concentration"]
        rows = {column.removesuffix("_kg"): float(values[-1]) for column, values in history.items()}
        residual = float(summary["ledger"]["agent"]["residual_relative"])
        agent = np.array([pulse["agent_kg"] for pulse in summary["injection"]])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder}: holds no readable result ({error})", ExitCode.MISSING_INPUT) from error
    mesh, pulses = stored.mesh, case.model.injections
    cells = mesh.cells.astype(np.int32)
    nodal = cell_integrals(mesh.points, cells, mesh.geometry).nodal
    pairs = build_pairs(cells, mesh.cell_tags, nodal, len(mesh.points))
    weight = pairs.to_nodes(np.where(pairs.inside, pairs.volume, 0.0))
    share = weight / pairs.to_nodes(pairs.volume)
    happened = _Happened(
        place=Place(pairs=pairs, owned=len(mesh.points), comm=MPI.COMM_SELF),
        auc=auc[-1],
        peak=peak[-1],
        times=list(map(float, history["t_s"])),
        absorbed=list(map(float, history["agent_blood_kg"])),
        tumour=(levels @ weight / weight.sum()).tolist(),
        tumour_times=list(map(float, stored.times)),
        rows=rows,
        inside=_entering(pulses, agent, _openings_inside(case, mesh.points, share)),
        doses=_doses(pulses),
        residual=residual,
    )
    return _entry(case, name, happened, (history["t_s"].size - 1, perf_counter() - began))


def require_complete(folder: Path) -> None:
    """Refuse a result whose numbers end before the run should have, or are not as the run left them.

    Args:
        folder: of the result.

    Raises:
        UserError: it is incomplete or damaged.
    """
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        status, reason, wrong = summary["status"], summary.get("reason"), damaged(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{folder}: holds no readable result ({error})", ExitCode.MISSING_INPUT) from error
    if wrong is not None:
        why = f"its checksum is not that in {CHECKSUMS}"
        raise UserError(f"{folder / wrong}: damaged, or changed after the run: {why}", ExitCode.INVALID)
    if status != "complete":
        why = f" ({printable(str(reason))})" if reason else ""
        message = f"{folder}: the run is {printable(str(status))}{why}; expected one that reached its end"
        raise UserError(message, ExitCode.INVALID)


def _openings_inside(case: Case, points: Floats, share: Floats) -> list[float]:
    """Share of the tumour in the tissue at each tip and ring of side holes, by the nearest node."""
    columns = {1: [0], 2: [0, 2], 3: [0, 1, 2]}[points.shape[1]]
    tips = [np.zeros(1) if len(columns) == 1 else np.array(site.tip)[columns] for site in case.geometry.sites]
    return [float(share[np.argmin(np.linalg.norm(points - tip, axis=1))]) for tip in tips]


def _doses(pulses: Sequence[Injection]) -> int:
    return sum(not pulse.withdraws for pulse in pulses)


def _entering(pulses: Sequence[Injection], agent: Floats, inside: Sequence[float]) -> float:
    """Share of the agent that entered where the tumour is.

    Args:
        pulses: of the case.
        agent: what each brought in, nothing where it withdraws [kg].
        inside: share of the tumour in the tissue at each site [-].
    """
    shares = [sum(share * inside[site] for site, share in openings(pulse)) for pulse in pulses]
    brought = float(np.sum(agent))
    return float(np.dot(agent, shares)) / brought if brought > 0.0 else 0.0


def _entry(case: Case, name: str, what: _Happened, cost: tuple[int, float]) -> dict[str, Any]:
    rows, body = what.rows, case.model.body
    injected = rows["agent_injected"]
    into = max(what.inside * injected - rows.get("agent_backflow", 0.0), 0.0)
    entry = {
        "name": name,
        "title": case.title or case.name,
        "kind": KIND,
        "agent": case.model.agent.name,
        "end_s": float(what.times[-1]),
        "doses": what.doses,
        "given_kg": injected,
        "into_tumour_kg": into,
        "into_tumour_fraction": into / injected if injected > 0.0 else 0.0,
        "crossed_out_kg": rows["agent_crossed_out"],
        "withdrawn_kg": rows.get("agent_withdrawn"),
        **tissue_measures(what.place, what.auc, what.peak, _yardstick(case)),
        "plasma_auc_kg_s_m3": None,
        "plasma_peak_kg_m3": None,
        "regional_advantage": None,
        "body_residual_relative": None,
        "tissue_residual_relative": what.residual,
        "flags": [] if body else [{"level": "caution", "message": "no body: its case has no [body] table"}],
        "curves": {
            "time_s": list(what.tumour_times),
            "tumour_kg_m3": list(what.tumour),
            "plasma_kg_m3": [0.0] * len(what.tumour),
        },
        "steps": cost[0],
        "seconds": cost[1],
    }
    return entry | (_in_body(body, what) if body else {})


def _yardstick(case: Case) -> Yardstick:
    """The exposure of half the effect that the library knows of its agent."""
    agent = case.model.agent.name
    if agent not in catalogue.entries("agents"):
        return Yardstick()
    numbers = library_numbers("agents", agent, AgentTable)
    return Yardstick(half_effect=numbers.get("half_effect_exposure") or 0.0)


def _in_body(body: Body, what: _Happened) -> dict[str, Any]:
    """What the body sees of what blood has taken up."""
    model = Compartments(body)
    state, plasma = model.start(), [0.0]
    for number, step in enumerate(np.diff(what.times)):
        rate = (what.absorbed[number + 1] - what.absorbed[number]) / step
        state = model.advance(state, rate, float(step))
        plasma.append(model.plasma(state))
    return {
        "plasma_auc_kg_s_m3": state.exposure,
        "plasma_peak_kg_m3": max(plasma),
        "body_residual_relative": model.residual(state),
        "curves": {
            "time_s": list(what.tumour_times),
            "tumour_kg_m3": list(what.tumour),
            "plasma_kg_m3": np.interp(what.tumour_times, what.times, plasma).tolist(),
        },
    }

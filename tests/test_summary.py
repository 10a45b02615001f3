# SPDX-License-Identifier: MIT
"""The summary of fields whose volumes are known, and of books and extremes filled by hand."""

from dataclasses import replace
from functools import cache
from itertools import count
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from meshes.cells.background import kuhn_ball
from meshes.geometry import Site
from meshes.plain import PlainMesh
from meshes.regions import TISSUE, TUMOUR
from solver.ablation.metrics import SHELLS, Level
from solver.ledger import FLOWS, STATES, Ledger
from solver.parameters.model import Physics
from solver.results.record import Extremes
from solver.results.summary import FRONT, Outcome, ledger_tables, summarise
from tests.coarse import (
    CAVITY_RADIUS,
    DOMAIN,
    INLET,
    discretised,
    full_model,
    pulse,
    shells,
    site,
    tissues,
)

Floats = NDArray[np.float64]

OTHER_CAVITY = 0.3e-3
WEAKER = 0.2 * DOMAIN
"""How much further out than tumour the tissue would fissure [m]."""
INJECTED = 8.0
EDGE = 1e-2
"""Half an edge of the cube [m]."""
LEVELS = (
    Level(measure="ct", threshold=4.5, unit="kg s/m^3", label="75 mg min/L"),
    Level(measure="peak", threshold=0.7, unit="kg/m^3", label="0.7 kg/m^3"),
)
ROWS = {
    **dict(zip((*FLOWS, *STATES), (float(i) for i in count(11)), strict=False)),
    "agent_injected": INJECTED,
    "agent_blood": 0.5,
    "agent_lymph": 0.25,
    "agent_boundary": 0.125,
    "agent_crossed_out": 3.0,
    "agent_crossed_in": 1.0,
    "agent_reacted_tissue": 2.0,
}


def sphere(radius: float) -> float:
    return float(4 / 3 * np.pi * radius**3)


def slope(mesh: PlainMesh, value: float, at: float) -> Floats:
    """A field that falls linearly with the first coordinate and passes a value at a place [m]."""
    return np.asarray(value * (1 + (at - mesh.points[:, 0]) / DOMAIN))


@cache
def books() -> Ledger:
    """A ledger filled by hand, with a different number in every row. Collective."""
    ledger = Ledger(discretised("radial", full_model(())))
    ledger.totals = {name: ROWS[name] for name in FLOWS}
    ledger.states = {name: ROWS[name] for name in STATES}
    return ledger


def walls() -> tuple[Site, ...]:
    """Two resolved cavities and a distributed source, which displaces no tissue."""
    wall = site("radial")
    return wall, replace(wall, needle_radius=OTHER_CAVITY), replace(wall, source_radius=4e-3)


def outcome(mesh: PlainMesh, sites: tuple[Site, ...], places: dict[str, float], **more: Any) -> Outcome:
    """Linear fields: each reaches its threshold at a place [m], p_max that of the tissue `WEAKER` further."""
    media = {
        TUMOUR: replace(tissues()[TUMOUR], fissuring_pressure=6e3),
        TISSUE: replace(tissues()[TISSUE], fissuring_pressure=4.8e3),
    }
    extremes = Extremes(
        inlet=INLET,
        peak_pressure=5e4,
        peak_time=7.5,
        largest_dilatation=0.15,
        lowest=-1e-17,
        highest=0.99,
        courant=31.0,
        peclet=17.0,
        agent_residual=2e-9,
        fluid_residual=3e-9,
    )
    return replace(
        Outcome(
            mesh=mesh,
            model=full_model((pulse(0.0, 10.0),), tissues=media),
            sites=sites,
            levels=LEVELS,
            ct=slope(mesh, 4.5, places["ct"]),
            peak=slope(mesh, 0.7, places["peak"]),
            largest_pressure=slope(mesh, 6e3, places["fissured"]),
            front=slope(mesh, 0.05 * INLET, places["front"]),
            extremes=extremes,
            ledger=books(),
        ),
        **more,
    )


def tumour_radius(mesh: PlainMesh) -> float:
    return float(mesh.points[mesh.cells[mesh.cell_tags == TUMOUR]].max())


RADII = {"ct": 9.1e-3, "peak": 5.3e-3, "fissured": 4.2e-3, "front": 8.4e-3}
CAVITIES = sphere(CAVITY_RADIUS) + sphere(OTHER_CAVITY)


def equivalent(volume: float) -> float:
    return float((volume * 3 / (4 * np.pi)) ** (1 / 3))


def test_ablation_of_spheres() -> None:
    mesh = shells()
    rim, inner = tumour_radius(mesh), sphere(CAVITY_RADIUS)
    found = summarise(outcome(mesh, walls(), RADII))
    tumour = sphere(rim) - inner
    assert found["tumour"]["volume_m3"] == pytest.approx(tumour)
    assert [entry["measure"] for entry in found["ablation"]] == ["ct", "peak"]
    for entry, level in zip(found["ablation"], LEVELS, strict=True):
        radius = RADII[level.measure]
        inside = sphere(min(radius, rim)) - inner
        assert (entry["threshold"], entry["unit"]) == (level.threshold, level.unit)
        assert entry["label"] == level.label
        assert entry["volume_m3"] == pytest.approx(sphere(radius) - inner)
        assert entry["in_tumour_m3"] == pytest.approx(inside)
        assert entry["outside_m3"] == pytest.approx(sphere(max(radius, rim)) - sphere(rim), abs=1e-15)
        assert entry["coverage"] == pytest.approx(inside / tumour)
        assert entry["untreated_m3"] == pytest.approx(tumour - inside, abs=1e-15)
        whole = sphere(radius) - inner + CAVITIES
        assert entry["equivalent_radius_m"] == pytest.approx(equivalent(whole))
        assert entry["margin"]["min_m"] == pytest.approx(radius - rim)


@pytest.mark.parametrize("radius", [4.2e-3, 9.1e-3])
def test_front_and_fissured_volume_of_spheres(radius: float) -> None:
    """The front is at 5 % of the inlet; each region fissures at its own pressure."""
    mesh = shells()
    rim, inner = tumour_radius(mesh), sphere(CAVITY_RADIUS)
    found = summarise(outcome(mesh, walls(), RADII | {"fissured": radius, "front": radius}))
    assert FRONT == 0.05
    front = equivalent(sphere(radius) - inner + CAVITIES)
    assert found["front"]["equivalent_radius_m"] == pytest.approx(front)
    inside = sphere(min(radius, rim)) - inner
    volume = inside + sphere(radius + WEAKER) - sphere(rim)
    fissured = found["fissured"]
    assert fissured["volume_m3"] == pytest.approx(volume)
    assert fissured["equivalent_radius_m"] == pytest.approx(equivalent(volume + CAVITIES))
    share = inside / (sphere(rim) - inner)
    assert fissured["share_of_tumour"] == pytest.approx(share)
    flags = {flag["name"]: flag["value"] for flag in found["validity"]}
    assert flags.get("fissured_share") == (pytest.approx(share) if share > 0.5 else None)


def test_a_run_without_agent_has_no_front() -> None:
    mesh = shells()
    none = np.zeros(len(mesh.points))
    base = outcome(mesh, walls(), RADII)
    for inlet in (INLET, 0.0):
        extremes = replace(base.extremes, inlet=inlet)
        found = summarise(
            replace(base, ct=none, peak=none, front=none, largest_pressure=none, extremes=extremes)
        )
        assert found["front"]["equivalent_radius_m"] == 0.0
        assert found["fissured"] == {"volume_m3": 0.0, "share_of_tumour": 0.0, "equivalent_radius_m": 0.0}
        for entry in found["ablation"]:
            assert entry["volume_m3"] == entry["equivalent_radius_m"] == entry["coverage"] == 0.0
            assert entry["untreated_m3"] == found["tumour"]["volume_m3"]
            assert entry["margin"] is None


def cube(divisions: int = 4) -> PlainMesh:
    """A cube around the origin; its half x < 0 is tumour."""
    axis = np.linspace(-EDGE, EDGE, divisions + 1)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    cells = kuhn_ball(np.zeros(3), 1.0, divisions)[1]
    left = points[cells].mean(axis=1)[:, 0] < 0
    return PlainMesh(
        geometry="3d",
        points=points,
        cells=cells,
        cell_tags=np.where(left, TUMOUR, TISSUE).astype(np.int32),
        facets=np.zeros((0, 3), dtype=np.int64),
        facet_tags=np.zeros(0, dtype=np.int32),
    )


def test_ablation_of_slabs() -> None:
    """In 3d, with a distributed source: no cavity belongs to any volume."""
    places = {"ct": 3.3e-3, "peak": -2.1e-3, "fissured": 1.7e-3, "front": -4.4e-3}
    found = summarise(outcome(cube(), (site("3d"),), places))
    face = (2 * EDGE) ** 2
    for entry in found["ablation"]:
        at = places[entry["measure"]]
        assert entry["volume_m3"] == pytest.approx(face * (EDGE + at))
        assert entry["in_tumour_m3"] == pytest.approx(face * (EDGE + min(at, 0.0)))
        assert entry["outside_m3"] == pytest.approx(face * max(at, 0.0), abs=1e-15)
        assert entry["coverage"] == pytest.approx(1 + min(at, 0.0) / EDGE)
        assert entry["untreated_m3"] == pytest.approx(-face * min(at, 0.0), abs=1e-15)
        assert entry["equivalent_radius_m"] == pytest.approx(equivalent(face * (EDGE + at)))
    assert found["front"]["equivalent_radius_m"] == pytest.approx(equivalent(face * (EDGE - 4.4e-3)))
    assert found["fissured"]["volume_m3"] == pytest.approx(face * (EDGE + 1.7e-3 + WEAKER))
    assert found["fissured"]["share_of_tumour"] == pytest.approx(1.0)


def test_spill_blood_and_lymph_are_shares_of_what_was_injected() -> None:
    found = summarise(outcome(shells(), walls(), RADII))
    spill = {name: value for name, value in found["spill"].items() if name != "shells"}
    assert spill == {
        "crossed_fraction": 3.0 / INJECTED,
        "returned_fraction": 1.0 / INJECTED,
        "net_fraction": 2.0 / INJECTED,
        "reacted_outside_fraction": 2.0 / INJECTED,
    }
    assert found["blood"] == {"absorbed_fraction": 0.5 / INJECTED, "absorbed_kg": 0.5}
    assert found["lymph"] == {"absorbed_fraction": 0.25 / INJECTED}


def test_shells_of_spill() -> None:
    """Largest values at the nodes between one distance from the tumour and the next."""
    mesh = shells()
    made = outcome(mesh, walls(), RADII)
    found = summarise(made)["spill"]["shells"]
    distance = mesh.points[:, 0] - tumour_radius(mesh)
    inner = -1e-12
    for entry, outer in zip(found, SHELLS, strict=True):
        chosen = (distance > inner) & (distance <= outer)
        assert entry["distance_m"] == outer
        assert entry["peak_concentration"] == pytest.approx(max(made.peak[chosen].max(), 0.0))
        assert entry["largest_ct_dose"] == pytest.approx(max(made.ct[chosen].max(), 0.0))
        inner = outer


def test_extremes_reach_the_summary_and_its_flags() -> None:
    found = summarise(outcome(shells(), walls(), RADII))
    assert found["pressure"] == {"peak_Pa": 5e4, "peak_time_s": 7.5, "largest_dilatation": 0.15}
    concentration = found["concentration"]
    assert concentration == {"inlet_kg_m3": INLET, "min_relative": -1e-17, "max_relative": 0.99}
    flags = {flag["name"]: flag["value"] for flag in found["validity"]}
    assert (flags["mesh_peclet"], flags["courant"]) == (17.0, 31.0)
    assert flags["domain"] == 0.125 / INJECTED
    assert flags["cavitation_pressure"] == 5e4
    assert (flags["agent_ledger"], flags["fluid_ledger"]) == (2e-9, 3e-9)
    assert flags["binding_limiter"] != "sink"
    wide = outcome(shells(), walls(), RADII | {"fissured": 9e-3})
    assert "fissured_share" in {flag["name"] for flag in summarise(wide)["validity"]}
    rigid = replace(wide.model, physics=Physics(conductivity="rigid"))
    open_wide = summarise(replace(wide, model=rigid))
    assert "fissured_share" not in {flag["name"] for flag in open_wide["validity"]}


def test_ledger_tables_name_each_row() -> None:
    tables = ledger_tables(books(), Extremes(inlet=INLET, agent_residual=2e-9, fluid_residual=3e-9))
    residuals = {kind: table.pop("residual_relative") for kind, table in tables.items()}
    assert residuals == {"agent": 2e-9, "fluid": 3e-9}
    for kind, unit in (("agent", "kg"), ("fluid", "m3")):
        expected = {
            f"{n[6:]}_{unit}": v for n, v in ROWS.items() if n.startswith(kind) and "crossed" not in n
        }
        assert tables[kind] == expected

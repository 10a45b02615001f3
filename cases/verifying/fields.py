# SPDX-License-Identifier: MIT
"""What the stored fields of a run say, against its summary: volumes, shells and amounts computed anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from cases.case import Case
from cases.verifying.history import Line, close, line
from meshes.plain import PlainMesh
from meshes.regions import TUMOUR_REGIONS
from solver.ablation.metrics import Level, TumourShape, ablation, shells, tumour_shape
from solver.algebra.stencil import cell_integrals
from solver.tissue.materials import build_materials, build_pairs

Floats = NDArray[np.float64]

SLACK: Final = 1e-12
"""By how much a bound may be passed, relative to it: round-off."""
EFFECTS: Final = ("tissue_fields", "backflow", "vessel_lines", "vessels", "chemistry", "kill")
"""Parts of a model that hold agent elsewhere, or fluid otherwise, than the fields alone can tell."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A field file in memory.

    Attributes:
        mesh: whole mesh, without tagged facets.
        times: of the steps [s].
        point: fields at the vertices, by key, shape ``(steps, n)``.
    """

    mesh: PlainMesh
    times: Floats
    point: dict[str, Floats]


def open_stored(path: Path) -> Stored:
    """Read a field file as HDF5, without the libraries that draw it.

    Raises:
        OSError: it is no HDF5 file.
        KeyError: it is another HDF5 file.
    """
    with h5py.File(path, "r") as file:
        root = file["VTKHDF"]
        geometry = root.attrs["geometry"]
        columns = {"radial": [0], "axisymmetric": [0, 2], "3d": [0, 1, 2]}[geometry]
        cells = root["Connectivity"][()].reshape(-1, len(columns) + 1)
        times = root["Steps/Values"][()]
        count = int(root["NumberOfPoints"][0])
        point = {
            key: dataset[()].reshape(times.size, count)
            for key, dataset in root["PointData"].items()
            if dataset.ndim == 1
        }
        mesh = PlainMesh(
            geometry=geometry,
            points=np.ascontiguousarray(root["Points"][()][:, columns]),
            cells=cells,
            cell_tags=root["CellData/region"][()],
            facets=np.zeros((0, len(columns)), dtype=np.int64),
            facet_tags=np.zeros(0, dtype=np.int32),
        )
    return Stored(mesh=mesh, times=times, point=point)


def check_fields(
    summary: dict[str, Any], history: dict[str, Floats], stored: Stored, case: Case | None
) -> Iterator[Line]:
    """Times, bounds, volumes and amounts as the fields have them."""
    last = f"{stored.times[0]:g} to {stored.times[-1]:.6g} s, {stored.times.size} steps"
    same = bool(np.isin(stored.times, history["t_s"]).all())
    yield "times of fields", same and close(stored.times[-1], summary["time"]["end_s"]), last
    yield from _bounds(summary, stored.point)
    if case is None or case.model.physics.control is None:
        yield _peak(summary, stored.point)
    tumour = tumour_shape(stored.mesh)
    yield line("tumour [m3]", summary["tumour"]["volume_m3"], tumour.volume)
    yield from _ablations(summary, stored, tumour, _cavity(case))
    found = shells(stored.mesh, tumour, stored.point["peak_concentration"][-1], stored.point["ct_dose"][-1])
    stated = summary["spill"]["shells"]
    agree = len(stated) == len(found) and all(
        close(one[key], other[key]) for one, other in zip(stated, found, strict=True) for key in other
    )
    yield "shells outside the tumour", agree, f"{len(found)} shells"
    if case is not None and not any(getattr(case.model, name, None) for name in EFFECTS):
        yield from _amounts(summary, stored, case)


def _bounds(summary: dict[str, Any], point: dict[str, Floats]) -> Iterator[Line]:
    bounds = summary["concentration"]
    inlet = bounds["inlet_kg_m3"] or 1.0
    c, ct = point["agent_concentration"], point["ct_dose"]
    finite = all(np.isfinite(values).all() for values in point.values())
    yield "fields are numbers", finite, f"{len(point)} fields at vertices"
    low, high = float(c.min()) / inlet, float(c.max()) / inlet
    within = low >= bounds["min_relative"] - SLACK and high <= bounds["max_relative"] + SLACK
    yield "C within its bounds", within, f"{low:.3g} to {high:.6g} of the inlet's"
    grows = bool(np.all(np.diff(ct, axis=0) >= -SLACK * ct.max(initial=0.0)))
    yield "the dose only grows", grows, f"{ct.shape[0]} steps"
    pressure, largest = point["interstitial_fluid_pressure"], point["largest_pressure"]
    reached = bool(np.all(largest >= pressure) and np.all(np.diff(largest, axis=0) >= 0.0))
    yield "the largest pressure is one", reached, "never below p, never falls"


def _peak(summary: dict[str, Any], point: dict[str, Floats]) -> Line:
    """A control injects what kills nothing, and counts no peak."""
    slack = SLACK * (summary["concentration"]["inlet_kg_m3"] or 1.0)
    c, peak = point["agent_concentration"], point["peak_concentration"]
    above = bool(np.all(peak >= c - slack) and np.all(np.diff(peak, axis=0) >= 0.0))
    return "the peak is one", above, "never below C, never falls"


def _cavity(case: Case | None) -> float | None:
    """Volume of the cavities [m3]; None where the case cannot be read."""
    if case is None:
        return None
    sites = case.geometry.sites
    return float(sum(4 / 3 * np.pi * s.needle_radius**3 for s in sites if s.source_radius is None))


def _ablations(
    summary: dict[str, Any], stored: Stored, tumour: TumourShape, cavity: float | None
) -> Iterator[Line]:
    keys = {"ct": "ct_dose", "peak": "peak_concentration"}
    for stated in summary["ablation"]:
        if stated["measure"] not in keys:
            continue
        level = Level(**{name: stated[name] for name in ("measure", "threshold", "unit", "label")})
        values = stored.point[keys[level.measure]][-1]
        found = ablation(stored.mesh, tumour, values, level, cavity or 0.0)
        if cavity is None:
            del found["equivalent_radius_m"]
        wrong = [name for name in found if not _alike(stated[name], found[name])]
        detail = f"stated {stated['volume_m3']:.9g}, found {found['volume_m3']:.9g}"
        yield f"ablation {level.label} [m3]", not wrong, f"{detail}{' ' + ', '.join(wrong) if wrong else ''}"


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return close(one, other, 1e-12)
    return bool(one == other)


def _amounts(summary: dict[str, Any], stored: Stored, case: Case) -> Iterator[Line]:
    """Agent that the last fields hold, by the fluid of each node and region."""
    mesh, model = stored.mesh, case.model
    cells = mesh.cells.astype(np.int32)
    nodal = cell_integrals(mesh.points, cells, mesh.geometry).nodal
    pairs = build_pairs(cells, mesh.cell_tags, nodal, len(mesh.points))
    materials = build_materials(pairs, model.tissues, model.physics)
    weight = pairs.volume * (materials.storage if model.physics.flow != "steady" else 1.0)
    swelling = weight / pairs.to_nodes(weight)[pairs.node]
    swollen = stored.point["dilatation"][-1] * pairs.to_nodes(pairs.volume)
    fluid = pairs.volume * materials.porosity + swollen[pairs.node] * swelling
    held = fluid * stored.point["agent_concentration"][-1][pairs.node]
    book = summary["ledger"]["agent"]
    inside = np.isin(pairs.region, list(TUMOUR_REGIONS))
    yield line("agent left in the tumour [kg]", book["in_tumour_kg"], float(held[inside].sum()))
    yield line("agent left outside [kg]", book["in_tissue_kg"], float(held[~inside].sum()))
    stored_fluid = float(swollen.sum())
    yield line("fluid stored [m3]", summary["ledger"]["fluid"]["stored_m3"], stored_fluid)

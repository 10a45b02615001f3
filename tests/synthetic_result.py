# SPDX-License-Identifier: MIT
"""A small result folder with known answers, so that postprocessing is tested without a solver.

The dose falls linearly with the distance from a tip that may lie off the tumour's centre: the ablation zone
of a threshold is a ball of known radius, and its part inside the tumour is a lens of known volume.
"""

import json
import math
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meshes.plain import Geometry, PlainMesh
from meshes.regions import OUTER, TISSUE, TUMOUR
from solver.results.vtkhdf import VtkHdfWriter

TUMOUR_RADIUS = 0.010
DOMAIN_RADIUS = 0.025
DOSE_AT_TIP = 60.0
REACH = 0.009
INLET = 3.0
END_OF_INJECTION = 60.0
TIMES = (0.0, 30.0, END_OF_INJECTION, 212.0)
THRESHOLDS = (0.6, 4.5, 9.0)


def ablation_radius(threshold: float) -> float:
    """Radius of the ball in which the synthetic dose reaches a threshold [m]."""
    return REACH * (1.0 - threshold / DOSE_AT_TIP)


def ball(radius: float) -> float:
    """Volume of a ball [m3]."""
    return 4.0 / 3.0 * math.pi * radius**3


def lens(first: float, second: float, distance: float) -> float:
    """Volume common to two balls [m3]."""
    if distance <= abs(first - second):
        return ball(min(first, second))
    if distance >= first + second:
        return 0.0
    gap = first + second - distance
    inner = distance**2 + 2 * distance * (first + second) - 3 * (first - second) ** 2
    return math.pi * gap**2 * inner / (12 * distance)


def _lattice(counts: tuple[int, ...]) -> NDArray[np.int64]:
    """Kuhn simplices of a lattice of boxes, shape ``(n, dimension + 1)``."""
    dimension = len(counts)
    numbers = np.arange(math.prod(n + 1 for n in counts)).reshape([n + 1 for n in counts])
    cells = []
    for order in permutations(range(dimension)):
        corner = [0] * dimension
        path = []
        for axis in (None, *order):
            if axis is not None:
                corner[axis] = 1
            path.append(numbers[tuple(slice(c, c + n) for c, n in zip(corner, counts, strict=True))].ravel())
        cells.append(np.stack(path, axis=1))
    return np.concatenate(cells)


def _rounded(box: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shells of the cube onto spheres."""
    largest = np.abs(box).max(axis=1, keepdims=True)
    length = np.linalg.norm(box, axis=1, keepdims=True)
    return box * np.divide(largest, length, out=np.zeros_like(length), where=length > 0)


def mesh(geometry: Geometry, layers: int) -> PlainMesh:
    """A ball of tissue around a spherical tumour; the tumour surface is a surface of the mesh.

    Args:
        geometry: which of the three.
        layers: cells along the tumour's radius.
    """
    outer = round(layers * DOMAIN_RADIUS / TUMOUR_RADIUS)
    half = np.arange(outer + 1) * TUMOUR_RADIUS / layers
    full = np.concatenate([-half[:0:-1], half])
    axes = {"radial": [half], "axisymmetric": [half, full], "3d": [full, full, full]}[geometry]
    box = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    points = _rounded(box)
    cells = _lattice(tuple(len(axis) - 1 for axis in axes))
    edges = points[cells[:, 1:]] - points[cells[:, :1]]
    flipped = np.linalg.det(edges) < 0
    cells[flipped, :2] = cells[flipped, 1::-1]
    inside = np.abs(box[cells]).max(axis=2).max(axis=1) <= TUMOUR_RADIUS * (1 + 1e-9)
    on_rim = np.nonzero(np.abs(box).max(axis=1) >= half[-1] * (1 - 1e-9))[0]
    facets = (
        on_rim[:1].reshape(1, 1) if geometry == "radial" else np.zeros((0, points.shape[1]), dtype=np.int64)
    )
    return PlainMesh(
        geometry=geometry,
        points=points,
        cells=cells,
        cell_tags=np.where(inside, TUMOUR, TISSUE).astype(np.int32),
        facets=facets,
        facet_tags=np.full(len(facets), OUTER, dtype=np.int32),
        info={"tumour_cells": int(inside.sum())},
    )


def tip(geometry: Geometry, offset: float) -> NDArray[np.float64]:
    """Where the dose is largest, in the mesh's coordinates [m]."""
    return np.array({"radial": [0.0], "axisymmetric": [0.0, offset], "3d": [0.0, 0.0, offset]}[geometry])


def fields(plain: PlainMesh, time: float, offset: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Point and cell data at a time."""
    distance = np.linalg.norm(plain.points - tip(plain.geometry, offset), axis=1)
    share = min(time / END_OF_INJECTION, 1.0)
    fading = math.exp(-0.033 * max(time - END_OF_INJECTION, 0.0))
    front = np.clip(1.0 - distance / max(REACH * share ** (1 / 3), 1e-6), 0.0, None) ** 0.3
    pressure = 12e3 * share * fading * np.exp(-distance / 0.004)
    point = {
        "interstitial_fluid_pressure": pressure,
        "agent_concentration": INLET * front * fading,
        "ct_dose": DOSE_AT_TIP * share * (1.0 - distance / REACH),
        "peak_concentration": INLET * front,
        "largest_pressure": pressure,
        "dilatation": pressure / 30e3,
        "open_vessel_fraction": 1.0 / (1.0 + np.exp((pressure - 4.8e3) / 300)),
    }
    cell = {
        "darcy_flux": np.zeros((len(plain.cells), 3)),
        "hydraulic_conductivity": np.where(plain.cell_tags == TUMOUR, 3.1e-14, 6.4e-15),
    }
    return point, cell


def write_fields(path: Path, plain: PlainMesh, offset: float = 0.0) -> None:
    """The field file of a synthetic run."""
    writer = VtkHdfWriter(path, plain)
    for time in TIMES:
        writer.append(time, *fields(plain, time, offset))
    writer.close()


def _history(volume_rate: float) -> str:
    names = [
        "t_s",
        "dt_s",
        "newton_iterations",
        "krylov_iterations",
        "peak_pressure_Pa",
        "c_min_relative",
        "c_max_relative",
        "agent_injected_kg",
        "agent_in_tumour_kg",
        "agent_in_tissue_kg",
        "agent_reacted_tumour_kg",
        "agent_reacted_tissue_kg",
        "agent_blood_kg",
        "agent_lymph_kg",
        "agent_boundary_kg",
        "agent_residual_relative",
        "fluid_injected_m3",
        "fluid_stored_m3",
        "fluid_from_vessels_m3",
        "fluid_lymph_m3",
        "fluid_boundary_m3",
        "fluid_residual_relative",
        "agent_crossed_out_kg",
        "agent_crossed_in_kg",
    ]
    lines = [",".join(names)]
    previous = 0.0
    for time in np.linspace(0.0, TIMES[-1], 54):
        share = min(time / END_OF_INJECTION, 1.0)
        fluid = volume_rate * min(time, END_OF_INJECTION)
        agent = INLET * fluid
        rate = 0.033
        busy, idle = min(time, END_OF_INJECTION), max(time - END_OF_INJECTION, 0.0)
        left = INLET * volume_rate * (1 - math.exp(-rate * busy)) / rate * math.exp(-rate * idle)
        reacted, crossed = agent - left, 0.12 * agent * share
        row = [time, time - previous, 5, 12, 12.8e3 * share * math.exp(-0.05 * idle), 0.0, 1.0]
        row += [agent, 0.9 * left, 0.1 * left, 0.78 * reacted, 0.1 * reacted, 0.04 * reacted, 0.05 * reacted]
        row += [0.03 * reacted, 1.3e-13, fluid, 0.93 * fluid, 0.0, 0.05 * fluid, 0.02 * fluid, 2.1e-13]
        row += [crossed, 0.02 * crossed]
        lines.append(",".join(repr(float(value)) for value in row))
        previous = float(time)
    return "\n".join(lines) + "\n"


def _ablation(offset: float) -> list[dict[str, Any]]:
    found = []
    for threshold in THRESHOLDS:
        radius = ablation_radius(threshold)
        inside = lens(radius, TUMOUR_RADIUS, offset)
        margin = radius - TUMOUR_RADIUS
        found.append(
            {
                "measure": "ct",
                "threshold": threshold,
                "unit": "kg s/m^3",
                "label": f"{threshold / 0.06:g} mg min/L",
                "volume_m3": ball(radius),
                "in_tumour_m3": inside,
                "outside_m3": ball(radius) - inside,
                "coverage": inside / ball(TUMOUR_RADIUS),
                "untreated_m3": ball(TUMOUR_RADIUS) - inside,
                "equivalent_radius_m": radius,
                "margin": {"min_m": margin - offset, "p5_m": margin - 0.9 * offset, "median_m": margin},
            }
        )
    return found


def summary(geometry: Geometry, offset: float, plain: PlainMesh) -> dict[str, Any]:
    """A summary of the shape that a run writes."""
    injected = INLET * 1e-6
    return {
        "infusate": "0.1.0",
        "notice": "Research use only. Not a medical device.",
        "status": "complete",
        "case": {
            "name": "synthetic",
            "title": "A synthetic result",
            "file": "synthetic.toml",
            "hash": "0123abcd",
        },
        "ranks": 1,
        "geometry": geometry,
        "mesh": {"cells": len(plain.cells), "vertices": len(plain.points), **plain.info},
        "time": {"end_s": TIMES[-1], "steps": 53, "rejected_steps": 1},
        "ledger": {
            "agent": {
                "injected_kg": injected,
                "in_tumour_kg": 0.0027 * injected,
                "in_tissue_kg": 0.0003 * injected,
                "reacted_tumour_kg": 0.777 * injected,
                "reacted_tissue_kg": 0.1 * injected,
                "blood_kg": 0.04 * injected,
                "lymph_kg": 0.05 * injected,
                "boundary_kg": 0.03 * injected,
                "residual_relative": 1.3e-13,
            },
            "fluid": {
                "injected_m3": 1e-6,
                "stored_m3": 0.93e-6,
                "from_vessels_m3": 0.0,
                "lymph_m3": 0.05e-6,
                "boundary_m3": 0.02e-6,
                "residual_relative": 2.1e-13,
            },
        },
        "tumour": {"volume_m3": ball(TUMOUR_RADIUS)},
        "ablation": _ablation(offset),
        "spill": {
            "crossed_fraction": 0.12,
            "returned_fraction": 0.0024,
            "net_fraction": 0.1176,
            "reacted_outside_fraction": 0.1,
            "shells": [
                {"distance_m": 0.001, "peak_concentration": 1.2, "largest_ct_dose": 20.0},
                {"distance_m": 0.002, "peak_concentration": 0.3, "largest_ct_dose": 4.0},
            ],
        },
        "blood": {"absorbed_fraction": 0.04, "absorbed_kg": 0.04 * injected},
        "lymph": {"absorbed_fraction": 0.05},
        "pressure": {"peak_Pa": 12.8e3, "peak_time_s": 60.0, "largest_dilatation": 0.3755},
        "fissured": {"volume_m3": 2.1e-6, "share_of_tumour": 0.5},
        "front": {"equivalent_radius_m": 0.0075},
        "concentration": {"inlet_kg_m3": INLET, "min_relative": 0.0, "max_relative": 1.0},
        "validity": [
            {
                "name": "dilatation",
                "level": "caution",
                "message": "dilatation beyond small strain",
                "value": 0.3755,
                "limit": 0.2,
            },
            {
                "name": "fissured",
                "level": "info",
                "message": "half the tumour fissured",
                "value": 0.5,
                "limit": 0.1,
            },
        ],
        "solver": {"newton_iterations_mean": 5.2, "newton_iterations_max": 9},
        "timing": {"total_s": 12.3, "stages": {"mesh": 1.0, "solve": 11.0, "output": 0.3}},
        "versions": {"infusate": "0.1.0", "dolfinx": "0.9.0", "python": "3.13.5"},
        "provenance": {"host": "test", "command": "infusate run synthetic.toml"},
    }


RESOLVED = """
title = "A synthetic result"

[[injections]]
site = 0
start = 0.0
volume = 1e-6
rate = 1.6666666666666667e-8
concentration = 3.0

[thresholds]
ct = [0.6, 4.5, 9.0]
peak = []

[agent]
name = "chlorine_dioxide"
reaction_rate = 0.033
molar_mass = 0.06745

[tissues.tumour]
name = "generic_tumour"
hydraulic_conductivity = 3.1e-14
porosity = 0.3

[geometry]
kind = "{geometry}"

[[geometry.sites]]
tip = [0.0, 0.0, {offset}]
direction = [0.0, 0.0, -1.0]
needle_radius = 0.000359
shaft_length = 0.05

[resolved.sources.agent]
reaction_rate = ["prior range", "claimed, not measured", "0.01 1/s to 0.1 1/s"]
molar_mass = ["measured", "atomic masses"]

[resolved.sources.tissues.tumour]
hydraulic_conductivity = ["prior range", "no measurement at all", "1e-15 to 2e-13"]
"""


def result_folder(folder: Path, geometry: Geometry, layers: int = 8, offset: float = 0.004) -> Path:
    """A complete synthetic result folder, without figures and report."""
    folder.mkdir(parents=True, exist_ok=True)
    plain, offset = mesh(geometry, layers), 0.0 if geometry == "radial" else offset
    write_fields(folder / "fields.vtkhdf", plain, offset)
    (folder / "history.csv").write_text(_history(1e-6 / END_OF_INJECTION), encoding="utf-8")
    (folder / "summary.json").write_text(
        json.dumps(summary(geometry, offset, plain), indent=1), encoding="utf-8"
    )
    (folder / "resolved.toml").write_text(RESOLVED.format(geometry=geometry, offset=offset), encoding="utf-8")
    return folder

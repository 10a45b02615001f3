# SPDX-License-Identifier: MIT
"""What is kept of a run while it runs: extremes, one history row per step, fields at output times."""

import csv
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from meshes.distribution.blocks import RowBlocks
from meshes.plain import PlainMesh
from solver.agent.dimensionless import largest_courant, largest_peclet
from solver.kernels.cells import cell_gradients
from solver.results.embolism import forced_into_vessels
from solver.results.fields import FIELDS
from solver.results.segments import copy_steps
from solver.results.vtkhdf import Blocks, VtkHdfWriter
from solver.snapshot import Snapshot
from solver.tissue.anisotropy import along_fibres
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]

UNITS = {"agent": "kg", "fluid": "m3", "product": "kg", "reductant": "mol", "blood": "m3_s"}
"""Of the rows of the ledger, by the first word of their names."""


@dataclass
class Extremes:
    """Largest and smallest values over a run.

    Attributes:
        inlet: largest injected concentration [kg/m3].
        peak_pressure: at any source [Pa].
        peak_time: when [s].
        largest_dilatation: e = (p - p0)/H [-].
        rest: pressure p0 at the start [Pa].
        lowest: smallest C over the inlet's [-].
        highest: largest C over the inlet's [-].
        courant: largest Courant number.
        peclet: largest mesh Peclet number; 0 without diffusion, when it has no meaning.
        newton: iterations of every step.
        krylov_pressure: linear iterations of every step.
        krylov_agent: iterations of the agent's solver, every step.
        rejected: steps repeated.
        agent_residual: largest of the agent's ledger after any step, over what was injected by then.
        fluid_residual: the same of the fluid's.
        forced_tissue: largest volume in which fluid is forced into open vessels [m3].
        forced_rate: largest flow of it [m3/s].
        forced_fluid: all of it [m3].
        cavity_fluid: most that cavities held beyond rest [m3].
        absorbed: time [s], and agent that blood has taken by then [kg], after every step.
    """

    inlet: float
    peak_pressure: float = -np.inf
    peak_time: float = 0.0
    largest_dilatation: float = 0.0
    rest: Floats = field(default_factory=lambda: np.zeros(0))
    lowest: float = 0.0
    highest: float = 0.0
    courant: float = 0.0
    peclet: float = 0.0
    newton: list[int] = field(default_factory=list)
    krylov_pressure: list[int] = field(default_factory=list)
    krylov_agent: list[int] = field(default_factory=list)
    rejected: int = 0
    agent_residual: float = 0.0
    fluid_residual: float = 0.0
    forced_tissue: float = 0.0
    forced_rate: float = 0.0
    forced_fluid: float = 0.0
    cavity_fluid: float = 0.0
    absorbed: list[tuple[float, float]] = field(default_factory=list)

    def add(self, data: Discretisation, snapshot: Snapshot) -> None:
        """Take a snapshot into account. Collective."""
        pressure = float(snapshot.source_pressure.max(initial=-np.inf))
        if pressure > self.peak_pressure:
            self.peak_pressure, self.peak_time = pressure, snapshot.time
        if snapshot.index == 0:
            self.rest = snapshot.flow.pressure
        self.largest_dilatation = max(self.largest_dilatation, self._dilatation(data, snapshot))
        scale = self.inlet or 1.0
        self.lowest = min(self.lowest, snapshot.lowest / scale)
        self.highest = max(self.highest, snapshot.highest / scale)
        self.rejected = snapshot.rejected
        self.absorbed.append((snapshot.time, snapshot.ledger.totals["agent_blood"]))
        if snapshot.index:
            self.agent_residual = max(self.agent_residual, snapshot.ledger.agent_residual())
            self.fluid_residual = max(self.fluid_residual, snapshot.ledger.fluid_residual())
            self.newton.append(snapshot.flow_step.iterations)
            self.krylov_pressure.append(snapshot.flow_step.krylov)
            self.krylov_agent.append(snapshot.krylov)
            self._add_numbers(data, snapshot)

    def _dilatation(self, data: Discretisation, snapshot: Snapshot) -> float:
        """Largest (p - p0)/H, whether the flow stores fluid or not; div u where there is a displacement."""
        pairs = data.pairs
        if snapshot.flow_step.displacement is not None:
            count = data.mesh.owned
            found = snapshot.flow.stored[:count] / data.volume[:count]
            return float(max(data.halo.comm.allgather(float(np.max(found, initial=0.0)))))
        owned = pairs.node < data.halo.owned
        excess = (snapshot.flow.pressure - self.rest)[pairs.node] / data.materials.law.confined_modulus
        return float(max(data.halo.comm.allgather(float(np.max(excess[owned], initial=0.0)))))

    def _add_numbers(self, data: Discretisation, snapshot: Snapshot) -> None:
        forced = forced_into_vessels(data, snapshot)
        self.forced_tissue = max(self.forced_tissue, forced.tissue)
        self.forced_rate = max(self.forced_rate, forced.rate)
        self.forced_fluid += forced.rate * snapshot.step
        self.cavity_fluid = max(self.cavity_fluid, snapshot.ledger.states.get("fluid_in_cavity", 0.0))
        flow = snapshot.flow_step
        fluid = data.rest_fluid + snapshot.flow.stored
        self.courant = max(self.courant, largest_courant(data, flow.flux, fluid, snapshot.step))
        self.peclet = max(self.peclet, largest_peclet(data, snapshot.flow.pressure, flow.conductivity))


def darcy_flux(data: Discretisation, snapshot: Snapshot) -> Floats:
    """Darcy flux q = -K grad p of every local cell [m/s], shape ``(n_cells, dimension)``."""
    gradient = cell_gradients(data.mesh.points, data.mesh.cells, snapshot.flow.pressure)
    return -snapshot.flow_step.conductivity[:, None] * along_fibres(
        data.mesh.cell_tags, data.fibres, gradient
    )


class History:
    """The history file: one row per accepted step, flushed so that it can be plotted during a run.

    Does nothing on ranks other than 0.

    Args:
        path: of the file.
        rank: this one.
        keep: bytes of an earlier run's file that this one goes on from; None for a new file.
    """

    def __init__(self, path: Path, rank: int, keep: int | None = None) -> None:
        self._path, self._kept = path, keep is not None
        self._file: IO[str] | None = None
        self._writer: Any = None
        if rank == 0:
            if keep is not None:
                os.truncate(path, keep)
            self._file = path.open("w" if keep is None else "a", newline="")

    def position(self) -> dict[str, Any] | None:
        """Size and SHA-256 of what is on the disk by then; None on ranks other than 0."""
        if self._file is None:
            return None
        self._file.flush()
        os.fsync(self._file.fileno())
        content = self._path.read_bytes()
        return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    def add(self, snapshot: Snapshot, inlet: float) -> None:
        """Write a row."""
        if self._file is None:
            return
        row = history_row(snapshot, inlet)
        if self._writer is None:
            self._writer = csv.DictWriter(self._file, list(row))
            if not self._kept:
                self._writer.writeheader()
        self._writer.writerow(row)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def history_row(snapshot: Snapshot, inlet: float) -> dict[str, float]:
    """Scalars of a snapshot, with units in the names."""
    rows = snapshot.ledger.rows()
    scale = inlet or 1.0
    return {
        "t_s": snapshot.time,
        "dt_s": snapshot.step,
        "newton_iterations": snapshot.flow_step.iterations if snapshot.index else 0,
        "krylov_iterations": snapshot.flow_step.krylov + snapshot.krylov if snapshot.index else 0,
        "peak_pressure_Pa": snapshot.highest_pressure,
        "c_min_relative": snapshot.lowest / scale,
        "c_max_relative": snapshot.highest / scale,
        **{f"{name}_{UNITS[name.partition('_')[0]]}": amount for name, amount in rows.items()},
        "agent_residual_relative": snapshot.ledger.agent_residual(),
        "fluid_residual_relative": snapshot.ledger.fluid_residual(),
    }


class FieldFile:
    """Writes fields at chosen times in the order of the plain mesh, a block of its rows on each rank.

    All methods but `discard` are collective.
    """

    def __init__(self, path: Path, data: Discretisation) -> None:
        mesh = data.mesh
        self._data = data
        self._blocks = Blocks(
            points=RowBlocks(mesh.vertex_origin[: mesh.owned], mesh.comm),
            cells=RowBlocks(mesh.cell_origin[: mesh.owned_cells], mesh.comm),
        )
        points, cells = self._blocks.points.collect, self._blocks.cells.collect
        rows = PlainMesh(
            geometry=mesh.geometry,
            points=points(mesh.points),
            cells=cells(mesh.vertex_origin[mesh.cells]),
            cell_tags=cells(mesh.cell_tags),
            facets=np.zeros((0, mesh.points.shape[1]), dtype=np.int64),
            facet_tags=np.zeros(0, dtype=np.int32),
        )
        self._path, self._rows = path, rows
        self._writer: VtkHdfWriter | None = VtkHdfWriter(path, rows, self._blocks)

    def add(self, snapshot: Snapshot) -> None:
        """Append one step."""
        self._writer = self._writer or VtkHdfWriter(self._path, self._rows, self._blocks)
        data, blocks = self._data, self._blocks
        point = {key: blocks.points.collect(values) for key, values in point_fields(data, snapshot).items()}
        cell = {
            "darcy_flux": _embedded(data, darcy_flux(data, snapshot)),
            "hydraulic_conductivity": snapshot.flow_step.conductivity,
        }
        rows = {key: blocks.cells.collect(values) for key, values in cell.items()}
        self._writer.append(snapshot.time, point, rows)

    def set_aside(self, path: Path) -> bool:
        """Complete what was written so far as a file of its own, and begin anew; False if nothing was."""
        if self._writer is None or not self._writer.times:
            return False
        self._writer.path = path
        self._writer.close()
        self._writer = None
        return True

    def close(self, segments: Sequence[Path] = ()) -> None:
        """Complete the file.

        Args:
            segments: what was set aside, in order of time.
        """
        if segments:
            rest = segments[0].with_name("fields-rest.vtkhdf")
            segments = [*segments, rest] if self.set_aside(rest) else segments
            self.discard(together=True)
            self._writer = VtkHdfWriter(self._path, self._rows, self._blocks)
            copy_steps(segments, self._writer, self._blocks)
        if self._writer is not None:
            self._writer.close()

    def discard(self, together: bool = False) -> None:
        """Remove what was written; ``together`` if all ranks do."""
        if self._writer is not None:
            self._writer.discard(together)


def point_fields(data: Discretisation, snapshot: Snapshot) -> dict[str, Floats]:
    """Nodal fields of a snapshot by their key in the field table."""
    pairs = data.pairs
    open_volume = pairs.to_nodes(pairs.volume * snapshot.flow_step.open_fraction)
    moved = snapshot.flow_step.displacement
    return {
        "interstitial_fluid_pressure": snapshot.flow.pressure,
        "agent_concentration": snapshot.agent.concentration,
        "ct_dose": snapshot.dose.ct,
        "peak_concentration": snapshot.dose.peak,
        "largest_pressure": snapshot.flow.largest,
        "dilatation": snapshot.flow.stored / data.volume,
        "open_vessel_fraction": open_volume / data.volume,
        **({} if moved is None else {"displacement": _embedded(data, moved)}),
        **{key: values for key, values in snapshot.condition.items() if key in FIELDS},
    }


def _embedded(data: Discretisation, vectors: Floats) -> Floats:
    out = np.zeros((vectors.shape[0], 3))
    columns = {"radial": [0], "axisymmetric": [0, 2], "3d": [0, 1, 2]}[data.mesh.geometry]
    out[:, columns] = vectors
    return out

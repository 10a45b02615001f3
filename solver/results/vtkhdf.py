# SPDX-License-Identifier: MIT
"""Fields over time in one VTKHDF file, which ParaView and PyVista open with its time steps.

The mesh is written once; every step appends to the field arrays. The file appears under its name when it is
closed and not before: a run that is killed leaves a hidden ``.partial`` file and never half a result.
On several ranks each writes a block of the rows, collectively; the file is the same on any number of them.
"""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from mpi4py import MPI

import h5py
import numpy as np
from numpy.typing import NDArray

from meshes.distribution.blocks import RowBlocks
from meshes.plain import PlainMesh
from solver.results.fields import FIELDS, REGION

VTK_CELL_TYPES = {"radial": 3, "axisymmetric": 5, "3d": 10}
"""Geometry to VTK's number for a line, a triangle and a tetrahedron."""

FORMAT_VERSION = (2, 0)

ROOM_TO_SPARE = 1 << 20
"""Free space that writing leaves untouched [bytes]."""

CHUNK = 1 << 16
"""Rows that are compressed together at most; several ranks then compress at once."""


class Blocks(NamedTuple):
    """How the rows of a mesh are divided among the ranks that write them."""

    points: RowBlocks
    cells: RowBlocks


class _Span(NamedTuple):
    """The rows of an array that this rank writes, and how many there are in all."""

    start: int
    stop: int
    total: int


def embed(plain: PlainMesh) -> NDArray[np.float64]:
    """Coordinates in space of a mesh's vertices: radii along x, (r, z) in the plane y = 0.

    Args:
        plain: any mesh.

    Returns:
        Coordinates [m], shape ``(n, 3)``.
    """
    points = np.zeros((len(plain.points), 3))
    columns = {"radial": [0], "axisymmetric": [0, 2], "3d": [0, 1, 2]}[plain.geometry]
    points[:, columns] = plain.points
    return points


def require_room(path: Path, size: int) -> None:
    """Stop before the disk is full: HDF5 that cannot flush its cache takes the process down.

    Args:
        path: of the file to write.
        size: what will be written at most [bytes].

    Raises:
        OSError: there is less room than that and `ROOM_TO_SPARE`.
    """
    if shutil.disk_usage(path.parent).free < size + ROOM_TO_SPARE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


class VtkHdfWriter:
    """Writes the fields of one run; on several ranks every method is collective.

    Args:
        path: final name of the file.
        plain: the mesh, fields come in the order of its vertices and cells; with ``blocks`` this rank's rows
            of it, cells with the numbers of the whole mesh.
        blocks: how its rows are divided among ranks.
    """

    path: Path
    partial: Path
    times: list[float]

    def __init__(self, path: Path, plain: PlainMesh, blocks: Blocks | None = None) -> None:
        self.path = path
        self.partial = path.with_name(f".{path.name}.partial")
        self.times = []
        self._comm = blocks.points.comm if blocks else MPI.COMM_SELF
        counts = {"PointData": len(plain.points), "CellData": len(plain.cells)}
        self._spans = {group: _Span(0, count, count) for group, count in counts.items()}
        if blocks:
            pairs = zip(counts, blocks, strict=True)
            self._spans = {group: _Span(rows.start, rows.stop, rows.total) for group, rows in pairs}
        self._require_room(embed(plain).nbytes + 2 * plain.cells.nbytes)
        options = {"driver": "mpio", "comm": self._comm} if self._comm.size > 1 else {}
        self._file = h5py.File(self.partial, "w", **options)
        with self._failing_as_one_error():
            self._root = self._file.create_group("VTKHDF", track_order=True)
            self._write_mesh(plain)

    def _write_mesh(self, plain: PlainMesh) -> None:
        root, corners = self._root, plain.cells.shape[1]
        points, cells = self._spans["PointData"], self._spans["CellData"]
        root.attrs["Version"] = np.array(FORMAT_VERSION, dtype=np.int64)
        root.attrs.create("Type", np.bytes_("UnstructuredGrid"))
        root.attrs["geometry"] = plain.geometry
        for name, number in (
            ("Points", points.total),
            ("Cells", cells.total),
            ("ConnectivityIds", cells.total * corners),
        ):
            root.create_dataset(f"NumberOf{name}", data=np.array([number], dtype=np.int64))
        ids = _Span(cells.start * corners, cells.stop * corners, cells.total * corners)
        # one more offset than cells: the last one is written by the last rank
        last = int(cells.stop == cells.total)
        ends = _Span(cells.start, cells.stop + last, cells.total + 1)
        self._write_static("Points", points, embed(plain)).attrs["units"] = "m"
        self._write_static("Connectivity", ids, plain.cells.ravel().astype(np.int64))
        self._write_static("Offsets", ends, corners * np.arange(ends.start, ends.stop, dtype=np.int64))
        kind = np.full(len(plain.cells), VTK_CELL_TYPES[plain.geometry], dtype=np.uint8)
        self._write_static("Types", cells, kind)
        root.create_group("PointData")
        tags = self._write_static(f"CellData/{REGION.key}", cells, plain.cell_tags.astype(np.int32))
        tags.attrs["units"] = REGION.unit

    def _write_static(self, name: str, span: _Span, rows: NDArray[Any]) -> Any:
        """A dataset written once, this rank's rows of it."""
        dataset = self._root.create_dataset(name, (span.total, *rows.shape[1:]), rows.dtype)
        self._write(dataset, span.start, rows)
        return dataset

    def _write(self, dataset: Any, start: int, rows: NDArray[Any]) -> None:
        """Write rows from one on; all ranks together, as compressed chunks on several ranks require."""
        if self._comm.size == 1:
            dataset[start : start + len(rows)] = rows
            return
        with dataset.collective:
            dataset[start : start + len(rows)] = rows

    def _require_room(self, size: int) -> None:
        """As `require_room`, for what all ranks together will write; rank 0 looks."""
        total, error = self._comm.reduce(size), None
        if total is not None:
            try:
                require_room(self.path, total)
            except OSError as full:
                error = full
        error = self._comm.bcast(error)
        if error is not None:
            raise error

    def append(
        self, time: float, point: dict[str, NDArray[np.float64]], cell: dict[str, NDArray[np.float64]]
    ) -> None:
        """Adds one step.

        Args:
            time: [s], later than the step before.
            point: field key to values at the vertices [SI], shape ``(n_vertices,)`` or ``(n_vertices, 3)``;
                this rank's rows.
            cell: field key to values in the cells, likewise; the regions are there already.

        Raises:
            ValueError: a field is unknown, misplaced, of the wrong size, missing or new at this step.
        """
        if self.times and time <= self.times[-1]:
            raise ValueError(f"{self.path.name}: step at {time} s after one at {self.times[-1]} s")
        for group, values in (("PointData", point), ("CellData", cell)):
            expected = set(self._root[group]) - {REGION.key}
            if self.times and set(values) != expected:
                raise ValueError(f"{self.path.name}: fields {sorted(values)}, expected {sorted(expected)}")
            with self._failing_as_one_error():
                self._require_room(sum(np.asarray(array).nbytes for array in values.values()))
                for key, array in values.items():
                    self._append_field(group, key, np.asarray(array))
        with self._failing_as_one_error():
            self._file.flush()
        self.times.append(float(time))

    def _append_field(self, group: str, key: str, values: NDArray[np.float64]) -> None:
        field, span = FIELDS.get(key), self._spans[group]
        size = span.stop - span.start
        if field is None or group != f"{field.location.capitalize()}Data":
            raise ValueError(f"{self.path.name}: {key} is not in the field table for {group}")
        shape = (size,) if field.components == 1 else (size, field.components)
        if values.shape != shape:
            raise ValueError(f"{self.path.name}: {key} has shape {values.shape}, expected {shape}")
        name = f"{group}/{key}"
        if name not in self._root:
            dataset = self._root.create_dataset(
                name,
                (0, *shape[1:]),
                np.float64,
                maxshape=(None, *shape[1:]),
                chunks=(max(1, min(span.total, CHUNK)), *shape[1:]),
                compression=1,
                shuffle=True,
            )
            dataset.attrs["units"] = field.unit
        dataset = self._root[name]
        start = len(dataset)
        dataset.resize(start + span.total, axis=0)
        self._write(dataset, start + span.start, values)

    def _write_steps(self) -> None:
        count = len(self.times)
        steps = self._root.create_group("Steps")
        steps.attrs["NSteps"] = np.int64(count)
        steps.create_dataset("Values", data=np.array(self.times, dtype=np.float64)).attrs["units"] = "s"
        steps.create_dataset("NumberOfParts", data=np.ones(count, dtype=np.int64))
        for name in ("PartOffsets", "PointOffsets"):
            steps.create_dataset(name, data=np.zeros(count, dtype=np.int64))
        for name in ("CellOffsets", "ConnectivityIdOffsets"):
            steps.create_dataset(name, data=np.zeros((count, 1), dtype=np.int64))
        for group, span in self._spans.items():
            offsets = steps.create_group(f"{group}Offsets")
            for key in self._root[group]:
                stride = 0 if key == REGION.key else span.total
                offsets.create_dataset(key, data=stride * np.arange(count, dtype=np.int64))

    def close(self) -> None:
        """Completes the file and gives it its name; the steps so far are then readable.

        Raises:
            OSError: the file cannot be written, a full disk say; nothing is left of it then.
        """
        with self._failing_as_one_error():
            self._write_steps()
            self._file.close()
        if self._comm.rank == 0:
            self._give_name()
        self._comm.barrier()

    def _give_name(self) -> None:
        with self.partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        self.partial.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self, together: bool = False) -> None:
        """Drops the file; nothing appears under its name.

        Args:
            together: all ranks call this, so that the file can be closed; else one may have failed alone.
        """
        if together or self._comm.size == 1:
            with suppress(OSError, RuntimeError):
                self._file.close()
        self.partial.unlink(missing_ok=True)

    def _turn_away(self) -> None:
        """Let HDF5 write the rest of its cache to nowhere: where it cannot flush, it ends the process."""
        if self._comm.size == 1 and self._file.id.valid:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, self._file.id.get_vfd_handle())
            os.close(nowhere)

    @contextmanager
    def _failing_as_one_error(self) -> Iterator[None]:
        """HDF5 reports a full disk as one error or another, with the reason deep in its text."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            self._turn_away()
            self.discard()
            found = re.search(r"error message = '([^']*)'", str(error))
            reason = found.group(1) if found else getattr(error, "strerror", None) or "cannot be written"
            raise OSError(errno.EIO, reason, str(self.path)) from error

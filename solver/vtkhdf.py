# SPDX-License-Identifier: MIT
"""Fields over time in one VTKHDF file, which ParaView and PyVista open with its time steps.

The mesh is written once; every step appends to the field arrays. The file appears under its name when it is
closed and not before: a run that is killed leaves a hidden ``.partial`` file and never half a result.
"""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from meshes.plain import PlainMesh
from solver.fields import FIELDS, REGION

VTK_CELL_TYPES = {"radial": 3, "axisymmetric": 5, "3d": 10}
"""Geometry to VTK's number for a line, a triangle and a tetrahedron."""

FORMAT_VERSION = (2, 0)

ROOM_TO_SPARE = 1 << 20
"""Free space that writing leaves untouched [bytes]."""


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
    """Writes the fields of one run; for rank 0 alone (not collective).

    Args:
        path: final name of the file.
        plain: the mesh; fields come in the order of its vertices and cells.
    """

    path: Path
    partial: Path
    times: list[float]

    def __init__(self, path: Path, plain: PlainMesh) -> None:
        self.path = path
        self.partial = path.with_name(f".{path.name}.partial")
        self.times = []
        self._sizes = {"PointData": len(plain.points), "CellData": len(plain.cells)}
        require_room(path, embed(plain).nbytes + 2 * plain.cells.nbytes)
        self._file = h5py.File(self.partial, "w")
        with self._failing_as_one_error():
            self._root = self._file.create_group("VTKHDF", track_order=True)
            self._write_mesh(plain)

    def _write_mesh(self, plain: PlainMesh) -> None:
        root, cells = self._root, plain.cells
        root.attrs["Version"] = np.array(FORMAT_VERSION, dtype=np.int64)
        root.attrs.create("Type", np.bytes_("UnstructuredGrid"))
        root.attrs["geometry"] = plain.geometry
        for name, number in (
            ("Points", len(plain.points)),
            ("Cells", len(cells)),
            ("ConnectivityIds", cells.size),
        ):
            root.create_dataset(f"NumberOf{name}", data=np.array([number], dtype=np.int64))
        root.create_dataset("Points", data=embed(plain)).attrs["units"] = "m"
        root.create_dataset("Connectivity", data=cells.ravel().astype(np.int64))
        root.create_dataset("Offsets", data=np.arange(0, cells.size + 1, cells.shape[1], dtype=np.int64))
        root.create_dataset("Types", data=np.full(len(cells), VTK_CELL_TYPES[plain.geometry], dtype=np.uint8))
        root.create_group("PointData")
        tags = root.create_dataset(f"CellData/{REGION.key}", data=plain.cell_tags.astype(np.int32))
        tags.attrs["units"] = REGION.unit

    def append(
        self, time: float, point: dict[str, NDArray[np.float64]], cell: dict[str, NDArray[np.float64]]
    ) -> None:
        """Adds one step.

        Args:
            time: [s], later than the step before.
            point: field key to values at the vertices [SI], shape ``(n_vertices,)`` or ``(n_vertices, 3)``.
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
                require_room(self.path, sum(np.asarray(array).nbytes for array in values.values()))
                for key, array in values.items():
                    self._append_field(group, key, np.asarray(array))
        with self._failing_as_one_error():
            self._file.flush()
        self.times.append(float(time))

    def _append_field(self, group: str, key: str, values: NDArray[np.float64]) -> None:
        field, size = FIELDS.get(key), self._sizes[group]
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
                chunks=shape,
                compression=1,
                shuffle=True,
            )
            dataset.attrs["units"] = field.unit
        dataset = self._root[name]
        start = len(dataset)
        dataset.resize(start + size, axis=0)
        dataset[start:] = values

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
        for group, size in self._sizes.items():
            offsets = steps.create_group(f"{group}Offsets")
            for key in self._root[group]:
                stride = 0 if key == REGION.key else size
                offsets.create_dataset(key, data=stride * np.arange(count, dtype=np.int64))

    def close(self) -> None:
        """Completes the file and gives it its name; the steps so far are then readable.

        Raises:
            OSError: the file cannot be written, a full disk say; nothing is left of it then.
        """
        with self._failing_as_one_error():
            self._write_steps()
            self._file.close()
        with self.partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        self.partial.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self) -> None:
        """Drops the file; nothing appears under its name."""
        with suppress(OSError, RuntimeError):
            self._file.close()
        self.partial.unlink(missing_ok=True)

    @contextmanager
    def _failing_as_one_error(self) -> Iterator[None]:
        """HDF5 reports a full disk as one error or another, with the reason deep in its text."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            self.discard()
            found = re.search(r"error message = '([^']*)'", str(error))
            reason = found.group(1) if found else getattr(error, "strerror", None) or "cannot be written"
            raise OSError(errno.EIO, reason, str(self.path)) from error

# SPDX-License-Identifier: MIT
"""Field files: what was written is what VTK reads, step by step, and nothing half-written is left."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkIOHDF import vtkHDFReader

from meshes.plain import Geometry
from solver.results.fields import FIELDS
from solver.results.vtkhdf import ROOM_TO_SPARE, VTK_CELL_TYPES, VtkHdfWriter, embed
from tests.synthetic_result import TIMES, fields, mesh, write_fields

pytestmark = pytest.mark.serial

GEOMETRIES: tuple[Geometry, ...] = ("radial", "axisymmetric", "3d")


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_vtk_reads_every_step_as_written(tmp_path: Path, geometry: Geometry) -> None:
    plain = mesh(geometry, 3)
    write_fields(tmp_path / "fields.vtkhdf", plain)
    reader = vtkHDFReader()
    reader.SetFileName(str(tmp_path / "fields.vtkhdf"))
    reader.UpdateInformation()
    steps = reader.GetOutputInformation(0).Get(reader.GetExecutive().TIME_STEPS())
    assert steps == TIMES
    for time in TIMES:
        reader.UpdateTimeStep(time)
        grid = reader.GetOutputDataObject(0)
        assert grid.GetNumberOfCells() == len(plain.cells)
        assert grid.GetCellType(0) == VTK_CELL_TYPES[geometry]
        assert np.array_equal(vtk_to_numpy(grid.GetPoints().GetData()), embed(plain))
        connectivity = vtk_to_numpy(grid.GetCells().GetConnectivityArray())
        assert np.array_equal(connectivity.reshape(plain.cells.shape), plain.cells)
        point, cell = fields(plain, time, 0.0)
        for key, values in point.items():
            assert np.array_equal(vtk_to_numpy(grid.GetPointData().GetArray(key)), values), key
        for key, values in (cell | {"region": plain.cell_tags}).items():
            assert np.array_equal(vtk_to_numpy(grid.GetCellData().GetArray(key)), values), key


def test_units_stand_beside_the_values(tmp_path: Path) -> None:
    write_fields(tmp_path / "fields.vtkhdf", mesh("radial", 3))
    with h5py.File(tmp_path / "fields.vtkhdf") as file:
        names = {f"VTKHDF/{field.location.capitalize()}Data/{key}": field for key, field in FIELDS.items()}
        stored = {name: field for name, field in names.items() if name in file}
        assert len(stored) >= 10
        for name, field in stored.items():
            assert file[name].attrs["units"] == field.unit
        assert file["VTKHDF/Steps/Values"].attrs["units"] == "s"


def test_nothing_has_the_final_name_before_close(tmp_path: Path) -> None:
    plain = mesh("radial", 3)
    path = tmp_path / "fields.vtkhdf"
    writer = VtkHdfWriter(path, plain)
    writer.append(0.0, *fields(plain, 0.0, 0.0))
    assert not path.exists()
    writer.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["fields.vtkhdf"]


def test_discard_leaves_nothing(tmp_path: Path) -> None:
    VtkHdfWriter(tmp_path / "fields.vtkhdf", mesh("radial", 3)).discard()
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    plain = mesh("radial", 3)
    writer = VtkHdfWriter(tmp_path / "fields.vtkhdf", plain)
    point, cell = fields(plain, 0.0, 0.0)
    with pytest.raises(ValueError, match="not in the field table"):
        writer.append(0.0, {"presure": point["dilatation"]}, {})
    with pytest.raises(ValueError, match="shape"):
        writer.append(0.0, {"dilatation": point["dilatation"][1:]}, {})
    writer.discard()
    writer = VtkHdfWriter(tmp_path / "fields.vtkhdf", plain)
    writer.append(0.0, point, cell)
    with pytest.raises(ValueError, match="after one at"):
        writer.append(0.0, point, cell)
    del point["dilatation"]
    with pytest.raises(ValueError, match="expected"):
        writer.append(1.0, point, cell)
    writer.discard()


def test_a_disk_that_fills_up_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step for which there is no room is refused before HDF5 sees it."""
    plain = mesh("radial", 3)
    writer = VtkHdfWriter(tmp_path / "fields.vtkhdf", plain)
    writer.append(0.0, *fields(plain, 0.0, 0.0))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=ROOM_TO_SPARE))
    with pytest.raises(OSError, match="No space left"):
        writer.append(1.0, *fields(plain, 1.0, 0.0))
    assert list(tmp_path.iterdir()) == []

# SPDX-License-Identifier: MIT
"""A run's files on any number of ranks: the field file holds every vertex and cell of the mesh once."""

from pathlib import Path

from mpi4py import MPI

import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkIOHDF import vtkHDFReader

from meshes.cells.measures import cell_volumes
from meshes.plain import Geometry
from solver.results.record import FieldFile, History
from solver.simulate import simulate
from tests.coarse import GEOMETRIES, INLET, MESHES, discretised, full_model, gathered, pulse


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_fields_are_those_of_the_whole_mesh(geometry: Geometry, tmp_path: Path, comm: MPI.Comm) -> None:
    """Cells are counted once, volumes add up, and the agent in the file is that of the ledger."""
    whole, model = MESHES[geometry](), full_model((pulse(0.0, 10.0),))
    data = discretised(geometry, model, comm)
    nodal_volume = gathered(data, data.volume)
    fields = FieldFile(tmp_path / "fields.vtkhdf", data)
    history = History(tmp_path / "history.csv", comm.rank)
    for last in simulate(data, model):
        history.add(last, INLET)
        if last.index in (0, 5, 9):
            fields.add(last)
        if last.index == 9:
            break
    rows = last.ledger.rows()
    history.close()
    fields.close()
    if comm.rank > 0:
        return
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 11
    grid = _last_step(tmp_path / "fields.vtkhdf", steps=3)
    assert np.array_equal(vtk_to_numpy(grid.GetCellData().GetArray("region")), whole.cell_tags)
    assert grid.GetNumberOfPoints() == len(whole.points)
    assert nodal_volume.sum() == pytest.approx(
        cell_volumes(whole.points, whole.cells, geometry).sum(), rel=1e-12
    )
    point = grid.GetPointData()
    porosity = model.tissues[1].porosity + vtk_to_numpy(point.GetArray("dilatation"))
    held = nodal_volume @ (porosity * vtk_to_numpy(point.GetArray("agent_concentration")))
    assert held > 0
    assert held == pytest.approx(rows["agent_in_tumour"] + rows["agent_in_tissue"], rel=1e-12)


def _last_step(path: Path, steps: int):  # type: ignore[no-untyped-def]
    reader = vtkHDFReader()
    reader.SetFileName(str(path))
    reader.UpdateInformation()
    assert reader.GetNumberOfSteps() == steps
    reader.SetStep(steps - 1)
    reader.Update()
    return reader.GetOutput()

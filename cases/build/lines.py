# SPDX-License-Identifier: MIT
"""From the tables on lines of a checked case file to their records."""

from pathlib import Path

from cases.schema.case import CaseFile
from cases.schema.lines import VesselLineTable
from meshes.files.centre_lines import Network, read_network
from meshes.lines import vector
from solver.parameters.lines import Backflow, VesselLine


def backflow(case: CaseFile) -> Backflow | None:
    """The tracks of the needles, if the case lets them leak."""
    return None if case.backflow is None else Backflow(**case.backflow.model_dump())


def vessel_lines(case: CaseFile, folder: Path) -> tuple[VesselLine, ...]:
    """The large vessels of a case.

    Raises:
        MeshInputError: when a file of centre lines cannot be read.
    """
    return tuple(_vessel(table, folder) for table in case.vessel_lines)


def _vessel(table: VesselLineTable, folder: Path) -> VesselLine:
    network = _network(table, folder)
    first, last = table.pressures
    ends = [(place, first) for place in network.inlets] + [(place, last) for place in network.outlets]
    return VesselLine(
        name=table.name,
        places=network.places,
        edges=network.edges,
        radii=network.radii,
        ends=tuple(sorted(ends)),
        wall_conductivity=table.wall_conductivity,
        permeability=table.permeability,
        oncotic_difference=table.oncotic_difference,
        viscosity=table.viscosity,
    )


def _network(table: VesselLineTable, folder: Path) -> Network:
    if table.file is not None:
        assert table.length_unit is not None and table.flow_direction is not None, "the rules ask for them"
        centre = None if table.centre is None else vector(table.centre)
        return read_network(
            folder / table.file, table.length_unit, table.radius_array, centre, vector(table.flow_direction)
        )
    assert table.points is not None and table.radius is not None, "the rules ask for them"
    count = len(table.points)
    return Network(
        places=tuple(vector(point) for point in table.points),
        edges=tuple((k, k + 1) for k in range(count - 1)),
        radii=(table.radius,) * count,
        inlets=(0,),
        outlets=(count - 1,),
    )

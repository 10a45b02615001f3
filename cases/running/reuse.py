# SPDX-License-Identifier: MIT
"""What one run leaves for the next in the same process: mesh and discretisation, where they are the same."""

from typing import Any

from mpi4py import MPI

from meshes.build import build_mesh, key_material
from meshes.distribution.distribute import DistributedMesh, distribute, on_root
from meshes.files.companions import content_checksum
from meshes.geometry import GeometryDescription, MeshInputError, Site
from meshes.lines import Curve
from meshes.plain import PlainMesh
from solver.parameters.fields import TissueField
from solver.parameters.model import Model
from solver.tissue.discretisation import Discretisation, discretise


class Reuse:
    """Holds the last mesh and discretisation, and hands them out again to a case that needs the same."""

    def __init__(self) -> None:
        self._mesh_key: Any = None
        self._plain: PlainMesh | None = None
        self._mesh: DistributedMesh | None = None
        self._data_key: Any = None
        self._data: Discretisation | None = None

    def mesh(
        self, description: GeometryDescription, comm: MPI.Comm, curves: tuple[Curve, ...] = ()
    ) -> tuple[PlainMesh | None, DistributedMesh]:
        """The mesh of a geometry, whole on rank 0 and shared. Collective.

        Args:
            description: of the geometry.
            comm: ranks to share it.
            curves: lines to embed in it.

        Raises:
            GeometryError: when the geometry cannot be meshed.
        """
        key = comm.bcast(on_root(comm, lambda: key_material(description))), curves
        if self._mesh is None or key != self._mesh_key or comm is not self._mesh.comm:
            self._data = None
            self._plain = on_root(comm, lambda: build_mesh(description))
            self._mesh = distribute(self._plain, comm, curves, description.sites)
            self._mesh_key = key
        return self._plain, self._mesh

    def data(self, mesh: DistributedMesh, model: Model, sites: tuple[Site, ...]) -> Discretisation:
        """The static data of a run on a mesh from `mesh`. Collective.

        Args:
            mesh: the last one.
            model: what is simulated; only its tissues and its physics count here.
            sites: of injection.

        Raises:
            SourceError: when a site has no node.
        """
        fields = on_root(comm := mesh.comm, lambda: _contents(model.tissue_fields))
        key: tuple[Any, ...] = (model.tissues, model.physics, sites, model.tissue_fields, comm.bcast(fields))
        if mesh.lines is not None:
            key += (model.backflow, model.vessel_lines, model.injections)
        if self._data is None or key != self._data_key or mesh is not self._mesh:
            self._data = discretise(mesh, model, sites)
            self._data_key = key
        return self._data


def _contents(fields: tuple[TissueField, ...]) -> tuple[str, ...]:
    """Checksums of the files of fields."""
    try:
        return tuple(content_checksum(field.path) for field in fields if field.path is not None)
    except OSError as error:
        raise MeshInputError(f"{error.filename}: cannot be read: {error.strerror}") from error

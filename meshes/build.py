# SPDX-License-Identifier: MIT
"""From any geometry description to its mesh, by way of the cache."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from meshes.cache import cached
from meshes.files.companions import content_checksum
from meshes.geometry import GeometryDescription, MeshGeometry, MeshInputError, ParametricGeometry
from meshes.plain import PlainMesh

FILES_CODE: Final = 2
"""Raise it when the same label maps, surfaces or mesh of a file become another mesh, or are refused."""


def build_mesh(description: GeometryDescription) -> PlainMesh:
    """Mesh a geometry, or read the mesh from the cache if the same one was made before.

    Not collective: call it on one rank and ``distribute`` the result.

    Args:
        description: parametric, from label maps, or a mesh in a file.

    Returns:
        The tagged mesh.

    Raises:
        MeshInputError: if a label map is missing or unreadable.
        GeometryError: if the geometry cannot be meshed.
    """
    return cached(key_material(description), lambda: _build(description))


def key_material(description: GeometryDescription) -> dict[str, Any]:
    """Collect all that decides a mesh: kind and values of a description, and the content of files it names.

    Args:
        description: parametric, from label maps, or a mesh in a file.

    Returns:
        JSON-ready; a file is stood for by its checksum, so that moving it changes nothing.

    Raises:
        MeshInputError: if a file cannot be read.
    """
    values: dict[str, Any] = _by_content(asdict(description))
    code = {} if isinstance(description, ParametricGeometry) else {"files_code": FILES_CODE}
    return {"description": type(description).__name__, **code, **values}


def _by_content(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _by_content(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_by_content(entry) for entry in value]
    if isinstance(value, Path):
        try:
            return content_checksum(value)
        except OSError as error:
            raise MeshInputError(f"{error.filename or value}: cannot be read: {error.strerror}") from error
    return value


def _build(description: GeometryDescription) -> PlainMesh:
    """Import the generator that is needed, and only that one."""
    if isinstance(description, ParametricGeometry):
        from meshes.generated.parametric import parametric_mesh

        return parametric_mesh(description)
    if isinstance(description, MeshGeometry):
        from meshes.imported.from_mesh import mesh_from_file

        return mesh_from_file(description)
    from meshes.patient.from_labels import mesh_from_labels

    return mesh_from_labels(description)

# SPDX-License-Identifier: MIT
"""The meshes of BALL in the format that each program reads fastest, converted once and kept per user.

``npz``: arrays, for programs whose documentation builds a mesh from arrays (scikit-fem, NGSolve);
``meshb``: binary Medit, for FreeFEM; ``xdmf``: XDMF with binary HDF5, cells and facets apart, for DOLFINx and
FESTIM. Regions are 1 (tumour) and 2 (tissue), surfaces 1 (outer boundary) and 2 (wall of the cavity); lengths
in metres.
"""

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.ball.mesh import ball_mesh
from benchmarks.cache import cache_folder
from meshes.plain import PlainMesh
from meshes.regions import CAVITY

OUTER_SURFACE: Final = 1
CAVITY_SURFACE: Final = 2


def converted(size: str, kind: str) -> Path:
    """File of a mesh in a format, made if it is not there yet.

    Args:
        size: of the mesh, such as ``50k``.
        kind: ``npz``, ``meshb`` or ``xdmf`` (whose facets are in the file beside it, ``facets-...``).
    """
    mesh = ball_mesh(size)
    code = hashlib.sha256(
        mesh.points.tobytes() + mesh.cells.tobytes() + Path(__file__).read_bytes()
    ).hexdigest()[:12]
    folder = cache_folder() / f"mesh-{size}-{code}"
    folder.mkdir(exist_ok=True)
    file = folder / f"ball.{kind}"
    if not file.is_file():
        WRITERS[kind](file, mesh)
    return file


def _surfaces(mesh: PlainMesh) -> np.ndarray:
    return np.where(mesh.facet_tags == CAVITY, CAVITY_SURFACE, OUTER_SURFACE).astype(np.int32)


def _write_arrays(file: Path, mesh: PlainMesh) -> None:
    np.savez(
        file,
        points=mesh.points,
        cells=mesh.cells.astype(np.int32),
        regions=mesh.cell_tags.astype(np.int32),
        facets=mesh.facets.astype(np.int32),
        surfaces=_surfaces(mesh),
    )


def _write_medit(file: Path, mesh: PlainMesh) -> None:
    import meshio

    meshio.write(
        file,
        meshio.Mesh(
            mesh.points,
            [("triangle", mesh.facets.astype(np.int32)), ("tetra", mesh.cells.astype(np.int32))],
            cell_data={"medit:ref": [_surfaces(mesh), mesh.cell_tags.astype(np.int32)]},
        ),
    )


def _write_xdmf(file: Path, mesh: PlainMesh) -> None:
    import meshio

    cells = {"regions": [mesh.cell_tags.astype(np.int32)]}
    facets = {"surfaces": [_surfaces(mesh)]}
    meshio.write(file, meshio.Mesh(mesh.points, [("tetra", mesh.cells)], cell_data=cells))
    beside = file.with_name(f"facets-{file.name}")
    meshio.write(beside, meshio.Mesh(mesh.points, [("triangle", mesh.facets)], cell_data=facets))


WRITERS: Final[dict[str, Callable[[Path, PlainMesh], None]]] = {
    "npz": _write_arrays,
    "meshb": _write_medit,
    "xdmf": _write_xdmf,
}


def main() -> None:
    """Print the files of a mesh in all formats."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", nargs="+")
    for size in parser.parse_args().size:
        for kind in WRITERS:
            print(converted(size, kind))


if __name__ == "__main__":
    main()

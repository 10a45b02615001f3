# SPDX-License-Identifier: MIT
"""Runs gmsh in a process of its own: a task goes in as JSON, a mesh comes back as a NumPy archive."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from meshes.geometry import GeometryError

HXT = 10
"""gmsh's number of the algorithm for tetrahedra; about twice as fast as its Delaunay (1)."""
INTERIOR_FACTOR = 0.8
"""Asked for edges of length h in a solid, gmsh 4.13 makes edges of 1.4 h (median); for 0.8 h, of 1.15 h."""
NO_GMSH = "gmsh cannot be loaded"
"""How the worker begins its last line when it cannot import gmsh."""


class MesherMissingError(GeometryError):
    """A mesher that this geometry needs is not installed or cannot be loaded (exit code 69)."""


@dataclass(frozen=True, kw_only=True)
class Hole:
    """A ball cut out of the tissue [mm]."""

    centre: tuple[float, float, float]
    radius: float


@dataclass(frozen=True, kw_only=True)
class GmshTask:
    """Nested ellipsoids about the origin with holes; lengths in millimetres.

    Attributes:
        dimension: 3, or 2 for the half-plane (r, z).
        ellipsoids: semi-axes from the inside out; the last one is the outer boundary.
        holes: cavities; on the axis if the dimension is 2.
        embedded: points that shall be vertices.
        size: edge length, a formula of gmsh's ``MathEval``.
        interior_factor: what ``size`` is multiplied with inside solids.
        algorithm: for tetrahedra.
    """

    dimension: int
    ellipsoids: tuple[tuple[float, float, float], ...]
    holes: tuple[Hole, ...]
    embedded: tuple[tuple[float, float, float], ...]
    size: str
    interior_factor: float = INTERIOR_FACTOR
    algorithm: int = HXT


@dataclass(frozen=True, kw_only=True)
class GmshMesh:
    """What gmsh made, in millimetres.

    Attributes:
        points: vertex coordinates [mm], shape ``(n, dimension)``.
        cells: vertex numbers, shape ``(n_cells, dimension + 1)``.
        regions: number of each cell's region, counted from the inside out.
        version: of gmsh.
    """

    points: NDArray[np.float64]
    cells: NDArray[np.int64]
    regions: NDArray[np.int32]
    version: str


def run_gmsh(task: GmshTask) -> GmshMesh:
    """Mesh nested ellipsoids with holes.

    Args:
        task: what to mesh.

    Returns:
        The mesh, the same bytes for the same task.

    Raises:
        MesherMissingError: if gmsh is not installed.
        GeometryError: with gmsh's own words if it fails.
    """
    with tempfile.TemporaryDirectory(prefix="infusate-mesh-") as folder:
        task_file, mesh_file = Path(folder, "task.json"), Path(folder, "mesh.npz")
        task_file.write_text(json.dumps(asdict(task)), encoding="utf-8")
        command = [sys.executable, "-m", "meshes.files.gmsh_worker", str(task_file), str(mesh_file)]
        path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            command,
            env=without_mpi(os.environ) | {"PYTHONPATH": path.rstrip(os.pathsep)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 or not mesh_file.exists():
            _explain(done)
        with np.load(mesh_file, allow_pickle=False) as archive:
            return GmshMesh(
                points=archive["points"],
                cells=archive["cells"],
                regions=archive["regions"],
                version=str(archive["version"]),
            )


def without_mpi(environment: "os._Environ[str]") -> dict[str, str]:
    """Drop what an MPI launcher left, lest a library in the child take part in the parent's job."""
    prefixes = ("OMPI_", "PMIX_", "PMI_", "PRTE_", "HYDRA_")
    return {key: value for key, value in environment.items() if not key.startswith(prefixes)}


def _explain(done: "subprocess.CompletedProcess[str]") -> None:
    """Raise what the output of a failed gmsh means."""
    lines = [line.strip() for line in (done.stderr + "\n" + done.stdout).splitlines() if line.strip()]
    missing = [line for line in lines if line.startswith(NO_GMSH)]
    if missing:
        raise MesherMissingError(
            f"{missing[0]}; it is needed for geometries 'axisymmetric' and '3d' (python3-gmsh in Debian, "
            "python-gmsh on conda-forge); 'radial' works without"
        )
    errors = [line for line in lines if line.startswith(("Error", "Exception", "what():"))]
    said = "; ".join(dict.fromkeys((errors or lines)[-3:])) or "no output"
    raise GeometryError(f"gmsh could not mesh this geometry (code {done.returncode}): {said}")

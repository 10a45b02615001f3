# SPDX-License-Identifier: MIT
"""A process of its own that drives gmsh: ``python -m meshes.files.gmsh_worker task.json mesh.npz``.

gmsh is under the GPL and keeps global state, so it is reached through files only. Lengths are in
millimetres here, because the geometry kernel has an absolute tolerance of 1e-7.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    import gmsh
except (ImportError, OSError) as error:  # OSError: a library that gmsh is linked to is missing
    sys.exit(f"gmsh cannot be loaded: {error}")

DimTags = list[tuple[int, int]]


def main(task_file: str, mesh_file: str) -> None:
    """Mesh what a task describes and write points, cells and the number of the region of each cell.

    Args:
        task_file: JSON as ``meshes.files.gmsh_process`` writes it.
        mesh_file: NumPy archive to write.
    """
    task = json.loads(Path(task_file).read_text(encoding="utf-8"))
    dimension = task["dimension"]
    gmsh.initialize(["gmsh", "-v", "2"], readConfigFiles=False, interruptible=False)
    try:
        _set_options(task)
        shells = [_ellipsoid(dimension, [0, 0, 0], axes) for axes in task["ellipsoids"]]
        holes = [_ellipsoid(dimension, hole["centre"], 3 * [hole["radius"]]) for hole in task["holes"]]
        regions = _nest(shells, holes, task["embedded"])
        _set_sizes(task["size"], task["interior_factor"], regions)
        gmsh.model.mesh.generate(dimension)
        points, cells, numbers = _collect(regions)
    finally:
        gmsh.finalize()
    np.savez(mesh_file, points=points, cells=cells, regions=numbers, version=np.array(gmsh.__version__))


def _set_options(task: dict[str, Any]) -> None:
    """One thread, for a mesh that repeats bit by bit; sizes from the field alone."""
    gmsh.option.setNumber("General.NumThreads", 1)
    for source in ("FromPoints", "FromCurvature", "ExtendFromBoundary"):
        gmsh.option.setNumber(f"Mesh.MeshSize{source}", 0)
    gmsh.option.setNumber("Mesh.Algorithm", 6)
    gmsh.option.setNumber("Mesh.Algorithm3D", task["algorithm"])


def _set_sizes(size: str, interior_factor: float, regions: DimTags) -> None:
    """Ask for the size on curves and surfaces, and for a part of it inside solids."""
    field = gmsh.model.mesh.field
    chosen = field.add("MathEval")
    field.setString(chosen, "F", size)
    if regions[0][0] == 3:
        shorter = field.add("MathEval")
        field.setString(shorter, "F", f"{interior_factor!r}*{size}")
        inside = field.add("Restrict")
        field.setNumber(inside, "InField", shorter)
        field.setNumbers(inside, "VolumesList", [tag for _, tag in regions])
        field.setNumber(inside, "IncludeBoundary", 0)
        smaller = field.add("Min")
        field.setNumbers(smaller, "FieldsList", [chosen, inside])
        chosen = smaller
    field.setAsBackgroundMesh(chosen)


def _ellipsoid(dimension: int, centre: list[float], axes: list[float]) -> tuple[int, int]:
    """A solid ellipsoid, or the half of its cut with the plane of (r, z) that has r >= 0."""
    occ = gmsh.model.occ
    if dimension == 3:
        solid = (3, occ.addSphere(*centre, 1.0))
        occ.dilate([solid], *centre, *axes)
        return solid
    middle, radius, height = centre[2], axes[0], axes[2]
    ends = [(0.0, middle - height), (radius, middle), (0.0, middle + height)]
    bottom, right, top = (occ.addPoint(r, z, 0.0) for r, z in ends)
    about = occ.addPoint(0.0, middle, 0.0)
    major = right if radius > height else top
    arcs = [occ.addEllipseArc(a, about, major, b) for a, b in ((bottom, right), (right, top))]
    loop = occ.addCurveLoop([*arcs, occ.addLine(top, bottom)])
    occ.remove([(0, about)])
    return 2, occ.addPlaneSurface([loop])


def _nest(shells: DimTags, holes: DimTags, embedded: list[list[float]]) -> DimTags:
    """Make shells, given from the inside out, share their surfaces; cut holes; make points vertices."""
    occ, dimension = gmsh.model.occ, shells[0][0]
    if len(shells) > 1:
        shells = occ.fragment(shells[-1:], shells[:-1])[0]
    if holes:
        shells = occ.cut(shells, holes)[0]
    if embedded:
        tips = [occ.addPoint(*(tip if dimension == 3 else (tip[0], tip[2], 0.0))) for tip in embedded]
        occ.fragment(shells, [(0, tip) for tip in tips])
    occ.synchronize()
    return sorted(gmsh.model.getEntities(dimension), key=_diameter)


def _diameter(entity: tuple[int, int]) -> float:
    box = np.array(gmsh.model.getBoundingBox(*entity))
    return float(np.max(box[3:] - box[:3]))


def _collect(regions: DimTags) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int32]]:
    """Vertices of the cells, in gmsh's order, and cells, region by region."""
    tags, coordinates, _ = gmsh.model.mesh.getNodes()
    dimension = regions[0][0]
    cells, numbers = [], []
    for number, entity in enumerate(regions):
        _, _, (nodes,) = gmsh.model.mesh.getElements(*entity)
        cells.append(np.reshape(nodes, (-1, dimension + 1)).astype(np.int64))
        numbers.append(np.full(len(cells[-1]), number, dtype=np.int32))
    used, compact = np.unique(np.concatenate(cells), return_inverse=True)
    place = np.zeros(int(tags.max()) + 1, dtype=np.int64)
    place[tags.astype(np.int64)] = np.arange(len(tags))
    points = coordinates.reshape(-1, 3)[place[used], :dimension]
    return points, compact.reshape(-1, dimension + 1), np.concatenate(numbers)


if __name__ == "__main__":
    main(*sys.argv[1:])

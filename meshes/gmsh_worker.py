# SPDX-License-Identifier: MIT
"""A process of its own that drives gmsh: ``python -m meshes.gmsh_worker task.json mesh.npz``.

gmsh is under the GPL and keeps global state, so it is reached through files only. Lengths are in
millimetres here, because the geometry kernel has an absolute tolerance of 1e-7.
"""

import json
import sys
from pathlib import Path
from typing import Any

import gmsh
import numpy as np
from numpy.typing import NDArray

DimTags = list[tuple[int, int]]


def main(task_file: str, mesh_file: str) -> None:
    """Mesh what a task describes and write points, cells and the number of the region of each cell.

    Args:
        task_file: JSON as ``meshes.gmsh_process`` writes it.
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
    field = gmsh.model.mesh.field.add("MathEval")
    gmsh.model.mesh.field.setString(field, "F", task["size"])
    gmsh.model.mesh.field.setAsBackgroundMesh(field)


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
    """Make shells, given from the inside out, share their surfaces; cut holes; embed points."""
    occ, dimension = gmsh.model.occ, shells[0][0]
    if len(shells) > 1:
        shells = occ.fragment(shells[-1:], shells[:-1])[0]
    if holes:
        occ.cut(shells, holes)
    tips = [occ.addPoint(*(point if dimension == 3 else (point[0], point[2], 0.0))) for point in embedded]
    occ.synchronize()
    regions = sorted(gmsh.model.getEntities(dimension), key=_diameter)
    for tip, point in zip(tips, embedded, strict=True):
        holder = next(r for r in regions if gmsh.model.isInside(*r, _in_model(dimension, point)))
        gmsh.model.mesh.embed(0, [tip], *holder)
    return regions


def _in_model(dimension: int, point: list[float]) -> list[float]:
    return point if dimension == 3 else [point[0], point[2], 0.0]


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

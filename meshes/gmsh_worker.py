# SPDX-License-Identifier: MIT
"""A process of its own that drives gmsh: ``python -m meshes.gmsh_worker task.json mesh.npz``.

gmsh is under the GPL and keeps global state, so it is reached through files only. Lengths are in
millimetres here, because the geometry kernel has an absolute tolerance of 1e-7.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def main(task_file: str, mesh_file: str) -> None:
    """Mesh what a task describes and write points, cells and the entity of each cell.

    Args:
        task_file: JSON as ``meshes.gmsh_process`` writes it.
        mesh_file: NumPy archive to write.
    """
    import gmsh  # here, so that a missing gmsh ends in a message, not in a traceback of an import

    task = json.loads(Path(task_file).read_text(encoding="utf-8"))
    gmsh.initialize(["gmsh", "-v", "2"], readConfigFiles=False, interruptible=False)
    try:
        gmsh.option.setNumber("General.NumThreads", 1)
        for name in ("MeshSizeFromPoints", "MeshSizeFromCurvature", "MeshSizeExtendFromBoundary"):
            gmsh.option.setNumber(f"Mesh.{name}", 0)
        gmsh.option.setNumber("Mesh.Algorithm3D", task["algorithm"])
        gmsh.option.setNumber("Mesh.Algorithm", 6)
        entities = _solids(gmsh, task) if task["dimension"] == 3 else _half_discs(gmsh, task)
        _set_sizes(gmsh, task["size"])
        gmsh.model.mesh.generate(task["dimension"])
        points, cells, regions = _collect(gmsh, task["dimension"], entities)
    finally:
        gmsh.finalize()
    np.savez(mesh_file, points=points, cells=cells, regions=regions, version=np.array(gmsh.__version__))


def _solids(gmsh: Any, task: dict[str, Any]) -> list[int]:
    """Build nested ellipsoids with spherical holes; volumes from the inside out."""
    occ = gmsh.model.occ
    shells = []
    for axes in task["ellipsoids"]:
        tag = occ.addSphere(0, 0, 0, 1)
        occ.dilate([(3, tag)], 0, 0, 0, *axes)
        shells.append((3, tag))
    holes = [(3, occ.addSphere(*hole["centre"], hole["radius"])) for hole in task["holes"]]
    if len(shells) > 1:
        occ.fragment(shells[-1:], shells[:-1])
        occ.synchronize()
        shells = gmsh.model.getEntities(3)
        shells = [shell for shell in shells if shell not in holes]
    if holes:
        occ.cut(shells, holes)
    occ.synchronize()
    _embed(gmsh, task, 3)
    return _from_inside_out(gmsh, 3)


def _half_discs(gmsh: Any, task: dict[str, Any]) -> list[int]:
    """Build nested half-ellipses in the half-plane x >= 0 with half-circular holes on the axis."""
    occ = gmsh.model.occ
    discs = [_half_disc(occ, 0.0, axes[0], axes[2]) for axes in task["ellipsoids"]]
    holes = [_half_disc(occ, hole["centre"][2], hole["radius"], hole["radius"]) for hole in task["holes"]]
    if len(discs) > 1:
        discs = occ.fragment(discs[-1:], discs[:-1])[0]
    if holes:
        occ.cut(discs, holes)
    occ.synchronize()
    _embed(gmsh, task, 2)
    return _from_inside_out(gmsh, 2)


def _half_disc(occ: Any, z: float, radius: float, height: float) -> tuple[int, int]:
    bottom, right, top = occ.addPoint(0, z - height, 0), occ.addPoint(radius, z, 0), occ.addPoint(0, z + height, 0)
    centre = occ.addPoint(0, z, 0)
    major = right if radius >= height else top
    curves = [
        occ.addEllipseArc(bottom, centre, major, right),
        occ.addEllipseArc(right, centre, major, top),
        occ.addLine(top, bottom),
    ]
    return 2, occ.addPlaneSurface([occ.addCurveLoop(curves)])

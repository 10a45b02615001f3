# SPDX-License-Identifier: MIT
"""Makes the mesh of the case ``own_mesh``: a ball of liver with a round lesion, as Gmsh writes meshes.

Run it as ``python cases/shipped/make_demo_mesh.py``; it writes ``demo_mesh.msh`` beside itself, the same
bytes each time. Lengths are in millimetres, parts have names, and cells are coarse: a run
refines them at the needle.
"""

from pathlib import Path
from typing import Final

import numpy as np

from meshes.cells.background import kuhn_ball
from meshes.cells.tetrahedra import faces_between

OUT: Final = Path(__file__).with_name("demo_mesh.msh")
RADIUS: Final = 32.0
"""Of the ball [mm]."""
DIVISIONS: Final = 8
"""Of the ball along a diameter; its layers are balls."""
LESION: Final = 0.5
"""Radius of the lesion over that of the ball: two of four layers."""
NAMES: Final = '$PhysicalNames\n3\n2 1 "capsule of the liver"\n3 2 "lesion"\n3 3 "liver"\n$EndPhysicalNames\n'


def main(out: Path = OUT) -> None:
    """Write the file."""
    points, cells = kuhn_ball(np.zeros(3), RADIUS, DIVISIONS)
    farthest = np.linalg.norm(points[cells], axis=2).max(axis=1)
    inside = farthest < (LESION + 0.01) * RADIUS
    faces, _ = faces_between(cells, np.zeros(len(cells), dtype=np.int32))
    rows = [f"2 2 1 1 {a} {b} {c}" for a, b, c in faces + 1]
    tags = np.where(inside, 2, 3)
    rows += [f"4 2 {t} {t} {a} {b} {c} {d}" for t, (a, b, c, d) in zip(tags, cells + 1, strict=True)]
    nodes = [f"{i} {x:.5g} {y:.5g} {z:.5g}" for i, (x, y, z) in enumerate(points + 0.0, start=1)]
    elements = [f"{i} {row}" for i, row in enumerate(rows, start=1)]
    text = "$MeshFormat\n2.2 0 8\n$EndMeshFormat\n" + NAMES
    text += "\n".join(
        ["$Nodes", str(len(nodes)), *nodes, "$EndNodes", "$Elements", str(len(elements)), *elements]
    )
    out.write_text(text + "\n$EndElements\n", encoding="ascii")


if __name__ == "__main__":
    main()

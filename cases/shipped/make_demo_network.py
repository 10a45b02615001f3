# SPDX-License-Identifier: MIT
"""Makes the synthetic network of the case ``vessel_network``: an artery that branches, a vein that gathers.

Run it as ``python cases/shipped/make_demo_network.py``; it writes ``demo_network.vtp`` beside itself, the
same bytes each time. Each vessel splits in two by Murray's cube law of the radii, four times, by turns across
y and z; the sixteen smallest run on into the mirror image, which gathers them.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float, float]

OUT: Final = Path(__file__).with_name("demo_network.vtp")
LEVELS: Final = 4
LENGTH: Final = 12.0
"""From the first point to the middle [mm]."""
SPREAD: Final = 5.0
"""Half distance of the first two branches [mm]; halved every second time."""
RADIUS: Final = 0.4
"""Of the stem [mm]."""
ASIDE: Final = 0.7
"""By how much branches of the vein are turned aside from those of the artery, so that none coincide [mm]."""


def main(out: Path = OUT) -> None:
    """Write the file."""
    points: list[Point] = [(-LENGTH - 3.0, 0.0, 0.0)]
    radii: list[float] = [RADIUS]
    lines: list[tuple[int, int]] = []
    rows = {side: tree(side, points, radii, lines) for side in (-1.0, 1.0)}
    lines += list(zip(rows[-1.0], rows[1.0], strict=True))
    text = document(np.array(points), np.array(radii), np.array(lines))
    out.write_text(text, encoding="ascii")


def tree(side: float, points: list[Point], radii: list[float], lines: list[tuple[int, int]]) -> list[int]:
    """Add one half; returns its smallest branches."""
    if side > 0:
        points.append((LENGTH + 3.0, 0.0, 0.0))
        radii.append(RADIUS)
    row = [len(points) - 1]
    for level in range(LEVELS + 1):
        following = []
        for parent in row:
            for turn in (-1.0, 1.0) if level else (0.0,):
                across = np.array(points[parent][1:]) * (level > 0)
                if level:
                    across[level % 2] += turn * SPREAD / 2 ** ((level - 1) // 2)
                x = side * (LENGTH * (1 - level / (LEVELS + 0.5)))
                points.append(
                    (x, float(across[0]) + (ASIDE if side > 0 and level == 1 else 0.0), float(across[1]))
                )
                radii.append(RADIUS * 2 ** (-level / 3))
                lines.append((parent, len(points) - 1))
                following.append(len(points) - 1)
        row = following
    return row


def document(points: NDArray[Any], radii: NDArray[Any], lines: NDArray[Any]) -> str:
    """The network as VTK PolyData in plain text."""

    def array(name: str, kind: str, values: NDArray[Any], width: int = 1) -> str:
        rows = "\n".join(" ".join(f"{value:g}" for value in row) for row in values.reshape(-1, width))
        head = f'<DataArray type="{kind}" Name="{name}" NumberOfComponents="{width}" format="ascii">'
        return f"{head}\n{rows}\n</DataArray>"

    ends = 2 * np.arange(1, len(lines) + 1)
    return "\n".join(
        [
            '<VTKFile type="PolyData" version="1.0" byte_order="LittleEndian">',
            f'<PolyData><Piece NumberOfPoints="{len(points)}" NumberOfLines="{len(lines)}">',
            f"<PointData>{array('Radius', 'Float64', radii)}</PointData>",
            f"<Points>{array('Points', 'Float64', points, 3)}</Points>",
            f"<Lines>{array('connectivity', 'Int64', lines)}{array('offsets', 'Int64', ends)}</Lines>",
            "</Piece></PolyData>",
            "</VTKFile>",
            "",
        ]
    )


if __name__ == "__main__":
    main()

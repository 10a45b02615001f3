# SPDX-License-Identifier: MIT
"""What lies in tissue beside the tumour: large vessels, networks, tracks along needles, side holes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyvista as pv
from numpy.typing import NDArray
from vtkmodules.vtkFiltersGeometry import vtkDataSetSurfaceFilter

from meshes.regions import REGION_NAMES, VESSEL_REGIONS
from postprocess.figures.style import INK
from postprocess.results.ablation import part
from postprocess.results.result import Needle, Result, ResultError
from solver.results.fields import REGION

LINES: Final = "vessels"
TRACK: Final = "track"
HOLES: Final = "holes"

LAYERS: Final[tuple[tuple[str, str, str, float], ...]] = (
    ("large_artery", "large arteries", "#b2182b", 1.0),
    ("large_vein", "large veins", "#4a5a8a", 1.0),
    ("portal_vein", "portal vein", "#2d8a6e", 1.0),
    (LINES, "vessels given by lines", "#882255", 1.0),
    (HOLES, "side holes", INK, 1.0),
    (TRACK, "track of backflow (not to scale)", "#999933", 0.35),
)
"""Name, words, colour and opacity of every layer, in the order of legends; the last can be seen through."""

SIDES: Final = 14
"""Of the tube around a line."""

SMOOTHINGS: Final = 20
"""Passes of Taubin's smoothing (1995) of a vessel made of cells, for the eye alone."""

TRACK_WIDTH: Final = 1.8
"""Radius of the drawn track over that of the needle; the gap itself is micrometres wide."""

FARTHEST_TRACK: Final = 0.06
"""Length of a track that is drawn where it goes as far as the mesh [m]."""

HOLE: Final = 1.35
"""Radius of the ring drawn at side holes, over that of the needle."""


@dataclass(frozen=True, kw_only=True)
class Tubes:
    """Centre lines with radii.

    Attributes:
        places: [m], shape ``(n, 3)``.
        edges: pairs of numbers of places, shape ``(m, 2)``.
        radii: at each place [m], shape ``(n,)``.
    """

    places: NDArray[np.float64]
    edges: NDArray[np.int64]
    radii: NDArray[np.float64]

    def lines(self) -> pv.PolyData:
        """As lines with the point field ``radius`` [m]."""
        pairs = np.column_stack([np.full(len(self.edges), 2), self.edges])
        found = pv.PolyData(self.places, lines=pairs.ravel())
        found.point_data["radius"] = self.radii
        return found

    def surface(self) -> pv.PolyData:
        """Triangles of a closed tube around each edge, and a ball at each place where edges meet or end."""
        pieces: list[pv.PolyData] = []
        start, end = self.places[self.edges[:, 0]], self.places[self.edges[:, 1]]
        long = np.linalg.norm(end - start, axis=1) > 0.0
        for a, b in self.edges[long]:
            along = self.places[b] - self.places[a]
            pieces.append(_frustum(self.places[a], along, float(self.radii[a]), float(self.radii[b])))
        for place, radius in zip(self.places, self.radii, strict=True):
            pieces.append(pv.Sphere(radius=radius, center=place, theta_resolution=SIDES, phi_resolution=9))
        return joined(pieces)


def vessels(result: Result) -> tuple[Tubes, ...]:
    """Vessels that the case gives as lines: `[[vessel_lines]]` and the network that feeds the tissue.

    Raises:
        ResultError: the resolved case names places that are not there.
    """
    if result.geometry != "3d":
        return ()
    tables = [*result.resolved.get("vessel_lines", ())]
    network = result.resolved.get("vessels", {}).get("network")
    return tuple(_tubes(result, table) for table in [*tables, *([network] if network else [])])


def _tubes(result: Result, table: dict[str, Any]) -> Tubes:
    places = np.array(table["places"], dtype=np.float64).reshape(-1, 3)
    edges = np.array(table["edges"], dtype=np.int64).reshape(-1, 2)
    radii = np.array(table["radii"], dtype=np.float64)
    if len(radii) != len(places) or (len(edges) and not 0 <= edges.min() <= edges.max() < len(places)):
        raise ResultError(f"{result.folder}: resolved.toml: the lines of a vessel do not fit together")
    return Tubes(places=places, edges=edges, radii=radii)


def tracks(result: Result, needles: Iterable[Needle]) -> tuple[Tubes, ...]:
    """The way back along each needle to the surface, where needles leak; drawn wider than it is.

    Args:
        result: of any geometry.
        needles: in the coordinates of the picture.
    """
    backflow = result.resolved.get("backflow")
    if backflow is None:
        return ()
    depth = min(float(backflow.get("exit_distance") or FARTHEST_TRACK), 10.0)
    return tuple(
        Tubes(
            places=np.array([needle.tip, needle.tip - depth * needle.direction]),
            edges=np.array([[0, 1]]),
            radii=np.full(2, TRACK_WIDTH * needle.radius),
        )
        for needle in needles
    )


def additions(result: Result, needles: Iterable[Needle]) -> dict[str, pv.PolyData]:
    """Surfaces [m] of vessels given as lines, of tracks and of side holes; what is not there is left out.

    Args:
        result: of any geometry.
        needles: in the coordinates of the picture.
    """
    needles = tuple(needles)
    rings = [_ring(needle, back) for needle in needles for back in needle.holes]
    found = {
        LINES: joined(tubes.surface() for tubes in vessels(result)),
        HOLES: joined(rings),
        TRACK: joined(tubes.surface() for tubes in tracks(result, needles)),
    }
    return {name: surface for name, surface in found.items() if surface.n_cells}


def vessel_regions(grid: pv.UnstructuredGrid) -> dict[str, pv.PolyData]:
    """Surfaces [m] of the cells of large vessels by name of the region, smoothed for the eye.

    Args:
        grid: of the 3-D geometry.
    """
    tags = np.asarray(grid.cell_data[REGION.key])
    found = {}
    for tag in VESSEL_REGIONS:
        if (tags == tag).any():
            skin = vtkDataSetSurfaceFilter()
            skin.SetInputData(part(grid, tags == tag))
            skin.Update()
            bare = pv.wrap(skin.GetOutput())
            bare = pv.PolyData(np.asarray(bare.points), faces=bare.faces).clean()
            found[REGION_NAMES[tag]] = bare.smooth_taubin(n_iter=SMOOTHINGS, pass_band=0.08)
    return found


def joined(surfaces: Iterable[pv.PolyData]) -> pv.PolyData:
    """Surfaces as one, triangles without data."""
    points, faces, count = [], [], 0
    for surface in surfaces:
        points.append(np.asarray(surface.points, dtype=np.float64))
        faces.append(surface.triangulate().regular_faces + count)
        count += surface.n_points
    if not points:
        return pv.PolyData()
    return pv.PolyData.from_regular_faces(np.concatenate(points), np.concatenate(faces))


def _frustum(
    start: NDArray[np.float64], along: NDArray[np.float64], first: float, last: float
) -> pv.PolyData:
    """The open side of a cone cut off at both ends, its faces seen from outside."""
    across, beside = _aside(along)
    angles = np.linspace(0.0, 2.0 * np.pi, SIDES, endpoint=False)[:, None]
    ring = np.cos(angles) * across + np.sin(angles) * beside
    here, there = np.arange(SIDES), np.roll(np.arange(SIDES), -1)
    lower = np.stack([here, there, there + SIDES], axis=1)
    upper = np.stack([here, there + SIDES, here + SIDES], axis=1)
    points = np.concatenate([start + first * ring, start + along + last * ring])
    return pv.PolyData.from_regular_faces(points, np.concatenate([lower, upper]))


def _aside(along: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two unit vectors that with the direction make a right-handed frame."""
    direction = along / np.linalg.norm(along)
    across = np.cross(direction, np.eye(3)[int(np.argmin(np.abs(direction)))])
    across /= np.linalg.norm(across)
    return across, np.cross(direction, across)


def _ring(needle: Needle, back: float) -> pv.PolyData:
    """A band around the shaft at the distance ``back`` behind the tip [m], where holes are."""
    half, radius = 0.5 * needle.radius, HOLE * needle.radius
    start = needle.tip - (back + half) * needle.direction
    return _frustum(start, 2.0 * half * needle.direction, radius, radius)

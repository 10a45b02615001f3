# SPDX-License-Identifier: MIT
"""What lies in tissue beside the tumour: large vessels, networks, tracks along needles, side holes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
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

MOST_EDGES: Final = 2000
"""Of all vessels given by lines that are drawn; half a million triangles."""

FINENESS: Final = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3)
"""Shares of a network's extent within which its places are drawn as one, tried in turn."""

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
        if not len(self.places):
            return pv.PolyData()
        ends = self.places[self.edges]
        long = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) > 0.0
        ball = pv.Sphere(radius=1.0, theta_resolution=SIDES, phi_resolution=9)
        round_ = np.asarray(ball.points, dtype=np.float64)
        points, faces = _frusta(ends[long], self.radii[self.edges[long]])
        balls = self.places[:, None] + self.radii[:, None, None] * round_
        start = len(points) + len(round_) * np.arange(len(self.places))[:, None, None]
        corners = np.concatenate([faces, (start + ball.regular_faces).reshape(-1, 3)])
        return pv.PolyData.from_regular_faces(np.concatenate([points, balls.reshape(-1, 3)]), corners)

    def thinned(self, most: int) -> "Tubes":
        """The same with so few edges that they can be drawn; the widest vessels stay.

        Places that lie close together become the widest of them, as far apart as leaves few enough edges,
        but no farther than a share of the extent; the narrowest of the edges that are then too many go.

        Args:
            most: edges that there may be.
        """
        found = self
        for share in FINENESS:
            if len(found.edges) <= most:
                return found
            found = self._merged(share * float(np.linalg.norm(np.ptp(self.places, axis=0))))
        width = found.radii[found.edges].mean(axis=1)
        kept = np.sort(np.argsort(-width, kind="stable")[:most])
        return found._of_edges(found.edges[kept])

    def _merged(self, distance: float) -> "Tubes":
        """Places within cubes of an edge [m] as the widest of them."""
        cube = np.floor((self.places - self.places.min(axis=0)) / distance).astype(np.int64)
        _, number = np.unique(cube, axis=0, return_inverse=True)
        number = number.reshape(-1)
        # ascending radii: the last that is written stays
        widest = np.zeros(number.max() + 1, dtype=np.int64)
        order = np.argsort(self.radii, kind="stable")
        widest[number[order]] = order
        moved = np.sort(widest[number[self.edges]], axis=1)
        return self._of_edges(np.unique(moved[moved[:, 0] != moved[:, 1]], axis=0))

    def _of_edges(self, edges: NDArray[np.int64]) -> "Tubes":
        """Some edges, and the places that they use."""
        used, compact = np.unique(edges, return_inverse=True)
        return Tubes(places=self.places[used], edges=compact.reshape(-1, 2), radii=self.radii[used])


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


def together(parts: Iterable[Tubes]) -> Tubes:
    """Several sets of centre lines as one."""
    nothing = Tubes(places=np.zeros((0, 3)), edges=np.zeros((0, 2), dtype=np.int64), radii=np.zeros(0))
    known = (nothing, *parts)
    start = np.cumsum([0, *(len(part.places) for part in known[:-1])])
    return Tubes(
        places=np.concatenate([part.places for part in known]),
        edges=np.concatenate([part.edges + first for part, first in zip(known, start, strict=True)]),
        radii=np.concatenate([part.radii for part in known]),
    )


@lru_cache(maxsize=4)
def _drawn(places: bytes, edges: bytes, radii: bytes) -> pv.PolyData:
    """The surface of centre lines with not too many edges; pictures and pages of a result ask again."""
    tubes = Tubes(
        places=np.frombuffer(places).reshape(-1, 3),
        edges=np.frombuffer(edges, dtype=np.int64).reshape(-1, 2),
        radii=np.frombuffer(radii),
    )
    return tubes.thinned(MOST_EDGES).surface()


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
    lines = together(vessels(result))
    rings = [_ring(needle, back) for needle in needles for back in needle.holes]
    found = {
        LINES: _drawn(lines.places.tobytes(), lines.edges.tobytes(), lines.radii.tobytes()).copy(deep=False),
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


def _frusta(
    ends: NDArray[np.float64], radii: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points and faces of the open sides of cones cut off at both ends, faces seen from outside.

    Args:
        ends: of their axes [m], shape ``(n, 2, 3)``.
        radii: there [m], shape ``(n, 2)``.
    """
    across, beside = _aside(ends[:, 1] - ends[:, 0])
    angles = np.linspace(0.0, 2.0 * np.pi, SIDES, endpoint=False)[:, None]
    ring = np.cos(angles) * across[:, None] + np.sin(angles) * beside[:, None]
    points = ends[:, :, None] + radii[:, :, None, None] * ring[:, None]
    here, there = np.arange(SIDES), np.roll(np.arange(SIDES), -1)
    lower = np.stack([here, there, there + SIDES], axis=1)
    upper = np.stack([here, there + SIDES, here + SIDES], axis=1)
    start = 2 * SIDES * np.arange(len(ends))[:, None, None]
    faces = start + np.concatenate([lower, upper])
    return points.reshape(-1, 3), faces.reshape(-1, 3).astype(np.int64)


def _aside(along: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two unit vectors for each direction, shape ``(n, 3)``, that with it make a right-handed frame."""
    direction = along / np.linalg.norm(along, axis=1)[:, None]
    across = np.cross(direction, np.eye(3)[np.abs(direction).argmin(axis=1)])
    across /= np.linalg.norm(across, axis=1)[:, None]
    return across, np.cross(direction, across)


def _ring(needle: Needle, back: float) -> pv.PolyData:
    """A band around the shaft at the distance ``back`` behind the tip [m], where holes are."""
    half = 0.5 * needle.radius
    ends = needle.tip - np.array([[back + half], [back - half]]) * needle.direction
    return pv.PolyData.from_regular_faces(*_frusta(ends[None], np.full((1, 2), HOLE * needle.radius)))

# SPDX-License-Identifier: MIT
"""What each case of a sweep ablates, at the points of one grid: a bit for each point and threshold."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.cells.raster import Grid, Lookup, grid_around, look_up
from meshes.geometry import LabelGeometry, Site
from meshes.plain import PlainMesh
from solver.ablation.distance import distance_to_surface
from solver.ablation.metrics import Level, tumour_shape

if TYPE_CHECKING:
    from cases.case import Case
    from cases.schema.sweep import ProbabilityTable

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MASK: Final = "ablated.npz"
"""Of a finished case, in its folder."""
OUTLINE: Final = "tumour.npy"
"""Signed distance from the tumour's surface at the grid's points [m], in the folder of the sweep."""
POINTS: Final = {"radial": 400, "axisymmetric": 200, "3d": 64}
"""Along the longest side of the grid, by default."""
MARGIN: Final = 0.6
"""Of the grid around the tumour by default, over half the tumour's longest side."""
MOST_POINTS: Final = 20_000_000


@dataclass(frozen=True, kw_only=True)
class MapRequest:
    """Where a sweep looks, and what for.

    Attributes:
        grid: the points.
        levels: the thresholds.
        needles: of the first case, for pictures: tip, direction, radius, length.
        images: whether the coordinates are those of a patient's images.
    """

    grid: Grid
    levels: tuple[Level, ...]
    needles: tuple[dict[str, Any], ...]
    images: bool

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return dict(json.loads(json.dumps(asdict(self))))

    @staticmethod
    def of(record: dict[str, Any]) -> "MapRequest":
        """From `record`."""
        told = record["grid"]
        return MapRequest(
            grid=Grid(
                geometry=str(told["geometry"]),
                origin=tuple(told["origin"]),
                spacing=float(told["spacing"]),
                shape=tuple(told["shape"]),
            ),
            levels=tuple(Level(**level) for level in record["levels"]),
            needles=tuple(record["needles"]),
            images=bool(record["images"]),
        )


def request_map(case: "Case", table: "ProbabilityTable") -> tuple[MapRequest, Floats]:
    """The grid around the tumour of a case and its thresholds, and the tumour on that grid.

    Args:
        case: first of the sweep.
        table: what the sweep asks for.

    Returns:
        The request, and the signed distance from the tumour's surface [m], negative inside.

    Raises:
        GeometryError: when the geometry cannot be meshed.
        ValueError: the grid would have too many points, or there is no threshold or no tumour.
    """
    from cases.running.levels import levels_of
    from meshes.build import build_mesh

    plain = build_mesh(case.geometry)
    tumour = tumour_shape(plain)
    if not tumour.inside.any():
        raise ValueError("there is no tumour, around which a map would be made")
    corners = plain.points[plain.cells[tumour.inside]].reshape(-1, plain.points.shape[1])
    low, high = corners.min(axis=0), corners.max(axis=0)
    half = float(high[0] if plain.geometry == "radial" else (high - low).max() / 2)
    margin = MARGIN * half if table.margin is None else table.margin
    # the far field need not be looked at
    low = np.maximum(low - margin, plain.points.min(axis=0))
    high = np.minimum(high + margin, plain.points.max(axis=0))
    spacing = table.spacing or float((high - low).max()) / POINTS[plain.geometry]
    if float(np.prod((high - low) / spacing)) > MOST_POINTS:
        raise ValueError(f"more than {MOST_POINTS:,} points; expected a larger `spacing`")
    levels = tuple(levels_of(case))
    if not levels:
        raise ValueError(f"no threshold is known for {case.model.agent.name}; state [thresholds] in the case")
    grid = grid_around(plain.geometry, low, high, spacing)
    request = MapRequest(
        grid=grid,
        levels=levels,
        needles=tuple(
            {
                "tip": site.tip,
                "direction": site.direction,
                "radius": site.needle_radius,
                "length": site.shaft_length,
            }
            for site in case.geometry.sites
        ),
        images=isinstance(case.geometry, LabelGeometry),
    )
    return request, signed_distance(grid, plain, case.geometry.sites)


def signed_distance(grid: Grid, plain: PlainMesh, sites: tuple[Site, ...]) -> Floats:
    """Distance of the grid's points from the tumour's surface [m], negative inside, as the grid."""
    tumour, found = tumour_shape(plain), look_up(grid, plain)
    inside = found.inside & tumour.inside[np.maximum(found.cell, 0)]
    for site in sites:
        # what a needle has opened is no tissue, but no outside of the tumour either
        x, y, z = site.tip
        tip = {1: [np.linalg.norm(site.tip)], 2: [np.hypot(x, y), z], 3: [x, y, z]}[len(grid.shape)]
        near = np.linalg.norm(grid.points - np.array(tip), axis=1) <= site.needle_radius
        inside |= near & ~found.inside
    distance = distance_to_surface(grid.points, tumour.surface)
    return np.asarray(np.where(inside, -distance, distance).reshape(grid.shape))


class Sampler:
    """Writes what cases ablate; remembers where the grid lies in the last mesh."""

    def __init__(self, request: MapRequest) -> None:
        self.request = request
        self._plain: PlainMesh | None = None
        self._lookup: Lookup | None = None

    def write(self, folder: Path, plain: PlainMesh, ct: Floats, peak: Floats) -> None:
        """Write the masks of a case: beside, flushed to disk, then renamed.

        Args:
            folder: of the case.
            plain: its mesh.
            ct: dose at the vertices [kg s/m3].
            peak: largest concentration there [kg/m3].
        """
        if self._lookup is None or plain is not self._plain:
            self._plain, self._lookup = plain, look_up(self.request.grid, plain)
        fields = {"ct": self._lookup.values(ct), "peak": self._lookup.values(peak)}
        inside = self._lookup.inside
        ablated = [inside & (fields[level.measure] >= level.threshold) for level in self.request.levels]
        write_masks(folder / MASK, inside, np.array(ablated))


def write_masks(path: Path, inside: Flags, ablated: Flags) -> None:
    """Write masks whole or not at all.

    Args:
        path: of the file.
        inside: whether there is tissue at each point, shape ``(size,)``.
        ablated: whether each threshold is reached there, shape ``(levels, size)``.
    """
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as stream:
        np.savez_compressed(stream, inside=np.packbits(inside), ablated=np.packbits(ablated, axis=1))
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def read_masks(path: Path, size: int) -> tuple[Flags, Flags]:
    """What `write_masks` wrote.

    Raises:
        OSError: there is none.
        ValueError: it is damaged, or of another grid.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            packed = archive["inside"], archive["ablated"]
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f"{path}: damaged ({error})") from error
    if packed[0].shape != ((size + 7) // 8,) or packed[1].shape[1:] != packed[0].shape:
        raise ValueError(f"{path}: of another grid")
    return (
        np.unpackbits(packed[0], count=size).astype(bool),
        np.unpackbits(packed[1], axis=1, count=size).astype(bool),
    )


def write_outline(folder: Path, distance: Floats) -> None:
    """Write the tumour on the grid into the folder of a sweep."""
    partial = folder / f".{OUTLINE}.partial"
    with partial.open("wb") as stream:
        np.save(stream, distance.astype(np.float32))
    partial.replace(folder / OUTLINE)

# SPDX-License-Identifier: MIT
"""A result as an explorer shows it: zones at any stored time and threshold, their volumes and surfaces."""

from dataclasses import dataclass

import numpy as np
import pyvista as pv
from numpy.typing import NDArray

from postprocess.figures.section import choose_plane, tumour_centre
from postprocess.figures.surfaces import skins
from postprocess.figures.vasculature import HOLES, TRACK, additions, vessel_regions
from postprocess.images.solids import surface
from postprocess.results.ablation import ablated, in_tumour, part, volume
from postprocess.results.result import MEASURES, Needle, Result
from solver.results.fields import REGION

LEAST_SHARE = 0.5
"""The lowest threshold that can be asked for, over the lowest of the case."""

ORIGINAL = "vtkOriginalPointIds"


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A plane that takes away what lies before it.

    Attributes:
        origin: a point of it [m].
        normal: towards what is taken away.
    """

    origin: NDArray[np.float64]
    normal: NDArray[np.float64]

    def of(self, mesh: pv.DataSet) -> pv.DataSet:
        """What is left of a mesh; a solid stays closed."""
        return mesh.clip(normal=self.normal, origin=self.origin) if mesh.n_cells else mesh


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Volumes at one time and threshold [m3].

    Attributes:
        in_tumour: ablated in the tumour.
        outside: ablated elsewhere.
        tumour: the whole tumour, of ``summary.json``.
    """

    in_tumour: float
    outside: float
    tumour: float


class Shown:
    """Keeps a mesh in two parts and the values at one time, so that a slider is answered quickly.

    Args:
        result: of any geometry.
    """

    result: Result
    largest: dict[str, float]
    lowest: dict[str, float]
    additions: dict[str, pv.PolyData]

    def __init__(self, result: Result) -> None:
        self.result = result
        keys = set(MEASURES.values())
        self._grid = next(result.grids({*keys, REGION.key}, result.times[-1:]))
        self._time = result.times[-1]
        self.largest = {
            measure: float(np.asarray(self._grid.point_data[key]).max()) for measure, key in MEASURES.items()
        }
        self.lowest = {measure: self._lowest(measure) for measure in MEASURES}
        inside = in_tumour(self._grid)
        self._parts = [part(self._grid, inside), part(self._grid, ~inside & self._reached())]
        self.additions = additions(result, result.needles if result.geometry != "radial" else ())
        if result.geometry == "3d":
            self.additions |= vessel_regions(self._grid)
        self.centre = tumour_centre(self._grid)
        self.size = max(
            float(np.ptp(np.asarray(surface.points), axis=0).max()) / 2
            for surface in (
                self.surfaces(self._time, "ct", self.lowest["ct"])[name] for name in ("hit", "tumour")
            )
            if surface.n_points
        )

    def _lowest(self, measure: str) -> float:
        levels = [e["threshold"] for e in self.result.summary["ablation"] if e["measure"] == measure]
        return LEAST_SHARE * min(levels) if levels else 1e-3 * max(self.largest[measure], 1e-12)

    def _reached(self) -> NDArray[np.bool_]:
        """Cells that some threshold can reach at the end, the only ones that matter outside the tumour."""
        ((_, cells),) = self._grid.cells_dict.items()
        reached = np.zeros(len(cells), dtype=bool)
        for measure, key in MEASURES.items():
            values = np.asarray(self._grid.point_data[key])
            reached |= values[cells].max(axis=1) >= self.lowest[measure]
        return reached

    def _at(self, time: float) -> None:
        time = self.result.nearest_time(time)
        if time == self._time:
            return
        keys = set(MEASURES.values())
        fresh = next(self.result.grids(keys, [time]))
        for key in keys:
            values = np.asarray(fresh.point_data[key])
            self._grid.point_data[key] = values
            for piece in self._parts:
                piece.point_data[key] = values[piece.point_data[ORIGINAL]]
        self._time = time

    def figures(self, time: float, measure: str, threshold: float) -> Figures:
        """Volumes at the stored time nearest to one.

        Args:
            time: [s].
            measure: ``ct`` or ``peak``.
            threshold: in SI.
        """
        self._at(time)
        geometry, key = self.result.geometry, MEASURES[measure]
        inside, outside = (
            volume(ablated(piece, key, threshold), geometry) if piece.n_cells else 0.0
            for piece in self._parts
        )
        tumour = float(self.result.summary["tumour"]["volume_m3"])
        return Figures(in_tumour=inside, outside=outside, tumour=tumour)

    def surfaces(
        self, time: float, measure: str, threshold: float, cut: Cut | None = None
    ) -> dict[str, pv.PolyData]:
        """Surfaces ``hit``, ``escaped`` and ``tumour`` [m], each of which may be empty.

        Args:
            time: [s]; the nearest stored one is taken.
            measure: ``ct`` or ``peak``.
            threshold: in SI.
            cut: what is taken away; none if None.
        """
        self._at(time)
        key = MEASURES[measure]
        if self.result.geometry == "3d":
            zones = [ablated(piece, key, threshold) for piece in self._parts]
            solids = dict(zip(("hit", "escaped"), zones, strict=True))
            if cut is not None:
                solids = {name: cut.of(solid) for name, solid in solids.items()}
            found = {
                name: surface(solid) if solid.n_cells else pv.PolyData() for name, solid in solids.items()
            }
            found["tumour"] = surface(self._parts[0])
            return found | {"tumour": found["tumour"] if cut is None else cut.of(found["tumour"])}
        if self.result.geometry == "axisymmetric":
            turned = skins(self._grid, "axisymmetric", key, threshold)
            found = {"hit": turned.hit, "escaped": turned.escaped, "tumour": turned.tumour}
        else:
            found = self._spheres(key, threshold)
        return found if cut is None else {name: cut.of(skin) for name, skin in found.items()}

    def beside(self, cut: Cut | None = None) -> dict[str, pv.PolyData]:
        """Surfaces [m] of vessels, tracks and side holes by layer; a cut takes away vessels only.

        Args:
            cut: what is taken away; none if None.
        """
        if cut is None:
            return self.additions
        along = (TRACK, HOLES)
        return {name: skin if name in along else cut.of(skin) for name, skin in self.additions.items()}

    def _spheres(self, key: str, threshold: float) -> dict[str, pv.PolyData]:
        rim = float(np.asarray(self._parts[0].points)[:, 0].max())
        edges = np.asarray(self._grid.contour([threshold], scalars=key).points).reshape(-1, 3)[:, 0]
        reach = float(edges.max()) if len(edges) else 0.0
        radii = {"hit": min(reach, rim), "escaped": reach if reach > rim else 0.0, "tumour": rim}
        return {name: _sphere(radius) for name, radius in radii.items()}

    def cut(self, direction: str, depth: float) -> Cut | None:
        """The plane of a named direction.

        Args:
            direction: ``none``, ``needle`` (the plane of the needle), or ``x``, ``y`` or ``z``.
            depth: from 0, nothing taken away, to 1, everything.
        """
        if direction == "none":
            return None
        if direction == "needle":
            _, towards, _ = self.view()
        else:
            towards = np.eye(3)["xyz".index(direction)]
        return Cut(origin=self.centre + self.size * 1.05 * (1 - 2 * depth) * towards, normal=towards)

    def view(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """The scene's centre [m], and unit vectors towards the viewer beside the first needle and upwards."""
        if not self.result.needles:
            return self.centre, np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
        plane = choose_plane(self.result.needles, self.centre)
        return self.centre, np.asarray(np.cross(plane.across, plane.up), dtype=np.float64), plane.up

    def needles(self) -> list[pv.PolyData]:
        """The shafts, no longer than the scene is wide."""
        return [_shaft(needle, min(needle.length, 4 * self.size)) for needle in self.result.needles]


def _sphere(radius: float) -> pv.PolyData:
    if radius <= 0.0:
        return pv.PolyData()
    return pv.Sphere(radius=radius, theta_resolution=64, phi_resolution=64)


def _shaft(needle: Needle, length: float) -> pv.PolyData:
    middle = needle.tip - needle.direction * length / 2
    return pv.Cylinder(
        center=middle, direction=needle.direction, radius=needle.radius, height=length, resolution=32
    )

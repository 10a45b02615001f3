# SPDX-License-Identifier: MIT
"""What the figures of one result share: meshes, cuts and the window around the tumour, read once."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyvista as pv
from numpy.typing import NDArray

from meshes.plain import Geometry
from postprocess.figures.revolve import half_disc
from postprocess.figures.section import Section, cut
from postprocess.figures.style import SIZES, Size
from postprocess.results.result import Needle, Result
from solver.results.fields import CT_DOSE

ROOM = 0.68
"""Half the side of the window over the larger side of what it must show."""


@dataclass(frozen=True, kw_only=True)
class Deposit:
    """One pulse of the schedule.

    Attributes:
        number: counted from 1, in order of start.
        site: index of its needle.
        start: [s].
        end: [s].
    """

    number: int
    site: int
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Window:
    """The square of a cut that is shown.

    Attributes:
        middle: in the coordinates of the picture [mm], shape ``(2,)``.
        half: half of its side [mm].
    """

    middle: NDArray[np.float64]
    half: float


class Stage:
    """A result with its meshes and cuts kept, so that each is computed once for all figures.

    The radial geometry is turned into half a disc, so that it has cuts and scenes like the others.
    The last two meshes are kept; cuts are small and all are kept.

    Attributes:
        result: the opened result.
        geometry: of the meshes handed out: ``3d`` or ``axisymmetric``.
        needles: in the coordinates of these meshes.
        pictures: rendered scenes by what was asked for.
    """

    def __init__(self, result: Result) -> None:
        self.result = result
        self.geometry: Geometry = "3d" if result.geometry == "3d" else "axisymmetric"
        self.needles: tuple[Needle, ...] = result.needles
        if result.geometry == "radial":
            down = np.array([0.0, 0.0, -1.0])
            self.needles = tuple(
                Needle(tip=np.zeros(3), direction=down, radius=needle.radius, length=needle.length)
                for needle in result.needles
            )
        self.pictures: dict[Hashable, dict[str, Any]] = {}
        self._grids: dict[float, pv.UnstructuredGrid] = {}
        self._sections: dict[tuple[float, int], Section] = {}
        self._windows: dict[int, Window] = {}

    def time(self, wanted: float | None) -> float:
        """The stored time nearest to a wanted one [s]; the last one for None."""
        return self.result.times[-1] if wanted is None else self.result.nearest_time(wanted)

    def grid(self, time: float) -> pv.UnstructuredGrid:
        """The mesh with the fields of a stored time [s]."""
        if time not in self._grids:
            grid = self.result.grid(time)
            while len(self._grids) > 1:
                self._grids.pop(next(iter(self._grids)))
            self._grids[time] = half_disc(grid) if self.result.geometry == "radial" else grid
        return self._grids[time]

    def section(self, time: float, site: int = 0) -> Section:
        """The cut through the needle of a site at a stored time [s]."""
        if (time, site) not in self._sections:
            first = [self.needles[site], *(needle for n, needle in enumerate(self.needles) if n != site)]
            self._sections[time, site] = cut(self.grid(time), self.geometry, tuple(first))
        return self._sections[time, site]

    def forget(self, time: float) -> None:
        """Lets go of the mesh and the cuts of a stored time [s], as a film does after each frame."""
        self._grids.pop(time, None)
        self._sections = {key: section for key, section in self._sections.items() if key[0] != time}

    def deposits(self) -> list[Deposit]:
        """The pulses in order of start."""
        pulses = sorted(self.result.injections, key=lambda pulse: float(pulse["start"]))
        return [
            Deposit(
                number=number,
                site=int(pulse["site"]),
                start=float(pulse["start"]),
                end=float(pulse["start"] + pulse["volume"] / pulse["rate"]),
            )
            for number, pulse in enumerate(pulses, start=1)
        ]

    def window(self, site: int = 0) -> Window:
        """A square around the tumour and all that the lowest dose threshold reached, on the cut of a site."""
        if site not in self._windows:
            section = self.section(self.result.times[-1], site)
            levels = [level for level, _ in thresholds_of(self.result.summary, "ct")]
            reached = section.fields[CT_DOSE.key] >= min(levels, default=np.inf)
            shown = [section.outline.reshape(-1, 2), section.points[reached], np.zeros((1, 2))]
            points = np.concatenate([array for array in shown if len(array)])
            low, high = points.min(axis=0), points.max(axis=0)
            self._windows[site] = Window(middle=(low + high) / 2, half=float(ROOM * max(*(high - low), 2.0)))
        return self._windows[site]


def thresholds_of(summary: dict[str, Any], measure: str) -> list[tuple[float, str]]:
    """Thresholds of one measure with their labels as matplotlib takes them, ascending."""
    entries = [entry for entry in summary["ablation"] if entry["measure"] == measure]
    return sorted((float(entry["threshold"]), plain_text(str(entry["label"]))) for entry in entries)


def plain_text(text: str) -> str:
    """A text that matplotlib shows as it stands, whatever signs it holds."""
    return text.replace("$", r"\$")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked of a figure.

    Attributes:
        time: stored time to show [s], the nearest is taken; None for the one that the figure is about.
        size: of the page.
    """

    time: float | None = None
    size: Size = SIZES["own"]

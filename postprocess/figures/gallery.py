# SPDX-License-Identifier: MIT
"""Every figure of a result by name, and all of them drawn into its folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from postprocess.figures import cuts, profiles, scenes, timelines
from postprocess.figures.stage import Stage, Wish
from postprocess.figures.style import save_figure
from postprocess.results.result import Result, ResultError
from postprocess.writing import fresh, subfolder


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One figure that can be asked for by name.

    Attributes:
        caption: what is seen.
        draw: makes it.
        group: ``zone``, ``fields`` or ``curves``.
        needs: what a result must have: ``needle``, ``threshold``.
    """

    caption: str
    draw: Callable[[Stage, Wish], Figure]
    group: str
    needs: tuple[str, ...] = ()

    @property
    def curve(self) -> bool:
        """Whether it is drawn in lines, and best kept as vectors."""
        return self.group == "curves"


FIGURES: Final[dict[str, Kind]] = {
    "scene": Kind(
        group="zone",
        caption="What the middle threshold destroys in the tumour, what it leaves, what it destroys outside.",
        draw=scenes.scene,
        needs=("needle", "threshold"),
    ),
    "bands": Kind(
        group="zone",
        caption="The zone cut open along the needle. Which dose kills is not known: a shade per threshold.",
        draw=scenes.bands,
        needs=("needle", "threshold"),
    ),
    "margin": Kind(
        group="zone",
        caption="The tumour's surface: violet where tumour is left, orange where the zone reaches beyond.",
        draw=scenes.margin,
        needs=("needle", "threshold"),
    ),
    "concentration": Kind(
        group="fields",
        caption="Where the agent is when each injection ends, on the cut through its needle.",
        draw=cuts.concentration,
        needs=("needle",),
    ),
    "dose": Kind(
        group="fields",
        caption="Cut through the needle: concentration integrated over time, thresholds as lines.",
        draw=cuts.dose,
        needs=("needle",),
    ),
    "peak": Kind(
        group="fields",
        caption="The largest concentration that each place has seen: all deposits in one picture.",
        draw=cuts.peak,
        needs=("needle",),
    ),
    "flow": Kind(
        group="fields",
        caption="Pressure, and the lines along which fluid flows, when the fastest injection ends.",
        draw=cuts.pressure_map,
        needs=("needle",),
    ),
    "vessels": Kind(
        group="fields",
        caption="Where pressure closes the microvessels: no agent is washed into blood there.",
        draw=cuts.vessels,
        needs=("needle",),
    ),
    "ledger": Kind(
        group="curves",
        caption="Where the agent is at each time; the parts add up.",
        draw=timelines.ledger,
    ),
    "spill": Kind(caption="Agent beyond the tumour's boundary.", draw=timelines.spill, group="curves"),
    "pressure": Kind(
        group="curves",
        caption="Pressure at the surface through which fluid enters.",
        draw=timelines.pressure,
    ),
    "shells": Kind(
        group="curves",
        caption="Largest dose and concentration in normal tissue at a distance from the tumour or farther.",
        draw=profiles.shells,
    ),
    "profiles": Kind(
        group="curves",
        caption="Concentration, dose and pressure along a line; with the closed form where one exists.",
        draw=profiles.profiles,
        needs=("needle",),
    ),
}
"""Figures of one run by name, in the order of a report."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure with its words.

    Attributes:
        name: of the figure.
        group: ``zone``, ``fields`` or ``curves``.
        path: PNG or SVG file.
        caption: what is seen.
    """

    name: str
    group: str
    path: Path
    caption: str


def available(result: Result) -> list[str]:
    """Names of the figures that a result has."""
    has = {"needle": bool(result.needles), "threshold": bool(result.summary["ablation"])}
    return [name for name, kind in FIGURES.items() if all(has[need] for need in kind.needs)]


def draw(result: Result | Stage, name: str, wish: Wish | None = None) -> Figure:
    """One figure of a result.

    Args:
        result: an opened result, or a stage that keeps meshes and cuts for the next figure.
        name: one of ``FIGURES``.
        wish: time and size; by default the figure's own.

    Raises:
        ResultError: no such figure, or the result has not what it shows.
    """
    stage = result if isinstance(result, Stage) else Stage(result)
    names = available(stage.result)
    if name not in names:
        why = "needs a needle or a threshold that is not there" if name in FIGURES else "no such figure"
        raise ResultError(f"{stage.result.folder}: {name}: {why} (expected {', '.join(names)})")
    return FIGURES[name].draw(stage, wish or Wish())


def draw_figures(result: Result) -> list[Picture]:
    """Draws every figure of a result into its folder ``figures``: PNG, and curves as SVG too.

    A scene in space that cannot be drawn, as where no graphics library works, is left out.

    Returns:
        The figures in the order in which a report shows them.
    """
    folder = subfolder(result.folder, "figures")
    stage, wish = Stage(result), Wish()
    names = available(result)
    spatial = [name for name in names if FIGURES[name].draw in (scenes.scene, scenes.bands, scenes.margin)]
    drawn = _all_scenes(stage, wish, spatial) if spatial else True
    pictures = []
    for name in names:
        if name in spatial and not drawn:
            continue
        picture = _drawn(stage, name, wish, folder)
        pictures += [picture] if picture else []
    return pictures


def _all_scenes(stage: Stage, wish: Wish, names: list[str]) -> bool:
    """Renders all scenes in one process; whether it worked."""
    shots = [shot for some in scenes.shots_of(stage, wish, names).values() for shot in some]
    try:
        scenes.shoot(stage, shots)
    except ResultError:
        return False
    return True


def _drawn(stage: Stage, name: str, wish: Wish, folder: Path) -> Picture | None:
    kind = FIGURES[name]
    try:
        figure = kind.draw(stage, wish)
    except ResultError:
        return None
    if kind.curve:
        figure.savefig(fresh(folder / f"{name}.png"))
    path = save_figure(figure, folder / f"{name}{'.svg' if kind.curve else '.png'}")
    return Picture(name=name, group=kind.group, path=path, caption=kind.caption)

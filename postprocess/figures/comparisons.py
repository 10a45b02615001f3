# SPDX-License-Identifier: MIT
"""Figures that set several results against one another, by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.figure import Figure

from postprocess.figures.convergence import convergence, table_of
from postprocess.figures.cuts import MOST_PANELS, small_multiples
from postprocess.figures.stage import Stage, Wish
from postprocess.figures.timelines import overlaid
from postprocess.results.result import Result, ResultError
from solver.results.fields import CT_DOSE, PEAK_CONCENTRATION

Named = tuple[str, Stage]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A figure of several results.

    Attributes:
        caption: what is seen.
        draw: makes it from named stages.
        needle: whether each result must have one.
        curve: whether it is drawn in lines.
    """

    caption: str
    draw: Callable[[Sequence[Named], Wish], Figure]
    needle: bool = False
    curve: bool = False


def _doses(stages: Sequence[Named], wish: Wish) -> Figure:
    return small_multiples(stages, CT_DOSE, wish)


def _peaks(stages: Sequence[Named], wish: Wish) -> Figure:
    return small_multiples(stages, PEAK_CONCENTRATION, wish)


def _convergence(stages: Sequence[Named], wish: Wish) -> Figure:
    kinds = {(stage.result.summary["case"]["name"], stage.result.geometry) for _, stage in stages}
    if len(kinds) > 1:
        found = ", ".join(sorted(f"{name} ({geometry})" for name, geometry in kinds))
        raise ResultError(f"convergence: found {found} (expected runs of one case in one geometry)")
    return convergence(*table_of([stage.result for _, stage in stages]), wish)


COMPARISONS: Final[dict[str, Kind]] = {
    "doses": Kind(
        caption="The dose of each run on the cut through its needle, in one scale of colours and lengths.",
        draw=_doses,
        needle=True,
    ),
    "peaks": Kind(caption="The largest concentration of each run, likewise.", draw=_peaks, needle=True),
    "curves": Kind(caption="The runs over time.", draw=overlaid, curve=True),
    "convergence": Kind(
        caption="What the runs found against the edge length of their meshes, with the order that fits.",
        draw=_convergence,
        curve=True,
    ),
}
"""Figures of several runs by name."""


def named(results: Sequence[Result]) -> list[Named]:
    """Results with short names: of the case where these differ, else of the folder, else numbers."""
    for names in (
        [str(result.summary["case"]["name"]) for result in results],
        [result.folder.resolve().name for result in results],
    ):
        if len({*names}) == len(names):
            return [(name, Stage(result)) for name, result in zip(names, results, strict=True)]
    return [(f"run {number}", Stage(result)) for number, result in enumerate(results, start=1)]


def check_comparable(results: Sequence[Result]) -> None:
    """Raises where results cannot be set against one another.

    Raises:
        ResultError: fewer than two, or more than panels.
    """
    if not 2 <= len(results) <= MOST_PANELS:
        raise ResultError(f"{len(results)} result folders (expected 2 to {MOST_PANELS} to compare)")


def draw_comparison(stages: Sequence[Named], name: str, wish: Wish) -> Figure:
    """One figure of several results.

    Args:
        stages: of ``named``.
        name: one of ``COMPARISONS``.
        wish: time and size.

    Raises:
        ResultError: fewer than two results, too many, or one has no needle.
    """
    check_comparable([stage.result for _, stage in stages])
    kind = COMPARISONS[name]
    for run, stage in stages:
        if kind.needle and not stage.needles:
            raise ResultError(f"{stage.result.folder}: {name}: {run} has no needle to cut along")
    return kind.draw(stages, wish)

# SPDX-License-Identifier: MIT
"""One figure as a command line asks for it: names, sizes and files in words, problems in one sentence."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from postprocess.figures.comparisons import COMPARISONS, draw_comparison, named
from postprocess.figures.gallery import FIGURES, available, draw
from postprocess.figures.stage import Wish
from postprocess.figures.style import FORMATS, save_figure, size_of
from postprocess.results.result import ResultError, open_result
from postprocess.writing import subfolder


def figure_list(folder: Path) -> str:
    """Names and captions of the figures that a result has, and of those that compare it with others."""
    names = available(open_result(folder))
    width = max(map(len, (*names, *COMPARISONS)))
    lines = [f"{name:<{width}}  {FIGURES[name].caption}" for name in names]
    lines += [f"{name:<{width}}  {kind.caption} (with --with DIR)" for name, kind in COMPARISONS.items()]
    return "\n".join(lines)


def write_figure(folders: Sequence[Path], name: str, out: Path | None, asked: Mapping[str, Any]) -> Path:
    """Draws a figure into a file.

    Args:
        folders: result folders; figures of one result take the first.
        name: of the figure.
        out: file to write; ``figures/NAME.FORMAT`` in the first folder if None.
        asked: ``format``, ``time`` [s] or None, ``size`` as in ``style.size_of``.

    Raises:
        ResultError: no such figure, a size or a format that is not known, or a folder that cannot be written.
    """
    path = out or folders[0] / "figures" / f"{name}.{asked['format']}"
    if path.suffix.lstrip(".") not in FORMATS:
        raise ResultError(f"{path}: format {path.suffix or 'missing'} (expected {', '.join(FORMATS)})")
    try:
        wish = Wish(time=asked["time"], size=size_of(asked["size"]))
    except ValueError as error:
        raise ResultError(str(error)) from error
    figure = _drawn(folders, name, wish)
    try:
        if out is None:
            subfolder(folders[0], "figures")
        path.parent.mkdir(parents=True, exist_ok=True)
        return save_figure(figure, path)
    except OSError as error:
        raise ResultError(f"{path}: cannot be written ({error.strerror})") from error


def _drawn(folders: Sequence[Path], name: str, wish: Wish) -> Figure:
    if name in COMPARISONS:
        return draw_comparison(named([open_result(folder) for folder in folders]), name, wish)
    if len(folders) > 1:
        raise ResultError(f"{name}: a figure of one result (expected {', '.join(COMPARISONS)} for several)")
    return draw(open_result(folders[0]), name, wish)

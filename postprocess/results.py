# SPDX-License-Identifier: MIT
"""A finished run, opened from its folder."""

import csv
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyvista as pv
from numpy.typing import NDArray
from vtkmodules.vtkIOHDF import vtkHDFReader

from meshes.plain import Geometry

SUMMARY = "summary.json"
RESOLVED = "resolved.toml"
HISTORY = "history.csv"
FIELD_FILE = "fields.vtkhdf"


class ResultError(ValueError):
    """A result folder that cannot be read, with the file and the reason."""


@dataclass(frozen=True, kw_only=True)
class Needle:
    """A needle as pictures show it.

    Attributes:
        tip: [m], shape ``(3,)``.
        direction: unit vector from the entry towards the tip, shape ``(3,)``.
        radius: outer radius [m].
        length: of the drawn shaft [m].
    """

    tip: NDArray[np.float64]
    direction: NDArray[np.float64]
    radius: float
    length: float


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one run left.

    Attributes:
        folder: the result folder.
        summary: ``summary.json``.
        resolved: ``resolved.toml``: the case with every default, in SI units.
        history: column of ``history.csv`` to its values, one per accepted step.
        times: stored times of the fields [s], ascending.
    """

    folder: Path
    summary: dict[str, Any]
    resolved: dict[str, Any]
    history: dict[str, NDArray[np.float64]]
    times: tuple[float, ...]

    @property
    def geometry(self) -> Geometry:
        """Which of the three geometries was run."""
        geometry: Geometry = self.summary["geometry"]
        return geometry

    @property
    def injections(self) -> list[dict[str, Any]]:
        """The pulses, in order of start, as in the resolved case."""
        injections: list[dict[str, Any]] = self.resolved.get("injections", [])
        return injections

    @property
    def end_of_injection(self) -> float:
        """Time at which the last pulse stops [s]."""
        ends = [pulse["start"] + pulse["volume"] / pulse["rate"] for pulse in self.injections]
        return max(ends, default=self.times[-1])

    @property
    def needles(self) -> tuple[Needle, ...]:
        """The needles of the resolved case."""
        return tuple(
            Needle(
                tip=np.array(site["tip"], dtype=np.float64),
                direction=np.array(site["direction"], dtype=np.float64),
                radius=float(site["needle_radius"]),
                length=float(site.get("shaft_length", 0.1)),
            )
            for site in self.resolved.get("geometry", {}).get("sites", [])
        )

    def nearest_time(self, time: float) -> float:
        """The stored time nearest to a wanted one [s]."""
        return min(self.times, key=lambda stored: abs(stored - time))

    def grid(self, time: float) -> pv.UnstructuredGrid:
        """The mesh with its fields at the stored time nearest to ``time`` [s]; coordinates in metres."""
        reader = _reader(self.folder / FIELD_FILE)
        reader.UpdateTimeStep(self.nearest_time(time))
        grid = pv.wrap(reader.GetOutputDataObject(0))
        if not isinstance(grid, pv.UnstructuredGrid):
            raise ResultError(f"{self.folder / FIELD_FILE}: holds no unstructured grid")
        return grid


def _reader(path: Path) -> vtkHDFReader:
    reader = vtkHDFReader()
    reader.SetFileName(str(path))
    reader.UpdateInformation()
    return reader


def _times(path: Path) -> tuple[float, ...]:
    if not vtkHDFReader().CanReadFile(str(path)):
        raise ResultError(f"{path}: not a field file (expected VTKHDF)")
    reader = _reader(path)
    times = reader.GetOutputInformation(0).Get(reader.GetExecutive().TIME_STEPS())
    if not times:
        raise ResultError(f"{path}: no stored time (expected at least one)")
    return tuple(times)


def _history(path: Path) -> dict[str, NDArray[np.float64]]:
    with path.open(newline="", encoding="utf-8") as stream:
        names, *rows = list(csv.reader(stream))
    columns = zip(*rows, strict=True)
    return {name: np.array([float(x) for x in column]) for name, column in zip(names, columns, strict=True)}


def open_result(folder: Path) -> Result:
    """Opens a result folder.

    Args:
        folder: with ``summary.json``, ``resolved.toml``, ``history.csv`` and ``fields.vtkhdf``.

    Raises:
        ResultError: a file is missing or unreadable.
    """
    for name in (SUMMARY, RESOLVED, HISTORY, FIELD_FILE):
        if not (folder / name).is_file():
            raise ResultError(f"{folder}: {name} not found (expected a finished result folder)")
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        resolved = tomllib.loads((folder / RESOLVED).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ResultError(f"{folder}: {error}") from error
    try:
        history = _history(folder / HISTORY)
    except ValueError as error:
        raise ResultError(f"{folder / HISTORY}: not a table of numbers ({error})") from error
    return Result(
        folder=folder, summary=summary, resolved=resolved, history=history, times=_times(folder / FIELD_FILE)
    )

# SPDX-License-Identifier: MIT
"""A finished run, opened from its folder."""

import csv
import json
import tomllib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyvista as pv
from numpy.typing import NDArray
from vtkmodules.vtkIOHDF import vtkHDFReader

from meshes.plain import Geometry
from postprocess.results.ablation import Ablation, ablation, in_tumour, part
from postprocess.results.card import card
from postprocess.results.soundness import RESOLVED as RESOLVED_KEYS
from postprocess.results.soundness import SUMMARY as SUMMARY_KEYS
from postprocess.results.soundness import ResultError as ResultError
from postprocess.results.soundness import printable, require_fields, require_history, require_tables
from solver.results.checksums import CHECKSUMS, damaged
from solver.results.fields import CT_DOSE, FIELDS, PEAK_CONCENTRATION, REGION

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

SUMMARY = "summary.json"
RESOLVED = "resolved.toml"
HISTORY = "history.csv"
FIELD_FILE = "fields.vtkhdf"

MEASURES: Final = {"ct": CT_DOSE.key, "peak": PEAK_CONCENTRATION.key}
"""Measure, as in ``summary.json``, to the field that is held against its thresholds."""

CORNERS: Final = {3: "lines", 5: "triangles", 10: "tetrahedra"}
"""VTK's number of a cell type to words."""


@dataclass(frozen=True, kw_only=True)
class Needle:
    """A needle as pictures show it.

    Attributes:
        tip: [m], shape ``(3,)``.
        direction: unit vector from the entry towards the tip, shape ``(3,)``.
        radius: outer radius [m].
        length: of the drawn shaft [m].
        holes: distances of rings of side holes behind the tip [m].
    """

    tip: NDArray[np.float64]
    direction: NDArray[np.float64]
    radius: float
    length: float
    holes: tuple[float, ...] = ()


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

    @classmethod
    def open(cls, folder: str | Path) -> "Result":
        """Opens a result folder: the same as `open_result`."""
        return open_result(Path(folder))

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
        """The needles of the resolved case; sites of side holes are part of their needle."""
        sites = self.resolved.get("geometry", {}).get("sites", [])
        holes: dict[int, set[int]] = {}
        for pulse in self.injections:
            own = int(pulse.get("site", 0))
            others = {int(outlet["site"]) for outlet in pulse.get("outlets", ())} - {own}
            holes.setdefault(own, set()).update(others & set(range(len(sites))))
        every = set().union(*holes.values()) - set(holes)
        return tuple(
            Needle(
                tip=np.array(site["tip"], dtype=np.float64),
                direction=np.array(site["direction"], dtype=np.float64),
                radius=float(site["needle_radius"]),
                length=float(site.get("shaft_length", 0.1)),
                holes=tuple(
                    float(np.linalg.norm(np.subtract(site["tip"], sites[hole]["tip"])))
                    for hole in sorted(holes.get(number, set()) & every)
                ),
            )
            for number, site in enumerate(sites)
            if number not in every
        )

    def nearest_time(self, time: float) -> float:
        """The stored time nearest to a wanted one [s]."""
        return min(self.times, key=lambda stored: abs(stored - time))

    def grid(self, time: float) -> pv.UnstructuredGrid:
        """The mesh with its fields at the stored time nearest to ``time`` [s]; coordinates in metres."""
        return self._at(_reader(self.folder / FIELD_FILE), self.nearest_time(time))

    def grids(
        self, keys: Collection[str], times: Collection[float] | None = None
    ) -> Iterator[pv.UnstructuredGrid]:
        """The mesh at one stored time after another, with some fields only: much quicker than `grid`.

        Args:
            keys: of the fields wanted.
            times: stored times [s]; all by default.
        """
        reader = _reader(self.folder / FIELD_FILE)
        for selection in (reader.GetPointDataArraySelection(), reader.GetCellDataArraySelection()):
            selection.DisableAllArrays()
            for key in {*keys} & {selection.GetArrayName(i) for i in range(selection.GetNumberOfArrays())}:
                selection.EnableArray(key)
        for time in self.times if times is None else times:
            yield self._at(reader, time)

    def table(self) -> "pd.DataFrame":
        """``history.csv`` as a table over time [s]."""
        import pandas as pd

        return pd.DataFrame(self.history).set_index("t_s")

    def fields(self, time: float | None = None, keys: Collection[str] | None = None) -> "xr.Dataset":
        """Fields with names and units, on vertices and in cells, SI.

        Args:
            time: [s], the nearest stored one is taken; all stored times if None.
            keys: of the field table; all by default.
        """
        import xarray as xr

        keys = set(FIELDS if keys is None else keys)
        if unknown := keys - set(FIELDS):
            raise ResultError(
                f"no such field: {', '.join(sorted(unknown))} (expected some of {', '.join(FIELDS)})"
            )
        times = list(self.times) if time is None else [self.nearest_time(time)]
        found: dict[str, list[NDArray[Any]]] = {}
        for grid in self.grids(keys | {REGION.key}, times):
            for key in [key for key in FIELDS if key in keys and key in grid.array_names]:
                found.setdefault(key, []).append(np.array(grid[key]))
        ((kind, cells),) = grid.cells_dict.items()
        points = np.asarray(grid.points, dtype=np.float64)
        coordinates: dict[str, Any] = {
            axis: ("vertex", points[:, i], {"units": "m"}) for i, axis in enumerate("xyz")
        }
        coordinates["time"] = ("time", times, {"units": "s"})
        variables = {key: _variable(key, steps) for key, steps in found.items()}
        variables["cells"] = (("cell", "corner"), cells, {"long_name": f"vertices of the {CORNERS[kind]}"})
        facts = {"title": self.summary["case"]["title"], "geometry": self.geometry}
        whole = xr.Dataset(variables, coords=coordinates, attrs=facts)
        return whole if time is None else whole.isel(time=0)

    def ablation(self, threshold: float, measure: str = "ct", time: float | None = None) -> Ablation:
        """What a threshold ablates: volume, its part in the tumour, coverage and margin.

        Args:
            threshold: in SI: 4.5 kg s/m3 is 75 mg min/L.
            measure: ``ct``, the dose, or ``peak``, the largest concentration.
            time: [s], the nearest stored one is taken; the end if None.
        """
        key = MEASURES[measure]
        time = self.times[-1] if time is None else self.nearest_time(time)
        return ablation(next(self.grids({key, REGION.key}, [time])), self.geometry, key, threshold)

    def ablation_volume(self, threshold: float, measure: str = "ct", time: float | None = None) -> float:
        """Volume that a threshold ablates [m3]; arguments as of `ablation`."""
        return self.ablation(threshold, measure, time).volume

    @property
    def tumour(self) -> pv.UnstructuredGrid:
        """Mesh of the tumour; coordinates in metres."""
        grid = next(self.grids([REGION.key], self.times[-1:]))
        return part(grid, in_tumour(grid))

    def _repr_html_(self) -> str:
        return card(self.summary)

    def _at(self, reader: vtkHDFReader, time: float) -> pv.UnstructuredGrid:
        reader.UpdateTimeStep(time)
        grid = pv.wrap(reader.GetOutputDataObject(0))
        if not isinstance(grid, pv.UnstructuredGrid):
            raise ResultError(f"{self.folder / FIELD_FILE}: holds no unstructured grid")
        for chosen in (reader.GetPointDataArraySelection(), reader.GetCellDataArraySelection()):
            for name in (chosen.GetArrayName(i) for i in range(chosen.GetNumberOfArrays())):
                if chosen.ArrayIsEnabled(name) and name not in grid.array_names:
                    raise ResultError(
                        f"{self.folder / FIELD_FILE}: the field {name} cannot be read at {time:g} s"
                    )
        return grid


def _variable(key: str, steps: list[NDArray[Any]]) -> tuple[tuple[str, ...], NDArray[Any], dict[str, str]]:
    """Axes, values and labels of a field over time; the regions are the same at all times."""
    field = FIELDS[key]
    axes: tuple[str, ...] = ("vertex" if field.location == "point" else "cell",)
    axes += () if field.components == 1 else ("component",)
    label = {"long_name": field.label, "units": field.unit}
    return (axes, steps[0], label) if key == REGION.key else (("time", *axes), np.stack(steps), label)


def _reader(path: Path) -> vtkHDFReader:
    reader = vtkHDFReader()
    reader.SetFileName(str(path))
    reader.UpdateInformation()
    return reader


def _times(path: Path, geometry: Geometry) -> tuple[float, ...]:
    require_fields(path, {"radial": 2, "axisymmetric": 3, "3d": 4}[geometry])
    if not vtkHDFReader().CanReadFile(str(path)):
        raise ResultError(f"{path}: not a field file (expected VTKHDF)")
    reader = _reader(path)
    times = reader.GetOutputInformation(0).Get(reader.GetExecutive().TIME_STEPS())
    if not times:
        raise ResultError(f"{path}: no stored time (expected at least one)")
    chosen = (reader.GetPointDataArraySelection(), reader.GetCellDataArraySelection())
    names = {each.GetArrayName(i) for each in chosen for i in range(each.GetNumberOfArrays())}
    if missing := {REGION.key, *MEASURES.values()} - names:
        raise ResultError(f"{path}: the field {min(missing)} cannot be read")
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
    if changed := damaged(folder):
        raise ResultError(
            f"{folder / changed}: damaged, or changed after the run: its checksum is not that in {CHECKSUMS} "
            "(without that file it is read nevertheless)"
        )
    summary = _tables(folder / SUMMARY, json.loads, SUMMARY_KEYS)
    resolved = _tables(folder / RESOLVED, tomllib.loads, RESOLVED_KEYS)
    try:
        history = _history(folder / HISTORY)
    except (ValueError, csv.Error, MemoryError) as error:
        raise ResultError(f"{folder / HISTORY}: not a table of numbers") from error
    require_history(history, folder / HISTORY)
    times = _times(folder / FIELD_FILE, summary["geometry"])
    return Result(folder=folder, summary=summary, resolved=resolved, history=history, times=times)


def _tables(path: Path, read: Callable[[str], dict[str, Any]], expected: dict[str, Any]) -> dict[str, Any]:
    """A file of nested tables, with what is read of it in its place."""
    try:
        tables = read(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        raise ResultError(printable(f"{path}: unreadable: {reason}")) from error
    require_tables(tables, expected, path)
    return tables

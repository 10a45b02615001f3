# SPDX-License-Identifier: MIT
"""Columns of other codes: Wexler's solutions, MODFLOW 6 (moc3d01), OpenGeoSys, TMAP7, by our transport.

Tolerances are what was measured, with room for another compiler; docs/verification.md has the numbers.
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq

from tests.ade import FOLDER, Column, Medium, slab, table

Floats = NDArray[np.float64]


def column(medium: Medium, z: Floats, step: float, inlet: str) -> Column:
    """A column that starts empty, its inlet kept at 1 in the layer before zero, or fed by 1."""
    made = Column(slab(np.array([0.0, z[-1] - z[-2]]), z, z[-1] - z[-2]), medium, step)
    if inlet == "first":
        made.hold(np.ones(made.injected.size))
    else:
        made.bring(1.0)
    return made


def even(length: float, cells: int, inlet: str) -> Floats:
    """Places of nodes in equal distances, and a layer before zero where one is needed."""
    return np.asarray(length / cells * np.arange(-1 if inlet == "first" else 0, cells + 1))


def along(made: Column) -> Floats:
    """Concentration along an edge of the column."""
    points = made.plain.points
    return made.field()[(points[:, 0] == 0.0) & (points[:, 1] == 0.0)]


def wexler(inlet: str) -> list[dict[str, str]]:
    return [
        row for row in table("wexler1992_1d_2d.csv") if row["dims"] == "1" and row["inlet"] == f"{inlet}-type"
    ]


@pytest.mark.parametrize("inlet", ["first", "third"])
def test_wexler_columns(inlet: str) -> None:
    """Finite and half-infinite columns, retardation as a longer time; second order in cell and step."""
    for row in wexler(inlet):
        scale = float(row["R"])
        medium = Medium(speed=float(row["v"]) / scale, along=float(row["Dx"]) / scale)
        errors = []
        for cells in (30, 120):
            # half-infinite: as long as a finite one is, which the agent has not crossed
            z = even(float(row["L_x"] or 12.0), cells, inlet)
            made = column(medium, z, 6.0 / cells, inlet)
            made.run(round(float(row["t"]) * cells / 6.0))
            errors.append(abs(np.interp(float(row["x"]), z, along(made)) - float(row["recomputed"])))
        assert errors[-1] < 4e-4, row["case"]
        assert errors[-1] < 0.15 * errors[0], row["case"]


@pytest.mark.parametrize(
    ("dispersion", "ours_at_most", "theirs_at_least"), [(0.1, (7e-3, 3e-4), 3e-3), (0.01, (0.06, 4e-3), 0.02)]
)
def test_modflow_column(dispersion: float, ours_at_most: tuple[float, float], theirs_at_least: float) -> None:
    """In MODFLOW's own cells and steps, nearer to the closed form than its TVD scheme is."""
    rows = [row for row in table("modflow6_moc3d01.csv") if float(row["Dx"]) == dispersion]
    z, places = even(12.2, 122, "third"), [0.05, 4.05, 11.05]
    made = column(Medium(speed=0.1, along=dispersion), z, 0.5, "third")
    found = {}
    for count in range(1, 241):
        made.run(1)
        found[0.5 * count] = np.interp(places, z, along(made))
    assert len(rows) > 30
    for number, place in enumerate(places):
        here = [row for row in rows if float(row["x"]) == place]
        exact = np.array([float(row["c_analytic"]) for row in here])
        ours = np.abs([found[float(row["t"])][number] for row in here] - exact).max()
        theirs = np.abs([float(row["c_modflow6"]) for row in here] - exact).max()
        assert ours < ours_at_most[min(number, 1)]
        assert theirs > theirs_at_least and ours < 0.6 * theirs


def graded(first: float, length: float, cells: int) -> Floats:
    """Places of nodes whose distances grow from the first one on, and a layer of that one before zero."""
    growth = brentq(lambda q: first * (q**cells - 1.0) / (q - 1.0) - length, 1.0 + 1e-9, 2.0)
    z = first * (growth ** np.arange(cells + 1) - 1.0) / (growth - 1.0)
    return np.concatenate(([-first], z))


def test_opengeosys_diffusion_sorption_decay() -> None:
    """Sorption and decay over a million years: half-infinite, kept at 1; a column of 20 m as theirs."""
    rows = table("ogs_diffusion_sorption_decay.csv")
    porosity, retardation, year = 0.12, 1.0 + 2394.0 * 0.5 / 0.12, 3.1536e7
    medium = Medium(speed=0.0, along=1e-11 / porosity / retardation, decay=np.log(2.0) / (2.3e6 * year))
    z = graded(1e-3, 20.0, 150)
    made = column(medium, z, 20.0 * year, "first")
    worst, now = [], 0.0
    for time in sorted({float(row["t_years"]) for row in rows}):
        made.run(50, (time - now) * year / 50)
        now = time
        here = [row for row in rows if float(row["t_years"]) == time]
        exact = np.array([float(row["c_over_c0"]) for row in here])
        found = np.interp([float(row["x_m"]) for row in here], z, along(made))
        worst.append(float(np.abs(found - exact).max()))
    assert len(worst) == 4 and max(worst) < 4e-3
    assert worst[-1] < 0.5 * worst[0]  # the jump at the start is forgotten


def test_tmap_point() -> None:
    """Diffusion into a half-infinite slab: at x = 0.45 for 30 s."""
    file = FOLDER / "tmap7_val_1b_point.txt"
    if not file.is_file():
        pytest.skip("shared/data/benchmarks-ade/tmap7_val_1b_point.txt is not beside the repository")
    times, theirs, exact, _ = np.loadtxt(file, skiprows=1).T
    z = graded(0.01, 60.0, 120)
    made = column(Medium(speed=0.0, along=1.0), z, 0.02, "first")
    found = [0.0]
    for second in times[1:]:
        made.run(50 if second <= 5 else 10, 1.0 / (50 if second <= 5 else 10))
        found.append(float(np.interp(0.45, z, along(made))))
    ours = np.abs(np.array(found) - exact)
    assert ours.max() < 2e-3
    assert ours[6:].max() < 2e-4
    assert np.abs(theirs - exact).max() < 1.2e-3

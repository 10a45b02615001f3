# SPDX-License-Identifier: MIT
"""Plumes in a plane with dispersion along and across the flow: Wexler's line source, strip and Gaussian."""

import numpy as np

from tests.ade import Column, Medium, slab, table


def row_of(case: str) -> dict[str, float]:
    """Numbers of one case."""
    for row in table("wexler1992_1d_2d.csv"):
        if row["case"] == case:
            words = ("case", "solution", "inlet")
            return {key: float(value) for key, value in row.items() if value and key not in words}
    raise KeyError(case)


def medium(row: dict[str, float]) -> Medium:
    """Flow and dispersion of a case."""
    return Medium(speed=row["v"], along=row["Dx"], across=row["Dy"])


def at(made: Column, y: float, z: float) -> float:
    """Concentration at a node."""
    points = made.plain.points
    hit = (points[:, 0] == 0.0) & np.isclose(points[:, 1], y) & np.isclose(points[:, 2], z)
    assert hit.sum() == 1
    return float(made.field()[hit][0])


def test_line_source() -> None:
    """A steady line source in uniform flow, half of it by symmetry."""
    row = row_of("W5")
    errors = []
    for h in (6.25, 3.125):
        y, z = np.arange(0.0, 125.0 + h, h), np.arange(0.0, 425.0, h)
        plain = slab(y, z, h)
        made = Column(plain, medium(row), h / 6.25)
        points = made.data.mesh.points
        source = np.isclose(points[:, 1], 0.0) & np.isclose(points[:, 2], 150.0)
        rate = 0.5 * h * row["Q"] * row["c0"] * 0.25 / row["porosity"]
        made.injected = np.where(source, rate / 2.0, 0.0)
        made.run(round(row["t"] * 6.25 / h))
        errors.append(at(made, 25.0, 200.0) - row["recomputed"])
    assert abs(errors[1]) < 3e-3 * row["recomputed"]
    assert abs(errors[1]) < 0.3 * abs(errors[0])


def test_strip() -> None:
    """An inlet kept at 1000 over a part of its width, half of that at its ends; both points at once."""
    rows, steps = [row_of("W6a"), row_of("W6b")], 60
    y, z = np.arange(0.0, 3001.0, 50.0), np.arange(-50.0, 4001.0, 50.0)
    made = Column(slab(y, z, 50.0), medium(rows[0]), rows[0]["t"] / steps)
    place, (low, high) = made.data.mesh.points[:, 1], (rows[0]["y1"], rows[0]["y2"])
    strip = ((place > low) & (place < high)).astype(np.float64)
    strip[np.isclose(place, low) | np.isclose(place, high)] = 0.5
    made.hold(rows[0]["c0"] * strip)
    made.run(steps)
    for row in rows:
        assert abs(at(made, row["y"], row["x"]) / row["recomputed"] - 1.0) < 0.012


def test_gauss() -> None:
    """An inlet kept at a bell curve across the flow: first order in the step, for the limiter."""
    row, errors = row_of("W7"), []
    for steps in (60, 240):
        y, z = np.arange(-200.0, 1150.0, 50.0), np.arange(-50.0, 2351.0, 50.0)
        made = Column(slab(y, z, 50.0), medium(row), row["t"] / steps)
        bell = (made.data.mesh.points[:, 1] - row["y_source"]) / row["sigma"]
        made.hold(row["c0"] * np.exp(-0.5 * bell**2))
        made.run(steps)
        errors.append(abs(at(made, row["y"], row["x"]) / row["recomputed"] - 1.0))
    assert errors[0] < 0.015 and errors[1] < 0.3 * errors[0]

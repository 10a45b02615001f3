# SPDX-License-Identifier: MIT
"""Manufactured solutions in a cylinder and a box, and three bodies in rotation: observed orders."""

from itertools import pairwise

from benchmarks.formulations.compare import run as run_formulation
from benchmarks.formulations.monotone import Monotone
from benchmarks.formulations.rotation import rotation
from benchmarks.ladder.rung import TOLERANCE, Check, Outcome, Rung, Series
from tests.manufactured import box, cylinder, l2
from tests.test_manufactured import TOP, front_error, in_box, in_cylinder, pressure_error, transient


def pressure_in_space(fine: bool) -> Outcome:
    """Two laws of K, two geometries, L2."""
    series = []
    for law in ("rigid", "exponential"):
        counts = (16, 32, 64, 128) if fine else (8, 16)
        errors = [pressure_error(cylinder(n, n), in_cylinder, law) for n in counts]
        series.append(_series(f"{law} K, cylinder", counts, errors, 2.0))
        counts = (8, 16, 32) if fine else (4, 8)
        errors = [pressure_error(box(n, n), in_box, law) for n in counts]
        series.append(_series(f"{law} K, box", counts, errors, 2.0, below=0.3 if not fine else 0.1))
    return Outcome(series=tuple(series))


def pressure_in_time(fine: bool) -> Outcome:
    """What the next halving changes, backward Euler and BDF2."""
    steps = (20, 40, 80, 160, 320) if fine else (10, 20, 40)
    series = []
    for name, known, theory in (("backward Euler", False, 1.0), ("BDF2, uneven steps", True, 2.0)):
        for place, plain, terms in (
            ("cylinder", cylinder(12, 12), in_cylinder),
            ("box", box(6, 6), in_box),
        ):
            runs = [transient(plain, terms, n, known) for n in steps]
            data = runs[0][0]
            changes = [l2(data, b - a) / TOP for (_, a), (_, b) in pairwise(runs)]
            series.append(
                _series(
                    f"{name}, {place}", steps[:-1], changes, theory, "steps", below=0.15 if fine else 0.25
                )
            )
    return Outcome(series=tuple(series))


def front(fine: bool) -> Outcome:
    """A front that travels and spreads: space and time together, limited; and without the correction."""
    counts = (64, 128, 256) if fine else (32, 64)
    limited = [front_error(cylinder(n // 4, n), n // 2, True) for n in counts]
    plain = [front_error(cylinder(4, n), n, False) for n in counts]
    boxes = (32, 64) if fine else (16, 32)
    in_boxes = [front_error(box(n // 8, n), n, True) for n in boxes]
    return Outcome(
        series=(
            _series("limited, cylinder", counts, limited, 2.0, below=0.2 if fine else 0.6),
            _series("limited, box (still rising)", boxes, in_boxes, 2.0, below=0.4 if fine else 0.9),
            _series("without the correction, cylinder", counts, plain, 1.0, below=0.1 if fine else 0.3),
        )
    )


def _series(
    label: str,
    counts: tuple[int, ...],
    errors: list[float],
    theory: float,
    unit: str = "cells a side",
    below: float = 0.1,
) -> Series:
    return Series(
        label=label,
        counts=counts,
        errors=tuple(errors),
        theory=theory,
        unit=unit,
        below=below,
        above=max(below, TOLERANCE),
    )


def three_bodies(fine: bool) -> Outcome:
    """L1 error after a turn, and bounds."""
    counts = (25, 50, 100) if fine else (24, 32)
    rows = []
    for n in counts:
        problem = rotation(count=n, steps=8 * n)
        rows.append(run_formulation(problem, Monotone(problem.grid, "infusate").step))
    last = rows[-1]
    return Outcome(
        series=(
            Series(
                label="L1 error over what there is",
                counts=counts,
                errors=tuple(0.01 * row["error"] for row in rows),
                unit="cells a side",
            ),
        ),
        checks=(
            Check(quantity="lowest value", found=min(last["lowest"], 0.0), exact=0.0, tolerance=1e-10),
            Check(
                quantity="highest value above 1",
                found=max(last["highest"] - 1.0, 0.0),
                exact=0.0,
                tolerance=1e-9,
            ),
            Check(quantity="mass lost", found=last["balance"], exact=0.0, tolerance=1e-11),
        ),
    )


RUNGS = (
    Rung(
        key="mms-pressure",
        title="Manufactured pressure, in space",
        exact=(
            "p = p_v + P (1 - r^2)^2 sin(pi z) in a cylinder, P sin(pi x) sin(pi y) sin(pi z) in a "
            "box, the source that makes it so"
        ),
        source="made here (`tests/test_manufactured.py`)",
        run=pressure_in_space,
    ),
    Rung(
        key="mms-time",
        title="Pressure driven in time, storage and K0 exp(M e)",
        exact="the change that the next halving of the step brings falls as the step, or its square",
        source="made here",
        run=pressure_in_time,
    ),
    Rung(
        key="mms-front",
        title="A front that travels and spreads",
        exact="C = erfc((z - z0 - v t)/sqrt(2 w^2 + 4 D t))/2",
        source="made here",
        run=front,
    ),
    Rung(
        key="rotation",
        title="Three bodies in rotation",
        exact="slotted cylinder, cone and hump stand where they began after one turn",
        source="LeVeque 1996",
        run=three_bodies,
    ),
)

# SPDX-License-Identifier: MIT
"""What a measured pressure says of the tissue: parameters of the tumour fitted to a trace of an infusion.

Least squares on the radial model, in the logarithms of the parameters, from several places. Intervals come
from the curvature at the best fit and from other fits as good; what the trace cannot tell is said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import f as fisher
from scipy.stats import qmc
from scipy.stats import t as student

from cases.case import Case
from cases.errors import ExitCode, UserError
from cases.reading.load import load_case
from cases.running.reuse import Reuse
from meshes.geometry import ParametricGeometry
from meshes.regions import TUMOUR
from solver.simulate import SolverFailure, simulate

Floats = NDArray[np.float64]

FITTED: Final = ("hydraulic_conductivity", "fissuring_pressure", "fissuring_ratio", "confined_modulus")
DECADES: Final = 3.0
"""Each parameter stays within so many decades of the case's value."""
DIFFERENCE: Final = 0.02
"""Step of the finite differences, in decades; steps in time follow the parameters: a small one sees noise."""
WIDE: Final = 1.0
"""Width of an interval, in decades, from which the trace does not determine a parameter."""
ALIKE: Final = 0.98
"""Correlation from which two parameters cannot be told apart."""
FEWEST: Final = 8
STARTS: Final = 4
"""Descents from other places than the case's own values."""
REACH: Final = 0.4
"""How far off these places are, in decades."""
UNFELT: Final = 1e-3
"""Change of the trace by a decade of a parameter, over its range, that is lost in the steps."""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A measured pressure.

    Attributes:
        time: [s], ascending.
        pressure: at the tip [Pa].
    """

    time: Floats
    pressure: Floats


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """One parameter.

    Attributes:
        name: of the tissue's constant.
        start: value of the case [SI].
        value: best fit [SI].
        low: lower end of its 95 % interval [SI].
        high: upper end [SI].
        determined: whether the trace determines it.
    """

    name: str
    start: float
    value: float
    low: float
    high: float
    determined: bool


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The outcome.

    Attributes:
        parameters: fitted ones.
        misfit: root mean square of the differences [Pa].
        runs: of the model.
        warnings: what the trace cannot tell.
        time: of the trace [s].
        measured: pressures [Pa].
        modelled: pressures of the best fit [Pa].
    """

    parameters: tuple[Fitted, ...]
    misfit: float
    runs: int
    warnings: tuple[str, ...]
    time: Floats
    measured: Floats
    modelled: Floats


def read_trace(path: Path) -> Trace:
    """Read a CSV file with a header such as ``time [s],pressure [kPa]``.

    Raises:
        UserError: it cannot be read, or holds no trace (code 65 or 66).
    """
    import csv

    from cases.schema import units

    try:
        lines = list(csv.reader(path.read_text("utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})", ExitCode.MISSING_INPUT) from error
    columns: dict[str, tuple[int, float]] = {}
    for place, head in enumerate(lines[0] if lines else []):
        name, _, unit = head.strip().rstrip("]").partition(" [")
        dimension = {"time": units.TIME, "pressure": units.PRESSURE}.get(name)
        if dimension is not None:
            try:
                columns[name] = place, units.to_si(f"1 {unit}", dimension)
            except ValueError as error:
                raise UserError(f"{path}:1: {name}: {error}", ExitCode.INVALID) from error
    if set(columns) != {"time", "pressure"}:
        message = f'{path}:1: expected the columns "time [UNIT]" and "pressure [UNIT]", found {lines[:1]}'
        raise UserError(message, ExitCode.INVALID)
    values: dict[str, list[float]] = {name: [] for name in columns}
    for number, line in enumerate(lines[1:], 2):
        for name, (place, factor) in columns.items():
            try:
                values[name].append(factor * float(line[place]))
            except (ValueError, IndexError) as error:
                raise UserError(f"{path}:{number}: {name}: expected a number", ExitCode.INVALID) from error
    trace = Trace(time=np.array(values["time"]), pressure=np.array(values["pressure"]))
    if (
        len(trace.time) < FEWEST
        or np.any(np.diff(trace.time) <= 0)
        or not np.all(np.isfinite(trace.pressure))
    ):
        message = f"{path}: expected at least {FEWEST} finite pressures at rising times"
        raise UserError(message, ExitCode.INVALID)
    return trace


def load_radial(path: str, overrides: Sequence[str]) -> Case:
    """The case in radial geometry, as fine in time as differences need.

    Raises:
        CaseError: it is not valid, or holds what radial geometry cannot.
    """
    return load_case(path, (*overrides, "geometry.kind=radial", "numerics.flow_tolerance=0.005"))


class Model:
    """The pressure at the tip over time, as a function of the tumour's constants.

    Attributes:
        runs: so far.
        names: of the constants.
    """

    def __init__(self, case: Case, names: Sequence[str], time: Floats) -> None:
        assert isinstance(case.geometry, ParametricGeometry)
        self._case, self._time, self._reuse = case, time, Reuse()
        _, self._mesh = self._reuse.mesh(case.geometry, MPI.COMM_SELF)
        self.names = tuple(names)
        self.runs = 0

    def start(self) -> Floats:
        """Decimal logarithms of the case's own values."""
        tissue = self._case.model.tissues[TUMOUR]
        return np.log10([getattr(tissue, name) for name in self.names])

    def pressure(self, decades: Floats) -> Floats:
        """Pressure at the times of the trace [Pa].

        Raises:
            SolverFailure: when the model cannot be solved.
        """
        self.runs += 1
        model = self._case.model
        values: dict[str, Any] = {
            name: float(10**power) for name, power in zip(self.names, decades, strict=True)
        }
        tissues = {**model.tissues, TUMOUR: replace(model.tissues[TUMOUR], **values)}
        schedule = replace(model.schedule, end=float(max(self._time[-1], 1e-3)), outputs=())
        changed = replace(model, tissues=tissues, schedule=schedule)
        data = self._reuse.data(self._mesh, changed, self._case.geometry.sites)
        steps = [(state.time, float(state.source_pressure[0])) for state in simulate(data, changed)]
        time, pressure = np.array(steps).T
        return np.interp(self._time, time, pressure)


def fit_trace(case: Case, trace: Trace, names: Sequence[str] = FITTED, starts: int = STARTS) -> Fit:
    """Fit constants of the tumour to a trace.

    Args:
        case: from `load_radial`.
        trace: measured pressure at the tip.
        names: of the constants.
        starts: descents from other places than the case's own values.

    Raises:
        UserError: the model cannot be solved anywhere near the case (code 70).
    """
    model = Model(case, names, trace.time)
    start = model.start()
    scale = float(np.ptp(trace.pressure)) or 1.0

    def misfit(decades: Floats) -> Floats:
        try:
            return (model.pressure(decades) - trace.pressure) / scale
        except SolverFailure:
            # far off; the search turns back
            return np.full(trace.time.size, 10.0)

    places = qmc.LatinHypercube(len(start), rng=np.random.default_rng(0)).random(starts)
    bounds = (start - DECADES, start + DECADES)
    found = [_descended(misfit, first, bounds) for first in (start, *(start + REACH * (2 * places - 1)))]
    found.sort(key=lambda solution: float(solution.cost))
    if np.all(found[0].fun >= 10.0):
        raise UserError("the model cannot be solved near this case", ExitCode.DIVERGED)
    return _outcome(model, found, start, trace, scale)


def _descended(misfit: Callable[[Floats], Floats], first: Floats, bounds: tuple[Floats, Floats]) -> Any:
    """One descent; several are made because the misfit has more than one valley."""
    return least_squares(
        misfit,
        first,
        bounds=bounds,
        diff_step=DIFFERENCE / np.maximum(np.abs(first), 1e-3),
        x_scale=0.3,
        xtol=1e-4,
        ftol=1e-5,
        max_nfev=15,
    )


def _outcome(model: Model, found: list[Any], start: Floats, trace: Trace, scale: float) -> Fit:
    best = found[0]
    freedom = max(trace.time.size - len(start), 1)
    noise = float(np.sum(best.fun**2)) / freedom
    half = _half_widths(best, noise, freedom)
    # other valleys as deep as the noise lets one see (F test) are answers too
    depth = best.cost * (1 + len(start) / freedom * fisher.ppf(0.95, len(start), freedom))
    alike = np.array([solution.x for solution in found if solution.cost <= depth])
    parameters, warnings = [], []
    for number, name in enumerate(model.names):
        low = float(min(alike[:, number].min(), best.x[number] - half[number]))
        high = float(max(alike[:, number].max(), best.x[number] + half[number]))
        at_bound = abs(best.x[number] - start[number]) > 0.99 * DECADES
        determined = high - low < WIDE and not at_bound
        if not determined:
            warnings.append(f"the trace does not determine {name}")
        parameters.append(
            Fitted(
                name=name,
                start=float(10 ** start[number]),
                value=float(10 ** best.x[number]),
                low=10 ** max(low, -300.0),
                high=10 ** min(high, 300.0),
                determined=determined,
            )
        )
    return Fit(
        parameters=tuple(parameters),
        misfit=float(np.sqrt(np.mean((scale * best.fun) ** 2))),
        runs=model.runs,
        warnings=(*warnings, *_confounded(model.names, best.jac.T @ best.jac)),
        time=trace.time,
        measured=trace.pressure,
        modelled=trace.pressure + scale * best.fun,
    )


def _half_widths(found: Any, noise: float, freedom: int) -> Floats:
    """Half widths of the 95 % intervals, in decades; infinite where the trace does not feel a parameter."""
    curvature = found.jac.T @ found.jac
    spread = np.sqrt(np.maximum(noise * np.diag(np.linalg.pinv(curvature, rcond=1e-12)), 0.0))
    felt = np.sqrt(np.diag(curvature)) > UNFELT
    return np.where(felt, student.ppf(0.975, freedom) * spread, np.inf)


def _confounded(names: Sequence[str], curvature: Floats) -> list[str]:
    """Pairs that the trace cannot tell apart, by the correlation of their estimates."""
    covariance = np.linalg.pinv(curvature, rcond=1e-12)
    size = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    related = covariance / np.outer(size, size)
    return [
        f"{names[i]} and {names[j]} cannot be told apart (correlation {related[i, j]:+.3f})"
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if abs(related[i, j]) > ALIKE
    ]

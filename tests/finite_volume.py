# SPDX-License-Identifier: MIT
"""A second program for the same physics: spherical shells, finite volumes, nothing shared with the solver.

Pressures and concentrations are means of shells. Between shells, K is the arithmetic mean, the agent's flux
is that of the exact one-dimensional convection-diffusion profile (Scharfetter & Gummel 1969). Time is
stepped by backward Euler, the pressure of every step by Newton with the history of p_max implicit. First
order in time, between first and second in space, and deliberately plain: it is a witness, not a solver.
"""

from dataclasses import dataclass, replace
from math import log, pi

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_banded
from scipy.special import expit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """The reference case of docs/model.md in SI units; pairs are (tumour, normal tissue).

    ``washout`` is the agent's loss to blood where C_p = 0: ``flow_limited``, n (F - J) C, what blood in
    equilibrium with tissue carries away; or ``patlak_of_flow``, n F x/(exp(x) - 1) C with x = J/F, Patlak's
    law with PS = F, which the oldest reference numbers were made with.
    """

    tumour_radius: float = 10e-3
    outer_radius: float = 60e-3
    cavity_radius: float = 0.359e-3
    rate: float = 1e-6 / 60.0
    duration: float = 60.0
    end: float = 60.0 + 5.0 / 0.033
    inlet: float = 3.0
    reaction: float = 0.033
    diffusivity: float = 7.6e-10
    porosity: float = 0.3
    modulus: float = 30e3
    conductivity: tuple[float, float] = (3.1e-14, 6.4e-15)
    dilatation_exponent: float = 5.0
    largest_dilatation: float = 0.5
    law: str = "fissuring"
    fissuring_ratio: float = 1e4
    fissuring_pressure: float = 8e3
    fissuring_width: float = 1e3
    vessel_conductance: tuple[float, float] = (4.2e-7, 1.89e-8)
    vessel_pressure: tuple[float, float] = (1533.0, 866.0)
    closing_pressure: float = 2080.0 + 2700.0
    closing_width: float = 300.0
    perfusion: float = 5e-3
    washout: str = "flow_limited"
    lymph_conductance: tuple[float, float] = (0.0, 9.98e-8)


@dataclass(frozen=True)
class Outcome:
    """What a run gives: radii [m] at which a profile crosses a level, shares of the injected agent.

    Attributes:
        peak_pressure: on the cavity wall, largest over time [Pa].
        fissured_radius: where p_max = p_c when injection stops [m].
        front_radius: where C = 5 % of C_in when injection stops [m].
        dose_radii: where CT = 0.6, 3, 4.5, 9 and 30 kg s/m3 at the end [m].
        shares: ``reacted_tumour``, ``reacted_tissue``, ``blood``, ``lymph``, ``left``, ``crossed``.
        largest_dilatation: e [-].
        residual: of the agent's ledger, over what was injected.
        newton_iterations: in the whole run.
    """

    peak_pressure: float
    fissured_radius: float
    front_radius: float
    dose_radii: tuple[float, ...]
    shares: dict[str, float]
    largest_dilatation: float
    residual: float
    newton_iterations: int


DOSES = (0.6, 3.0, 4.5, 9.0, 30.0)


class Shells:
    """Geometric grid of shells with a face on the tumour surface, and the materials on it."""

    def __init__(self, case: Case, growth: float) -> None:
        faces = np.concatenate(
            [
                _geometric(case.cavity_radius, case.tumour_radius, growth),
                _geometric(case.tumour_radius, case.outer_radius, growth)[1:],
            ]
        )
        self.centre = 0.5 * (faces[1:] + faces[:-1])
        self.volume = 4.0 / 3.0 * pi * (faces[1:] ** 3 - faces[:-1] ** 3)
        self.distance = np.diff(self.centre)
        self.area = 4.0 * pi * faces[1:-1] ** 2
        self.tumour = self.centre < case.tumour_radius
        self.conductivity = self._pair(case.conductivity)
        self.conductance = self._pair(case.vessel_conductance)
        self.vessel_pressure = self._pair(case.vessel_pressure)
        self.lymph = self._pair(case.lymph_conductance)
        self.wall = (1.0 / faces[0] - 1.0 / self.centre[0]) / (4.0 * pi)
        self.far_conductance, self.far_pressure = self._far_field(case, faces[-1])

    def _pair(self, values: tuple[float, float]) -> Floats:
        return np.where(self.tumour, *values)

    def _far_field(self, case: Case, outer: float) -> tuple[float, float]:
        """Flow out of the last shell per pressure: what is beyond decays as exp(-r/ell)/r from its rest."""
        total = case.vessel_conductance[1] + case.lymph_conductance[1]
        screening = (case.conductivity[1] / total) ** 0.5
        beyond = 4.0 * pi * outer**2 * case.conductivity[1] * (1.0 / outer + 1.0 / screening)
        half = 4.0 * pi * case.conductivity[1] / (1.0 / self.centre[-1] - 1.0 / outer)
        rest = case.vessel_conductance[1] * case.vessel_pressure[1] / total
        return beyond * half / (beyond + half), rest


def _geometric(start: float, end: float, growth: float) -> Floats:
    return np.asarray(np.geomspace(start, end, 1 + max(1, round(log(end / start) / log(1.0 + growth)))))


class Program:
    """One run: the state and the equations."""

    def __init__(self, case: Case, growth: float) -> None:
        self.case, self.shells = case, Shells(case, growth)
        cells = len(self.shells.centre)
        self.iterations = 0
        self.rest: Floats | None = None
        self.rest = self.pressure = self._solve_pressure(np.full(cells, 500.0), np.zeros(cells), np.inf, 0.0)
        self.history = self.rest.copy()
        self.agent = np.zeros(cells)
        self.dose = np.zeros(cells)
        self.totals = dict.fromkeys(
            ("injected", "reacted_tumour", "reacted_tissue", "blood", "lymph", "crossed"), 0.0
        )

    def conductivity(self, pressure: Floats, history: Floats) -> tuple[Floats, Floats]:
        """K of every shell, and its derivative by the pressure, with p_max = max(history, p)."""
        case = self.case
        strain = self.dilatation(pressure)
        largest = np.maximum(history, pressure)
        x = (largest - case.fissuring_pressure) / case.fissuring_width
        step = expit(x)
        slope = step * expit(-x) / case.fissuring_width * (pressure >= history)
        stretched = self.shells.conductivity * np.exp(
            case.dilatation_exponent * np.minimum(strain, case.largest_dilatation)
        )
        by_strain = case.dilatation_exponent / case.modulus * (strain < case.largest_dilatation)
        if case.law == "logistic":
            factor, by_history = (
                1.0 + (case.fissuring_ratio - 1.0) * step,
                (case.fissuring_ratio - 1.0) * slope,
            )
        else:
            factor = case.fissuring_ratio**step
            by_history = factor * log(case.fissuring_ratio) * slope
        return stretched * factor, stretched * (factor * by_strain + by_history)

    def filtration(self, pressure: Floats) -> tuple[Floats, Floats, Floats]:
        """J_v [1/s] within what flow can carry, its derivative, and the open share of vessels n."""
        case, cells = self.case, self.shells
        n = expit(-(pressure - case.closing_pressure) / case.closing_width)
        dn = -n * (1.0 - n) / case.closing_width
        drive = cells.conductance * (cells.vessel_pressure - pressure)
        per_vessel = np.clip(drive, -case.perfusion, 0.5 * case.perfusion)
        free = per_vessel == drive
        return n * per_vessel, dn * per_vessel - n * free * cells.conductance, n

    def _balance(
        self, pressure: Floats, history: Floats, dt: float, rate: float
    ) -> tuple[Floats, Floats, Floats]:
        """Residual of the fluid balance [m3/s], its banded derivative, and the flow through inner faces."""
        cells = self.shells
        k, dk = self.conductivity(pressure, history)
        shape = cells.area / cells.distance
        mean, drop = 0.5 * (k[1:] + k[:-1]), pressure[:-1] - pressure[1:]
        flow = shape * mean * drop
        by_left, by_right = shape * (mean + 0.5 * dk[:-1] * drop), shape * (-mean + 0.5 * dk[1:] * drop)
        filtration, d_filtration, _ = self.filtration(pressure)
        storage = cells.volume / (self.case.modulus * dt)
        drained = cells.lymph * np.maximum(pressure, 0.0)
        start = self.pressure if np.isfinite(dt) else pressure
        residual = storage * (pressure - start) - cells.volume * (filtration - drained)
        residual[:-1] += flow
        residual[1:] -= flow
        residual[0] -= rate
        residual[-1] += cells.far_conductance * (pressure[-1] - cells.far_pressure)
        bands = np.zeros((3, len(pressure)))
        bands[1] = storage - cells.volume * (d_filtration - cells.lymph * (pressure > 0.0))
        bands[1, :-1] += by_left
        bands[1, 1:] -= by_right
        bands[1, -1] += cells.far_conductance
        bands[0, 1:], bands[2, :-1] = by_right, -by_left
        return residual, bands, flow

    def _solve_pressure(self, guess: Floats, history: Floats, dt: float, rate: float) -> Floats:
        """Newton with a line search on the summed residual, to 1e-9 of the rate of injection."""
        pressure = guess
        residual, bands, _ = self._balance(pressure, history, dt, rate)
        for _ in range(200):
            self.iterations += 1
            size = np.abs(residual).sum()
            if size < 1e-9 * self.case.rate:
                return pressure
            change = solve_banded((1, 1), bands, -residual)
            length = 1.0
            while True:
                trial = pressure + length * change
                residual, bands, _ = self._balance(trial, history, dt, rate)
                if np.abs(residual).sum() < (1.0 - 1e-4 * length) * size or length < 1e-3:
                    break
                length *= 0.5
            pressure = trial
        raise RuntimeError(f"no pressure after 200 iterations, residual {size:.2e} m3/s")

    def step(self, dt: float, rate: float) -> None:
        """Advance pressure, then agent, by one backward Euler step."""
        before = self.porosity()
        pressure = self._solve_pressure(self.pressure, self.history, dt, rate)
        _, _, flow = self._balance(pressure, self.history, dt, rate)
        self.pressure, self.history = pressure, np.maximum(self.history, pressure)
        self._advance_agent(dt, rate, flow, before)

    def porosity(self) -> Floats:
        """Fluid per reference volume."""
        return self.case.porosity + self.dilatation(self.pressure)

    def dilatation(self, pressure: Floats) -> Floats:
        """e, nothing while the pressure at rest is itself being found."""
        return np.asarray(0.0 * pressure if self.rest is None else (pressure - self.rest) / self.case.modulus)

    def _washout(self, filtration: Floats, n: Floats) -> Floats:
        """Loss of agent to blood per concentration [1/s]."""
        supply = n * self.case.perfusion
        if self.case.washout == "flow_limited":
            return np.asarray(supply - filtration)
        return np.asarray(supply * _bernoulli(filtration / np.maximum(supply, 1e-300)))

    def _advance_agent(self, dt: float, rate: float, flow: Floats, before: Floats) -> None:
        case, cells = self.case, self.shells
        porosity = self.porosity()
        spread = case.diffusivity * 0.5 * (porosity[1:] + porosity[:-1]) * cells.area / cells.distance
        outward, inward = spread * _bernoulli(-flow / spread), spread * _bernoulli(flow / spread)
        filtration, _, n = self.filtration(self.pressure)
        reaction = porosity * case.reaction
        blood = self._washout(filtration, n)
        lymph = cells.lymph * np.maximum(self.pressure, 0.0)
        bands = np.zeros((3, len(porosity)))
        bands[1] = cells.volume * (porosity / dt + reaction + blood + lymph)
        bands[1, :-1] += outward
        bands[1, 1:] += inward
        bands[0, 1:], bands[2, :-1] = -inward, -outward
        bands[1, -1] += max(cells.far_conductance * (self.pressure[-1] - cells.far_pressure), 0.0)
        source = cells.volume * before * self.agent / dt
        source[0] += rate * case.inlet
        self.agent = solve_banded((1, 1), bands, source)
        self.dose += dt * self.agent
        amount = dt * cells.volume * self.agent
        face = np.count_nonzero(cells.tumour) - 1
        self.totals["injected"] += dt * rate * case.inlet
        self.totals["reacted_tumour"] += (reaction * amount)[cells.tumour].sum()
        self.totals["reacted_tissue"] += (reaction * amount)[~cells.tumour].sum()
        self.totals["blood"] += (blood * amount).sum()
        self.totals["lymph"] += (lymph * amount).sum()
        self.totals["crossed"] += dt * (
            outward[face] * self.agent[face] - inward[face] * self.agent[face + 1]
        )


def _bernoulli(x: Floats) -> Floats:
    """x / (exp(x) - 1)."""
    small = np.abs(x) < 1e-5
    safe = np.where(small, 1.0, np.clip(x, -700.0, 700.0))
    return np.where(small, 1.0 - 0.5 * x, safe / np.expm1(safe))


def _crossing(radius: Floats, profile: Floats, level: float) -> float:
    """Largest radius at which a profile falls below a level, between shells linearly."""
    above = np.flatnonzero(profile >= level)
    if len(above) == 0:
        return 0.0
    i = above[-1]
    return float(np.interp(-level, -profile[i : i + 2], radius[i : i + 2]))


def time_steps(case: Case, dt: float) -> list[tuple[float, float]]:
    """Steps [s] and rates [m3/s]: from dt/50 growing by 1.2 to dt, afresh when injection stops."""
    steps = []
    for length, rate in ((case.duration, case.rate), (case.end - case.duration, 0.0)):
        ramp = dt / 50.0 * 1.2 ** np.arange(22)
        rest = length - ramp.sum()
        count = round(rest / dt)
        steps += [(float(h), rate) for h in (*ramp, *np.full(count, rest / count))]
    return steps


def run(case: Case, growth: float = 0.004, dt: float = 0.2) -> Outcome:
    """Run a case on shells that grow by ``growth``, with steps of at most about ``dt`` [s]."""
    program = Program(case, growth)
    cells = program.shells
    peak = largest = fissured = front = 0.0
    steps = time_steps(case, dt)
    for number, (h, rate) in enumerate(steps):
        program.step(h, rate)
        wall = program.conductivity(program.pressure, program.history)[0][0]
        peak = max(peak, program.pressure[0] + rate * cells.wall / wall)
        largest = max(largest, program.porosity().max() - case.porosity)
        if rate > 0.0 and steps[number + 1][1] == 0.0:
            fissured = _crossing(cells.centre, program.history, case.fissuring_pressure)
            front = _crossing(cells.centre, program.agent, 0.05 * case.inlet)
    left = float((cells.volume * program.porosity() * program.agent).sum())
    injected = program.totals.pop("injected")
    shares = {name: amount / injected for name, amount in program.totals.items()} | {"left": left / injected}
    residual = 1.0 - sum(share for name, share in shares.items() if name != "crossed")
    doses = tuple(_crossing(cells.centre, program.dose, level) for level in DOSES)
    return Outcome(peak, fissured, front, doses, shares, largest, residual, program.iterations)


REFERENCE = Case()
LOGISTIC = replace(REFERENCE, law="logistic")
SPILL = replace(REFERENCE, tumour_radius=6e-3)

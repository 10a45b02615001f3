# SPDX-License-Identifier: MIT
"""BALL solved along its radius: finite volumes of 1 um, BDF2 with 0.02 s, exact flow. Kept per user.

The pressure of each phase is known in closed form, p = p_e + (a e^(r/l) + b e^(-r/l))/r in each layer with
l = sqrt(K/S), so only transport is discretised. Differences are central: a cell is shorter than two diffusion
lengths phi D/u everywhere, so they make no new extremum.
"""

import argparse
import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from benchmarks.ball.definition import (
    BALLS,
    CAVITY_RADIUS,
    CONDUCTIVITY,
    DIFFUSIVITY,
    DOMAIN_RADIUS,
    DOSE,
    END,
    INFLOW,
    INJECTED,
    INJECTION_END,
    POROSITY,
    REACTION_RATE,
    TUMOUR_RADIUS,
    VESSEL_PRESSURE,
    Ball,
)
from benchmarks.cache import cache_folder

Floats = NDArray[np.float64]

LENGTH = 1e-6
TIME_STEP = 0.02


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Profiles along the radius, and what became of the agent.

    Attributes:
        radius: midpoints of the cells [m], shape ``(n,)``.
        concentration: C when the injection ends [-].
        ct: integral of C over the whole time [s].
        mass: agent there when the injection ends, over what was injected [-].
        reacted: share of the injected agent that reacted.
        vessels: share that vessels took.
        remaining: share still there at the end.
        boundary: share that left through the outer boundary.
        volume: where CT exceeds the threshold [m3].
    """

    radius: Floats
    concentration: Floats
    ct: Floats
    mass: float
    reacted: float
    vessels: float
    remaining: float
    boundary: float
    volume: float


def reference(ball: Ball, length: float = LENGTH, step: float = TIME_STEP) -> Reference:
    """Read the reference of a case from the user's cache, or compute it and keep it there.

    Args:
        ball: the case.
        length: of a cell [m].
        step: in time [s].
    """
    code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    file = cache_folder() / f"reference-{ball.name}-{length:g}-{step:g}-{code}.npz"
    if not file.is_file():
        np.savez(file, **asdict(solve(ball, length, step)))
    with np.load(file) as kept:
        return Reference(**{name: kept[name][()] for name in kept.files})


def solve(ball: Ball, length: float, step: float) -> Reference:
    """Compute the reference of a case.

    Args:
        ball: the case.
        length: of a cell [m].
        step: in time [s]; divides both phases.
    """
    faces = np.linspace(CAVITY_RADIUS, DOMAIN_RADIUS, round((DOMAIN_RADIUS - CAVITY_RADIUS) / length) + 1)
    middle = (faces[1:] + faces[:-1]) / 2
    volumes = 4 / 3 * np.pi * np.diff(faces**3)
    exchange = np.zeros(faces.size)
    exchange[1:-1] = 4 * np.pi * faces[1:-1] ** 2 * POROSITY * DIFFUSIVITY / np.diff(middle)
    state, ct, taken = np.zeros((3, middle.size))
    left = 0.0
    phases = ((INFLOW, INJECTION_END), (0.0, END - INJECTION_END))
    concentrations = []
    for inflow, duration in phases:
        flow = fluxes(ball, inflow, faces)
        sink = np.maximum(-np.diff(flow), 0.0)
        count = round(duration / step)
        dose = _march(state, (volumes * POROSITY, flow, exchange, sink), inflow, step, count)
        ct += dose
        taken += sink * dose
        left += flow[-1] * dose[-1]
        concentrations.append(state.copy())
    profile = concentrations[0]
    return Reference(
        radius=middle,
        concentration=profile,
        ct=ct,
        mass=float(volumes @ profile) * POROSITY / INJECTED,
        reacted=float(volumes @ ct) * POROSITY * REACTION_RATE / INJECTED,
        vessels=float(taken.sum()) / INJECTED,
        remaining=float(volumes @ state) * POROSITY / INJECTED,
        boundary=left / INJECTED,
        volume=dosed_volume(middle, ct),
    )


def dosed_volume(radius: Floats, ct: Floats) -> float:
    """Volume of the shell around the cavity in which CT, which falls outwards, exceeds the threshold [m3]."""
    beyond = int(np.argmax(ct < DOSE))
    share = (ct[beyond - 1] - DOSE) / (ct[beyond - 1] - ct[beyond])
    reach = radius[beyond - 1] + share * (radius[beyond] - radius[beyond - 1])
    return float(4 / 3 * np.pi * (reach**3 - CAVITY_RADIUS**3))


def fluxes(ball: Ball, inflow: float, radii: Floats) -> Floats:
    """Fluid that flows outwards through spheres [m3/s], exactly.

    Args:
        ball: the case.
        inflow: over the wall of the cavity [m3/s].
        radii: of the spheres [m].
    """
    inverse = np.sqrt(np.array(ball.vessel_conductance) / CONDUCTIVITY)
    rows, right = np.zeros((4, 4)), np.zeros(4)
    rows[0, :2], right[0] = _flux_terms(0, inverse[0], CAVITY_RADIUS), inflow
    rows[1, :2] = _flux_terms(0, inverse[0], TUMOUR_RADIUS)
    rows[1, 2:] = [-term for term in _flux_terms(1, inverse[1], TUMOUR_RADIUS)]
    rows[2, :2] = _pressure_terms(0, inverse[0], TUMOUR_RADIUS)
    rows[2, 2:] = [-term for term in _pressure_terms(1, inverse[1], TUMOUR_RADIUS)]
    right[2] = VESSEL_PRESSURE[1] - VESSEL_PRESSURE[0]
    rows[3, 2:], right[3] = _pressure_terms(1, inverse[1], DOMAIN_RADIUS), -VESSEL_PRESSURE[1]
    scale = np.abs(rows).max(axis=1)
    coefficients = np.linalg.solve(rows / scale[:, None], right / scale)
    out = np.empty(radii.size)
    for layer, chosen in enumerate((radii <= TUMOUR_RADIUS, radii > TUMOUR_RADIUS)):
        growing, decaying = _flux_terms(layer, inverse[layer], radii[chosen])
        out[chosen] = coefficients[2 * layer] * growing + coefficients[2 * layer + 1] * decaying
    return out


LAYERS = ((CAVITY_RADIUS, TUMOUR_RADIUS), (TUMOUR_RADIUS, DOMAIN_RADIUS))


def _pressure_terms(layer: int, inverse: float, radius: Floats | float) -> tuple[Floats, Floats]:
    """The two solutions of a layer [1/m]: growing to 1 at its outer end, decaying from 1 at its inner end."""
    inner, outer = LAYERS[layer]
    return np.exp((radius - outer) * inverse) / radius, np.exp((inner - radius) * inverse) / radius


def _flux_terms(layer: int, inverse: float, radius: Floats | float) -> tuple[Floats, Floats]:
    """Their fluxes -4 pi r^2 K dp/dr per pressure."""
    growing, decaying = _pressure_terms(layer, inverse, radius)
    area = 4 * np.pi * CONDUCTIVITY[layer] * np.square(radius)
    return area * growing * (1 / radius - inverse), area * decaying * (1 / radius + inverse)


@numba.njit(cache=True)
def _march(state, coefficients, inflow, step, count):  # type: ignore[no-untyped-def]
    """Advance ``state`` in place by BDF2, the first step by backward Euler; returns the integral of C [s]."""
    capacity, flow, exchange, sink = coefficients
    rate = REACTION_RATE
    n = state.size
    before, dose = state.copy(), np.zeros(n)
    right, slope = np.empty(n), np.empty(n)
    for number in range(count):
        first = number == 0
        weight = (1.0 if first else 1.5) / step
        for i in range(n):
            history = state[i] if first else 2.0 * state[i] - 0.5 * before[i]
            right[i] = capacity[i] * history / step
        right[0] += inflow
        pivot = 0.0
        for i in range(n):  # Thomas
            lower = -0.5 * flow[i] - exchange[i] if i > 0 else 0.0
            upper = 0.5 * flow[i + 1] - exchange[i + 1] if i < n - 1 else 0.0
            inner = -0.5 * flow[i] + exchange[i] if i > 0 else 0.0
            outer = 0.5 * flow[i + 1] + exchange[i + 1] if i < n - 1 else flow[n]
            diagonal = capacity[i] * (weight + rate) + sink[i] + inner + outer
            if i > 0:
                diagonal -= lower * slope[i - 1]
                right[i] -= lower * right[i - 1]
            pivot = 1.0 / diagonal
            slope[i] = upper * pivot
            right[i] *= pivot
        for i in range(n - 2, -1, -1):
            right[i] -= slope[i] * right[i + 1]
        for i in range(n):
            dose[i] += 0.5 * step * (state[i] + right[i])
            before[i] = state[i]
            state[i] = right[i]
    return dose


def main() -> None:
    """Print the figures of both cases, and how they change on half the resolution."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--length", type=float, default=LENGTH, help="of a cell [m]")
    parser.add_argument("--step", type=float, default=TIME_STEP, help="in time [s]")
    arguments = parser.parse_args()
    for ball in BALLS.values():
        found = reference(ball, arguments.length, arguments.step)
        reach = (found.volume * 3 / (4 * np.pi) + CAVITY_RADIUS**3) ** (1 / 3)
        print(
            f"{ball.name}: reacted {found.reacted:.2%}, vessels {found.vessels:.2%}, remaining "
            f"{found.remaining:.2%}, boundary {found.boundary:.1e}, mass at 60 s {found.mass:.4%}, "
            f"V(CT > {DOSE:g} s) {found.volume * 1e9:.2f} mm3 (r = {reach * 1e3:.3f} mm)"
        )


if __name__ == "__main__":
    main()

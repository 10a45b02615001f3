# SPDX-License-Identifier: MIT
"""A cavity at the needle's tip that opens under pressure: how much fluid it holds.

    p - p0 = mu (5/2 - 2/s - 1/(2 s^4)),    V = 4/3 pi a^3 (s^3 - 1)

A neo-Hookean solid around a small sphere (Gent and Lindley, 1959): the pressure tends to 2.5 mu however far
it opens. Its nodes share it as they share what is injected, each by its own pressure.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.parameters.model import Model
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]

WIDEST: Final = 100.0
"""Radius over that at rest up to which the law is followed; then V goes on in a straight line."""
NEWTON: Final = 8
"""Iterations for s: from above a convex function falls to its root, the last digits within these."""


def cavity_pressure(stretch: Floats) -> Floats:
    """Pressure over mu that holds a cavity open (Gent and Lindley, 1959).

    Args:
        stretch: s, radius over that at rest [-].
    """
    return np.asarray(2.5 - 2 / stretch - 0.5 / stretch**4)


def cavity_stretch(pressure: Floats) -> Floats:
    """Inverse of ``cavity_pressure``; 1 below 0, and at most ``WIDEST``.

    Args:
        pressure: over mu [-].
    """
    limit = float(cavity_pressure(np.array(WIDEST)))
    rest = 2.5 - np.clip(pressure, 0.0, limit)
    inverse = np.minimum(0.5 * rest, 1.0)
    for _ in range(NEWTON):
        inverse = inverse - (2 * inverse + 0.5 * inverse**4 - rest) / (2 + 2 * inverse**3)
    return np.asarray(1 / np.clip(inverse, 1 / WIDEST, 1.0))


@dataclass(frozen=True, kw_only=True)
class Opening:
    """One cavity.

    Attributes:
        site: of injection.
        share: of it that each node holds [-], shape ``(n,)``.
        volume: at rest [m3].
        shear: mu of the tissue around [Pa].
    """

    site: int
    share: Floats
    volume: float
    shear: float


class CavityStore:
    """Fluid that cavities hold beyond rest, by the pressure of their nodes.

    Attributes:
        openings: the cavities.
    """

    def __init__(self, openings: tuple[Opening, ...], rest: Floats) -> None:
        self.openings, self._rest = openings, rest

    def volume(self, pressure: Floats) -> Floats:
        """Fluid per node [m3], shape ``(n,)``."""
        out = np.zeros_like(pressure)
        for opening in self.openings:
            out += opening.share * _held(opening, pressure - self._rest)[0]
        return out

    def slope(self, pressure: Floats) -> Floats:
        """Its derivative by the pressure [m3/Pa]."""
        out = np.zeros_like(pressure)
        for opening in self.openings:
            out += opening.share * _held(opening, pressure - self._rest)[1]
        return out

    def known(self, pressure: Floats, filling: Floats | None, how: tuple[float, float]) -> Floats:
        """What the past puts into the balance [m3/s].

        Args:
            pressure: at the start of the step [Pa].
            filling: mean rate of the step before [m3/s].
            how: weight of the end of the step, 1 for backward Euler, and its length [s].
        """
        share, step = how
        out = self.volume(pressure) / (share * step)
        return out if filling is None or share == 1 else out + (1 - share) / share * filling

    def filled(self, start: Floats, end: Floats, step: float) -> Floats:
        """Mean rate at which cavities take up fluid during a step, per node [m3/s].

        Args:
            start: pressure at its start [Pa].
            end: pressure at its end [Pa].
            step: its length [s].
        """
        return (self.volume(end) - self.volume(start)) / step


def _held(opening: Opening, excess: Floats) -> tuple[Floats, Floats]:
    """Fluid in a whole cavity at a pressure above rest [m3], and the derivative [m3/Pa]."""
    relative = excess / opening.shear
    stretch = cavity_stretch(relative)
    slope = 3 * stretch**2 / (2 / stretch**2 + 2 / stretch**5)
    beyond = np.maximum(relative - cavity_pressure(np.array(WIDEST)), 0.0)
    volume = opening.volume * (stretch**3 - 1 + slope * beyond)
    return volume, np.where(relative > 0.0, opening.volume * slope / opening.shear, 0.0)


def cavity_store(data: Discretisation, model: Model, rest: Floats) -> CavityStore | None:
    """The cavities of a model that open; None where none does. Collective.

    Args:
        data: static data.
        model: what is simulated.
        rest: pressure at rest [Pa].
    """
    radii = {pulse.site: pulse.cavity_radius for pulse in model.injections if pulse.cavity_radius is not None}
    if not radii:
        return None
    pairs = data.pairs
    modulus = np.array([model.tissues[tag].shear_modulus for tag in pairs.region])
    weight = pairs.to_nodes(pairs.volume)
    shear = np.divide(
        pairs.to_nodes(pairs.volume * modulus), weight, out=np.zeros_like(weight), where=weight > 0
    )
    openings = tuple(
        Opening(
            site=site,
            share=data.halo.update(data.sources[site].copy()),
            volume=4 / 3 * np.pi * radius**3,
            shear=data.halo.sum(data.sources[site] * shear),
        )
        for site, radius in sorted(radii.items())
    )
    return CavityStore(openings, rest)

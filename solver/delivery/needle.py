# SPDX-License-Identifier: MIT
"""A needle as a ladder of resistances: what pressure it takes, and how its openings share the flow."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Lumen:
    """A needle's inside.

    Attributes:
        radius: [m].
        length: from hub to tip [m].
        wall: thickness of its wall [m].
    """

    radius: float
    length: float
    wall: float


@dataclass(frozen=True, kw_only=True)
class Rings:
    """Rings of side holes.

    Attributes:
        distances: of the rings from the tip, ascending [m].
        number: of holes in each.
        radius: of a hole [m].
        tip_open: whether fluid also leaves through the tip.
    """

    distances: tuple[float, ...]
    number: int
    radius: float
    tip_open: bool


def poiseuille(length: float, radius: float, viscosity: float) -> float:
    """Resistance of a tube, 8 mu L/(pi r^4) [Pa s/m3] (Hagen, 1839; Poiseuille, 1846)."""
    return 8 * viscosity * length / (np.pi * radius**4)


def hole_resistance(wall: float, radius: float, viscosity: float) -> float:
    """Resistance of a hole with its two ends, mu (3/r^3 + 8 t/(pi r^4)) [Pa s/m3] (Dagan et al., 1982)."""
    return 3 * viscosity / radius**3 + poiseuille(wall, radius, viscosity)


def split(lumen: Lumen, rings: Rings | None, viscosity: float) -> tuple[tuple[float, ...], float]:
    """How openings share the flow where tissue has one pressure at all of them, and the needle's resistance.

    Args:
        lumen: of the needle.
        rings: of side holes; None for none.
        viscosity: of the injectate [Pa s]; shares do not depend on it.

    Returns:
        Share of the tip and of each ring [-], and the resistance from hub to tissue [Pa s/m3].
    """
    if rings is None:
        return (1.0,), poiseuille(lumen.length, lumen.radius, viscosity)
    through_ring = rings.number / hole_resistance(lumen.wall, rings.radius, viscosity)
    below, at = 0.0, 0.0
    taken = []
    for distance in rings.distances:
        segment = poiseuille(distance - at, lumen.radius, viscosity)
        # Conductance of all that lies nearer to the tip, as seen from this ring.
        below = 1 / (segment + 1 / below) if below else (1 / segment if rings.tip_open and at == 0.0 else 0.0)
        taken.append(through_ring / (through_ring + below))
        below += through_ring
        at = distance
    left, shares = 1.0, []
    for part in reversed(taken):
        shares.append(left * part)
        left -= shares[-1]
    shares.append(left if rings.tip_open else 0.0)
    return tuple(reversed(shares)), poiseuille(lumen.length - at, lumen.radius, viscosity) + 1 / below

# SPDX-License-Identifier: MIT
"""Fluid that enters or leaves at a needle by the pressure in the tissue: a syringe that presses or draws.

Every node takes its share of the needle's flow by its own pressure, so that the coupling is an entry on the
tangent's diagonal, positive like that of an outer boundary, and what nodes take adds up to the needle's flow.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Inlet:
    """One pulse as nodes see it: flow = conductance (pressure - p), held between two bounds.

    Attributes:
        pulse: its number in the model.
        conductance: share of the node over the resistance of the line [m3/(Pa s)], shape ``(n,)``.
        pressure: at which nothing flows [Pa].
        lowest: bound of the flow into the tissue [m3/s], shape ``(n,)``.
        highest: the other bound [m3/s], shape ``(n,)``.
    """

    pulse: int
    conductance: Floats
    pressure: float
    lowest: Floats
    highest: Floats

    def flow(self, pressure: Floats) -> Floats:
        """Flow into the tissue at each node [m3/s], negative where fluid is taken out.

        Args:
            pressure: on the nodes [Pa].
        """
        return np.clip(self.conductance * (self.pressure - pressure), self.lowest, self.highest)

    def slope(self, pressure: Floats) -> Floats:
        """How much less enters per rise of a node's pressure [m3/(Pa s)], at least 0."""
        free = self.conductance * (self.pressure - pressure)
        return np.where((free > self.lowest) & (free < self.highest), self.conductance, 0.0)


def pressed(pulse: int, share: Floats, resistance: float, pressure: float, sucks_back: bool) -> Inlet:
    """A syringe held at a pressure, behind the resistance of its line: (P - p_tip)/R.

    Args:
        pulse: its number.
        share: of the flow that enters each node [-].
        resistance: R [Pa s/m3].
        pressure: P of the syringe [Pa].
        sucks_back: whether tissue of higher pressure empties into the syringe; by default it keeps its fluid.
    """
    infinite = np.full(share.size, np.inf)
    return Inlet(
        pulse=pulse,
        conductance=share / resistance,
        pressure=pressure,
        lowest=-infinite if sucks_back else np.zeros(share.size),
        highest=infinite,
    )


def withdrawn(pulse: int, share: Floats, rate: float, lowest: float, width: float) -> Inlet:
    """A syringe that draws at a rate, and less where tissue does not give it.

    Args:
        pulse: its number.
        share: of the flow that leaves each node [-].
        rate: that is drawn, positive [m3/s].
        lowest: pressure at which tissue gives no more [Pa].
        width: over which it gives less and less, above that [Pa].
    """
    return Inlet(
        pulse=pulse,
        conductance=share * (rate / width),
        pressure=lowest,
        lowest=-rate * share,
        highest=np.zeros(share.size),
    )


def held(pulse: int, flow: Floats) -> Inlet:
    """A pulse whose flow is known: the last step of a syringe that is empty at its end.

    Args:
        pulse: its number.
        flow: into each node [m3/s].
    """
    return Inlet(pulse=pulse, conductance=np.zeros(flow.size), pressure=0.0, lowest=flow, highest=flow)

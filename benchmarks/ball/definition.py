# SPDX-License-Identifier: MIT
"""What BALL is: a ball with a cavity, an injection for a minute, decay and uptake by vessels; SI units.

    -div(K grad p) = S (p_e - p),  inflow Q over the cavity's wall while the injection lasts,  p = 0 outside
    phi dC/dt + div(u C - phi D grad C) = -phi k C - max(S (p - p_e), 0) C,  u = -K grad p

C is relative to what is injected. The whole injected flux Q C_in enters through the wall; afterwards nothing
does.
"""

from dataclasses import dataclass
from typing import Final

CAVITY_RADIUS: Final = 1e-3
TUMOUR_RADIUS: Final = 10e-3
DOMAIN_RADIUS: Final = 20e-3
CONDUCTIVITY: Final = (3.1e-14, 6.4e-15)
"""K of tumour and tissue [m2/(Pa s)]."""
VESSEL_PRESSURE: Final = (2000.0, 1000.0)
"""p_e [Pa]."""
INFLOW: Final = 0.1e-6 / 60
"""Q [m3/s]."""
POROSITY: Final = 0.3
DIFFUSIVITY: Final = 1e-9
REACTION_RATE: Final = 0.0333
INJECTION_END: Final = 60.0
END: Final = 180.0
STEP: Final = 1.0
"""The step that is compared at [s]."""
DOSE: Final = 5.0
"""Threshold of CT, the integral of C over time [s]."""
INJECTED: Final = INFLOW * INJECTION_END
"""Agent injected, C_in = 1 [m3]."""


@dataclass(frozen=True, kw_only=True)
class Ball:
    """One of the two cases.

    Attributes:
        name: ``BALL`` or ``BALLw``.
        vessel_conductance: S of tumour and tissue [1/(Pa s)].
    """

    name: str
    vessel_conductance: tuple[float, float]


BALLS: Final = {
    "BALL": Ball(name="BALL", vessel_conductance=(4.2e-7, 1.89e-8)),
    "BALLw": Ball(name="BALLw", vessel_conductance=(4.2e-9, 1.89e-10)),
}
"""The case, and the one with leakage 100 times weaker: a sharper front that travels further."""

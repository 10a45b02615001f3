# SPDX-License-Identifier: MIT
"""How an injectate gets from the syringe into tissue: frozen, keyword-only records in SI units."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Line:
    """What lies between the syringe and the tissue.

    Attributes:
        resistance: R of syringe, needle and holes together [Pa s/m3].
        diameter: of the needle's lumen [m].
        viscosity: of the injectate in it [Pa s].
        density: of the injectate [kg/m3].
    """

    resistance: float
    diameter: float
    viscosity: float
    density: float


@dataclass(frozen=True, kw_only=True)
class Outlet:
    """One opening of a needle.

    Attributes:
        site: number of the site in the geometry.
        share: of the needle's flow that leaves through it [-].
    """

    site: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Drive:
    """A pulse whose rate depends on the pressure in the tissue.

    Attributes:
        pressure: of the syringe, or the lowest at the tip where fluid is withdrawn [Pa].
        withdraws: fluid is taken out at the pulse's rate, as far as tissue gives it.
        rise: time over which the pressure of the syringe rises from 0 [s].
        sucks_back: a syringe pressure lower than the tissue's takes fluid out.
    """

    pressure: float
    rise: float = 0.0
    withdraws: bool = False
    sucks_back: bool = False


@dataclass(frozen=True, kw_only=True)
class Injectate:
    """What an injectate is like as a fluid, beside the agent in it.

    Attributes:
        viscosity: in the syringe [Pa s].
        density: [kg/m3].
        viscosity_ratio: its viscosity over that of interstitial fluid, in tissue [-].
        gel_fraction: share of injectate in interstitial fluid below which it gels [-]; 0 for never.
        gel_ratio: hydraulic conductivity without over that with gel [-].
    """

    viscosity: float = 1e-3
    density: float = 1e3
    viscosity_ratio: float = 1.0
    gel_fraction: float = 0.0
    gel_ratio: float = 1.0

# SPDX-License-Identifier: MIT
"""Numbers of claims that follow from the priors alone, without a run of the model."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from cases.claims.draws import generator
from cases.sweeps.priors import shipped_priors

Floats = NDArray[np.float64]

DRAWS: Final = 1024
GLUTATHIONE: Final = (1e3, 1e4)
"""k2 of glutathione at pH 7: 1e6 to 1e7 1/(M s), Ison, Odeh & Margerum 2006, from memory [m3/(mol s)]."""
RATES: Final = (0.5e-6 / 60, 2e-6 / 60)
"""Rates of injection that are recommended [m3/s]."""
CAVITY: Final = 0.359e-3
"""Radius of a 22G needle [m]."""
MODULUS: Final = (1e3, 1e4)
"""Shear modulus of soft tumours [Pa]."""


def drawn(*ranges: tuple[float, float]) -> list[Floats]:
    """Scrambled Sobol draws of numbers known to an order of magnitude, uniform in the logarithm."""
    cube = qmc.Sobol(len(ranges), rng=generator()).random(DRAWS)
    return [low * (high / low) ** cube[:, i] for i, (low, high) in enumerate(ranges)]


def _range(key: str) -> tuple[float, float]:
    prior = shipped_priors()[key]
    return prior.low, prior.high


def lifetimes() -> Floats:
    """phi/(k2 S0): how long an agent lives among reductant in excess [s]."""
    porosity, reductant = _range("tissues.tumour.porosity"), _range("tissues.tumour.reductant")
    phi, demand, rate = drawn(porosity, reductant, GLUTATHIONE)
    return phi / (rate * demand)


def injection_numbers() -> Floats:
    """Pi = Q/(4 pi K a 2.5 mu): above 1 rigid tissue would break before it takes the flow."""
    flow, conductivity, modulus = drawn(RATES, _range("tissues.tumour.hydraulic_conductivity"), MODULUS)
    return flow / (4 * np.pi * conductivity * CAVITY * 2.5 * modulus)

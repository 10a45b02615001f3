# SPDX-License-Identifier: MIT
"""Drug between interstitial fluid and cells, or what binds it, over steps of hours: solved with transport.

    dm_c/dt = G (C - C_c/K) - k_c m_c

With the mean of C over a step this is linear and solved exactly, so what cells take is a clearance of the
fluid and what they give back a source: both enter the implicit step of transport, in which nothing is split.
A step may be any number of times longer than the exchange takes; then it is that of tissue which retards the
drug by 1 + phi_c K/phi.
"""

import numpy as np
from numpy.typing import NDArray

from solver.parameters.chemistry import Uptake
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]


class Cells:
    """What cells hold.

    Attributes:
        held: at the nodes [kg], shape ``(n,)``.
    """

    def __init__(self, data: Discretisation, uptake: Uptake) -> None:
        self.held: Floats = np.zeros(data.volume.size)
        self._data, self._uptake = data, uptake

    def offers(self, step: float) -> tuple[Floats, Floats]:
        """What a step does to the fluid.

        Args:
            step: length [s].

        Returns:
            Fluid that cells clear, on pairs [m3/s], and what they give back, on nodes [kg/s].
        """
        back, out, stays = self._rates(step)
        taken = self._uptake.membrane_rate * (1 - back / out * (1 - stays)) * self._data.pairs.volume
        return taken, self.held * (back * stays)

    def tried(self, mean: Floats, step: float) -> tuple[Floats, Floats]:
        """What is held after a step, and what is destroyed in it [kg], shape ``(n,)`` each.

        Args:
            mean: C over the step [kg/m3], shape ``(n,)``.
            step: length [s].
        """
        _, out, stays = self._rates(step)
        entering = self._uptake.membrane_rate * self._data.volume * mean
        during = self.held * (stays * step) + entering * (step * (1 - stays) / out)
        held = self.held * np.exp(-out * step) + entering * (stays * step)
        return held, self._uptake.reaction_rate * during

    def take(self, tried: tuple[Floats, Floats]) -> None:
        """Go on to what a tried step has led to."""
        self.held, _ = tried

    def standing(self) -> float:
        """Fluid that cells clear for good, per volume of tissue, once they are full [1/s]."""
        back, out, _ = self._rates(1.0)
        return self._uptake.membrane_rate * (1 - back / out)

    def room(self) -> float:
        """What cells hold per concentration in the fluid and volume of tissue, once they are full [-]."""
        return self._uptake.membrane_rate / self._rates(1.0)[1]

    def _rates(self, step: float) -> tuple[float, float, float]:
        """Rates back into the fluid and out of cells in all [1/s]; share that stays, mean over the step."""
        uptake = self._uptake
        back = uptake.membrane_rate / (uptake.partition * uptake.cell_fraction)
        out = back + uptake.reaction_rate
        return back, out, float(-np.expm1(-out * step) / (out * step))

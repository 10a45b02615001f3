# SPDX-License-Identifier: MIT
"""Oxygen in tissue whose blood is stopped: what blood brings against what cells use, place by place.

    n F (c(P_a) - c(P)) = M P/(P + P_M),    c(P) = c_max P^h/(P^h + P_50^h) + a P

Blood leaves in balance with the tissue around, and a tissue's store lasts for seconds, so P is steady on the
scale of a route. Diffusion is left out: it reaches sqrt(2 D a P/M), about 0.1 mm, from tissue that has
oxygen, less than the edges of a mesh. So the map is that of the supply; what borders on normal tissue is
better off by such a rim, which is told beside it.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from solver.flow.state import FlowStep
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]

MMHG: Final = 133.322
HALVINGS: Final = 60


@dataclass(frozen=True, kw_only=True)
class Oxygen:
    """Supply and demand of oxygen; textbook numbers, from memory, those of the tumour priors.

    Attributes:
        demand: M [mol/(m3 s)].
        half_demand: P_M, at which cells use half of it [Pa].
        arterial: P_a [Pa].
        capacity: c_max of haemoglobin in blood [mol/m3].
        half_saturation: P_50 [Pa].
        hill: h [-].
        solubility: a [mol/(m3 Pa)].
        diffusivity: D in tissue [m2/s].
        around: P of the tissue around [Pa].
        hypoxic: P below which tissue counts as hypoxic [Pa].
        anoxic: P below which it counts as without oxygen [Pa].
    """

    demand: float = 0.02
    half_demand: float = 1.0 * MMHG
    arterial: float = 95.0 * MMHG
    capacity: float = 8.7
    half_saturation: float = 26.6 * MMHG
    hill: float = 2.7
    solubility: float = 1.3e-3 / MMHG
    diffusivity: float = 2e-9
    around: float = 40.0 * MMHG
    hypoxic: float = 10.0 * MMHG
    anoxic: float = 1.0 * MMHG

    @property
    def rim(self) -> float:
        """How far oxygen of the tissue around diffuses into tissue without supply [m]."""
        return float(np.sqrt(2 * self.diffusivity * self.solubility * self.around / self.demand))

    def content(self, pressure: Floats) -> Floats:
        """c(P) of blood [mol/m3]."""
        bound = pressure**self.hill
        share = bound / (bound + self.half_saturation**self.hill)
        return np.asarray(self.capacity * share + self.solubility * pressure)

    def pressure(self, perfusion: Floats) -> Floats:
        """P where open vessels bring so much blood [Pa].

        Args:
            perfusion: n F [1/s].
        """
        low, high = np.zeros_like(perfusion), np.full_like(perfusion, self.arterial)
        brought = self.content(np.full_like(perfusion, self.arterial))
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            surplus = perfusion * (brought - self.content(middle))
            surplus -= self.demand * middle / (middle + self.half_demand)
            low, high = np.where(surplus > 0.0, middle, low), np.where(surplus > 0.0, high, middle)
        return 0.5 * (low + high)


def oxygen_report(
    data: Discretisation, flow: FlowStep, oxygen: Oxygen, stopped: Floats, clock: float
) -> dict[str, Any] | None:
    """What an embolisation leaves of the oxygen of the perfused tumour, and for how long. Collective.

    None where no blood reaches any of the tumour to begin with.

    Args:
        data: static data, of the tumour before embolisation.
        flow: at rest, after it.
        oxygen: supply and demand.
        stopped: share of the blood that was stopped, on pairs [-].
        clock: how long it stays stopped [s].
    """
    perfusion, stays = data.materials.perfusion, 1 - stopped
    states = {"after": perfusion * stays * flow.open_fraction, "before": perfusion * flow.open_fraction}
    alive = data.pairs.inside & (states["before"] > 0.0)
    weight = np.where(alive, data.pairs.volume, 0.0)
    total = _sum(data, weight)
    if total == 0.0:
        return None
    found: dict[str, Any] = {
        "stopped_s": clock,
        "stopped_fraction": _sum(data, np.where(stopped > 0.0, weight, 0.0)) / total,
        "rim_m": oxygen.rim,
    }
    for name, flows in states.items():
        pressure = oxygen.pressure(flows)
        shares = {
            "mean_Pa": pressure,
            "hypoxic_fraction": pressure < oxygen.hypoxic,
            "anoxic_fraction": pressure < oxygen.anoxic,
        }
        found |= {f"{name}_{key}": _sum(data, weight * value) / total for key, value in shares.items()}
    return found


def _sum(data: Discretisation, values: Floats) -> float:
    return data.halo.sum(data.pairs.to_nodes(values))

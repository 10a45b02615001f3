# SPDX-License-Identifier: MIT
"""Where fluid is forced into vessels: interstitial pressure above that in vessels which are still open."""

from dataclasses import dataclass

import numpy as np

from solver.snapshot import Snapshot
from solver.tissue.discretisation import Discretisation


@dataclass(frozen=True, kw_only=True)
class Forced:
    """What happens at one moment.

    Attributes:
        tissue: volume in which p exceeds p_v, each place by its share of open vessels [m3].
        rate: fluid that enters vessels there [m3/s].
    """

    tissue: float
    rate: float


def forced_into_vessels(data: Discretisation, snapshot: Snapshot) -> Forced:
    """Fluid that pressure drives into open vessels, and with it whatever is injected. Collective.

    Args:
        data: static data.
        snapshot: after a step.
    """
    flow, m, pairs = snapshot.flow_step, data.materials, data.pairs
    vessel_pressure = m.vessel_pressure if flow.supply is None else flow.supply.pressure
    over = (snapshot.flow.pressure[pairs.node] > vessel_pressure) & (pairs.node < data.halo.owned)
    opened = np.where(over & (m.vessel_conductance > 0), pairs.volume * flow.open_fraction, 0.0)
    local = np.array([opened.sum(), (opened * np.maximum(-flow.filtration, 0.0)).sum()])
    tissue, rate = data.halo.comm.allreduce(local)
    return Forced(tissue=float(tissue), rate=float(rate))

# SPDX-License-Identifier: MIT
"""What binds the treated radius: volume, reaction, stoichiometry, the sink into vessels, or backflow.

The rule: for each of them the radius is computed that a sphere around the largest deposit would be treated
to if nothing else acted. The one that gives the smallest radius binds; it is the volume unless another
radius is smaller by more than ``MARGIN``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.optimize import brentq

from meshes.regions import TUMOUR
from solver.parameters.model import Injection, Model

MARGIN: Final = 0.05
"""Share by which a radius must fall short of the volume's to bind instead of it."""


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Shares of the injected agent that left the tissue by a way of their own [-].

    Attributes:
        sink: into blood and lymph.
        backflow: out along a needle.
    """

    sink: float
    backflow: float


@dataclass(frozen=True, kw_only=True)
class Deposit:
    """What one site was given, all of it at once.

    Attributes:
        volume: V [m3].
        duration: of the delivery, T [s].
        concentration: C_in, mean over the volume [kg/m3].
    """

    volume: float
    duration: float
    concentration: float


def limits(model: Model, ct: tuple[float, ...], losses: Losses, demand: float = 0.0) -> list[dict[str, Any]]:
    """For each threshold of the dose, the radius that each limiter alone would allow, and which one binds.

    Args:
        model: what was simulated.
        ct: thresholds of the dose [kg s/m3].
        losses: what left by ways of its own.
        demand: agent that a volume of tumour uses up before any is left, nu S0 M [kg/m3]; 0 without a
            finite reductant.
    """
    deposit = largest_deposit(model.injections)
    if deposit is None or model.physics.control is not None:
        return []
    porosity = model.tissues[TUMOUR].porosity
    rate = model.agent.reaction_rate if model.physics.reaction else 0.0
    volume = sphere_radius(deposit.volume / porosity)
    common = {
        "volume_m": volume,
        "stoichiometry_m": titration_radius(deposit, porosity, demand) if demand > 0 else None,
        "sink_m": volume * np.cbrt(max(1 - losses.sink, 0.0)),
        "backflow_m": volume * np.cbrt(max(1 - losses.backflow, 0.0)),
    }
    out = []
    for threshold in ct:
        reaction = dose_radius(deposit, porosity, rate, threshold) if rate > 0 else None
        radii = {**common, "reaction_m": reaction}
        out.append({"threshold": threshold, "binding": binding(radii), **radii})
    return out


def binding(radii: Mapping[str, float | None]) -> str:
    """The limiter with the smallest radius; the volume, unless another is smaller by more than ``MARGIN``."""
    known = {name.removesuffix("_m"): radius for name, radius in radii.items() if radius is not None}
    name = min(known, key=lambda key: known[key])
    return name if known[name] < (1 - MARGIN) * known["volume"] else "volume"


def largest_deposit(injections: tuple[Injection, ...]) -> Deposit | None:
    """All pulses of the site that was given most; None where nothing was injected."""
    sites: dict[int, list[Injection]] = {}
    for pulse in injections:
        if pulse.volume > 0 and pulse.rate > 0 and not pulse.withdraws:
            sites.setdefault(pulse.site, []).append(pulse)
    if not sites:
        return None
    pulses = max(sites.values(), key=lambda given: sum(pulse.volume for pulse in given))
    volume = sum(pulse.volume for pulse in pulses)
    return Deposit(
        volume=volume,
        duration=sum(pulse.volume / pulse.rate for pulse in pulses),
        concentration=sum(pulse.volume * pulse.concentration for pulse in pulses) / volume,
    )


def sphere_radius(volume: float) -> float:
    """Radius of a sphere [m] of this volume [m3]."""
    return float(np.cbrt(3 * volume / (4 * np.pi)))


def titration_radius(deposit: Deposit, porosity: float, demand: float) -> float:
    """Radius to which the agent oxidises all of a finite reductant, carried by the flow alone [m].

    R = (3 V C0/(4 pi (phi C0 + nu S0)))^(1/3): what is injected fills the pores and meets the demand.
    """
    given = deposit.volume * deposit.concentration
    return sphere_radius(given / (porosity * deposit.concentration + demand))


def dose_radius(deposit: Deposit, porosity: float, rate: float, threshold: float) -> float:
    """Radius within which first-order decay on the way leaves the dose above a threshold [m].

    With convection alone C arrives after tau = 4 pi phi r^3/(3 Q) and the dose is
    C0 exp(-k tau) ((T - tau) + 1/k) (after Morrison et al., 1994). No bound by the volume is applied: past
    tau = T the flow is thought to go on, the dose is C0 exp(-k tau)/k.

    Args:
        deposit: what was given.
        porosity: phi [-].
        rate: k [1/s].
        threshold: of the dose [kg s/m3].
    """

    def excess(arrival: float) -> float:
        stay = max(deposit.duration - arrival, 0.0) + 1 / rate
        return float(np.log(deposit.concentration * stay / threshold) - rate * arrival)

    if excess(0.0) <= 0:
        return 0.0
    latest = deposit.duration + max(np.log(deposit.concentration / (rate * threshold)), 0.0) / rate
    arrival = brentq(excess, 0.0, latest * (1 + 1e-9) + 1e-9)
    return sphere_radius(deposit.volume / deposit.duration * arrival / porosity)

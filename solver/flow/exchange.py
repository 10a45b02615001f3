# SPDX-License-Identifier: MIT
"""Exchange of fluid and agent with blood and lymph, per volume of tissue.

Signs: J_v is positive from blood into tissue, J_l positive from tissue into lymph. Every law returns its
value and its derivative by the interstitial pressure. No finite elements here.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


class FluidExchange(NamedTuple):
    """What vessels and lymph do at a trial pressure.

    Attributes:
        open_fraction: n on the pairs [-].
        filtration: J per open vessel on the pairs [1/s].
        drained: fluid to lymph on the pairs, per volume of tissue [1/s].
        vessels: fluid from blood per node [m3/s].
        lymph: fluid to lymph per node [m3/s].
        slope: derivative of what a node gains [m3/(Pa s)].
    """

    open_fraction: Floats
    filtration: Floats
    drained: Floats
    vessels: Floats
    lymph: Floats
    slope: Floats


@dataclass(frozen=True, kw_only=True)
class BloodSupply:
    """What reaches the microvessels of the pairs.

    Attributes:
        perfusion: F of an open vessel [1/s], shape ``(k,)``.
        pressure: p_v [Pa], shape ``(k,)``.
    """

    perfusion: Floats
    pressure: Floats


class Vessels(NamedTuple):
    """Blood and lymph vessels on the pairs, as in ``solver.tissue.materials.Materials``.

    Beside those: ``intact``, the share that no agent has closed for good [-]; ``held``, the pressure at which
    vessels stand as they closed last [Pa]; ``gap``, by how much lower they reopen than they closed [Pa].
    """

    volume: Floats
    vessel_conductance: Floats
    effective_vessel_pressure: Floats
    half_closed: Floats
    closure_width: Floats
    supply: Floats
    lymph_conductance: Floats
    lymph_pressure: Floats
    intact: Floats
    held: Floats
    gap: float


@register_jitable
def open_vessel_fraction(pressure: Floats, half_closed: Floats, width: Floats) -> tuple[Floats, Floats]:
    """Share of vessels that the interstitial pressure leaves open: n = 1/(1 + exp((p - p_half)/w)).

    Args:
        pressure: interstitial fluid pressure p [Pa].
        half_closed: vascular pressure plus margin, at which half are closed [Pa].
        width: of the logistic [Pa].

    Returns:
        n [-] and dn/dp [1/Pa].
    """
    share = 1 / (1 + np.exp(np.minimum((pressure - half_closed) / width, 700.0)))
    return share, -share * (1 - share) / width


@register_jitable
def filtration_per_open_vessel(
    pressure: Floats, conductance: Floats, effective_pressure: Floats, perfusion: Floats
) -> tuple[Floats, Floats]:
    """Starling's law within what blood flow can bring or carry away: J = clip(L_p S/V (p_e - p), -F, F/2).

    Args:
        pressure: p [Pa].
        conductance: L_p S/V [1/(Pa s)].
        effective_pressure: p_e [Pa].
        perfusion: F [1/s]; infinite where flow is no bound.

    Returns:
        J [1/s] and dJ/dp [1/(Pa s)].
    """
    linear = conductance * (effective_pressure - pressure)
    bounded = np.minimum(np.maximum(linear, -perfusion), 0.5 * perfusion)
    return bounded, -conductance * (linear == bounded)


@register_jitable
def lymphatic_drainage(
    pressure: Floats, conductance: Floats, lymph_pressure: Floats
) -> tuple[Floats, Floats]:
    """Drainage into lymph vessels: J_l = L_pL S_L/V max(p - p_L, 0) [1/s], and its derivative [1/(Pa s)]."""
    drop = pressure - lymph_pressure
    return conductance * np.maximum(drop, 0.0), conductance * (drop > 0)


@njit(cache=True)
def exchange_fluid(node: Ints, vessels: Vessels, pressure: Floats) -> FluidExchange:
    """Evaluate vessels and lymph on every pair and sum them over the nodes.

    Args:
        node: of each pair.
        vessels: constants on the pairs.
        pressure: on the nodes [Pa].
    """
    pairs, nodes = node.size, pressure.size
    out = FluidExchange(
        np.empty(pairs), np.empty(pairs), np.empty(pairs), np.zeros(nodes), np.zeros(nodes), np.zeros(nodes)
    )
    m = vessels
    for k in range(pairs):
        i = node[k]
        p, volume = pressure[i], m.volume[k]
        # Between closing and reopening vessels stay as they are; without a gap closing is p itself.
        closing = min(max(m.held[k], p), p + m.gap)
        share, by_share = open_vessel_fraction(closing, m.half_closed[k], m.closure_width[k])
        if m.gap > 0.0 and p < closing < p + m.gap:
            by_share *= 0.0
        share, by_share = m.intact[k] * share, m.intact[k] * by_share
        flow, by_flow = filtration_per_open_vessel(
            p, m.vessel_conductance[k], m.effective_vessel_pressure[k], m.supply[k]
        )
        drained, by_drained = lymphatic_drainage(p, m.lymph_conductance[k], m.lymph_pressure[k])
        out.open_fraction[k], out.filtration[k], out.drained[k] = share, flow, drained
        out.vessels[i] += volume * share * flow
        out.lymph[i] += volume * drained
        out.slope[i] += volume * (share * by_flow + by_share * flow - by_drained)
    return out


def agent_clearance(filtration: Floats, perfusion: Floats, permeability_surface: Floats) -> Floats:
    """Clearance of the agent by one open vessel [1/s]: Patlak's law along a capillary that flow supplies.

    The vessel receives F C_p and filters J along its length; blood leaves with
    C_out = C + (C_p - C) theta, theta = (1 - J/F)^(b/J), b = J/(exp(J/PS) - 1). What tissue loses is
    (F - J)(1 - theta) C, and what it gains is that clearance plus J, times C_p: a constant state stays.
    Limits: Patlak for F large (Patlak, Goldstein and Hoffman, 1963), Renkin-Crone for J = 0, F - J for PS
    infinite (flow-limited).

    Args:
        filtration: J, Starling flow per open vessel [1/s], -F <= J <= F/2.
        perfusion: F [1/s]; infinite for an unlimited supply.
        permeability_surface: PS [1/s]; infinite for an agent that only flow limits, 0 for one that
            leaves only with absorbed fluid.

    Returns:
        Clearance b_out per open vessel [1/s], at least 0.
    """
    filtration, perfusion, permeability_surface = np.broadcast_arrays(
        filtration, perfusion, permeability_surface
    )
    # Without the cap a vessel may filter more than flow brings; no agent can leave against such a stream.
    filtration = np.minimum(filtration, perfusion * (1 - 1e-12))
    result = np.where(np.isinf(permeability_surface), perfusion - filtration, np.maximum(-filtration, 0.0))
    finite = np.isfinite(permeability_surface) & (permeability_surface > 0) & (perfusion > 0)
    unlimited = finite & np.isinf(perfusion)
    result[unlimited] = patlak(filtration[unlimited], permeability_surface[unlimited])
    both = finite & np.isfinite(perfusion)
    flow, supply = filtration[both], perfusion[both]
    ratio = flow / supply
    # log(1 - J/F)/J tends to -1/F without flow; the ratio is regular, its naive form is not.
    safe = np.where(np.abs(ratio) < 1e-8, 0.5, ratio)
    logarithm = np.where(np.abs(ratio) < 1e-8, -1.0 - 0.5 * ratio, np.log1p(-safe) / safe) / supply
    theta = np.exp(patlak(flow, permeability_surface[both]) * logarithm)
    result[both] = (supply - flow) * (1 - theta)
    return np.maximum(result, 0.0)


def patlak(filtration: Floats, permeability_surface: Floats) -> Floats:
    """Patlak's outward coefficient b = J/(exp(J/PS) - 1) [1/s]; PS for J = 0, safe for |J/PS| up to 700."""
    peclet = filtration / permeability_surface
    small = np.abs(peclet) < 1e-4
    safe = np.clip(np.where(small, 1.0, peclet), -700.0, 700.0)
    series = 1 - peclet / 2 + peclet * peclet / 12
    return permeability_surface * np.where(small, series, safe / np.expm1(safe))

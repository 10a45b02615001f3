# SPDX-License-Identifier: MIT
"""The nodal balance of interstitial fluid at a trial pressure, and what its tangent needs. No PETSc here."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.conductivity import Law, LawInput, LawParameters
from solver.discretisation import Discretisation
from solver.exchange import filtration_per_open_vessel, lymphatic_drainage, open_vessel_fraction
from solver.kernels import darcy_balance

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Balance:
    """The nodal balance at a trial pressure and what its tangent needs.

    Attributes:
        residual: what each node keeps too much of [m3/s], shape ``(n,)``.
        norm: sum of its magnitudes over all ranks [m3/s].
        transmissibility: T_ij on edges [m3/(Pa s)].
        conductivity: K of the cells [m2/(Pa s)].
        slope: df/dp of the conductivity law on the pairs [1/Pa].
        diagonal: derivative of storage, exchange and outer boundary [m3/(Pa s)], shape ``(n,)``.
        filtration: J per open vessel on the pairs [1/s].
        open_fraction: n on the pairs [-].
        vessels: fluid from blood per node [m3/s].
        lymph: fluid to lymph per node [m3/s].
        drained: fluid to lymph on the pairs, per volume of tissue [1/s].
    """

    residual: Floats
    norm: float
    transmissibility: Floats
    conductivity: Floats
    slope: Floats
    diagonal: Floats
    filtration: Floats
    open_fraction: Floats
    vessels: Floats
    lymph: Floats
    drained: Floats


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a solve is for: rest (no step) or one implicit step.

    Attributes:
        largest: p_max of the last step [Pa].
        reference: p0, pressure at rest [Pa].
        history: stored fluid of the last step over the step [m3/s].
        compliance: nodal storage over the step [m3/(Pa s)].
        source: injected flow per node [m3/s].
        law: constants of the conductivity law.
    """

    largest: Floats
    reference: Floats
    history: Floats
    compliance: Floats
    source: Floats
    law: LawParameters


def evaluate_balance(data: Discretisation, law: Law, target: Target, pressure: Floats) -> Balance:
    """Evaluate laws, fluxes and the nodal balance at a trial pressure. Collective.

    Args:
        data: static data.
        law: for the conductivity.
        target: what is solved for.
        pressure: trial [Pa], ghosts up to date.
    """
    pairs, m = data.pairs, data.materials
    p = pressure[pairs.node]
    seen = target.largest[pairs.node]
    factor, factor_slope = law(
        LawInput(
            parameters=target.law,
            excess=p - target.reference[pairs.node],
            largest=np.maximum(seen, p),
            rising=(p > seen).astype(float),
        )
    )
    stencil = data.stencil
    conductivity = np.empty(data.conductivity.size)
    transmissibility, leaving = np.zeros(stencil.tail.size), np.zeros(pressure.size)
    darcy_balance(
        stencil.cells,
        stencil.cell_edges,
        data.integrals.conductance,
        pairs.of_cell,
        data.conductivity,
        factor,
        pressure,
        conductivity,
        transmissibility,
        leaving,
    )
    share, share_slope = open_vessel_fraction(p, m.half_closed, m.closure_width)
    filtration, filtration_slope = filtration_per_open_vessel(
        p, m.vessel_conductance, m.effective_vessel_pressure, m.supply
    )
    drained, drained_slope = lymphatic_drainage(p, m.lymph_conductance, m.lymph_pressure)
    vessels = pairs.to_nodes(pairs.volume * share * filtration)
    lymph = pairs.to_nodes(pairs.volume * drained)
    exchange_slope = share * filtration_slope + share_slope * filtration - drained_slope
    far = data.far
    residual = (
        target.compliance * (pressure - target.reference)
        - target.history
        + leaving
        - vessels
        + lymph
        + far.conductance * (pressure - far.pressure)
        - target.source
    )
    residual[far.fixed] = 0.0
    return Balance(
        residual=residual,
        norm=data.halo.sum(np.abs(residual)),
        transmissibility=transmissibility,
        conductivity=conductivity,
        slope=factor_slope,
        diagonal=target.compliance + far.conductance - pairs.to_nodes(pairs.volume * exchange_slope),
        filtration=filtration,
        open_fraction=share,
        vessels=vessels,
        lymph=lymph,
        drained=drained,
    )

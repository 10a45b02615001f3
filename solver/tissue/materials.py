# SPDX-License-Identifier: MIT
"""Materials where the nodal balances need them: on pairs of a node and a region that meets it.

A node on the tumour surface holds some tumour and some tissue. Each pair carries its own volume and its
own laws, and a nodal quantity is the sum over the node's pairs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.regions import TUMOUR_REGIONS
from solver.parameters.model import Physics, Tissue
from solver.tissue.conductivity import LawParameters

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Node-region pairs, sorted by node; ``k`` pairs, ``n`` local nodes.

    Attributes:
        node: of each pair, shape ``(k,)``.
        region: cell tag of each pair, shape ``(k,)``.
        of_cell: pair of each vertex of each cell, shape ``(n_cells, n_vertices)``.
        volume: integral of the node's shape function over the region [m3], shape ``(k,)``.
        inside: True where the region belongs to the tumour, shape ``(k,)``.
        nodes: number of local nodes.
    """

    node: Ints
    region: Ints
    of_cell: Ints
    volume: Floats
    inside: NDArray[np.bool_]
    nodes: int

    def to_nodes(self, values: Floats) -> Floats:
        """Sum pair values over each node, shape ``(n,)``."""
        return np.bincount(self.node, weights=values, minlength=self.nodes).astype(np.float64, copy=False)


@dataclass(frozen=True, kw_only=True)
class Materials:
    """Constants of the laws on every pair; shapes ``(k,)``.

    Attributes:
        law: constants of the conductivity law.
        porosity: phi0 [-].
        storage: 1/H, or 0 for steady flow [1/Pa].
        vessel_conductance: L_p S/V, 0 without vessels [1/(Pa s)].
        vessel_pressure: p_v [Pa].
        effective_vessel_pressure: p_e [Pa].
        half_closed: pressure at which half of the vessels are closed; infinite without closure [Pa].
        closure_width: [Pa].
        supply: F that bounds filtration, infinite without the cap [1/s].
        perfusion: F that carries the agent away [1/s].
        permeability_surface: PS; infinite for an agent that only flow limits, 0 for one that only goes
            with absorbed fluid [1/s].
        lymph_conductance: 0 without lymph [1/(Pa s)].
        lymph_pressure: [Pa].
    """

    law: LawParameters
    porosity: Floats
    storage: Floats
    vessel_conductance: Floats
    vessel_pressure: Floats
    effective_vessel_pressure: Floats
    half_closed: Floats
    closure_width: Floats
    supply: Floats
    perfusion: Floats
    permeability_surface: Floats
    lymph_conductance: Floats
    lymph_pressure: Floats


def build_pairs(cells: Ints, cell_tags: Ints, nodal: Floats, nodes: int) -> Pairs:
    """Find which regions meet at each node.

    Args:
        cells: local node numbers, shape ``(n_cells, n_vertices)``.
        cell_tags: region of each cell.
        nodal: integrals of shape functions over cells [m3], shape ``(n_cells, n_vertices)``.
        nodes: number of local nodes.
    """
    span = int(cell_tags.max(initial=0)) + 1
    key_of_cell = cells.astype(np.int64) * span + cell_tags[:, None]
    present = np.zeros(nodes * span, dtype=bool)
    present[key_of_cell] = True
    keys = np.flatnonzero(present)
    numbers = np.zeros(nodes * span, dtype=np.int32)
    numbers[keys] = np.arange(keys.size, dtype=np.int32)
    of_cell = numbers[key_of_cell]
    region = (keys % span).astype(np.int32)
    return Pairs(
        node=(keys // span).astype(np.int32),
        region=region,
        of_cell=of_cell,
        volume=np.bincount(of_cell.ravel(), nodal.ravel(), keys.size).astype(np.float64, copy=False),
        inside=np.isin(region, list(TUMOUR_REGIONS)),
        nodes=nodes,
    )


def build_materials(pairs: Pairs, tissues: dict[int, Tissue], physics: Physics) -> Materials:
    """Spread the tissues' constants over the pairs, with switched-off effects set to their neutral value."""

    def spread(name: str) -> Floats:
        table = np.full(max(tissues) + 1, np.nan)
        for tag, tissue in tissues.items():
            table[tag] = getattr(tissue, name)
        return table[pairs.region]

    infinite = np.full(pairs.node.size, np.inf)
    zero = np.zeros(pairs.node.size)
    perfusion = spread("perfusion") if physics.vessels else zero
    closes = physics.closure == "pressure"
    return Materials(
        law=LawParameters(
            confined_modulus=spread("confined_modulus"),
            exponent=spread("dilatation_exponent"),
            log_ratio=np.log(spread("fissuring_ratio")),
            fissuring_pressure=spread("fissuring_pressure"),
            fissuring_width=spread("fissuring_width"),
            porosity=spread("porosity"),
            porosity_exponent=spread("porosity_exponent"),
        ),
        porosity=spread("porosity"),
        storage=1 / spread("confined_modulus") if physics.flow != "steady" else zero,
        vessel_conductance=spread("vessel_conductance") if physics.vessels else zero,
        vessel_pressure=spread("vessel_pressure"),
        effective_vessel_pressure=spread("effective_vessel_pressure"),
        half_closed=spread("vessel_pressure") + spread("closure_margin") if closes else infinite,
        closure_width=spread("closure_width"),
        supply=perfusion if physics.perfusion_cap else infinite,
        perfusion=perfusion,
        permeability_surface={
            "flow_limited": infinite,
            "patlak": spread("permeability_surface"),
            "convective": zero,
        }[physics.agent_exchange],
        lymph_conductance=spread("lymph_conductance") if physics.lymph else zero,
        lymph_pressure=spread("lymph_pressure"),
    )

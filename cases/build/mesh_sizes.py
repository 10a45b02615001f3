# SPDX-License-Identifier: MIT
"""Edge lengths of the mesh from one number, the cells across the agent's front.

The agent reaches R = min(R_f, R_k): the fluid front R_f = (3 V/(4 pi phi0))^(1/3) and the reaction radius
R_k = (3 Q/(4 pi phi0 k))^(1/3) of a pulse in a medium that does not store. Its front is about R/4 wide.
``cells_per_front`` = n divides that width; every length but the radius of the fine zone scales with 1/n.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

from meshes.geometry import MeshSizes


@dataclass(frozen=True, kw_only=True)
class SizeRule:
    """Edge lengths at ``cells_per_front`` = 3, relative to the lengths of the case.

    Attributes:
        tip: at a tip, over the radius of the cavity or source.
        front: along the front, over a third of the front's width R/4.
        surface: on the tumour surface, over `front`.
        far: largest, over the radius of the domain.
        growth: increase of edge length per length travelled.
        stretch: edge length across the radius from a tip over that along it.
    """

    tip: float
    front: float
    surface: float
    far: float
    growth: float
    stretch: float = 1.0


RULES: Final[dict[str, SizeRule]] = {
    "radial": SizeRule(tip=0.04, front=0.1, surface=1.0, far=0.02, growth=0.1),
    "axisymmetric": SizeRule(tip=0.12, front=0.35, surface=1.0, far=0.1, growth=0.25),
    "3d": SizeRule(tip=0.2, front=0.75, surface=2.2, far=0.12, growth=0.25, stretch=2.0),
    "labels": SizeRule(tip=0.3, front=0.75, surface=2.2, far=0.12, growth=0.35),
}
"""Fewer dimensions afford finer cells, and a mesh from labels holds several tips."""

FRONT_WIDTH: Final = 0.25
"""Width of the front over R."""

FINE_ZONE: Final = (0.25, 1.2)
"""Shell of fine cells over R: the front ends near R, and contours of small doses run ahead of it."""

DEFAULT_CELLS: Final = 3.0


@dataclass(frozen=True, kw_only=True)
class CaseLengths:
    """Lengths of a case that set its mesh [m].

    Attributes:
        source: smallest radius of a cavity or source.
        reach: R, the largest over the sites.
        domain: radius of the domain.
    """

    source: float
    reach: float
    domain: float


def reach(volume: float, rate: float, porosity: float, reaction_rate: float) -> float:
    """R = min(R_f, R_k), how far the agent gets from a tip [m].

    Args:
        volume: injected at one site [m3].
        rate: largest rate there [m3/s].
        porosity: phi0 of the tumour [-].
        reaction_rate: k [1/s]; 0 for none.
    """
    front = (3.0 * volume / (4.0 * math.pi * porosity)) ** (1.0 / 3.0)
    if reaction_rate <= 0.0:
        return front
    return min(front, (3.0 * rate / (4.0 * math.pi * porosity * reaction_rate)) ** (1.0 / 3.0))


def mesh_sizes(kind: str, lengths: CaseLengths, cells_per_front: float, given: dict[str, float]) -> MeshSizes:
    """Edge lengths by the rule of ``kind``.

    Args:
        kind: ``radial``, ``axisymmetric``, ``3d`` or ``labels``.
        lengths: of the case.
        cells_per_front: n.
        given: lengths that replace those of the rule, by name.
    """
    rule = RULES[kind]
    scale = DEFAULT_CELLS / cells_per_front
    front = rule.front * scale * FRONT_WIDTH * lengths.reach / DEFAULT_CELLS
    sizes = MeshSizes(
        tip=min(rule.tip * scale * lengths.source, front),
        front=front,
        front_start=FINE_ZONE[0] * lengths.reach,
        front_radius=FINE_ZONE[1] * lengths.reach,
        surface=rule.surface * front,
        far=max(rule.far * scale * lengths.domain, front),
        growth=rule.growth,
        stretch=rule.stretch,
    )
    return replace(sizes, **given)

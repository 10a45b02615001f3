# SPDX-License-Identifier: MIT
"""Vessels that beads have stopped: in the whole tumour, or in the part of it about the needle's tip."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from meshes.geometry import Site
from solver.routes.parameters import Beads
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]


def stopped_share(data: Discretisation, sites: tuple[Site, ...], beads: Beads) -> Floats:
    """Share of the blood that is stopped, on pairs [-]."""
    within = data.pairs.inside
    if beads.zone > 0.0:
        within = within & (distances(data, sites)[data.pairs.node] <= beads.zone)
    return np.where(within, beads.embolised, 0.0)


def embolised(data: Discretisation, sites: tuple[Site, ...], beads: Beads | None) -> Discretisation:
    """Static data of a tumour that has lost the blood which beads stop: (1 - eps) F, and a lower p_v."""
    if beads is None:
        return data
    m, stopped = data.materials, stopped_share(data, sites, beads)
    drop = np.where(stopped > 0.0, (1 - beads.vessel_pressure) * m.vessel_pressure, 0.0)

    def left(values: Floats) -> Floats:
        return np.multiply(values, 1 - stopped, out=np.zeros_like(values), where=stopped < 1.0)

    materials = replace(
        m,
        perfusion=left(m.perfusion),
        supply=left(m.supply),
        permeability_surface=left(m.permeability_surface),
        vessel_conductance=left(m.vessel_conductance),
        vessel_pressure=m.vessel_pressure - drop,
        effective_vessel_pressure=m.effective_vessel_pressure - drop,
        half_closed=m.half_closed - drop,
    )
    return replace(data, materials=materials)


def distances(data: Discretisation, sites: tuple[Site, ...]) -> Floats:
    """From the first needle's tip [m], shape ``(n,)``."""
    columns = {"radial": [0], "axisymmetric": [0, 2], "3d": [0, 1, 2]}[data.mesh.geometry]
    centre = np.zeros(1) if data.mesh.geometry == "radial" else np.asarray(sites[0].tip)[columns]
    return np.asarray(np.linalg.norm(data.mesh.points - centre, axis=1))


def ball(data: Discretisation, sites: tuple[Site, ...], radius: float) -> Floats:
    """Share of each node in the volume of a ball about the first needle's tip, shape ``(n,)``. Collective."""
    within = np.where(_in_ball(data, sites, radius), data.volume, 0.0)
    return np.asarray(within / data.halo.sum(within))


def bead_places(data: Discretisation, sites: tuple[Site, ...], beads: Beads | None) -> tuple[Floats, float]:
    """Share of what beads release at each node, shape ``(n,)``, and share in the tumour. Collective.

    Args:
        data: of the tumour before embolisation.
        sites: the first is the middle of a ball.
        beads: that lie there; none release nothing.
    """
    if beads is None:
        return np.zeros(data.volume.size), 0.0
    pairs = data.pairs
    if beads.radius > 0.0:
        near = _in_ball(data, sites, beads.radius)[pairs.node]
        inside = data.halo.sum(pairs.to_nodes(np.where(near & pairs.inside, pairs.volume, 0.0)))
        everywhere = data.halo.sum(pairs.to_nodes(np.where(near, pairs.volume, 0.0)))
        return ball(data, sites, beads.radius), inside / everywhere
    # beads lie in vessels, and a necrotic core has none
    reached = pairs.inside & (data.materials.perfusion > 0.0)
    if not data.halo.maxima(float(reached.any()))[0]:
        reached = pairs.inside
    within = pairs.to_nodes(np.where(reached, pairs.volume, 0.0))
    return np.asarray(within / data.halo.sum(within)), 1.0


def _in_ball(data: Discretisation, sites: tuple[Site, ...], radius: float) -> NDArray[np.bool_]:
    distance = distances(data, sites)
    # on a coarse mesh the nearest node stands for the ball
    return np.asarray(distance <= max(radius, data.halo.min(distance)) * (1 + 1e-9))

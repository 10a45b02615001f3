# SPDX-License-Identifier: MIT
"""Vessels that beads have stopped: in the whole tumour, or in the part of it about the needle's tip."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from meshes.geometry import Site
from meshes.regions import TUMOUR_REGIONS
from solver.parameters.model import Model
from solver.routes.parameters import Beads
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]


def embolised(model: Model, beads: Beads | None) -> Model:
    """A model whose tumour has lost the blood that beads stop: (1 - eps) F, and a lower p_v.

    It is unchanged where they stop that of a part of the tumour only.
    """
    if beads is None or beads.zone > 0.0:
        return model
    tissues = dict(model.tissues)
    for tag in TUMOUR_REGIONS & set(tissues):
        tissue = tissues[tag]
        drop = (1 - beads.vessel_pressure) * tissue.vessel_pressure
        tissues[tag] = replace(
            tissue,
            perfusion=(1 - beads.embolised) * tissue.perfusion,
            permeability_surface=(1 - beads.embolised) * tissue.permeability_surface,
            vessel_conductance=(1 - beads.embolised) * tissue.vessel_conductance,
            vessel_pressure=tissue.vessel_pressure - drop,
            effective_vessel_pressure=tissue.effective_vessel_pressure - drop,
        )
    return replace(model, tissues=tissues)


def stopped_share(data: Discretisation, sites: tuple[Site, ...], beads: Beads) -> Floats:
    """Share of the blood that is stopped, on pairs [-]."""
    within = data.pairs.inside
    if beads.zone > 0.0:
        within = within & (distances(data, sites)[data.pairs.node] <= beads.zone)
    return np.where(within, beads.embolised, 0.0)


def with_stopped_zone(data: Discretisation, sites: tuple[Site, ...], beads: Beads | None) -> Discretisation:
    """Static data in which beads have stopped the blood of a part of the tumour, where that is asked for."""
    if beads is None or beads.zone == 0.0:
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

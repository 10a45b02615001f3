# SPDX-License-Identifier: MIT
"""What the surfaces of the domain do: nodal areas, the far field, and where injected fluid enters."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.distribution.distribute import DistributedMesh
from meshes.geometry import Site
from meshes.plain import Geometry
from meshes.regions import CAVITY, ORGAN_SURFACE, OUTER
from solver.algebra.halo import Halo
from solver.parameters.model import Physics, Tissue
from solver.tissue.anisotropy import far_coefficient

Floats = NDArray[np.float64]


class SourceError(ValueError):
    """An injection site that no part of the mesh can take."""


@dataclass(frozen=True, kw_only=True)
class FarField:
    """Linear condition on outer nodes: outflow = conductance (p - pressure), or a fixed pressure.

    Attributes:
        conductance: area times transfer coefficient [m3/(Pa s)], 0 inside, shape ``(n,)``.
        pressure: far away [Pa].
        fixed: True where the pressure is prescribed, shape ``(n,)``.
    """

    conductance: Floats
    pressure: float
    fixed: NDArray[np.bool_]


def nodal_areas(points: Floats, facets: NDArray[np.int32], geometry: Geometry) -> Floats:
    """Integral of the shape functions over facets [m2], summed per node, shape ``(n,)``."""
    out = np.zeros(points.shape[0])
    if not facets.size:
        return out
    x = points[facets]
    if geometry == "radial":
        shares = 4 * np.pi * x[:, :, 0] ** 2
    elif geometry == "axisymmetric":
        length = np.linalg.norm(x[:, 1] - x[:, 0], axis=1)[:, None]
        r = x[:, :, 0]
        shares = 2 * np.pi * length * (r + r.sum(axis=1, keepdims=True)) / 6
    else:
        normal = np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0])
        shares = np.repeat(np.linalg.norm(normal, axis=1)[:, None] / 6, 3, axis=1)
    np.add.at(out, facets.ravel(), shares.ravel())
    return out


def resting_pressure(tissue: Tissue, physics: Physics) -> float:
    """Pressure at which vessels and lymph of undisturbed tissue balance [Pa]."""
    if physics.far_pressure is not None:
        return physics.far_pressure
    vessels = tissue.vessel_conductance if physics.vessels else 0.0
    lymph = tissue.lymph_conductance if physics.lymph else 0.0
    if vessels == 0.0 or tissue.effective_vessel_pressure <= tissue.lymph_pressure:
        lymph = 0.0
    if vessels + lymph == 0.0:
        return 0.0
    return (vessels * tissue.effective_vessel_pressure + lymph * tissue.lymph_pressure) / (vessels + lymph)


def far_field(mesh: DistributedMesh, tissue: Tissue, physics: Physics, centre: Floats) -> FarField:
    """Conditions on the artificial outer boundary and on the organ's surface.

    ``robin`` is exact for a sphere in infinite linear tissue: K (1/l + 1/R) per area, with the screening
    length l = sqrt(K/(L_p S/V + L_pL S_L/V)) (Baxter and Jain, 1989, continued into infinite tissue);
    with fibres, for a point source.
    """
    count = mesh.points.shape[0]
    conductance, fixed = np.zeros(count), np.zeros(count, dtype=bool)
    vessels = tissue.vessel_conductance if physics.vessels else 0.0
    lymph = tissue.lymph_conductance if physics.lymph else 0.0
    screening = np.sqrt((vessels + lymph) / tissue.hydraulic_conductivity)
    radius = np.linalg.norm(mesh.points - centre, axis=1)
    for tag, kind in ((OUTER, physics.far_field), (ORGAN_SURFACE, physics.organ_surface)):
        facets = mesh.facets[mesh.facet_tags == tag]
        if kind == "fixed":
            fixed[facets.ravel()] = True
        elif kind == "robin":
            areas = nodal_areas(mesh.points, facets, mesh.geometry)
            inverse = np.divide(1.0, radius, out=np.zeros(count), where=radius > 0)
            if tissue.fibre_ratio != 1.0:
                offset = mesh.points - centre
                conductance += areas * far_coefficient(offset, tissue, mesh.geometry, vessels + lymph)
                continue
            conductance += areas * tissue.hydraulic_conductivity * (screening + inverse)
    return FarField(
        conductance=np.where(fixed, 0.0, conductance),
        pressure=resting_pressure(tissue, physics),
        fixed=fixed,
    )


def source_shares(mesh: DistributedMesh, sites: tuple[Site, ...], volumes: Floats, halo: Halo) -> Floats:
    """Share of a site's flow that enters each node; every row sums to 1 on any mesh. Collective.

    A resolved cavity takes area shares of its wall, a distributed source the weight 1 - (d/R)^2 times the
    nodal volume within the radius R of the tip.

    Args:
        mesh: mesh whose wall facets are tagged ``CAVITY + i``.
        sites: injection sites.
        volumes: nodal volumes [m3].
        halo: nodal layout.

    Raises:
        SourceError: when a site has no node.
    """
    out = np.zeros((len(sites), mesh.points.shape[0]))
    for number, site in enumerate(sites):
        if site.source_radius is None:
            facets = mesh.facets[mesh.facet_tags == CAVITY + number]
            out[number] = nodal_areas(mesh.points, facets, mesh.geometry)
        else:
            distance = np.linalg.norm(mesh.points - _tip(site, mesh.geometry), axis=1)
            out[number] = volumes * np.maximum(1 - (distance / site.source_radius) ** 2, 0.0)
        total = halo.sum(out[number])
        if total <= 0:
            raise SourceError(f"injection site {number + 1}: no node of the mesh lies at the source")
        out[number] /= total
    return out


def _tip(site: Site, geometry: Geometry) -> Floats:
    tip = np.array(site.tip)
    if geometry == "3d":
        return tip
    return np.array([np.hypot(tip[0], tip[1]), tip[2]]) if geometry == "axisymmetric" else np.zeros(1)

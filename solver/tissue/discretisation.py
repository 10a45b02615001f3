# SPDX-License-Identifier: MIT
"""Everything that is fixed while a run lasts: geometry, materials and boundary, ready for the time loop."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meshes.distribution.distribute import DistributedMesh
from meshes.geometry import Site
from meshes.regions import TISSUE
from solver.algebra.halo import Halo
from solver.algebra.stencil import CellIntegrals, Stencil, build_stencil, cell_integrals
from solver.kernels.cells import cell_extents, sum_on_edges
from solver.parameters.model import Model
from solver.tissue.anisotropy import Fibres, cell_conductance, conducting_fibres
from solver.tissue.boundary import FarField, far_field, source_shares
from solver.tissue.fields import heterogeneity, heterogeneous
from solver.tissue.line_build import build_lines, surroundings
from solver.tissue.lines import Lines
from solver.tissue.materials import Materials, Pairs, build_materials, build_pairs
from solver.tissue.random_field import Medium

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Discretisation:
    """Static data of a run; ``n`` local nodes, ``m`` local edges.

    Attributes:
        mesh: distributed mesh.
        halo: ghost exchange.
        integrals: P1 integrals of the cells.
        stencil: edges and rows.
        pairs: node-region pairs.
        materials: constants on the pairs.
        far: outer boundary.
        sources: share of each site's flow per node, shape ``(sites, n)``.
        volume: nodal volume [m3], shape ``(n,)``.
        rest_fluid: nodal fluid volume at rest, phi0 m [m3], shape ``(n,)``.
        compliance: nodal storage, m/H [m3/Pa], shape ``(n,)``.
        swelling: share of its node's stored fluid that each pair takes, by storage [-], shape ``(k,)``.
        conductivity: K0 of the cells, across fibres [m2/(Pa s)].
        fibres: regions in which K has a direction, by cell tag.
        flow_conductance: -(integral of grad l_a . grad l_b) [m] per edge of each cell, stretched by fibres.
        diffusivity: D of the agent on the cells, across fibres, 0 with diffusion off [m2/s].
        diffusion_conductance: as ``flow_conductance``, for diffusion.
        cell_size: largest extent of each cell along an axis [m].
        tissue_fields: what is told of each field of tissue, JSON-ready.
        lines: needle tracks and vessels; their nodes have a volume, that of their fluid, and no pairs.
    """

    mesh: DistributedMesh
    halo: Halo
    integrals: CellIntegrals
    stencil: Stencil
    pairs: Pairs
    materials: Materials
    far: FarField
    sources: Floats
    volume: Floats
    rest_fluid: Floats
    compliance: Floats
    swelling: Floats
    conductivity: Floats
    fibres: dict[int, Fibres]
    flow_conductance: Floats
    diffusivity: Floats
    diffusion_conductance: Floats
    cell_size: Floats
    tissue_fields: tuple[dict[str, Any], ...]
    lines: Lines | None = None


def discretise(mesh: DistributedMesh, model: Model, sites: tuple[Site, ...]) -> Discretisation:
    """Build the static data of a run. Collective.

    Args:
        mesh: distributed mesh whose cell tags are keys of ``model.tissues``.
        model: what is simulated.
        sites: injection sites, as the injections number them.

    Raises:
        SourceError: when a site has no node.
        GeometryError: when the geometry cannot hold the tissue.
        MeshInputError: when the file of a field cannot be read.
    """
    halo = Halo(mesh.index_map, mesh.comm)
    integrals = cell_integrals(mesh.points, mesh.cells, mesh.geometry)
    nodes = mesh.points.shape[0]
    pairs = build_pairs(mesh.cells, mesh.cell_tags, integrals.nodal, nodes)
    materials = build_materials(pairs, model.tissues, model.physics)
    conductivity = cell_values(mesh.cell_tags, model, "hydraulic_conductivity")
    stencil = build_stencil(mesh.cells, nodes, halo.owned, mesh.lines.links if mesh.lines else None)
    told: tuple[dict[str, Any], ...] = ()
    if model.tissue_fields:
        medium = Medium(mesh=mesh, halo=halo, integrals=integrals, stencil=stencil)
        found = heterogeneity(medium, model)
        materials = heterogeneous(materials, pairs, medium, found)
        conductivity = conductivity * found.cells.get("hydraulic_conductivity", 1.0)
        told = found.report
    volume = halo.update(pairs.to_nodes(pairs.volume))
    weight = pairs.volume * (materials.storage if model.physics.flow != "steady" else 1.0)
    data = Discretisation(
        mesh=mesh,
        halo=halo,
        integrals=integrals,
        stencil=stencil,
        pairs=pairs,
        materials=materials,
        far=far_field(mesh, model.tissues[TISSUE], model.physics, _tumour_centre(mesh, pairs, halo)),
        sources=source_shares(mesh, sites, volume, halo),
        volume=volume,
        rest_fluid=halo.update(pairs.to_nodes(pairs.volume * materials.porosity)),
        compliance=halo.update(pairs.to_nodes(pairs.volume * materials.storage)),
        swelling=weight / pairs.to_nodes(weight)[pairs.node],
        conductivity=conductivity,
        fibres=conducting_fibres(model.tissues, mesh.geometry),
        flow_conductance=cell_conductance(mesh, integrals, model.tissues, "fibre_ratio"),
        diffusivity=cell_values(mesh.cell_tags, model, "diffusivity") * model.physics.diffusion,
        diffusion_conductance=cell_conductance(mesh, integrals, model.tissues, "fibre_diffusion_ratio"),
        cell_size=cell_extents(mesh.points, mesh.cells),
        tissue_fields=told,
    )
    return data if mesh.lines is None else with_lines(data, model)


def with_lines(data: Discretisation, model: Model) -> Discretisation:
    """Give the nodes of lines their fluid and their links their laws. Collective."""
    tags = data.mesh.cell_tags
    diffusion = data.diffusivity * cell_values(tags, model, "porosity")
    cells = data.conductivity, cell_values(tags, model, "shear_modulus"), diffusion
    around = surroundings(data.mesh, data.halo, data.integrals, cells, data.sources)
    lines = build_lines(data.mesh, model, data.stencil, around)
    assert lines is not None
    for nodal in (data.volume, data.rest_fluid):
        nodal[lines.node] = lines.volume
    data.compliance[lines.node] = lines.storage
    for nodal in (data.volume, data.rest_fluid, data.compliance):
        data.halo.update(nodal)
    return replace(data, lines=lines)


def pair_fluid(data: Discretisation, stored: Floats) -> Floats:
    """Fluid volume of every pair [m3]: that at rest plus its share of what its node has stored."""
    at_rest = data.pairs.volume * data.materials.porosity
    return at_rest + stored[data.pairs.node] * data.swelling


def cell_values(cell_tags: NDArray[np.int32], model: Model, name: str) -> Floats:
    """A tissue constant on every cell."""
    table = np.zeros(max(model.tissues) + 1)
    for tag, tissue in model.tissues.items():
        table[tag] = getattr(tissue, name)
    return table[cell_tags]


def edge_sums(data: Discretisation, per_cell_edge: Floats) -> Floats:
    """Sum a quantity given on the edges of cells over the cells of each edge, shape ``(m,)``."""
    return sum_on_edges(data.stencil.cell_edges, per_cell_edge, data.stencil.tail.size)


def _tumour_centre(mesh: DistributedMesh, pairs: Pairs, halo: Halo) -> Floats:
    """Centroid of the tumour; the origin in ``radial``, a point of the axis in ``axisymmetric``."""
    weight = pairs.to_nodes(np.where(pairs.inside, pairs.volume, 0.0))
    total = halo.sum(weight)
    centre = np.zeros(mesh.points.shape[1])
    if total > 0 and mesh.geometry != "radial":
        first = 1 if mesh.geometry == "axisymmetric" else 0
        for axis in range(first, centre.size):
            centre[axis] = halo.sum(weight * mesh.points[:, axis]) / total
    return centre

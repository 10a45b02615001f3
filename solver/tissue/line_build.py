# SPDX-License-Identifier: MIT
"""From embedded lines and their records to the constants of `solver.tissue.lines`."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.distribution.distribute import DistributedMesh
from meshes.lines import EmbeddedLines, LocalLines
from solver.algebra.halo import Halo
from solver.algebra.stencil import CellIntegrals, Stencil
from solver.parameters.lines import Backflow, VesselLine
from solver.parameters.model import Model
from solver.tissue.line_curves import needles
from solver.tissue.lines import Axial, Ends, Joints, Lines, Walls
from solver.tissue.track import Gap

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

JOINT_LOSS: Final = 1.0
"""Pressure that all injected fluid would lose between cavity and track [Pa]."""
CLOSED: Final = 1e-30
"""Of a wall that lets nothing through, in SI units."""
NO_GAP: Final = Backflow()
"""Stands in the gaps of vessels, which have none."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Tissue at the nodes of the mesh, ghosts up to date, shapes ``(n,)``.

    Attributes:
        conductivity: K0 [m2/(Pa s)].
        shear_modulus: G [Pa].
        diffusion: phi0 D of the agent [m2/s].
        sources: share of each site's flow, shape ``(sites, n)``.
    """

    conductivity: Floats
    shear_modulus: Floats
    diffusion: Floats
    sources: Floats


def surroundings(
    mesh: DistributedMesh,
    halo: Halo,
    integrals: CellIntegrals,
    cells: tuple[Floats, Floats, Floats],
    sources: Floats,
) -> Surroundings:
    """Means over the cells of each node, by volume. Collective.

    Args:
        mesh: distributed mesh.
        halo: nodal layout.
        integrals: of the cells.
        cells: K0, G and phi0 D of the cells.
        sources: share of each site's flow per node.
    """
    count, corners = mesh.points.shape[0], mesh.cells.ravel()
    total = np.bincount(corners, integrals.nodal.ravel(), count)

    def mean(values: Floats) -> Floats:
        summed = np.bincount(corners, (integrals.nodal * values[:, None]).ravel(), count)
        return halo.update(np.divide(summed, total, out=np.ones(count), where=total > 0))

    for shares in sources:
        halo.update(shares)
    return Surroundings(
        conductivity=mean(cells[0]),
        shear_modulus=mean(cells[1]),
        diffusion=mean(cells[2]),
        sources=sources,
    )


def build_lines(mesh: DistributedMesh, model: Model, stencil: Stencil, around: Surroundings) -> Lines | None:
    """Constants of all lines on this rank; None without lines.

    Args:
        mesh: with the lines in it.
        model: what is simulated.
        stencil: edges, those of lines among them.
        around: tissue at the nodes.
    """
    if mesh.lines is None:
        return None
    whole, local = mesh.lines.whole, mesh.lines
    site_tracks = len(needles(model)) if model.backflow else 0
    builder = _Builder(
        whole=whole,
        local=local,
        backflow=model.backflow or NO_GAP,
        vessels=model.vessel_lines,
        tracks=site_tracks,
    )
    walls = builder.walls(around)
    here = np.flatnonzero(local.node >= 0)
    here = here[np.argsort(local.node[here])]
    last = mesh.comm.rank == mesh.comm.size - 1
    shear = builder.shear_moduli(walls, around) if last else np.ones(len(whole.radius))
    gap, track = builder.gap(whole.radius, shear), whole.curve < site_tracks
    area = gap.perimeter * whole.length
    volume = np.where(track, area * gap.residual, np.pi * whole.radius**2 * whole.length)
    storage = np.where(track, area * gap.give, 0.0) * (model.physics.flow != "steady")
    rate = max((pulse.rate for pulse in model.injections), default=1e-8)
    return Lines(
        edges=stencil.links,
        sign=np.where(local.links[:, 0] == stencil.tail[stencil.links], 1.0, -1.0),
        node=local.node[here].astype(np.int64),
        track=track[here],
        owned=len(here) if last else 0,
        volume=volume[here],
        storage=storage[here],
        prestress=builder.backflow.prestress,
        axial=builder.axial(shear),
        ends=builder.ends(shear, last),
        walls=walls,
        joints=builder.joints(around.sources, rate / JOINT_LOSS),
    )


@dataclass(frozen=True, kw_only=True)
class _Builder:
    """What all parts of the lines are made from; ``tracks`` curves come first, vessels after."""

    whole: EmbeddedLines
    local: LocalLines
    backflow: Backflow
    vessels: tuple[VesselLine, ...]
    tracks: int

    def of_vessel(self, name: str, curve: Integers, otherwise: float) -> Floats:
        """A number of the vessels by curve; for tracks another."""
        table = [otherwise] * self.tracks + [getattr(vessel, name) for vessel in self.vessels]
        return np.array(table, dtype=np.float64)[curve]

    def gap(self, radius: Floats, shear: Floats) -> Gap:
        """Of tracks with these radii in tissue of these shear moduli."""
        return Gap(
            perimeter=2 * np.pi * radius,
            give=radius / (2 * shear),
            residual=self.backflow.residual_gap,
            viscosity=self.backflow.viscosity,
        )

    def conductance(self, curve: Integers, radius: Floats, length: Floats) -> Floats:
        """Of vessels by Poiseuille's law [m3/(Pa s)], 0 for tracks."""
        poiseuille = np.pi * radius**4 / (8 * self.of_vessel("viscosity", curve, 1.0) * length)
        return np.where(curve < self.tracks, 0.0, poiseuille)

    def chosen(self, first: int, count: int) -> tuple[Integers, Integers]:
        """Local links whose number lies in a range: their places, and their numbers from its start."""
        number = self.local.number
        place = np.flatnonzero((number >= first) & (number < first + count))
        return place, number[place] - first

    def axial(self, shear: Floats) -> Axial:
        """Links along lines."""
        whole = self.whole
        link, number = self.chosen(0, len(whole.axial))
        pairs = whole.axial[number]
        curve, radius, length = (
            whole.curve[pairs[:, 0]],
            whole.axial_radius[number],
            whole.axial_length[number],
        )
        return Axial(
            link=link,
            first=self.local.links[link, 0].astype(np.int64),
            second=self.local.links[link, 1].astype(np.int64),
            track=curve < self.tracks,
            length=length,
            gap=self.gap(radius, 2 / (1 / shear[pairs]).sum(axis=1)),
            conductance=self.conductance(curve, radius, length),
        )

    def ends(self, shear: Floats, last: bool) -> Ends:
        """Free ends; all belong to the last rank."""
        whole = self.whole
        number = np.arange(len(whole.end_node) if last else 0)
        node = whole.end_node[number]
        curve, radius, length = whole.curve[node], whole.end_radius[number], whole.end_length[number]
        pressure = np.full(len(number), self.backflow.exit_pressure)
        open_end = np.ones(len(number), dtype=bool)
        for k in np.flatnonzero(curve >= self.tracks):
            known = dict(self.vessels[curve[k] - self.tracks].ends)
            open_end[k] = int(whole.end_place[k]) in known
            pressure[k] = known.get(int(whole.end_place[k]), 0.0)
        return Ends(
            node=self.local.node[node].astype(np.int64),
            track=curve < self.tracks,
            length=length,
            gap=self.gap(radius, shear[node]),
            conductance=self.conductance(curve, radius, length) * open_end,
            pressure=pressure,
        )

    def walls(self, around: Surroundings) -> Walls:
        """Links to tissue."""
        whole = self.whole
        link, number = self.chosen(len(whole.axial), len(whole.wall_node))
        node, weight = whole.wall_node[number], whole.wall_weight[number]
        total = np.bincount(whole.wall_node, whole.wall_weight, len(whole.radius))[node]
        curve, radius, length = whole.curve[node], whole.radius[node], whole.length[node]
        track = curve < self.tracks
        area = 2 * np.pi * radius * length
        conductivity = self.of_vessel("wall_conductivity", curve, 1.0)
        resistance = 1 / np.maximum(self.of_vessel("permeability", curve, 0.0) * area, CLOSED)
        logarithm = np.log(whole.kernel[node] / radius) / (2 * np.pi * length)
        tissue = self.local.links[link, 1].astype(np.int64)
        return Walls(
            link=link,
            line=self.local.links[link, 0].astype(np.int64),
            tissue=tissue,
            weight=weight,
            share=weight / total,
            wall_resistance=np.where(track, 0.0, 1 / (area * np.maximum(conductivity, CLOSED))),
            tissue_resistance=logarithm,
            offset=self.of_vessel("oncotic_difference", curve, 0.0),
            clearance=weight / (resistance + logarithm / np.maximum(around.diffusion[tissue], CLOSED)),
            conductivity=around.conductivity[tissue],
        )

    def joints(self, sources: Floats, conductance: float) -> Joints:
        """Links to cavities."""
        whole = self.whole
        link, number = self.chosen(len(whole.axial) + len(whole.wall_node), len(whole.joint_node))
        tissue = self.local.links[link, 1].astype(np.int64)
        site = whole.joint_site[number]
        return Joints(
            link=link,
            line=self.local.links[link, 0].astype(np.int64),
            tissue=tissue,
            conductance=conductance * sources[site, tissue],
        )

    def shear_moduli(self, walls: Walls, around: Surroundings) -> Floats:
        """G around each node of the lines; outside the mesh that of the last node inside [Pa]."""
        count = len(self.whole.radius)
        node = self.whole.wall_node
        total = np.bincount(node, walls.weight, count)
        shear = np.bincount(node, walls.weight * around.shear_modulus[walls.tissue], count)
        inside = np.flatnonzero(total > 0)
        last = inside[np.maximum(np.searchsorted(inside, np.arange(count), side="right") - 1, 0)]
        return shear[last] / total[last]

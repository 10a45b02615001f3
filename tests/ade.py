# SPDX-License-Identifier: MIT
"""Columns and slabs with uniform flow: set-ups of the benchmarks ADE of other codes."""

import csv
from dataclasses import dataclass, replace
from itertools import permutations

from mpi4py import MPI

import numpy as np
import pytest
from numpy.typing import NDArray

from meshes.cells.facets import exterior_facets
from meshes.cells.quality import volumes
from meshes.distribution.distribute import distribute, gather_to_root
from meshes.plain import PlainMesh
from meshes.regions import OUTER, TISSUE, TUMOUR
from solver.agent.dispersion import Dispersion
from solver.agent.transport import AgentState, Transport
from solver.flow.state import FlowStep
from solver.parameters.model import Model
from solver.tissue.discretisation import Discretisation, discretise
from tests.data_folder import SHARED
from tests.manufactured import uniform_flow
from tests.spheres import EXACT, PLAIN, model, tissue

Floats = NDArray[np.float64]
COMM = MPI.COMM_WORLD
FOLDER = SHARED / "benchmarks-ade"
POROSITY = 0.25

HELD = 1e4
"""Exchange rate in the layer that keeps a concentration, times the length of a step [-]."""


def table(name: str) -> list[dict[str, str]]:
    """Rows of a table of numbers; skips where the folder is not at hand."""
    if not (FOLDER / name).is_file():
        pytest.skip(f"shared/data/benchmarks-ade/{name} is not beside the repository")
    with (FOLDER / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@dataclass(frozen=True, kw_only=True)
class Medium:
    """What the agent meets, in any consistent units.

    Attributes:
        speed: pore velocity along z.
        along: dispersion coefficient along z.
        across: the same across; None for that along.
        decay: first-order rate.
    """

    speed: float
    along: float
    across: float | None = None
    decay: float = 0.0

    def model(self, held: float) -> Model:
        """As our records have it: molecular where it is isotropic, by dispersivities where not."""
        if self.across is None:
            ours = tissue(porosity=POROSITY, diffusivity=self.along)
        else:
            ours = tissue(
                porosity=POROSITY,
                longitudinal_dispersivity=self.along / self.speed,
                transverse_dispersivity=self.across / self.speed,
            )
        physics = replace(
            PLAIN,
            reaction=self.decay > 0.0,
            diffusion=self.across is None,
            dispersion=self.across is not None,
            agent_exchange="patlak",
            vessels=True,
        )
        what = model(ours, physics, reaction=self.decay, numerics=EXACT)
        keeper = replace(ours, perfusion=held, permeability_surface=10.0 * held)
        return replace(what, tissues={TUMOUR: keeper, TISSUE: ours})


def slab(across: Floats, along: Floats, thickness: float) -> PlainMesh:
    """Kuhn's tetrahedra, one cell thick in x; cells with z < 0 are the layer that keeps a concentration."""
    axes = [np.array([0.0, thickness]), across, along]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    n, m = len(across), len(along)
    strides = np.array([n * m, m, 1])
    corner = (
        np.stack(np.meshgrid([0], range(n - 1), range(m - 1), indexing="ij"), axis=-1).reshape(-1, 3)
        @ strides
    )
    cells = np.concatenate(
        [
            np.column_stack(
                [corner, corner + strides[i], corner + strides[[i, j]].sum(), corner + strides.sum()]
            )
            for i, j, _ in permutations(range(3))
        ]
    )
    negative = volumes(points, cells) < 0.0
    cells[negative] = cells[negative][:, [1, 0, 2, 3]]
    facets = exterior_facets(cells)
    before = points[cells].mean(axis=1)[:, 2] < 0.0
    return PlainMesh(
        geometry="3d",
        points=points,
        cells=cells,
        cell_tags=np.where(before, TUMOUR, TISSUE).astype(np.int32),
        facets=facets,
        facet_tags=np.full(len(facets), OUTER, dtype=np.int32),
    )


class Column:
    """A slab that is stepped in time; first-type inlets are a layer that is held, third-type ones a flux."""

    def __init__(self, plain: PlainMesh, medium: Medium, step: float) -> None:
        what = medium.model(HELD / step)
        mesh = distribute(plain if COMM.rank == 0 else None, COMM)
        self.data: Discretisation = discretise(mesh, what, ())
        self.plain, self.length = plain, step
        flow = uniform_flow(self.data, medium.speed * POROSITY)
        z = self.data.mesh.points[:, 2]
        pressure = -medium.speed * POROSITY * z
        self.flow: FlowStep = replace(
            flow,
            state=replace(flow.state, pressure=pressure),
            open_fraction=np.ones_like(flow.open_fraction),
        )
        self.transport = Transport(self.data, what.agent, what.physics, what.numerics)
        self.transport.plasma = 0.0
        if what.physics.dispersion:
            self.transport.dispersion = Dispersion(self.data, what)
        self.injected: Floats = np.zeros(z.size)
        self.state: AgentState = self.transport.initial_state()

    def hold(self, concentration: Floats) -> None:
        """Keep concentrations, given at the nodes, in the layer before z = 0; no flux brings any."""
        pairs = self.data.pairs
        self.transport.plasma = np.asarray(concentration)[pairs.node]

    def bring(self, concentration: float) -> None:
        """Let what flows in carry a concentration: the third type."""
        inflow = np.maximum(-self.flow.outflow, 0.0)
        self.injected = concentration * inflow

    def run(self, steps: int, length: float | None = None) -> None:
        """Some steps on, of the length given at first or another one."""
        none = np.zeros(self.injected.size)
        for _ in range(steps):
            self.state = self.transport.step(
                self.state, (none, none), self.flow, self.injected, length or self.length
            ).state

    def field(self) -> Floats:
        """Concentration in the order of the mesh, on every rank. Collective."""
        gathered = COMM.bcast(gather_to_root(self.data.mesh, self.state.concentration, COMM))
        return np.asarray(gathered)

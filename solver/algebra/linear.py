# SPDX-License-Identifier: MIT
"""The one place that talks to PETSc: a matrix with a fixed pattern and a solver that raises when it fails."""

from dataclasses import dataclass
from typing import Any, Final

from petsc4py import PETSc

import numpy as np
from numpy.typing import NDArray

from meshes.plain import Geometry
from solver.algebra.halo import Halo
from solver.algebra.stencil import Stencil

Floats = NDArray[np.float64]

OPTIONS: Final[dict[str, dict[str, Any]]] = {
    # Rising pressure makes the tangent nonsymmetric; algebraic multigrid keeps counts flat under refinement.
    "multigrid": {
        "ksp_type": "gmres",
        "ksp_gmres_restart": 60,
        "pc_type": "hypre",
        "pc_hypre_type": "boomeramg",
        "pc_hypre_boomeramg_strong_threshold": 0.5,
        "pc_hypre_boomeramg_coarsen_type": "hmis",
        "pc_hypre_boomeramg_interp_type": "ext+i",
        "pc_hypre_boomeramg_agg_nl": 1,
        # Forward on the way down, backward on the way up: two thirds of the time of the symmetric default.
        "pc_hypre_boomeramg_relax_type_down": "SOR/Jacobi",
        "pc_hypre_boomeramg_relax_type_up": "backward-SOR/Jacobi",
    },
    # Intervals and small planar meshes: a direct factor is cheaper than any hierarchy. PETSc's zero pivot is
    # absolute; entries in SI units (m3/(Pa s)) lie far below its default.
    "direct": {"ksp_type": "preonly", "pc_type": "lu", "pc_factor_zeropivot": 1e-300},
    # Every rank factors the whole: a parallel factor (MUMPS) adds up in the order in which messages come in,
    # and the same run would end in other last digits.
    "direct_parallel": {
        "ksp_type": "preonly",
        "pc_type": "redundant",
        "redundant_ksp_type": "preonly",
        "redundant_pc_type": "lu",
        "redundant_pc_factor_zeropivot": 1e-300,
    },
    # Two unknowns at a node fill the factor more: MUMPS is thrice as fast as PETSc, on one rank too.
    "direct_pairs": {
        "ksp_type": "preonly",
        "pc_type": "redundant",
        "redundant_ksp_type": "preonly",
        "redundant_pc_type": "lu",
        "redundant_pc_factor_mat_solver_type": "mumps",
    },
    # Implicit transport is an M-matrix; upwinded rows without diffusion are triangular, on which BiCGStab
    # breaks down and GMRES with an incomplete factor is exact.
    "transport": {"ksp_type": "gmres", "pc_type": "ilu", "pc_factor_zeropivot": 1e-300},
    "transport_parallel": {
        "ksp_type": "gmres",
        "pc_type": "bjacobi",
        "sub_pc_type": "ilu",
        "sub_pc_factor_zeropivot": 1e-300,
    },
}


SPLIT: Final[dict[str, Any]] = {
    "pc_type": "fieldsplit",
    "pc_fieldsplit_type": "symmetric_multiplicative",
    "fieldsplit_mesh_ksp_type": "preonly",
    "fieldsplit_lines_ksp_type": "preonly",
    "fieldsplit_lines_pc_type": "lu",
    "fieldsplit_lines_pc_factor_zeropivot": 1e-300,
}
"""Lines conduct better by orders than tissue, which spoils a hierarchy: they get a direct factor."""

DIRECT_BELOW: Final = 20_000
"""Nodes up to which a planar or radial mesh is solved by a direct factor."""


def elliptic_preset(geometry: Geometry, halo: Halo) -> str:
    """Which options suit a diffusive operator on the nodes of a mesh. Collective."""
    total = halo.comm.allreduce(halo.owned)
    if geometry == "3d" or total > DIRECT_BELOW:
        return "multigrid"
    return "direct" if halo.comm.size == 1 else "direct_parallel"


class LinearSolverError(RuntimeError):
    """A Krylov method or factorisation that failed, with PETSc's reason."""


@dataclass(frozen=True, kw_only=True)
class Tolerances:
    """When a Krylov method stops.

    Attributes:
        relative: of the preconditioned residual.
        absolute: of the preconditioned residual.
        iterations: limit.
    """

    relative: float
    absolute: float = 0.0
    iterations: int = 500


class RowMatrix:
    """A distributed sparse matrix whose owned rows are refilled in place.

    Attributes:
        matrix: the PETSc matrix.
        values: values of the owned rows, in the order of the stencil.
        lines: number of owned rows, the last ones, that belong to lines.
        split: whether any rank has such rows.
    """

    def __init__(self, stencil: Stencil, local_to_global: NDArray[np.int64], halo: Halo) -> None:
        total = halo.comm.allreduce(halo.owned)
        self.values = np.zeros(stencil.columns.size)
        self.values[stencil.diagonal] = 1.0
        size = ((halo.owned, total), (halo.owned, total))
        indptr = stencil.indptr.astype(PETSc.IntType)
        # PETSc works on these arrays themselves; they must live as long as the matrix.
        if halo.comm.size == 1:
            self._blocks: list[tuple[Any, Any, Floats]] = [
                (indptr, stencil.columns.astype(PETSc.IntType), self.values)
            ]
            csr: Any = self._blocks[0]
        else:
            ghost = stencil.columns >= halo.owned
            self._own, self._ghost = np.flatnonzero(~ghost), np.flatnonzero(ghost)
            away = np.concatenate([[0], np.cumsum(ghost)])[indptr].astype(PETSc.IntType)
            own = stencil.columns[self._own].astype(PETSc.IntType)
            others = local_to_global[stencil.columns[self._ghost]].astype(PETSc.IntType)
            self._blocks = [
                (indptr - away, own, self.values[self._own]),
                (away, others, self.values[self._ghost]),
            ]
            csr = tuple(self._blocks)
        self.lines = stencil.lines
        self.split = halo.comm.allreduce(stencil.lines) > 0
        self.matrix = PETSc.Mat().createAIJWithArrays(size, csr=csr, comm=halo.comm)

    def assemble(self) -> None:
        """Let PETSc see the new ``values``. Collective."""
        if len(self._blocks) > 1:
            np.take(self.values, self._own, out=self._blocks[0][2])
            np.take(self.values, self._ghost, out=self._blocks[1][2])
        self.matrix.assemble()
        self.matrix.stateIncrease()


class LinearSolver:
    """A Krylov method or direct factor for one matrix, with its own options prefix.

    Attributes:
        iterations: of the last solve.
        setups: how often the preconditioner was built.
    """

    def __init__(self, matrix: RowMatrix, prefix: str, preset: str, tolerances: Tolerances) -> None:
        self._rows = matrix
        comm = matrix.matrix.getComm()
        self._solver = PETSc.KSP().create(comm)
        self._solver.setOperators(matrix.matrix)
        self._solver.setOptionsPrefix(prefix)
        options = PETSc.Options()
        # What the user gives on the command line wins; what we set is taken back once PETSc has read it.
        chosen = OPTIONS[preset]
        if matrix.split and preset == "multigrid":
            chosen = {**chosen, **_split(self._solver.getPC(), matrix, chosen)}
        preset_options = {f"{prefix}{key}": value for key, value in chosen.items()}
        ours = {name: value for name, value in preset_options.items() if not options.hasName(name)}
        for name, value in ours.items():
            options.setValue(name, value)
        self._solver.setTolerances(
            rtol=tolerances.relative,
            atol=tolerances.absolute or 1e-300,
            divtol=1e12,
            max_it=tolerances.iterations,
        )
        self._solver.setFromOptions()
        # The parts of a block preconditioner read theirs when it is set up.
        self._solver.setUp()
        if matrix.split:
            self._solver.setUpOnBlocks()
        for name in ours:
            options.delValue(name)
        self._solver.setInitialGuessNonzero(preset.startswith("transport"))
        self._tolerances = tolerances
        self._right = matrix.matrix.createVecLeft()
        self._solution = matrix.matrix.createVecRight()
        self.iterations = 0
        self.setups = 0

    def solve(
        self, right: Floats, guess: Floats, *, rebuild: bool = True, relative: float | None = None
    ) -> Floats:
        """Solve for the owned nodes. Collective.

        Args:
            right: right-hand side of the owned rows.
            guess: start of the iteration.
            rebuild: build the preconditioner anew, or keep the last one.
            relative: tolerance of this solve, if not the solver's own.

        Raises:
            LinearSolverError: when PETSc reports divergence.
        """
        self._right.array[:] = right
        self._solution.array[:] = guess
        self._solver.getPC().setReusePreconditioner(not rebuild)
        self.setups += int(rebuild)
        self._solver.setTolerances(rtol=relative or self._tolerances.relative)
        self._solver.solve(self._right, self._solution)
        reason = self._solver.getConvergedReason()
        self.iterations = self._solver.getIterationNumber()
        if reason < 0:
            name = _reason_name(reason)
            raise LinearSolverError(f"{self._solver.getOptionsPrefix()}: {name} after {self.iterations} its")
        return np.array(self._solution.array, copy=True)


def _split(preconditioner: Any, rows: RowMatrix, mesh: dict[str, Any]) -> dict[str, Any]:
    """Let a preconditioner treat mesh and lines one after the other; returns the options of both."""
    first, last = rows.matrix.getOwnershipRange()
    comm, middle = rows.matrix.getComm(), last - rows.lines
    preconditioner.setType("fieldsplit")
    preconditioner.setFieldSplitIS(
        ("mesh", PETSc.IS().createStride(middle - first, first, 1, comm=comm)),
        ("lines", PETSc.IS().createStride(last - middle, middle, 1, comm=comm)),
    )
    whole = OPTIONS["direct_parallel"].items()
    lines = {} if comm.size == 1 else {f"fieldsplit_lines_{key}": value for key, value in whole}
    tissue = {f"fieldsplit_mesh_{key}": value for key, value in mesh.items() if key.startswith("pc_")}
    return SPLIT | lines | tissue


def _reason_name(reason: int) -> str:
    for name, value in vars(PETSc.KSP.ConvergedReason).items():
        if value == reason and name.startswith("DIVERGED"):
            return name.lower().replace("_", " ")
    return f"reason {reason}"

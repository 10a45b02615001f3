# SPDX-License-Identifier: MIT
"""A symmetric system in displacement and total pressure for PETSc, with its block preconditioner.

    [ A  -B^T ] [ u  ]   [ f ]
    [-B  -C   ] [ xi ] = [ g ]

In the plane a direct factor, kept for the whole run. In space MINRES with one cycle of multigrid for A, whose
components coarsen apart, and the inverse diagonal that the Schur complement is spectrally equivalent to; the
number of iterations does not grow with the mesh (Elman, Silvester and Wathen, 2014).
"""

from dataclasses import dataclass
from typing import Any, Final

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from solver.algebra.linear import LinearSolverError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OPTIONS: Final[dict[str, dict[str, Any]]] = {
    # Indefinite, so MUMPS with its pivots; on every rank for itself, in one order of adding up.
    "direct": {
        "ksp_type": "preonly",
        "pc_type": "redundant",
        "redundant_ksp_type": "preonly",
        "redundant_pc_type": "lu",
        "redundant_pc_factor_mat_solver_type": "mumps",
    },
    "iterative": {
        "ksp_type": "minres",
        "ksp_max_it": 1000,
        "pc_type": "fieldsplit",
        "pc_fieldsplit_type": "additive",
        "fieldsplit_0_ksp_type": "preonly",
        "fieldsplit_0_pc_type": "hypre",
        "fieldsplit_0_pc_hypre_type": "boomeramg",
        "fieldsplit_0_pc_hypre_boomeramg_strong_threshold": 0.5,
        "fieldsplit_0_pc_hypre_boomeramg_coarsen_type": "hmis",
        "fieldsplit_0_pc_hypre_boomeramg_interp_type": "ext+i",
        "fieldsplit_1_ksp_type": "preonly",
        "fieldsplit_1_pc_type": "jacobi",
    },
}


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Owned rows of the blocks, columns by global number.

    Attributes:
        stiffness: A, entry by entry of the displacement.
        divergence: B.
        gradient: B^T, whose rows belong to the displacement.
        compliance: C.
        schur: positive diagonal of the pressure's preconditioner.
        dimension: components of the displacement.
    """

    stiffness: sp.csr_matrix
    divergence: sp.csr_matrix
    gradient: sp.csr_matrix
    compliance: sp.csr_matrix
    schur: Floats
    dimension: int


class SaddleSolver:
    """Solves the system again and again with one preconditioner.

    Attributes:
        iterations: of the last solve.
    """

    def __init__(self, comm: MPI.Comm, blocks: Blocks, tolerance: float) -> None:
        dimension = blocks.dimension
        self._direct = dimension < 3
        moved, pressed = blocks.stiffness.shape[0], blocks.compliance.shape[0]
        a, c = _matrix(comm, blocks.stiffness, moved, dimension), _matrix(comm, -blocks.compliance, pressed)
        upper, lower = _matrix(comm, -blocks.gradient, pressed), _matrix(comm, -blocks.divergence, moved)
        system = PETSc.Mat().createNest([[a, upper], [lower, c]], comm=comm)
        self._solver = PETSc.KSP().create(comm)
        if self._direct:
            system = system.convert("aij")
            self._solver.setOperators(system)
        else:
            diagonal = c.createVecRight()
            diagonal.array[:] = blocks.schur
            schur = PETSc.Mat().createDiagonal(diagonal)
            self._solver.setOperators(system, PETSc.Mat().createNest([[a, None], [None, schur]], comm=comm))
        self._set_options("solid_", tolerance)
        self._right, self._solution = system.createVecLeft(), system.createVecRight()
        self._size = moved
        self.iterations = 0

    def solve(self, force: Floats, volume: Floats, guess: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Displacement and total pressure of the owned rows. Collective.

        Args:
            force: f of the owned displacements.
            volume: g of the owned pressures.
            guess: start of the iteration.

        Raises:
            LinearSolverError: when PETSc reports divergence.
        """
        self._right.array[:] = np.concatenate([force, volume])
        if not self._direct:
            self._solution.array[:] = np.concatenate(guess)
        self._solver.solve(self._right, self._solution)
        self.iterations = self._solver.getIterationNumber()
        if self._solver.getConvergedReason() < 0:
            raise LinearSolverError(f"displacement: no convergence after {self.iterations} iterations")
        both = np.array(self._solution.array, copy=True)
        return both[: self._size], both[self._size :]

    def _set_options(self, prefix: str, tolerance: float) -> None:
        options = PETSc.Options()
        given = OPTIONS["direct" if self._direct else "iterative"]
        ours = {prefix + key: value for key, value in given.items() if not options.hasName(prefix + key)}
        for name, value in ours.items():
            options.setValue(name, value)
        self._solver.setOptionsPrefix(prefix)
        self._solver.setTolerances(rtol=tolerance, atol=1e-300)
        self._solver.setFromOptions()
        if not self._direct:
            parts = self._solver.getOperators()[1].getNestISs()[0]
            self._solver.getPC().setFieldSplitIS(*zip(("0", "1"), parts, strict=True))
        self._solver.setInitialGuessNonzero(not self._direct)
        self._solver.setUp()
        for name in ours:
            options.delValue(name)


def _matrix(comm: MPI.Comm, rows: sp.csr_matrix, own_columns: int, block: int = 1) -> Any:
    """A PETSc matrix from the owned rows, columns by global number."""
    csr = (rows.indptr.astype(PETSc.IntType), rows.indices.astype(PETSc.IntType), rows.data)
    out = PETSc.Mat().createAIJ(((rows.shape[0], None), (own_columns, None)), bsize=block, csr=csr, comm=comm)
    out.assemble()
    return out

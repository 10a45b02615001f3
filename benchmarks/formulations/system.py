# SPDX-License-Identifier: MIT
"""One linear system on a fixed pattern, solved with ILU(0): GMRES, or BiCGStab for the DG matrices."""

from petsc4py import PETSc

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]


class System:
    """A matrix that is kept while its owner does not change.

    Attributes:
        iterations: Krylov iterations so far.
    """

    def __init__(self, relative: float = 1e-11, method: str = "gmres") -> None:
        self._relative, self._method = relative, method
        self._owner: object = None
        self._solver: PETSc.KSP | None = None
        self.iterations = 0

    def holds(self, owner: object) -> bool:
        """Whether the matrix is that of ``owner``."""
        return self._solver is not None and self._owner == owner

    def set(self, owner: object, matrix: csr_matrix) -> None:
        """Take a matrix and factor it incompletely."""
        matrix.sort_indices()
        whole = PETSc.Mat().createAIJ(matrix.shape, csr=(matrix.indptr, matrix.indices, matrix.data))
        solver = PETSc.KSP().create()
        solver.setOperators(whole)
        solver.setType(self._method)
        factor = solver.getPC()
        factor.setType("ilu")
        # The default is absolute, and entries in SI units lie far below it.
        factor.setFactorPivot(zeropivot=1e-300)
        solver.setInitialGuessNonzero(True)
        self._owner, self._solver = owner, solver
        self._right, self._solution = whole.createVecs()

    def solve(self, right: Floats, guess: Floats, relative: float | None = None) -> Floats:
        """Solve from a guess to a relative residual.

        Raises:
            RuntimeError: when the Krylov method fails.
        """
        assert self._solver is not None
        self._solver.setTolerances(rtol=relative or self._relative, atol=1e-300, max_it=2000)
        self._right.array[:] = right
        self._solution.array[:] = guess
        self._solver.solve(self._right, self._solution)
        if self._solver.getConvergedReason() < 0:
            raise RuntimeError(f"{self._method} stopped with reason {self._solver.getConvergedReason()}")
        self.iterations += self._solver.getIterationNumber()
        return np.array(self._solution.array, copy=True)


def from_edges(
    tail: NDArray[np.int32], head: NDArray[np.int32], entries: tuple[Floats, Floats, Floats]
) -> csr_matrix:
    """Matrix of a diagonal and of the entries (tail, head) and (head, tail) of edges."""
    diagonal, forward, backward = entries
    nodes = np.arange(diagonal.size)
    rows = np.concatenate([nodes, tail, head])
    columns = np.concatenate([nodes, head, tail])
    values = np.concatenate([diagonal, forward, backward])
    return csr_matrix((values, (rows, columns)), shape=(nodes.size, nodes.size))

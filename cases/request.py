# SPDX-License-Identifier: MIT
"""What is asked of a run, and how a worker is told."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Request:
    """A run, as the worker is told.

    Attributes:
        case: case file.
        out: result folder, which exists.
        overrides: ``key=value`` texts.
        ranks: number of MPI ranks.
        quiet: print errors only.
        debug: print tracebacks.
        petsc: options for PETSc, as on its command line.
    """

    case: str
    out: str
    overrides: tuple[str, ...] = ()
    ranks: int = 1
    quiet: bool = False
    debug: bool = False
    petsc: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """As the worker's command line."""
        flags = [f"--{name}" for name in ("quiet", "debug") if getattr(self, name)]
        overrides = [f"--set={override}" for override in self.overrides]
        options = [f"--petsc={option}" for option in self.petsc]
        return [*flags, *overrides, *options, f"--ranks={self.ranks}", "--", self.case, self.out]

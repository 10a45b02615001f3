# SPDX-License-Identifier: MIT
"""What is asked of a run, and how a worker is told."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """When a run keeps its state beside what its case says, and whether it goes on from one.

    Attributes:
        resume: go on from the last checkpoint in the folder.
        every: wall time between checkpoints, instead of the case's [s].
        stop_after: wall time after which the run stops with a checkpoint [s].
    """

    resume: bool = False
    every: float | None = None
    stop_after: float | None = None

    def arguments(self) -> list[str]:
        """As the worker's command line."""
        times = {"checkpoint-every": self.every, "stop-after": self.stop_after}
        given = [f"--{name}={value!r}" for name, value in times.items() if value is not None]
        return [*(["--resume"] if self.resume else []), *given]


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
        keeping: of its state.
    """

    case: str
    out: str
    overrides: tuple[str, ...] = ()
    ranks: int = 1
    quiet: bool = False
    debug: bool = False
    petsc: tuple[str, ...] = ()
    keeping: Keeping = field(default_factory=Keeping)

    def arguments(self) -> list[str]:
        """As the worker's command line."""
        flags = [f"--{name}" for name in ("quiet", "debug") if getattr(self, name)]
        overrides = [f"--set={override}" for override in self.overrides]
        options = [f"--petsc={option}" for option in self.petsc]
        keeping = self.keeping.arguments()
        return [*flags, *keeping, *overrides, *options, f"--ranks={self.ranks}", "--", self.case, self.out]

# SPDX-License-Identifier: MIT
"""A sweep file to its cases: every combination of axes and draws, each named by its content."""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cases.case import Case
from cases.errors import CaseError, Key, Problem
from cases.reading.kinds import require_kind
from cases.reading.load import load_case
from cases.reading.read import read_source
from cases.reading.validate import validated
from cases.schema.sweep import SweepFile
from cases.sweeps.axes import Row, axis_rows
from cases.sweeps.draws import Prior, drawn_rows

LARGEST_SWEEP: Final = 1_000_000
"""Cases; more than that is a mistake in an axis."""


@dataclass(frozen=True)
class Planned:
    """One case of a sweep.

    Attributes:
        index: in the order of axes and draws.
        row: what it changes in the base case.
    """

    index: int
    row: Row

    @property
    def overrides(self) -> tuple[str, ...]:
        """As for ``--set``."""
        return tuple(setting.override for setting in self.row)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A sweep, checked.

    Attributes:
        file: the sweep file.
        table: its content.
        base: case file of the base case.
        planned: all cases.
        priors: what draws come from.
        axes: keys of each axis; empty where there is none.
    """

    file: Path
    table: SweepFile
    base: Path
    planned: tuple[Planned, ...]
    priors: tuple[Prior, ...] = ()
    axes: tuple[tuple[str, ...], ...] = field(default=())

    def identity(self, case: Planned) -> str:
        """Name of a case by its content: base case and all changes, not its place in the sweep."""
        return identity(self.base, self.table.set, case.overrides)

    def overrides(self, case: Planned) -> tuple[str, ...]:
        """All changes to the base case, those of the sweep first."""
        return (*self.table.set, *case.overrides)

    def load(self, case: Planned) -> Case:
        """The case, checked.

        Raises:
            CaseError: it is not valid.
        """
        return load_case(self.base, self.overrides(case))


def identity(base: Path, common: Sequence[str], own: Sequence[str]) -> str:
    """Hash of a base case's text and the changes to it, 16 hexadecimal digits."""
    digest = hashlib.sha256(base.read_bytes())
    for override in (*common, *own):
        digest.update(b"\0" + override.encode())
    return digest.hexdigest()[:16]


def load_sweep(path: str | Path) -> Sweep:
    """Read and check a sweep file, its axes and the first of its cases.

    Raises:
        CaseError: with every problem found.
    """
    source = read_source(str(path))
    require_kind(source, "sweep")
    table = validated(source, SweepFile)
    folder = Path(path).parent
    problems: list[Problem] = []
    axes = []
    for number, axis in enumerate(table.axis):
        axes.append(_attempt(problems, ("axis", number), lambda axis=axis: axis_rows(axis, folder), []))
    draws: tuple[list[Row], list[Prior]] = ([()], [])
    if table.sample is not None:
        draws = _attempt(problems, ("sample",), lambda: drawn_rows(table.sample), draws)
    base = folder / table.case
    if not base.is_file():
        problems.append(Problem(key=("case",), message=f"{base} is not there; expected a case file"))
    planned = [] if problems else _combined([*axes, draws[0]], problems)
    if problems:
        raise CaseError([source.place(problem) for problem in problems])
    sweep = Sweep(
        file=Path(path),
        table=table,
        base=base,
        planned=tuple(planned),
        priors=tuple(draws[1]),
        axes=tuple(tuple(setting.key for setting in rows[0]) for rows in axes),
    )
    sweep.load(sweep.planned[0])
    return sweep


def _attempt(problems: list[Problem], key: Key, make: Any, otherwise: Any) -> Any:
    """What ``make`` returns; where it fails, its problem is noted and ``otherwise`` returned."""
    try:
        return make()
    except OSError as error:
        problems.append(Problem(key=key, message=f"{error.filename} cannot be read: {error.strerror}"))
    except ValueError as error:
        problems.append(Problem(key=key, message=str(error)))
    return otherwise


def _combined(axes: list[list[Row]], problems: list[Problem]) -> list[Planned]:
    """All combinations, the last axis fastest."""
    total = 1
    for rows in axes:
        total *= len(rows)
    keys = [setting.key for rows in axes if rows for setting in rows[0]]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        problems.append(Problem(message=f"{twice[0]} varies along two axes"))
    elif total == 0:
        problems.append(Problem(message="an axis has no values"))
    elif total > LARGEST_SWEEP:
        problems.append(Problem(message=f"{total:,} cases; expected at most {LARGEST_SWEEP:,}"))
    if problems:
        return []
    chained = (tuple(itertools.chain(*rows)) for rows in itertools.product(*axes))
    return [Planned(index, row) for index, row in enumerate(chained)]

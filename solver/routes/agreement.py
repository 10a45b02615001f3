# SPDX-License-Identifier: MIT
"""Body and tissue within a step: tissue takes X of the blood that is left once it has taken X.

What arrives falls with X nearly in proportion, and so does what tissue takes of it, f(X). Where a circuit is
small beside its tissue f falls steeply, and putting f(X) for X again and again runs away; the root of
f(X) - X is then found between two tries on either side of it.
"""

from dataclasses import dataclass
from typing import Final

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray

from solver.routes.pharmacokinetics import ORGAN, STORE, STORES, TUMOUR, BodyError, Walk

Floats = NDArray[np.float64]

AGREED: Final = 1e-4
"""Change of what arrives, over what arrives in the step, below which body and tissue agree."""

FAINT: Final = 1e-6
"""Of the most that has arrived: what arrives and is less is judged as if it were so much."""

MOST: Final = 20
"""Tries of a step until they do."""

SPENT: Final = 1e-3
"""Of the schedule's drug that a store may owe after a step that is not halved."""

OWED: Final = 1e-2
"""Of it that a store may owe at all. Shorter steps do not help where tissue fills, in the first minute of an
infusion, from more than a high first pass leaves of it: 2e-7 of the dose in 14 days of FUDR, 3e-5 in 2 h."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Where a step of the body leads, and what it brings to tissue.

    Attributes:
        end: amounts [kg] and exposures [kg s/m3] at the end of the step.
        arriving: mean at tumour and organ [kg/m3], shape ``(2,)``.
        released: by beads in tissue [kg].
    """

    end: Floats
    arriving: Floats
    released: float

    @property
    def owed(self) -> float:
        """Most that a store is below nothing [kg]."""
        return float(abs(self.end[: len(STORES)].min(initial=0.0)))


def offered(walk: Walk, taken: float, beads: bool, comm: MPI.Comm) -> Offer:
    """What the next step brings if tissue takes so much, the same on every rank. Collective.

    Args:
        walk: of the body; that of rank 0 counts.
        taken: by tissue from its blood, net [kg/s].
        beads: whether there are any.
        comm: ranks that share the tissue.

    Raises:
        BodyError: the body cannot be followed; on every rank.
    """
    found: Offer | BodyError | None = None
    if comm.rank == 0:
        try:
            found = _offer(walk, taken, beads)
        except BodyError as error:
            found = error
    found = comm.bcast(found)
    if isinstance(found, BodyError):
        raise found
    assert found is not None, "rank 0 has found something"
    return found


def _offer(walk: Walk, taken: float, beads: bool) -> Offer:
    end, store = walk.tried(taken), STORE["tissue"]
    released = max(float(end[store] - walk.state[store]) - taken * walk.length, 0.0) if beads else 0.0
    arriving = np.maximum(walk.means(end)[[TUMOUR, ORGAN]], 0.0)
    return Offer(end=end, arriving=arriving, released=released)


def disagreement(tried: Offer, after: Offer, least: float) -> float:
    """Change of what arrives by what tissue takes, over what arrives.

    Args:
        tried: what tissue was given.
        after: what it would be given after what it took of that.
        least: that which arrives counts as at least [kg/m3].
    """
    scale = max(float(tried.arriving.max()), float(after.arriving.max()), least)
    return float(np.abs(after.arriving - tried.arriving).max() / scale) if scale > 0.0 else 0.0


class Balance:
    """Root of f(X) - X by tries: f(X) itself at first, then between tries on either side (Illinois)."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._other: tuple[float, float] | None = None

    def better(self, guess: float, taken: float) -> float:
        """The next X to try.

        Args:
            guess: X that was tried [kg/s].
            taken: f(X) [kg/s].
        """
        surplus = taken - guess
        if self._last is not None:
            if surplus * self._last[1] < 0.0:
                self._other = self._last
            elif self._other is not None:
                # the same end twice: the other one pulls less, so that both close in
                self._other = self._other[0], 0.5 * self._other[1]
        self._last = guess, surplus
        if self._other is None or surplus == 0.0:
            return taken
        return guess - surplus * (guess - self._other[0]) / (surplus - self._other[1])

# SPDX-License-Identifier: MIT
"""Where a step went wrong, and what a person can try."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from meshes.regions import REGION_NAMES
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]

ADVICE: Final = {
    "interstitial_fluid_pressure": "try a smaller numerics.first_step or numerics.flow_tolerance, a larger "
    "numerics.newton_limit, or a wider fissuring_width or closure_width of that tissue",
    "dilatation": "withdraw less, or more slowly: no tissue gives more fluid than it holds",
    "agent_concentration": "try a smaller numerics.first_step or numerics.step_tolerance, or another mesh by "
    "numerics.cells_per_front",
}
"""By the field in which it happened."""


@dataclass(frozen=True, kw_only=True)
class Amiss:
    """What was wrong at the nodes of this rank when a step failed.

    Attributes:
        field: key of the field that was solved for.
        measure: what the values are, with their unit.
        values: at the nodes, shape ``(n,)``; the largest magnitude is where it went wrong.
    """

    field: str
    measure: str
    values: Floats


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """The place where a step failed.

    Attributes:
        field: key of the field that was solved for.
        measure: what ``value`` is, with its unit.
        value: there; None if it is no number.
        position: [m].
        region: name of the tissue.
    """

    field: str
    measure: str
    value: float | None
    position: tuple[float, ...]
    region: str

    def __str__(self) -> str:
        """One sentence: where, what, and what to try."""
        place = ", ".join(f"{1e3 * x:.2f}" for x in self.position)
        value = "no number" if self.value is None else f"{self.value:.3g}"
        advice = ADVICE.get(self.field)
        where = f"{self.field}: {self.measure} is worst at ({place}) mm in the {self.region}: {value}"
        return f"{where}; {advice}" if advice else where


def imbalance(residual: Floats) -> Amiss:
    """What the nodal balance of fluid lacks [m3/s], kept of arrays that will be written again."""
    return Amiss(
        field="interstitial_fluid_pressure",
        measure="what the balance of fluid lacks [m3/s]",
        values=residual.copy(),
    )


def locate(data: Discretisation, amiss: Amiss) -> Trouble:
    """Find the node where most is wrong. Collective."""
    size = np.abs(amiss.values[: data.halo.owned])
    size = np.where(np.isfinite(size), size, np.inf)
    node = int(np.argmax(size)) if size.size else -1
    own = (float(size[node]), *_place(data, amiss, node)) if node >= 0 else (-1.0, None, (), "")
    # the first of those with the largest, so that all ranks say the same
    _, value, position, region = max(data.halo.comm.allgather(own), key=lambda found: found[0])
    return Trouble(field=amiss.field, measure=amiss.measure, value=value, position=position, region=region)


def _place(data: Discretisation, amiss: Amiss, node: int) -> tuple[float | None, tuple[float, ...], str]:
    value = float(amiss.values[node])
    pairs = np.flatnonzero(data.pairs.node == node)
    region = data.pairs.region[pairs[np.argmax(data.pairs.volume[pairs])]] if pairs.size else -1
    position = tuple(float(x) for x in data.mesh.points[node])
    return value if np.isfinite(value) else None, position, REGION_NAMES.get(int(region), "lines")

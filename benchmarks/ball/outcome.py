# SPDX-License-Identifier: MIT
"""What every program leaves behind after a run of BALL: two fields on its nodes and a few facts."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One run, nodes in the order of the program.

    Attributes:
        points: nodes [m], shape ``(n, 3)``.
        concentration: C when the injection ends.
        ct: integral of C over the whole time [s].
        facts: ``min_c``, ``max_c`` over all steps, ``mass``, ``reacted``, ``vessels`` and ``balance`` as
            shares of the injected agent, ``steps``, ``stages`` with wall times [s].
    """

    points: Floats
    concentration: Floats
    ct: Floats
    facts: dict[str, Any]


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Leave an outcome in an existing folder."""
    np.savez(folder / "fields.npz", points=outcome.points, c=outcome.concentration, ct=outcome.ct)
    (folder / "facts.json").write_text(json.dumps(outcome.facts), encoding="utf-8")


def read_outcome(folder: Path) -> Outcome:
    """Read what a program left."""
    with np.load(folder / "fields.npz") as fields:
        points, concentration, ct = fields["points"], fields["c"], fields["ct"]
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    return Outcome(points=points, concentration=concentration, ct=ct, facts=facts)

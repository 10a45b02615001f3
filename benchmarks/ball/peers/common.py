# SPDX-License-Identifier: MIT
"""What the Python peers share beside the physics: command line, phases, and what is noted of each step."""

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ball.definition import BALLS, END, INFLOW, INJECTED, INJECTION_END, STEP, Ball
from benchmarks.ball.outcome import Outcome, write_outcome

Floats = NDArray[np.float64]

STARTED = perf_counter()


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Injection, or what follows it.

    Attributes:
        inflow: over the wall of the cavity [m3/s].
        steps: equal steps in it.
    """

    inflow: float
    steps: int


def phases(step: float) -> tuple[Phase, Phase]:
    """The two phases at a constant step [s]."""
    return (
        Phase(inflow=INFLOW, steps=round(INJECTION_END / step)),
        Phase(inflow=0.0, steps=round((END - INJECTION_END) / step)),
    )


def arguments(description: str) -> argparse.Namespace:
    """Read the command line: ``mesh`` (file), ``case``, ``step`` [s], ``out`` (folder)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--mesh", type=Path, required=True)
    parser.add_argument("--case", default="BALL", choices=list(BALLS))
    parser.add_argument("--step", type=float, default=STEP, help="[s]")
    parser.add_argument("--out", type=Path, required=True, help="existing folder for fields and facts")
    parser.add_argument(
        "--pressure-order", type=int, default=1, help="of the pressure's polynomials (NGSolve)"
    )
    return parser.parse_args()


def ball_of(options: argparse.Namespace) -> Ball:
    """The case that the command line names."""
    return BALLS[options.case]


@dataclass
class Notes:
    """What is noted while a program runs; amounts as shares of the injected agent.

    ``mass_form`` and the like are vectors whose product with nodal values is an integral over the domain.
    """

    step: float
    nodes: int
    stages: dict[str, float] = field(default_factory=dict)
    iterations: int = 0
    lowest: float = 0.0
    highest: float = 0.0
    mass: float = 0.0
    vessels: float = 0.0
    steps: int = 0

    def __post_init__(self) -> None:
        self.ct = np.zeros(self.nodes)
        self._phase_ct = np.zeros(self.nodes)
        self._clock = STARTED

    def stage(self, name: str) -> None:
        """Book the time since the last call under a name."""
        now = perf_counter()
        self.stages[name] = self.stages.get(name, 0.0) + now - self._clock
        self._clock = now

    def add(self, values: Floats) -> None:
        """Note the nodal values at the end of a step of backward Euler."""
        self._phase_ct += self.step * values
        self.lowest = min(self.lowest, float(values.min()))
        self.highest = max(self.highest, float(values.max()))
        self.steps += 1

    def end_phase(self, sink_form: Floats) -> None:
        """Note what vessels took since the phase began."""
        self.vessels += float(sink_form @ self._phase_ct) / INJECTED
        self.ct += self._phase_ct
        self._phase_ct[:] = 0.0

    def write(
        self, folder: Path, fields: tuple[Floats, Floats, Floats], forms: tuple[Floats, Floats]
    ) -> None:
        """Leave the outcome.

        Args:
            folder: where to.
            fields: nodes [m], C when the injection ended, C at the end.
            forms: of the agent in place and of the reaction rate.
        """
        points, front, last = fields
        mass, reaction = forms
        reacted = float(reaction @ self.ct) / INJECTED
        remaining = float(mass @ last) / INJECTED
        facts: dict[str, Any] = {
            "min_c": self.lowest,
            "max_c": self.highest,
            "mass": float(mass @ front) / INJECTED,
            "reacted": reacted,
            "vessels": self.vessels,
            "balance": abs(1 - reacted - remaining - self.vessels),
            "steps": self.steps,
            "krylov_per_step": self.iterations / self.steps,
            "stages": self.stages,
        }
        write_outcome(folder, Outcome(points=points, concentration=front, ct=self.ct, facts=facts))

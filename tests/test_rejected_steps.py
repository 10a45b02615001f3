# SPDX-License-Identifier: MIT
"""A step that is refused after the agent was carried through it leaves no trace in what follows."""

from dataclasses import replace

import numpy as np
import pytest

from solver import simulate
from solver.carry import AgentError, Carried, carry
from solver.flow.state import FlowStep
from solver.machine import Machine
from solver.memory import pack
from solver.parameters.model import Model, Physics
from solver.simulate import TimeLoop
from solver.snapshot import Snapshot
from solver.tissue.discretisation import Discretisation
from solver.trouble import Amiss
from tests.coarse import discretised, full_model, pulse

REFUSED = 6
"""Index of the state from which a step is refused: the source is on."""
CHECKPOINT = REFUSED + 2


def moving(flow: str) -> Model:
    """All effects, a cavity that opens, and tissue that is displaced where the flow says so."""
    (one,) = (pulse(0.0, 10.0),)
    return full_model((replace(one, cavity_radius=0.5e-3),), physics=Physics(flow=flow))


class Refusing:
    """Carries the agent as ``carry`` does, but refuses a step once: before it, or when all have seen it."""

    def __init__(self, late: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        self.late, self.refused, self._patch = late, False, monkeypatch

    def __call__(self, machine: Machine, snapshot: Snapshot, flow: FlowStep, step: float) -> Carried:
        if snapshot.index != REFUSED or self.refused:
            return carry(machine, snapshot, flow, step)
        self.refused = True
        if not self.late:
            refuse()
        far = None if flow.displacement is None else 10 * flow.displacement
        full = None if flow.filling is None else 1e4 * np.abs(flow.filling)
        with self._patch.context() as patch:
            patch.setattr("solver.carry._require_numbers", refuse)
            return carry(machine, snapshot, replace(flow, displacement=far, filling=full), step)


def refuse(*_: object) -> None:
    raise AgentError("refused", Amiss(field="agent_concentration", measure="", values=np.ones(1)))


def marched(
    model: Model, data: Discretisation, late: bool, monkeypatch: pytest.MonkeyPatch
) -> tuple[TimeLoop, list[Snapshot], list[Snapshot]]:
    """A loop at its end, its accepted states, and those of one that went on from its checkpoint."""
    refusing = Refusing(late, monkeypatch)
    monkeypatch.setattr(simulate, "carry", refusing)
    loop, states, again = TimeLoop(data, model), [], []
    while not loop.done:
        states.append(loop.advance())
        if loop.snapshot.index == CHECKPOINT:
            arrays: dict[str, np.ndarray] = {}
            tree = pack(loop.memory(), arrays)
            kept = {name: values.copy() for name, values in arrays.items()}
    assert refusing.refused and loop.snapshot.rejected >= 1
    other = TimeLoop(data, model)
    other.recall(tree, kept)
    while not other.done:
        again.append(other.advance())
    return loop, states, again


def state_of(loop: TimeLoop) -> tuple[object, dict[str, np.ndarray]]:
    arrays: dict[str, np.ndarray] = {}
    return pack(loop.memory(), arrays), arrays


@pytest.mark.parametrize("flow", ["biot", "storage"])
def test_a_refused_step_leaves_no_trace(flow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = moving(flow)
    data = discretised("radial", model)
    loops = [marched(model, data, late, monkeypatch) for late in (False, True)]
    (tree, arrays), (late_tree, late_arrays) = (state_of(loop) for loop, _, _ in loops)
    assert late_tree == tree and late_arrays.keys() == arrays.keys()
    for name, values in arrays.items():
        assert np.array_equal(values, late_arrays[name], equal_nan=True), name
    reports = [sections(loop) for loop, _, _ in loops]
    assert reports[0] == reports[1]


def test_extremes_are_those_of_accepted_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a run that goes on from a checkpoint after the refused step tells the same."""
    model = moving("biot")
    data = discretised("radial", model)
    loop, states, again = marched(model, data, True, monkeypatch)
    said = sections(loop)
    moved = [state.flow_step.displacement for state in states]
    largest = max(data.halo.max(np.linalg.norm(one, axis=1)) for one in moved if one is not None)
    assert said["solid"]["largest_displacement_m"] == largest
    (book,) = (process for process in loop.machine.processes if hasattr(process, "_coupling"))
    assert len(book._coupling) == len(states)
    (opening,) = loop.machine.cavities._store.openings
    held = [data.halo.sum(state.condition[f"cavity_fluid_{opening.site}"]) for state in states]
    stretch = np.cbrt(1 + max(held) / opening.volume)
    assert said["cavity"]["largest_stretch"] == pytest.approx(stretch, rel=1e-12)
    assert said["cavity"]["largest_stretch"] > 1.01
    assert len(again) == len(states) - CHECKPOINT
    assert again[-1].ledger.rows() == states[-1].ledger.rows()
    found = {k: v for process in again[-1].processes for k, v in process.report(again[-1].condition).items()}
    assert found == said


def sections(loop: TimeLoop) -> dict[str, dict[str, float]]:
    """What processes tell at the end."""
    out: dict[str, dict[str, float]] = {}
    for process in loop.machine.processes:
        out |= process.report(loop.snapshot.condition)
    return out

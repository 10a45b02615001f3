# SPDX-License-Identifier: MIT
"""When steps end and how long they are: events, the ladder, cuts, substeps, and the end of all cuts."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from solver.flow.history import error_weights
from solver.parameters.model import Injection, Numerics, Schedule
from solver.simulate import SolverFailure, simulate
from solver.snapshot import Snapshot
from solver.stepping import HARD, StepControl, Substeps, event_times, source_changes
from tests.coarse import INLET, ML_PER_MIN, discretised, full_model, pulse

ROOT = math.sqrt(2.0)


def control(
    numerics: Numerics | None = None, end: float = 1e4, changes: tuple[float, ...] = ()
) -> StepControl:
    return StepControl(
        numerics=numerics or Numerics(), events=tuple(sorted({*changes, end})), changes=frozenset(changes)
    )


def rung(length: float) -> float:
    """Position on the ladder first_step x sqrt(2)^n."""
    return 2.0 * math.log2(length / Numerics().first_step)


def run(
    pulses: tuple[Injection, ...],
    end: float,
    outputs: tuple[float, ...] = (),
    numerics: Numerics | None = None,
) -> list[Snapshot]:
    return list(march(pulses, end, numerics or Numerics(), outputs))


def march(
    pulses: tuple[Injection, ...], end: float, numerics: Numerics, outputs: tuple[float, ...] = ()
) -> Iterator[Snapshot]:
    model = full_model(pulses, numerics=numerics, schedule=Schedule(end=end, outputs=outputs))
    return simulate(discretised("radial", model), model)


def test_events_are_pulses_outputs_and_the_end() -> None:
    pulses = (pulse(0.0, 10.0), pulse(20.0, 5.0))
    assert event_times(pulses, Schedule(end=40.0, outputs=(3.0, 20.0, 39.0))) == (
        3.0,
        10.0,
        20.0,
        25.0,
        39.0,
        40.0,
    )
    assert source_changes(pulses) == {0.0, 10.0, 20.0, 25.0}


def test_events_after_the_end_are_left_out() -> None:
    assert event_times((pulse(5.0, 100.0),), Schedule(end=40.0, outputs=(50.0,))) == (5.0, 40.0)


def test_events_apart_by_round_off_are_one() -> None:
    """1 mL at 1 mL/min ends at 59.99999999999999 s; an output at 60 s must not ask for a step of 1e-14 s."""
    odd = pulse(0.0, 60.0)
    nearly = replace(odd, volume=math.nextafter(odd.volume, 0.0))
    assert nearly.end != 60.0
    assert event_times((nearly,), Schedule(end=100.0, outputs=(60.0,))) == (nearly.end, 100.0)


def test_a_run_lands_on_every_event() -> None:
    """To the last bit, although the first output is no multiple of anything."""
    pulses = (pulse(0.0, 10.0), pulse(10.0 + 1.0 / 3.0, 5.0))
    outputs = (0.1234567, 7.0, 12.0)
    found = [step.time for step in run(pulses, 30.0, outputs)]
    assert {*event_times(pulses, Schedule(end=30.0, outputs=outputs))} <= {*found}
    assert found[-1] == 30.0
    assert all(late > early for early, late in pairwise(found))


@pytest.mark.parametrize("shift", [-1, 1])
def test_pulses_apart_by_round_off_inject_their_volume(shift: int) -> None:
    """One pulse after another, or two that end together, up to the last bit of the time of either."""
    toward = shift * math.inf
    first = pulse(0.0, 10.0)
    after = replace(pulse(10.0, 5.0), start=math.nextafter(10.0, toward))
    beside = replace(first, volume=math.nextafter(first.volume, toward))
    for pulses in ((first, after), (first, beside), (beside, first)):
        books = run(pulses, 20.0)[-1].ledger
        volume = sum(each.volume for each in pulses)
        assert books.totals["fluid_injected"] == pytest.approx(volume, rel=1e-9)
        assert books.totals["agent_injected"] == pytest.approx(volume * INLET, rel=1e-9)


@pytest.mark.parametrize(("error", "rungs"), [(0.02, 2), (1e-6, 4)], ids=["small", "nothing happens"])
def test_lengths_are_on_the_ladder(error: float, rungs: int) -> None:
    """Small errors double a step, negligible ones quadruple it, up to the largest."""
    longest = replace(Numerics(), largest_step=100.0)
    steps, time, lengths = control(longest), 0.0, []
    for _ in range(30):
        length, ends = steps.propose(time)
        lengths.append(length)
        steps.accept(ends, error, length)
        time = ends
    assert lengths[0] == Numerics().first_step
    assert lengths[-1] == longest.largest_step
    below = [rung(length) for length in lengths if length < longest.largest_step]
    np.testing.assert_allclose(below, rungs * np.arange(len(below)), atol=1e-9)


def test_hard_steps_do_not_grow() -> None:
    """Many Newton iterations mean that a front passes many cells."""
    steps = control()
    steps.accept(1.0, 1e-6, 0.4, effort=HARD + 1)
    assert steps.propose(1.0)[0] == pytest.approx(0.4)


def test_the_error_of_a_step() -> None:
    """Exact for the polynomial of the least degree that has one: backward Euler's, then that of BDF2."""
    times = (0.0, 0.3, 0.5, 1.2)
    steps = tuple(np.diff(times)[::-1])
    square, cube = np.diff(np.square(times))[::-1], np.diff(np.power(times, 3.0))[::-1]
    assert np.dot(error_weights(steps[:2]), square[:2]) == pytest.approx(steps[0] ** 2)
    assert np.dot(error_weights(steps), square) == pytest.approx(0.0, abs=1e-12)
    w, theta = steps[0] / steps[1], (1 + steps[0] / steps[1]) / (1 + 2 * steps[0] / steps[1])
    # One step of BDF2 with the exact past and the exact derivative at its end.
    end, start, before = times[-1] ** 3, times[-2] ** 3, times[-3] ** 3
    found = ((1 + w) ** 2 * start - w**2 * before) / (1 + 2 * w) + theta * steps[0] * 3 * times[-1] ** 2
    assert np.dot(error_weights(steps), cube) == pytest.approx(abs(found - end))


def test_a_fortnight_of_daily_injections() -> None:
    """Steps of seconds while fluid flows, of hours while nothing happens, and every event is met."""
    day, volume = 86400.0, 2e-7
    pulses = tuple(
        Injection(site=0, start=number * day, volume=volume, rate=volume / 10.0, concentration=INLET)
        for number in range(14)
    )
    steps = run(pulses, 14 * day)
    assert len(steps) - 1 <= 600
    assert max(step.step for step in steps) > 3600.0
    assert {*event_times(pulses, Schedule(end=14 * day))} <= {step.time for step in steps}
    books = steps[-1].ledger
    assert books.agent_residual() < 1e-12
    assert books.fluid_residual() < 1e-9
    rows = books.rows()
    assert rows["agent_injected"] == pytest.approx(14 * volume * INLET, rel=1e-9)
    gone = (
        rows["agent_reacted_tumour"]
        + rows["agent_reacted_tissue"]
        + rows["agent_blood"]
        + rows["agent_lymph"]
    )
    assert gone == pytest.approx(rows["agent_injected"], rel=1e-6)
    assert abs(rows["fluid_stored"]) < 1e-3 * rows["fluid_injected"]


def test_round_off_in_the_error_changes_nothing() -> None:
    """Two runs on different ranks take the same steps."""
    for error in np.geomspace(1e-3, 4.0, 40):
        proposals = []
        for noise in (1.0, 1.0 + 1e-13):
            steps = control()
            steps.accept(1.0, float(error * noise), 0.4)
            proposals.append(steps.propose(1.0))
        assert proposals[0] == proposals[1]


def test_large_errors_shorten() -> None:
    steps = control()
    for time in range(1, 8):
        steps.accept(float(time), 1e-6, 0.4)
    assert steps.propose(7.0)[0] > 0.4
    steps.accept(8.0, 4.0, 0.4)
    assert 0.1 < steps.propose(8.0)[0] < 0.2


def test_a_change_of_the_source_restarts() -> None:
    steps = control(changes=(100.0,))
    steps.accept(50.0, 1e-6, 2.0)
    assert steps.propose(50.0)[0] > Numerics().first_step
    steps.accept(100.0, 1e-6, 2.0)
    assert steps.propose(100.0) == (Numerics().first_step, 100.0 + Numerics().first_step)


def test_no_sliver_before_an_event() -> None:
    """What is left is one step or two equal ones, never a full one and a crumb."""
    steps = control(Numerics(fixed_step=1.0), end=1.25)
    first, ends = steps.propose(0.0)
    assert first == ends == 0.625
    assert steps.propose(ends) == (0.625, 1.25)
    assert control(Numerics(fixed_step=1.0), end=1.0 + 1e-12).propose(0.0) == (1.0 + 1e-12, 1.0 + 1e-12)


def test_fixed_steps_are_fixed() -> None:
    lengths = [step.step for step in run((pulse(0.0, 10.0),), 20.0, numerics=Numerics(fixed_step=0.5))[1:]]
    np.testing.assert_allclose(lengths, 0.5, rtol=1e-12)


def test_fixed_steps_between_pulses_may_be_others() -> None:
    numerics = Numerics(fixed_step=2.0, fixed_step_between=5.0)
    steps = run((pulse(0.0, 10.0), pulse(30.0, 4.0)), 49.0, numerics=numerics)[1:]
    np.testing.assert_allclose([step.step for step in steps], [2.0] * 5 + [5.0] * 4 + [2.0] * 2 + [5.0] * 3)
    steps = run((pulse(0.0, 10.0),), 20.0, numerics=Numerics(fixed_step_between=5.0))[1:]
    assert steps[0].step == Numerics().first_step


def test_a_cut_shortens_even_a_fixed_step() -> None:
    for numerics in (Numerics(), Numerics(fixed_step=1.0)):
        steps = control(numerics)
        length = steps.propose(0.0)[0]
        steps.cut(length)
        assert steps.propose(0.0)[0] == pytest.approx(0.25 * length)
        assert steps.rejected == 1
        assert not steps.exhausted
        for _ in range(20):
            steps.cut(steps.propose(0.0)[0])
        assert steps.exhausted


def test_a_step_cut_before_an_event_is_cut() -> None:
    """The step to an event may be shorter than the ladder's: the cut counts from the step taken."""
    steps = control(end=1e-3)
    length = steps.propose(0.0)[0]
    assert length == 1e-3
    steps.cut(length)
    assert steps.propose(0.0)[0] <= 0.25 * length * (1.0 + 1e-9)


def test_substeps_of_the_agent() -> None:
    """As many parts as the agent's own length asks for."""
    pace = Substeps(numerics=Numerics(first_step=0.05))
    assert pace.count(0.05) == 1
    assert pace.count(0.16) == 4
    pace.learn(1e-9, 0.05)
    assert pace.count(0.05 * ROOT) == 1
    pace.learn(1e9, 0.05 * ROOT)
    assert pace.count(0.05 * ROOT) == 2
    pace.restart()
    assert pace.count(0.05) == 1
    assert Substeps(numerics=Numerics(fixed_step=2.0)).count(2.0) == 1


def test_a_run_takes_substeps() -> None:
    steps = run((pulse(0.0, 10.0),), 20.0)
    assert max(step.substeps for step in steps) > 1


def test_failure_says_when_and_why() -> None:
    """Iterations that do for rest but not for an injection: every cut fails, and the run stops there."""
    late = pulse(5.0, 10.0, 10.0 * ML_PER_MIN)
    numerics = Numerics(newton_limit=4, smallest_step=1e-2)
    seen = []
    with pytest.raises(SolverFailure, match=r"t = 5 s: no step down to .* succeeded; Newton left") as failure:
        for snapshot in march((late,), 20.0, numerics):
            seen.append(snapshot.time)
    assert seen[-1] == 5.0
    assert "after 4 iterations" in str(failure.value)


def test_without_a_resting_state_there_is_no_run() -> None:
    """The same error as later on, so that the command can report it."""
    with pytest.raises(SolverFailure, match="Newton left"):
        list(march((pulse(0.0, 10.0),), 20.0, Numerics(newton_limit=1, newton_tolerance=1e-14)))


def test_a_failed_step_is_repeated_shorter() -> None:
    """Few iterations allowed: the run gets through by cutting, and says how often."""
    *_, last = run((pulse(0.0, 10.0),), 12.0, numerics=Numerics(first_step=2.0, newton_limit=9))
    assert last.rejected > 0
    assert last.time == 12.0
    assert last.ledger.fluid_residual() < 1e-12

# SPDX-License-Identifier: MIT
"""Rules on times: pulses, end, outputs, steps."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from cases.build.delivery import pulse_end, site_numbers
from cases.build.model import end_time
from cases.errors import Problem
from cases.schema.case import CaseFile

MOST_OUTPUTS: Final = 10_000
ROUNDING: Final = 1e-9
"""Pulses may touch: the end of one is computed, the start of the next is written [s]."""


def pulses_apart(case: CaseFile) -> Iterator[Problem]:
    """Pulses at one site do not overlap in time."""
    pulses = sorted(
        zip(site_numbers(case.injection), case.injection, range(len(case.injection)), strict=True),
        key=lambda pulse: (pulse[0], pulse[1].start),
    )
    for (site, first, i), (other, second, j) in pairwise(pulses):
        if site == other and second.start < pulse_end(first) - ROUNDING:
            yield Problem(
                key=("injection", j, "start"),
                message=f"starts at {second.start:g} s, before injection[{i}] at the same tip ends at "
                f"{pulse_end(first):g} s",
                hint="start later, or join the two pulses",
            )


def end_known(case: CaseFile) -> Iterator[Problem]:
    """The end of the run is stated, or follows from the agent's lifetime."""
    if end_time(case) is None:
        yield Problem(
            key=("outputs", "end"),
            message="missing; the agent does not react, so no end follows from its lifetime",
            hint='give one, such as end = "10 min"',
        )


def outputs_inside(case: CaseFile) -> Iterator[Problem]:
    """The run covers all pulses, and outputs lie in the run and are not too many."""
    outputs = case.outputs
    if outputs.times is not None and outputs.every is not None:
        yield Problem(key=("outputs", "every"), message="stands beside `times`; give one of the two")
    end = end_time(case)
    if end is None:
        return
    last = max(map(pulse_end, case.injection))
    if end < last - ROUNDING:
        yield Problem(
            key=("outputs", "end"), message=f"ends at {end:g} s, before the last pulse ends at {last:g} s"
        )
    if outputs.every is not None and end / outputs.every > MOST_OUTPUTS:
        yield Problem(
            key=("outputs", "every"),
            message=f"writes {end / outputs.every:.0f} times; expected at most {MOST_OUTPUTS}",
        )
    for i, time in enumerate(outputs.times or []):
        if time > end:
            yield Problem(
                key=("outputs", "times", i), message=f"{time:g} s lies after the end of the run at {end:g} s"
            )


def steps_ordered(case: CaseFile) -> Iterator[Problem]:
    """Smallest, first and largest step are in that order."""
    numerics = case.numerics
    if numerics.smallest_step > numerics.first_step:
        yield Problem(key=("numerics", "first_step"), message="is smaller than smallest_step")
    if numerics.first_step > numerics.largest_step:
        yield Problem(key=("numerics", "largest_step"), message="is smaller than first_step")
    for name in ("fixed_step", "fixed_step_between"):
        step = getattr(numerics, name)
        if step is not None and step < numerics.smallest_step:
            yield Problem(key=("numerics", name), message="is smaller than smallest_step")
    if numerics.fixed_step is None and numerics.fixed_step_between is not None:
        yield Problem(key=("numerics", "fixed_step_between"), message="needs numerics.fixed_step beside it")

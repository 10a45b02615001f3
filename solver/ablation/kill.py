# SPDX-License-Identifier: MIT
"""What cells have been exposed to, channel by channel: the clocks behind every statement on kill.

Each channel keeps a field that only grows: an integral of C^p, an equivalent time at 43 degC, the longest
time without oxygen. Channels are held against their own thresholds (`kill_zones`) and never added.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from solver.ablation.kill_zones import kill_report, survived, survived_drug
from solver.agent.processes import Acted, Condition, Passage, Stay
from solver.parameters.chemistry import Kill, Where
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]

FREEZING: Final = 273.15
BREAK: Final = 43.0
"""Temperature at which the slope of the Arrhenius plot changes [degC]."""


class KillClocks:
    """The process that counts exposures.

    Attributes:
        flows: none.
        states: none.
    """

    def __init__(self, data: Discretisation, kill: Kill) -> None:
        self._data = data
        self._kill = kill
        inside = data.pairs.to_nodes(data.pairs.inside.astype(np.float64))
        self._inside = data.halo.update(inside) > 0.0
        self._survivals = {
            name: survival
            for name, survival in (("chick_watson", kill.chick_watson), ("hom", kill.hom))
            if survival
        }
        self.flows: tuple[str, ...] = ()
        self.states: tuple[str, ...] = ()

    def start(self) -> Condition:
        """Nothing has been exposed to anything."""
        none = np.zeros_like(self._data.volume)
        fields: dict[str, Floats] = {}
        for name in self._survivals:
            fields |= {f"{name}_exposure": none, f"{name}_survival": np.ones_like(none)}
        if self._kill.heat:
            fields["thermal_dose"] = none
        if self._kill.ischaemia:
            fields |= {"time_without_oxygen": none, "time_without_oxygen_now": none}
        if self._kill.drug:
            fields |= {"drug_exposure": none, "drug_survival": np.ones_like(none)}
        return fields

    def act(self, before: Acted, stay: Stay) -> Acted:
        """Count a step. Collective."""
        old, passage = before.condition, stay.passage
        assert passage is not None, "acts after transport"
        new: dict[str, Floats] = {}
        for name, survival in self._survivals.items():
            power = survival.exponent / survival.time_exponent
            seen = old[f"{name}_exposure"] + stay.step * mean_power(before, passage, power)
            middle = survival.times[len(survival.times) // 2]
            new |= {f"{name}_exposure": seen, f"{name}_survival": survived(survival, middle, seen)}
        if self._kill.heat:
            new["thermal_dose"] = old["thermal_dose"] + self._heating(stay)
        if self._kill.ischaemia:
            new |= self._without_oxygen(old, stay)
        if self._kill.drug:
            drug = self._kill.drug
            outside = old["drug_exposure"] + stay.step * np.maximum(before.mean, 0.0)
            seen = old["cell_dose"] if drug.phase == "cells" else outside
            half = drug.half_effect[len(drug.half_effect) // 2]
            new |= {"drug_exposure": seen, "drug_survival": survived_drug(drug, half, seen)}
        return Acted(agent=before.agent, mean=before.mean, condition={**old, **new})

    def report(self, condition: Condition) -> Mapping[str, Any]:
        """Volumes by channel and what they share. Collective."""
        return {"kill": kill_report(self._data, self._kill, condition)}

    def _where(self, where: Where) -> Floats:
        return np.ones_like(self._data.volume) if where == "everywhere" else self._inside.astype(float)

    def _heating(self, stay: Stay) -> Floats:
        """Equivalent time at 43 degC that a step adds [s]."""
        heat = self._kill.heat
        assert heat is not None, "called with heat on"
        lasts = overlap(stay, heat.start, heat.duration)
        return equivalent_time(heat.temperature, lasts) * self._where(heat.where)

    def _without_oxygen(self, old: Condition, stay: Stay) -> dict[str, Floats]:
        """The present stretch without oxygen and the longest so far [s]."""
        what, data = self._kill.ischaemia, self._data
        assert what is not None, "called with ischaemia on"
        opened = data.pairs.to_nodes(data.pairs.volume * stay.flow.open_fraction) / data.volume
        closed = data.halo.update(opened) < what.open_fraction
        lasts = overlap(stay, what.start, what.duration)
        prescribed = self._where(what.where) * lasts
        now = old["time_without_oxygen_now"] + np.where(closed, stay.step, prescribed)
        longest = np.maximum(old["time_without_oxygen"], now)
        goes_on = lasts > 0.0 and what.start + what.duration >= stay.start + stay.step
        kept = closed | (goes_on & (prescribed > 0.0))
        return {"time_without_oxygen": longest, "time_without_oxygen_now": np.where(kept, now, 0.0)}


def mean_power(acted: Acted, passage: Passage, power: float) -> Floats:
    """Mean of C^p over a step, from the mean of C and from C at both ends; shape ``(n,)``.

    The mean of C times (C0^p - C1^p)/(p (C0 - C1)): exact where C decays exponentially, and where p = 1; held
    to its side of (mean C)^p, because C may have come and reacted within the step (Jensen's inequality).

    Args:
        acted: state and mean C of the step.
        passage: of the agent through it.
        power: p.
    """
    if power == 1.0:
        return np.maximum(acted.mean, 0.0)
    first, last = np.maximum(passage.start.concentration, 0.0), np.maximum(acted.agent.concentration, 0.0)
    mean = np.maximum(acted.mean, 0.0)
    apart = np.abs(first - last) > 1e-6 * np.maximum(first, last)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (first**power - last**power) / (power * (first - last))
        level = (0.5 * (first + last)) ** (power - 1.0)
        value = mean * np.where(apart, slope, level)
    even = mean**power
    bounded = np.fmin(value, even) if power < 1.0 else np.fmax(value, even)
    # where C is 0 at both ends the step's mean is all that is known
    return np.where(np.maximum(first, last) > 0.0, bounded, even)


def equivalent_time(temperature: float, time: float) -> float:
    """Time at 43 degC that does as much as a time at a temperature (Sapareto and Dewey, 1984) [s].

    Args:
        temperature: [K].
        time: [s].
    """
    celsius = temperature - FREEZING
    return float(time * (0.5 if celsius >= BREAK else 0.25) ** (BREAK - celsius))


def overlap(stay: Stay, start: float, duration: float) -> float:
    """How much of a step lies between a start and its end [s]."""
    return max(min(stay.start + stay.step, start + duration) - max(stay.start, start), 0.0)

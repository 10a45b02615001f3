# SPDX-License-Identifier: MIT
"""What the pulses of a model bring into tissue and take out of it, and what has come of each so far."""

from dataclasses import dataclass, replace
from math import exp, expm1
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from solver.flow.injection import Inlet, held, pressed, withdrawn
from solver.flow.state import FlowStep
from solver.parameters.model import Injection, Model
from solver.stepping import is_on
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]

SUCTION_WIDTH: Final = 200.0
"""Above the lowest pressure at the tip: over it tissue gives less and less of what is drawn [Pa]."""
LANDING: Final = 1e-3
"""Of what is left of a pulse: a step that leaves less than this takes all of it."""


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """What has come of each pulse; shapes ``(pulses,)``.

    Attributes:
        volume: moved so far, in or out, less what a syringe that injects has sucked back [m3].
        agent: injected so far [kg].
        rate: largest so far [m3/s].
        tip: largest pressure at its openings so far; the lowest where fluid is withdrawn [Pa].
        plunger: largest pressure of the syringe so far; the lowest where fluid is withdrawn [Pa].
        ended: time at which its volume was all in [s]; infinite before.
    """

    volume: Floats
    agent: Floats
    rate: Floats
    tip: Floats
    plunger: Floats
    ended: Floats


@dataclass(frozen=True, kw_only=True)
class Landing:
    """The last step of a pulse that ends with its volume.

    Attributes:
        pulse: its number.
        step: length [s].
        flow: into each node, so that the volume is in at its end [m3/s].
    """

    pulse: int
    step: float
    flow: Floats


class Delivery:
    """The pulses of a model on a mesh. Keeps nothing between steps: that is in ``Delivered``.

    Attributes:
        decays: whether an agent decays in its syringe.
    """

    def __init__(self, data: Discretisation, model: Model) -> None:
        self._halo, self._pulses, self._schedule = data.halo, model.injections, model.schedule
        self._shares = tuple(pulse_share(data, pulse) for pulse in model.injections)
        self._none = np.zeros(data.volume.size)
        self.decays = any(pulse.decay > 0.0 for pulse in model.injections)

    def start(self) -> Delivered:
        """Before anything has happened."""
        none, count = np.zeros(len(self._pulses)), len(self._pulses)
        extreme = np.array([np.inf if pulse.withdraws else -np.inf for pulse in self._pulses])
        return Delivered(
            volume=none, agent=none, rate=none, tip=extreme, plunger=extreme, ended=np.full(count, np.inf)
        )

    def pumped(self, time: float) -> Floats:
        """Fluid that pumps bring to each node just after a time, whatever the pressure [m3/s]."""
        fluid = self._none.copy()
        for pulse, share in zip(self._pulses, self._shares, strict=True):
            if pulse.drive is None and is_on(pulse, time, self._schedule):
                fluid += pulse.rate * share
        return fluid

    def inlets(
        self, at: tuple[float, float], delivered: Delivered, landing: Landing | None = None
    ) -> tuple[Inlet, ...]:
        """Pulses in a step whose rate depends on the pressure.

        Args:
            at: time at its start and its length [s].
            delivered: so far.
            landing: of a pulse that ends with this step.
        """
        found, (time, step) = [], at
        for number, (pulse, share) in enumerate(zip(self._pulses, self._shares, strict=True)):
            drive = pulse.drive
            if (
                drive is None
                or np.isfinite(delivered.ended[number])
                or not is_on(pulse, time, self._schedule)
            ):
                continue
            if landing is not None and landing.pulse == number:
                found.append(held(number, landing.flow))
            elif drive.withdraws:
                found.append(withdrawn(number, share, pulse.rate, drive.pressure, SUCTION_WIDTH))
            else:
                assert pulse.line is not None, "a syringe at a pressure has a line"
                resistance = pulse.line.resistance
                pressure = syringe_pressure(pulse, time + step)
                found.append(pressed(number, share, resistance, pressure, drive.sucks_back))
        return tuple(found)

    def entering(self, time: float, flow: FlowStep) -> Floats:
        """Fluid that enters each node during a step, what is withdrawn not counted [m3/s]."""
        fluid = self.pumped(time)
        for part in flow.driven:
            fluid += np.maximum(part, 0.0)
        return fluid

    def agent(self, time: float, step: float, flow: FlowStep) -> Floats:
        """Agent that enters each node, mean over a step or a part of one [kg/s].

        Args:
            time: at its start [s].
            step: its length [s].
            flow: the flow during it.
        """
        agent = self._none.copy()
        for pulse, share in zip(self._pulses, self._shares, strict=True):
            if pulse.drive is None and is_on(pulse, time, self._schedule):
                agent += pulse.rate * mean_concentration(pulse, time, step) * share
        for number, part in zip(flow.pulses, flow.driven, strict=True):
            pulse = self._pulses[number]
            if not pulse.withdraws:
                agent += mean_concentration(pulse, time, step) * np.maximum(part, 0.0)
        return agent

    def landing(self, flow: FlowStep, step: float, delivered: Delivered) -> Landing | None:
        """How to take a step again if a syringe is empty before its end. Collective.

        Args:
            flow: of the step.
            step: its length [s].
            delivered: at its start.
        """
        found: Landing | None = None
        for number, part in zip(flow.pulses, flow.driven, strict=True):
            pulse = self._pulses[number]
            if pulse.withdraws:
                continue
            rate = self._halo.sum(part)
            left = pulse.volume - float(delivered.volume[number])
            if rate * step > left * (1 - LANDING):
                length = min(step, left / rate)
                if found is None or length < found.step:
                    found = Landing(pulse=number, step=length, flow=part * (left / (length * rate)))
        return found

    def book(
        self,
        before: Delivered,
        at: tuple[float, float],
        flow: FlowStep,
        pressure: Floats,
        landing: Landing | None,
    ) -> Delivered:
        """What has come of the pulses after a step. Collective.

        Args:
            before: at its start.
            at: time at its start and its length [s].
            flow: during it.
            pressure: mean over each site's source at its end [Pa], shape ``(sites,)``.
            landing: of the pulse that ends with it.
        """
        time, step = at
        new = Delivered(**{name: values.copy() for name, values in vars(before).items()})
        rates = {number: self._halo.sum(part) for number, part in zip(flow.pulses, flow.driven, strict=True)}
        for number, pulse in enumerate(self._pulses):
            if pulse.drive is None and is_on(pulse, time, self._schedule):
                rates[number] = pulse.rate
            if number not in rates:
                continue
            rate = rates[number]
            tip = sum(share * pressure[site] for site, share in openings(pulse))
            plunger = tip + (pulse.line.resistance * rate if pulse.line else 0.0)
            if pulse.drive is not None and not pulse.withdraws:
                plunger = syringe_pressure(pulse, time + step)
            # What a syringe sucks back is in it again.
            new.volume[number] += step * (-rate if pulse.withdraws else rate)
            new.agent[number] += step * max(rate, 0.0) * mean_concentration(pulse, time, step)
            new.rate[number] = max(new.rate[number], abs(rate))
            extreme = min if pulse.withdraws else max
            new.tip[number] = extreme(new.tip[number], tip)
            new.plunger[number] = extreme(new.plunger[number], plunger)
            pressed = pulse.drive is not None and not pulse.withdraws
            if landing is not None and pressed and new.volume[number] >= pulse.volume:
                # Another syringe that empties within the step that one lands on.
                new.ended[number] = time + step
        if landing is not None:
            new.ended[landing.pulse] = time + step
            new.volume[landing.pulse] = self._pulses[landing.pulse].volume
        return new


def syringe_pressure(pulse: Injection, time: float) -> float:
    """Pressure at which a syringe is held [Pa], some time after its pulse began.

    Args:
        pulse: with a drive.
        time: [s].
    """
    assert pulse.drive is not None, "asked only for syringes that are held at a pressure"
    drive = pulse.drive
    return (
        drive.pressure if drive.rise == 0.0 else drive.pressure * min((time - pulse.start) / drive.rise, 1.0)
    )


def openings(pulse: Injection) -> tuple[tuple[int, float], ...]:
    """Sites through which a pulse enters, and the share of it that each takes."""
    return tuple((outlet.site, outlet.share) for outlet in pulse.outlets) or ((pulse.site, 1.0),)


def pulse_share(data: Discretisation, pulse: Injection) -> Floats:
    """Share of a pulse that enters each node [-], shape ``(n,)``."""
    if not pulse.outlets:
        return data.sources[pulse.site]
    return np.asarray(sum(share * data.sources[site] for site, share in openings(pulse)))


def mean_concentration(pulse: Injection, time: float, step: float) -> float:
    """C_in of what leaves a syringe [kg/m3]: C0 exp(-k_s (t - t_filled)), its exact mean over a step.

    Args:
        pulse: with the decay of its agent.
        time: at the start of the step [s].
        step: its length [s].
    """
    if pulse.decay == 0.0:
        return pulse.concentration
    faded = pulse.decay * step
    return pulse.concentration * exp(-pulse.decay * (time - pulse.filled)) * -expm1(-faded) / faded


def as_delivered(model: Model, delivered: Delivered | None) -> Model:
    """The same model with the volumes and mean rates of pressed pulses that came of them."""
    if delivered is None or all(pulse.drive is None for pulse in model.injections):
        return model
    pulses = []
    for number, pulse in enumerate(model.injections):
        volume, ended = float(delivered.volume[number]), float(delivered.ended[number])
        if pulse.drive is not None and not pulse.withdraws:
            pulse = replace(pulse, volume=volume, rate=volume / (min(ended, pulse.end) - pulse.start))
        pulses.append(pulse)
    return replace(model, injections=tuple(pulses))


def injection_report(model: Model, delivered: Delivered) -> list[dict[str, Any]]:
    """What was delivered by each pulse, and what its syringe had to do for it, JSON-ready."""
    out = []
    for number, pulse in enumerate(model.injections):
        kind = "pump" if pulse.drive is None else "withdrawal" if pulse.withdraws else "pressure"
        rate, ended = float(delivered.rate[number]), float(delivered.ended[number])
        found = {
            "site": pulse.site,
            "kind": kind,
            "start_s": pulse.start,
            "end_s": min(ended, pulse.end),
            "asked_m3": pulse.volume,
            "volume_m3": float(delivered.volume[number]),
            "agent_kg": float(delivered.agent[number]),
            "largest_rate_m3_s": rate,
            "tip_pressure_Pa": _finite(delivered.tip[number]),
        }
        if pulse.line is not None:
            line = pulse.line
            found |= {
                "plunger_pressure_Pa": _finite(delivered.plunger[number]),
                "needle_pressure_drop_Pa": line.resistance * rate,
                "reynolds": 4 * line.density * rate / (np.pi * line.viscosity * line.diameter),
            }
        out.append(found)
    return out


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

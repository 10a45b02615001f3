# SPDX-License-Identifier: MIT
"""What the tumour's arteries see by each route: from a schedule to the phases of `pharmacokinetics`.

First pass: of an infusion R into an artery, E R stays in the organ and (1 - E) R enters the body. The
clearance CL is that of the whole body, the organ's part of what returns to it included, so that is not taken
twice.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from solver.routes.parameters import Dose, Route
from solver.routes.pharmacokinetics import ORGAN, SEEN, STORE, STORES, TUMOUR, Phase, Saturable

Floats = NDArray[np.float64]


def regional_advantage(clearance: float, flow: float, extraction: float) -> float:
    """R_d = 1 + CL/(Q_r (1 - E)): gain in the region over the body by infusing its artery (no dimension)."""
    return 1 + clearance / (flow * (1 - extraction))


def phases(route: Route) -> tuple[Phase, ...]:
    """The phases of a route from 0 to its end."""
    marks = sorted(events(route))
    found = []
    for start, end in pairwise(marks):
        found.append(_phase(route, start, end))
    return tuple(found)


def events(route: Route) -> set[float]:
    """Times at which something changes, the start and the end among them [s]."""
    marks = {0.0, route.end}
    for dose in route.doses:
        marks |= {dose.start, dose.end}
    if route.circuit is not None:
        marks |= {route.circuit.duration, route.circuit.closed}
    return {mark for mark in marks if 0.0 <= mark <= route.end}


def graded_times(marks: Sequence[float], first: float, growth: float, largest: float) -> Floats:
    """Times that land on every mark, close together after each and farther apart later.

    Args:
        marks: ascending [s].
        first: length of the step after a mark [s].
        growth: of steps.
        largest: step [s].
    """
    out = [marks[0]]
    for start, end in pairwise(marks):
        steps, total, step = [], 0.0, first
        while total < end - start:
            steps.append(step)
            total += step
            step = min(step * growth, largest)
        ends = start + np.cumsum(steps) * (end - start) / total
        out.extend([*ends[:-1], end])
    return np.array(out)


def linear_extraction(route: Route) -> float:
    """E of little drug [-]."""
    region = route.region
    if region.capacity == 0.0:
        return region.extraction
    intrinsic = region.capacity / region.half_concentration
    return intrinsic / (region.flow + intrinsic)


def _phase(route: Route, start: float, end: float) -> Phase:
    n = len(STORES)
    rates, seen, added = np.zeros((n, n)), np.zeros((SEEN, n)), np.zeros(SEEN)
    jump, entering = np.zeros(n), np.zeros(n)
    body, central = route.body, STORE["central"]
    _flow(rates, "central", "cleared", body.clearance / body.central_volume)
    if body.exchange_flow > 0.0:
        _flow(rates, "central", "peripheral", body.exchange_flow / body.central_volume)
        _flow(rates, "peripheral", "central", body.exchange_flow / body.peripheral_volume)
    seen[:, central] = 1 / body.central_volume
    running = [dose for dose in route.doses if dose.duration > 0.0 and dose.start <= start < dose.end]
    rate = sum(dose.amount / dose.duration for dose in running)
    at_once = sum(dose.amount for dose in route.doses if dose.duration == 0.0 and dose.start == start)
    merged = _enter(route, (start, rate, at_once), (rates, seen, added), (jump, entering))
    organ = None
    if route.region.capacity > 0.0 and route.kind == "arterial" and rate > 0.0:
        arriving = np.zeros(n)
        arriving[central] = 1 / body.central_volume
        organ = Saturable(
            flow=route.region.flow,
            capacity=route.region.capacity,
            half_concentration=route.region.half_concentration,
            arriving=arriving,
            infused=rate,
        )
    return Phase(
        start=start,
        end=end,
        rates=rates,
        entering=entering,
        seen=seen,
        added=added,
        jump=jump,
        merged=merged,
        supplying=_supplying(route, start),
        organ=organ,
    )


def _enter(
    route: Route,
    giving: tuple[float, float, float],
    law: tuple[Floats, Floats, Floats],
    stores: tuple[Floats, Floats],
) -> tuple[int, int] | None:
    """Where the drug enters by each kind of route; returns stores that merge at the start of the phase."""
    _, rate, at_once = giving
    rates, _, added = law
    jump, entering = stores
    central, extracted = STORE["central"], STORE["extracted"]
    region = route.region
    if route.kind == "arterial":
        first_pass = 0.0 if region.capacity > 0.0 else region.extraction
        entering[central], entering[extracted] = rate * (1 - first_pass), rate * first_pass
        added[TUMOUR] = region.tumour_share * region.mixing * rate / region.artery_flow
        added[ORGAN] = rate / region.flow
    elif route.kind == "oral" and route.oral is not None:
        jump[STORE["depot"]], entering[STORE["depot"]] = at_once, rate
        _flow(rates, "depot", "behind_depot", route.oral.absorption)
        _flow(rates, "behind_depot", "central", route.oral.conversion * route.oral.share)
        _flow(rates, "behind_depot", "lost", route.oral.conversion * (1 - route.oral.share))
    elif route.kind == "chemoembolisation" and route.beads is not None:
        beads = route.beads
        for name, share, time in (
            ("depot", beads.fast_share, beads.fast_time),
            ("behind_depot", 1 - beads.fast_share, beads.slow_time),
        ):
            jump[STORE[name]], entering[STORE[name]] = at_once * share, rate * share
            _flow(rates, name, "central", beads.escaping / time)
            _flow(rates, name, "tissue", (1 - beads.escaping) / time)
    elif route.kind == "isolated" and route.circuit is not None:
        return _circuit(route, giving, law, stores)
    else:
        jump[central], entering[central] = at_once, rate
    return None


def _circuit(
    route: Route,
    giving: tuple[float, float, float],
    law: tuple[Floats, Floats, Floats],
    stores: tuple[Floats, Floats],
) -> tuple[int, int] | None:
    circuit = route.circuit
    assert circuit is not None
    start, rate, at_once = giving
    rates, seen, _ = law
    jump, entering = stores
    inside, central = STORE["circuit"], STORE["central"]
    if start >= circuit.closed:
        jump[central], entering[central] = at_once, rate
        return (inside, central) if start == circuit.closed else None
    jump[inside], entering[inside] = at_once, rate
    _flow(rates, "circuit", "central", circuit.leak / circuit.volume)
    _flow(rates, "central", "circuit", circuit.leak / route.body.central_volume)
    _flow(rates, "circuit", "lost", circuit.elimination)
    if start >= circuit.duration:
        _flow(rates, "circuit", "drained", circuit.wash_flow / circuit.volume)
    seen[TUMOUR], seen[ORGAN] = 0.0, 0.0
    seen[TUMOUR, inside] = seen[ORGAN, inside] = 1 / circuit.volume
    return None


def _supplying(route: Route, start: float) -> int:
    """The store that blood of the tissue comes from: the circuit, while there is one."""
    closed = route.circuit is not None and start < route.circuit.closed
    return STORE["circuit" if closed else "central"]


def _flow(rates: Floats, source: str, target: str, rate: float) -> None:
    rates[STORE[source], STORE[source]] -= rate
    rates[STORE[target], STORE[source]] += rate


def leak_flow(share: float, volume: float, duration: float) -> float:
    """Leak of a circuit that has lost a share of a tracer after a time, by leaking alone [m3/s]."""
    return -volume * float(np.log1p(-share)) / duration


def equivalent_minutes(temperature: float, duration: float) -> float:
    """CEM43: minutes at 43 degC that do as much as a time at another (Sapareto and Dewey, 1984) [min]."""
    celsius = temperature - 273.15
    return float((0.5 if celsius >= 43.0 else 0.25) ** (43.0 - celsius) * duration / 60.0)


def repeated(dose: Dose, times: int, every: float) -> tuple[Dose, ...]:
    """A dose that is given several times."""
    return tuple(
        Dose(start=round(dose.start + number * every, 3), amount=dose.amount, duration=dose.duration)
        for number in range(times)
    )


def inflow_range(route: Route) -> tuple[float, float]:
    """Smallest and largest concentration that an infusion adds to what arrives in the organ [kg/m3]."""
    rates = [dose.amount / dose.duration for dose in route.doses if dose.duration > 0.0]
    added = [rate / route.region.flow for rate in rates] or [0.0]
    return min(added), max(added)

# SPDX-License-Identifier: MIT
"""Rules on how injectate is delivered: what moves it, side holes, decay in the syringe."""

import math
from collections.abc import Iterator
from itertools import pairwise

from cases.build.delivery import hole_sites, side_holes
from cases.build.materials import needle_numbers
from cases.errors import Problem
from cases.schema.case import CaseFile
from cases.schema.geometry import InjectionTable


def delivery_stated(case: CaseFile) -> Iterator[Problem]:
    """Every pulse has a rate, or a pressure and the longest time it is held."""
    for i, injection in enumerate(case.injection):
        for key, message in _moved_by(injection):
            yield Problem(key=("injection", i, key), message=message)
        if injection.pressure is not None and "length" not in needle_numbers(case, injection.needle):
            yield Problem(
                key=("injection", i, "pressure"),
                message="drives fluid through a needle whose length is not stated",
                hint=f"give needles.{injection.needle}.length",
            )
        if injection.syringe_decay > 0.0 and injection.filled > injection.start:
            message = f"filled at {injection.filled:g} s, after the pulse starts at {injection.start:g} s"
            yield Problem(key=("injection", i, "filled"), message=message)
        if injection.withdraw and (injection.concentration is not None or injection.syringe_decay > 0.0):
            key = "concentration" if injection.concentration is not None else "syringe_decay"
            yield Problem(key=("injection", i, key), message="stands beside withdraw, which brings no agent")
    if all(injection.withdraw for injection in case.injection):
        yield Problem(key=("injection", 0, "withdraw"), message="no pulse injects anything")


def _moved_by(injection: InjectionTable) -> Iterator[tuple[str, str]]:
    """Keys that miss one another or exclude one another."""
    if injection.rate is None and injection.pressure is None:
        yield "rate", "missing; give it, or pressure and duration"
    if injection.rate is not None and injection.pressure is not None:
        yield "pressure", "stands beside rate; give one of the two"
    if injection.pressure is not None and injection.duration is None:
        yield "duration", "missing; a syringe held at a pressure needs the longest time for it"
    if injection.pressure is None and injection.duration is not None:
        yield "duration", "stands without pressure; volume and rate say how long the pulse takes"
    if injection.pressure is None and injection.rise is not None:
        yield "rise", "stands without pressure"
    if injection.pressure is None and injection.suck_back:
        yield "suck_back", "stands without pressure"
    if injection.withdraw and injection.pressure is not None:
        yield "withdraw", "stands beside pressure; fluid is taken out at a rate"


def side_holes_fit(case: CaseFile) -> Iterator[Problem]:
    """Side holes lie apart, on their needle, in the domain, in a geometry that can hold them."""
    for i, injection in enumerate(case.injection):
        holes = side_holes(case, injection)
        if holes is None:
            continue
        key = ("needles", injection.needle, "side_holes", "distances")
        if case.geometry.kind == "radial":
            message = f'needle "{injection.needle}" has side holes, which a radial geometry cannot hold'
            yield Problem(
                key=("injection", i, "needle"), message=message, hint='kind = "axisymmetric" or "3d"'
            )
            return
        numbers = needle_numbers(case, injection.needle)
        places, outer = sorted(holes.distances), numbers["outer_diameter"]
        if min(b - a for a, b in pairwise([0.0, *places])) < outer:
            message = f"rings and tip must lie at least the needle's diameter apart, {1e3 * outer:g} mm"
            yield Problem(key=key, message=message)
        if "length" not in numbers:
            message = "missing; side holes share the flow by the resistance of the needle"
            yield Problem(key=("needles", injection.needle, "length"), message=message)
        elif places[-1] >= numbers["length"]:
            yield Problem(key=key, message=f"lies beyond the needle's length, {1e3 * numbers['length']:g} mm")
        yield from _inside(case, key)


def _inside(case: CaseFile, key: tuple[str, ...]) -> Iterator[Problem]:
    geometry = case.geometry
    if geometry.tumour is None or geometry.domain_radius is None:
        return
    for sites in hole_sites(case).values():
        for site in sites:
            reach = math.dist(site.tip, geometry.tumour.centre) + (site.source_radius or 0.0)
            if reach >= geometry.domain_radius:
                message = f"reaches {1e3 * reach:.4g} mm from the centre, outside the domain"
                yield Problem(key=key, message=message)
                return

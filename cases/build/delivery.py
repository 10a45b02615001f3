# SPDX-License-Identifier: MIT
"""From the injections of a checked case file to pulses: rates, openings, lines and what drives them."""

import math

from cases.build.materials import agent_numbers, injectate, needle_numbers
from cases.schema.case import CaseFile
from cases.schema.delivery import SideHolesTable
from cases.schema.geometry import InjectionTable
from meshes.geometry import Site
from solver.delivery.needle import Lumen, Rings, split
from solver.parameters.delivery import Drive, Line, Outlet
from solver.parameters.model import Injection

SAME_PLACE = 1e-9
"""Tips closer than this are one site [m]."""


def site_numbers(injections: list[InjectionTable]) -> list[int]:
    """Number of the site of each injection: those with the same tip share one."""
    tips: list[list[float]] = []
    numbers = []
    for injection in injections:
        known = (i for i, tip in enumerate(tips) if math.dist(tip, injection.tip) < SAME_PLACE)
        number = next(known, len(tips))
        if number == len(tips):
            tips.append(injection.tip)
        numbers.append(number)
    return numbers


def pulse_rate(injection: InjectionTable) -> float:
    """Rate of a pulse [m3/s]; volume over the longest time where the syringe is held at a pressure."""
    if injection.rate is not None:
        return injection.rate
    return injection.volume / (injection.duration or 1.0)


def pulse_end(injection: InjectionTable) -> float:
    """Time at which a pulse stops, at the latest [s]."""
    return injection.start + injection.volume / pulse_rate(injection)


def side_holes(case: CaseFile, injection: InjectionTable) -> SideHolesTable | None:
    """The side holes of an injection's needle."""
    needle = case.needles.get(injection.needle)
    return needle.side_holes if needle is not None else None


def hole_sites(case: CaseFile) -> dict[int, tuple[Site, ...]]:
    """The rings of side holes as sites, by the number of the tip; they are numbered after all tips."""
    out: dict[int, tuple[Site, ...]] = {}
    for number, table in zip(site_numbers(case.injection), case.injection, strict=True):
        holes = side_holes(case, table)
        if holes is None or number in out:
            continue
        length = math.hypot(*table.direction)
        x, y, z = (component / length for component in table.direction)
        radius = 0.5 * needle_numbers(case, table.needle)["outer_diameter"]
        places = [
            (table.tip[0] - d * x, table.tip[1] - d * y, table.tip[2] - d * z)
            for d in sorted(holes.distances)
        ]
        out[number] = tuple(
            Site(
                tip=place,
                direction=(x, y, z),
                needle_radius=radius,
                source_radius=holes.source_radius,
                # as for parametric tumours: holes may reach out where the tip is inside
                allow_outside=None if case.geometry.tumour is not None else True,
            )
            for place in places
        )
    return out


def injections(case: CaseFile) -> tuple[Injection, ...]:
    """The pulses of a case, in order of start."""
    default = agent_numbers(case.agent).get("concentration", 0.0)
    openings = _outlets(case)
    pulses = []
    for site, table in zip(site_numbers(case.injection), case.injection, strict=True):
        given = default if table.concentration is None else table.concentration
        pulses.append(
            Injection(
                site=site,
                start=table.start,
                volume=table.volume,
                rate=pulse_rate(table),
                concentration=0.0 if table.withdraw else given,
                outlets=openings.get(site, ()),
                line=_line(case, table),
                drive=_drive(table),
                decay=table.syringe_decay,
                filled=table.filled,
                cavity_radius=_cavity_radius(case, table),
            )
        )
    return tuple(sorted(pulses, key=lambda pulse: pulse.start))


def _cavity_radius(case: CaseFile, table: InjectionTable) -> float | None:
    """Radius at rest of a cavity that opens, that of the needle [m]."""
    return 0.5 * needle_numbers(case, table.needle)["outer_diameter"] if table.cavity != "rigid" else None


def _drive(table: InjectionTable) -> Drive | None:
    if table.withdraw:
        return Drive(pressure=table.suction, withdraws=True)
    if table.pressure is not None:
        return Drive(pressure=table.pressure, rise=table.rise or 0.0, sucks_back=table.suck_back)
    return None


def _outlets(case: CaseFile) -> dict[int, tuple[Outlet, ...]]:
    """Openings of needles with side holes, by the number of the tip."""
    found: dict[int, tuple[Outlet, ...]] = {}
    number = 1 + max(site_numbers(case.injection))
    for site, sites in hole_sites(case).items():
        table = case.injection[site_numbers(case.injection).index(site)]
        shares = _shares(case, table)
        rings = tuple(Outlet(site=number + i, share=share) for i, share in enumerate(shares[1:]))
        tip = (Outlet(site=site, share=shares[0]),) if shares[0] > 0.0 else ()
        found[site] = (*tip, *rings)
        number += len(sites)
    return found


def _shares(case: CaseFile, table: InjectionTable) -> tuple[float, ...]:
    """Share of the tip and of each ring."""
    holes = side_holes(case, table)
    assert holes is not None, "asked only for needles with side holes"
    if holes.split == "equal":
        openings = len(holes.distances) + (holes.tip == "open")
        return (float(holes.tip == "open") / openings, *([1.0 / openings] * len(holes.distances)))
    lumen = _lumen(case, table)
    assert lumen is not None, "the rules ask for a length"
    return split(lumen, _rings(holes), 1.0)[0]


def _rings(holes: SideHolesTable) -> Rings:
    return Rings(
        distances=tuple(sorted(holes.distances)),
        number=holes.number,
        radius=holes.radius,
        tip_open=holes.tip == "open",
    )


def _lumen(case: CaseFile, table: InjectionTable) -> Lumen | None:
    numbers = needle_numbers(case, table.needle)
    if "length" not in numbers:
        return None
    inner, outer = numbers["inner_diameter"], numbers["outer_diameter"]
    return Lumen(radius=0.5 * inner, length=numbers["length"], wall=0.5 * (outer - inner))


def _line(case: CaseFile, table: InjectionTable) -> Line | None:
    """From the syringe to the tissue; None where the needle's length is not known."""
    lumen = _lumen(case, table)
    if lumen is None:
        return None
    fluid = injectate(case.agent)
    holes = side_holes(case, table)
    resistance = split(lumen, _rings(holes) if holes else None, fluid.viscosity)[1]
    return Line(
        resistance=resistance + table.line_resistance,
        diameter=2 * lumen.radius,
        viscosity=fluid.viscosity,
        density=fluid.density,
    )

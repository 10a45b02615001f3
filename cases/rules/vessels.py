# SPDX-License-Identifier: MIT
"""Rules on blood: what vessels and the body need to be known of agent, tissue and physics."""

import math
from collections.abc import Iterator

from cases.build.delivery import SAME_PLACE
from cases.build.materials import agent_numbers, tissue_numbers
from cases.build.model import tumour_axes
from cases.build.vessels import body_numbers
from cases.errors import Key, Problem
from cases.schema.case import CaseFile
from cases.schema.vessels import TwoPressuresTable, VesselsTable


def vessels_known(case: CaseFile) -> Iterator[Problem]:
    """What is asked of vessels fits the physics that is on, and the agent's numbers are there."""
    table = case.vessels
    if table is None:
        return
    if not case.physics.vessels:
        message = "asks for vessels, but physics.vessels is false"
        yield Problem(key=("vessels",), message=message, hint="remove one of them")
        return
    if table.reopening_gap > 0.0 and case.physics.closure != "pressure":
        message = 'vessels that pressure does not close cannot reopen; needs physics.closure = "pressure"'
        yield Problem(key=("vessels", "reopening_gap"), message=message)
    if table.chemical_closure:
        numbers = agent_numbers(case.agent)
        for name in ("closure_rate", "closure_concentration"):
            if name not in numbers:
                message = "missing, and vessels.chemical_closure needs it"
                yield Problem(key=("agent", name), message=message)
    yield from _two_pressures(case, table)
    if table.network is None:
        return
    if case.geometry.kind != "3d":
        message = f'a network of vessels has no symmetry; found kind = "{case.geometry.kind}"'
        yield Problem(key=("vessels", "network"), message=message, hint='kind = "3d"')
    if table.two_pressures is not None:
        message = "blood flows through a network or by two pressures; give one of them"
        yield Problem(key=("vessels", "network"), message=message)
    if table.network.arterial_pressure <= table.network.venous_pressure:
        message = "is not above venous_pressure: no blood would flow"
        yield Problem(key=("vessels", "network", "arterial_pressure"), message=message)
    if not any(table.network.flow_direction):
        message = "is zero; expected a direction"
        yield Problem(key=("vessels", "network", "flow_direction"), message=message)


def body_known(case: CaseFile) -> Iterator[Problem]:
    """The agent's compartments in the body are known, and consistent."""
    if case.body is None:
        return
    numbers = body_numbers(case)
    for name in ("central_volume", "clearance"):
        if name not in numbers:
            message = "missing; the library does not know it of this agent"
            yield Problem(key=("body", name), message=message)
    if numbers.get("exchange_flow", 0.0) > 0.0 and numbers.get("peripheral_volume", 0.0) <= 0.0:
        message = "is 0, but body.exchange_flow leads into it"
        yield Problem(key=("body", "peripheral_volume"), message=message)
    if agent_numbers(case.agent).get("plasma_concentration", 0.0) > 0.0:
        message = "holds only what the tumour gives it, and cannot feed agent.plasma_concentration"
        yield Problem(key=("body",), message=message, hint="remove one of them")


def _two_pressures(case: CaseFile, table: VesselsTable) -> Iterator[Problem]:
    """Arteries, microvessels and veins in the order of their pressures."""
    if table.two_pressures is None:
        return
    yield from _artery(case, table.two_pressures)
    high, low = table.two_pressures.arterial_pressure, table.two_pressures.venous_pressure
    key: Key = ("vessels", "two_pressures", "arterial_pressure")
    for region in ("tumour", "tissue"):
        numbers = tissue_numbers(getattr(case.tissues, region), region)
        between = numbers["vessel_pressure"]
        if numbers["perfusion"] > 0.0 and not low < between < high:
            message = (
                f"found {high:.4g} Pa, and {low:.4g} Pa in veins; the vessel_pressure of the {region}, "
                f"{between:.4g} Pa, must lie between them"
            )
            yield Problem(key=key, message=message)


def _artery(case: CaseFile, table: TwoPressuresTable) -> Iterator[Problem]:
    """A tumour's own artery keeps the symmetry of the geometry and opens inside the tumour."""
    geometry = case.geometry
    axes = tumour_axes(case)
    if table.feeding != "artery" or axes is None or geometry.tumour is None:
        return
    offset = [a - b for a, b in zip(table.artery, geometry.tumour.centre, strict=True)]
    off = {"radial": math.hypot(*offset), "axisymmetric": math.hypot(*offset[:2]), "3d": 0.0}[geometry.kind]
    key: Key = ("vessels", "two_pressures", "artery")
    if off > SAME_PLACE:
        where = "in the tumour's centre" if geometry.kind == "radial" else "on the z axis through the centre"
        message = f"lies {1e3 * off:.4g} mm off; a {geometry.kind} case needs it {where}"
        yield Problem(key=key, message=message, hint='or kind = "3d"')
    elif math.hypot(*(x / a for x, a in zip(offset, axes, strict=True))) >= 1.0:
        yield Problem(key=key, message="lies outside the tumour that it is to feed")

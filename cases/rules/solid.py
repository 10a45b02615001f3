# SPDX-License-Identifier: MIT
"""Rules on what moves: elastic moduli for the displacement, cavities that open."""

from collections.abc import Iterator

from cases.build.delivery import side_holes, site_numbers
from cases.build.materials import tissue_numbers
from cases.build.model import present_regions
from cases.errors import Key, Problem
from cases.schema.case import CaseFile


def moduli_fit(case: CaseFile) -> Iterator[Problem]:
    """With a displacement, H > 2 mu: otherwise tissue would grow thicker where it is stretched."""
    if case.physics.flow != "biot":
        return
    for region in present_regions(case):
        numbers = tissue_numbers(getattr(case.tissues, region), region)
        confined, least = numbers["confined_modulus"], 2 * numbers["shear_modulus"]
        if confined <= least:
            message = (
                f"found {confined:.4g} Pa; a displacement needs more than 2 shear_modulus, {least:.4g} Pa"
            )
            yield Problem(key=("tissues", region, "confined_modulus"), message=message)


def cavities_open(case: CaseFile) -> Iterator[Problem]:
    """A cavity that opens stores fluid, is its needle's only opening, and the same for all pulses there."""
    kinds: dict[int, str] = {}
    for number, (site, table) in enumerate(zip(site_numbers(case.injection), case.injection, strict=True)):
        key: Key = ("injection", number, "cavity")
        if kinds.setdefault(site, table.cavity) != table.cavity:
            message = f'found "{table.cavity}", but another pulse at the same tip has "{kinds[site]}"'
            yield Problem(key=key, message=message)
        if table.cavity == "rigid":
            continue
        if case.physics.flow == "steady":
            message = 'a cavity that opens stores fluid, which physics.flow = "steady" leaves out'
            yield Problem(key=key, message=message, hint='use physics.flow = "storage" or "biot"')
        if side_holes(case, table) is not None:
            message = (
                f"the needle {table.needle} has side holes; only the tip of one without can open a cavity"
            )
            yield Problem(key=key, message=message)

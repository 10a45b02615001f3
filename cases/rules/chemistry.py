# SPDX-License-Identifier: MIT
"""Rules on reactions and kill: what they need to be known, and of one another."""

from collections.abc import Iterator

from cases.build.materials import agent_numbers
from cases.errors import Problem
from cases.schema.case import CaseFile


def chemistry_known(case: CaseFile) -> Iterator[Problem]:
    """The agent's numbers are there for what is asked of chemistry."""
    table, numbers = case.chemistry, agent_numbers(case.agent)
    if table is None:
        return
    needed = {"rate_constant": table.reductant, "by_product_yield": table.by_product != "none"}
    for name, asked in needed.items():
        if asked and name not in numbers:
            key = "reductant" if name == "rate_constant" else "by_product"
            message = f"missing, and chemistry.{key} needs it; the library does not know it of this agent"
            yield Problem(key=("agent", name), message=message)
    reacts = table.reductant or (case.physics.reaction and numbers.get("reaction_rate", 0.0) > 0.0)
    if table.by_product != "none" and not reacts and not (table.uptake and table.uptake.reaction_rate > 0.0):
        message = "nothing reacts in this case, so nothing is formed"
        yield Problem(key=("chemistry", "by_product"), message=message, hint="set chemistry.reductant = true")


def kill_known(case: CaseFile) -> Iterator[Problem]:
    """Channels rest on fields that the case computes."""
    table, chemistry = case.kill, case.chemistry
    if table is None:
        return
    if table.depletion and not (chemistry and chemistry.reductant):
        message = "the case has no reductant that could be used up"
        yield Problem(key=("kill", "depletion"), message=message, hint="set chemistry.reductant = true")
    if table.drug and table.drug.phase == "cells" and not (chemistry and chemistry.uptake):
        message = "the case does not follow the agent into cells"
        yield Problem(key=("kill", "drug", "phase"), message=message, hint="add [chemistry.uptake]")
    ischaemia = table.ischaemia
    if ischaemia and ischaemia.open_fraction > 0.0 and not case.physics.vessels:
        message = "share of open vessels, but physics.vessels is false"
        yield Problem(
            key=("kill", "ischaemia", "open_fraction"), message=message, hint="set it to 0 or vessels to true"
        )
    channels = (table.depletion, table.chick_watson, table.hom, table.heat, ischaemia, table.drug)
    if not any(channels):
        message = "names no channel of kill"
        hint = "add [kill.chick_watson], [kill.hom], [kill.heat], [kill.ischaemia], [kill.drug] or depletion"
        yield Problem(key=("kill",), message=message, hint=hint)

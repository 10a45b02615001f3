# SPDX-License-Identifier: MIT
"""What may be doubted about the chemistry of a run."""

from collections.abc import Mapping
from typing import Any, Final

from meshes.regions import TUMOUR
from solver.chemistry.product import product_residual
from solver.parameters.model import Model

APART: Final = 10.0
"""Ratio of two rates of reaction from which on they are said to disagree."""
CLOSED: Final = 1e-10

Flag = dict[str, Any]


def chemistry_flags(model: Model, rows: Mapping[str, float]) -> list[Flag]:
    """Flags on reactions that do not agree, and on books that do not close.

    Args:
        model: what was simulated.
        rows: of the ledger at the end.
    """
    flags = [*_rates(model)]
    if "product_in_tumour" in rows:
        residual = product_residual(rows)
        if not residual <= CLOSED:
            message = "the by-product's ledger does not close: mass was made or lost"
            flags.append(_flag("product_ledger", "invalid", message, residual, CLOSED))
    residual = reductant_residual(model, rows)
    if not residual <= CLOSED:
        message = "reductant and agent did not use each other up in the stated ratio"
        flags.append(_flag("reductant_ledger", "invalid", message, residual, CLOSED))
    return flags


def reductant_demand(model: Model) -> float:
    """Agent that a volume of intact tumour uses up, nu S0 M [kg/m3]; 0 without a reductant."""
    reductant = model.chemistry.reductant if model.chemistry else None
    if reductant is None:
        return 0.0
    return reductant.stoichiometry * model.agent.molar_mass * reductant.amount.get("tumour", 0.0)


def reductant_residual(model: Model, rows: Mapping[str, float]) -> float:
    """Agent that the reductant was used up for but that did not react, over all that reacted.

    Where nothing else reacts, agent that reacted without reductant counts too.
    """
    what = model.chemistry
    if what is None or what.reductant is None:
        return 0.0
    weight = what.reductant.stoichiometry * model.agent.molar_mass
    used = weight * (rows["reductant_consumed_tumour"] + rows["reductant_consumed_tissue"])
    reacted = rows["agent_reacted_tumour"] + rows["agent_reacted_tissue"]
    others = (model.physics.reaction and model.agent.reaction_rate > 0.0) or (
        what.uptake is not None and what.uptake.reaction_rate > 0.0
    )
    lacks = used - reacted
    return (max(lacks, 0.0) if others else abs(lacks)) / (reacted or 1.0)


def _rates(model: Model) -> list[Flag]:
    """First-order decay beside a reductant: both stand for the same chemistry."""
    reductant = model.chemistry.reductant if model.chemistry else None
    decay = model.agent.reaction_rate if model.physics.reaction else 0.0
    if reductant is None or decay == 0.0:
        return []
    amount, porosity = reductant.amount.get("tumour", 0.0), model.tissues[TUMOUR].porosity
    ratio = reductant.rate_constant * amount / (porosity * decay)
    message = "first-order decay and a reductant both use up the agent; ratio of k2 S0/phi to k"
    if not 1 / APART <= ratio <= APART:
        message += ": they disagree, and k cannot be a fit to this reductant"
    return [_flag("reaction_rates", "caution", message, ratio, APART)]


def _flag(name: str, level: str, message: str, value: float, limit: float) -> Flag:
    return {"name": name, "level": level, "message": message, "value": value, "limit": limit}

# SPDX-License-Identifier: MIT
"""From the tables on reactions and kill to the records that the solver reads."""

from cases.build.materials import agent_numbers, tissue_numbers
from cases.schema.case import CaseFile
from solver.parameters.chemistry import (
    Chemistry,
    DrugEffect,
    Heat,
    Ischaemia,
    Kill,
    Product,
    Reductant,
    Survival,
    Uptake,
)


def chemistry(case: CaseFile, regions: list[str]) -> Chemistry | None:
    """Reactions of a checked case beside first-order decay; None without any.

    Args:
        case: checked.
        regions: names of those that its geometry has.
    """
    table, agent = case.chemistry, agent_numbers(case.agent)
    if table is None:
        return None
    reductant = uptake = product = None
    if table.reductant:
        reductant = Reductant(
            rate_constant=agent["rate_constant"],
            stoichiometry=agent.get("stoichiometry", 1.0),
            amount={name: tissue_numbers(getattr(case.tissues, name), name)["reductant"] for name in regions},
        )
    if table.uptake:
        uptake = Uptake(**table.uptake.model_dump())
    if table.by_product != "none":
        product = Product(
            yield_per_agent=agent["by_product_yield"],
            transport=table.by_product == "carried",
            diffusivity=agent.get("by_product_diffusivity", agent["diffusivity"]),
        )
    if reductant is None and uptake is None and product is None:
        return None
    return Chemistry(reductant=reductant, uptake=uptake, product=product)


def kill(case: CaseFile) -> Kill | None:
    """Channels of kill of a checked case; None where none is asked for."""
    table = case.kill
    if table is None:
        return None

    def survival(values: dict[str, object]) -> Survival:
        times = values.pop("times")
        assert isinstance(times, list)
        return Survival(times=tuple(times), **values)  # type: ignore[arg-type]

    watson, hom, drug = table.chick_watson, table.hom, table.drug
    return Kill(
        levels=tuple(sorted(table.levels)),
        decisive=table.decisive,
        chick_watson=survival(watson.model_dump()) if watson else None,
        hom=survival(hom.model_dump()) if hom else None,
        depletion=tuple(table.depletion) if table.depletion else None,
        heat=Heat(**{**table.heat.model_dump(), "doses": tuple(table.heat.doses)}) if table.heat else None,
        ischaemia=Ischaemia(**{**table.ischaemia.model_dump(), "times": tuple(table.ischaemia.times)})
        if table.ischaemia
        else None,
        drug=DrugEffect(
            half_effect=tuple(drug.half_effect),
            assay_time=drug.assay_time,
            hill=drug.hill,
            largest=1.0 if drug.largest is None else drug.largest,
            phase=drug.phase,
        )
        if drug
        else None,
    )

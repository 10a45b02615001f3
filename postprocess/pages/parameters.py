# SPDX-License-Identifier: MIT
"""The numbers that a result rests on: value, where it comes from and how well it is known."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from postprocess.pages.case_tables import value_text, words_of

STATUSES: Final[dict[str, tuple[str, str]]] = {
    "measured": ("measured", "read or quoted from a measurement"),
    "assumed": ("assumed", "chosen, or computed from a correlation"),
    "prior range": ("prior", "hardly known: vary it over its range before drawing a conclusion"),
    "case": ("case", "set in this case"),
    "derived": ("derived", "follows from other numbers"),
    "": ("unknown", "no record of where it comes from"),
}
"""Status in the record to its class on the page and what it means."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One number of agent or tissue.

    Attributes:
        words: what it is.
        value: with unit.
        status: a key of ``STATUSES``.
        source: who published or assumed it.
        range: in which it plausibly lies, or empty.
    """

    words: str
    value: str
    status: str
    source: str
    range: str


@dataclass(frozen=True, kw_only=True)
class Group:
    """The numbers of the agent, or of one tissue.

    Attributes:
        title: of the group.
        parameters: in the order of the resolved case.
    """

    title: str
    parameters: tuple[Parameter, ...]


def _parameter(key: str, value: Any, origins: Mapping[str, list[str]]) -> Parameter:
    status, source, span, *_ = [*origins.get(key, []), "", "", ""]
    known = status if status in STATUSES else ""
    return Parameter(
        words=words_of(key), value=value_text(key, value), status=known, source=source, range=span
    )


def parameter_groups(resolved: Mapping[str, Any]) -> list[Group]:
    """Agent and tissues of a resolved case; older records without sources give empty ones."""
    record = resolved.get("resolved", {}).get("sources", {})
    agent = dict(resolved.get("agent", {}))
    if resolved.get("physics", {}).get("viscosity"):
        agent |= agent.get("injectate", {})
    groups = [(f"Agent: {_name(agent)}", agent, record.get("agent", {}))]
    for region, tissue in resolved.get("tissues", {}).items():
        origins = record.get("tissues", {}).get(region, {})
        groups.append((f"{region.replace('_', ' ').capitalize()}: {_name(tissue)}", tissue, origins))
    chemistry = _chemistry(resolved.get("chemistry", {}))
    groups += [("Chemistry", chemistry, record.get("chemistry", {}))] if chemistry else []
    return [
        Group(
            title=title,
            parameters=tuple(
                _parameter(key, value, origins) for key, value in numbers.items() if isinstance(value, float)
            ),
        )
        for title, numbers, origins in groups
    ]


def _chemistry(table: Mapping[str, Any]) -> dict[str, float]:
    """Numbers of a reductant and of a by-product, by the keys of their origins."""
    reductant, product = table.get("reductant", {}), table.get("product", {})
    out = {key: reductant[key] for key in ("rate_constant", "stoichiometry") if key in reductant}
    out |= {f"reductant_{region}": amount for region, amount in reductant.get("amount", {}).items()}
    return out | ({"by_product_yield": product["yield_per_agent"]} if product else {})


def _name(table: Mapping[str, Any]) -> str:
    return str(table.get("name", "")).replace("_", " ")


def status_counts(groups: list[Group]) -> list[tuple[str, int]]:
    """How many numbers have each status, in the order of ``STATUSES``."""
    counts = Counter(parameter.status for group in groups for parameter in group.parameters)
    return [(status, counts[status]) for status in STATUSES if counts[status]]

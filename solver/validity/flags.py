# SPDX-License-Identifier: MIT
"""Whether a result may be believed: flags with a level, a value and the limit it was held against.

``info`` tells, ``caution`` asks for care, ``invalid`` says the result lies outside the model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from meshes.geometry import Site
from meshes.regions import TUMOUR
from solver.delivery.pulses import Delivered
from solver.parameters.model import Model
from solver.tissue.conductivity import FISSURING_LAWS
from solver.validity.books import LEDGER_LIMIT
from solver.validity.chemistry import chemistry_flags
from solver.validity.delivery import delivery_flags
from solver.validity.fields import field_flags
from solver.validity.lines import line_flags

DILATATION_CAUTION: Final = 0.2
DILATATION_INVALID: Final = 0.5
SYRINGE_PRESSURE: Final = 1e6
"""Most that a hand on a syringe delivers [Pa]."""
FISSURED_CAUTION: Final = 0.5
BOUNDARY_CAUTION: Final = 0.01
FORCED_TOLD: Final = 0.01
FORCED_CAUTION: Final = 0.1
"""Shares of the injected fluid that pressure drives into open vessels."""
OPENED_CAUTION: Final = 2.0
"""Radius of an open cavity over that at rest."""
CAVITATION_FACTOR: Final = 2.5
"""A cavity in a neo-Hookean solid opens without limit at 2.5 mu (Kang, Wang and Cai, 2017)."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a run showed of itself.

    Attributes:
        peak_pressure: at the source surface [Pa].
        largest_dilatation: e [-].
        fissured_share: of the tumour [-].
        agent_residual: of the ledger [-].
        fluid_residual: of the ledger [-].
        boundary_fraction: of the injected agent that left through the outer boundary [-].
        binding: which limiter binds the treated radius (``limits``), empty where nothing was injected.
        peclet: largest mesh Peclet number [-].
        courant: largest Courant number of a step [-].
        forced_fluid: driven into open vessels by pressure above theirs [m3].
        injected_fluid: [m3].
        cavity_fluid: most that cavities held beyond rest [m3].
        delivered: what has come of the pulses.
        rows: of the ledger at the end.
        tissue_fields: what is told of tissue that varies.
    """

    peak_pressure: float
    largest_dilatation: float
    fissured_share: float
    agent_residual: float
    fluid_residual: float
    boundary_fraction: float
    binding: str
    peclet: float
    courant: float
    forced_fluid: float = 0.0
    injected_fluid: float = 0.0
    cavity_fluid: float = 0.0
    delivered: Delivered | None = None
    rows: Mapping[str, float] = field(default_factory=dict)
    tissue_fields: Sequence[dict[str, Any]] = ()


Flag = dict[str, Any]


def _flag(name: str, level: str, message: str, value: float | str, limit: float | None) -> Flag:
    return {"name": name, "level": level, "message": message, "value": value, "limit": limit}


def validity(model: Model, sites: tuple[Site, ...], evidence: Evidence) -> list[Flag]:
    """All flags of a run, worst first."""
    flags = [
        *_ledger(evidence),
        *_mechanics(model, evidence),
        *_injection_number(model, sites, evidence.delivered),
        *_domain(evidence),
        *delivery_flags(model, evidence.delivered, SYRINGE_PRESSURE),
        *(chemistry_flags(model, evidence.rows) if evidence.rows else []),
        *line_flags(model, evidence.rows or {}, evidence.peak_pressure),
        *field_flags(evidence.tissue_fields),
        *_thresholds(model),
        *_limiter(evidence),
        *_embolism(evidence),
        *_cavity(model, evidence),
        *_peclet(evidence),
        _flag(
            "courant", "info", "largest Courant number of a step; steps are implicit", evidence.courant, None
        ),
    ]
    order = {"invalid": 0, "caution": 1, "info": 2}
    return sorted(flags, key=lambda flag: order[flag["level"]])


def _ledger(evidence: Evidence) -> list[Flag]:
    out = []
    for name, residual in (("agent", evidence.agent_residual), ("fluid", evidence.fluid_residual)):
        if not residual <= LEDGER_LIMIT:
            message = f"the {name} ledger does not close: mass was made or lost"
            out.append(_flag(f"{name}_ledger", "invalid", message, residual, LEDGER_LIMIT))
    return out


def _mechanics(model: Model, evidence: Evidence) -> list[Flag]:
    out = []
    e = evidence.largest_dilatation
    if e > DILATATION_CAUTION:
        level = "invalid" if e > DILATATION_INVALID else "caution"
        limit = DILATATION_INVALID if e > DILATATION_INVALID else DILATATION_CAUTION
        message = "largest dilatation e: swelling beyond small strain"
        out.append(_flag("dilatation", level, message, e, limit))
    cavitation = CAVITATION_FACTOR * model.tissues[TUMOUR].shear_modulus
    opens = model.physics.conductivity in FISSURING_LAWS
    if evidence.peak_pressure > SYRINGE_PRESSURE:
        message = "peak pressure [Pa] is more than a hand-held syringe can deliver"
        out.append(_flag("syringe_pressure", "invalid", message, evidence.peak_pressure, SYRINGE_PRESSURE))
    if evidence.peak_pressure > cavitation:
        cavity = any(pulse.cavity_radius is not None for pulse in model.injections)
        ending = "; the fissuring law stands in for it" if opens else ", which this conductivity law lacks"
        ending = "; the needle's cavity does open" if cavity and not opens else ending
        message = f"peak pressure [Pa] passes the opening of a cavity at 2.5 mu{ending}"
        level = "info" if opens or cavity else "invalid"
        out.append(_flag("cavitation_pressure", level, message, evidence.peak_pressure, cavitation))
    if evidence.fissured_share > FISSURED_CAUTION:
        message = "share of the tumour that is fissured: the conductivity law, a prior, decides the result"
        out.append(_flag("fissured_share", "caution", message, evidence.fissured_share, FISSURED_CAUTION))
    return out


def _injection_number(model: Model, sites: tuple[Site, ...], delivered: Delivered | None) -> list[Flag]:
    """Pi = Q/(4 pi K a p_lim): a rigid medium can take the flow only below 1."""
    injecting = [i for i, pulse in enumerate(model.injections) if not pulse.withdraws]
    if model.physics.conductivity != "rigid" or not injecting:
        return []
    asked = [pulse.rate for pulse in model.injections]
    rates = asked if delivered is None else delivered.rate
    tissue = model.tissues[TUMOUR]
    limit = CAVITATION_FACTOR * tissue.shear_modulus
    number = max(
        rates[i]
        / (4 * np.pi * tissue.hydraulic_conductivity * limit)
        / (sites[model.injections[i].site].source_radius or sites[model.injections[i].site].needle_radius)
        for i in injecting
    )
    if number <= 1:
        return []
    message = "injection number Q/(4 pi K a p_lim): rigid tissue would break before it takes this flow"
    return [_flag("injection_number", "invalid", message, float(number), 1.0)]


def _domain(evidence: Evidence) -> list[Flag]:
    if evidence.boundary_fraction <= BOUNDARY_CAUTION:
        return []
    message = "share of the agent that left through the outer boundary: the domain is too small"
    return [_flag("domain", "caution", message, evidence.boundary_fraction, BOUNDARY_CAUTION)]


def _peclet(evidence: Evidence) -> list[Flag]:
    if not np.isfinite(evidence.peclet):
        return []
    message = "largest mesh Peclet number; the limiter keeps C monotone"
    return [_flag("mesh_peclet", "info", message, evidence.peclet, None)]


def _cavity(model: Model, evidence: Evidence) -> list[Flag]:
    radii = {pulse.site: pulse.cavity_radius for pulse in model.injections if pulse.cavity_radius is not None}
    rest = 4 / 3 * np.pi * sum(radius**3 for radius in radii.values())
    stretch = float(np.cbrt(1 + evidence.cavity_fluid / rest)) if rest > 0 else 1.0
    if stretch <= OPENED_CAUTION:
        return []
    message = "radius of the open cavity over that at rest: the mesh around it does not move with its wall"
    return [_flag("cavity_opening", "caution", message, stretch, OPENED_CAUTION)]


def _embolism(evidence: Evidence) -> list[Flag]:
    share = evidence.forced_fluid / (evidence.injected_fluid or 1.0)
    if share <= FORCED_TOLD:
        return []
    level, limit = ("caution", FORCED_CAUTION) if share > FORCED_CAUTION else ("info", FORCED_TOLD)
    message = (
        "fluid forced into open vessels by interstitial pressure above theirs, over what was injected: "
        "whatever it carries, gas too, enters the circulation"
    )
    return [_flag("embolism", level, message, share, limit)]


def _thresholds(model: Model) -> list[Flag]:
    """Whether anything is said of what is destroyed; a control destroys nothing."""
    if model.thresholds.ct or model.thresholds.peak or model.physics.control is not None:
        return []
    level, ending = "caution", "nothing is said of what is destroyed; state [thresholds]"
    if model.kill is not None:
        level, ending = "info", "what is destroyed is told by the channels of [kill] alone"
    agent = model.agent.name
    return [_flag("thresholds", level, f"no threshold is known or stated for {agent}: {ending}", agent, None)]


def _limiter(evidence: Evidence) -> list[Flag]:
    if not evidence.binding:
        return []
    message = f"the treated radius is limited by {evidence.binding} at the lowest threshold"
    return [_flag("binding_limiter", "info", message, evidence.binding, None)]

# SPDX-License-Identifier: MIT
"""Whether needles did what was asked of them, and which numbers of the delivery a result hangs on."""

from typing import Any, Final

from solver.delivery.pulses import Delivered, injection_report
from solver.parameters.model import Model

SHORT: Final = 0.99
"""Share of a pulse's volume below which not all that was asked is in, or out."""
TURBULENT: Final = 2000.0
"""Reynolds number from which flow in a tube may be turbulent; Poiseuille's law then gives too little."""


def delivery_flags(model: Model, delivered: Delivered | None, most: float) -> list[dict[str, Any]]:
    """Flags of the pulses of a run.

    Args:
        model: what was simulated.
        delivered: what came of its pulses; None where that is not known.
        most: pressure that a syringe delivers [Pa].
    """
    if delivered is None:
        return []
    out = []
    for pulse in injection_report(model, delivered):
        share = pulse["volume_m3"] / pulse["asked_m3"]
        if pulse["kind"] != "pump" and share < SHORT:
            gives = "tissue gave less" if pulse["kind"] == "withdrawal" else "the pressure drove less in"
            message = f"share of a pulse's volume that was moved in its time: {gives}"
            out.append(_flag("delivered_volume", "caution", message, share, SHORT))
        if pulse.get("reynolds", 0.0) > TURBULENT:
            message = "Reynolds number in a needle: flow may be turbulent and need more pressure than stated"
            out.append(_flag("needle_reynolds", "caution", message, pulse["reynolds"], TURBULENT))
        if (pulse.get("plunger_pressure_Pa") or 0.0) > most:
            message = "pressure on a plunger [Pa] is more than a hand-held syringe can deliver"
            out.append(_flag("plunger_pressure", "caution", message, pulse["plunger_pressure_Pa"], most))
    return [*_worst(out), *_priors(model)]


def _priors(model: Model) -> list[dict[str, Any]]:
    """Effects that are on whose numbers nobody has measured."""
    out = []
    injectate = model.agent.injectate
    if model.physics.viscosity and injectate.gel_ratio > 1.0:
        message = "fall of the conductivity where injectate gels: a prior, vary it"
        out.append(_flag("gelling", "info", message, injectate.gel_ratio, None))
    if model.physics.dispersion:
        largest = max(tissue.longitudinal_dispersivity for tissue in model.tissues.values())
        message = "largest longitudinal dispersivity [m]: a prior, vary it"
        out.append(_flag("dispersivity", "info", message, largest, None))
    return out


def _worst(flags: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One flag of a name: that with the largest ratio to its limit, either way."""

    def off(flag: dict[str, Any]) -> float:
        ratio = flag["value"] / flag["limit"]
        return float(max(ratio, 1 / ratio if ratio > 0 else float("inf")))

    names = dict.fromkeys(flag["name"] for flag in flags)
    return [max((flag for flag in flags if flag["name"] == name), key=off) for name in names]


def _flag(name: str, level: str, message: str, value: float, limit: float | None) -> dict[str, Any]:
    return {"name": name, "level": level, "message": message, "value": value, "limit": limit}

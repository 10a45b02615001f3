# SPDX-License-Identifier: MIT
"""What a radial run must give where the answer is known in closed form; nothing where it is not."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from postprocess.results.result import Result
from solver.results.fields import CONCENTRATION, PRESSURE, Field


def closed_form(
    result: Result, field: Field, time: float, radii: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Values along the radius during the only pulse of a rigid, steady, linear run; None elsewhere.

    Pressure: a point source in a ball within another medium, ``K lap p = c (p - p_e)`` in each, the inner one
    joined to the unbounded outer one. Concentration, without vessels and lymph: convection with decay,
    ``C_in exp(-k t(r))`` behind the front; diffusion is left out.

    Args:
        result: of any geometry.
        field: ``PRESSURE`` or ``CONCENTRATION``.
        time: of the profile [s].
        radii: distances from the centre [m].
    """
    physics, pulses = result.resolved.get("physics", {}), result.injections
    if result.geometry != "radial" or len(pulses) != 1 or len(result.resolved.get("tissues", {})) > 2:
        return None
    if physics.get("flow") != "steady" or physics.get("conductivity") != "rigid":
        return None
    pulse = pulses[0]
    beyond = physics.get("viscosity") or physics.get("dispersion") or pulse.get("decay", 0.0) > 0.0
    if radii.min() <= 0.0 or beyond or "drive" in pulse:
        return None
    if not pulse["start"] < time <= pulse["start"] + pulse["volume"] / pulse["rate"] * (1 + 1e-9):
        return None
    exchanging = physics.get("vessels", True) or physics.get("lymph", True)
    if field is PRESSURE and not (exchanging and not _linear(physics)):
        return _pressure(result, float(pulse["rate"]), radii)
    if field is CONCENTRATION and not exchanging:
        return _convected(result, pulse, time, radii)
    return None


def _linear(physics: dict[str, Any]) -> bool:
    return physics.get("closure") == "none" and not physics.get("perfusion_cap", True)


def _medium(tissue: dict[str, Any], physics: dict[str, Any]) -> tuple[float, float, float]:
    """K [m2/(Pa s)], 1/ell [1/m] and the pressure [Pa] at which exchange stops."""
    blood = tissue["vessel_conductance"] if physics.get("vessels", True) else 0.0
    lymph = tissue["lymph_conductance"] if physics.get("lymph", True) else 0.0
    total, conductivity = blood + lymph, tissue["hydraulic_conductivity"]
    drained = blood * tissue["effective_vessel_pressure"] + lymph * tissue["lymph_pressure"]
    return conductivity, float(np.sqrt(total / conductivity)), drained / total if total else 0.0


def _pressure(result: Result, rate: float, radii: NDArray[np.float64]) -> NDArray[np.float64] | None:
    tissues, physics = result.resolved["tissues"], result.resolved["physics"]
    (k_in, decay_in, rest_in), (k_out, decay_out, rest_out) = (
        _medium(tissues.get(name, tissues["tumour"]), physics) for name in ("tumour", "tissue")
    )
    if physics.get("vessels", True) and decay_out == 0.0:
        return None
    edge = (3 * float(result.summary["tumour"]["volume_m3"]) / (4 * np.pi)) ** (1 / 3)
    wall = float(radii.min())
    # r (p - p_e) is a combination of two waves inside the tumour and decays outside it
    (f_wall, g_wall, df_wall, dg_wall), (f, g, df, dg) = _waves(np.array([wall, edge]), decay_in, wall, edge)
    matrix = np.array(
        [
            [df_wall * wall - f_wall, dg_wall * wall - g_wall, 0.0],
            [f, g, -1.0],
            [k_in * (df * edge - f), k_in * (dg * edge - g), k_out * (decay_out * edge + 1.0)],
        ]
    )
    known = np.array([-rate / (4 * np.pi * k_in), edge * (rest_out - rest_in), 0.0])
    a, b, c = np.linalg.solve(matrix, known)
    waves = _waves(np.minimum(radii, edge), decay_in, wall, edge)
    outer = rest_out + c * np.exp(-decay_out * (radii - edge)) / radii
    return np.where(radii <= edge, rest_in + (a * waves[:, 0] + b * waves[:, 1]) / radii, outer)


def _waves(radii: NDArray[np.float64], decay: float, wall: float, edge: float) -> NDArray[np.float64]:
    """Two solutions of u'' = decay^2 u and their derivatives, shape ``(n, 4)``."""
    if decay == 0.0:
        one = np.ones_like(radii)
        return np.stack([one, radii, 0 * one, one], axis=1)
    rise, fall = np.exp(decay * (radii - edge)), np.exp(-decay * (radii - wall))
    return np.stack([fall, rise, -decay * fall, decay * rise], axis=1)


def _convected(
    result: Result, pulse: dict[str, Any], time: float, radii: NDArray[np.float64]
) -> NDArray[np.float64]:
    porosity = result.resolved["tissues"]["tumour"]["porosity"]
    reaction = (
        result.resolved["agent"]["reaction_rate"] if result.resolved["physics"].get("reaction", True) else 0.0
    )
    travel = 4 * np.pi * porosity * (radii**3 - radii.min() ** 3) / (3 * pulse["rate"])
    behind = travel <= time - pulse["start"]
    return np.where(behind, pulse["concentration"] * np.exp(-reaction * travel), 0.0)

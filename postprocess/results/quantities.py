# SPDX-License-Identifier: MIT
"""Numbers as people read them: three significant digits, in the unit that suits the size."""

import math
from typing import Final

DISPLAY: Final[dict[str, tuple[float, str]]] = {
    "Pa": (1e-3, "kPa"),
    "kg/m3": (1e3, "mg/L"),
    "kg s/m3": (1 / 0.06, "mg min/L"),
    "s": (1 / 60, "min"),
    "1": (1.0, ""),
}
"""SI unit of a field to the factor and the unit in which figures show it."""

_LADDERS: Final[dict[str, tuple[tuple[float, float, str], ...]]] = {
    "volume": ((1e-8, 1e-6, "mL"), (0.0, 1e-9, "µL")),
    "length": ((1e-4, 1e-3, "mm"), (0.0, 1e-6, "µm")),
    "pressure": ((1e6, 1e6, "MPa"), (1e2, 1e3, "kPa"), (0.0, 1.0, "Pa")),
    "mass": ((1.0, 1.0, "kg"), (1e-3, 1e-3, "g"), (1e-8, 1e-6, "mg"), (0.0, 1e-9, "µg")),
    "time": ((1.728e5, 8.64e4, "d"), (7.2e3, 3.6e3, "h"), (6e2, 60.0, "min"), (0.0, 1.0, "s")),
}
"""Quantity to rungs: from this size on [SI], one unit [SI], the unit."""


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, without an exponent where that is short."""
    if not math.isfinite(value):
        return "not finite"
    if value == 0.0:
        return "0"
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    if -4 <= int(power) < digits + 2:
        return f"{float(f'{mantissa}e{power}'):.{max(digits - 1 - int(power), 0)}f}"
    return f"{mantissa}e{int(power)}"


def _text(quantity: str, value: float) -> str:
    rungs = _LADDERS[quantity]
    _, scale, unit = next((rung for rung in rungs if abs(value) >= rung[0]), rungs[-1])
    if value == 0.0:
        unit = rungs[-2][2]
    return f"{significant(value / scale)} {unit}"


def volume_text(value: float) -> str:
    """A volume [m3] in mL or µL; less than a picolitre is rounding of a difference and shown as 0."""
    return _text("volume", value if abs(value) > 1e-15 else 0.0)


def length_text(value: float) -> str:
    """A length [m] in mm or µm."""
    return _text("length", value)


def pressure_text(value: float) -> str:
    """A pressure [Pa] in MPa, kPa or Pa."""
    return _text("pressure", value)


def mass_text(value: float) -> str:
    """A mass [kg] in kg, g, mg or µg."""
    return _text("mass", value)


def duration_text(value: float) -> str:
    """A time [s] in days, hours, minutes or seconds, without idle zeros."""
    number, unit = _text("time", value).split(" ") if value else ("0", "s")
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}"


def percent(fraction: float) -> str:
    """A fraction in per cent; less than a thousandth of a per cent is said to be just that."""
    if 0.0 < abs(fraction) < 1e-5:
        return "< 0.001 %"
    return f"{significant(100 * fraction)} %"

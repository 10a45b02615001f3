# SPDX-License-Identifier: MIT
"""The one door for units: text such as ``"0.5 mL/min"`` becomes a float in SI, or a clear error.

Past this door there are only floats. pint is imported when the first quantity is read, because it takes
half a second. Its registry computes in exact fractions: ``"300 mg/L"`` is 0.3, not 0.29999999999999993.
"""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pint import UnitRegistry


@dataclass(frozen=True)
class Dimension:
    """A kind of quantity.

    Attributes:
        name: as messages call it.
        si: the SI unit that values have inside.
        example: a text that would be accepted.
    """

    name: str
    si: str
    example: str


NUMBER: Final = Dimension("plain number", "1", "0.3")
LENGTH: Final = Dimension("length", "m", "10 mm")
TIME: Final = Dimension("time", "s", "60 s")
VOLUME: Final = Dimension("volume", "m^3", "1 mL")
FLOW_RATE: Final = Dimension("volume per time", "m^3/s", "0.5 mL/min")
PRESSURE: Final = Dimension("pressure", "Pa", "15.6 mmHg")
CONCENTRATION: Final = Dimension("mass per volume", "kg/m^3", "300 mg/L")
DOSE: Final = Dimension("concentration times time", "kg s/m^3", "10 mg min/L")
RATE: Final = Dimension("rate", "1/s", "0.033 1/s")
DIFFUSIVITY: Final = Dimension("diffusivity", "m^2/s", "7.6e-10 m^2/s")
HYDRAULIC_CONDUCTIVITY: Final = Dimension("hydraulic conductivity", "m^2/(Pa s)", "3.1e-14 m^2/(Pa s)")
CONDUCTANCE: Final = Dimension("conductance per volume", "1/(Pa s)", "4.2e-7 1/(Pa s)")
INVERSE_LENGTH: Final = Dimension("surface per volume", "1/m", "200 1/cm")
VISCOSITY: Final = Dimension("viscosity", "Pa s", "1 mPa s")
RESISTANCE: Final = Dimension("pressure per flow", "Pa s/m^3", "1e11 Pa s/m^3")
SPEED: Final = Dimension("permeability", "m/s", "3e-6 m/s")
WALL_CONDUCTIVITY: Final = Dimension("conductivity of a wall", "m/(Pa s)", "2.7e-12 m/(Pa s)")
MOLAR_MASS: Final = Dimension("molar mass", "kg/mol", "67.45 g/mol")
MOLAR_CONCENTRATION: Final = Dimension("amount per volume", "mol/m^3", "50 mmol/L")
SECOND_ORDER: Final = Dimension("rate per concentration", "m^3/(mol s)", "1e5 L/(mol s)")
TEMPERATURE: Final = Dimension("temperature", "K", "41.7 degC")
MASS: Final = Dimension("mass", "kg", "70 kg")
MASS_RATE: Final = Dimension("mass per time", "kg/s", "10 mg/h")
MASS_SHARE: Final = Dimension("mass per mass", "kg/kg", "0.03 mg/kg")

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*")
_UNIT = re.compile(r"[A-Za-zµμ°%0-9²³⁻¹·*/^() .\-]{1,60}")
_LARGE_EXPONENT = re.compile(
    r"(\^|\*\*)\s*\(?\s*-?\s*\d{2}"  # of two digits
    r"|(\^|\*\*)\s*\(?\s*-?\s*\d\s*\)?\s*(\^|\*\*)|\)\s*(\^|\*\*)"  # towers, which would take forever
    r"|[²³¹]{2}|//"
)
_AMBIGUOUS: Final = {"ppm", "ppb", "%"}


class UnitError(ValueError):
    """A value that is not the quantity expected; the message says what was found and expected."""


def to_si(text: object, dimension: Dimension) -> float:
    """The value of a quantity in SI.

    Args:
        text: a number and a unit, ``"15.6 mmHg"``.
        dimension: what the value must be.

    Raises:
        UnitError: no text, no number, no unit, an unknown unit, another dimension, or not finite.
    """
    if not isinstance(text, str):
        raise UnitError(_needs_unit(text, dimension))
    number = _NUMBER.match(text) if len(text) <= 100 else None
    if number is None:
        raise UnitError(_not_a_number(text, dimension))
    unit = text[number.end() :].strip()
    if not unit:
        raise UnitError(f'found "{text.strip()}": missing unit; expected {_expected(dimension)}')
    if unit in _AMBIGUOUS:
        raise UnitError(_why_not(unit, text, dimension))
    return _converted(number.group(1), unit, text, dimension)


def plain_number(value: object) -> float:
    """A dimensionless number, written without quotes.

    Raises:
        UnitError: text, a truth value, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnitError(
            f"found {_quoted(value)}; expected a plain number without unit or quotes, such as 0.3"
        )
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise UnitError(f"found {number}; expected a finite number")
    return number


def si_text(value: float, dimension: Dimension) -> str:
    """A value in SI as text that ``to_si`` reads back."""
    return f"{value:.6g}" if dimension is NUMBER else f"{value:.6g} {dimension.si}"


def _converted(number: str, unit: str, text: str, dimension: Dimension) -> float:
    if not _UNIT.fullmatch(unit) or _LARGE_EXPONENT.search(unit):
        raise UnitError(f"found {_quoted(text)}: cannot read the unit; expected {_expected(dimension)}")
    registry = _registry()
    try:
        units = registry.parse_units(unit.replace("·", "*"))
        expected = registry.parse_units(dimension.si)
        if units.dimensionality != expected.dimensionality:
            raise UnitError(f'found "{text.strip()}", {_kind(unit)}; expected {_expected(dimension)}')
        value = float(registry.Quantity(Fraction(number), units).to(expected).magnitude)
    except UnitError:
        raise
    except OverflowError as error:
        raise UnitError(f"found {_quoted(text)}: not a finite number") from error
    except Exception as error:  # pint raises a dozen kinds, some of them of its tokenizer
        raise UnitError(
            f'found {_quoted(text)}: unknown unit "{unit}"; expected {_expected(dimension)}'
        ) from error
    return value


@cache
def _registry() -> "UnitRegistry[Fraction]":
    import pint

    return pint.UnitRegistry(non_int_type=Fraction)


def _kind(unit: str) -> str:
    powers = dict(_registry().parse_units(unit.replace("·", "*")).dimensionality)
    factors = [f"{name.strip('[]')}^{power}" for name, power in sorted(powers.items())]
    return f"which is {' '.join(factors).replace('^1', '')}" if factors else "which has no dimension"


def _expected(dimension: Dimension) -> str:
    return f'a {dimension.name} with a unit, such as "{dimension.example}"'


def _quoted(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _needs_unit(value: object, dimension: Dimension) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"found {value}: missing unit; expected {_expected(dimension)}"
    return f"found {_quoted(value)}; expected {_expected(dimension)}"


def _not_a_number(text: str, dimension: Dimension) -> str:
    if re.match(r"\s*[+-]?(nan|inf)", text, re.IGNORECASE):
        return f"found {_quoted(text)}: not a finite number; expected {_expected(dimension)}"
    return f"found {_quoted(text)}: no number at its beginning; expected {_expected(dimension)}"


def _why_not(unit: str, text: str, dimension: Dimension) -> str:
    reason = "because it is ambiguous (of mass, volume or moles, in water or in gas)"
    advice = "for a dilute solution in water 1 ppm is about 1 mg/L"
    expected = _expected(dimension)
    return f'found {_quoted(text)}: "{unit}" is not accepted, {reason}; {advice}; expected {expected}'

# SPDX-License-Identifier: MIT
"""The door for units: exact conversions, and refusals that say what was expected."""

import math

import pytest

from cases.schema import units
from cases.schema.units import UnitError, plain_number, to_si

pytestmark = pytest.mark.serial

MMHG = 133.322387415


@pytest.mark.parametrize(
    ("text", "dimension", "expected"),
    [
        ("1 mmHg", units.PRESSURE, MMHG),
        ("1 cm^2/(mmHg s)", units.HYDRAULIC_CONDUCTIVITY, 1e-4 / MMHG),
        ("1 1/(mmHg s)", units.CONDUCTANCE, 1 / MMHG),
        ("1 cm^4/(dyn s)", units.HYDRAULIC_CONDUCTIVITY, 1e-3),
        ("1 µm^2/(kPa s)", units.HYDRAULIC_CONDUCTIVITY, 1e-15),
        ("1 mL/min", units.FLOW_RATE, 1e-6 / 60),
        ("1 mg min/L", units.DOSE, 0.06),
        ("300 mg/L", units.CONCENTRATION, 0.3),
        ("3 g/L", units.CONCENTRATION, 3.0),
        ("3.1e-14 m^2/(Pa s)", units.HYDRAULIC_CONDUCTIVITY, 3.1e-14),
        ("7.6e-10 m²/s", units.DIFFUSIVITY, 7.6e-10),
        ("22.5mm", units.LENGTH, 22.5e-3),
        (" 10  min ", units.TIME, 600.0),
        ("200 1/cm", units.INVERSE_LENGTH, 2e4),
        ("67.45 g/mol", units.MOLAR_MASS, 0.06745),
        ("-5 cmH2O", units.PRESSURE, -490.3325),
    ],
)
def test_conversions(text: str, dimension: units.Dimension, expected: float) -> None:
    assert to_si(text, dimension) == pytest.approx(expected, rel=1e-15)


def test_published_conversions_to_five_digits() -> None:
    # physics literature: Baxter & Jain 1989 in cm, mmHg and seconds
    assert to_si("1 cm^2/(mmHg s)", units.HYDRAULIC_CONDUCTIVITY) == pytest.approx(7.5006e-7, rel=1e-5)
    assert to_si("1 cm/(mmHg s)", units.Dimension("wall conductivity", "m/(Pa s)", "")) == pytest.approx(
        7.5006e-5, rel=1e-5
    )
    assert to_si("1 1/(mmHg s)", units.CONDUCTANCE) == pytest.approx(7.5006e-3, rel=1e-5)
    assert to_si("4.13e-8 cm^2/(mmHg s)", units.HYDRAULIC_CONDUCTIVITY) == pytest.approx(3.098e-14, rel=2e-4)
    tumour, normal = (to_si(f"{k} cm^2/(mmHg s)", units.HYDRAULIC_CONDUCTIVITY) for k in (4.13e-8, 8.53e-9))
    assert tumour / normal == pytest.approx(4.84, abs=5e-3)


def test_decimal_text_gives_the_nearest_float() -> None:
    assert to_si("0.3 mm", units.LENGTH) == 0.3e-3
    assert to_si("10 mg min/L", units.DOSE) == 0.6
    assert to_si("75 mg min/L", units.DOSE) == 4.5


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (10, ["found 10", "missing unit", "length", '"10 mm"']),
        ("10", ["missing unit", "length"]),
        ("10 kg", ["mass", "expected a length"]),
        ("10 mg/L", ["length^-3", "expected a length"]),
        ("nan mm", ["not a finite number"]),
        ("-inf mm", ["not a finite number"]),
        ("1e999 mm", ["not a finite number"]),
        ("10 furlongz", ["unknown unit", "furlongz"]),
        ("10 ppm", ["ppm", "ambiguous", "1 mg/L"]),
        ("ten mm", ["no number"]),
        ("", ["no number"]),
        ("1 m**9**9**9", ["cannot read the unit"]),
        ("1 m^99", ["cannot read the unit"]),
        ("1 (((m^9)^9)^9)^9", ["cannot read the unit"]),
        ("1 m³³³³³³³³³³", ["cannot read the unit"]),
        ("1 __import__('os')", ["cannot read the unit"]),
        ("1 m/(s", ["expected a length"]),
        ("1.2.3 mm", ["expected a length"]),
        ("9" * 5000 + " mm", ["expected a length"]),
        (True, ["True", "expected a length"]),
        (None, ["expected a length"]),
        (["1 mm"], ["expected a length"]),
    ],
)
def test_refusals(value: object, words: list[str]) -> None:
    with pytest.raises(UnitError) as error:
        to_si(value, units.LENGTH)
    for word in words:
        assert word in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("value", [True, "0.3", "0.3 m", math.nan, math.inf, 10**400, None])
def test_plain_numbers_have_neither_unit_nor_quotes(value: object) -> None:
    with pytest.raises(UnitError):
        plain_number(value)


def test_si_text_is_read_back() -> None:
    for dimension in (
        units.LENGTH,
        units.DOSE,
        units.HYDRAULIC_CONDUCTIVITY,
        units.RATE,
        units.INVERSE_LENGTH,
    ):
        assert to_si(units.si_text(1.25e-7, dimension), dimension) == 1.25e-7


def test_examples_have_their_own_dimension() -> None:
    found = [item for item in vars(units).values() if isinstance(item, units.Dimension)]
    assert len(found) > 12
    for dimension in found:
        if dimension is not units.NUMBER:
            assert to_si(dimension.example, dimension) > 0

# SPDX-License-Identifier: MIT
"""Quantities as pydantic types: a dimension, a range, and a JSON Schema that states both."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import core_schema

from cases.schema import units
from cases.schema.units import Dimension, UnitError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

_TEXT_PATTERN: Final = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*[A-Za-zµ°1(]"


class _Placeholder:
    """Stands for a value that was wrong, while the rest of the case is checked."""


PLACEHOLDER: Final = _Placeholder()


@dataclass(frozen=True)
class Quantity:
    """Metadata of a float that is read from text with a unit, or from a number if dimensionless.

    Attributes:
        dimension: of the value.
        low: smallest value allowed [SI].
        high: largest value allowed [SI].
        integer: whether only whole numbers are allowed.
    """

    dimension: Dimension
    low: float
    high: float
    integer: bool = False

    def read(self, value: object) -> float:
        """The value in SI, within its range.

        Raises:
            UnitError: not such a quantity, or out of range.
        """
        if value is PLACEHOLDER:
            return self.low if self.low > 0 or self.high < 0 else self.high
        number = (
            units.plain_number(value)
            if self.dimension is units.NUMBER
            else units.to_si(value, self.dimension)
        )
        if not self.low <= number <= self.high:
            found = f'"{value}"' if isinstance(value, str) else f"{value}"
            raise UnitError(f"found {found}, out of range; expected {self.range_text()}")
        if self.integer and number != int(number):
            raise UnitError(f"found {value}; expected a whole number")
        return int(number) if self.integer else number

    def range_text(self) -> str:
        """The range as a person reads it."""
        low, high = (units.si_text(bound, self.dimension) for bound in (self.low, self.high))
        return f"{low} to {high}"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: "GetCoreSchemaHandler"
    ) -> core_schema.CoreSchema:
        """Validation by ``read`` alone: no coercion by pydantic."""
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        """Schema of the text or number, with dimension, SI unit and range for editors."""
        if self.dimension is units.NUMBER:
            kind = "integer" if self.integer else "number"
            return {"type": kind, "minimum": self.low, "maximum": self.high}
        return {
            "type": "string",
            "pattern": _TEXT_PATTERN,
            "examples": [self.dimension.example],
            "x-dimension": self.dimension.name,
            "x-unit-si": self.dimension.si,
            "x-minimum-si": self.low,
            "x-maximum-si": self.high,
        }

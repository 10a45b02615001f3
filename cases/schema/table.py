# SPDX-License-Identifier: MIT
"""The closed table: what every table of a case file has in common."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict

from cases.schema import units
from cases.schema.quantity import Quantity

CLOSED: Final = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

Table = BaseModel
"""Base of every table; each sets ``model_config = CLOSED``."""


def _as_base(value: Any) -> Any:
    return {"base": value} if isinstance(value, str) else value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


NAMED: Final = BeforeValidator(_as_base)
"""A library name stands for a table with that ``base``."""

ONE_OR_MORE: Final = BeforeValidator(_as_list)
"""A single table stands for a list of one."""

Length = Annotated[float, Quantity(units.LENGTH, 1e-6, 1.0)]
Coordinate = Annotated[float, Quantity(units.LENGTH, -10.0, 10.0)]
Moment = Annotated[float, Quantity(units.TIME, 0.0, 1e8)]
Duration = Annotated[float, Quantity(units.TIME, 1e-9, 1e8)]

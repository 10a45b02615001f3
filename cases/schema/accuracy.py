# SPDX-License-Identifier: MIT
"""One setting for mesh, steps and solvers together: how large the error of the ablation volumes may be.

What a level or a target means was measured on the reference and the spill case (docs/numerics.md, section
"Accuracy"): the relative error of the volumes, mean over the thresholds, falls as ``cells_per_front`` to a
power. Other cases may err several times more or less: a sharp front asks for more cells than a smooth one.
The estimate in the summary is that of the run itself.
"""

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import core_schema

from cases.schema.quantity import PLACEHOLDER
from cases.schema.units import UnitError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

STANDARD: Final = "standard"
LEVELS: Final[dict[str, float]] = {"draft": 2.5, STANDARD: 1.0, "fine": 0.5}
"""Error at a level over that at the standard one."""

RANGE: Final = (1e-4, 0.5)
"""Smallest and largest error that may be asked for."""

CELLS_RANGE: Final = (0.6, 20.0)
"""Fewer cells than this do not see the front; more than this are not what a target error can ask for."""

TOLERANCE_RANGE: Final = (0.2, 4.0)
"""Least and greatest change of the tolerances of the steps."""

BALANCED: Final = 0.0015
"""Error of the volumes at which steps of the default tolerances err by a third of it [-]."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What was measured in one kind of mesh.

    Attributes:
        cells: `cells_per_front` at the standard accuracy.
        error: of the ablation volumes there, relative.
        order: of the error in `cells_per_front`.
    """

    cells: float
    error: float
    order: float


# Labels: from radial meshes with their edge lengths; the truth of a mesh from labels itself is not known.
CALIBRATIONS: Final[dict[str, Calibration]] = {
    "radial": Calibration(cells=3.0, error=0.0017, order=1.0),
    "axisymmetric": Calibration(cells=2.5, error=0.009, order=1.3),
    "3d": Calibration(cells=3.5, error=0.02, order=1.2),
    "labels": Calibration(cells=1.4, error=0.07, order=1.5),
}


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """What an accuracy asks for.

    Attributes:
        cells_per_front: sets the mesh.
        tolerances: factor on the tolerances of the steps.
    """

    cells_per_front: float
    tolerances: float


def resolution(accuracy: str | float, kind: str) -> Resolution:
    """Mesh and tolerances for an accuracy.

    Args:
        accuracy: a level, or the relative error of the ablation volumes that is aimed at.
        kind: ``radial``, ``axisymmetric``, ``3d`` or ``labels``.
    """
    known = CALIBRATIONS[kind]
    error = LEVELS[accuracy] * known.error if isinstance(accuracy, str) else accuracy
    cells = known.cells * (known.error / error) ** (1.0 / known.order)
    tolerances = (error / BALANCED) ** (1.0 / 3.0)
    return Resolution(
        cells_per_front=min(max(cells, CELLS_RANGE[0]), CELLS_RANGE[1]),
        tolerances=min(max(tolerances, TOLERANCE_RANGE[0]), TOLERANCE_RANGE[1]),
    )


@dataclass(frozen=True)
class Accuracy:
    """Metadata of a key that takes a level, a number such as 0.02 or a percentage such as "2 %"."""

    def read(self, value: object) -> str | float:
        """The level, or the error as a number.

        Raises:
            UnitError: neither, or out of range.
        """
        if value is PLACEHOLDER:
            return STANDARD
        levels, (low, high) = ", ".join(LEVELS), RANGE
        expected = f'one of {levels}, or a relative error from {low:g} to {high:g}, as 0.02 or "2 %"'
        if isinstance(value, str):
            if value.strip() in LEVELS:
                return value.strip()
            percentage = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*%\s*", value)
            if percentage is None:
                raise UnitError(f'found "{value[:60]}"; expected {expected}')
            number = float(percentage.group(1)) / 100.0
        elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise UnitError(f"found {value!r:.60}; expected {expected}")
        else:
            number = float(value)
        if not low <= number <= high:
            raise UnitError(f"found {value!r:.60}, out of range; expected {expected}")
        return number

    def __get_pydantic_core_schema__(
        self, source: Any, handler: "GetCoreSchemaHandler"
    ) -> core_schema.CoreSchema:
        """Validation by ``read`` alone."""
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        """Schema for editors: a level, a number or a percentage."""
        return {
            "anyOf": [
                {"enum": list(LEVELS)},
                {"type": "number", "minimum": RANGE[0], "maximum": RANGE[1]},
                {"type": "string", "pattern": r"^\s*(\d+\.?\d*|\.\d+)\s*%\s*$"},
            ]
        }

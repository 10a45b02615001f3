# SPDX-License-Identifier: MIT
"""Fields of tissue of a case: what the tables ask for, in SI."""

from pathlib import Path
from typing import Final

from cases.schema import units
from cases.schema.case import CaseFile
from cases.schema.fields import TissueFieldTable
from cases.schema.units import Dimension
from meshes.regions import REGION_NAMES
from solver.parameters.fields import TissueField

DIMENSIONS: Final[dict[str, Dimension]] = {
    "hydraulic_conductivity": units.HYDRAULIC_CONDUCTIVITY,
    "perfusion": units.RATE,
    "porosity": units.NUMBER,
}
"""Quantities whose value a source can give."""
SMOOTHNESS: Final = {"exponential": 0.5, "smooth": 2.5}


def make_fields(case: CaseFile, folder: Path) -> tuple[TissueField, ...]:
    """The fields of a checked case."""
    return tuple(_made(table, folder) for table in case.tissue_fields)


def scale(table: TissueFieldTable) -> float:
    """SI units per unit of the source; 1 where it holds no value.

    Raises:
        UnitError: no unit, or one of another dimension.
    """
    dimension = DIMENSIONS.get(table.quantity, units.NUMBER)
    if table.mode != "value" or dimension is units.NUMBER:
        return 1.0
    return units.to_si(f"1 {table.unit or ''}", dimension)


def _made(table: TissueFieldTable, folder: Path) -> TissueField:
    tags = {name: tag for tag, name in REGION_NAMES.items()}
    return TissueField(
        quantity=table.quantity,
        source=table.source,
        regions=tuple(sorted(tags[name] for name in table.regions)),
        path=folder / table.path if table.path is not None else None,
        array=table.array,
        length=units.to_si(f"1 {table.length_unit}", units.LENGTH),
        mode=table.mode,
        scale=scale(table),
        fill=table.fill,
        smallest=table.smallest,
        largest=table.largest,
        correlation_length=table.correlation_length,
        log_deviation=table.log_deviation,
        smoothness=SMOOTHNESS[table.smoothness],
        seed=table.seed,
    )

# SPDX-License-Identifier: MIT
"""The field table: what every stored field is called, means and is measured in."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, kw_only=True)
class Field:
    """One stored field.

    Attributes:
        key: name in field files and in code.
        label: words for axes and colour bars.
        symbol: as in docs/notation.md, in matplotlib's mathematical text.
        unit: SI unit of the stored values; ``1`` for a pure number.
        location: where the values live, on vertices (``point``) or in cells (``cell``).
        components: values per place; vectors have three, in every geometry.
    """

    key: str
    label: str
    symbol: str
    unit: str
    location: Literal["point", "cell"]
    components: int = 1


PRESSURE: Final = Field(
    key="interstitial_fluid_pressure",
    label="interstitial fluid pressure",
    symbol="$p$",
    unit="Pa",
    location="point",
)
CONCENTRATION: Final = Field(
    key="agent_concentration", label="agent concentration", symbol="$C$", unit="kg/m3", location="point"
)
CT_DOSE: Final = Field(key="ct_dose", label="CT dose", symbol="$CT$", unit="kg s/m3", location="point")
PEAK_CONCENTRATION: Final = Field(
    key="peak_concentration",
    label="peak agent concentration",
    symbol=r"$C_{\max}$",
    unit="kg/m3",
    location="point",
)
LARGEST_PRESSURE: Final = Field(
    key="largest_pressure", label="largest pressure so far", symbol=r"$p_{\max}$", unit="Pa", location="point"
)
DILATATION: Final = Field(key="dilatation", label="dilatation", symbol="$e$", unit="1", location="point")
OPEN_VESSELS: Final = Field(
    key="open_vessel_fraction", label="fraction of vessels open", symbol="$n$", unit="1", location="point"
)
REGION: Final = Field(key="region", label="region", symbol="", unit="1", location="cell")
DARCY_FLUX: Final = Field(
    key="darcy_flux", label="Darcy flux", symbol="$q$", unit="m/s", location="cell", components=3
)
CONDUCTIVITY: Final = Field(
    key="hydraulic_conductivity",
    label="hydraulic conductivity",
    symbol="$K$",
    unit="m2/(Pa s)",
    location="cell",
)

FIELDS: Final[dict[str, Field]] = {
    field.key: field
    for field in (
        PRESSURE,
        CONCENTRATION,
        CT_DOSE,
        PEAK_CONCENTRATION,
        LARGEST_PRESSURE,
        DILATATION,
        OPEN_VESSELS,
        REGION,
        DARCY_FLUX,
        CONDUCTIVITY,
    )
}
"""Every stored field by key. ``region`` does not change in time; the others do."""

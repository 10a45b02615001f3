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
INTACT_VESSELS: Final = Field(
    key="intact_vessels",
    label="vessels that the agent left intact",
    symbol="$n_d$",
    unit="1",
    location="point",
)
RELATIVE_PERFUSION: Final = Field(
    key="relative_perfusion",
    label="blood flow over that at rest",
    symbol="$nF/F_0$",
    unit="1",
    location="point",
)
ARTERIAL_PRESSURE: Final = Field(
    key="arterial_pressure", label="arterial pressure", symbol="$p_a$", unit="Pa", location="point"
)
VENOUS_PRESSURE: Final = Field(
    key="venous_pressure", label="venous pressure", symbol="$p_b$", unit="Pa", location="point"
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

DISPLACEMENT: Final = Field(
    key="displacement", label="displacement", symbol="$u$", unit="m", location="point", components=3
)
REDUCTANT: Final = Field(
    key="reductant_left", label="reductant left", symbol="$S/S_0$", unit="1", location="point"
)
CELL_CONCENTRATION: Final = Field(
    key="cell_concentration",
    label="agent concentration in cells",
    symbol="$C_c$",
    unit="kg/m3",
    location="point",
)
CELL_DOSE: Final = Field(
    key="cell_dose", label="CT dose in cells", symbol="$CT_c$", unit="kg s/m3", location="point"
)
PRODUCT: Final = Field(
    key="product_concentration",
    label="by-product concentration",
    symbol="$C_b$",
    unit="kg/m3",
    location="point",
)
WATSON_SURVIVAL: Final = Field(
    key="chick_watson_survival",
    label="survival by Chick-Watson",
    symbol=r"$\sigma_{CW}$",
    unit="1",
    location="point",
)
HOM_SURVIVAL: Final = Field(
    key="hom_survival", label="survival by Hom", symbol=r"$\sigma_H$", unit="1", location="point"
)
DRUG_SURVIVAL: Final = Field(
    key="drug_survival", label="survival of the drug", symbol=r"$\sigma_D$", unit="1", location="point"
)
THERMAL_DOSE: Final = Field(
    key="thermal_dose",
    label="equivalent time at 43 degC",
    symbol=r"$t_{43}$",
    unit="s",
    location="point",
)
WITHOUT_OXYGEN: Final = Field(
    key="time_without_oxygen",
    label="longest time without oxygen",
    symbol=r"$t_{O_2}$",
    unit="s",
    location="point",
)
INJECTATE: Final = Field(
    key="injectate_fraction",
    label="share of injectate in interstitial fluid",
    symbol="$s$",
    unit="1",
    location="point",
)
GEL: Final = Field(key="gel_degree", label="degree of gelling", symbol="$g$", unit="1", location="point")

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
        INTACT_VESSELS,
        RELATIVE_PERFUSION,
        ARTERIAL_PRESSURE,
        VENOUS_PRESSURE,
        REGION,
        DARCY_FLUX,
        CONDUCTIVITY,
        INJECTATE,
        GEL,
        DISPLACEMENT,
        REDUCTANT,
        CELL_CONCENTRATION,
        CELL_DOSE,
        PRODUCT,
        WATSON_SURVIVAL,
        HOM_SURVIVAL,
        DRUG_SURVIVAL,
        THERMAL_DOSE,
        WITHOUT_OXYGEN,
    )
}
"""Every stored field by key. ``region`` does not change in time; the others do."""

# SPDX-License-Identifier: MIT
"""The resolved case as tables for people: words, units, one column per tissue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from postprocess.results.quantities import duration_text, length_text, volume_text

UNITS: Final[dict[str, tuple[str, float, str]]] = {
    "hydraulic_conductivity": ("hydraulic conductivity K0 at rest", 1.0, "m²/(Pa s)"),
    "porosity": ("porosity", 1.0, ""),
    "confined_modulus": ("confined modulus H", 1e-3, "kPa"),
    "shear_modulus": ("shear modulus", 1e-3, "kPa"),
    "dilatation_exponent": ("dilatation exponent M", 1.0, ""),
    "fissuring_ratio": ("fissuring ratio", 1.0, ""),
    "fissuring_pressure": ("fissuring pressure", 1e-3, "kPa"),
    "fissuring_width": ("fissuring width", 1e-3, "kPa"),
    "vessel_conductance": ("vessel conductance Lp S/V", 1.0, "1/(Pa s)"),
    "vessel_pressure": ("pressure in the microvessels", 1e-3, "kPa"),
    "effective_vessel_pressure": ("effective vessel pressure", 1e-3, "kPa"),
    "closure_margin": ("margin of vessel closure", 1e-3, "kPa"),
    "closure_width": ("width of vessel closure", 1e-3, "kPa"),
    "perfusion": ("perfusion F", 60.0, "mL/min per mL"),
    "permeability_surface": ("permeability-surface product", 1.0, "1/s"),
    "lymph_conductance": ("lymph conductance", 1.0, "1/(Pa s)"),
    "lymph_pressure": ("lymph pressure", 1e-3, "kPa"),
    "diffusivity": ("diffusivity of the agent", 1.0, "m²/s"),
    "longitudinal_dispersivity": ("dispersivity along the flow", 1e3, "mm"),
    "transverse_dispersivity": ("dispersivity across the flow", 1e3, "mm"),
    "viscosity": ("viscosity of the injectate in the needle", 1e3, "mPa s"),
    "density": ("density of the injectate", 1.0, "kg/m³"),
    "viscosity_ratio": ("viscosity of the injectate over that of tissue fluid", 1.0, ""),
    "gel_fraction": ("share of injectate below which it gels", 1.0, ""),
    "gel_ratio": ("conductivity without over that with gel", 1.0, ""),
    "reaction_rate": ("reaction rate k", 1.0, "1/s"),
    "molar_mass": ("molar mass", 1e3, "g/mol"),
    "plasma_concentration": ("concentration in arriving blood", 1e3, "mg/L"),
    "rate_constant": ("rate constant k2 with the reductant", 1e3, "L/(mol s)"),
    "stoichiometry": ("agent per reductant used up", 1.0, "mol/mol"),
    "by_product_yield": ("by-product per agent used up", 1.0, "kg/kg"),
    "reductant_tumour": ("reductant S0 of the tumour", 1.0, "mmol/L"),
    "reductant_tissue": ("reductant S0 of the tissue", 1.0, "mmol/L"),
    "reductant_necrotic_core": ("reductant S0 of the necrotic core", 1.0, "mmol/L"),
    "reductant_capsule": ("reductant S0 of the capsule", 1.0, "mmol/L"),
    "first_step": ("first step after an event", 1.0, "s"),
    "largest_step": ("largest step", 1.0, "s"),
    "smallest_step": ("smallest step", 1.0, "s"),
    "fixed_step": ("fixed step", 1.0, "s"),
    "domain_radius": ("radius of the domain", 1e3, "mm"),
    "capsule_thickness": ("thickness of the capsule", 1e3, "mm"),
    "margin": ("tissue kept around the tumour", 1e3, "mm"),
    "smoothing": ("smoothing of the surface", 1e3, "mm"),
    "semi_axes": ("semi-axes of the tumour", 1e3, "mm"),
    "centre": ("centre of the tumour", 1e3, "mm"),
    "sizes": ("edge lengths", 1e3, "mm"),
    "schedule.end": ("end", 1.0, "s"),
    "schedule.outputs": ("outputs", 1.0, "s"),
    "checkpoint.interval": ("interval", 1.0, "s"),
    "thresholds.ct": ("CT dose", 1 / 0.06, "mg min/L"),
    "thresholds.peak": ("peak concentration", 1e3, "mg/L"),
    "injections.start": ("start", 1.0, "s"),
    "injections.volume": ("volume", 1e6, "mL"),
    "injections.rate": ("rate", 6e7, "mL/min"),
    "injections.concentration": ("concentration", 1e3, "mg/L"),
    "injections.decay": ("decay in the syringe", 1.0, "1/s"),
    "injections.filled": ("syringe filled", 1.0, "s"),
    "injections.cavity_radius": ("radius of the cavity", 1e3, "mm"),
    "injections.drive.pressure": ("pressure of the syringe", 1e-3, "kPa"),
    "injections.drive.rise": ("rise of that pressure", 1.0, "s"),
    "injections.line.diameter": ("inner diameter of the needle", 1e3, "mm"),
    "injections.line.resistance": ("resistance of needle and tubing", 1.0, "Pa s/m³"),
    "geometry.sites.tip": ("tip", 1e3, "mm"),
    "geometry.sites.needle_radius": ("radius of the needle", 1e3, "mm"),
    "geometry.sites.source_radius": ("radius of the source", 1e3, "mm"),
    "geometry.sites.shaft_length": ("length of the shaft", 1e3, "mm"),
    "backflow.exit_distance": ("distance to the exit", 1e3, "mm"),
    "backflow.exit_pressure": ("pressure at the exit", 1e-3, "kPa"),
    "backflow.prestress": ("prestress of the track", 1e-3, "kPa"),
    "backflow.residual_gap": ("gap at rest", 1e6, "µm"),
    "body.weight": ("weight", 1.0, "kg"),
    "body.central_volume": ("central volume", 1e3, "L"),
    "body.peripheral_volume": ("peripheral volume", 1e3, "L"),
    "chemistry.uptake.membrane_rate": ("rate across the membrane", 1.0, "1/s"),
    "kill.chick_watson.times": ("times", 1.0, "s"),
    "kill.hom.times": ("times", 1.0, "s"),
    "kill.heat.doses": ("doses", 1.0, "s"),
    "kill.heat.start": ("start", 1.0, "s"),
    "kill.heat.duration": ("duration", 1.0, "s"),
    "kill.heat.temperature": ("temperature", 1.0, "K"),
    "kill.ischaemia.start": ("start", 1.0, "s"),
    "kill.ischaemia.duration": ("duration", 1.0, "s"),
    "kill.ischaemia.times": ("times", 1.0, "s"),
    "vessels.reopening_gap": ("gap of reopening", 1e-3, "kPa"),
    "vessels.chemical.rate": ("rate of closure", 1.0, "1/s"),
    "vessels.two_pressures.arterial_pressure": ("arterial pressure", 1e-3, "kPa"),
    "vessels.two_pressures.venous_pressure": ("venous pressure", 1e-3, "kPa"),
}
"""Key of the resolved case to words, factor from SI and unit shown; other keys are shown as they stand.

A key that means different things in different tables stands under its whole path, without numbers of lists.
"""

SECTIONS: Final = {
    "physics": "Physics",
    "numerics": "Numerics",
    "schedule": "Schedule",
    "geometry": "Geometry",
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with a title.

    Attributes:
        title: above it.
        head: column heads; empty for a table of names and values.
        rows: cells as text.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def value_text(key: str, value: Any) -> str:
    """A value of the resolved case in the unit of its key; given numbers keep their digits."""
    _, factor, unit = UNITS.get(key, ("", 1.0, ""))
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        texts = [value_text("", factor * item if isinstance(item, float) else item) for item in value]
        return " ".join([", ".join(texts), unit]).strip()
    if isinstance(value, float):
        return f"{factor * value:.5g} {unit}".strip()
    return str(value)


def words_of(key: str) -> str:
    """A key of the resolved case in words."""
    return UNITS[key][0] if key in UNITS else key.rpartition(".")[2].replace("_", " ")


def unit_key(path: Sequence[str]) -> str:
    """Under which key `UNITS` has a value of the resolved case; its own last part where it has none."""
    whole = ".".join(part for part in path if not part.isdigit())
    if whole in UNITS:
        return whole
    shared = len(path) > 1 and path[-2] in UNITS and path[-1] != "growth"
    return path[-2] if shared else path[-1]


def _injections(resolved: Mapping[str, Any]) -> list[Table]:
    rows = []
    for pulse in resolved.get("injections", []):
        rate = f"{float(pulse['rate']) * 60e6:.5g}"
        start = duration_text(float(pulse["start"]))
        concentration = f"{1e3 * float(pulse['concentration']):.5g} mg/L"
        drive, how = pulse.get("drive"), f"{rate} mL/min"
        if drive and drive.get("withdraws"):
            how, concentration = f"{how}, withdrawn", ""
        elif drive:
            how = f"at {1e-3 * float(drive['pressure']):.5g} kPa"
        rows.append((str(pulse["site"] + 1), start, volume_text(pulse["volume"]), how, concentration))
    return [
        Table(title="Injections", head=("site", "start", "volume", "rate", "concentration"), rows=tuple(rows))
    ]


def _sites(resolved: Mapping[str, Any]) -> list[Table]:
    rows = []
    for number, site in enumerate(resolved.get("geometry", {}).get("sites", []), start=1):
        tip = ", ".join(f"{1e3 * float(x):.5g}" for x in site["tip"])
        direction = ", ".join(f"{float(x):.4g}" for x in site["direction"])
        rows.append((str(number), f"{tip} mm", direction, length_text(2 * float(site["needle_radius"]))))
    return [Table(title="Needles", head=("site", "tip", "direction", "outer diameter"), rows=tuple(rows))]


def _flat(key: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        scale = UNITS.get(key)
        rows = []
        for name, item in value.items():
            if scale and isinstance(item, float) and name != "growth":
                rows.append((f"{scale[0]}, {words_of(name)}", f"{scale[1] * item:.5g} {scale[2]}"))
            else:
                rows += [(f"{words_of(key)}, {words}", text) for words, text in _flat(name, item)]
        return rows
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return [row for number, item in enumerate(value, start=1) for row in _flat(f"{key} {number}", item)]
    return [(words_of(key), value_text(key, value))] if value != [] else []


def _known(section: str, key: str) -> str:
    """The whole path of a key that has its unit by that."""
    return f"{section}.{key}" if f"{section}.{key}" in UNITS else key


def case_tables(resolved: Mapping[str, Any]) -> list[Table]:
    """Tables of the resolved case: injections, needles, then the rest by section; not its materials."""
    tables = [*_injections(resolved), *_sites(resolved)]
    for section, title in SECTIONS.items():
        entries = {key: value for key, value in resolved.get(section, {}).items() if key != "sites"}
        rows = tuple(row for key, value in entries.items() for row in _flat(_known(section, key), value))
        tables.append(Table(title=title, head=(), rows=rows))
    return [table for table in tables if table.rows]

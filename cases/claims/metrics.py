# SPDX-License-Identifier: MIT
"""One number for each draw of a claim, from the tables of its sweeps."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from cases.claims.closed_forms import injection_numbers, lifetimes
from cases.claims.draws import generator
from cases.claims.routes import smaller_advantages

Floats = NDArray[np.float64]
Tables = Mapping[str, pd.DataFrame]

ZONE: Final = "ablation.ct_4.5"
"""The zone of 75 mg min/L, which every reference case reports."""
HARMLESS: Final = 5e-3
"""Largest ball of injured normal tissue that the claim would call little [m]."""
NEEDED: Final = 0.95
BOOTSTRAPS: Final = 400


def paired(
    table: pd.DataFrame, column: str, axis: str, first: object, second: object
) -> tuple[Floats, Floats]:
    """A column at two values of an axis, draw by draw; draws of which one failed are left out."""
    inputs = [name for name in table.columns if name.startswith("in.") and name != axis]
    sides = [table[table[axis] == value].set_index(inputs)[column] for value in (first, second)]
    both = pd.concat(sides, axis=1, join="inner").dropna()
    return np.asarray(both.iloc[:, 0], dtype=float), np.asarray(both.iloc[:, 1], dtype=float)


def by_draw(tables: Tables, column: str, first: str, second: str) -> tuple[Floats, Floats]:
    """A column of two sweeps with the same draws, draw by draw."""
    inputs = [name for name in tables[first].columns if name.startswith("in.")]
    sides = [tables[name].set_index(inputs)[column] for name in (first, second)]
    both = pd.concat(sides, axis=1, join="inner").dropna()
    return np.asarray(both.iloc[:, 0], dtype=float), np.asarray(both.iloc[:, 1], dtype=float)


def shift_by_diffusion(tables: Tables) -> Floats:
    """Difference of the zone's radius with and without diffusion [mm]."""
    found = paired(tables[""], f"{ZONE}.equivalent_radius_m", "in.physics.diffusion", "true", "false")
    return 1e3 * np.abs(found[0] - found[1])


def lifetime_in_reductant(tables: Tables) -> Floats:
    """phi/(k2 S0) over the priors [s]; no run is needed."""
    return lifetimes()


def left_the_tumour(tables: Tables) -> dict[str, Floats]:
    """Agent that left the tumour, gross, and along the track [%], by scenario."""
    parts = {}
    for name, table in tables.items():
        out = np.asarray(table["spill.crossed_fraction"], dtype=float)
        if "ledger.agent.backflow_kg" in table:
            out = out + np.asarray(table["ledger.agent.backflow_kg"] / table["ledger.agent.injected_kg"])
        parts[name] = 100 * out
    return parts


def selective(tables: Tables) -> Floats:
    """How far the worse of both conditions is missed [mm]; 0 or less where both hold.

    In normal tissue the radius of the zone over 5 mm, in the tumour the radius missing to 95 % of its volume.
    Draws of the two sweeps are independent, so each of one is set against each of the other.
    """
    tumour, normal = tables["tumour"], tables["normal tissue"]
    whole = float(np.cbrt(3 * float(tumour["tumour.volume_m3"].iloc[0]) / (4 * np.pi)))
    missing = whole * (np.cbrt(NEEDED) - np.cbrt(np.asarray(tumour[f"{ZONE}.coverage"], dtype=float)))
    excess = np.asarray(normal[f"{ZONE}.equivalent_radius_m"], dtype=float) - HARMLESS
    return 1e3 * np.maximum.outer(missing, excess).ravel()


def washed_into_blood(tables: Tables) -> dict[str, Floats]:
    """Agent washed into blood [%], by the shape of the conductivity law."""
    groups = tables[""].groupby("in.physics.conductivity")["blood.absorbed_fraction"]
    return {str(law): 100 * np.asarray(values, dtype=float) for law, values in groups}


def closed_by_the_agent(tables: Tables) -> Floats:
    """Perfused share of the tumour after saline less that after the agent, pressure at rest [points]."""
    agent, saline = by_draw(tables, "vessels.lasting.perfused_fraction_tumour", "agent", "saline")
    return 100 * (saline - agent)


def correlation_with_permeability(tables: Tables) -> Floats:
    """Rank correlation of radius and L_p S/V, bootstrapped for its band."""
    table = tables[""]
    x = np.asarray(table["in.tissues.tumour.vessel_conductance"], dtype=float)
    y = np.asarray(table[f"{ZONE}.equivalent_radius_m"], dtype=float)
    pick = generator().integers(len(x), size=(BOOTSTRAPS, len(x)))
    return np.array([spearmanr(x[chosen], y[chosen]).statistic for chosen in pick])


def amplification(tables: Tables) -> Floats:
    """Collapsed over exposed volume, counting what stays collapsed."""
    return np.asarray(tables[""]["vessels.lasting.amplification"], dtype=float)


def taken_by_a_vein(tables: Tables) -> dict[str, Floats]:
    """Agent that blood takes with a vein, less that without, draw by draw [points], by distance."""
    column, place = "blood.absorbed_fraction", "in.vessel_lines.0.points.0.0"
    without = tables["no vein"]
    inputs = [name for name in without.columns if name.startswith("in.")]
    both = tables["vein"].merge(without[[*inputs, column]], on=inputs, suffixes=("", "_without"))
    both["taken"] = 100 * (both[column] - both[f"{column}_without"])
    return {f"{1e3 * far:g} mm": np.asarray(rows["taken"], dtype=float) for far, rows in both.groupby(place)}


def injection_number(tables: Tables) -> Floats:
    """Q/(4 pi K a 2.5 mu) of rigid tissue over the priors; no run is needed."""
    return injection_numbers()


def change_with_concentration(tables: Tables) -> Floats:
    """Relative change of the oxidised radius between 3 and 0.3 g/L [%]."""
    column = "chemistry.oxidised_equivalent_radius_m"
    high, low = paired(tables[""], column, "in.agent.concentration", 3.0, 0.3)
    return 100 * np.abs(1 - low / high)


def spread_between_presets(tables: Tables) -> Floats:
    """Spread of the presets' medians of coverage over the mean width of their own bands, bootstrapped."""
    table, preset = tables[""], "in.tissues.tumour"
    groups = [np.asarray(rows[f"{ZONE}.coverage"], dtype=float) for _, rows in table.groupby(preset)]
    rng = generator()
    found = []
    for _ in range(BOOTSTRAPS):
        drawn = [rng.choice(group, len(group)) for group in groups]
        width = np.mean([np.percentile(part, 95) - np.percentile(part, 5) for part in drawn])
        found.append(np.ptp([np.median(part) for part in drawn]) / max(width, 1e-12))
    return np.array(found)


def arterial_advantage(tables: Tables) -> dict[str, Floats]:
    """How many times an artery raises the tumour's AUC and lowers that of plasma, the smaller, by drug."""
    return smaller_advantages()


def chlorite_over_reference(tables: Tables) -> Floats:
    """Dose of the by-product over its reference dose of a day."""
    return np.asarray(tables[""]["body.by_product.over_reference"], dtype=float)


METRICS: Final[dict[str, Callable[[Tables], Floats | dict[str, Floats]]]] = {
    function.__name__: function
    for function in (
        shift_by_diffusion,
        lifetime_in_reductant,
        left_the_tumour,
        selective,
        washed_into_blood,
        closed_by_the_agent,
        correlation_with_permeability,
        amplification,
        taken_by_a_vein,
        injection_number,
        change_with_concentration,
        spread_between_presets,
        chlorite_over_reference,
        arterial_advantage,
    )
}

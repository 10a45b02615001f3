# SPDX-License-Identifier: MIT
"""What the vascular routes say of a claim: the same dose into a vein and into the artery, drug by drug.

Numbers of the drugs are drawn from the ranges that the library states, those of the liver from ranges below.
"""

import tempfile
from pathlib import Path
from typing import Any, Final

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from cases import catalogue
from cases.claims.draws import generator
from cases.running.reuse import Reuse
from cases.schema import units
from cases.schema.quantity import Quantity

Floats = NDArray[np.float64]

BASE: Final = Path(__file__).parents[1] / "shipped" / "reference.toml"
DRUGS: Final = ("fudr", "fluorouracil", "doxorubicin", "cisplatin", "gemcitabine")
DRAWS: Final = 16
"""For each drug."""
ARTERY: Final = (0.25e-3 / 60, 0.6e-3 / 60)
"""Flow of the hepatic artery about that of the public flow function [m3/s]; a prior."""
SHARE: Final = (0.8, 1.0)
"""Of arterial blood in the tumour's, from qualitative sources."""
MEASURED_EXTRACTION: Final = {"gemcitabine": (0.55, 0.89)}
"""Of drugs whose first pass saturates, at the doses at which it was measured (van Riel et al. 2009)."""
UNSURE: Final = 0.3
"""Of a number for which the library states no range."""

FILE: Final = """\
name = "{drug}"
case = "{base}"
set = ['tissues.tumour="hepatocellular_carcinoma"', 'tissues.tissue="liver"', "numerics.cells_per_front=2"]
end = "2 d"
organ = {{ artery_flow = "{artery!r} m^3/s", tumour_share = {share!r} }}
"""
ROUTE: Final = """
[[route]]
name = "{kind}"
kind = "{kind}"
agent = "{drug}"
extraction = {extraction!r}
set = [{changes}]
dose = [{{ amount = "0.1 g", duration = "2 h" }}]
"""


def stated_range(drug: str, name: str) -> tuple[float, float]:
    """Range of a number of a drug in the library, in SI; about its value where none is stated."""
    entry = catalogue.entries("agents")[drug].values[name]
    dimension = {
        "clearance": units.FLOW_RATE,
        "vessel_permeability": units.SPEED,
        "extraction": units.NUMBER,
    }[name]
    quantity = Quantity(dimension, -np.inf, np.inf)
    if entry.range:
        low, high = (quantity.read(end) for end in entry.range)
        return low, high
    value = quantity.read(entry.value)
    return value * (1 - UNSURE), value * (1 + UNSURE)


def advantages(draws: int = DRAWS) -> dict[str, list[dict[str, Any]]]:
    """Both ways of each draw: by drug, gain of the tumour's AUC, relief of plasma, R_d and its formula."""
    reuse, found = Reuse(), {}
    for number, drug in enumerate(DRUGS):
        known = stated_range(drug, "clearance"), stated_range(drug, "vessel_permeability")
        first_pass = MEASURED_EXTRACTION.get(drug) or stated_range(drug, "extraction")
        cube = qmc.LatinHypercube(5, rng=generator(number)).random(draws)
        # orders of magnitude uniform in the logarithm, shares in themselves
        wide = [low * (high / low) ** cube[:, i] for i, (low, high) in enumerate((ARTERY, *known))]
        narrow = [low + (high - low) * cube[:, 3 + i] for i, (low, high) in enumerate((SHARE, first_pass))]
        rows = np.column_stack([*wide, *narrow])
        found[drug] = [_both(drug, [float(value) for value in row], reuse) for row in rows]
    return found


def _both(drug: str, numbers: list[float], reuse: Reuse) -> dict[str, Any]:
    from cases.routes.entries import route_entries
    from cases.routes.read import load_comparison

    artery, clearance, permeability, share, extraction = numbers
    changes = f'"agent.clearance={clearance!r} m^3/s", "agent.vessel_permeability={permeability!r} m/s"'
    text = FILE.format(drug=drug, base=BASE, artery=artery, share=share)
    for kind in ("intravenous", "arterial"):
        text += ROUTE.format(kind=kind, drug=drug, extraction=extraction, changes=changes)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "routes.toml"
        path.write_text(text, encoding="utf-8")
        vein, catheter = route_entries(load_comparison(str(path)), reuse, MPI.COMM_SELF)
    tumour, plasma = "tumour_auc_mean_kg_s_m3", "plasma_auc_kg_s_m3"
    return {
        "gain": catheter[tumour] / vein[tumour],
        "relief": vein[plasma] / catheter[plasma],
        "regional": (catheter[tumour] / catheter[plasma]) / (vein[tumour] / vein[plasma]),
        "formula": 1 + share * clearance / (artery * (1 - extraction)),
        "numbers": numbers,
    }


def smaller_advantages(draws: int = DRAWS) -> dict[str, Floats]:
    """The smaller of gain and relief of each draw, by drug: how many times better an artery is in both."""
    found = advantages(draws)
    return {drug: np.array([min(row["gain"], row["relief"]) for row in rows]) for drug, rows in found.items()}

# SPDX-License-Identifier: MIT
"""The same measures for every way in, injection or vascular: exposure of tumour, organ and body."""

from dataclasses import dataclass
from typing import Any, Final

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray

from solver.routes.body import regional_advantage
from solver.routes.parameters import Route
from solver.routes.pharmacokinetics import ORGAN, PLASMA, STORES, TUMOUR
from solver.routes.tissue import Exposure
from solver.tissue.discretisation import Discretisation
from solver.tissue.materials import Pairs

Floats = NDArray[np.float64]

SHARES = (0.05, 0.5, 0.95)

ROUND_OFF: Final = 1e-9
"""Exposure of tissue over that of the tumour below which nothing of it is more than round-off."""


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """By what an exposure is judged.

    Attributes:
        half_effect: AUC of half the effect [kg s/m3]; 0 where it is not known.
        kill_factor: by which the way in multiplies what an exposure does [-].
    """

    half_effect: float = 0.0
    kill_factor: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where exposures were found.

    Attributes:
        pairs: of nodes and regions.
        owned: nodes of this rank, which come first.
        comm: ranks that share the nodes.
    """

    pairs: Pairs
    owned: int
    comm: MPI.Comm


def place_of(data: Discretisation) -> Place:
    """The tissue of a run."""
    return Place(pairs=data.pairs, owned=data.halo.owned, comm=data.halo.comm)


def tissue_measures(place: Place, auc: Floats, peak: Floats, yardstick: Yardstick) -> dict[str, Any]:
    """Exposure over the volume of the tumour, and of the tissue around it, if there is any. Collective.

    Args:
        place: tissue.
        auc: integral of C dt [kg s/m3], shape ``(n,)``.
        peak: largest C [kg/m3], shape ``(n,)``.
        yardstick: by what it is judged.
    """
    inside = place.pairs.inside
    tumour_auc, tumour_peak = _spread(place, auc, inside), _spread(place, peak, inside)
    found: dict[str, Any] = {
        **{f"tumour_auc_{name}_kg_s_m3": value for name, value in tumour_auc.items()},
        **{f"tumour_peak_{name}_kg_m3": value for name, value in tumour_peak.items()},
        "tissue_auc_mean_kg_s_m3": _mean(place, auc, ~inside),
        "half_effect_kg_s_m3": yardstick.half_effect or None,
        "kill_factor": yardstick.kill_factor,
        "below_half_effect_fraction": None,
    }
    if yardstick.half_effect > 0.0:
        values, weights = _gathered(place, auc, inside)
        under = values * yardstick.kill_factor < yardstick.half_effect
        found["below_half_effect_fraction"] = float(weights[under].sum() / weights.sum())
    organ = found["tissue_auc_mean_kg_s_m3"]
    told = organ is not None and organ > ROUND_OFF * tumour_auc["mean"]
    found["selectivity"] = tumour_auc["mean"] / organ if told else None
    return found


def route_measures(data: Discretisation, route: Route, exposure: Exposure) -> dict[str, Any]:
    """All measures of a vascular route. Collective."""
    course = exposure.course
    areas = course.exposures[-1]
    yardstick = Yardstick(half_effect=route.half_effect, kill_factor=route.kill_factor)
    return {
        "given_kg": float(course.given[-1]),
        "into_tumour_kg": exposure.into_tumour,
        "into_tumour_fraction": exposure.into_tumour / float(course.given[-1]),
        **tissue_measures(place_of(data), exposure.auc, exposure.peak, yardstick),
        "arterial_auc_kg_s_m3": float(areas[TUMOUR]),
        "arterial_peak_kg_m3": float(course.largest[TUMOUR]),
        "organ_blood_auc_kg_s_m3": float(areas[ORGAN]),
        "plasma_auc_kg_s_m3": float(areas[PLASMA]),
        "plasma_peak_kg_m3": float(course.largest[PLASMA]),
        "regional_advantage": float(areas[TUMOUR] / areas[PLASMA]) if areas[PLASMA] > 0 else None,
        "regional_advantage_formula": _expected(route),
        "body": {f"{name}_kg": float(kg) for name, kg in zip(STORES, course.amounts[-1], strict=True)},
        "ledger": exposure.books,
        "part_of_body": {
            "fluid_m3": exposure.part.fluid,
            "bound_m3": exposure.part.bound,
            "clearance_m3_per_s": exposure.part.clearance,
        },
        "body_residual_relative": course.residual(),
        "tissue_residual_relative": exposure.residual,
        "coupling_residual_relative": exposure.apart,
        "coupling_disagreement_relative": exposure.disagreement,
        "owed_by_a_store_relative": exposure.owed,
        "tries": exposure.tries,
    }


def _expected(route: Route) -> float | None:
    """R_d by its formula, where the first pass is constant; None elsewhere."""
    region = route.region
    if route.kind != "arterial" or region.capacity > 0.0:
        return None
    return regional_advantage(route.body.clearance, region.artery_flow, region.extraction)


def _mean(place: Place, values: Floats, where: NDArray[np.bool_]) -> float | None:
    """Mean over volume; None where there is none."""
    found, weights = _gathered(place, values, where)
    return float((weights * found).sum() / weights.sum()) if found.size else None


def _spread(place: Place, values: Floats, where: NDArray[np.bool_]) -> dict[str, float]:
    """Mean, and quantiles over volume."""
    found, weights = _gathered(place, values, where)
    order = np.argsort(found)
    found, weights = found[order], weights[order]
    below = (np.cumsum(weights) - 0.5 * weights) / weights.sum()
    quantiles = np.interp(SHARES, below, found)
    names = [f"p{round(100 * share)}" for share in SHARES]
    return {
        "mean": float((weights * found).sum() / weights.sum()),
        **dict(zip(names, quantiles.tolist(), strict=True)),
    }


def _gathered(place: Place, values: Floats, where: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Values and volumes of the pairs chosen, of all ranks."""
    pairs = place.pairs
    chosen = where & (pairs.node < place.owned)
    ranks = place.comm.allgather((values[pairs.node[chosen]], pairs.volume[chosen]))
    return np.concatenate([rank[0] for rank in ranks]), np.concatenate([rank[1] for rank in ranks])

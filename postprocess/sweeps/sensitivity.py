# SPDX-License-Identifier: MIT
"""Which uncertain number matters for which result: Sobol and Morris indices by SALib, or rank correlation."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, spearmanr

from postprocess.sweeps.results import Metric, SweepResult

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
WIDEST = 0.3
"""Half width of an interval, over the largest value possible, from which a ranking means little."""
FEWEST = 8
"""Complete cases below which nothing is said."""


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """How much each drawn number matters for one result.

    Attributes:
        metric: the result.
        method: ``sobol``, ``morris`` or ``rank correlation``.
        columns: of the inputs.
        main: first-order index, mean elementary effect in the unit shown, or rank correlation.
        total: total index, spread of the elementary effects; None for rank correlation.
        margin: half of the 95 % interval of ``main``.
    """

    metric: Metric
    method: str
    columns: tuple[str, ...]
    main: Floats
    total: Floats | None
    margin: Floats

    @property
    def uncertain(self) -> bool:
        """Whether the intervals are too wide to rank the numbers by."""
        limit = WIDEST if self.method != "morris" else WIDEST * float(np.max(np.abs(self.main)))
        return bool(np.max(self.margin) > limit)


def sensitivity(sweep: SweepResult, metric: Metric) -> Sensitivity | None:
    """Indices for one result; None where too few cases are complete or the result does not vary.

    Designs for indices need every case: where one of theirs failed, rank correlation is given instead.
    """
    columns = tuple(name for name in sweep.drawn if sweep.frame[name].nunique() > 1)
    rows = sweep.done
    if not columns or len(rows) < FEWEST or not sweep.varies(metric):
        return None
    values = metric.factor * sweep.values(metric.column)
    if not np.all(np.isfinite(values)):
        return None
    sample = sweep.record.get("sample") or {}
    whole = len(rows) == len(sweep.frame) and len(sweep.record.get("axes") or []) == 0
    if whole and sample.get("method") == "saltelli":
        return _sobol(sweep, metric, values, int(sample["seed"]))
    if whole and sample.get("method") == "morris":
        return _morris(sweep, metric, values, int(sample["seed"]))
    return _ranks(sweep, metric, values, columns)


def _problem(sweep: SweepResult) -> dict[str, Any]:
    return {
        "num_vars": len(sweep.drawn),
        "names": list(sweep.drawn),
        "bounds": [[0.0, 1.0]] * len(sweep.drawn),
    }


def _sobol(sweep: SweepResult, metric: Metric, values: Floats, seed: int) -> Sensitivity:
    from SALib.analyze import sobol

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = sobol.analyze(
            _problem(sweep), values, calc_second_order=False, conf_level=CONFIDENCE, seed=seed
        )
    return Sensitivity(
        metric=metric,
        method="sobol",
        columns=tuple(sweep.drawn),
        main=np.asarray(found["S1"]),
        total=np.asarray(found["ST"]),
        margin=np.asarray(found["S1_conf"]),
    )


def _morris(sweep: SweepResult, metric: Metric, values: Floats, seed: int) -> Sensitivity:
    from SALib.analyze import morris

    shares = np.column_stack([_share(sweep, prior) for prior in sweep.record["sample"]["priors"]])
    found = morris.analyze(_problem(sweep), shares, values, conf_level=CONFIDENCE, num_levels=4, seed=seed)
    return Sensitivity(
        metric=metric,
        method="morris",
        columns=tuple(sweep.drawn),
        main=np.asarray(found["mu_star"], dtype=np.float64),
        total=np.asarray(found["sigma"], dtype=np.float64),
        margin=np.asarray(found["mu_star_conf"], dtype=np.float64),
    )


def _share(sweep: SweepResult, prior: dict[str, Any]) -> Floats:
    """Where a drawn value stands within its prior, in [0, 1]; the levels of the Morris design."""
    value = sweep.values(f"in.{prior['key']}")
    low, high, kind = prior["low"], prior["high"], prior["distribution"]
    if kind == "uniform":
        share = (value - low) / (high - low)
    elif kind == "log_uniform":
        share = np.log(value / low) / np.log(high / low)
    else:
        scale = np.log if kind == "log_normal" else np.positive
        score = (scale(np.array([*value, low, high])) - scale(prior["centre"])) / scale(prior["spread"])
        below = norm.cdf(score)
        share = (below[:-2] - below[-2]) / (below[-1] - below[-2])
    return np.round(np.asarray(share), 9)


def _ranks(sweep: SweepResult, metric: Metric, values: Floats, columns: tuple[str, ...]) -> Sensitivity:
    """Spearman's rank correlation; its interval by Fisher's transform (Fieller, Hartley and Pearson 1957)."""
    found = np.array([spearmanr(sweep.values(name), values).statistic for name in columns])
    spread = 1.96 * np.sqrt(1.06 / max(len(values) - 3, 1))
    upper = np.tanh(np.arctanh(np.clip(found, -0.999999, 0.999999)) + spread)
    lower = np.tanh(np.arctanh(np.clip(found, -0.999999, 0.999999)) - spread)
    return Sensitivity(
        metric=metric,
        method="rank correlation",
        columns=columns,
        main=found,
        total=None,
        margin=(upper - lower) / 2,
    )

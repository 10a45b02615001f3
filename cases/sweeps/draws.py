# SPDX-License-Identifier: MIT
"""Draws from priors: points in the unit cube, laid out by a method and a seed, turned into settings.

Low-discrepancy points by SciPy (Owen-scrambled Sobol, Latin hypercube); designs for sensitivity indices by
SALib. Correlations by a Gaussian copula, on the normal scores.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, qmc

from cases.schema.sweep import CorrelationTable, PriorTable, SampleTable
from cases.sweeps.axes import Row, bound, required_quantity, si_setting
from cases.sweeps.priors import shipped_priors

Floats = NDArray[np.float64]

MORRIS_LEVELS: Final = 4
BOUNDED: Final = ("uniform", "log_uniform")


@dataclass(frozen=True, kw_only=True)
class Prior:
    """A distribution of one key, in SI.

    Attributes:
        key: of the case file.
        distribution: ``uniform``, ``log_uniform``, ``normal`` or ``log_normal``.
        low: smallest value; the others are cut off there.
        high: largest value.
        centre: mean of ``normal``, median of ``log_normal``.
        spread: standard deviation of ``normal``, factor of one standard deviation of ``log_normal``.
        source: where it comes from.
    """

    key: str
    distribution: str
    low: float
    high: float
    centre: float = 0.0
    spread: float = 1.0
    source: str = ""

    def value(self, share: Floats) -> Floats:
        """Quantile function: values at the shares of the probability below them, in [0, 1]."""
        if self.distribution == "uniform":
            return self.low + share * (self.high - self.low)
        if self.distribution == "log_uniform":
            inner = self.low * (self.high / self.low) ** share
            return np.clip(inner, self.low, self.high)
        logarithmic = self.distribution == "log_normal"
        scale = np.log if logarithmic else np.positive
        centre, spread = float(scale(self.centre)), float(scale(self.spread))
        ends = [norm.cdf((float(scale(end)) - centre) / spread) for end in (self.low, self.high)]
        drawn = centre + spread * norm.ppf(ends[0] + share * (ends[1] - ends[0]))
        return np.clip(np.exp(drawn) if logarithmic else drawn, self.low, self.high)


def prior_of(table: PriorTable) -> Prior:
    """A prior as the sweep states it, completed from the shipped table.

    Raises:
        ValueError: it is not in the shipped table and incompletely stated, or makes no distribution.
    """
    shipped = shipped_priors().get(table.key)
    distribution = table.distribution or (shipped.distribution if shipped else None)
    if distribution is None:
        names = ", ".join(shipped_priors())
        raise ValueError(f"{table.key} has no shipped prior: state `distribution`. Shipped: {names}")
    quantity = required_quantity(table.key)

    def stated(name: str, default: float) -> float:
        own = getattr(table, name)
        if own is not None:
            return float(own) if name == "spread" and distribution == "log_normal" else bound(table.key, own)
        found = getattr(shipped, name, None) if shipped else None
        return default if found is None else found

    if distribution in BOUNDED and shipped is None and None in (table.low, table.high):
        raise ValueError(f"{table.key}: {distribution} needs `low` and `high`")
    if distribution not in BOUNDED and None in (table.centre, table.spread) and shipped is None:
        raise ValueError(f"{table.key}: {distribution} needs `centre` and `spread`")
    prior = Prior(
        key=table.key,
        distribution=distribution,
        low=stated("low", quantity.low),
        high=stated("high", quantity.high),
        centre=stated("centre", 0.0),
        spread=stated("spread", 1.0),
        source="the sweep" if table.model_fields_set != {"key"} or shipped is None else shipped.source,
    )
    _require_sound(prior)
    return prior


def _require_sound(prior: Prior) -> None:
    if prior.low >= prior.high:
        raise ValueError(f"{prior.key}: `low` is not below `high`")
    if prior.distribution.startswith("log") and prior.low <= 0:
        raise ValueError(f"{prior.key}: a logarithmic distribution needs `low` above zero")
    if prior.distribution == "log_normal" and (prior.centre <= 0 or prior.spread <= 1):
        raise ValueError(f"{prior.key}: log_normal needs `centre` above 0 and `spread`, a factor, above 1")
    if prior.distribution == "normal" and prior.spread <= 0:
        raise ValueError(f"{prior.key}: normal needs `spread` above 0")


def drawn_rows(table: SampleTable) -> tuple[list[Row], list[Prior]]:
    """The settings of every draw, and the priors that they come from.

    Raises:
        ValueError: a prior is wrong, or the method cannot do what is asked.
    """
    priors = [prior_of(prior) for prior in table.prior]
    keys = [prior.key for prior in priors]
    if len(set(keys)) != len(keys):
        raise ValueError("a key is drawn twice")
    if table.correlation and table.method in ("saltelli", "morris"):
        raise ValueError(f"{table.method} is for independent draws; leave out `correlation`")
    cube = correlated(unit_cube(table, keys), keys, table.correlation)
    columns = [prior.value(cube[:, number]) for number, prior in enumerate(priors)]
    rows = [
        tuple(si_setting(key, float(value)) for key, value in zip(keys, values, strict=True))
        for values in zip(*columns, strict=True)
    ]
    return rows, priors


def unit_cube(table: SampleTable, keys: Sequence[str]) -> Floats:
    """Points of the design, shape ``(draws, keys)``, each in [0, 1]."""
    size, count = len(keys), table.count
    if table.method == "sobol":
        with warnings.catch_warnings():
            # other counts than powers of two are balanced less well; docs/sweeps.md says so
            warnings.simplefilter("ignore", UserWarning)
            return qmc.Sobol(size, rng=np.random.default_rng(table.seed)).random(count)
    if table.method == "latin_hypercube":
        return qmc.LatinHypercube(size, rng=np.random.default_rng(table.seed)).random(count)
    if table.method == "random":
        return np.random.default_rng(table.seed).random((count, size))
    problem = unit_problem(keys)
    if table.method == "saltelli":
        from SALib.sample import sobol

        if count & (count - 1):
            raise ValueError(f"saltelli needs a power of two in `count`, found {count}")
        return np.asarray(sobol.sample(problem, count, calc_second_order=False, seed=table.seed))
    from SALib.sample import morris

    return np.asarray(morris.sample(problem, count, num_levels=MORRIS_LEVELS, seed=table.seed))


def unit_problem(keys: Sequence[str]) -> dict[str, Any]:
    """The unit cube as SALib describes it."""
    return {"num_vars": len(keys), "names": list(keys), "bounds": [[0.0, 1.0]] * len(keys)}


def correlated(cube: Floats, keys: Sequence[str], pairs: Sequence[CorrelationTable]) -> Floats:
    """Points whose normal scores have the stated correlations.

    Raises:
        ValueError: a key is not drawn, or the correlations contradict one another.
    """
    if not pairs:
        return cube
    matrix = np.eye(len(keys))
    for pair in pairs:
        for key in pair.keys:
            if key not in keys:
                raise ValueError(f"correlation: {key} is not drawn")
        i, j = (keys.index(key) for key in pair.keys)
        if i == j:
            raise ValueError(f"correlation: {pair.keys[0]} with itself")
        matrix[i, j] = matrix[j, i] = pair.value
    try:
        root = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError as error:
        raise ValueError("the correlations contradict one another (no positive definite matrix)") from error
    inner = np.clip(cube, 1e-12, 1 - 1e-12)
    return np.asarray(norm.cdf(norm.ppf(inner) @ root.T))

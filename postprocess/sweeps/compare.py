# SPDX-License-Identifier: MIT
"""Two sweeps held against one another: case by case where their inputs match, else as distributions."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from postprocess.figures.stage import plain_text
from postprocess.figures.style import INK, MUTED, RUN_LOOKS, Size, new_figure, pt, save_figure
from postprocess.pages.case_tables import Table
from postprocess.pages.page import inlined, rendered, write_page
from postprocess.results import quantities
from postprocess.results.result import ResultError
from postprocess.sweeps.results import NOTHING, Metric, SweepResult, open_sweep

REPORT: Final = "report.html"
TABLE: Final = "comparison.csv"
RECORD: Final = "comparison.json"
"""Names the two sweeps, so that their page is replaced by theirs alone."""
LEAST_PAIRS: Final = 2
BOOTSTRAPS: Final = 1000
BLOCK: Final = 1_000_000
"""Values that the bootstrap draws at a time."""
SEED: Final = 0
SAME: Final = 1e-9
"""Two values that differ by no more, relative to the larger, are the same."""
Floats = NDArray[np.float64]


class FolderInTheWay(ResultError):
    """The folder to write holds something else."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Two sweeps.

    Attributes:
        first: one of them.
        second: the other.
        pairs: rows of complete cases with the same inputs in both, columns with ``_1`` and ``_2``; None where
            cases do not match, and only distributions can be compared.
        metrics: results that both have.
    """

    first: SweepResult
    second: SweepResult
    pairs: pd.DataFrame | None
    metrics: list[Metric]

    @property
    def names(self) -> tuple[str, str]:
        """Of the two, or of their folders where they have one name."""
        if self.first.name != self.second.name:
            return self.first.name, self.second.name
        return str(self.first.folder), str(self.second.folder)

    def values(self, metric: Metric) -> tuple[Floats, Floats]:
        """A result of both in the unit shown, case beside case where they are paired; finite values alone."""
        if self.pairs is None:
            found = [metric.factor * one.values(metric.column) for one in (self.first, self.second)]
            return found[0][np.isfinite(found[0])], found[1][np.isfinite(found[1])]
        sides = [metric.factor * np.asarray(self.pairs[f"{metric.column}_{n}"], float) for n in (1, 2)]
        both = np.isfinite(sides[0]) & np.isfinite(sides[1])
        return sides[0][both], sides[1][both]


def compare(first: SweepResult, second: SweepResult) -> Compared:
    """Match the cases of two sweeps by their inputs, exactly, where both vary the same keys.

    Raises:
        ResultError: one has no complete case, or they have no result in common.
    """
    for one in (first, second):
        if one.done.empty:
            raise ResultError(f"{one.folder}: no case is complete")
    known = {metric.column for metric in second.metrics}
    metrics = [metric for metric in first.metrics if metric.column in known]
    if not metrics:
        raise ResultError(f"{first.folder} and {second.folder} have no result in common")
    return Compared(first=first, second=second, pairs=_pairs(first, second), metrics=metrics)


def _pairs(first: SweepResult, second: SweepResult) -> pd.DataFrame | None:
    keys = first.inputs
    if not keys or set(keys) != set(second.inputs):
        return None
    rows = [one.done for one in (first, second)]
    if any(frame.duplicated(keys).any() for frame in rows):
        return None
    if any(rows[0][key].dtype.kind != rows[1][key].dtype.kind for key in keys):
        return None
    both = rows[0].merge(rows[1], on=keys, how="inner", suffixes=("_1", "_2"), validate="one_to_one")
    return both if len(both) >= LEAST_PAIRS else None


def rows_of(compared: Compared) -> list[dict[str, Any]]:
    """What differs, one row a result, in the units shown.

    Paired: the difference second - first of each pair, 5, 50 and 95 %, and how often the second is larger.
    Else: the difference of the medians with its 95 % interval (bootstrap), the chance that a case of the
    second exceeds one of the first (ties count half), and the Kolmogorov-Smirnov distance with its p value.
    """
    out = []
    for metric in compared.metrics:
        a, b = compared.values(metric)
        if not (a.size and b.size):
            continue
        row: dict[str, Any] = {"result": metric.words, "unit": metric.unit, "first": a.size, "second": b.size}
        for name, values in (("first", a), ("second", b)):
            row |= {f"{name}_p{share}": float(np.percentile(values, share)) for share in (5, 50, 95)}
        out.append(row | (_paired(a, b) if compared.pairs is not None else _apart(a, b)))
    return out


def _paired(a: Floats, b: Floats) -> dict[str, float]:
    difference = np.where(np.abs(b - a) <= SAME * np.maximum(np.abs(a), np.abs(b)), 0.0, b - a)
    bands = {f"difference_p{share}": float(np.percentile(difference, share)) for share in (5, 50, 95)}
    larger = float(np.mean(difference > 0) + 0.5 * np.mean(difference == 0))
    return {**bands, "second_larger": larger, "same": float(np.mean(difference == 0))}


def _apart(a: Floats, b: Floats) -> dict[str, float]:
    rng = np.random.default_rng(SEED)
    medians = [_medians(part, rng) for part in (a, b)]
    low, high = np.percentile(medians[1] - medians[0], (2.5, 97.5))
    ranks = np.searchsorted(np.sort(a), b, side="left") + np.searchsorted(np.sort(a), b, side="right")
    test = ks_2samp(a, b)
    return {
        "difference_of_medians": float(np.median(b) - np.median(a)),
        "difference_low": float(low),
        "difference_high": float(high),
        "second_larger": float(ranks.mean() / (2 * a.size)),
        "ks_distance": float(test.statistic),
        "ks_p": float(test.pvalue),
    }


def _medians(values: Floats, rng: np.random.Generator) -> Floats:
    """Medians of draws with replacement, a block of draws at a time."""
    rows = max(BLOCK // values.size, 1)
    sizes = [min(rows, BOOTSTRAPS - start) for start in range(0, BOOTSTRAPS, rows)]
    return np.concatenate([np.median(rng.choice(values, (size, values.size)), axis=1) for size in sizes])


def _least(row: dict[str, Any]) -> float:
    """What is nothing in a row: round-off of its largest value, and shares that are of no interest."""
    largest = max(abs(row[f"{side}_p95"]) for side in ("first", "second"))
    return max(1e-6 * largest, 100 * NOTHING if row["unit"] == "%" else 0.0)


def table_of(compared: Compared, rows: list[dict[str, Any]]) -> Table:
    """The rows for people."""
    names = compared.names
    cells = []
    for row in rows:
        least = _least(row)

        def number(value: float, least: float = least) -> str:
            return quantities.significant(value) if abs(value) >= least else "0"

        bands = [
            " / ".join(number(row[f"{side}_p{share}"]) for share in (5, 50, 95))
            for side in ("first", "second")
        ]
        if compared.pairs is not None:
            middle = " / ".join(number(row[f"difference_p{share}"]) for share in (5, 50, 95))
            last = [quantities.percent(row["second_larger"]), quantities.percent(row["same"])]
        else:
            middle = f"{number(row['difference_of_medians'])} ({number(row['difference_low'])} to "
            middle += f"{number(row['difference_high'])})"
            last = [quantities.percent(row["second_larger"]), f"{row['ks_distance']:.2f} ({row['ks_p']:.2g})"]
        cells.append((f"{row['result']} [{row['unit']}]", *bands, middle, *last))
    if compared.pairs is not None:
        title = f"{len(compared.pairs)} cases of the same inputs: 5 / 50 / 95 %"
        heads = ("difference, case by case", f"{names[1]} larger", "the same")
    else:
        title = "Cases do not match, so distributions: 5 / 50 / 95 %"
        heads = ("difference of medians (95 %)", f"{names[1]} larger", "KS distance (p)")
    return Table(title=title, head=("", *names, *heads), rows=tuple(cells))


def figure_of(compared: Compared, metric: Metric) -> Figure:
    """Case against case with the line of equality, or both distributions."""
    a, b = compared.values(metric)
    names = [plain_text(name) for name in compared.names]
    figure = new_figure((5.2, 4.6), Size())
    axes = figure.subplots()
    if compared.pairs is not None:
        axes.scatter(a, b, s=pt(16), color=RUN_LOOKS[0][0], alpha=0.6, linewidths=0)
        ends = [min(a.min(), b.min()), max(a.max(), b.max())]
        axes.plot(ends, ends, color=MUTED, linewidth=pt(1.2), linestyle="dashed", label="the same")
        axes.set_xlabel(f"{names[0]} [{metric.unit}]")
        axes.set_ylabel(f"{names[1]} [{metric.unit}]")
    else:
        for values, name, (colour, line) in zip((a, b), names, RUN_LOOKS, strict=False):
            places = np.concatenate([[np.min(values)], np.sort(values)])
            shares = 100 * np.arange(values.size + 1) / values.size
            axes.step(
                places, shares, where="post", color=colour, linestyle=line, label=f"{name} ({values.size})"
            )
        axes.axhline(50, color=INK, linewidth=pt(0.7))
        axes.set_xlabel(metric.label)
        axes.set_ylabel("cases at or below [%]")
    axes.legend()
    axes.set_title(metric.words.capitalize())
    return figure


def build_comparison(first: Path, second: Path, out: Path) -> Path:
    """Write ``report.html``, ``comparison.csv`` and ``figures/`` about two sweeps.

    Args:
        first: folder of a sweep.
        second: the same.
        out: folder to write, made where it is missing.

    Raises:
        FolderInTheWay: the folder holds something else.
        ResultError: one is no sweep, or they cannot be compared, or the folder cannot be written.
    """
    compared = compare(open_sweep(first), open_sweep(second))
    rows = rows_of(compared)
    told = {"sweeps": [str(path.resolve()) for path in (first, second)]}
    try:
        _require_own(out, told)
        (out / "figures").mkdir(parents=True, exist_ok=True)
        (out / RECORD).write_text(json.dumps(told) + "\n", encoding="utf-8")
        pd.DataFrame(rows).to_csv(out / TABLE, index=False, lineterminator="\n")
        pictures = []
        for number, metric in enumerate(compared.metrics):
            if _worth_drawing(compared, metric):
                path = save_figure(figure_of(compared, metric), out / "figures" / f"compared_{number}.svg")
                pictures.append(
                    {
                        "name": path.stem,
                        "source": inlined(path),
                        "caption": metric.words,
                        "wide": False,
                        "broad": False,
                    }
                )
        text = rendered(
            "sweep_compare.html.j2",
            compared=compared,
            table=table_of(compared, rows),
            pictures=pictures,
            notice=compared.first.record["notice"],
        )
        return write_page(text, out / REPORT)
    except OSError as error:
        raise ResultError(f"{out}: cannot be written ({error.strerror})") from error


def _worth_drawing(compared: Compared, metric: Metric) -> bool:
    """Whether both sides have values of a result, and those of one differ."""
    both = all(values.size for values in compared.values(metric))
    return both and (compared.first.varies(metric) or compared.second.varies(metric))


def _require_own(out: Path, told: dict[str, list[str]]) -> None:
    """Refuse a folder that holds anything but the comparison of the same two sweeps."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        same = json.loads((out / RECORD).read_text("utf-8")) == told
    except (OSError, ValueError):
        same = False
    if not same:
        raise FolderInTheWay(
            f"{out}: holds something else than these two compared; --out names another folder"
        )

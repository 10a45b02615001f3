# SPDX-License-Identifier: MIT
"""One self-contained page about a sweep: what came out, how it varies, what matters, what failed."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from postprocess.figures.style import save_figure
from postprocess.pages.case_tables import Table
from postprocess.pages.page import inlined, rendered, write_page
from postprocess.results import quantities
from postprocess.results.result import ResultError
from postprocess.sweeps.figures import figures_of, importance
from postprocess.sweeps.probability import map_table, open_map
from postprocess.sweeps.probability_figures import map_figures
from postprocess.sweeps.results import Metric, SweepResult, is_numeric, open_sweep, short_names
from postprocess.sweeps.sensitivity import Sensitivity, sensitivity

REPORT: Final = "report.html"
CAPTIONS: Final = {
    "response": "along this axis; the band holds 90 % of the cases that share a value of it",
    "map": "over both axes; the median where more varies",
    "trade_off": "each point is a case; the line joins those that no other case beats in both",
    "spread": "over all complete cases; the lines are at 5, 50 and 95 %",
    "probability_cut": "share of the cases that reach the threshold, on the cut through the needle",
    "probability_space": "where 5, 50 and 95 % of the cases reach the threshold; the outer two cut open",
    "probability_radius": "share of the cases that reach each threshold, by distance from the centre",
    "importance": "how much each drawn number matters; whiskers are 95 % intervals",
}


def build_sweep_report(folder: Path) -> Path:
    """Write ``report.html`` and ``figures/`` of a sweep.

    Raises:
        ResultError: the folder is no sweep, or cannot be written.
    """
    sweep = open_sweep(folder)
    chances = open_map(folder) if sweep.mapped else None
    found = [index for metric in sweep.metrics if (index := sensitivity(sweep, metric)) is not None]
    try:
        (folder / "figures").mkdir(exist_ok=True)
        text = rendered(
            "sweep.html.j2",
            notice=sweep.record["notice"],
            sweep=sweep,
            counts=Counter(sweep.frame["status"]),
            bands=band_table(sweep),
            inputs=input_table(sweep),
            sources=prior_sources(sweep),
            wide=[index.metric.words for index in found if index.uncertain],
            failures=failure_table(sweep),
            flags=flag_table(sweep),
            best=best_table(sweep),
            indices=[index_table(sensitivity) for sensitivity in found],
            pictures=_pictures(sweep, found, folder / "figures"),
            chances=chances,
            moving=any(name.startswith("in.geometry.") for name in sweep.inputs),
            chance_table=map_table(chances) if chances else None,
            chance_pictures=_saved(map_figures(chances), folder / "figures", ".png") if chances else [],
        )
        return write_page(text, folder / REPORT)
    except OSError as error:
        raise ResultError(f"{folder}: cannot be written ({error.strerror})") from error


def shown(metric: Metric, value: float) -> str:
    """A result with its unit; a dash where a case has none."""
    return f"{quantities.significant(value)} {metric.unit}" if np.isfinite(value) else "none"


def band_table(sweep: SweepResult) -> Table:
    """5, 50 and 95 % of each result over the complete cases."""
    rows = []
    for metric in sweep.metrics:
        values = metric.factor * sweep.values(metric.column)
        values = values[np.isfinite(values)]
        if values.size:
            band = (shown(metric, float(np.percentile(values, share))) for share in (5, 50, 95))
            rows.append((metric.words, *band))
    return Table(title="Over all complete cases", head=("", "5 %", "median", "95 %"), rows=tuple(rows))


def input_table(sweep: SweepResult) -> Table:
    """What varies, from where to where, and how it was chosen."""
    priors = {f"in.{prior['key']}": prior for prior in (sweep.record.get("sample") or {}).get("priors", [])}
    names = short_names(sweep.inputs)
    rows = []
    for column in sweep.inputs:
        values = sweep.frame[column]
        factor, unit = sweep.unit(column)
        if is_numeric(values):
            ends = f"{factor * values.min():.4g} to {factor * values.max():.4g} {unit}".rstrip()
        else:
            ends = ", ".join(sorted({str(value) for value in values})[:6])
        prior = priors.get(column)
        how = prior["distribution"].replace("_", "-") if prior else "axis"
        rows.append((names[column], ends, str(values.nunique()), how))
    return Table(title="What varies", head=("", "from, to", "values", "how"), rows=tuple(rows))


def failure_table(sweep: SweepResult) -> Table | None:
    """Cases without a result, by reason."""
    open_or_failed = sweep.frame[sweep.frame["status"] != "complete"]
    if open_or_failed.empty:
        return None
    rows = []
    for (status, reason), group in open_or_failed.groupby(["status", "reason"], sort=False):
        cases = ", ".join(str(case) for case in group["case"][:8]) + (" and more" if len(group) > 8 else "")
        rows.append((str(reason) or str(status), str(len(group)), cases))
    return Table(title="Cases without a result", head=("reason", "cases", "which"), rows=tuple(rows))


def flag_table(sweep: SweepResult) -> Table | None:
    """How many complete cases raise which flag."""
    found = Counter(flag for flags in sweep.done["flags"] for flag in str(flags).split())
    if not found:
        return None
    rows = [
        (flag.partition(":")[2].replace("_", " "), flag.partition(":")[0], str(count), _share(count, sweep))
        for flag, count in found.most_common()
    ]
    return Table(title="Checks on validity", head=("check", "level", "cases", "share"), rows=tuple(rows))


def _share(count: int, sweep: SweepResult) -> str:
    return quantities.percent(count / len(sweep.done))


def best_table(sweep: SweepResult) -> Table | None:
    """The cases that destroy most, least spill first among equals."""
    metrics = {metric.column.split(".")[-1]: metric for metric in sweep.metrics}
    if not {"coverage", "net_fraction"} <= set(metrics) or sweep.done.empty:
        return None
    gain, harm = metrics["coverage"], metrics["net_fraction"]
    known = sweep.done.dropna(subset=[gain.column])
    ordered = known.sort_values([gain.column, harm.column], ascending=[False, True]).head(5)
    rows = []
    for _, row in ordered.iterrows():
        inputs = (_input(sweep, name, row[name]) for name in sweep.inputs)
        found = (shown(metric, metric.factor * float(row[metric.column])) for metric in (gain, harm))
        rows.append((str(row["case"]), *inputs, *found))
    head = ("case", *map(sweep.label, sweep.inputs), gain.words, harm.words)
    return Table(title="The cases that destroy most", head=head, rows=tuple(rows))


def _input(sweep: SweepResult, column: str, value: Any) -> str:
    if not is_numeric(sweep.frame[column]):
        return str(value)
    return f"{sweep.unit(column)[0] * float(value):.4g}"


def prior_sources(sweep: SweepResult) -> list[tuple[str, str]]:
    """Where each prior comes from: words and source."""
    names = short_names(sweep.inputs)
    priors = (sweep.record.get("sample") or {}).get("priors", [])
    return [(names[f"in.{prior['key']}"], str(prior["source"])) for prior in priors]


def index_table(found: Sensitivity) -> Table:
    """Indices of one result, the most important number first."""
    names = short_names(found.columns)
    heads = {
        "sobol": ("first order", "± 95 %", "total"),
        "morris": ("mean effect", "± 95 %", "spread"),
        "rank correlation": ("rank correlation", "± 95 %"),
    }[found.method]
    rows = []
    for i in np.argsort(-np.abs(found.main)):
        cells = [f"{found.main[i]:.3f}", f"{found.margin[i]:.3f}"]
        if found.total is not None:
            cells.append(f"{found.total[i]:.3f}")
        rows.append((names[found.columns[i]], *cells))
    return Table(
        title=f"{found.metric.words.capitalize()}: {found.method}", head=("", *heads), rows=tuple(rows)
    )


def _pictures(sweep: SweepResult, found: Sequence[Sensitivity], folder: Path) -> list[dict[str, Any]]:
    figures = figures_of(sweep)
    figures |= {f"importance_{number}": importance(index) for number, index in enumerate(found)}
    return _saved(figures, folder, ".svg")


def _saved(figures: dict[str, Figure], folder: Path, suffix: str) -> list[dict[str, Any]]:
    """Figures written into a folder, and what the page says of each."""
    out = []
    for name, figure in figures.items():
        path = save_figure(figure, folder / f"{name}{suffix}")
        kind = next(kind for kind in CAPTIONS if name.startswith(kind))
        out.append(
            {"name": name, "source": inlined(path), "caption": CAPTIONS[kind], "wide": False, "broad": False}
        )
    return out

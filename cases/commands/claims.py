# SPDX-License-Identifier: MIT
"""Claims put to the test: each a few sweeps, one number for each draw, and a verdict by a stated rule.

    python3 -m cases.commands.claims [--out DIR] [--only H1 ...] [--engine serial|snakemake]

writes DIR/claims.json, DIR/report.html and the sweeps. What is finished is not run again.
"""

import argparse
import os
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from cases.about import NOTICE, VERSION
from cases.claims.draws import SEED
from cases.claims.metrics import METRICS
from cases.errors import ExitCode

Floats = NDArray[np.float64]

FILE: Final = Path(__file__).parents[1] / "claims" / "claims.toml"
SHIPPED: Final = Path(__file__).parents[1] / "shipped"
SURE: Final = 0.95
"""Share of the draws on the claim's side from which it is consistent; 1 - SURE or less is inconsistent."""
RELATED: Final = 0.4
"""Rank correlation from which a claim is said to depend on an input."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the model says of a claim.

    Attributes:
        id: of the claim.
        statement: in our words.
        hypothesis: what was tested.
        metric: what was computed, with its unit.
        limit: that the metric was held against.
        side: of the limit on which the claim lies.
        p5: 5 % of the draws lie below; None where nothing was computed.
        p50: median.
        p95: 95 % of the draws lie below.
        share: of the draws on the claim's side.
        draws: number of values.
        failed: runs without a result.
        verdict: ``consistent``, ``inconsistent``, ``undecided`` or ``not tested``.
        depends_on: inputs that the metric follows most, with their rank correlation.
        decided_by: what would decide it.
        scenarios: 5, 50 and 95 % of each scenario, where a claim has several.
    """

    id: str
    statement: str
    hypothesis: str
    metric: str
    limit: float
    side: str
    p5: float | None
    p50: float | None
    p95: float | None
    share: float | None
    draws: int
    failed: int
    verdict: str
    depends_on: dict[str, float]
    decided_by: str
    scenarios: dict[str, list[float]] = field(default_factory=dict)


def all_claims() -> list[dict[str, Any]]:
    """The shipped claims."""
    found: list[dict[str, Any]] = tomllib.loads(FILE.read_text("utf-8"))["claim"]
    return found


def sweep_text(name: str, sweep: dict[str, Any]) -> str:
    """A claim's sweep as a sweep file."""
    case = SHIPPED / sweep.get("case", "reference.toml")
    lines = [
        f'name = "{name}"',
        f'case = "{case}"',
        f"set = {_toml(['outputs.figures=false', *sweep.get('set', [])])}",
    ]
    for axis in sweep.get("axes", []):
        lines += ["[[axis]]", *(f"{key} = {_toml(value)}" for key, value in axis.items())]
    drawn = [*({"key": key} for key in sweep.get("priors", [])), *sweep.get("drawn", [])]
    if drawn:
        lines += ["[sample]", f"count = {sweep['count']}", f"seed = {SEED}", 'method = "latin_hypercube"']
        for prior in drawn:
            lines += ["[[sample.prior]]", *(f"{key} = {_toml(value)}" for key, value in prior.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, int | float) else '"' + str(value).replace('"', '\\"') + '"'


def run_claim(claim: dict[str, Any], out: Path, engine: str) -> Verdict:
    """Run the sweeps of a claim that are not done, and judge it."""
    tables, failed = {}, 0
    for number, sweep in enumerate(claim.get("sweep", [])):
        name = f"{claim['id'].lower()}-{number}"
        table = run_sweep(name, sweep, out, engine)
        tables[sweep.get("name", "")] = table[table["status"] == "complete"]
        failed += int((table["status"] != "complete").sum())
    if not claim["metric"]:
        return judged(claim, np.zeros(0), {}, failed)
    found = METRICS[claim["metric"]](tables)
    parts = found if isinstance(found, dict) else {"": found}
    values = np.concatenate(list(parts.values()))
    depends = {} if isinstance(found, dict) else _depends(values, tables)
    verdict = judged(claim, values[np.isfinite(values)], depends, failed)
    bands = {name: band(part[np.isfinite(part)]) for name, part in parts.items() if name}
    return replace(verdict, scenarios=bands)


def run_sweep(name: str, sweep: dict[str, Any], out: Path, engine: str) -> pd.DataFrame:
    """Run one sweep as far as it is not done; its table."""
    from cases.sweeps.control import controlled
    from cases.sweeps.engine import run_serially, run_snakemake
    from cases.sweeps.expand import load_sweep
    from cases.sweeps.folder import SweepFolder, make_plan
    from cases.sweeps.table import write_table

    files = out / "sweeps"
    files.mkdir(parents=True, exist_ok=True)
    path = files / f"{name}.toml"
    path.write_text(sweep_text(name, sweep), encoding="utf-8")
    plan, folder = make_plan(load_sweep(path)), SweepFolder(files / name)
    with controlled(folder) as control:
        folder.write_plan(plan)
        if engine == "serial":
            run_serially(folder, plan)
        else:
            run_snakemake(folder, plan, control, len(os.sched_getaffinity(0)), None)
        folder.remove_leases(plan.jobs)
        return pd.DataFrame(write_table(folder, plan))


def judged(claim: dict[str, Any], values: Floats, depends_on: dict[str, float], failed: int) -> Verdict:
    """The verdict on a claim from one number for each draw."""
    limit, below = float(claim["limit"]), claim["side"] == "below"
    if values.size:
        share = float(np.mean(values < limit if below else values > limit))
        verdict = "consistent" if share >= SURE else "inconsistent" if share <= 1 - SURE else "undecided"
        ends: list[float | None] = [*band(values)]
    else:
        share, verdict, ends = None, "not tested", [None, None, None]
    unit = f" [{claim['unit']}]" if claim["unit"] else ""
    return Verdict(
        id=claim["id"],
        statement=claim["statement"],
        hypothesis=claim["hypothesis"],
        metric=f"{claim['words']}{unit}",
        limit=limit,
        side=claim["side"],
        p5=ends[0],
        p50=ends[1],
        p95=ends[2],
        share=share,
        draws=int(values.size),
        failed=failed,
        verdict=verdict,
        depends_on=depends_on if verdict == "undecided" else {},
        decided_by=claim["decided_by"],
    )


def band(values: Floats) -> list[float]:
    """5, 50 and 95 %; nothing for no values."""
    return [float(np.percentile(values, percent)) for percent in (5, 50, 95)] if values.size else []


def _depends(values: Floats, tables: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Inputs that a metric follows, where it has one value for each row of one table; the strongest first."""
    if len(tables) != 1:
        return {}
    (table,) = tables.values()
    if len(table) != len(values):
        return {}
    # a draw in which the number has no meaning has none to follow
    table, values = table[np.isfinite(values)], values[np.isfinite(values)]
    found = {}
    for column in table.columns:
        if (
            column.startswith("in.")
            and pd.api.types.is_numeric_dtype(table[column])
            and table[column].nunique() > 2
        ):
            related = float(spearmanr(table[column], values).statistic)
            if abs(related) >= RELATED:
                found[column.removeprefix("in.")] = related
    return dict(sorted(found.items(), key=lambda item: -abs(item[1])))


def main(arguments: Sequence[str] | None = None) -> int:
    """Test the claims and write what was found."""
    from cases.running.files import write_json
    from postprocess.pages.claims_report import build_claims_report

    parser = argparse.ArgumentParser(prog="cases.commands.claims", description="Put the claims to the test.")
    parser.add_argument("--out", type=Path, default=Path("results/claims"))
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="claims to test; all by default")
    parser.add_argument("--engine", choices=("snakemake", "serial"), default="serial")
    options = parser.parse_args(arguments)
    verdicts = []
    for claim in all_claims():
        if options.only and claim["id"] not in options.only:
            continue
        verdicts.append(run_claim(claim, options.out, options.engine))
        print(line(verdicts[-1]), flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    found = [asdict(verdict) for verdict in verdicts]
    record = {"infusate": VERSION, "notice": NOTICE, "seed": SEED, "claims": found}
    write_json(options.out / "claims.json", record)
    print(f"wrote {build_claims_report(options.out)}")
    return ExitCode.DONE


def line(verdict: Verdict) -> str:
    """A verdict as a line of text."""
    if verdict.p50 is None:
        return f"{verdict.id:<4} {verdict.verdict}"
    band = f"{verdict.p5:.3g} / {verdict.p50:.3g} / {verdict.p95:.3g}"
    what = f"{verdict.metric}: {band}, limit {verdict.limit:g}, {verdict.draws} draws"
    return f"{verdict.id:<4} {verdict.verdict:<13} {what}"


if __name__ == "__main__":
    sys.exit(main())

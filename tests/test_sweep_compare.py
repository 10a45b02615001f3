# SPDX-License-Identifier: MIT
"""Two sweeps held against one another, on tables made by hand: pairs where inputs match, else sets."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cases.cli import main
from cases.errors import ExitCode
from postprocess.results.result import ResultError
from postprocess.sweeps import compare as compare_module
from postprocess.sweeps.compare import BOOTSTRAPS, build_comparison, compare, rows_of
from postprocess.sweeps.figures import figures_of
from postprocess.sweeps.report import build_sweep_report
from postprocess.sweeps.results import open_sweep

pytestmark = pytest.mark.serial

PEAK = "pressure.peak_Pa"


def made(folder: Path, rates: np.ndarray, peaks: np.ndarray, failed: int = 0) -> Path:
    """A folder of a sweep over the rate; the first ``failed`` of its cases have no result."""
    folder.mkdir()
    status = ["failed"] * failed + ["complete"] * (len(rates) - failed)
    frame = pd.DataFrame({"case": range(len(rates)), "id": [f"{folder.name}{i}" for i in range(len(rates))]})
    frame = frame.assign(status=status, reason="", flags="", **{"in.injection.0.rate": rates, PEAK: peaks})
    frame["blood.absorbed_fraction"] = 0.25
    frame.to_csv(folder / "table.csv", index=False)
    record = {"axes": [["injection.0.rate"]], "sample": None, "infusate": "0", "notice": "Research use only"}
    (folder / "columns.json").write_text(json.dumps({"units": {}, "record": record}))
    (folder / "plan.json").write_text(json.dumps({"name": folder.name, "title": ""}))
    return folder


def test_seeds_are_draws_and_no_axis(tmp_path: Path) -> None:
    folder = made(tmp_path / "a", np.arange(12.0), np.linspace(1e3, 2e3, 12))
    for name in ("table.csv", "columns.json"):
        path = folder / name
        path.write_text(path.read_text().replace("injection.0.rate", "tissue_fields.0.seed"))
    figures = figures_of(open_sweep(folder))
    assert "spread" in figures and not any(name.startswith("response") for name in figures)


def rows(first: Path, second: Path) -> tuple[bool, dict[str, float]]:
    found = compare(open_sweep(first), open_sweep(second))
    (row,) = (row for row in rows_of(found) if row["result"] == "peak pressure")
    return found.pairs is not None, row


def test_cases_of_the_same_inputs_are_pairs(tmp_path: Path) -> None:
    """Another order, a case more, a failed one: pairs remain, and differences are those of pairs."""
    rates = np.linspace(1.0, 2.0, 11)
    first = made(tmp_path / "a", rates, 1e3 * np.arange(11.0), failed=1)
    order = np.random.default_rng(1).permutation(11)
    second = made(tmp_path / "b", np.append(rates[order], 9.0), np.append(1e3 * (order + 0.5), 7e6))
    paired, row = rows(first, second)
    assert paired and row["first"] == 10
    assert [row[f"difference_p{share}"] for share in (5, 50, 95)] == pytest.approx([0.5] * 3)
    assert row["second_larger"] == 1.0 and row["same"] == 0.0


def test_other_inputs_are_compared_as_distributions(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    first = made(tmp_path / "a", rng.random(400), 1e3 * rng.normal(10.0, 1.0, 400))
    second = made(tmp_path / "b", rng.random(300), 1e3 * rng.normal(11.0, 1.0, 300))
    paired, row = rows(first, second)
    assert not paired
    # of two normal distributions a standard deviation apart: Phi(1/sqrt 2), and 2 Phi(1/2) - 1
    assert row["second_larger"] == pytest.approx(0.760, abs=0.04)
    assert row["ks_distance"] == pytest.approx(0.383, abs=0.06)
    assert row["difference_low"] < 1.0 < row["difference_high"] < 1.5 and row["ks_p"] < 1e-6


def test_a_value_that_occurs_twice_makes_no_pairs(tmp_path: Path) -> None:
    first = made(tmp_path / "a", np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]))
    second = made(tmp_path / "b", np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    paired, row = rows(first, second)
    assert not paired and row["second_larger"] == pytest.approx(0.5)


def test_the_command_writes_page_and_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rates = np.linspace(1.0, 2.0, 5)
    first, second = made(tmp_path / "a", rates, rates), made(tmp_path / "b", rates, 2 * rates)
    out = tmp_path / "out"
    assert main(["sweep", "compare", str(first), str(second), "--out", str(out)]) == ExitCode.DONE
    page = (out / "report.html").read_text()
    assert "5 cases of the same inputs" in page and "Research use only" in page
    table = pd.read_csv(out / "comparison.csv")
    assert table.loc[table["result"] == "peak pressure", "second_larger"].item() == 1.0
    assert (out / "figures" / "compared_1.svg").exists()
    # without a result to compare
    empty = made(tmp_path / "c", rates, rates, failed=5)
    assert main(["sweep", "compare", str(first), str(empty), "--out", str(out)]) == ExitCode.MISSING_INPUT
    assert "no case is complete" in capsys.readouterr().err
    with pytest.raises(ResultError, match="not there"):
        open_sweep(tmp_path)


def test_a_result_without_values_on_one_side_is_left_out(tmp_path: Path) -> None:
    """And a record of another version, which says less, is enough."""
    rates = np.linspace(1.0, 2.0, 5)
    first, second = made(tmp_path / "a", rates, rates), made(tmp_path / "b", 2 * rates, np.full(5, np.nan))
    (first / "columns.json").write_text(json.dumps({"units": {}, "record": {}}))
    page = build_comparison(first, second, tmp_path / "out").read_text()
    assert "Research use only" in page
    results = set(pd.read_csv(tmp_path / "out" / "comparison.csv")["result"])
    assert "peak pressure" not in results and "agent washed into blood" in results
    build_sweep_report(first)


def test_what_a_comparison_would_replace_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of the sweeps, the comparison of two others, and anything else; its own page is written anew."""
    rates = np.linspace(1.0, 2.0, 5)
    for run in ("1", "2"):
        (tmp_path / run).mkdir()
    first, second = made(tmp_path / "1" / "s", rates, rates), made(tmp_path / "2" / "s", rates, rates)
    command = ["sweep", "compare", str(first), str(second), "--out"]
    (first / "report.html").write_text("its page")
    assert main([*command, str(first)]) == ExitCode.OUTPUT
    assert "is one of the sweeps compared" in capsys.readouterr().err
    assert (first / "report.html").read_text() == "its page"
    for _ in range(2):
        assert main([*command, str(tmp_path / "out")]) == ExitCode.DONE
    third = made(tmp_path / "c", rates, rates)
    told = ["sweep", "compare", str(first), str(third), "--out", str(tmp_path / "out")]
    assert main(told) == ExitCode.OUTPUT
    assert "something else than these two" in capsys.readouterr().err


def test_the_bootstrap_takes_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws in blocks are the same draws."""
    values = np.random.default_rng(3).normal(size=2001)
    whole = np.median(np.random.default_rng(0).choice(values, (BOOTSTRAPS, values.size)), axis=1)
    monkeypatch.setattr(compare_module, "BLOCK", 30_000)
    tracemalloc.start()
    found = compare_module._medians(values, np.random.default_rng(0))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(found, whole)
    assert most < 8e6

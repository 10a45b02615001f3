# SPDX-License-Identifier: MIT
"""The verification ladder: one rung climbed quickly, what it writes, and that a rung can fail."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.ladder.climb import RUNGS, climb
from benchmarks.ladder.page import END, START, record, write
from benchmarks.ladder.rung import Check, Outcome, Series

pytestmark = pytest.mark.serial

RECORD = Path(__file__).parents[1] / "docs" / "verification.md"


def test_a_rung_and_its_page(tmp_path: Path) -> None:
    """B2 with the interface of two tissues: second order, a picture, tables, and the row of the record."""
    results = climb(["B2", "B3"], tmp_path, False)
    write(results, tmp_path, False)
    _, outcome, _ = results["B2"]
    assert outcome.holds
    assert outcome.series[0].order == pytest.approx(2.0, abs=0.1)
    assert (tmp_path / "B2.png").read_bytes().startswith(b"\x89PNG")
    (b2, b3) = json.loads((tmp_path / "ladder.json").read_text(encoding="utf-8"))
    assert b2["series"][0]["errors"] == list(outcome.series[0].errors)
    assert b3["holds"] and not b3["series"]
    with (tmp_path / "orders.csv").open(encoding="utf-8") as file:
        assert [row["rung"] for row in csv.DictReader(file)] == ["B2"] * 3
    page = (tmp_path / "ladder.md").read_text(encoding="utf-8")
    assert "2 of 2 rungs hold, at a quick look" in page and "python3 -m benchmarks.ladder --only B2" in page
    assert "<table>" in (tmp_path / "index.html").read_text(encoding="utf-8")
    kept = tmp_path / "record.md"
    kept.write_text(f"before\n{START}\noutdated\n{END}\nafter\n", encoding="utf-8")
    record(results, kept)
    text = kept.read_text(encoding="utf-8")
    assert (
        "outdated" not in text and "| B2 |" in text and text.startswith("before") and text.endswith("after\n")
    )


def test_a_rung_can_fail() -> None:
    """An order that theory does not know, an error that is too large, and a number that is off."""
    good = Series(label="", counts=(10, 20, 40), errors=(4e-2, 1e-2, 2.5e-3), theory=2.0)
    assert good.holds and good.order == pytest.approx(2.0)
    assert not replace(good, theory=1.0).holds
    assert not replace(good, errors=(4e-2, 2e-2, 1e-2)).holds
    assert not replace(good, limit=1e-3).holds
    for wrong in ((4e-2, 1e-2, float("nan")), (float("nan"), 1e-2, 2.5e-3), (4e-2, 1e-2, 0.0), (0.0,) * 3):
        assert not replace(good, errors=wrong).holds
    check = Check(quantity="", found=1.001, exact=1.0, tolerance=1e-2)
    assert check.holds and not replace(check, tolerance=1e-4).holds
    assert not replace(check, found=float("nan")).holds
    assert not Outcome(series=(good,), checks=(replace(check, found=2.0),)).holds
    assert Outcome(series=(good,)).holds and not Outcome().holds


def test_the_record_names_every_rung() -> None:
    text = RECORD.read_text(encoding="utf-8").split(START)[1].split(END)[0]
    rows = {line.split("|")[1].strip(): line for line in text.splitlines()[3:] if line.startswith("|")}
    assert set(rows) == set(RUNGS)
    assert all(row.endswith("| yes |") for row in rows.values()), "a rung that fails is no record"

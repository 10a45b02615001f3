# SPDX-License-Identifier: MIT
"""Claims: the rule of verdicts, metrics on tables made by hand, closed forms, and one claim for real."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cases.claims import draws, routes
from cases.claims.closed_forms import injection_numbers, lifetimes
from cases.claims.metrics import METRICS, paired, selective, taken_by_a_vein
from cases.claims.routes import advantages
from cases.commands.claims import _depends, all_claims, judged, main, sweep_text
from cases.errors import ExitCode
from cases.sweeps.expand import load_sweep

pytestmark = pytest.mark.serial

CLAIM = {
    "id": "H0",
    "statement": "",
    "hypothesis": "",
    "words": "number",
    "unit": "mm",
    "limit": 1.0,
    "side": "below",
    "decided_by": "",
}


@pytest.mark.parametrize(
    ("above", "verdict"),
    [(0, "consistent"), (5, "consistent"), (6, "undecided"), (94, "undecided"), (95, "inconsistent")],
)
def test_the_rule(above: int, verdict: str) -> None:
    values = np.array([2.0] * above + [0.5] * (100 - above))
    assert judged(CLAIM, values, {}, 0).verdict == verdict
    turned = judged(CLAIM | {"side": "above"}, 2.5 - values, {}, 0)
    assert turned.verdict == verdict or above in (5, 95)


def test_nothing_computed_is_not_tested() -> None:
    assert judged(CLAIM, np.zeros(0), {}, 0).verdict == "not tested"


def test_the_band_is_that_of_the_draws() -> None:
    found = judged(CLAIM, np.linspace(0.0, 1.0, 101), {"x": 0.7}, 3)
    assert (found.p5, found.p50, found.p95) == pytest.approx((0.05, 0.5, 0.95))
    assert found.failed == 3
    assert found.depends_on == {}


def test_every_claim_is_whole(tmp_path: Path) -> None:
    """H1 to H14, each with a metric or none, and sweeps that load."""
    claims = all_claims()
    assert [claim["id"] for claim in claims] == [f"H{number}" for number in range(1, 15)]
    for claim in claims:
        assert not claim["metric"] or claim["metric"] in METRICS
        for number, sweep in enumerate(claim.get("sweep", [])):
            path = tmp_path / f"{claim['id']}-{number}.toml"
            path.write_text(sweep_text(f"{claim['id'].lower()}-{number}", sweep))
            assert load_sweep(path).planned


def test_pairs_are_of_the_same_draw() -> None:
    table = pd.DataFrame(
        {"in.a": [1.0, 2.0, 2.0, 1.0, 3.0], "in.x": ["on", "on", "off", "off", "on"], "r": [5, 6, 3, 1, 9]}
    )
    first, second = paired(table, "r", "in.x", "on", "off")
    assert sorted(zip(first, second, strict=True)) == [(5.0, 1.0), (6.0, 3.0)]


def test_selectivity_wants_both() -> None:
    """A tumour of 10 mm, covered or half covered; normal tissue injured to 4 or 8 mm."""
    volume = 4 / 3 * np.pi * 1e-6
    tumour = pd.DataFrame({"tumour.volume_m3": [volume] * 2, "ablation.ct_4.5.coverage": [1.0, 0.5]})
    normal = pd.DataFrame({"ablation.ct_4.5.equivalent_radius_m": [4e-3, 8e-3]})
    found = selective({"tumour": tumour, "normal tissue": normal})
    assert found[0] == pytest.approx(max(-1.0, 10 * (0.95 ** (1 / 3) - 1)))
    assert found[1] == pytest.approx(3.0)
    assert found[2] == pytest.approx(10 * (0.95 ** (1 / 3) - 0.5 ** (1 / 3)))


def test_a_draw_without_a_number_hides_no_dependence() -> None:
    table = pd.DataFrame({"in.a": np.arange(20.0), "in.b": np.tile([0.0, 1.0, 2.0, 3.0], 5)})
    values = np.append(np.arange(19.0), np.nan)
    assert list(_depends(values, {"": table})) == ["a"]


def test_a_vein_takes_what_goes_beyond_the_same_draw() -> None:
    """Two draws at two distances, the same draws without a vein in another order; one of these has failed."""
    inputs = {"in.x": [1.0, 2.0, 1.0, 2.0], "in.vessel_lines.0.points.0.0": [0.002, 0.002, 0.004, 0.004]}
    vein = pd.DataFrame({**inputs, "blood.absorbed_fraction": [0.5, 0.7, 0.3, 0.4]})
    without = pd.DataFrame({"in.x": [2.0, 1.0], "blood.absorbed_fraction": [0.1, 0.2]})
    found = taken_by_a_vein({"vein": vein, "no vein": without})
    assert {name: list(values) for name, values in found.items()} == {
        "2 mm": pytest.approx([30.0, 60.0]),
        "4 mm": pytest.approx([10.0, 30.0]),
    }
    assert list(taken_by_a_vein({"vein": vein, "no vein": without[:1]})["4 mm"]) == pytest.approx([30.0])


def test_closed_forms_bracket_the_sources() -> None:
    """1 to 5 mM thiol at 1e6 to 1e7: well below a millisecond; 1 mL/min into intact tissue: 1e2 to 1e6."""
    life = lifetimes()
    assert life.min() > 1e-8 and life.max() < 1e-3
    number = injection_numbers()
    assert number.min() > 10 and np.median(number) > 1e3


def test_a_claim_is_tested_for_real(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path), "--only", "H10"]) == ExitCode.DONE
    found = {claim["id"]: claim for claim in json.loads((tmp_path / "claims.json").read_text())["claims"]}
    assert found["H10"]["verdict"] == "inconsistent"
    assert "Research use only" in (tmp_path / "report.html").read_text()


def test_every_claim_draws_with_the_seed_that_is_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    """One seed, and numbers of its own for each drug."""
    sources = {path.name: path.read_text("utf-8") for path in Path(routes.__file__).parent.glob("*.py")}
    assert [name for name, text in sources.items() if "default_rng" in text] == ["draws.py"]
    monkeypatch.setattr(routes, "_both", lambda drug, numbers, reuse: {"numbers": numbers})
    drawn = {drug: [row["numbers"] for row in rows] for drug, rows in advantages(3).items()}
    arteries = {numbers[0][0] for numbers in drawn.values()}
    assert len(arteries) == len(drawn)
    assert drawn == {drug: [row["numbers"] for row in rows] for drug, rows in advantages(3).items()}
    monkeypatch.setattr(draws, "SEED", draws.SEED + 1)
    assert drawn != {drug: [row["numbers"] for row in rows] for drug, rows in advantages(3).items()}


def test_the_routes_follow_first_pass_and_clearance() -> None:
    """R_d of what was computed against 1 + f_a CL/(Q_a (1 - E)), where the course ends within the window."""
    found = advantages(1)
    for drug, rows in found.items():
        for row in rows:
            artery, clearance, _, share, extraction = row["numbers"]
            assert row["relief"] == pytest.approx(1 / (1 - extraction), rel=0.01)
            assert row["formula"] == pytest.approx(1 + share * clearance / (artery * (1 - extraction)))
            # doxorubicin is still coming back from its second compartment
            if drug != "doxorubicin":
                assert row["regional"] == pytest.approx(row["formula"], rel=0.06)
            assert row["gain"] > 1.0

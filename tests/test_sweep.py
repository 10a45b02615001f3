# SPDX-License-Identifier: MIT
"""Sweeps: axes, draws, plan, batches, kill and resume, table, page; on small radial cases."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from cases.cli import main
from cases.errors import CaseError, ExitCode
from cases.schema.sweep import CorrelationTable
from cases.sweeps.draws import Prior, correlated
from cases.sweeps.expand import load_sweep
from cases.sweeps.folder import SweepFolder, make_plan
from cases.sweeps.priors import shipped_priors
from cases.sweeps.table import outputs, rows_of
from postprocess.sweeps.figures import pareto
from postprocess.sweeps.report import build_sweep_report
from postprocess.sweeps.results import short_names
from tests.case_files import REFERENCE

pytestmark = pytest.mark.serial

QUICK = 'set = ["geometry.kind=radial", "numerics.cells_per_front=3", "outputs.end=70 s"]\n'
RATES = """
[[axis]]
key = "injection.0.rate"
start = "0.5 mL/min"
stop = "2 mL/min"
count = 3
spacing = "log"
"""
VOLUMES = """
[[axis]]
key = "injection.0.volume"
values = ["0.2 mL", "0.4 mL"]
"""


def written(folder: Path, body: str, name: str = "quick") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(f'name = "{name}"\ncase = "{REFERENCE}"\n{QUICK}{body}', encoding="utf-8")
    return path


def problems(folder: Path, body: str) -> str:
    with pytest.raises(CaseError) as caught:
        load_sweep(written(folder, body))
    return str(caught.value)


def test_axes_are_combined_and_hit_their_ends(tmp_path: Path) -> None:
    sweep = load_sweep(written(tmp_path, "batch = 4\n" + RATES + VOLUMES))
    assert len(sweep.planned) == 6
    rates = [case.row[0].value for case in sweep.planned]
    assert rates == pytest.approx([0.5e-6 / 60] * 2 + [1e-6 / 60] * 2 + [2e-6 / 60] * 2)
    assert rates[0] == 0.5e-6 / 60 or rates[0] == pytest.approx(0.5e-6 / 60, rel=1e-15)
    last = sweep.load(sweep.planned[-1]).model.injections[0]
    assert (last.rate, last.volume) == (pytest.approx(2e-6 / 60), pytest.approx(4e-7))
    assert make_plan(sweep).batches == ((0, 1, 2, 3), (4, 5))


def test_names_of_cases_follow_their_content(tmp_path: Path) -> None:
    """Another order of the axes, or more values, leaves a case its name; another value gives another."""
    few, more = load_sweep(written(tmp_path, VOLUMES)), load_sweep(written(tmp_path, RATES + VOLUMES))
    names = {more.identity(case) for case in more.planned}
    assert len(names) == 6
    longer = load_sweep(written(tmp_path, VOLUMES.replace('"0.4 mL"]', '"0.4 mL", "0.6 mL"]')))
    assert [few.identity(case) for case in few.planned] == [longer.identity(c) for c in longer.planned[:2]]


def test_paired_keys_and_csv(tmp_path: Path) -> None:
    table = '[[axis]]\nkeys = ["injection.0.volume", "agent.reaction_rate"]\n'
    table += 'rows = [["0.2 mL", "0.01 1/s"], ["0.3 mL", "0.05 1/s"]]\n'
    rows = [case.row for case in load_sweep(written(tmp_path, table)).planned]
    (tmp_path / "cases.csv").write_text(
        "injection.0.volume,agent.reaction_rate\n0.2 mL,0.01 1/s\n0.3 mL,0.05 1/s\n"
    )
    same = [case.row for case in load_sweep(written(tmp_path, '[[axis]]\ncsv = "cases.csv"\n')).planned]
    assert rows == same
    assert [setting.value for setting in rows[1]] == pytest.approx([3e-7, 0.05])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('[[axis]]\nkey = "injection.0.rat"\nvalues = ["1 mL/min"]\n', 'did you mean "rate"'),
        ('[[axis]]\nkey = "injection.0.rate"\nvalues = ["1 mL"]\n', "volume per time"),
        ('[[axis]]\nkey = "injection.0.rate"\n', "expected one of `values`"),
        ('[[axis]]\nkey = "injection.0.rate"\nstart = "1 mL/min"\nstop = "2 mL/min"\n', "needs `start`"),
        ('[[axis]]\ncsv = "none.csv"\n', "none.csv cannot be read"),
        (
            '[[axis]]\nkeys = ["injection.0.rate"]\nrows = [["1 mL/min", 2]]\n',
            "row 1 has 2 values, expected 1",
        ),
        (VOLUMES + VOLUMES, "varies along two axes"),
        ('[[axis]]\nkey = "injection.0.rate"\nvalues = []\n', "no values"),
        ("rank = 2\n", 'did you mean "ranks"'),
        ('[sample]\ncount = 4\n[[sample.prior]]\nkey = "injection.0.rate"\n', "has no shipped prior"),
        (
            '[sample]\ncount = 3\nmethod = "saltelli"\n[[sample.prior]]\nkey = "agent.reaction_rate"\n',
            "power of two",
        ),
        (
            '[sample]\ncount = 4\n[[sample.prior]]\nkey = "agent.reaction_rate"\n'
            'low = "1 1/s"\nhigh = "0.1 1/s"\n',
            "`low` is not below `high`",
        ),
    ],
)
def test_mistakes_are_told_by_name(tmp_path: Path, body: str, words: str) -> None:
    found = problems(tmp_path, body)
    assert words in found
    assert "quick.toml" in found


def test_a_base_case_that_is_not_there(tmp_path: Path) -> None:
    path = written(tmp_path, VOLUMES)
    path.write_text(path.read_text().replace(str(REFERENCE), "nowhere.toml"))
    assert main(["sweep", str(path), "--dry-run"]) == ExitCode.INVALID


def test_priors_have_their_quantiles() -> None:
    share = np.array([0.0, 0.25, 0.5, 1.0])
    flat = Prior(key="", distribution="uniform", low=2.0, high=6.0)
    assert flat.value(share) == pytest.approx([2, 3, 4, 6])
    wide = Prior(key="", distribution="log_uniform", low=1e-2, high=1e2)
    assert wide.value(share) == pytest.approx([1e-2, 1e-1, 1.0, 1e2])
    bell = Prior(key="", distribution="normal", low=-50.0, high=50.0, centre=1.0, spread=2.0)
    assert bell.value(np.array([0.5, 0.8413447460685429])) == pytest.approx([1.0, 3.0])
    cut = Prior(key="", distribution="log_normal", low=0.1, high=1.0, centre=1.0, spread=2.0)
    assert cut.value(np.array([0.0, 1.0])) == pytest.approx([0.1, 1.0])
    assert cut.value(np.array([0.5]))[0] < 1.0


def test_correlated_draws_have_the_correlation_and_keep_their_margins() -> None:
    cube = np.random.default_rng(1).random((20_000, 3))
    found = correlated(cube, ["a", "b", "c"], [CorrelationTable(keys=["a", "c"], value=0.7)])
    # of normal scores 0.7 is a rank correlation of 6/pi asin(0.35)
    assert spearmanr(found[:, 0], found[:, 2]).statistic == pytest.approx(
        6 / np.pi * np.arcsin(0.35), abs=0.01
    )
    assert abs(spearmanr(found[:, 0], found[:, 1]).statistic) < 0.02
    assert np.histogram(found[:, 2], bins=4, range=(0, 1))[0] == pytest.approx([5000] * 4, rel=0.05)


def test_shipped_priors_hold_the_reference_case() -> None:
    """Every key is one of the case file, and no library default lies outside its own range."""
    from cases.reading.load import load_case

    model = load_case(REFERENCE).model
    tumour = model.tissues[1] if 1 in model.tissues else next(iter(model.tissues.values()))
    for key, prior in shipped_priors().items():
        assert prior.low < prior.high
        name = key.rpartition(".")[2]
        if key.startswith("tissues.tumour") and hasattr(tumour, name):
            assert prior.low * (1 - 1e-9) <= getattr(tumour, name) <= prior.high * (1 + 1e-9), key


def test_a_sweep_runs_once_and_makes_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = written(tmp_path, RATES + VOLUMES), tmp_path / "out"
    assert main(["sweep", str(path), "--out", str(out), "--engine", "serial"]) == ExitCode.DONE
    assert "6 cases, 6 done, 0 failed, 0 open" in capsys.readouterr().out
    stamps = {p: p.stat().st_mtime_ns for p in out.glob("cases/*/summary.json")}
    assert len(stamps) == 6
    table = (out / "table.csv").read_bytes()
    assert main(["sweep", str(path), "--out", str(out), "--engine", "serial"]) == ExitCode.DONE
    assert {p: p.stat().st_mtime_ns for p in out.glob("cases/*/summary.json")} == stamps
    assert (out / "table.csv").read_bytes() == table
    frame = pd.read_parquet(out / "table.parquet")
    assert list(frame["case"]) == list(range(6))
    assert frame["ledger.agent.injected_kg"].to_numpy() == pytest.approx([6e-7, 1.2e-6] * 3)
    # of a case only its summary stays
    assert {p.name for p in out.glob("cases/*/*")} == {"summary.json", "resolved.toml"}
    units = json.loads((out / "columns.json").read_text())["units"]
    assert units["in.injection.0.rate"] == "m^3/s" and units["pressure.peak_Pa"] == "Pa"
    assert main(["sweep", "report", str(out)]) == ExitCode.DONE
    page = (out / "report.html").read_text()
    assert "share of the tumour destroyed" in page and "6 complete" in page


def test_a_case_that_fails_is_a_row_with_a_reason(tmp_path: Path) -> None:
    """A tip that the second value pushes out of the tumour: invalid, and the others still run."""
    body = '[[axis]]\nkey = "injection.0.volume"\nvalues = ["0.2 mL"]\n'
    body += '[[axis]]\nkey = "geometry.domain_radius"\nvalues = ["60 mm", "9 mm"]\n'
    path, out = written(tmp_path, body), tmp_path / "out"
    assert main(["sweep", str(path), "--out", str(out), "--engine", "serial", "--quiet"]) == ExitCode.DONE
    folder = SweepFolder(out)
    rows = rows_of(folder, folder.plan())
    assert [row["status"] for row in rows] == ["complete", "failed"]
    assert "domain_radius" in str(rows[1]["reason"]) or "geometry" in str(rows[1]["reason"])
    build_sweep_report(out)
    assert "Cases without a result" in (out / "report.html").read_text()
    assert folder.forget_failures(folder.plan().jobs) == 1


def test_a_summary_becomes_columns() -> None:
    summary = {
        "status": "complete",
        "ablation": [{"measure": "ct", "threshold": 4.5, "coverage": 0.5, "margin": None}],
        "spill": {"net_fraction": 0.1, "shells": [{"distance_m": 1e-3, "largest_ct_dose": 2.0}]},
        "mesh": {"cells": 10, "quality": {"worst": 1.0}},
        "timing": {"total_s": 3.0},
    }
    assert dict(outputs(summary)) == {
        "ablation.ct_4.5.coverage": 0.5,
        "ablation.ct_4.5.margin": None,
        "spill.net_fraction": 0.1,
        "spill.shells.1mm.largest_ct_dose": 2.0,
        "mesh.cells": 10,
    }


def test_a_sweep_killed_again_and_again_ends_in_the_same_table(tmp_path: Path) -> None:
    """SIGKILL at three moments; nothing is lost, nothing finished is run again, the bytes are the same."""
    path, calm, rough = (
        written(tmp_path, "batch = 3\n" + RATES + VOLUMES),
        tmp_path / "calm",
        tmp_path / "rough",
    )
    assert main(["sweep", str(path), "--out", str(calm), "--engine", "serial", "--quiet"]) == ExitCode.DONE
    command = [
        sys.executable,
        "-m",
        "cases.cli",
        "sweep",
        str(path),
        "--out",
        str(rough),
        "--engine",
        "serial",
    ]
    seen: dict[Path, int] = {}
    for done in (1, 3, 4):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list(rough.glob("cases/*/summary.json"))) < done:
            time.sleep(0.01)
        process.kill()
        process.wait()
        now = {p: p.stat().st_mtime_ns for p in rough.glob("cases/*/summary.json")}
        assert seen.items() <= now.items()
        seen = now
    assert subprocess.run(command, capture_output=True).returncode == ExitCode.DONE
    assert (rough / "table.csv").read_bytes() == (calm / "table.csv").read_bytes()
    assert not list(rough.glob("leases/*"))


def test_snakemake_runs_batches_and_takes_up_what_was_killed(tmp_path: Path) -> None:
    path, out = written(tmp_path, "batch = 1\n" + VOLUMES), tmp_path / "out"
    assert main(["sweep", str(path), "--out", str(out), "--quiet"]) == ExitCode.DONE
    assert len(list(out.glob("cases/*/summary.json"))) == 2
    victim = next(iter(out.glob("cases/*/summary.json")))
    victim.unlink()
    (out / ".snakemake" / "locks").mkdir(exist_ok=True)
    assert main(["sweep", str(path), "--out", str(out), "--quiet"]) == ExitCode.DONE
    assert victim.exists()


def test_pareto() -> None:
    first, second = np.array([1.0, 2.0, 3.0, 2.0, 1.0]), np.array([3.0, 2.0, 2.5, 1.0, 3.5])
    assert list(pareto(first, second)) == [True, False, False, True, False]


def test_short_names_stay_different() -> None:
    names = short_names(["in.tissues.tumour.porosity", "in.tissues.tissue.porosity", "in.injection.0.rate"])
    assert len(set(names.values())) == 3
